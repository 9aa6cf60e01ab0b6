"""What the terminal shows: documents in, Rich tables and sentences out; computes nothing."""

import re
import textwrap
from collections.abc import Iterable, Iterator, Sequence
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
    return Text(plain(words.titled(study.title, study.variant_name)), style="bold")


def answer(study: Study, document: dict[str, Any]) -> Iterator[str]:
    """The headline, a sentence for each quantity: what it came to on the day of the last report."""
    rows = {row["name"]: row for row in document["quantities"]}  # the last of each name stays
    for row in (rows[name] for name in study.leading if name in rows):
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
    told = across_issuers(study, apart)
    if told:
        yield told


def across_issuers(study: Study, trend: Sequence[dict[str, Any]]) -> str:
    """What to think of a trend between reports of different issuers; nothing where there is none."""
    issuers = {report.id: report.issuer for report in study.reports}
    if all(issuers[row["from"]] == issuers[row["to"]] for row in trend):
        return ""
    return (
        "Between reports of different issuers the trend rests on the model: the bias of each is its own and "
        "does not cancel."
    )


def trust(document: dict[str, Any]) -> Iterator[str]:
    """The verdict with what it rests on, one line, then its notes."""
    found = document["trust"]
    yield words.trusted(found, document["log_evidence"])
    yield from (f"  {note}" for note in found["notes"])
    yield f"Engine: {document['engine']}; {document['engine_reason']}."
    reading = f", variant {document['variant']}" if document["variant"] else ""
    yield f"Model {document['model']}{reading}, seed {document['seed']}, study {document['fingerprint']}."


def sources(document: dict[str, Any]) -> Iterator[str]:
    """How many independent sources of the level there are, a sentence."""
    found = document["sources"]
    if not found:
        return
    issuers, voices, effective = (found[key] for key in ("issuers", "voices", "effective"))
    left_out = (
        f" {_counted(found['bounds'], 'voice')} with a lower bound alone left out." if found["bounds"] else ""
    )
    yield (
        f"{_counted(issuers, 'issuer')} in {_counted(voices, 'voice')} "
        f"{'is' if issuers == 1 else 'are'} worth {effective:.1f} independent "
        f"source{'' if f'{effective:.1f}' == '1.0' else 's'} of the level.{left_out}"
    )


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun if count == 1 else words.units(noun)}"


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
    for correlation in study.correlations:
        mark = " *" if correlation.judgement else ""
        fixed = [n for n in correlation.between if study.assumptions[n].prior.family == "fixed"]
        idle = f" (without effect: {words.listed(fixed)} fixed)" if fixed else ""
        yield f"{words.together(correlation.between, correlation.rank_correlation)}{mark}{idle}"
    judged = [*(a.judgement for a in study.assumptions.values()), *(c.judgement for c in study.correlations)]
    if any(judged):
        yield "* judgement: no source is given"


def prior_rows(study: Study) -> Iterator[dict[str, Any]]:
    """The implied quantiles of every prior, as words."""
    for name, assumption in study.assumptions.items():
        row = dict(zip(("q05", "median", "q95"), study.implied(name), strict=True))
        if study.unit_of(name) == "date":
            row = {key: str(day) for key, day in row.items()}
        else:
            half, stated = (row["q95"] - row["q05"]) / 2, assumption.prior.model_dump(exclude_none=True)
            row = {
                key: words.stated(q) if key in stated or not q else words.number(q, half)
                for key, q in row.items()
            }
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
    yield from sources(document)
    if document["unused"]:
        yield f"Not used by the model {model}: {words.listed(document['unused'])}."
    missing = document["missing"]
    if missing:
        names = words.listed([found["name"] for found in missing])
        yield f"A run of {model} still needs {names}. Paste this and make it yours:"
        yield Text("\n" + "\n\n".join(m["paste"] for m in missing) + "\n")
    head = "Read without an error, but not complete." if missing else "Read without an error."
    yield f"{head} Fingerprint {document['fingerprint']}, data digest {document['data_digest']}."


def stories(document: dict[str, Any]) -> Iterator[Table | str]:
    """Every story compared: its evidence, what it implies, and the reports that it fails."""
    table = _table(
        "story",
        "log evidence",
        "against the best",
        "first shipment",
        "a day",
        "fails",
        right=("log evidence",),
    )
    for cells in story_cells(document):
        _add(table, cells["label"] + " *" * cells["conditional"], *(cells[name] for name in _STORY))
    yield table
    conditional = [story for story in document["stories"] if story["conditional_of_base"]]
    if conditional:
        chosen = any(story["chosen_from_reports"] for story in conditional)
        yield (
            "* the story above it with its first shipment within a narrower window"
            + (", which was chosen from reports: it gains from having been" if chosen else "")
            + ". Never averaged beside it."
        )


_STORY = ("evidence", "against", "start", "pace", "fails")


def story_cells(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What is told of each story compared, in words: its evidence, what it implies, and what it fails."""
    best = next(
        (s["log_evidence"]["value"] for s in document["stories"] if s["label"] == document["best"]), None
    )
    for story in document["stories"]:
        evidence, start = story["log_evidence"], story["start"]
        behind = best - evidence["value"] if evidence and best is not None else None
        paces = [words.interval(row["lower"], row["upper"]) for row in story["paces"]]
        yield {
            "label": story["label"],
            "basis": story["basis"] or "",
            "conditional": story["conditional_of_base"],
            "evidence": words.evidence(evidence["value"], evidence["mcse"]) if evidence else "none (NUTS)",
            "against": "" if behind is None else "the best" if behind == 0 else words.times_less(behind),
            "start": _dates(start) if start else "",
            "pace": ", then ".join(paces),
            "fails": words.listed(story["fails"]) if story["fails"] else "",
        }


def _dates(row: dict[str, Any]) -> str:
    first, last = (words.date_words(row[end], short=True) for end in ("lower", "upper"))
    return f"{first} to {last}"


def rivals(document: dict[str, Any]) -> Iterator[str]:
    """Which stories the reports tell apart, a sentence each: against the best, and within one reading."""
    best, stories = document["best"], {story["label"]: story for story in document["stories"]}
    if best is None:
        yield "No story has a log evidence: none is preferred."
        return
    heights = {
        label: story["log_evidence"]["value"] for label, story in stories.items() if story["log_evidence"]
    }
    against: dict[str, list[dict[str, Any]]] = {}
    for label in (label for label in heights if label != best):
        rivals = [pair for pair in document["pairs"] if label in (pair["first"], pair["second"])]
        rivals = [pair for pair in rivals if heights.get(_other(pair, label), -_FAR) >= heights[label]]
        # A conditional of the best has no pair with it: then the next best speaks.
        against[label] = sorted(rivals, key=lambda pair: -heights[_other(pair, label)])
    within = [label for label, pairs in against.items() if not pairs]
    near = [label for label, pairs in against.items() if pairs and abs(_factor(pairs[0])) < _TEN]
    if near:
        yield f"Not distinguishable from {best}, the best: {words.listed(near)}. Factors below 10 as read."
    if within:
        yield f"Part of {best}, the best, and no rival of it: {words.listed(within)}."
    for label, pairs in against.items():
        if label in near or label in within:
            continue
        yield pairs[0]["says"]
        same = [p for p in pairs[1:] if stories[_other(p, label)]["variant"] == stories[label]["variant"]]
        if same and abs(_factor(same[0])) >= _TEN:
            yield same[0]["says"]
    for label in (label for label in stories if label not in heights):
        yield f"{label} has no log evidence ({stories[label]['engine']}): only its predictions compare."


_TEN, _FAR = 2.302585092994046, float("inf")


def _other(pair: dict[str, Any], label: str) -> str:
    return str(pair["second"] if pair["first"] == label else pair["first"])


def _factor(pair: dict[str, Any]) -> float:
    found = pair["log_bayes_factor"]
    return float(found["value"]) if found else 0.0


def held_out(document: dict[str, Any]) -> Iterator[Table | str]:
    """What each story predicts for the reports that none was fitted to."""
    if not document["checks"]:
        return
    reports = list(dict.fromkeys((check["report"], check["says"]) for check in document["checks"]))
    table = _table("predicted", *(f"{name}\n{says}" for name, says in reports))
    for story, found in groupby(document["checks"], itemgetter("story")):
        cells = [
            words.interval(check["lower"], check["upper"]) + (" fails" if check["fails"] else "")
            for check in found
        ]
        _add(table, story, *cells)
    yield table
    yield (
        "The 89 % interval of the count as that issuer would see it, fitted without it. A story fails a "
        "report to which it gives less than 1 %, both tails together."
    )


def telling(document: dict[str, Any], *, most: int = 4) -> Iterator[str]:
    """The counts that would tell the best story from its rivals."""
    useful = sorted(
        (row for row in document["telling"] if row["chance"] >= 0.2), key=lambda row: -row["chance"]
    )
    for row in useful[:most]:
        said = [
            f"{label} expects none"
            if ends["upper"] < 1
            else f"{label} expects {words.interval(ends['lower'], ends['upper'])}"
            for label, ends in row["expected"].items()
        ]
        might = "would probably" if row["chance"] >= 0.5 else "might"
        yield (
            f"A count by {row['issuer']} of {words.date_words(row['day'])} {might} tell them apart: "
            f"{words.listed(said)} (chance of a factor of ten: {100 * row['chance']:.0f} %)."
        )
    rest = [row for row in document["telling"] if row["chance"] < 0.2]
    for row in rest:
        yield f"No single count is likely to tell {words.listed(row['stories'])} apart."


def averages(document: dict[str, Any]) -> Iterator[str]:
    """The headline averaged over models, with equal weights and with evidence weights."""
    variants = list(dict.fromkeys(story["variant"] for story in document["stories"]))
    for variant, row in zip(variants, document["averages"], strict=True):
        shown = []
        for weights in ("equal", "evidence"):
            if weights in row:
                ends = row[weights]
                half = (ends["upper"] - ends["lower"]) / 2
                middle, span = words.spoken(ends["median"], half), words.spoken_interval(*_ends(ends))
                shown.append(f"{middle} ({span}) with {weights} weights")
        reading = f", read as {variant}" if variant else ""
        yield f"{row['name']} over all models{reading}: {'; '.join(shown)}."


def _ends(row: dict[str, Any]) -> tuple[float, float]:
    return row["lower"], row["upper"]


def scores(document: dict[str, Any]) -> Table:
    """Exact log scores of every report, left out and forecast, by every story."""
    kinds = ("leave-one-out", "leave-future-out")
    columns = list(dict.fromkeys((case["kind"], case["report"]) for case in document["cases"]))
    columns.sort(key=lambda column: kinds.index(column[0]))
    short = {"leave-one-out": "left out", "leave-future-out": "forecast"}
    table = _table("log score", *(f"{name}\n{short[kind]}" for kind, name in columns))
    for story, found in groupby(document["cases"], itemgetter("story")):
        rows = {(case["kind"], case["report"]): case["log_score"] for case in found}
        _add(table, story, *(f"{rows[c]['value']:.2f}" if c in rows else "" for c in columns))
    return table


def compared(study: Study, document: dict[str, Any]) -> str:
    """What was compared, and what so many reports can carry."""
    reports = len(study.fitted)
    compared = {"story": len(document["stories"]), "rereading": len(document["readings"]), "report": reports}
    few = ": too few for a ranking by cross-validation or for stacking weights" if reports < 10 else ""
    return f"{', '.join(_counted(count, noun) for noun, count in compared.items())}{few}."


def forecast(document: dict[str, Any]) -> Iterator[Table | str]:
    """What each issuer would have seen before its next report, and what that rests on."""
    knew = f"It knows reports up to {words.date_words(document['last_report'])}"
    away = ""
    if document["known_by"]:
        away = f" and looks away from those after {words.date_words(document['known_by'])}"
    yield (
        f"A {document['kind']} for {words.date_words(document['at'])}: the {document['measures']} an issuer "
        f"would have seen, before rounding. {knew}{away}."
    )
    yield ""
    table = _table("issuer", "last printed", "median", _share(document), "unit", right=("median",))
    for row in document["issuers"]:
        day, printed, *_ = row["past"][-1]
        last = f"{printed:,.10g} on {words.date_words(day, short=True)}"
        half = (row["upper"] - row["lower"]) / 2
        ends = words.interval(row["lower"], row["upper"])
        _add(
            table, row["issuer"], last, words.number(row["median"], half), ends, words.units(document["unit"])
        )
    yield table
    yield ""
    found = document["trust"]
    yield f"Trust: {found['verdict']} ({found['ess']:,.0f} effective draws)."
    yield from (f"  {note}" for note in found["notes"])
    reading = f", variant {document['variant']}" if document["variant"] else ""
    yield (
        f"Model {document['model']}{reading}, {document['engine']}, seed {document['seed']}, "
        f"study {document['fingerprint']}, made {words.date_words(document['made'])}."
    )


_SCORED = {"model": "the model", "last_value": "its last number", "straight_line": "its last straight line"}


def resolution(document: dict[str, Any]) -> Iterator[Table | str]:
    """A report beside what was forecast for it, and the scores beside those of both baselines."""
    spread = document["predicted"]
    half = (spread["upper"] - spread["lower"]) / 2
    yield (
        f"On {words.date_words(document['published'])} {document['issuer']} said {document['says']}. "
        f"The {document['kind']} for {words.date_words(document['at'])}: "
        f"{words.number(spread['median'], half)} ({words.interval(spread['lower'], spread['upper'])}); "
        f"the report lies {_inside(document)} its 89 % interval, above {words.probability(document['pit'])} "
        f"of the forecast."
    )
    if document["note"]:
        yield f"Note: {document['note']}."
    yield ""
    table = _table("forecast by", "log score", "CRPS", right=("log score", "CRPS"))
    for name, score in document["scores"].items():
        _add(table, _SCORED[name], _scored(score["log_score"], "-"), _scored(score["crps"], ""))
    yield table
    yield "Log score: higher is better. CRPS, of the log: lower is better."


def scorecard(document: dict[str, Any]) -> Iterator[Table | str]:
    """Every report as it was predicted, why others were not, and the totals."""
    reading = f", read as {document['variant']}" if document["variant"] else ""
    yield f"Scorecard, {document['kind']}, of {document['study']}{reading} by {document['model']}."
    yield ""
    right = ("model", "last", "line")
    table = _table("report", "says", "predicted", "89 %", *right, "fit", right=right)
    for case in document["cases"]:
        spread, scores_ = case["predicted"], case["scores"]
        half = (spread["upper"] - spread["lower"]) / 2
        logs = (_scored(scores_[name]["log_score"], "-") if name in scores_ else "" for name in _SCORED)
        shown = words.number(spread["median"], half)
        ends = words.interval(spread["lower"], spread["upper"])
        fit = f"{case['engine']}, {case['trust']}"
        says = f"{case['says']}{' *' if case['note'] else ''}"
        _add(table, case["report"], says, f"{shown} ({ends})", _inside(case), *logs, fit)
    yield table
    for note in dict.fromkeys(case["note"] for case in document["cases"] if case["note"]):
        yield f"* {note}."
    yield ""
    yield from (f"Not predicted: {row['report']}, {row['reason']}." for row in document["left_out"])
    inside = document["inside89"]
    if inside["of"]:
        ends = f"{words.probability(inside['lower'])} to {words.probability(inside['upper'])}"
        yield f"Inside the 89 % interval: {inside['count']:.3g} of {inside['of']} ({ends} as a share)."
    for name, score in document["means"].items():
        yield f"Mean log score of {_SCORED[name]}: {_scored(score['log_score'], '-')}."


def _inside(case: dict[str, Any]) -> str:
    share = case["inside89"]
    return "inside" if share > 0.995 else "outside" if share < 0.005 else f"{100 * share:.0f} % inside"


def _scored(score: float | None, sign: str) -> str:
    return f"{score:.2f}" if score is not None else f"{sign}infinity"


def judged(document: dict[str, Any]) -> Iterator[Table | str]:
    """Every claim with its verdict, then its probability under each reading over all models."""
    for claim in document["claims"]:
        yield f"“{claim['claim']}” {claim['says']}"
        yield ""
    variants = list(dict.fromkeys(a["variant"] for claim in document["claims"] for a in claim["answers"]))
    columns = ["before", *(variant or "as read" for variant in variants), "'over' open"]
    table = _table("claim", *columns, right=tuple(columns))
    for claim in document["claims"]:
        answers = claim["answers"]
        cells = [_span(answer["prior"] for answer in answers)]
        cells += [_span(a["posterior"] for a in answers if a["variant"] == variant) for variant in variants]
        _add(table, claim["id"], *cells, _span(answer["opened"] for answer in answers))
    yield table
    models = list(
        dict.fromkeys(answer["model"] for claim in document["claims"] for answer in claim["answers"])
    )
    yield (
        f"From the least to the largest over {words.listed(models)}. Before: before the reports, over all "
        "readings; 'over' open: with no upper end to any 'over', over all readings."
    )
    yield from left_out(document["left_out"])
    doubtful = [story["label"] for story in document["stories"] if story["trust"] == "bad"]
    if doubtful:
        yield f"Not to be trusted, because the fit is bad: {words.listed(doubtful)}."


def left_out(stories: Iterable[dict[str, str]]) -> Iterator[str]:
    """The stories that could not be asked, a sentence for each reason; a model stands for its variants.

    Examples
    --------
    >>> labels = ("stepped", "stepped (late)", "lumpy (late)")
    >>> list(left_out({"label": label, "reason": "no knot"} for label in labels))
    ['Left out: stepped and lumpy (late), no knot.']
    """
    by_reason: dict[str, list[str]] = {}
    for story in stories:
        by_reason.setdefault(story["reason"], []).append(story["label"])
    for reason, labels in by_reason.items():
        told = [label for label in labels if label.partition(" (")[0] not in labels or "(" not in label]
        yield f"Left out: {words.listed(told)}, {reason}."


def _span(found: Iterable[dict[str, float] | None]) -> str:
    values = [each["probability"] for each in found if each]
    return words.span(values) if values else ""


def alone(study: Study, document: dict[str, Any]) -> Iterator[Table | str]:
    """Where each assumption by itself would overturn a claim."""
    ends = ("5 %", "95 %")
    told = [_against(row["turns"]) for row in document["alone"]]
    more = ["reports"] if any(told) else []
    table = _table("assumption", *ends, "turns at", "z", "chance", *more, right=(*ends, "turns at", "z"))
    priors = {row["name"]: row for row in prior_rows(study)}
    for row, against in zip(document["alone"], told, strict=True):
        name, turns = row["assumption"], row["turns"]
        prior = priors[name]
        cells = ["no value", "", ""]
        if turns:
            (setting,) = turns["settings"]
            cells = [
                words.stated(setting["value"]),
                f"{setting['z']:+.1f}",
                words.one_in(turns["chance"]),
            ]
        all_of_them = f" (all {row['entries']})" if row["entries"] > 1 else ""
        label = f"{name}{all_of_them}{' *' * row['judgement']}"
        _add(table, label, prior["q05"], prior["q95"], *cells, *([against] if more else []))
    yield table
    yield (
        "Turns at: the value that, fixed, overturns the claim by itself. z: its distance from the middle of "
        "the prior, in standard deviations. Chance: of lying so far out on that side, all of them where "
        "there is one for each issuer. * judgement: no source is given."
    )
    if more:
        yield "Reports: the odds against them then, beside the estimate."


def _against(turns: dict[str, Any] | None) -> str:
    """The odds against the reports at a setting, where they are worth telling."""
    less = turns["evidence_change"] if turns else None
    return f"{words.odds(-less)} against" if less is not None and less < -_TEN else ""


def drivers(document: dict[str, Any]) -> Iterator[Table | str]:
    """What knowing each assumption would do to the interval and to the claims."""
    numbers = ("share", "width known", "prior")
    table = _table("assumption", "group", *numbers, "would settle", right=numbers)
    for row in document["drivers"]:
        share, scaling = row["share"], row["prior_scaling"]
        settled = sorted(row["falls"].items(), key=lambda fall: -fall[1])
        _add(
            table,
            row["label"] + " *" * row["judgement"],
            row["group"],
            f"{100 * share['value']:.0f} %",
            words.number(row["width"], document["width"] / 2),
            "" if scaling is None else f"{scaling:.2f}",
            words.listed([f"{claim} {100 * fall:.0f} %" for claim, fall in settled[:2] if fall >= 0.1]),
        )
    yield table
    now = words.number(document["width"], document["width"] / 2)
    unit = words.units(document["unit"])
    of = "the log" if document["scale"] == "log" else "it"
    yield (
        f"Share: of the variance of {of}. Width known: the expected width of the 89 % interval once it is "
        f"known, now {f'{now} {unit}'.strip()}. Prior: how far the answer follows when this prior is "
        "made a little stronger (power-scaling sensitivity), worth a look above 0.05. Would settle: how much "
        "of the doubt about a claim, p (1 - p) of its probability p, would go. * judgement: no source is "
        "given."
    )
    yield (
        "Shares of assumptions that hang together overlap, and need not add up; those of level, trend and "
        "load do, each being what it adds on average in whatever order they become known."
    )
    scaling = document["likelihood_scaling"]
    if scaling is not None:
        yield f"Power-scaling sensitivity to the reports: {scaling:.2f}."


def laws(document: dict[str, Any]) -> Iterator[Table | str]:
    """Every law with whether it is kept, then what breaks those that are not."""
    table = _table("law of", "law", "kept")
    for row in document["laws"]:
        _add(
            table,
            row["of"],
            row["says"],
            "no" if row["broken"] else "not tried" if row["not_tried"] else "yes",
        )
    yield table
    broken = [row["broken"] for row in document["laws"] if row["broken"]]
    yield from broken
    untried = {row["law"]: row["not_tried"] for row in document["laws"] if row["not_tried"]}
    yield from (f"Not tried: {law}, {reason}." for law, reason in untried.items())
    if not broken:
        yield "All laws that were tried are kept." if untried else "All laws are kept."


def swept(document: dict[str, Any]) -> Iterator[Table | str]:
    """What a sweep found: the headline over all readings, which choices move it, and the claims."""
    found, verdicts = document["headline"], document["verdicts"]
    ends, unit = found["medians"], words.units(found["unit"])
    spread = ends["highest"] - ends["lowest"]
    low, middle, high = (words.number(ends[end], spread) for end in ("lowest", "middle", "highest"))
    yield (
        f"{document['cells']:,} readings. The median of {found['name']} is {middle} {unit} in the middle one "
        f"of them, and from {low} to {high} over all."
    )
    within, between = found["variance"]["within"], found["variance"]["between"]
    share = between / (within + between) if within + between else 0.0
    yield f"{100 * share:.0f} % of the variance lies between readings, the rest within each.\n"
    table = _table(
        "choice", "options", "share of the variance between", right=("share of the variance between",)
    )
    for axis, part in found["variance"]["by_axis"].items():
        if len(document["axes"][axis]) > 1:
            _add(table, axis, words.listed(document["axes"][axis]), f"{100 * part:.0f} %")
    yield table
    yield "Share: of the variance between readings that goes with a choice by itself.\n"
    claims = _table("claim", "lowest", "middle", "highest", "above one half in")
    for claim in document["claims"]:
        chances = [words.probability(claim[end]) for end in ("lowest", "middle", "highest")]
        half = claim["above_half"]
        _add(claims, claim["id"], *chances, "" if half is None else f"{100 * half:.0f} % of readings")
    yield claims
    yield f"Verdicts: {words.listed([f'{count:,} {verdict}' for verdict, count in verdicts.items()])}."
