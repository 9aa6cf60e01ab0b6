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

NARROW = np.float64(0.03)
"""Width times distance from the centre, both standardised, below which the series is exact."""

THIN = np.float64(0.1)
"""The width below which a density is nearly exponential across it."""

LOG_ROOT_TWO_PI = np.log(2.0 * np.pi) / 2.0

_ROOT_TWO = np.sqrt(2.0)
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
        centre = np.add(np.log(level), bias, out=np.empty(shape))
        square = np.log(low) + ratio / 2.0 - centre
        square *= 1.0 / spread
        square *= square
        width = np.multiply(np.square(ratio), 1.0 / np.square(spread), out=np.empty(shape))  # squared
        both = square * width
        # A maximum is found faster than all are compared, and a NaN is below nothing.
        if both.max() < NARROW**2 and np.square(ratio).max() / np.square(spread.min()) < THIN**2:
            mass = _narrow(square, width, both)
        else:
            mass = _each_by_its_form((square, width, both), (low, high, ratio, centre, spread))
        if not level.min() > 0.0:
            mass = np.where(level > 0.0, mass, np.where(low <= 0.0, 0.0, -np.inf))
    return mass


def _each_by_its_form(squares: tuple[Array, Array, Array], parts: tuple[Array, ...]) -> Array:
    """The log probability by the form that holds for each, of what the forms are given.

    The form that holds for most is computed for all, which is faster than to pick them out.
    """
    _, width, both = squares
    is_narrow = (width < THIN**2) & (both < NARROW**2)
    rest = np.flatnonzero(~is_narrow)
    is_thin = (width.take(rest) < THIN**2) & (both.take(rest) < FAR)
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

    ln phi(m) + ln w + (m^2 - 1) w^2 / 24 - (m^4 + 4 m^2 - 2) w^4 / 2880; the next term is below
    (m w)^6 / 181440. Many steps are done in place: it is faster in memory that is in the cache.

    Parameters
    ----------
    square, width, both : array
        m^2, w^2 and m^2 w^2, of one shape.
    """
    mass = np.log(width)
    mass -= square
    mass *= 0.5
    mass -= LOG_ROOT_TWO_PI
    more = width * (1.0 / 1440.0)
    more -= 1.0 / 24.0
    more *= width
    mass += more
    np.multiply(width, -1.0 / 720.0, out=more)
    more += 1.0 / 24.0
    more *= both
    mass += more
    np.multiply(both, both, out=more)
    more *= 1.0 / 2880.0
    mass -= more
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


def _wide(low: Array, high: Array, ratio: Array, centre: Array, spread: Array) -> Array:
    """The log probability of intervals of any width."""
    has_low, has_high = low > 0.0, high < np.inf
    start = (np.log(low) - centre) / spread
    # Not from ln high: two logarithms nearly equal would lose the digits of a narrow interval.
    end = np.where(has_low, start + ratio / spread, (np.log(high) - centre) / spread)
    start = np.where(has_low, np.clip(start, -FAR, FAR), -np.inf)
    end = np.where(has_high, np.clip(end, -FAR, FAR), np.inf)
    # Reflected to where the ends lie farther out in the lower tail and lose fewer digits.
    is_upper = start + end > 0.0
    start, end = np.where(is_upper, -end, start), np.where(is_upper, -start, end)
    is_tail = end < -1.0
    mass = np.empty_like(end)
    for where, form in ((is_tail, _log_in_tail), (~is_tail, _log_about_centre)):
        mass[where] = form(start[where], end[where])
    return mass


def _log_in_tail(start: Array, end: Array) -> Array:
    """Give ln(Phi(end) - Phi(start)) in the lower tail, by erfcx where erfc would underflow."""
    less = special.erfcx(start / -_ROOT_TWO) * np.exp((end - start) * (end + start) / 2.0)
    return np.asarray(np.log(0.5 * (special.erfcx(end / -_ROOT_TWO) - less)) - 0.5 * np.square(end))


def _log_about_centre(start: Array, end: Array) -> Array:
    """The same where the end lies above -1: what is left of 1 by both tails."""
    return np.asarray(np.log1p(-0.5 * (special.erfc(end / _ROOT_TWO) + special.erfc(start / -_ROOT_TWO))))


def _taken(parts: tuple[Array, ...], places: NDArray[np.intp], shape: tuple[int, ...]) -> list[Array]:
    """The entries (n,) of arrays at flat places of the shape that they would be broadcast to."""
    where = None
    taken = []
    for part in parts:
        if part.shape == shape:
            taken.append(part.take(places))
            continue
        where = where or np.unravel_index(places, shape)
        own = tuple(0 if length == 1 else axis for length, axis in zip(part.shape, where, strict=True))
        taken.append(np.broadcast_to(part[own], places.shape))
    return taken
