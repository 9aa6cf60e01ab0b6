"""Scores of a distribution by the report that came, and the two baselines that any forecast must beat."""

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from estimates.reports import Interval

USUAL_ERROR = 0.3
"""The sd of a baseline, on the log scale, where an issuer's past tells none."""


class Past(NamedTuple):
    """An earlier report of an issuer: its day, the number it printed, the interval it is read as."""

    published: dt.date
    printed: float
    low: float
    high: float


class Score(NamedTuple):
    """Two scores of one distribution: the log score (higher is better), the CRPS (lower is better)."""

    log_score: float
    crps: float


# Written out, not taken from scoringrules: importing it compiles for 3 s by way of Numba, on top of a
# command that takes one, for these two formulas.


def crps_of_draws(draws: ArrayLike, value: float) -> float:
    """The continuous ranked probability score of equally weighted draws: E|X - y| - E|X - X'| / 2.

    Parameters
    ----------
    draws : array (draw,)
    value : float
        What came about, y, on the scale of the draws.

    References
    ----------
    Gneiting and Raftery (2007), doi:10.1198/016214506000001437, eq. 21; the second term by sorting.

    Examples
    --------
    >>> crps_of_draws([1.0, 3.0], 2.0)
    0.5
    """
    ordered = np.sort(np.asarray(draws, dtype=float))
    if not np.all(np.isfinite(ordered)) or not math.isfinite(value):
        return math.inf
    count = len(ordered)
    ranks = 2 * np.arange(1, count + 1) - count - 1
    return float(np.mean(np.abs(ordered - value)) - ranks @ ordered / count**2)


def crps_of_normal(centre: float, scatter: float, value: float) -> float:
    """The CRPS of Normal(centre, scatter): scatter (z (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi)).

    References
    ----------
    Gneiting et al. (2005), doi:10.1175/MWR2904.1, eq. 5.
    """
    if not math.isfinite(value):
        return math.inf
    z = (value - centre) / scatter
    density = math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    return scatter * (z * math.erf(z / math.sqrt(2)) + 2 * density - 1 / math.sqrt(math.pi))


def log_share_of_normal(centre: float, scatter: float, low: float, high: float) -> float:
    """ln(Phi(b) - Phi(a)) between two ends, kept exact in either tail."""
    a, b = (low - centre) / scatter, (high - centre) / scatter
    if a > 0:  # the same share, mirrored to the side where Phi is not close to 1
        a, b = -b, -a
    upper, lower = float(special.log_ndtr(b)), float(special.log_ndtr(a))
    return upper + math.log(-math.expm1(lower - upper)) if lower < upper else -math.inf


def point_of(interval: Interval) -> tuple[float, str]:
    """The number at which an interval is scored: its geometric midpoint, with a note where it has none."""
    if math.isinf(interval.high):
        return interval.low, "open interval: scored at its lower end"
    if interval.low == 0:
        return interval.high / 2, "interval from 0: scored at half its upper end"
    return math.sqrt(interval.low * interval.high), ""


# ---- baselines -----------------------------------------------------------------------------------


def last_value(past: Sequence[Past], at: dt.date) -> float:
    """The last printed number, whatever the day."""
    return past[-1].printed


def straight_line(past: Sequence[Past], at: dt.date) -> float:
    """The straight line through the last two printed numbers; the last where there is none above 0."""
    if len(past) < 2:
        return past[-1].printed
    earlier, later = past[-2:]
    slope = (later.printed - earlier.printed) / (later.published - earlier.published).days
    value = later.printed + slope * (at - later.published).days
    return value if value > 0 else later.printed


BASELINES: Mapping[str, Callable[[Sequence[Past], dt.date], float]] = {
    "last_value": last_value,
    "straight_line": straight_line,
}


def spread_of(baseline: str, past: Sequence[Past]) -> float:
    """The root mean square of the log errors the baseline made on this issuer, one report ahead each.

    `USUAL_ERROR` with fewer than three errors, or where all are 0: numbers repeated tell no spread.
    """
    rule = BASELINES[baseline]
    errors = [
        math.log(past[place].printed / rule(past[:place], past[place].published))
        for place in range(1, len(past))
    ]
    found = math.sqrt(sum(error**2 for error in errors) / len(errors)) if len(errors) >= 3 else 0.0
    return found or USUAL_ERROR


def baseline_score(baseline: str, past: Sequence[Past], at: dt.date, seen: Interval) -> Score:
    """The scores of a baseline for the report on `at` that is read as `seen`."""
    centre, scatter = math.log(BASELINES[baseline](past, at)), spread_of(baseline, past)
    return Score(
        log_share_of_normal(centre, scatter, log_of(seen.low), log_of(seen.high)),
        crps_of_normal(centre, scatter, log_of(point_of(seen)[0])),
    )


def log_of(value: float) -> float:
    """The natural log; minus infinity at 0."""
    return math.log(value) if value > 0 else -math.inf
