"""Coordinates in which the prior of each unknown is nearly a standard normal, learnt from its draws.

What the reports say little of keeps its prior, however skewed: in these coordinates that is as easy to draw
from as can be. Each coordinate goes through a monotone rational-quadratic spline between quantiles, and in a
straight line beyond them; both directions are in closed form.

References: Gregory and Delbourgo (1982), doi:10.1093/imanum/2.2.123; Durkan et al. (2019), arXiv:1906.04032.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import special

type Array = NDArray[np.float64]

_SCORES = np.linspace(-2.0, 2.0, 5)
_SKEWED = 0.15  # of a distribution whose median lies in the middle of its quantiles it is 0, and 1 at most
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Scores:
    """A map from points x (n, d) to normal scores u (n, d) and back.

    Attributes
    ----------
    knots : array (d, k)
        The quantiles of each coordinate at evenly spaced scores.
    slopes : array (d, k)
        du/dx there.
    """

    knots: Array
    slopes: Array

    @classmethod
    def of(cls, points: Array) -> "Scores":
        """The map that makes each coordinate of points (n, d) nearly normal; what is no point is left out."""
        points = points[np.isfinite(points).all(axis=1)]
        knots = np.quantile(points, special.ndtr(_SCORES), axis=0).T
        low, middle, high = knots[:, 0], knots[:, len(_SCORES) // 2], knots[:, -1]
        is_even = np.abs(low + high - 2 * middle) <= _SKEWED * (high - low)
        knots[is_even] = np.linspace(low, high, len(_SCORES), axis=1)[is_even]
        widths = np.diff(knots)
        # Draws that are all alike have no width; any will do for them.
        span = knots[:, -1:] - knots[:, :1]
        least = 1e-9 * np.where(span > 0, span, 1.0)
        widths = np.maximum(widths, least)
        knots = knots[:, :1] + np.concatenate([np.zeros((len(knots), 1)), np.cumsum(widths, axis=1)], axis=1)
        secants = np.diff(_SCORES) / widths
        inner = 2 / (1 / secants[:, 1:] + 1 / secants[:, :-1])
        return cls(knots, np.concatenate([secants[:, :1], inner, secants[:, -1:]], axis=1))

    def score(self, points: Array) -> tuple[Array, Array]:
        """The scores (n, d) of points, and the log of the Jacobian determinant |du/dx| there (n,)."""
        scores = np.subtract(points.T, self.knots[:, :1], np.empty(points.T.shape))
        scores *= self.slopes[:, :1]
        scores += _SCORES[0]
        own, log_jacobian = self._bent, np.full(len(points), self._log_straight)
        if len(own):
            values, knots = points.T[own], self.knots[own]
            within = np.minimum(np.maximum(values, knots[:, :1]), knots[:, -1:])
            bin_ = sum((within >= knot[:, None]).astype(np.intp) for knot in knots[:, 1:-1].T)
            start, width, *shape = self._intervals(bin_)
            place = (within - start) / width
            slope = _slope(place, *shape)  # at an end, that of the line beyond it
            rise = shape[0] * width * _risen(place, *shape)
            scores[own] = _SCORES[bin_] + rise + slope * (values - within)
            log_jacobian += np.log(slope).sum(axis=0)
        return scores.T, log_jacobian

    def unscore(self, scores: Array) -> tuple[Array, Array]:
        """The points (n, d) of scores, and what `score` gives for the Jacobian there."""
        # Each coordinate by itself, so that loops over points are long.
        points = np.subtract(scores.T, _SCORES[0], np.empty(scores.T.shape))
        points /= self.slopes[:, :1]
        points += self.knots[:, :1]
        own, log_jacobian = self._bent, np.full(len(scores), self._log_straight)
        if len(own):
            values = scores.T[own]
            within = np.minimum(np.maximum(values, _SCORES[0]), _SCORES[-1])
            bin_ = sum((within >= score).astype(np.intp) for score in _SCORES[1:-1])
            start, width, *shape = self._intervals(bin_)
            place = _place_of((within - _SCORES[bin_]) / (shape[0] * width), *shape)
            slope = _slope(place, *shape)
            points[own] = start + width * place + (values - within) / slope
            log_jacobian += np.log(slope).sum(axis=0)
        return points.T, log_jacobian

    @cached_property
    def _bent(self) -> NDArray[np.intp]:
        """The coordinates whose spline is not one straight line."""
        return np.flatnonzero(np.ptp(self.slopes, axis=1) > _ROUNDING * self.slopes[:, 0])

    @cached_property
    def _log_straight(self) -> float:
        """The log of the Jacobian determinant of the other coordinates."""
        return float(np.sum(np.log(np.delete(self.slopes[:, 0], self._bent))))

    @cached_property
    def _pieces(self) -> Array:
        """What `_intervals` gives, for each interval of each bent coordinate (6, bent * interval)."""
        knots, slopes = self.knots[self._bent], self.slopes[self._bent]
        widths = np.diff(knots)
        secants, first, last = np.diff(_SCORES) / widths, slopes[:, :-1], slopes[:, 1:]
        pieces = knots[:, :-1], widths, secants, first, last, first + last - 2 * secants
        return np.stack(pieces).reshape(6, -1)

    def _intervals(self, bin_: NDArray[np.intp]) -> Array:
        """Of the interval that each value (bent, n) lies in (6, bent, n).

        Its start and its width, the slope of the secant and those at both ends, and how much the ends' sum
        exceeds twice the secant's.
        """
        first = (len(_SCORES) - 1) * np.arange(len(self._bent))
        return self._pieces.take(first[:, None] + bin_, axis=1)


def _risen(place: Array, secant: Array, first: Array, last: Array, bend: Array) -> Array:
    """How far a spline has risen, from 0 to 1, at a place from 0 to 1 in its interval."""
    mixed = place * (1 - place)
    return (secant * place**2 + first * mixed) / (secant + bend * mixed)


def _slope(place: Array, secant: Array, first: Array, last: Array, bend: Array) -> Array:
    rest = 1 - place
    mixed = place * rest
    below = secant + bend * mixed
    return secant**2 * (last * place**2 + 2 * secant * mixed + first * rest**2) / below**2


def _place_of(risen: Array, secant: Array, first: Array, last: Array, bend: Array) -> Array:
    """The place where a spline has risen so far: the root of a quadratic equation."""
    bent = risen * bend
    a = (secant - first) + bent
    b = first - bent
    c = -secant * risen
    return 2 * c / (-b - np.sqrt(np.maximum(b**2 - 4 * a * c, 0.0)))
