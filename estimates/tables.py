"""What the terminal shows: documents in, Rich tables and sentences out; computes nothing."""

import re
import textwrap
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from rich.table import Table
from rich.text import Text

from estimates import words
from estimates.reports import Report, relays
from estimates.study import Study

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


def plain(text: str) -> str:
    """Text of a study without the characters that would command the terminal.

    >>> plain(f"red {chr(27)}[31m alert")
    'red �[31m alert'
    """
    return _CONTROL.sub("�", text)


def wrapped(text: str, width: int) -> str:
    """A sentence broken between words; what follows its first line keeps its indent."""
    indent = " " * (len(text) - len(text.lstrip()))
    return textwrap.fill(
        text,
        width,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    )


def title(study: Study) -> Text:
    """The title, and the reading if it is not the study's own."""
    reading = f", read as {study.variant_name}" if study.variant_name else ""
    return Text(plain(f"{study.title}{reading}"), style="bold")


def answer(study: Study, document: dict[str, Any]) -> Iterator[str]:
    """The headline, a sentence for each quantity: what it came to on the day of the last report."""
    headline = study.headline
    names = (
        [headline.quantity, headline.stated]
        if headline
        else [next(iter(study.quantities), study.carriers.name)]
    )
    rows = {row["name"]: row for row in document["quantities"]}  # the last of each name stays
    for row in (rows[name] for name in names if name in rows):
        half, error = (row["upper"] - row["lower"]) / 2, row["mcse_median"]
        says = study.quantities[row["name"]].says if row["name"] in study.quantities else ""
        on = f" by {words.date_words(row['date'])}" if row["date"] else ""
        label = words.label(row["name"], says, longest=80)
        middle = f"{words.spoken(row['median'], half, error)} {words.units(row['unit'])}".rstrip()
        ends = words.spoken_interval(row["lower"], row["upper"], error)
        yield f"{label[:1].upper()}{label[1:]}{on}: {middle} ({_share(document)} {ends})."


def _share(document: dict[str, Any]) -> str:
    return f"{100 * document['interval']['prob']:.0f} % interval"


def _table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", collapse_padding=True)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return table


def _add(table: Table, *cells: str) -> None:
    """A row of words that are no markup."""
    table.add_row(*(Text(plain(cell)) for cell in cells))


MOST_DAYS = 6
"""The terminal shows at most so many days of a quantity, the last ones; the files hold all."""


def quantities(document: dict[str, Any]) -> Table:
    """Every quantity at the last fitted reports: median, interval, Monte Carlo error of the median."""
    table = _table(
        "quantity", "on", "median", _share(document), "unit", "MC error", right=("median", "MC error")
    )
    for name, found in groupby(document["quantities"], itemgetter("name")):
        rows = list({row["date"]: row for row in found}.values())  # two reports of one day share their row
        shown = rows[-MOST_DAYS:]
        if len(rows) > MOST_DAYS:
            _add(table, name, f"{len(rows) - MOST_DAYS} earlier", "...", "", "", "")
        for row in shown:
            error, half = row["mcse_median"], (row["upper"] - row["lower"]) / 2
            _add(
                table,
                name if row is rows[0] else "",
                words.date_words(row["date"], short=True) if row["date"] else "",
                words.number(row["median"], half, error),
                words.interval(row["lower"], row["upper"], error),
                words.units(row["unit"]),
                words.number(error, 10 * error),
            )
    return table


def claims(study: Study, document: dict[str, Any]) -> Table:
    """Every claim with its probability."""
    table = _table("claim", "probability", right=("probability",))
    for row in document["claims"]:
        _add(table, study.claims[row["id"]].says, words.probability(row["probability"]))
    return table


def parameters(document: dict[str, Any]) -> Table:
    """Every unknown: median and interval."""
    table = _table("unknown", "median", _share(document), "unit", right=("median",))
    for row in document["parameters"]:
        if row["unit"] == "date":
            first, middle, last = (
                words.date_words(row[key], short=True) for key in ("lower", "median", "upper")
            )
            _add(table, row["name"], middle, f"{first} to {last}", "")
            continue
        half = (row["upper"] - row["lower"]) / 2
        ends = words.interval(row["lower"], row["upper"])
        _add(table, row["name"], words.number(row["median"], half), ends, words.units(row["unit"]))
    return table


def trend(study: Study, document: dict[str, Any]) -> Iterator[str]:
    """The pace between consecutive reports of different days, a sentence each; the last ones."""
    dates = {report.id: words.date_words(report.published, short=True) for report in study.reports}
    apart = [row for row in document["trend"] if row["per_day"]]
    for row in apart[-MOST_DAYS:]:
        pace, ratio = row["per_day"], row["ratio"]
        per_day = words.number(pace["median"], (pace["upper"] - pace["lower"]) / 2)
        times = words.number(ratio["median"], (ratio["upper"] - ratio["lower"]) / 2)
        yield (
            f"From {dates[row['from']]} to {dates[row['to']]}: {per_day} {study.carriers.name} a day "
            f"({words.interval(pace['lower'], pace['upper'])}), "
            f"{times} times as many ({words.interval(ratio['lower'], ratio['upper'])})."
        )


def trust(document: dict[str, Any]) -> Iterator[str]:
    """The verdict with what it rests on, one line, then its notes."""
    found = document["trust"]
    shown = [f"{found['ess']:,.0f} effective draws"]
    if found["pareto_k"] is not None:
        shown.append(f"Pareto k-hat {found['pareto_k']:.2f}")
    if found["r_hat"] is not None:
        shown.append(f"R-hat {found['r_hat']:.3f}")
    evidence = document["log_evidence"]
    if evidence:
        shown.append(f"log evidence {evidence['value']:.2f} ± {evidence['mcse']:.2f}")
    yield f"Trust: {found['verdict']} ({', '.join(shown)})."
    yield from (f"  {note}" for note in found["notes"])
    yield f"Engine: {document['engine']}; {document['engine_reason']}."
    reading = f", variant {document['variant']}" if document["variant"] else ""
    yield f"Model {document['model']}{reading}, seed {document['seed']}, study {document['fingerprint']}."


def reports(study: Study) -> Table:
    """Every report with the interval it is read as and its role."""
    table = _table("report", "published", "says", "read as", "role")
    repeated = relays(study.reports)
    for report in study.reports:
        _add(
            table,
            report.id,
            str(report.published),
            f"{report.says} ({report.measures})",
            str(report.says.seen),
            role(report, repeated),
        )
    return table


def role(report: Report, repeated: dict[str, str]) -> str:
    """What a report is used as."""
    if report.derived_from:
        return f"derived from {report.derived_from}"
    if report.held_out:
        return "held out"
    return f"relay of {repeated[report.id]}" if report.id in repeated else "data"


def priors(study: Study) -> Iterator[Table | str]:
    """Every assumption with its unit and the quantiles its prior implies."""
    table = _table("assumption", "5 %", "median", "95 %", "unit", right=("5 %", "median", "95 %"))
    for row in prior_rows(study):
        mark = " *" if row["judgement"] else ""
        _add(
            table,
            row["name"] + mark,
            row["q05"],
            row["median"],
            row["q95"],
            "" if row["unit"] in ("date", "dimensionless") else row["unit"],
        )
    yield table
    if any(assumption.judgement for assumption in study.assumptions.values()):
        yield "* judgement: no source is given"


def prior_rows(study: Study) -> Iterator[dict[str, Any]]:
    """The implied quantiles of every prior, as words."""
    for name, assumption in study.assumptions.items():
        implied = study.implied(name)
        shown = map(str, implied) if study.unit_of(name) == "date" else (f"{q:,.4g}" for q in implied)
        row = dict(zip(("q05", "median", "q95"), shown, strict=True))
        yield {"name": name, **row, "unit": study.unit_of(name), "judgement": assumption.judgement}


def checked(document: dict[str, Any]) -> Iterator[str | Text]:
    """What the audit found, what is missing with the blocks to paste, and what the study is known by."""
    warnings, model = document["warnings"], document["model"]
    notes = [finding for finding in document["findings"] if finding not in warnings]
    for heading, found in (("Answer these:", warnings), ("Audit:", notes)):
        if found:
            yield Text(heading, style="bold")
            yield from (f"  {finding}" for finding in found)
            yield ""
    if document["unused"]:
        yield f"Not used by the model {model}: {words.listed(document['unused'])}."
    missing = document["missing"]
    if missing:
        names = words.listed([found["name"] for found in missing])
        yield f"A run of {model} still needs {names}. Paste this and make it yours:"
        yield Text("\n" + "\n\n".join(m["paste"] for m in missing) + "\n")
    head = "Read without an error, but not complete." if missing else "Read without an error."
    yield f"{head} Fingerprint {document['fingerprint']}, data digest {document['data_digest']}."
