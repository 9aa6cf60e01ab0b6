"""Rival stories of one study: how far the reports tell them apart, and where they cannot.

A *story* is a model under a reading of the study (a variant, or none). A handful of reports cannot carry a
ranking by cross-validation, so stories are compared by their log evidence, and a preference is only
called one if it survives every rereading (`estimates.study.rereading`).
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from estimates import notebook, shelf
from estimates.errors import QuestionError, choices
from estimates.estimate import INTERVAL, SPREAD, Estimate, Measured
from estimates.files import finite
from estimates.inference import Blend, Evidence, fitted, log_evidence
from estimates.study import Study
from estimates.study.rereading import rereadings
from estimates.words import date_words, label, odds, story_label, units
from estimates.workers import Progress, Workers

LIMIT = 10.0
"""A Bayes factor below this is not worth a preference (Kass and Raftery 1995, doi:10.2307/2291091)."""

FEW_REPORTS = 10
"""Fewer reports than this carry no stacking weights."""

FAILS_BELOW = 0.01
"""A report that a story gives a smaller two-sided probability is one it fails."""

type Place = tuple[str, str | None]


class Verdict(Enum):
    """What the evidence of two stories says; each value is the sentence, to be filled in."""

    SAME = "{better} and {other} are not distinguishable: at most {most} either way under every reading."
    DEPENDS = (
        "{other} is behind {better}, {as_read} as read, but no preference holds under every rereading: from "
        "{least} ({least_under}) to {most} ({most_under})."
    )
    FAVOURED = (
        "{other} is disfavoured against {better}, about {as_read}, and under every rereading: from "
        "{least} ({least_under}) to {most} ({most_under})."
    )
    NO_EVIDENCE = "{better} and {other} are not compared: one of them has no log evidence."


def label_of(place: Place) -> str:
    """Model and variant in words: steady (mid_2022)."""
    return story_label(*place)


@dataclass(frozen=True)
class Story:
    """A model under a reading, fitted."""

    model: str
    variant: str | None
    estimate: Estimate = field(repr=False)

    @property
    def place(self) -> Place:
        """Model and variant, by which everything here is looked up."""
        return (self.model, self.variant)

    @property
    def label(self) -> str:
        """The story in words: steady (mid_2022)."""
        return label_of(self.place)


class Job(NamedTuple):
    """One more fit of a story: under a rereading (its name), or of some of its reports (their ids)."""

    place: Place
    what: str | tuple[str, ...]
    study: Study
    model: str
    start: Blend | None


@dataclass(frozen=True)
class Pair:
    """Two stories: the log Bayes factor of the first against the second, as read and as reread."""

    first: Place
    second: Place
    verdict: Verdict
    as_read: Measured | None
    reread: Mapping[str, float]

    def sentence(self) -> str:
        """The verdict in words."""
        sign = 1 if self.as_read is None or self.as_read.value >= 0 else -1
        better, other = (label_of(place) for place in (self.first, self.second)[::sign])
        if self.as_read is None:
            return self.verdict.value.format(better=better, other=other)
        towards = {"as read": sign * self.as_read.value, **{n: sign * x for n, x in self.reread.items()}}
        least, most = (choose(towards, key=towards.__getitem__) for choose in (min, max))
        either = max(abs(value) for value in towards.values())
        return self.verdict.value.format(
            better=better,
            other=other,
            as_read=odds(sign * self.as_read.value),
            least=odds(towards[least]),
            least_under=least,
            most=odds(either if self.verdict is Verdict.SAME else towards[most]),
            most_under=most,
        )


@dataclass(frozen=True)
class Comparison:
    """What several stories make of the same reports.

    Attributes
    ----------
    study : Study
        What was read; the stories are its variants.
    stories : tuple of Story
    readings : mapping
        Rereading -> story -> log evidence; a story that a rereading does not touch keeps its own.
    cases : tuple of dict
        Leave-one-out and leave-future-out: the log score of each report given the others, or the earlier.
    checks : tuple of dict
        What each story predicts for reports that it did not fit.
    """

    study: Study
    stories: tuple[Story, ...]
    readings: Mapping[str, Mapping[Place, Measured]]
    cases: tuple[Mapping[str, Any], ...]
    checks: tuple[Mapping[str, Any], ...]

    def story(self, model: str, variant: str | None = None) -> Story:
        """The story of this model and variant.

        Raises
        ------
        QuestionError
            When it was not compared.
        """
        found = {story.place: story for story in self.stories}
        if (model, variant) not in found:
            known = [story.label for story in self.stories]
            wanted = label_of((model, variant))
            raise QuestionError(f"{wanted!r} was not compared", remedy=choices(wanted, known))
        return found[(model, variant)]

    @property
    def best(self) -> Story | None:
        """The story with the highest log evidence, if any has one."""
        known = [story for story in self.stories if story.estimate.log_evidence]
        return max(known, key=lambda story: float(story.estimate.log_evidence or 0.0), default=None)

    # ---- the evidence --------------------------------------------------------------------------

    def pairs(self) -> tuple[Pair, ...]:
        """Every pair of stories with its verdict. A variant within its own base is no rival of it."""
        return tuple(
            self.pair(first.place, second.place)
            for first, second in combinations(self.stories, 2)
            if not self._is_nested(first, second)
        )

    def pair(self, first: Place, second: Place) -> Pair:
        """The Bayes factor of two stories, as read and under every rereading."""
        one, two = (self.story(*place).estimate.log_evidence for place in (first, second))
        if one is None or two is None:
            return Pair(first, second, Verdict.NO_EVIDENCE, None, {})
        as_read = Measured(one.value - two.value, math.hypot(one.mcse, two.mcse))
        reread, slack = {}, [2 * as_read.mcse]
        for name, found in self.readings.items():
            left, right = found.get(first, one), found.get(second, two)
            if first in found or second in found:
                reread[name] = left.value - right.value
                slack.append(2 * math.hypot(left.mcse, right.mcse))
        # Every factor counts as if it were two Monte Carlo errors nearer to no preference.
        sign = 1 if as_read.value >= 0 else -1
        values = [sign * value for value in (as_read.value, *reread.values())]
        least = min(value - error for value, error in zip(values, slack, strict=True))
        if least >= math.log(LIMIT):
            verdict = Verdict.FAVOURED
        elif max(map(abs, values)) < math.log(LIMIT):
            verdict = Verdict.SAME
        else:
            verdict = Verdict.DEPENDS
        return Pair(first, second, verdict, as_read, reread)

    def _is_nested(self, first: Story, second: Story) -> bool:
        """Whether one is a variant of the other's model whose windows lie inside the base's."""
        same_model = first.model == second.model
        variants = [story.variant for story in (first, second)]
        return same_model and None in variants and any(v and self.is_conditional(v) for v in variants)

    def is_conditional(self, variant: str) -> bool:
        """Whether a variant only narrows uniform windows: then it is the base, conditioned on them."""
        return is_conditional(self.study, variant)

    # ---- quantities ----------------------------------------------------------------------------

    def across(self, name: str | None = None, at: str | None = None) -> dict[str, Any]:
        """A quantity under every story: the trust, the median and the 89 % interval of each, in their order.

        Parameters
        ----------
        name : str, optional
            Without it, what the study leads with.
        at : str, optional
            A report; without it the last fitted one, for what changes from day to day.

        Raises
        ------
        QuestionError
            As `Estimate.quantity`.
        """
        study, name = self.study, name or self.study.leading[0]
        day = at or (study.fitted[-1].id if study.needs_day(name) else None)
        rows = [story.estimate.row(name, day) for story in self.stories]
        says = study.quantities[name].says if name in study.quantities else ""
        return {
            "name": name,
            "label": label(name, says),
            "at": day,
            "date": rows[0]["date"],
            "unit": rows[0]["unit"],
            "stories": [
                {"story": story.label, "trust": story.estimate.trust.verdict}
                | {end: row[end] for end in ("lower", "median", "upper")}
                for story, row in zip(self.stories, rows, strict=True)
            ],
        }

    def average(
        self, name: str, at: str | None = None, *, among: Iterable[Place] | None = None
    ) -> dict[str, dict[str, float]]:
        """A quantity averaged over stories, with equal weights and with evidence weights.

        Parameters
        ----------
        among : iterable of (model, variant), optional
            Without it, all models under the study's own reading.

        Raises
        ------
        QuestionError
            For a variant beside the base that contains it, or one of them without evidence.
        """
        places = list(among or [s.place for s in self.stories if s.variant is None])
        found = [self.story(*place) for place in places]
        for first, second in combinations(found, 2):
            if self._is_nested(first, second):
                variant = first.variant or second.variant
                raise QuestionError(
                    f"averaging {first.label!r} with {second.label!r} would count {variant!r} twice",
                    remedy=f"The base's evidence already averages over {variant!r}: leave one of them out.",
                )
        evidences = [story.estimate.log_evidence for story in found]
        draws = [np.asarray(story.estimate.quantity(name, at)).ravel() for story in found]
        answer = {"equal": _mixed(draws, np.full(len(draws), 1 / len(draws)))}
        if all(evidences):
            logs = np.array([float(evidence or 0.0) for evidence in evidences])
            weights = np.exp(logs - logs.max())
            answer["evidence"] = _mixed(draws, weights / weights.sum())
        return answer

    def arviz_table(self, *, force: bool = False) -> Any:
        """The table of `arviz.compare`: elpd by PSIS leave-one-out, with stacking weights.

        Raises
        ------
        QuestionError
            With fewer than ten reports, unless forced: so few cannot carry weights.
        """
        count = len(self.study.fitted)
        if count < FEW_REPORTS and not force:
            raise QuestionError(
                f"stacking weights from {count} reports",
                remedy=f"Under {FEW_REPORTS} they are noise: use the log evidence, or force=True.",
            )
        import arviz as az

        trees = {story.label: story.estimate.data for story in self.stories}
        return az.compare(trees, round_to="none")

    # ---- telling them apart --------------------------------------------------------------------

    def telling(self, first: Place, second: Place) -> dict[str, Any]:
        """The count that would tell two stories apart best: its day, and what each expects of it.

        The chance, before it is known, that a count of that day by the first issuer gives a Bayes factor
        of at least ten for the story that is true, the mean over both.
        """
        one, two = (_seen_by_day(self.story(*place).estimate) for place in (first, second))
        days = np.asarray(self.story(*first).estimate.data["posterior"]["day"].values)
        chances = [_chance(one[:, day], two[:, day]) for day in range(len(days))]
        best = int(np.argmax(chances))
        ends = {
            label_of(place): _spread(np.quantile(seen[:, best], SPREAD))
            for place, seen in ((first, one), (second, two))
        }
        day = str(days[best].astype("datetime64[D]"))
        return {
            "day": day,
            "chance": float(chances[best]),
            "expected": ends,
            "issuer": _first_issuer(self.study),
        }

    def _repr_html_(self) -> str:
        """What a notebook shows: the headline under every story, with its evidence and its trust."""
        asked = self.across()
        unit = units(asked["unit"])
        cells = [
            [
                story.label,
                *notebook.numbers(row, "dimensionless")[:2],
                _evidence_words(story.estimate.log_evidence),
                row["trust"],
            ]
            for story, row in zip(self.stories, asked["stories"], strict=True)
        ]
        columns = ["story", "median", f"{100 * INTERVAL:.0f} % interval", "log evidence", "trust"]
        when = f" by {date_words(asked['date'])}" if asked["date"] else ""
        conditions = self.stories[0].estimate.conditions
        return notebook.shown(
            self.study.title,
            [
                notebook.note(f"{asked['label']}{when}{f', {unit}' if unit else ''}"),
                notebook.table(columns, cells, right=["median", "log evidence"]),
                *(notebook.note(pair.sentence()) for pair in self._against_the_best()),
                notebook.note(f"Seed {conditions.seed}, study {self.study.fingerprint}."),
            ],
        )

    def _against_the_best(self) -> list[Pair]:
        """What the evidence says of the best story and each other."""
        best = self.best
        return [pair for pair in self.pairs() if best and best.place in (pair.first, pair.second)]

    # ---- the whole as a document ---------------------------------------------------------------

    def document(self) -> dict[str, Any]:
        """The comparison as the JSON document of ``estimates compare --json``."""
        study, best = self.study, self.best
        name, at = _headline(study)
        return {
            "schema": 1,
            "study": study.name,
            "fingerprint": study.fingerprint,
            "data_digest": study.data_digest,
            "interval": {"kind": "eti", "prob": INTERVAL},
            "seed": self.stories[0].estimate.conditions.seed,
            "versions": self.stories[0].estimate.conditions.versions,
            "stories": [self._story_row(story) for story in self.stories],
            "best": best.label if best else None,
            "headline": self.across(),
            "readings": [
                {"name": reading, "log_evidence": {label_of(p): _row(m) for p, m in found.items()}}
                for reading, found in self.readings.items()
            ],
            "pairs": [self._pair_row(pair) for pair in self.pairs()],
            "cases": list(self.cases),
            "checks": list(self.checks),
            "averages": [
                {"name": name, "at": at, "unit": study.unit_of(name), **self.average(name, at, among=among)}
                for among in self._windows()
            ],
            "telling": self._telling_rows(),
        }

    def _windows(self) -> Iterator[list[Place]]:
        """The stories that may be averaged: one reading at a time."""
        for variant in dict.fromkeys(story.variant for story in self.stories):
            yield [story.place for story in self.stories if story.variant == variant]

    def _telling_rows(self) -> list[dict[str, Any]]:
        """What would tell the best story from each that is not distinguishable from it."""
        unsure = [
            pair for pair in self._against_the_best() if pair.verdict in (Verdict.SAME, Verdict.DEPENDS)
        ]
        return [
            {
                "stories": [label_of(pair.first), label_of(pair.second)],
                **self.telling(pair.first, pair.second),
            }
            for pair in unsure
        ]

    def _story_row(self, story: Story) -> dict[str, Any]:
        estimate, study = story.estimate, story.estimate.study
        rows = {row["name"]: row for row in estimate.parameter_rows()}
        trend = [row for row in estimate.trend() if row["per_day"]]
        failed = [
            check["report"] for check in self.checks if check["story"] == story.label and check["fails"]
        ]
        variant = self.study.variants[story.variant] if story.variant else None
        return {
            "label": story.label,
            "model": story.model,
            "variant": story.variant,
            "basis": variant.basis if variant else None,
            "conditional_of_base": bool(variant and self.is_conditional(story.variant or "")),
            "chosen_from_reports": bool(variant and variant.from_reports),
            "engine": estimate.conditions.engine,
            "trust": estimate.trust.verdict,
            "log_evidence": _row(estimate.log_evidence),
            "start": rows.get("first_shipment"),
            "paces": [
                row | {"name": name} for name, row in rows.items() if name in ("daily_rate", "later_rate")
            ],
            "trend": trend[-1] if trend else None,
            "unit": study.carriers.unit,
            "fails": failed,
        }

    def _pair_row(self, pair: Pair) -> dict[str, Any]:
        return {
            "first": label_of(pair.first),
            "second": label_of(pair.second),
            "log_bayes_factor": _row(pair.as_read),
            "reread": dict(pair.reread),
            "verdict": pair.verdict.name.lower(),
            "says": pair.sentence(),
        }


# ---- making one --------------------------------------------------------------------------------


def compare(
    study: Study | Sequence[Study],
    models: Sequence[str | Path] = shelf.RIVALS,
    variants: Sequence[str | None] | None = None,
    *,
    seed: int = 1,
    workers: int = 1,
    progress: Progress | None = None,
) -> Comparison:
    """Compare what several models, under several readings, make of the same reports.

    Parameters
    ----------
    study : Study, or several
        Several must hold the same data: equal digests of reports and intervals.
    models : sequence of str or Path
    variants : sequence of str or None
        Readings; None is the study's own. Without it, all that the study names.
    seed : int
    workers : int
        Processes. More than one starts Python anew in each, so a script that asks for it needs the usual
        ``if __name__ == "__main__":``.
    progress : callable, optional
        Told the share done and what is being done.

    Returns
    -------
    Comparison

    Raises
    ------
    QuestionError
        For different data, or a variant that leaves reports out.
    """
    base = _same_data(study)
    asked = [None, *base.variants] if variants is None else list(variants)
    readings: dict[str | None, Study] = {name: base.variant(name) if name else base for name in asked}
    for name, read in readings.items():
        if read.data_digest != base.data_digest:
            raise QuestionError(
                f"the variant {name!r} has other data than the study",
                remedy="Evidence compares stories of the same reports; compare within one set of them.",
            )
    places = [(str(model), name) for model in dict.fromkeys(map(str, models)) for name in readings]
    with Workers(workers, progress) as pool:
        found = pool.run("fitting the stories", _fit, [(readings[v], m, seed) for m, v in places], share=0.4)
        stories = tuple(
            Story(estimate.conditions.model, variant, estimate)
            for (_, variant), (estimate, _) in zip(places, found, strict=True)
        )
        jobs = list(_jobs(stories, [proposal for _, proposal in found], [model for model, _ in places]))
        # Long ones first, so that no worker is left with one at the end: cold starts, then many unknowns.
        unknowns = {story.place: len(story.estimate.parameters) for story in stories}
        jobs.sort(key=lambda job: (job.start is not None, -unknowns[job.place]))
        done = pool.run(
            "rereading", _reread, [(job.study, job.model, seed, job.start) for job in jobs], share=0.6
        )
    by_reading: dict[str, dict[Place, Measured]] = {}
    subsets: dict[tuple[Place, tuple[str, ...]], Measured] = {}
    for job, evidence in zip(jobs, done, strict=True):
        if evidence.log_evidence is None:
            continue
        if isinstance(job.what, str):
            by_reading.setdefault(job.what, {})[job.place] = evidence.log_evidence
        else:
            subsets[(job.place, job.what)] = evidence.log_evidence
    return Comparison(base, stories, by_reading, tuple(_cases(stories, subsets)), tuple(_checks(stories)))


def _same_data(study: Study | Sequence[Study]) -> Study:
    several = [study] if isinstance(study, Study) else list(study)
    if len({one.data_digest for one in several}) > 1:
        told = ", ".join(f"{one.name} ({one.data_digest})" for one in several)
        raise QuestionError(
            f"different data: {told}",
            remedy="Evidence is of the reports: it compares stories only of the same ones, read alike.",
        )
    return several[0]


def is_conditional(study: Study, variant: str) -> bool:
    """Whether a variant only narrows the windows of uniform priors."""
    changes = study.variants[variant].assumption
    if study.variants[variant].without or not changes:
        return False
    for name, change in changes.items():
        base, new = study.assumption(name).prior, change.prior
        if new is None:
            continue
        if {base.family, new.family} != {"uniform"}:
            return False
        inside = base.lower <= new.lower and new.upper <= base.upper  # type: ignore[operator]
        if not inside:
            return False
    return True


def _jobs(
    stories: Sequence[Story], proposals: Sequence[Blend | None], models: Sequence[str]
) -> Iterator[Job]:
    """The fits that follow: rereadings, and the subsets of reports that leave-one-out needs."""
    for story, proposal, model in zip(stories, proposals, models, strict=True):
        if story.estimate.log_evidence is None:
            continue
        study = story.estimate.study
        for kept in _subsets(study):
            gone = [report.id for report in study.fitted if report.id not in kept]
            yield Job(story.place, kept, study.holding_out(*gone), model, None)
        names = story.estimate.data["posterior"].attrs["fitted"].split(",")
        for reading, reread in rereadings(study, [name for name in names if name in study.assumptions]):
            yield Job(story.place, reading, reread, model, proposal)


def _subsets(study: Study) -> list[tuple[str, ...]]:
    """The reports kept in each refit: all but one, and all those before one."""
    ids = [report.id for report in study.fitted]
    without_one = [tuple(other for other in ids if other != left) for left in ids]
    before = [tuple(ids[:count]) for count in range(1, len(ids))]
    return [kept for kept in dict.fromkeys([*without_one, *before]) if kept]


def _cases(
    stories: Sequence[Story], subsets: Mapping[tuple[Place, tuple[str, ...]], Measured]
) -> Iterator[dict[str, Any]]:
    """Exact log scores of left-out reports: the difference of two log evidences."""
    for story in stories:
        whole = story.estimate.log_evidence
        if whole is None:
            continue
        ids = [report.id for report in story.estimate.study.fitted]
        known = {kept: value for (place, kept), value in subsets.items() if place == story.place}
        known |= {tuple(ids): whole, (): Measured(0.0, 0.0)}
        for index, report in enumerate(ids):
            others = tuple(other for other in ids if other != report)
            earlier = tuple(ids[:index])
            for kind, after, before in (
                ("leave-one-out", tuple(ids), others),
                ("leave-future-out", (*earlier, report), earlier),
            ):
                if after in known and before in known:
                    more, less = known[after], known[before]
                    score = Measured(more.value - less.value, math.hypot(more.mcse, less.mcse))
                    yield {"story": story.label, "kind": kind, "report": report, "log_score": _row(score)}


def _checks(stories: Sequence[Story]) -> Iterator[dict[str, Any]]:
    """What each story predicts for the reports that are held out."""
    for story in stories:
        for report in story.estimate.study.predicted:
            seen = story.estimate.predicted(report.id)
            interval = report.says.seen
            above = 1.0 - seen.cumulative(interval.low)
            below = seen.cumulative(interval.high) if math.isfinite(interval.high) else 1.0
            tail = min(1.0, 2 * min(above, below))
            score = seen.log_probability(interval)
            yield {
                "story": story.label,
                "report": report.id,
                "issuer": report.issuer,
                "date": str(report.published),
                "says": str(report.says),
                **_spread(seen.quantile(SPREAD)),
                "tail": tail,
                "log_score": finite(score),
                "fails": tail < FAILS_BELOW,
            }


# ---- work for other processes ------------------------------------------------------------------


def _fit(study: Study, model: str, seed: int) -> tuple[Estimate, Blend | None]:
    return fitted(study, model, seed=seed)


def _reread(study: Study, model: str, seed: int, start: Blend | None) -> Evidence:
    return log_evidence(study, model, seed=seed, start=start)


# ---- numbers -----------------------------------------------------------------------------------


def _row(measured: Measured | None) -> dict[str, float] | None:
    return {"value": measured.value, "mcse": measured.mcse} if measured else None


def _evidence_words(found: Measured | None) -> str:
    return f"{found.value:.2f} ± {found.mcse:.2f}" if found else "none"


def _headline(study: Study) -> tuple[str, str | None]:
    """The quantity a study leads with, at its last report."""
    name = study.leading[0]
    return name, study.fitted[-1].id if study.needs_day(name) else None


def _spread(quantiles: np.ndarray) -> dict[str, float]:
    """The quantiles of `SPREAD` by name."""
    return dict(zip(("lower", "median", "upper"), map(float, quantiles), strict=True))


def _mixed(draws: Sequence[np.ndarray], weights: np.ndarray) -> dict[str, float]:
    """Median and 89 % interval of a mixture of samples."""
    values = np.concatenate(draws)
    each = np.concatenate([np.full(len(d), w / len(d)) for d, w in zip(draws, weights, strict=True)])
    order = np.argsort(values)
    middle = np.cumsum(each[order]) - each[order] / 2
    return _spread(np.interp(SPREAD, middle, values[order]))


def _first_issuer(study: Study) -> str:
    """The issuer with the most fitted counts of the carriers."""
    counting = [r.issuer for r in study.fitted if r.measures == study.carriers.name]
    issuers = counting or [report.issuer for report in study.fitted]
    return max(dict.fromkeys(issuers), key=issuers.count)


_MOST_DRAWS = 2000


def _seen_by_day(estimate: Estimate) -> np.ndarray:
    """What the first issuer would see on every day that was kept (draw, day)."""
    study, draws = estimate.study, estimate.data["posterior"].to_dataset()
    bias: xr.DataArray = draws["issuer_bias"]
    if "voice" in bias.dims:
        bias = bias.sel(voice=f"{_first_issuer(study)} on {study.carriers.name}")
        if "common_bias" in draws and study.carriers.name in draws["shared_quantity"].values:
            bias = bias + draws["common_bias"].sel(shared_quantity=study.carriers.name)
    carriers = draws[study.carriers.name]
    level = np.asarray(carriers.transpose("chain", "draw", "day")).reshape(-1, carriers.sizes["day"])
    factor = np.exp(np.asarray(bias)).ravel()
    chosen = np.linspace(0, len(level) - 1, min(_MOST_DRAWS, len(level))).astype(int)
    return np.asarray(level[chosen] * factor[chosen, None])


def _chance(one: np.ndarray, two: np.ndarray) -> float:
    """The chance that one value tells two samples apart by a factor of `LIMIT`, the mean over both.

    By shares of twenty bins with equal pooled counts; half a draw in each keeps an empty bin from
    proving anything.
    """
    edges = np.unique(np.quantile(np.concatenate([one, two]), np.linspace(0, 1, 21)[1:-1]))
    first, second = (
        np.bincount(np.searchsorted(edges, x, side="right"), minlength=len(edges) + 1) for x in (one, two)
    )
    p, q = ((counts + 0.5) / (counts + 0.5).sum() for counts in (first, second))
    return float((p[p >= LIMIT * q].sum() + q[q >= LIMIT * p].sum()) / 2)
