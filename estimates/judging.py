"""What becomes of each claim under rival stories, in a sentence fit to quote."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any, NamedTuple

from estimates import notebook, shelf
from estimates.claims import Claim
from estimates.errors import ContradictionError, QuestionError, StudyError
from estimates.estimate import Measured
from estimates.formula import Day, Name
from estimates.inference import infer
from estimates.study import Study
from estimates.study.rereading import has_over, opened
from estimates.words import label, listed, span, story_label
from estimates.workers import Progress, Workers

CLEARLY = 0.9
"""From this probability on a claim is said to hold, and below its complement not to."""

MOST_NAMED = 4
"""More stories than this are counted and not named."""

type Asked = Mapping[str, tuple[Measured, Measured] | None]
"""Claim -> its probability before and after the reports; None where a model has not what it speaks of."""


class Verdict(Enum):
    """What becomes of a claim; each value is the sentence, to be filled in."""

    HOLDS = "holds in {all} ({range})"
    LIKELY = "is more likely than not in {all} ({range})"
    UNLIKELY = "is less likely than not in {all} ({range})"
    FAILS = "does not hold in {any} ({range})"
    EVEN = "is about as likely as not: {range} over {all}"
    PARTLY = "is settled in part: {sides}"
    DEPENDS_ON_OVER = "depends on how 'over' is read: {range} as read, {opened} when it has no upper end"
    DEPENDS_ON_READING = "depends on {what}: {sides}"
    DEPENDS_ON_MODEL = "depends on the model: {sides}"
    DEPENDS = "depends on model and reading: {sides}"
    UNKNOWN = "is not known: no model asked has what it speaks of"


@dataclass(frozen=True)
class Answer:
    """What one story says of one claim.

    Attributes
    ----------
    prior, posterior, opened : Measured
        Before the reports; after them; and with every "over" open, None where nothing is read as "over".
    """

    model: str
    variant: str | None
    prior: Measured
    posterior: Measured
    opened: Measured | None

    @property
    def label(self) -> str:
        """The story in words: steady (mid_2022)."""
        return story_label(self.model, self.variant)

    @property
    def side(self) -> int:
        """1 where the claim is more likely than not, -1 where it is less, 0 within two errors of one half."""
        return _side(self.posterior)

    @property
    def depends_on_over(self) -> bool:
        """Whether opening every "over" puts the claim on the other side of one half."""
        return self.opened is not None and self.side * _side(self.opened) < 0


def _side(found: Measured) -> int:
    return 0 if abs(found.value - 0.5) <= 2 * found.mcse else (1 if found.value > 0.5 else -1)


@dataclass(frozen=True)
class Judged:
    """A claim with the answers of all stories, and what they come to."""

    id: str
    claim: Claim
    answers: tuple[Answer, ...]
    verdict: Verdict
    says: str


class Trusted(NamedTuple):
    """How far the fit of a story can be trusted."""

    label: str
    verdict: str


@dataclass(frozen=True)
class Verdicts:
    """Every claim of a study under every story."""

    study: Study
    seed: int
    judged: tuple[Judged, ...]
    trusted: tuple[Trusted, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    """Stories that could not be asked, with the reason."""

    def __getitem__(self, claim: str) -> Judged:
        return {one.id: one for one in self.judged}[claim]

    def _repr_html_(self) -> str:
        """What a notebook shows: what becomes of each claim, and which fits are not good."""
        doubtful = [f"{one.label} ({one.verdict})" for one in self.trusted if one.verdict != "good"]
        trust = f"Not good: {listed(doubtful)}" if doubtful else "Trust: good in all"
        return notebook.shown(
            self.study.title,
            [
                notebook.table(
                    ["claim", "what becomes of it"], [[one.claim.says, one.says] for one in self.judged]
                ),
                *(notebook.note(f"Left out: {story}, {reason}.") for story, reason in self.left_out),
                notebook.note(
                    f"{trust}. Stories: {listed([one.label for one in self.trusted])}. Seed {self.seed}, "
                    f"study {self.study.fingerprint}."
                ),
            ],
        )

    def document(self) -> dict[str, Any]:
        """The verdicts as the JSON document of ``estimates claims --json``."""
        return {
            "schema": 1,
            "study": self.study.name,
            "fingerprint": self.study.fingerprint,
            "data_digest": self.study.data_digest,
            "seed": self.seed,
            "stories": [{"label": one.label, "trust": one.verdict} for one in self.trusted],
            "left_out": [{"label": label, "reason": reason} for label, reason in self.left_out],
            "claims": [
                {
                    "id": one.id,
                    "claim": one.claim.says,
                    "statement": one.claim.statement,
                    "verdict": one.verdict.name.lower(),
                    "says": one.says,
                    "answers": [_row(answer) for answer in one.answers],
                }
                for one in self.judged
            ],
        }


def _row(answer: Answer) -> dict[str, Any]:
    return {
        "story": answer.label,
        "model": answer.model,
        "variant": answer.variant,
        "prior": _number(answer.prior),
        "posterior": _number(answer.posterior),
        "opened": _number(answer.opened),
        "depends_on_over": answer.depends_on_over,
    }


def _number(found: Measured | None) -> dict[str, float] | None:
    return {"probability": found.value, "mcse": found.mcse} if found else None


def verdicts(
    study: Study,
    models: Sequence[str | Path] = shelf.RIVALS,
    variants: Sequence[str | None] | None = None,
    *,
    seed: int = 1,
    workers: int = 1,
    progress: Progress | None = None,
) -> Verdicts:
    """Ask several models, under several readings, for the probability of every claim of a study.

    Each story is fitted as read, and again with every "over" open, where there is one: how far "over"
    reaches is nobody's knowledge, and a claim that hangs on it has to say so. A story that contradicts the
    reports, or whose model lacks something, is left out with the reason.

    Parameters
    ----------
    models : sequence of str or Path
    variants : sequence of str or None
        Readings; None is the study's own. Without it, all that the study names.
    seed, workers, progress
        As in `compare`.

    Returns
    -------
    Verdicts

    Raises
    ------
    QuestionError
        For a study without claims.
    """
    if not study.claims:
        raise QuestionError(
            f"{study.name} makes no claims", remedy="Add one: [claim.NAME] with says and statement."
        )
    named = [None, *study.variants] if variants is None else list(variants)
    readings = {name: study.variant(name) if name else study for name in named}
    places = [(str(model), name) for model in dict.fromkeys(map(str, models)) for name in readings]
    with_over = {name for name, read in readings.items() if has_over(read)}
    tasks = [(readings[name], model, seed) for model, name in places]
    tasks += [(opened(readings[name]), model, seed) for model, name in places if name in with_over]
    with Workers(workers, progress) as pool:
        found = pool.run("asking the stories", _asked, tasks, share=1.0)
    reread = iter(found[len(places) :])
    answers: dict[str, list[Answer]] = {claim: [] for claim in study.claims}
    trusted, left_out = [], []
    for (_, variant), told in zip(places, found, strict=False):
        again = next(reread) if variant in with_over else None
        if told.reason:
            left_out.append((story_label(told.model, variant), told.reason))
            continue
        trusted.append(Trusted(story_label(told.model, variant), told.trust))
        for claim, asked in told.claims.items():
            if asked is not None:
                more = again.claims.get(claim) if again else None
                answers[claim].append(Answer(told.model, variant, *asked, more[1] if more else None))
    judged = [_judged(study, name, tuple(given)) for name, given in answers.items()]
    whole = tuple(_with_the_only_one(study, judged))
    return Verdicts(study, seed, whole, tuple(trusted), tuple(left_out))


class _Story(NamedTuple):
    """What one story says: its model, the verdict of trust, its claims; or why it could not be asked."""

    model: str
    trust: str
    claims: Asked
    reason: str = ""


def _asked(study: Study, model: str, seed: int) -> _Story:
    try:
        estimate = infer(study, model, seed=seed)
    except (ContradictionError, StudyError) as error:
        return _Story(shelf.find(model).name, "", {}, error.what)
    found: dict[str, tuple[Measured, Measured] | None] = {}
    for claim in study.claims:
        try:
            found[claim] = estimate.probability(claim, group="prior"), estimate.probability(claim)
        except QuestionError:  # on an unknown that this model does not have
            found[claim] = None
    return _Story(estimate.conditions.model, estimate.trust.verdict, found)


# ---- what the answers come to ------------------------------------------------------------------


def _judged(study: Study, name: str, answers: tuple[Answer, ...]) -> Judged:
    verdict = _verdict(answers)
    says = verdict.value.format(**_filled(study, answers, verdict)) if answers else verdict.value
    turned = [answer for answer in answers if answer.depends_on_over]
    if turned and verdict is not Verdict.DEPENDS_ON_OVER:
        says += f". How 'over' is read turns it {_where([answer.label for answer in turned], answers)}"
    if answers and all(answer.prior.value in (0.0, 1.0) for answer in answers):
        says += ". The assumptions settle it: no report can change it"
    return Judged(name, study.claims[name], answers, verdict, f"{says}.")


def _verdict(answers: tuple[Answer, ...]) -> Verdict:
    if not answers:
        return Verdict.UNKNOWN
    values, sides = [answer.posterior.value for answer in answers], {answer.side for answer in answers}
    if not sides >= {1, -1}:
        if any(answer.depends_on_over for answer in answers):
            return Verdict.DEPENDS_ON_OVER
        if len(sides) > 1:
            return Verdict.PARTLY
        if sides == {1}:
            return Verdict.HOLDS if min(values) >= CLEARLY else Verdict.LIKELY
        if sides == {-1}:
            return Verdict.FAILS if max(values) <= 1 - CLEARLY else Verdict.UNLIKELY
        return Verdict.EVEN
    if _is_settled_by(answers, "variant"):
        return Verdict.DEPENDS_ON_READING
    return Verdict.DEPENDS_ON_MODEL if _is_settled_by(answers, "model") else Verdict.DEPENDS


def _is_settled_by(answers: tuple[Answer, ...], what: str) -> bool:
    """Whether all answers of one variant, or of one model, are on one side."""
    sides: dict[str | None, set[int]] = {}
    for answer in answers:
        sides.setdefault(getattr(answer, what), set()).add(answer.side)
    return not any(found >= {1, -1} for found in sides.values())


def _filled(study: Study, answers: tuple[Answer, ...], verdict: Verdict) -> dict[str, str]:
    count = len(answers)
    by_variant = verdict is Verdict.DEPENDS_ON_READING
    key = "variant" if by_variant else "model" if verdict is Verdict.DEPENDS_ON_MODEL else "label"
    readings = [answer.opened for answer in answers if answer.opened]
    return {
        "all": {1: answers[0].label, 2: "both stories"}.get(count, f"all {count} stories"),
        "any": {1: answers[0].label, 2: "either story"}.get(count, f"any of {count} stories"),
        "range": _span([answer.posterior for answer in answers]),
        "opened": _span(readings) if readings else "",
        "what": _changed(study, answers),
        "sides": "; ".join(_sides(answers, key)),
    }


def _span(found: Sequence[Measured]) -> str:
    return span([each.value for each in found])


def _sides(answers: tuple[Answer, ...], key: str) -> Iterator[str]:
    """The stories on either side of one half, and those too near to say; a long list is counted."""
    for side, words in ((1, "likely"), (-1, "unlikely"), (0, "as likely as not")):
        here = [answer for answer in answers if answer.side == side]
        names = list(dict.fromkeys(str(getattr(answer, key) or "the study's own reading") for answer in here))
        if here:
            yield f"{words} {_where(names, answers)} ({_span([answer.posterior for answer in here])})"


def _where(names: Sequence[str], answers: Sequence[Answer]) -> str:
    """Stories by name, or counted where they are many."""
    many = len(names) > MOST_NAMED
    return f"in {len(names)} of {len(answers)} stories" if many else f"under {listed(names)}"


def _changed(study: Study, answers: tuple[Answer, ...]) -> str:
    """What the readings differ in: the assumptions that they replace, or else their names."""
    variants = [study.variants[answer.variant] for answer in answers if answer.variant]
    names = list(dict.fromkeys(name for variant in variants for name in variant.assumption))
    only = names if names and not any(variant.without for variant in variants) else ["the reading"]
    return listed(only)


def _with_the_only_one(study: Study, judged: Sequence[Judged]) -> Iterator[Judged]:
    """Claims that differ in the quantity alone: what is not likely names what is, if anything."""
    for one in judged:
        key = _bound(study, one.claim)
        alike = [o for o in judged if o is not one and key is not None and _bound(study, o.claim) == key]
        reached = [o for o in alike if any(answer.side == 1 for answer in o.answers)]
        if one.verdict in (Verdict.FAILS, Verdict.UNLIKELY) and reached:
            names = listed([_quantity_words(study, o.claim) for o in reached])
            held = [answer for o in reached for answer in o.answers if answer.side == 1]
            count = sum(len(o.answers) for o in reached)
            more = (
                f" Only under {names} is it more likely than not, in {len(held)} of {count} stories "
                f"({_span([answer.posterior for answer in held])})."
            )
            yield replace(one, says=one.says + more)
        else:
            yield one


def _bound(study: Study, claim: Claim) -> tuple[str | None, str, str, str] | None:
    """The day, the sign, the number and the unit of a claim on one quantity; None for any other claim."""
    comparisons = claim.parsed.comparisons
    if len(comparisons) != 1:
        return None
    (comparison,) = comparisons
    left, right = comparison.left.term, comparison.right
    if not isinstance(left, Name) or right.names() or isinstance(right.term, Day):
        return None
    number = f"{right.evaluate(lambda name: math.nan):.12g}"
    return left.at, comparison.symbol, number, study.unit_of(left.name)


def _quantity_words(study: Study, claim: Claim) -> str:
    name = claim.parsed.names()[0].name
    return label(name, study.quantities[name].says if name in study.quantities else "")
