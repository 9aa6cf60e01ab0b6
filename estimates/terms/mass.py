"""The log probability of a printed interval, by NumPy, for many points and reports at once.

The same number as `estimates.terms.likelihood.log_mass` gives as a graph, in a tenth of the time: a graph
computes every form for every report, whereas here each report gets the one that holds for it. The
special functions are evaluated only where an interval is too wide for a series of a few terms.
"""

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
        middle = np.subtract(np.log(low) + ratio / 2.0, np.log(level) + bias, out=np.empty(shape))
        middle /= spread
        mass = np.square(middle, out=middle)
        width = np.multiply(np.square(ratio), 1.0 / np.square(spread), out=np.empty(shape))  # squared
        both = mass * width
        is_narrow = _narrow(both, width)
        _turn_narrow(mass, width.copy(), both, (np.log(ratio) - LOG_ROOT_TWO_PI) - np.log(spread))
        if is_narrow is not None:
            others = np.flatnonzero(~is_narrow)
            width_there, both_there = width.ravel()[others], both.ravel()[others]
            is_thin = (width_there < THIN**2) & (both_there < FAR)
            thin, wide = others[is_thin], others[~is_thin]
            mass.reshape(-1)[thin] = _thin(width_there[is_thin], both_there[is_thin])
            where = np.unravel_index(wide, shape)
            mass.reshape(-1)[wide] = _wide(
                *(_taken(part, where) for part in (low, high, ratio, level, bias, spread))
            )
        if not level.min() > 0.0:
            mass = np.where(level > 0.0, mass, np.where(low <= 0.0, 0.0, -np.inf))
    return mass


def _narrow(both: Array, width: Array) -> NDArray[np.bool_] | None:
    """Where the first series holds; None for everywhere.

    Maxima are found faster than all are compared, and a NaN is below nothing.
    """
    most_both, most_width = NARROW**2, THIN**2
    if both.max() < most_both and width.max() < most_width:
        return None
    return (both < most_both) & (width < most_width)


def _turn_narrow(square: Array, width: Array, both: Array, log_scale: Array) -> None:
    """Turn the squares of the middle m of each interval into its log probability, by a series.

    ln phi(m) + ln w + (m^2 - 1) w^2 / 24 - (m^4 + 4 m^2 - 2) w^4 / 2880 for a width w; the next term is
    below (m w)^6 / 181440. In place, because arrays in the cache are most of the speed.

    Parameters
    ----------
    square, width, both : array
        m^2, w^2 (which is used up) and m^2 w^2.
    log_scale : array
        ln w - ln sqrt(2 pi).
    """
    square *= -0.5
    square += log_scale
    more = width * (1.0 / 1440.0)
    more -= 1.0 / 24.0
    more *= width
    square += more
    width *= -1.0 / 720.0
    width += 1.0 / 24.0
    np.multiply(both, -1.0 / 2880.0, out=more)
    width += more
    width *= both
    square += width


def _thin(width: Array, both: Array) -> Array:
    """The log probability of thin intervals however far out, each (n,), of w^2 and m^2 w^2.

    Over the width 2 h the density is that of an exponential, times one that hardly varies: with
    y = |m| h, r = 1 / y and q = r (r - coth y),

        ln phi(m) + ln w + ln(sinh y / y) - h^2 (1 + 2 q) / 2 + h^4 (2 r^2 + 6 r^2 q - q^2) / 2

    and the next term is below h^6 / 1000.
    """
    y, half = np.sqrt(both) / 2.0, width / 4.0
    r, less = 1.0 / y, -np.expm1(-2.0 * y)
    q = r * (r - (2.0 - less) / less)
    near = half * (1.0 + 2.0 * q) - half * half * (2.0 * r * r * (1.0 + 3.0 * q) - q * q)
    return np.asarray(
        y - 0.5 * (both / width + near) + np.log(less * r * 0.5) + 0.5 * np.log(width) - LOG_ROOT_TWO_PI
    )


def _wide(low: Array, high: Array, ratio: Array, level: Array, bias: Array, spread: Array) -> Array:
    """The log probability of intervals of any width, each (n,)."""
    centre = np.log(level) + bias
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
    mass = np.empty_like(start)
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


def _taken(part: Array, where: tuple[NDArray[np.intp], ...]) -> Array:
    """The entries (n,) of an array at places of what it would be broadcast to."""
    return np.broadcast_to(
        part[tuple(0 if length == 1 else place for length, place in zip(part.shape, where, strict=True))],
        where[0].shape,
    )
