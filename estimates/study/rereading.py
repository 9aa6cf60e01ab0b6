"""The same study read again in other ways: wider and narrower priors, open ends, issuers told apart.

They answer how far a conclusion hangs on how things were read; see `docs/method.md`.
"""

import datetime as dt
import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from estimates.assumptions import MODEL_ASSUMPTIONS, Prior
from estimates.errors import StudyError
from estimates.reports import Printing, relays
from estimates.study.whole import Study

SCALED = ("normal", "lognormal", "halfnormal", "beta", "gamma", "student_t")
"""Families whose width can be scaled; a uniform's window is changed by a named variant only."""


def rereadings(study: Study, names: Iterable[str]) -> Iterator[tuple[str, Study]]:
    """Every rereading of `study` that changes anything, with its name in words.

    Parameters
    ----------
    names : iterable of str
        The assumptions that are fitted: those whose priors bear on the evidence.
    """
    changed = [name for name in names if study.assumption(name).prior.family in SCALED]
    for factor, words in ((0.5, "half as wide"), (2.0, "twice as wide")):
        for name in changed:
            yield from _possible(f"{name} {words}", study, partial(widened, names=[name], factor=factor))
        yield from _possible(f"all priors {words}", study, partial(widened, names=changed, factor=factor))
    if has_over(study):
        yield "every 'over' open", opened(study)
    issuers = {report.issuer for report in study.fitted}
    if len(study.fitted) > len(issuers):
        yield "issuers split", issued(study, lambda issuer, report: f"{issuer}: {report}")
    if len(issuers) > 1:
        yield "issuers merged", issued(study, lambda issuer, report: "all issuers")


def _possible(words: str, study: Study, change: Callable[[Study], Study]) -> Iterator[tuple[str, Study]]:
    """The rereading, unless a prior's bounds leave no room for it."""
    try:
        yield words, change(study)
    except StudyError:
        return


def widened(study: Study, names: Iterable[str], factor: float) -> Study:
    """The study with the spread of some priors times `factor` about their medians.

    On the scale where the family is unconstrained: the log for what is positive, the log odds for shares.

    Raises
    ------
    StudyError
        When the bounds of a prior leave no room for it.
    """
    return study.assuming({name: scaled(study.assumption(name).prior, factor) for name in names})


def scaled(prior: Prior, factor: float) -> dict[str, Any]:
    """The fields of a prior of other width; whether they are possible is checked where the study is made."""
    stated = prior.model_dump(exclude_none=True)
    if prior.family == "halfnormal":
        return stated | {"q95": float(prior.q95) * factor}  # type: ignore[arg-type]
    to_line, back = _LINES.get(prior.family, (float, float))
    median = to_line(float(prior.solve(_number).quantile(0.5)))
    ends = {end: back(median + factor * (to_line(_number(stated[end])) - median)) for end in ("q05", "q95")}
    if prior.is_dated:
        ends = {end: dt.date.fromordinal(round(value)) for end, value in ends.items()}  # type: ignore[misc]
    return stated | ends


def _number(stated: object) -> float:
    """A stated number, or a date as its ordinal."""
    ordinal = getattr(stated, "toordinal", None)
    return float(ordinal()) if ordinal else float(stated)  # type: ignore[arg-type]


_LINES: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "lognormal": (math.log, math.exp),
    "gamma": (math.log, math.exp),
    "beta": (lambda p: math.log(p / (1 - p)), lambda x: 1 / (1 + math.exp(-x))),
}


def has_over(study: Study) -> bool:
    """Whether `opened` would change how any fitted report is read."""
    return any(report.says.printing is Printing.FLOOR for report in study.fitted)


def opened(study: Study) -> Study:
    """The study with every 'over' open: no upper end, whatever the next round number would have been."""
    document, said = study._raw(), {report.id: report.says for report in study.reports}
    for report in document["report"]:
        says = said[report["id"]]
        if says.printing is Printing.FLOOR:
            report["says"] = {"hedge": says.hedge, "value": says.value, "open": True}
    return study._made(document)


def counted_twice(study: Study) -> Study | None:
    """The study with derived and relayed numbers counted as data of their own; None where it has none."""
    document, repeated = study._raw(), relays(study.reports)
    again = [r for r in document["report"] if r.get("derived_from") or r["id"] in repeated]
    known = {report.id: report for report in study.reports}
    for report in again:
        origin = known[report.pop("derived_from", None) or repeated.get(report["id"]) or report["id"]]
        report["independent"] = "counted twice, to see what that would do"
        if origin.as_of and "as_of" not in report:  # it speaks of the day that the other speaks of
            report["as_of"] = origin.as_of
    document["assumption"].setdefault("common_bias", _COMMON_BIAS)
    return study._made(document) if again else None


def issued(study: Study, issuer_of: Callable[[str, str], str]) -> Study:
    """The study with other issuers: `issuer_of` is given the issuer and the id of each fitted report."""
    document, repeated = study._raw(), relays(study.reports)
    fitted = {report.id for report in study.fitted}
    for report in document["report"]:
        # What counts as a relay hangs on the issuer: which reports are fitted must not change with it.
        if report["id"] in repeated:
            report["derived_from"] = repeated[report["id"]]
        if report["id"] in fitted:
            report.setdefault("independent", "a report of its own before the issuers were changed")
            report["issuer"] = issuer_of(report["issuer"], report["id"])
    if "common_bias" not in document["assumption"]:
        document["assumption"]["common_bias"] = _COMMON_BIAS
    return study._made(document)


_COMMON_BIAS = {
    "unit": "dimensionless",
    "prior": {"family": "normal", "q05": -0.247, "q95": 0.247},
    "basis": MODEL_ASSUMPTIONS["common_bias"].meaning,
    "judgement": True,
}
