"""What it would take to overturn a claim: the fewest assumptions, moved the least.

A claim is overturned where its probability crosses one half. Assumptions are dials (`estimates.dials`): a
dialled one is fixed at a quantile of its prior, the others keep their posterior. Of all settings that
overturn the claim, the one with the fewest dials is sought, and among those the one with the least sum of
squares of z: the design point of reliability analysis (Hasofer and Lind 1974; Der Kiureghian 2022,
*Structural and System Reliability*, ch. 5). The search runs on draws that are already there; whatever is
reported was fitted anew, at the values as printed.
"""

import datetime as dt
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import special

from estimates import notebook
from estimates.correlations import score_correlations
from estimates.dials import FARTHEST, Dial, Setting
from estimates.errors import ContradictionError, QuestionError, choices
from estimates.estimate import Measured
from estimates.inference import infer
from estimates.overturning import Search, is_over
from estimates.study import Study
from estimates.study.rereading import has_over, opened
from estimates.words import date_words, listed, number, one_in, probability, times_less, titled, units
from estimates.workers import Progress, Workers

TRIES = 2000
"""Settings that a search tries before it says that there is none."""

_NEAR = 0.02  # a setting that leaves the claim this near one half is far enough, and not too far
_MOST_FITS = 8  # on the way to it


@dataclass(frozen=True)
class Overturned:
    """A setting of dials that overturns a claim, as it was fitted.

    Attributes
    ----------
    setting : mapping
        Dial -> z.
    values : mapping
        Dial -> the value fixed, in the study's own unit.
    probability : Measured
        Of the claim, from the fit at these values.
    distance : float
        The root of the sum of squares of z.
    chance : float
        The joint prior probability that every one of these assumptions lies so far out, each on the side to
        which it was moved.
    evidence_change : float or None
        By how much the log evidence of the reports changes; 0 where no report bears on any of the dials, None
        where an engine gives no evidence.
    """

    setting: Setting
    values: Mapping[str, float | dt.date]
    probability: Measured
    distance: float
    chance: float
    evidence_change: float | None


@dataclass(frozen=True)
class Falsification:
    """What it would take to overturn a claim.

    Attributes
    ----------
    prior, posterior, opened : Measured
        The probability of the claim before the reports, after them, and with every "over" open (None where
        nothing is read as "over").
    alone : mapping
        Dial -> the nearest setting at which it overturns the claim by itself, or None.
    together : Overturned or None
        The fewest dials moved the least; None when no setting was found in `tries`.
    unfitted : Overturned or None
        The same among the assumptions that no report bears on; None where `together` is of these alone,
        or none was found.
    """

    study: Study
    claim: str
    model: str
    seed: int
    tries: int
    prior: Measured
    posterior: Measured
    opened: Measured | None
    dials: tuple[Dial, ...]
    alone: Mapping[str, Overturned | None]
    together: Overturned | None
    unfitted: Overturned | None
    unconfirmed: tuple[str, ...] = ()
    """Dials that overturn the claim on the draws of one fit, where no fit of its own confirmed it."""

    @property
    def depends_on_over(self) -> bool:
        """Whether opening every "over" puts the claim on the other side of one half."""
        return self.opened is not None and (self.opened.value - 0.5) * (self.posterior.value - 0.5) < 0

    def sentences(self) -> Iterator[str]:
        """What was found, in sentences fit to quote."""
        before, after = probability(self.prior.value), probability(self.posterior.value)
        says = self.study.claims[self.claim].says
        earlier = f"; before the reports, {before}" if before != after else ", as before the reports"
        yield f"“{says}” has a probability of {after} under {self.model}{earlier}."
        if self.opened is not None and self.depends_on_over:
            then = probability(self.opened.value)
            yield f"It depends on how 'over' is read: with no upper end it has {then}."
        if self.together is None:
            if self.unconfirmed:
                yield (
                    f"On the draws of one fit {listed(self.unconfirmed)} seemed to overturn it; no fit at "
                    "such values confirmed it."
                )
            else:
                yield self._none([dial.name for dial in self.dials])
            return
        yield self._sentence(self.together, "It would take")
        loads = [dial.name for dial in self.dials if not dial.is_fitted]
        if loads and not set(self.together.setting) <= set(loads):
            if self.unfitted is None:
                yield self._none(loads)
            else:
                yield self._sentence(self.unfitted, "Of what no report bears on, it would take")

    def _none(self, names: Sequence[str]) -> str:
        return (
            f"No setting of {listed(names)} was found in {self.tries:,} tries that overturns it, each within "
            f"{FARTHEST:g} standard deviations of its prior."
        )

    def _sentence(self, found: Overturned, start: str) -> str:
        dials = {dial.name: dial for dial in self.dials}
        moved = [_placed(dials[name], value) for name, value in found.values.items()]
        many = len(moved) > 1
        becomes = "more" if self.posterior.value < 0.5 else "less"
        then, chance = probability(found.probability.value), one_in(found.chance)
        departure = "all that, or farther out," if many else f"that, or {_beyond(found, dials)},"
        idle = self._left_behind(found)
        less = found.evidence_change
        reports = (
            f" The reports are {times_less(-less)} likely then."
            if less is not None and less < -math.log(2)
            else ""
        )
        return (
            f"{start} {listed(moved)}{' together' * many} to make it {becomes} likely than not "
            f"({then} then). The priors give {departure} a chance of {chance}.{reports}{idle}"
        )

    def _left_behind(self, found: Overturned) -> str:
        """What goes together with a dial that was turned, and was left where it was."""
        turned = set(found.setting)
        left = {
            other: name
            for correlation in self.study.correlations
            for name, other in (correlation.between, correlation.between[::-1])
            if name in turned and other not in turned and other in {dial.name for dial in self.dials}
        }
        told = [f"{other}, which goes together with {name}" for other, name in left.items()]
        return f" Left where it was: {listed(told)}." if told else ""

    def _repr_html_(self) -> str:
        """What a notebook shows: what was found in sentences, and where each assumption alone would do it."""
        cells = [
            [dial.name, *_alone(dial, self.alone[dial.name]), "data" if dial.is_fitted else "assumed only"]
            for dial in self.dials
        ]
        columns = ["assumption", "overturns it alone at", "chance of so far out", "rests on"]
        return notebook.shown(
            titled(self.study.title, self.study.variant_name),
            [
                *map(notebook.note, self.sentences()),
                notebook.table(columns, cells),
                notebook.note(f"Model {self.model}, seed {self.seed}, study {self.study.fingerprint}."),
            ],
        )

    def document(self) -> dict[str, Any]:
        """The result as the JSON document of ``estimates falsify --json``."""
        numbers = {"prior": self.prior, "posterior": self.posterior, "opened": self.opened}
        return {
            "schema": 1,
            "study": self.study.name,
            "fingerprint": self.study.fingerprint,
            "data_digest": self.study.data_digest,
            "variant": self.study.variant_name,
            "model": self.model,
            "seed": self.seed,
            "tries": self.tries,
            "claim": self.claim,
            "statement": self.study.claims[self.claim].statement,
            **{name: found and _number(found) for name, found in numbers.items()},
            "depends_on_over": self.depends_on_over,
            "says": " ".join(self.sentences()),
            "alone": [
                {
                    "assumption": dial.name,
                    "unit": self.study.assumptions[dial.name].unit,
                    "judgement": self.study.assumptions[dial.name].judgement,
                    "entries": dial.entries,
                    "fitted": dial.is_fitted,
                    "turns": _overturned(self.alone[dial.name]),
                }
                for dial in self.dials
            ],
            "together": _overturned(self.together),
            "unfitted": _overturned(self.unfitted),
            "unconfirmed": list(self.unconfirmed),
        }


def _alone(dial: Dial, found: Overturned | None) -> tuple[str, str]:
    """The value of a dial that overturns a claim by itself, and its chance."""
    return (shown(dial, found.values[dial.name]), one_in(found.chance)) if found else ("no value", "")


def _beyond(found: Overturned, dials: Mapping[str, Dial]) -> str:
    """On which side of its value the chance of a single dial is counted."""
    ((name, z),) = found.setting.items()
    sides = ("earlier", "later") if isinstance(found.values[name], dt.date) else ("less", "more")
    return sides[z >= dials[name].origin]


def _placed(dial: Dial, value: float | dt.date) -> str:
    several = f" for all {dial.entries}" if dial.entries > 1 else ""
    return f"{dial.name} at {shown(dial, value)}{several}"


def shown(dial: Dial, value: float | dt.date) -> str:
    """A value of a dial with its unit: 20.91 tonnes/container."""
    if isinstance(value, dt.date):
        return date_words(value)
    return f"{number(value)} {units(dial.study.assumptions[dial.name].unit)}".strip()


def _number(found: Measured) -> dict[str, float]:
    return {"probability": found.value, "mcse": found.mcse}


def _overturned(found: Overturned | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "settings": [
            {"assumption": name, "value": str(value) if isinstance(value, dt.date) else value, "z": z}
            for (name, z), value in zip(found.setting.items(), found.values.values(), strict=True)
        ],
        **_number(found.probability),
        "distance": found.distance,
        "chance": found.chance,
        "evidence_change": found.evidence_change,
    }


def falsify(  # noqa: PLR0913 - the question (claim, dials, tries) and the fit (model, seed, workers)
    study: Study,
    claim: str,
    model: str | Path = "steady",
    *,
    dials: Sequence[str] | None = None,
    tries: int = TRIES,
    seed: int = 1,
    workers: int = 1,
    progress: Progress | None = None,
) -> Falsification:
    """Find the smallest change of assumptions that overturns a claim.

    Parameters
    ----------
    claim : str
        A claim of the study.
    dials : sequence of str, optional
        Assumptions that may be turned; without it all that the claim rests on.
    tries : int
        Settings of several dials that are tried before none is said to be found.
    seed, workers, progress
        As in `compare`. The same seed gives the same answer, whatever the workers.

    Returns
    -------
    Falsification

    Raises
    ------
    QuestionError
        For an unknown claim, or a dial that the claim does not rest on.
    """
    if claim not in study.claims:
        raise QuestionError(f"unknown claim {claim!r}", remedy=choices(claim, study.claims))
    with Workers(workers, progress) as pool:
        pool.tell("fitting", 0.0)
        base = infer(study, model, seed=seed)
        search = Search(base, claim, dials, tries)
        rereads = [(opened(study), str(model), seed, claim)] if has_over(study) else []
        pool.tell("searching", 0.1)
        loads = [dial for dial in search.dials if not dial.is_fitted]
        alone = list(search.alone())
        several = [search.together(search.dials)]
        several.append(search.together(loads) if len(loads) < len(search.dials) else None)
        pool.tell("fitting", 0.2)
        again = pool.run("reading every 'over' without an end", _asked, rereads, share=0.05)
        before = _Asked(search.posterior, base.log_evidence)
        sought = [*(setting for _, setting in alone), *filter(None, several)]
        tasks = [(study, str(model), seed, claim, _ray(search, setting), before) for setting in sought]
        fits = iter(pool.run("fitting what was found", _crossing, tasks, share=0.75))
    nearest: dict[str, Overturned | None] = {dial.name: None for dial in search.dials}
    for name, _ in alone:
        turned = next(fits)
        best = nearest[name]
        if turned is not None and (best is None or turned.distance < best.distance):
            nearest[name] = turned
    both, of_loads = (next(fits) if setting is not None else None for setting in several)
    names = {dial.name for dial in loads}
    least = _fewest(nearest.values(), both)
    least_of_loads = _fewest([nearest[name] for name in nearest if name in names], of_loads)
    # What only the draws say, and no fit confirmed.
    hoped = [*filter(None, several), *(s for n, s in alone if search.overturns(s))] if least is None else []
    return Falsification(
        study=study,
        claim=claim,
        model=base.conditions.model,
        seed=seed,
        tries=tries,
        prior=base.probability(claim, group="prior"),
        posterior=search.posterior,
        opened=again[0].probability if again else None,
        dials=search.dials,
        alone=nearest,
        together=least,
        unfitted=None if least is not None and set(least.setting) <= names else least_of_loads,
        unconfirmed=tuple(hoped[0]) if hoped else (),
    )


def _fewest(singles: Iterable[Overturned | None], several: Overturned | None) -> Overturned | None:
    """A single dial that does it, fitted anew, is fewer than any two."""
    found = [turned for turned in singles if turned is not None]
    return min(found, key=lambda turned: turned.distance) if found else several


def _ray(search: Search, setting: Setting) -> "_Ray":
    dials = {name: search.known[name] for name in setting}
    return _Ray(
        {name: dial.origin for name, dial in dials.items()},
        setting,
        {name: dial.entries for name, dial in dials.items()},
    )


# ---- fitting what was found --------------------------------------------------------------------


class _Asked(NamedTuple):
    """What a fit says of a claim, and the log evidence of the reports."""

    probability: Measured
    log_evidence: Measured | None


class _Ray(NamedTuple):
    """From where every dial stands, through a setting."""

    origin: Setting
    setting: Setting
    entries: Mapping[str, int]

    def at(self, scale: float) -> Setting:
        """So far along: 0 is the origin, 1 the setting."""
        return {name: o + scale * (self.setting[name] - o) for name, o in self.origin.items()}

    @property
    def limit(self) -> float:
        """How far along the first dial can be turned."""
        ways = [(o, self.setting[name] - o) for name, o in self.origin.items()]
        return min((math.copysign(FARTHEST, way) - o) / way for o, way in ways if way)


def _asked(study: Study, model: str, seed: int, claim: str) -> _Asked:
    estimate = infer(study, model, seed=seed)
    return _Asked(estimate.probability(claim), estimate.log_evidence)


def _crossing(
    study: Study, model: str, seed: int, claim: str, ray: _Ray, before: _Asked
) -> Overturned | None:
    """The nearest setting along a ray at which fits say that the claim is overturned.

    The first fit is at the setting itself. From there the ray is followed out, or back in, until the claim
    is over but near one half, at the values as they are printed.
    """
    dials = {name: Dial(study, name) for name in ray.setting}

    def fitted(scale: float) -> Overturned | None:
        moved = ray.at(scale)
        values = {name: dial.stated(moved[name]) for name, dial in dials.items()}
        try:
            found = _asked(study.assuming(values), model, seed, claim)
        except ContradictionError:  # the reports are impossible there
            return None
        more, less = found.log_evidence, before.log_evidence
        change = more.value - less.value if more and less else None
        distance = math.sqrt(sum(ray.entries[name] * z * z for name, z in moved.items()))
        chance = joint_chance(study, moved, ray)
        return Overturned(moved, values, found.probability, distance, chance, change)

    return _followed(fitted, min(1.0, ray.limit), ray.limit, before.probability.value)


def _followed(
    fitted: Callable[[float], Overturned | None], start: float, limit: float, before: float
) -> Overturned | None:
    """The root of probability - 1/2 along a ray, from its far side (regula falsi on the log odds).

    Where the reports are impossible the ray ends before.
    """
    low, low_odds, first_odds = 0.0, _log_odds(before), _log_odds(before)
    at, best, best_at, best_odds, is_walled = start, None, limit, 0.0, False
    for _ in range(_MOST_FITS):
        found = fitted(at)
        if found is None:
            limit, is_walled = at, True
            at = (low + (limit if best is None else best_at)) / 2
            continue
        odds = _log_odds(found.probability.value)
        if is_over(found.probability.value, before):
            best, best_at, best_odds = found, at, odds
            if abs(found.probability.value - 0.5) <= _NEAR:
                break
        else:
            low, low_odds = at, odds
        if best is not None:
            share = low_odds / (low_odds - best_odds)
            # A little beyond the root, so that the far side is met and not the near one.
            at = low + (best_at - low) * min(max(1.02 * share, 0.05), 0.98)
            continue
        if low >= limit:
            return None
        slope = low_odds / (low_odds - first_odds) if low_odds != first_odds else -1.0
        ahead = low * (1 - slope) if slope < 0 else 1.3 * low
        ahead = max(1.02 * low, min(1.02 * ahead, 1.5 * low))
        at = min((low + limit) / 2 if is_walled else limit, ahead)
    return best


def _log_odds(value: float) -> float:
    return float(special.logit(np.clip(value, 1e-3, 1 - 1e-3)))


def joint_chance(study: Study, setting: Setting, ray: _Ray) -> float:
    """The prior probability that every dial lies at least so far out, each on the side to which it is moved.

    Of normal scores Z with the study's correlations: P(Z_j beyond z_j for all j), the chance of an orthant. A
    dial of several entries has all of them out there; they are independent.
    """
    names = list(setting)
    sides = np.array([-1.0 if ray.setting[name] < ray.origin[name] else 1.0 for name in names])
    z = np.array(list(setting.values())) * sides
    correlations = sides[:, None] * score_correlations(names, study.correlations) * sides
    if np.array_equal(correlations, np.eye(len(names))):
        entries = np.array([ray.entries[name] for name in names])
        return float(np.prod(special.ndtr(-z) ** entries))
    several = [index for index, name in enumerate(names) if ray.entries[name] > 1]
    single = [index for index in range(len(names)) if index not in several]
    more = math.prod(float(special.ndtr(-z[i])) ** ray.entries[names[i]] for i in several)
    from scipy.stats import multivariate_normal

    rng = np.random.default_rng(0)
    matrix = correlations[np.ix_(single, single)]
    chance = multivariate_normal.cdf(-z[single], cov=matrix, abseps=1e-12, releps=1e-3, rng=rng)
    return more * float(chance)
