"""How well a model would have predicted the reports that came: every case, and why the others are none."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from scipy import special

from estimates import shelf
from estimates.errors import ContradictionError, QuestionError, choices
from estimates.estimate import INTERVAL, TAILS
from estimates.files import finite
from estimates.forecasts import (
    Resolution,
    Voice,
    earlier_reports,
    fresh_id,
    inferred,
    known_by,
    scored,
    thinned,
)
from estimates.reports import Report, relays
from estimates.scores import BASELINES, Score
from estimates.study import Study
from estimates.workers import Progress

type Kind = Literal["hindcast", "leave-one-out"]


@dataclass(frozen=True)
class Case:
    """A report of the study as it was predicted without being shown."""

    report: str
    resolution: Resolution
    engine: str
    trust: str


@dataclass(frozen=True)
class Scorecard:
    """Every report of a study that could be predicted, and why the others could not.

    Attributes
    ----------
    kind : str
        ``"hindcast"``: from earlier reports alone. ``"leave-one-out"``: from all others, later ones too.
    cases : tuple of Case
        By day of publication.
    left_out : tuple of (report, reason)
    """

    study: str
    fingerprint: str
    variant: str | None
    model: str
    kind: Kind
    seed: int
    cases: tuple[Case, ...]
    left_out: tuple[tuple[str, str], ...]

    def inside(self) -> dict[str, Any]:
        """How many reports lay inside the 89 % interval, with the Jeffreys 89 % interval of that share.

        A report read as a wide interval counts by the part of it that lies inside (`Seen.share_inside`), so k
        need not be whole. The share has a Beta(k + 1/2, n - k + 1/2), its end at 0 where k = 0 and at 1 where
        k = n.

        References
        ----------
        Brown, Cai and DasGupta (2001), doi:10.1214/ss/1009213286.
        """
        count, of = sum(case.resolution.inside89 for case in self.cases), len(self.cases)
        if not of:
            return {"count": 0, "of": 0, "share": None, "lower": None, "upper": None}
        lower, upper = (float(special.betaincinv(count + 0.5, of - count + 0.5, tail)) for tail in TAILS)
        ends = {"lower": lower if count else 0.0, "upper": upper if count < of else 1.0}
        return {"count": count, "of": of, "share": count / of, **ends}

    def means(self) -> dict[str, Score]:
        """The mean scores of the model and of both baselines over the cases that all of them have.

        A baseline needs an earlier report of the issuer. Where no case has one, the model stands alone.
        """
        compared = self.compared or self.cases
        names = [name for name in ("model", *BASELINES) if all(name in c.resolution.scores for c in compared)]
        scores = {name: [case.resolution.scores[name] for case in compared] for name in names}
        return {
            name: Score(*(float(np.mean(column)) for column in zip(*found, strict=True)))
            for name, found in scores.items()
            if found
        }

    @property
    def compared(self) -> tuple[Case, ...]:
        """The cases that both baselines have."""
        return tuple(case for case in self.cases if {*BASELINES} <= {*case.resolution.scores})

    def document(self) -> dict[str, Any]:
        """Every case, every report that was left out, and the totals, as plain data."""
        head = {name: getattr(self, name) for name in ("study", "fingerprint", "variant", "model", "seed")}
        return {
            "schema": 1,
            "kind": self.kind,
            **head,
            "interval": {"kind": "eti", "prob": INTERVAL},
            "cases": [
                {"report": case.report, **case.resolution.document()}
                | {"engine": case.engine, "trust": case.trust}
                for case in self.cases
            ],
            "left_out": [{"report": report, "reason": reason} for report, reason in self.left_out],
            "inside89": self.inside(),
            "compared": len(self.compared),
            "means": {
                name: {"log_score": finite(score.log_score), "crps": finite(score.crps)}
                for name, score in self.means().items()
            },
        }


def scorecard(  # noqa: PLR0913 - the question (kind, reports) and the fit (engine, seed, progress)
    study: Study,
    model: str | Path = "steady",
    *,
    kind: Kind = "hindcast",
    reports: Sequence[str] | None = None,
    engine: str = "auto",
    seed: int = 1,
    progress: Progress | None = None,
) -> Scorecard:
    """Predict every fitted report without showing it, and score what was predicted.

    Parameters
    ----------
    kind : str
        ``"hindcast"``: each from the fitted reports published before its day. ``"leave-one-out"``: each from
        all the others. Held-out reports play no part in either.
    reports : sequence of str, optional
        Ids of fitted reports; without it all of them.
    engine, seed, progress
        As in `infer`; every case is a fit of its own.

    Returns
    -------
    Scorecard

    Raises
    ------
    QuestionError
        For another kind, or a report that is not fitted.
    """
    if kind not in _ASKED:
        raise QuestionError(f"unknown kind {kind!r}", remedy=choices(kind, _ASKED))
    known = {report.id: report for report in study.fitted}
    for name in reports or ():
        if name not in known:
            raise QuestionError(f"{name!r} is no fitted report", remedy=choices(name, known))
    held_out = [report.id for report in study.reports if report.held_out]
    shown = study.without(*held_out) if held_out else study
    asked = [report for report in study.fitted if reports is None or report.id in reports]
    cases: list[Case] = []
    left_out: list[tuple[str, str]] = []
    for number, report in enumerate(asked):
        try:
            reduced, name = _ASKED[kind](shown, report)
            estimate = inferred(reduced, model, engine, seed, _part(progress, number, len(asked), report.id))
        except (_CannotPredictError, ContradictionError) as reason:
            left_out.append((report.id, reason.what))
            continue
        past = earlier_reports(shown, report)
        voice = Voice(report.issuer, thinned(estimate, name, seed), past)
        resolution = scored(voice, report, at=report.published, kind=kind, seed=seed)
        cases.append(Case(report.id, resolution, estimate.conditions.engine, estimate.trust.verdict))
    named = (study.name, study.fingerprint, study.variant_name, shelf.find(model).name)
    return Scorecard(*named, kind, seed, tuple(cases), tuple(left_out))


class _CannotPredictError(QuestionError):
    """A case that has nothing to go on."""


def _hindcast_case(study: Study, report: Report) -> tuple[Study, str]:
    """The study of the day before, asked for that very report; and the id it is asked under."""
    if not any(one.published < report.published for one in _same_voice(study, report)):
        raise _CannotPredictError(f"the first of {report.issuer} on {report.measures}")
    reduced = known_by(study, report.published - dt.timedelta(days=1))
    name = fresh_id(reduced, f"case_{report.id}")
    return reduced.predicting(report.model_copy(update={"id": name})), name


def _left_out_case(study: Study, report: Report) -> tuple[Study, str]:
    """The study with the report held out, and without its relays, of which one would take its place."""
    if len(study.fitted) == 1:
        raise _CannotPredictError("the only fitted report")
    repeated = [relay for relay, release in relays(study.reports).items() if release == report.id]
    kept = study.without(*repeated) if repeated else study
    return kept.holding_out(report.id), report.id


_ASKED: Mapping[str, Callable[[Study, Report], tuple[Study, str]]] = {
    "hindcast": _hindcast_case,
    "leave-one-out": _left_out_case,
}


def _same_voice(study: Study, report: Report) -> list[Report]:
    return [r for r in study.fitted if (r.issuer, r.measures) == (report.issuer, report.measures)]


def _part(progress: Progress | None, number: int, of: int, name: str) -> Progress | None:
    """Progress within one of several fits."""
    if progress is None:
        return None
    return lambda share, doing: progress((number + share) / of, f"{name}: {doing}")
