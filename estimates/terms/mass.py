"""The log probability of a printed interval, by NumPy, for many points and reports at once.

The same number as `estimates.terms.likelihood.log_mass` gives as a graph, in a tenth of the time: a graph
computes every form for every report, whereas here each report gets the one that holds for it. The
special functions are evaluated only where an interval is too wide for a series of a few terms.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import special

type Array = NDArray[np.float64]

FAR = np.float64(1e100)
"""Where a standardised value is cut, so that its square stays finite."""

TINY = np.float64(1e-300)
"""The smallest scatter."""

LOG_ROOT_TWO_PI = np.log(2.0 * np.pi) / 2.0

_ROOT_TWO = np.sqrt(2.0)
_SHARP = 1e-20  # a scatter for which no interval of floating-point numbers is narrow
_NARROW, _NEAR = 0.2, 0.3
"""The width, and that times the distance from the centre, standardised, below which the series is exact."""

_THIN = 0.1
"""The width below which a density is nearly exponential across it."""

_FEW = 64
"""Reports so few that NumPy is faster along the points."""


def log_interval_mass(low: Array, high: Array, level: Array, bias: Array, scatter: Array) -> Array:
    """Give ln P(low <= level * exp(bias + scatter * e) < high) for e ~ Normal(0, 1).

    Parameters
    ----------
    low, high : array
        Ends of the interval; low may be 0, high infinite.
    level : array
        0 means a seen count of 0: probability 1 where `low` is 0, else 0.
    bias, scatter : array
        On the natural log scale. All arrays are broadcast against each other.
    """
    parts = [np.atleast_1d(part) for part in (low, high, level, bias, scatter)]
    shape = np.broadcast_shapes(*(part.shape for part in parts))
    parts = [part.reshape((1,) * (len(shape) - part.ndim) + part.shape) for part in parts]
    if len(shape) == 2 and shape[1] < min(_FEW, shape[0]):
        turned = (np.ascontiguousarray(part.T) for part in parts)
        mass: Array = _log_mass(*turned, shape=shape[::-1]).T
    else:
        mass = _log_mass(*parts, shape=shape)
    return mass.reshape(np.broadcast_shapes(*(np.shape(part) for part in (low, high, level, bias, scatter))))


def log_mass_of_all(low: Array, high: Array, level: Array, bias: Array, scatter: Array) -> Array:
    """Give the sum of `log_interval_mass` over its last axis, that of the reports.

    Where there are many reports and one scatter for all of them, the series of the narrow ones are not
    summed up one by one. With r the squared width of an interval on the log scale, d the distance of its
    middle from the centre and p = 1 / scatter^2, the terms of `_narrow` are r^j d^2k p^(j + k). Only the sums
    of r^j d^2k over the reports are wanted, and these are products of matrices.
    """
    parts = [np.asarray(part) for part in (low, high, level, bias, scatter)]
    shape = np.broadcast_shapes(*(part.shape for part in parts))
    is_plain = all(part.ndim == 2 for part in parts) and len(low) == len(high) == scatter.shape[1] == 1
    if not is_plain or min(shape) == 0 or shape[1] < _FEW:
        return sum_of_last(log_interval_mass(*parts))
    with np.errstate(all="ignore"):
        spread = np.maximum(scatter, TINY)
        precision = 1.0 / np.square(np.maximum(spread, _SHARP))
        ratio = np.log1p((high - low) / low)
        r = np.square(ratio)
        r[~((ratio > 0.0) & (r < _NARROW**2 / precision.max()))] = np.inf  # not narrow for every point
        square = np.log(level, out=np.empty(shape))
        square += bias
        np.subtract(np.log(low) + ratio / 2.0, square, out=square)
        square *= square
        both = square * r
        rest = np.flatnonzero(~(both < _NEAR**2 / np.square(precision)))
        if len(rest) > square.size / 2:
            return sum_of_last(log_interval_mass(*parts))
        square.reshape(-1)[rest] = 0.0
        is_narrow = np.ones(shape)
        is_narrow.reshape(-1)[rest] = 0.0
        r[np.isinf(r)] = 0.0
        mass = _sum_of_narrow(square, is_narrow, r[0], precision[:, 0])
        each = _wide(*_taken((low, high, ratio, level, bias, spread), rest, shape))
        return mass + np.bincount(rest // shape[1], weights=each, minlength=shape[0])


def _sum_of_narrow(square: Array, is_narrow: Array, r: Array, p: Array) -> Array:
    """The sum (n,) of `_narrow` over the reports for which it holds.

    Parameters
    ----------
    square : array (n, report)
        d^2; 0 for the others. It is changed.
    is_narrow : array (n, report)
        1, and 0 for the others.
    r : array (report,)
        The squared width on the log scale; 0 for those that are narrow for no point.
    p : array (n,)
        1 / scatter^2.
    """
    r2 = r * r
    powers = np.stack([np.ones_like(r), r, r2, r2 * r, np.log(np.where(r > 0.0, r, 1.0))], axis=1)
    count, width, width2, width3, log_width = (is_narrow @ powers).T
    apart, both, wide2, wide3, _ = (square @ powers).T
    fourth = np.multiply(square, square, out=is_narrow)
    _, _, both2, wide_both2, _ = (fourth @ powers).T
    square *= fourth
    both3 = square @ powers[:, 3]
    mass = (log_width - p * apart + count * np.log(p)) / 2.0 - count * LOG_ROOT_TWO_PI
    mass += p * (p * both - width) / 24.0
    mass -= p**2 * (p**2 * both2 + 4.0 * p * wide2 - 2.0 * width2) / 2880.0
    mass += p**3 * (p**3 * both3 + 6.0 * p**2 * wide_both2 + 3.0 * p * wide3 - width3) / 181440.0
    return np.asarray(mass)


def _log_mass(
    low: Array, high: Array, level: Array, bias: Array, scatter: Array, *, shape: tuple[int, ...]
) -> Array:
    """What the arguments give, all of as many axes as `shape`."""
    if 0 in shape:
        return np.empty(shape)
    with np.errstate(all="ignore"):
        # What is of each report alone, or of each point alone, stays small until the last moment.
        ratio = np.log1p((high - low) / low)  # infinite where an end is open, NaN where there is no interval
        spread = np.maximum(scatter, TINY)
        square = np.log(level, out=np.empty(shape))
        square += bias
        np.subtract(np.log(low) + ratio / 2.0, square, out=square)
        square *= 1.0 / spread
        square *= square
        width = np.multiply(np.square(ratio), 1.0 / np.square(spread), out=np.empty(shape))  # squared
        return _each_by_its_form((square, width, square * width), (low, high, ratio, level, bias, spread))


def _each_by_its_form(squares: tuple[Array, Array, Array], parts: tuple[Array, ...]) -> Array:
    """The log probability by the form that holds for each, of what the forms are given.

    The form that holds for most is computed for all, which is faster than to pick them out.
    """
    _, width, both = squares
    is_narrow = width < _NARROW**2
    is_narrow &= both < _NEAR**2
    rest = np.flatnonzero(~is_narrow)
    is_thin = (width.take(rest) < _THIN**2) & (both.take(rest) < FAR)
    kinds: list[tuple[NDArray[np.intp], Callable[..., Array], tuple[Array, ...]]] = [
        (rest[is_thin], _thin, squares),
        (rest[~is_thin], _wide, parts),
    ]
    if len(rest) < is_narrow.size / 2:  # as nearly always
        mass = _narrow(*squares)
    else:
        kinds.append((np.flatnonzero(is_narrow), _narrow, squares))
        kinds.sort(key=lambda kind: -len(kind[0]))
        (_, form, given), *kinds = kinds
        mass = form(*given)
    for places, form, given in kinds:
        if len(places):
            mass.reshape(-1)[places] = form(*_taken(given, places, is_narrow.shape))
    return mass


def _narrow(square: Array, width: Array, both: Array) -> Array:
    """The log probability by a series about the middle m of an interval of width w, both standardised.

    With u = w^2 and v = (m w)^2, the logarithm of the mean of e^(-m t - t^2 / 2) over |t| < w / 2:

        ln phi(m) + ln w + (v - u) / 24 - (v^2 + 4 u v - 2 u^2) / 2880
                  + (v^3 + 6 u v^2 + 3 u^2 v - u^3) / 181440

    and the next term is below (v^4 + 8 u v^3 + 12 u^2 v^2) / 9676800. Many steps are done in place: it is
    faster in memory that is in the cache.

    Parameters
    ----------
    square, width, both : array
        m^2, w^2 and m^2 w^2, of one shape.
    """
    series = both * (1.0 / 181440.0)
    term = width * (6.0 / 181440.0)
    series += term
    series -= 1.0 / 2880.0
    series *= both
    np.multiply(width, 3.0 / 181440.0, out=term)
    term -= 4.0 / 2880.0
    term *= width
    series += term
    series += 1.0 / 24.0
    series *= both
    np.multiply(width, -1.0 / 181440.0, out=term)
    term += 2.0 / 2880.0
    term *= width
    term -= 1.0 / 24.0
    term *= width
    series += term
    mass = np.log(width, out=term)
    mass -= square
    mass *= 0.5
    mass += series
    mass -= LOG_ROOT_TWO_PI
    return mass


def _thin(square: Array, width: Array, both: Array) -> Array:
    """The log probability of thin intervals however far out, of what `_narrow` is given.

    Over the width 2 h the density is that of an exponential, times one that hardly varies: with
    y = |m| h, r = 1 / y and q = r (r - coth y),

        ln phi(m) + ln w + ln(sinh y / y) - h^2 (1 + 2 q) / 2 + h^4 (2 r^2 (1 + 3 q) - q^2) / 2

    and the next term is below h^6 / 1000.
    """
    y = np.sqrt(both)
    y *= 0.5
    r = 1.0 / y
    less = np.multiply(y, -2.0)
    np.expm1(less, out=less)
    q = 2.0 + less  # coth y = (2 - (1 - e^-2y)) / (1 - e^-2y)
    q /= less
    q += r
    q *= r
    near = q * 3.0
    near += 1.0
    near *= r
    near *= r
    near *= 2.0
    np.multiply(less, r, out=less)
    less *= less
    less *= width
    less *= 0.25
    mass = np.log(less, out=less)  # of (w (1 - e^-2y) / 2y)^2
    mass -= square
    np.multiply(q, q, out=r)
    near -= r
    half = width * 0.25
    near *= half
    near -= 1.0
    q *= 2.0
    near -= q
    near *= half
    mass += near
    mass *= 0.5
    mass += y
    mass -= LOG_ROOT_TWO_PI
    return mass


def _wide(low: Array, high: Array, ratio: Array, level: Array, bias: Array, spread: Array) -> Array:
    """The log probability of intervals of any width, and of any level."""
    has_low, centre = low > 0.0, np.log(level) + bias
    start = np.where(has_low, (np.log(low) - centre) / spread, -np.inf)
    # Not from ln high: two logarithms nearly equal would lose the digits of a narrow interval.
    end = np.where(has_low, start + ratio / spread, (np.log(high) - centre) / spread)
    end = np.where(high < np.inf, end, np.inf)
    # Reflected to where the ends lie farther out in the lower tail and lose fewer digits.
    is_upper = start + end > 0.0
    start, end = np.where(is_upper, -end, start), np.maximum(np.where(is_upper, -start, end), -FAR)
    is_tail = end < -1.0
    mass = np.empty_like(end)
    for where, form in ((is_tail, _log_in_tail), (~is_tail, _log_about_centre)):
        mass[where] = form(start[where], end[where])
    is_positive = level > 0.0
    return mass if is_positive.all() else np.where(is_positive, mass, np.where(has_low, -np.inf, 0.0))


def _log_in_tail(start: Array, end: Array) -> Array:
    """Give ln(Phi(end) - Phi(start)) in the lower tail, by erfcx where erfc would underflow."""
    less = special.erfcx(start / -_ROOT_TWO) * np.exp((end - start) * (end + start) / 2.0)
    return np.asarray(np.log(0.5 * (special.erfcx(end / -_ROOT_TWO) - less)) - 0.5 * np.square(end))


def _log_about_centre(start: Array, end: Array) -> Array:
    """The same where the end lies above -1: what is left of 1 by both tails."""
    return np.asarray(np.log1p(-0.5 * (special.erfc(end / _ROOT_TWO) + special.erfc(start / -_ROOT_TWO))))


def _taken(parts: tuple[Array, ...], places: NDArray[np.intp], shape: tuple[int, ...]) -> list[Array]:
    """The entries (n,) of arrays at flat places of the shape that they would be broadcast to."""
    where = np.unravel_index(places, shape)
    flat = {shape: places}
    for own in {part.shape for part in parts} - {shape}:
        long = [axis for axis, length in enumerate(own) if length > 1]
        lengths = [own[axis] for axis in long]
        flat[own] = np.ravel_multi_index([where[axis] for axis in long], lengths) if long else 0 * places
    return [part.take(flat[part.shape]) for part in parts]


def sum_of_last(x: Array) -> Array:
    """The sum over the last axis, as a product with ones: several times as fast where that axis is short."""
    return np.asarray(x @ np.ones(x.shape[-1]))
