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
from itertools import combinations, product
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import numpy as np
from scipy import special

from estimates.correlations import score_correlations
from estimates.dials import FARTHEST, Dial, Setting
from estimates.errors import QuestionError, choices
from estimates.estimate import Estimate, Measured
from estimates.inference import infer
from estimates.reports import Printing
from estimates.study import Study
from estimates.study.rereading import opened
from estimates.turned import Turned, dials_of
from estimates.words import date_words, listed, number, odds, one_in, probability, units
from estimates.workers import Progress, Workers

TRIES = 2000
"""Settings that a search tries before it says that there is none."""

STEP = 0.25
"""Hypothesis turns dials in steps of so many standard deviations."""

_NEAR = 0.02  # a setting that leaves the claim this near one half is far enough, and not too far
_MOST_FITS = 8  # on the way to it
_MOST_AT_ONCE = 5  # dials of which all combinations are looked at
_MOST_POLISHED = 3


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
    chance : float
        The joint prior probability that every one of these assumptions lies so far out, each on its side.
    evidence_change : float or None
        By how much the log evidence of the reports changes; 0 where no report bears on any of the dials, None
        where an engine gives no evidence.
    """

    setting: Setting
    values: Mapping[str, float | dt.date]
    probability: Measured
    chance: float
    evidence_change: float | None

    @property
    def distance(self) -> float:
        """The root of the sum of squares of z."""
        return math.sqrt(sum(z * z for z in self.setting.values()))


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

    @property
    def depends_on_over(self) -> bool:
        """Whether opening every "over" puts the claim on the other side of one half."""
        return self.opened is not None and (self.opened.value - 0.5) * (self.posterior.value - 0.5) < 0

    def sentences(self) -> Iterator[str]:
        """What was found, in sentences fit to quote."""
        before, after = probability(self.prior.value), probability(self.posterior.value)
        says = self.study.claims[self.claim].says
        yield f"“{says}” has a probability of {after} under {self.model}; before the reports, {before}."
        if self.opened is not None and self.depends_on_over:
            then = probability(self.opened.value)
            yield f"It depends on how 'over' is read: with no upper end it has {then}."
        if self.together is None:
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
        moved = [f"{name} at {shown(dials[name], value)}" for name, value in found.values.items()]
        many = len(moved) > 1
        becomes = "more" if self.posterior.value < 0.5 else "less"
        then, chance = probability(found.probability.value), one_in(found.chance)
        departure = "departures so far" if many else "so far a departure"
        less = found.evidence_change
        reports = (
            f" The reports are {odds(-less).partition(' to ')[0]} times less likely then."
            if less is not None and less < -math.log(2)
            else ""
        )
        return (
            f"{start} {listed(moved)}{' together' * many} to make it {becomes} likely than not "
            f"({then} then). The priors give {departure} a chance of {chance}.{reports}"
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
                    "fitted": dial.is_fitted,
                    "turns": _overturned(self.alone[dial.name]),
                }
                for dial in self.dials
            ],
            "together": _overturned(self.together),
            "unfitted": _overturned(self.unfitted),
        }


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
        found = _Search(base, claim, dials, tries)
        has_over = any(report.says.printing is Printing.FLOOR for report in study.fitted)
        rereads = [(opened(study), str(model), seed, claim)] if has_over else []
        pool.tell("searching", 0.1)
        alone = list(found.starts_alone())
        together = found.together(found.dials)
        loads = [dial for dial in found.dials if not dial.is_fitted]
        unfitted = found.together(loads) if len(loads) < len(found.dials) else None
        rays = [*(setting for _, setting in alone), *filter(None, (together, unfitted))]
        pool.tell("fitting", 0.2)
        again = pool.run("reading every 'over' without an end", _asked, rereads, share=0.05)
        before = _Asked(found.posterior, base.log_evidence)
        tasks = [(study, str(model), seed, claim, ray, before) for ray in rays]
        fits = iter(pool.run("fitting what was found", _crossing, tasks, share=0.75))
    nearest: dict[str, Overturned | None] = {dial.name: None for dial in found.dials}
    for name, _ in alone:
        turned = next(fits)
        best = nearest[name]
        if turned is not None and (best is None or turned.distance < best.distance):
            nearest[name] = turned
    both, of_loads = (next(fits) if ray is not None else None for ray in (together, unfitted))
    singles = [turned for turned in nearest.values() if turned is not None]
    # A single dial that does it, fitted anew, is fewer than any two.
    least = min(singles, key=lambda turned: turned.distance) if singles else both
    is_of_loads = least is not None and set(least.setting) <= {dial.name for dial in loads}
    return Falsification(
        study=study,
        claim=claim,
        model=base.conditions.model,
        seed=seed,
        tries=tries,
        prior=base.probability(claim, group="prior"),
        posterior=found.posterior,
        opened=again[0].probability if again else None,
        dials=found.dials,
        alone=nearest,
        together=least,
        unfitted=None if is_of_loads else of_loads,
    )


# ---- searching on draws ------------------------------------------------------------------------


class _Search:
    """The search for settings that overturn a claim, on the draws of one fit."""

    def __init__(self, base: Estimate, claim: str, names: Sequence[str] | None, tries: int) -> None:
        self.turned, self.tries, self.seed = Turned(base, claim), tries, base.conditions.seed
        self.posterior = base.probability(claim)
        known = {dial.name: dial for dial in dials_of(base, claim)}
        for name in names or ():
            if name not in known:
                raise QuestionError(f"{claim!r} does not rest on {name!r}", remedy=choices(name, known))
        self.dials = tuple(dial for dial in known.values() if names is None or dial.name in names)
        if not self.dials:
            raise QuestionError(
                f"{claim!r} rests on no assumption that is uncertain", remedy="There is nothing to turn."
            )

    def overturns(self, setting: Setting) -> bool:
        """Whether the claim is on the other side of one half."""
        return _is_over(self.turned.probability(setting), self.posterior.value)

    def starts_alone(self) -> Iterator[tuple[str, Setting]]:
        """Where each dial may overturn the claim by itself, on either side of its middle.

        One that is fitted is tried at its ends even where the draws say that it does not: there the draws
        are few.
        """
        for dial in self.dials:
            for side in (-1.0, 1.0):
                grid = side * np.arange(STEP, FARTHEST + STEP / 2, STEP)
                over = [float(z) for z in grid if self.overturns({dial.name: float(z)})]
                if over:
                    yield dial.name, {dial.name: self._nearest(dial.name, over[0], side)}
                elif dial.is_fitted:
                    yield dial.name, {dial.name: side * FARTHEST}

    def _nearest(self, name: str, over: float, side: float) -> float:
        radius = self._radius(np.array([side]), [name], abs(over) / FARTHEST)
        return side * radius

    def together(self, dials: Iterable[Dial]) -> Setting | None:
        """The fewest dials, moved the least."""
        names = [dial.name for dial in dials]
        found = self._hunted(names) if names else None
        if found is None:
            return None
        for count in range(1, min(len(found), _MOST_AT_ONCE) + 1):
            subsets = self._overturning(names, count)
            if subsets:
                return self._least([*subsets, found] if count == len(found) else subsets)
        return self._least([found])

    def _hunted(self, names: Sequence[str]) -> Setting | None:
        """A setting that Hypothesis finds, and shrinks to few dials near their middles."""
        from hypothesis import HealthCheck, Phase, find, settings
        from hypothesis import strategies as st
        from hypothesis.errors import NoSuchExample

        steps = round(FARTHEST / STEP)
        turn = st.tuples(st.sampled_from(names), st.integers(1, steps), st.sampled_from((-1, 1)))
        some = st.lists(turn, min_size=1, max_size=len(names), unique_by=lambda one: one[0])
        quiet = settings(
            max_examples=self.tries,
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
        )
        chance = Random(self.seed)  # noqa: S311 - Hypothesis takes no other
        try:
            turns = find(some, lambda t: self.overturns(_as_setting(t)), settings=quiet, random=chance)
        except NoSuchExample:
            return None
        return _as_setting(turns)

    def _overturning(self, names: Sequence[str], count: int) -> list[Setting]:
        """The combinations of so many dials that overturn the claim when turned all the way."""
        corners = (
            dict(zip(chosen, signs, strict=True))
            for chosen in combinations(names, count)
            for signs in product((-FARTHEST, FARTHEST), repeat=count)
        )
        return [corner for corner in corners if self.overturns(corner)]

    def _least(self, settings: Sequence[Setting]) -> Setting:
        """Of some combinations, the one moved the least, and how far."""
        rough = sorted(settings, key=self._even_radius)[:_MOST_POLISHED]
        return min(map(self._design_point, rough), key=_squares)

    def _even_radius(self, setting: Setting) -> float:
        signs = np.sign(list(setting.values()))
        return self._radius(signs / math.sqrt(len(signs)), list(setting))

    def _radius(self, direction: np.ndarray, names: Sequence[str], most: float = 1.0) -> float:
        """How far along a direction the claim is overturned, by bisection; beyond reach where it is not."""
        limit = most * FARTHEST / float(np.max(np.abs(direction)))
        if not self.overturns(dict(zip(names, map(float, limit * direction), strict=True))):
            return 2 * FARTHEST * math.sqrt(len(names))
        low, high = 0.0, limit
        for _ in range(14):
            middle = (low + high) / 2
            over = self.overturns(dict(zip(names, map(float, middle * direction), strict=True)))
            low, high = (low, middle) if over else (middle, high)
        return high

    def _design_point(self, setting: Setting) -> Setting:
        """The nearest point to the middle of all priors, over directions into the same corner."""
        names, signs = list(setting), np.sign(list(setting.values()))

        def direction(log_shares: np.ndarray) -> np.ndarray:
            shares = np.exp(np.clip(log_shares, -6, 6))
            return np.asarray(signs * shares / np.linalg.norm(shares))

        starts = [np.zeros(len(names)), np.log(np.abs(list(setting.values())))]
        best = min(starts, key=lambda start: self._radius(direction(start), names))
        if len(names) > 1:
            from scipy.optimize import minimize

            simplex = np.vstack([best, best + 0.5 * np.eye(len(names))])
            found = minimize(  # type: ignore[call-overload]
                lambda x: self._radius(direction(x), names),
                best,
                method="Nelder-Mead",
                options={"maxfev": 60 * len(names), "xatol": 0.01, "fatol": 1e-4, "initial_simplex": simplex},
            )
            best = np.asarray(found.x)
        towards = direction(best)
        radius = min(self._radius(towards, names), FARTHEST / float(np.max(np.abs(towards))))
        return dict(zip(names, map(float, radius * towards), strict=True))


def _as_setting(turns: Iterable[tuple[str, int, int]]) -> Setting:
    return {name: sign * steps * STEP for name, steps, sign in turns}


def _squares(setting: Setting) -> float:
    return sum(z * z for z in setting.values())


def _is_over(probability_then: float, before: float) -> bool:
    return probability_then > 0.5 if before <= 0.5 else probability_then < 0.5


# ---- fitting what was found --------------------------------------------------------------------


class _Asked(NamedTuple):
    """What a fit says of a claim, and the log evidence of the reports."""

    probability: Measured
    log_evidence: Measured | None


def _asked(study: Study, model: str, seed: int, claim: str) -> _Asked:
    estimate = infer(study, model, seed=seed)
    return _Asked(estimate.probability(claim), estimate.log_evidence)


def _crossing(
    study: Study, model: str, seed: int, claim: str, setting: Setting, before: _Asked
) -> Overturned | None:
    """The nearest setting along the ray through `setting` at which fits say that the claim is overturned.

    The first fit is at the setting itself. From there the ray is followed out, or back in, until the claim
    is over but near one half, at the values as they are printed.
    """
    dials = {name: Dial(study, name, is_fitted=False) for name in setting}
    limit = FARTHEST / max(abs(z) for z in setting.values())

    def fitted(scale: float) -> Overturned:
        values = {name: dial.stated(scale * setting[name]) for name, dial in dials.items()}
        found = _asked(study.assuming(values), model, seed, claim)
        moved = {name: scale * z for name, z in setting.items()}
        more, less = found.log_evidence, before.log_evidence
        change = more.value - less.value if more and less else None
        return Overturned(moved, values, found.probability, joint_chance(study, moved), change)

    return _followed(fitted, min(1.0, limit), limit, before.probability.value)


def _followed(
    fitted: Callable[[float], Overturned], start: float, limit: float, before: float
) -> Overturned | None:
    """The root of probability - 1/2 along a ray, from its far side (regula falsi on the log odds)."""
    low, low_odds = 0.0, _log_odds(before)
    at, best, best_at = start, None, limit
    for _ in range(_MOST_FITS):
        found = fitted(at)
        odds = _log_odds(found.probability.value)
        if _is_over(found.probability.value, before):
            best, best_at, best_odds = found, at, odds
            if abs(found.probability.value - 0.5) <= _NEAR:
                break
        else:
            low, low_odds = at, odds
        if best is None:
            if at >= limit:
                return None
            slope = low_odds / (low_odds - _log_odds(before)) if low_odds != _log_odds(before) else -1.0
            ahead = at * (1 - slope) if slope < 0 else 1.3 * at
            at = min(limit, max(1.02 * at, min(1.02 * ahead, 1.5 * at)))
        else:
            share = low_odds / (low_odds - best_odds)
            # A little beyond the root, so that the far side is met and not the near one.
            at = low + (best_at - low) * min(max(1.02 * share, 0.05), 0.98)
    return best


def _log_odds(value: float) -> float:
    return float(special.logit(np.clip(value, 1e-3, 1 - 1e-3)))


def joint_chance(study: Study, setting: Setting) -> float:
    """The prior probability that every dial lies at least so far out, each on its own side.

    Of normal scores Z with the study's correlations: P(Z_j beyond z_j for all j), the chance of an orthant.
    """
    names = list(setting)
    z = np.array(list(setting.values()))
    signs = np.where(z < 0, -1.0, 1.0)
    correlations = signs[:, None] * score_correlations(names, study.correlations) * signs
    if np.array_equal(correlations, np.eye(len(names))):
        return float(np.prod(special.ndtr(-np.abs(z))))
    from scipy.stats import multivariate_normal

    rng = np.random.default_rng(0)
    chance = multivariate_normal.cdf(-np.abs(z), cov=correlations, abseps=1e-12, releps=1e-3, rng=rng)
    return float(chance)
