"""What an issuer would have seen, draw by draw, before it printed a number: the predictive of a report.

Each draw k of the posterior gives a distribution, not a number: Y = before + exp(centre + scatter e) with
e ~ Normal(0, 1). Averages over draws of its probabilities are far smoother than counting simulated values.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from estimates.reports import Interval

type Array = NDArray[np.float64]


@dataclass(frozen=True)
class Seen:
    """The predictive distribution of an unrounded seen count, a mixture over draws.

    Attributes
    ----------
    before : array (draw,)
        What was seen already, in the unit of what is measured; 0 where nothing is carried along.
    centre : array (draw,)
        The log of what was added, bias included; minus infinity where nothing was.
    scatter : array (draw,)
        The relative error of one report, on the log scale.
    """

    before: Array
    centre: Array
    scatter: Array

    def cumulative(self, value: float) -> float:
        """P(Y < value), the mean over draws."""
        return float(np.mean(self._below(value)))

    def _below(self, value: float) -> Array:
        added = value - self.before
        with np.errstate(divide="ignore", invalid="ignore"):
            z = (np.log(np.maximum(added, 0.0)) - self.centre) / np.maximum(self.scatter, 1e-300)
        # Nothing added, or nothing to be added: Y is `before` for sure.
        certain = np.isneginf(self.centre) | (added <= 0)
        return np.where(certain, (added > 0).astype(float), special.ndtr(z))

    def _within(self, interval: Interval) -> Array:
        below = self._below(interval.high) if math.isfinite(interval.high) else np.ones_like(self.before)
        return below - self._below(interval.low)

    def log_probability(self, interval: Interval) -> float:
        """The log of P(low <= Y < high), the mean over draws; minus infinity where no draw allows it."""
        mean = float(np.mean(self._within(interval)))
        return math.log(mean) if mean > 0 else -math.inf

    def log_probability_error(self, interval: Interval) -> float:
        """The Monte Carlo standard error of `log_probability`, as of independent draws."""
        shares = self._within(interval)
        mean = float(np.mean(shares))
        return float(np.std(shares)) / math.sqrt(len(shares)) / mean if mean > 0 else math.inf

    def share_inside(self, interval: Interval, lower: float, upper: float) -> float:
        """How much of what a report may stand for lies between two ends: P(lower <= Y < upper | interval).

        1 or 0 for a report that lies inside or outside as a whole. Where the forecast is true, its mean over
        reports is the probability between the ends, however wide the intervals are: the expected value of a
        randomised probability integral transform (Czado, Gneiting and Held 2009,
        doi:10.1111/j.1541-0420.2009.01191.x). Where the forecast gives the interval nothing, 0.
        """
        whole = float(np.mean(self._within(interval)))
        low, high = max(interval.low, lower), min(interval.high, upper)
        if not whole > 0 or low >= high:
            return 0.0
        return min(float(np.mean(self._within(Interval(low, high)))) / whole, 1.0)

    def draws(self, rng: np.random.Generator) -> Array:
        """One unrounded seen count of each draw (draw,)."""
        error = rng.standard_normal(len(self.centre))
        return np.asarray(self.before + np.exp(self.centre + self.scatter * error))

    def quantile(self, probabilities: ArrayLike) -> Array:
        """The values below which these shares of the mixture lie, by bisection on `cumulative`."""
        wanted = np.atleast_1d(np.asarray(probabilities, dtype=float))
        with np.errstate(invalid="ignore"):
            reach = self.before + np.exp(self.centre + 9.0 * self.scatter)
        low, high = np.zeros_like(wanted), np.full_like(wanted, float(np.max(reach)) + 1.0)
        for _ in range(100):
            middle = (low + high) / 2
            is_below = np.array([self.cumulative(value) for value in middle]) < wanted
            low, high = np.where(is_below, middle, low), np.where(is_below, high, middle)
            if np.all(high - low <= 1e-6 * high):
                break
        return high

    def thinned(self, count: int, rng: np.random.Generator) -> "Seen":
        """The mixture of at most `count` of its draws."""
        if len(self.centre) <= count:
            return self
        kept = rng.permutation(len(self.centre))[:count]
        return Seen(self.before[kept], self.centre[kept], self.scatter[kept])
