"""What the terminal shows: documents in, Rich tables and sentences out; computes nothing."""

from collections.abc import Iterator
from typing import Any

from rich.table import Table

from estimates import words
from estimates.reports import Report, relays
from estimates.study import Study


def _table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", collapse_padding=True)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    return table


def quantities(document: dict[str, Any]) -> Table:
    """Every quantity at every fitted report: median, interval, Monte Carlo error."""
    share = f"{100 * document['interval']['prob']:.0f} % interval"
    table = _table("quantity", "on", "median", "±", share, "unit", right=("median", "±"))
    before = None
    for row in document["quantities"]:
        half = (row["upper"] - row["lower"]) / 2
        table.add_row(
            row["name"] if row["name"] != before else "",
            words.date_words(row["date"], short=True) if row["date"] else "",
            words.number(row["median"], half, row["mcse_median"]),
            words.number(row["mcse_median"], 10 * row["mcse_median"]),
            words.interval(row["lower"], row["upper"], row["mcse_median"]),
            words.units(row["unit"]),
        )
        before = row["name"]
    return table


def claims(study: Study, document: dict[str, Any]) -> Table:
    """Every claim with its probability."""
    table = _table("claim", "probability", right=("probability",))
    for row in document["claims"]:
        table.add_row(study.claims[row["id"]].says, words.probability(row["probability"]))
    return table


def parameters(document: dict[str, Any]) -> Table:
    """Every unknown: median and interval."""
    share = f"{100 * document['interval']['prob']:.0f} % interval"
    table = _table("unknown", "median", share, "unit", right=("median",))
    for row in document["parameters"]:
        if row["unit"] == "date":
            ends = f"{words.date_words(row['lower'], short=True)} to {words.date_words(row['upper'], short=True)}"
            table.add_row(row["name"], words.date_words(row["median"], short=True), ends, "")
            continue
        half = (row["upper"] - row["lower"]) / 2
        ends = words.interval(row["lower"], row["upper"])
        table.add_row(row["name"], words.number(row["median"], half), ends, words.units(row["unit"]))
    return table


def trend(study: Study, document: dict[str, Any]) -> Iterator[str]:
    """The pace between consecutive reports, a sentence each."""
    dates = {report.id: words.date_words(report.published, short=True) for report in study.reports}
    for row in document["trend"]:
        head = f"From {dates[row['from']]} to {dates[row['to']]}: "
        pace, ratio = row["per_day"], row["ratio"]
        if pace:
            per_day = words.number(pace["median"], (pace["upper"] - pace["lower"]) / 2)
            head += f"{per_day} {study.carriers.name} a day ({words.interval(pace['lower'], pace['upper'])}), "
        times = words.number(ratio["median"], (ratio["upper"] - ratio["lower"]) / 2)
        yield f"{head}{times} times as many ({words.interval(ratio['lower'], ratio['upper'])})."


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


def reports(study: Study) -> Table:
    """Every report with the interval it is read as and its role."""
    table = _table("report", "published", "says", "read as", "role")
    repeated = relays(study.reports)
    for report in study.reports:
        table.add_row(
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
    return f"relay of {repeated[report.id]}" if report.id in repeated else "data"


def priors(study: Study) -> Table:
    """Every assumption with its unit and the quantiles its prior implies."""
    table = _table("assumption", "5 %", "median", "95 %", "unit", right=("5 %", "median", "95 %"))
    for row in prior_rows(study):
        table.add_row(row["name"], row["q05"], row["median"], row["q95"], row["unit"])
    return table


def prior_rows(study: Study) -> Iterator[dict[str, str]]:
    """The implied quantiles of every prior, as words."""
    for name in study.assumptions:
        implied = study.implied(name)
        shown = implied if study.unit_of(name) == "date" else [f"{quantile:.4g}" for quantile in implied]
        mark = " *" if study.assumptions[name].judgement else ""
        row = dict(zip(("q05", "median", "q95"), map(str, shown), strict=True))
        yield {"name": name + mark, **row, "unit": study.unit_of(name)}
