"""The search for settings that overturn a claim, on the draws of one fit.

A dial that is not turned stands at its origin: the middle of its prior, or for one that is fitted the mean
of its posterior. A search goes from there outwards, so that what it meets first is where the claim turns.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, product

import numpy as np

from estimates.dials import FARTHEST, Dial, Setting
from estimates.errors import QuestionError, choices
from estimates.estimate import Estimate
from estimates.turned import Turned

STEP = 0.25
"""Hypothesis turns dials in steps of so many standard deviations."""

_MOST_AT_ONCE = 5  # dials of which all combinations are looked at
_MOST_POLISHED = 3
_FAR = 1e6


class Search:
    """What overturns a claim, as far as the draws of one fit tell."""

    def __init__(self, base: Estimate, claim: str, names: Sequence[str] | None, tries: int) -> None:
        self.turned, self.tries, self.seed = Turned(base, claim), tries, base.conditions.seed
        self.posterior = base.probability(claim)
        known = self.turned.dials
        for name in names or ():
            if name not in known:
                raise QuestionError(f"{claim!r} does not rest on {name!r}", remedy=choices(name, known))
        self.dials = tuple(dial for dial in known.values() if names is None or dial.name in names)
        self.known = known
        if not self.dials:
            raise QuestionError(
                f"{claim!r} rests on no assumption that is uncertain", remedy="There is nothing to turn."
            )

    def overturns(self, setting: Setting) -> bool:
        """Whether the claim is on the other side of one half."""
        return is_over(self.turned.probability(setting), self.posterior.value)

    def alone(self) -> Iterator[tuple[str, Setting]]:
        """Where each dial may overturn the claim by itself, on either side of its origin.

        One that is fitted is tried at its ends even where the draws say that it does not: there the draws
        are few.
        """
        for dial in self.dials:
            for side in (-1.0, 1.0):
                direction = np.array([side])
                reach = self._reach(direction, [dial.name])
                stops = [*np.arange(STEP, reach, STEP), reach]
                over = next((stop for stop in stops if self._is_over(direction, [dial.name], stop)), None)
                if over is not None:
                    radius = self._bisected(direction, [dial.name], max(over - STEP, 0.0), over)
                    yield dial.name, self._at(direction, [dial.name], radius)
                elif dial.is_fitted:
                    yield dial.name, {dial.name: side * FARTHEST}

    def together(self, dials: Iterable[Dial]) -> Setting | None:
        """The fewest dials, two at least, moved the least."""
        names = [dial.name for dial in dials]
        found = self._hunted(names) if names else None
        if found is None:
            return None
        for count in range(2, min(max(len(found), 2), _MOST_AT_ONCE) + 1):
            subsets = self._overturning(names, count)
            if subsets:
                return self._least([*subsets, found] if count == len(found) else subsets)
        return self._least([found])

    def _hunted(self, names: Sequence[str]) -> Setting | None:
        """A setting that Hypothesis finds, and shrinks to few dials near their middles."""
        from hypothesis import strategies as st

        from estimates.strategies import smallest

        steps = round(FARTHEST / STEP)
        turn = st.tuples(st.sampled_from(names), st.integers(1, steps), st.sampled_from((-1, 1)))
        some = st.lists(turn, min_size=1, max_size=len(names), unique_by=lambda one: one[0])
        turns = smallest(some, lambda t: self.overturns(_as_setting(t)), tries=self.tries, seed=self.seed)
        return None if turns is None else _as_setting(turns)

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
        rough = sorted(settings, key=self._rough)[:_MOST_POLISHED]
        return min(map(self._design_point, rough), key=self.cost)

    def cost(self, setting: Setting) -> float:
        """The sum of squares of z, over all entries."""
        return sum(self.known[name].entries * z * z for name, z in setting.items())

    def _rough(self, setting: Setting) -> float:
        offset = self._offset(setting)
        return self._cost_along(np.sign(offset) / math.sqrt(len(offset)), list(setting))

    def _offset(self, setting: Setting) -> np.ndarray:
        return np.array([z - self.known[name].origin for name, z in setting.items()])

    def _at(self, direction: np.ndarray, names: Sequence[str], radius: float) -> Setting:
        """The setting so far from the origin."""
        moved = np.array([self.known[name].origin for name in names]) + radius * direction
        return dict(zip(names, map(float, np.clip(moved, -FARTHEST, FARTHEST)), strict=True))

    def _reach(self, direction: np.ndarray, names: Sequence[str]) -> float:
        """How far the first dial can be turned in this direction."""
        origins = np.array([self.known[name].origin for name in names])
        return float(np.min((FARTHEST - np.sign(direction) * origins) / np.maximum(np.abs(direction), 1e-12)))

    def _is_over(self, direction: np.ndarray, names: Sequence[str], radius: float) -> bool:
        return self.overturns(self._at(direction, names, radius))

    def _bisected(self, direction: np.ndarray, names: Sequence[str], low: float, high: float) -> float:
        """Where, between a radius that does not overturn the claim and one that does, it is overturned."""
        for _ in range(14):
            middle = (low + high) / 2
            low, high = (low, middle) if self._is_over(direction, names, middle) else (middle, high)
        return high

    def _crossing(self, direction: np.ndarray, names: Sequence[str]) -> Setting | None:
        """The nearest setting in a direction that overturns the claim, if turning all the way does."""
        limit = self._reach(direction, names)
        if not self._is_over(direction, names, limit):
            return None
        return self._at(direction, names, self._bisected(direction, names, 0.0, limit))

    def _cost_along(self, direction: np.ndarray, names: Sequence[str]) -> float:
        """The cost of that setting; huge where there is none."""
        found = self._crossing(direction, names)
        return _FAR if found is None else self.cost(found)

    def _design_point(self, setting: Setting) -> Setting:
        """The setting of least cost, over directions into the same corner; never worse than the one given."""
        names, offset = list(setting), self._offset(setting)
        given, length = offset / np.linalg.norm(offset), float(np.linalg.norm(offset))
        nearest = self._at(given, names, self._bisected(given, names, 0.0, length))
        if len(names) == 1:
            return nearest

        def direction(log_shares: np.ndarray) -> np.ndarray:
            shares = np.exp(np.clip(log_shares, -6, 6))
            return np.asarray(np.sign(offset) * shares / np.linalg.norm(shares))

        from scipy.optimize import minimize

        starts = [np.zeros(len(names)), np.log(np.maximum(np.abs(given), 1e-3))]
        start = min(starts, key=lambda x: self._cost_along(direction(x), names))
        simplex = np.vstack([start, start + 0.5 * np.eye(len(names))])
        found = minimize(  # type: ignore[call-overload]
            lambda x: self._cost_along(direction(x), names),
            start,
            method="Nelder-Mead",
            options={"maxfev": 60 * len(names), "xatol": 0.01, "fatol": 1e-3, "initial_simplex": simplex},
        )
        best = self._crossing(direction(np.asarray(found.x)), names)
        return nearest if best is None else min(best, nearest, key=self.cost)


def _as_setting(turns: Iterable[tuple[str, int, int]]) -> Setting:
    return {name: sign * steps * STEP for name, steps, sign in turns}


def is_over(probability: float, before: float) -> bool:
    """Whether a probability is on the other side of one half than before."""
    return probability > 0.5 if before <= 0.5 else probability < 0.5
