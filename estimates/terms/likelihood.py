"""The probability that a count is reported as it was, as a distribution over printable values.

An issuer sees Y = level * exp(bias + scatter * e), e ~ Normal(0, 1), and prints it rounded. The
probability of the printed value is that of the interval of seen counts that would print so:

    P = Phi((ln high - ln level - bias) / scatter) - Phi((ln low - ln level - bias) / scatter)
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
import pymc as pm
import pytensor.scalar as ps
import pytensor.tensor as pt
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op
from pytensor.tensor.elemwise import Elemwise
from pytensor.tensor.type_other import NoneTypeT

from estimates.reports import Printing
from estimates.terms.mass import FAR, LOG_ROOT_TWO_PI, TINY, log_interval_mass, log_mass_of_all

NEAREST, FLOOR, UNROUNDED = range(3)
RULES = {Printing.NEAREST: NEAREST, Printing.FLOOR: FLOOR, Printing.UNROUNDED: UNROUNDED}
"""How `Printing` is written in a model's data."""

_ROOT_TWO = np.sqrt(2.0)  # a NumPy float64: PyTensor would make the square root of a literal float32
_NARROW = np.float64(0.03)  # an interval whose series is exact: its width, or that times its distance
_ALMOST_ONE = np.nextafter(np.float64(1.0), np.float64(0.0))
# As pt.round, which names no NumPy ufunc and would loop in Python.
_ROUND = Elemwise(ps.round_half_to_even, nfunc_spec=("rint", 1, 1))

_BY_NUMPY = ContextVar("_BY_NUMPY", default=False)


class IntervalMass(ps.ScalarOp):
    """`log_interval_mass` as one operation, without a gradient."""

    nin, nout = 5, 1
    nfunc_spec = (f"{log_interval_mass.__module__}.{log_interval_mass.__name__}", 5, 1)

    def impl(self, *parts: float) -> float:
        """The log probability of one interval."""
        return float(log_interval_mass(*map(np.asarray, parts)))


_INTERVAL_MASS = Elemwise(IntervalMass(ps.upgrade_to_float, name="interval_mass"))


class MassOfAll(Op):
    """`log_mass_of_all` as one operation, without a gradient."""

    __props__ = ()

    def make_node(self, *parts: Any) -> Apply:
        """The sum over the last axis of what `_INTERVAL_MASS` gives for these."""
        each = _INTERVAL_MASS(*parts)
        return Apply(self, each.owner.inputs, [pt.tensor(dtype="float64", shape=each.type.shape[:-1])])

    def perform(self, node: Apply, inputs: Sequence[Any], output_storage: list[list[Any]]) -> None:
        """Put the sum into the storage."""
        output_storage[0][0] = log_mass_of_all(*inputs)


def summed(term: pt.TensorVariable) -> pt.TensorVariable:
    """Give the sum (n,) of a log term (n, ...); printed intervals have an operation of their own for it."""
    if term.ndim == 2 and term.owner is not None and term.owner.op == _INTERVAL_MASS:
        return MassOfAll()(*term.owner.inputs)
    return term if term.ndim == 1 else term.flatten(2).sum(axis=1)


@contextmanager
def by_numpy() -> Iterator[None]:
    """Within it, likelihoods are built of one operation that NumPy carries out, and that has no gradient."""
    token = _BY_NUMPY.set(True)
    try:
        yield
    finally:
        _BY_NUMPY.reset(token)


def interval_logp(
    value: pt.TensorVariable,
    level: pt.TensorVariable,
    bias: pt.TensorVariable,
    scatter: pt.TensorVariable,
    grid: pt.TensorVariable,
    rule: pt.TensorVariable,
    low: pt.TensorVariable,
    high: pt.TensorVariable,
) -> pt.TensorVariable:
    """The log probability of a printed `value`.

    Parameters
    ----------
    value : tensor (report,)
        Printed values, in the unit of what is measured; the interval is taken from them where the
        rule rounds, and from `low` and `high` where it does not.
    level : tensor (report,)
        The true value. 0 means a seen count of 0: probability 1 if the interval holds 0, else 0.
    bias, scatter : tensor (report,) or scalar
        On the natural log scale.
    grid, rule, low, high : tensor (report,)
        The grid, a value of `RULES`, and the ends for `UNROUNDED`; `high` may be infinite.

    Returns
    -------
    tensor (report,)
        Finite with a finite gradient wherever the probability is above 0, minus infinity with a
        gradient of 0 elsewhere.
    """
    low, high = ends_printed_so(value, grid, rule, low, high)
    return _interval_mass(low, high, level, bias, scatter)


def series_logp(
    value: pt.TensorVariable,
    level: pt.TensorVariable,
    bias: pt.TensorVariable,
    scatter: pt.TensorVariable,
    grid: pt.TensorVariable,
    rule: pt.TensorVariable,
    low: pt.TensorVariable,
    high: pt.TensorVariable,
    before: pt.TensorVariable,
    series: pt.TensorVariable,
) -> pt.TensorVariable:
    """The log probability of a printed `value` whose issuer had seen `before` carriers earlier.

    As `interval_logp`, for Y = before + level * exp(bias + scatter * e), where `level` is what was added
    since. Given the counts before it, a report says something only of what was added.
    """
    low, high = ends_printed_so(value, grid, rule, low, high)
    low, high = low - before, high - before
    is_possible = pt.gt(high, 0.0)
    low = pt.maximum(low, 0.0)
    log_p = _interval_mass(low, pt.switch(is_possible, high, low + 1.0), level, bias, scatter)
    return pt.switch(is_possible, log_p, -np.inf)


def _interval_mass(low: Any, high: Any, level: Any, bias: Any, scatter: Any) -> pt.TensorVariable:
    """Give ln P(low <= level * exp(bias + scatter * e) < high)."""
    if _BY_NUMPY.get():
        return _INTERVAL_MASS(low, high, level, bias, scatter)
    is_positive = pt.gt(level, 0.0)
    centre = pt.log(pt.switch(is_positive, level, 1.0)) + bias
    log_p = log_mass(low, high, centre, pt.maximum(scatter, TINY))
    return pt.switch(is_positive, log_p, pt.switch(pt.le(low, 0.0), 0.0, -np.inf))


def seen_within(
    place: pt.TensorVariable,
    interval: tuple[pt.TensorVariable, pt.TensorVariable],
    level: pt.TensorVariable,
    bias: pt.TensorVariable,
    scatter: pt.TensorVariable,
) -> pt.TensorVariable:
    """The seen count at `place`, from 0 to 1, of its distribution within an interval.

    z = Phi^-1(Phi(a) + place (Phi(b) - Phi(a))) for standardised ends a < b, taken in the tail where
    the numbers subtracted are small; the seen count is level * exp(bias + scatter z).
    """
    low, high = (pt.maximum(end, 0.0) for end in interval)
    is_positive = pt.gt(level, 0.0)
    centre, spread = pt.log(pt.switch(is_positive, level, 1.0)) + bias, pt.maximum(scatter, TINY)
    below = pt.switch(
        pt.gt(low, 0.0), _standardised(pt.switch(pt.gt(low, 0.0), low, 1.0), centre, spread), -FAR
    )
    is_bounded = pt.gt(high, 0.0) & pt.lt(high, np.inf)
    above = pt.switch(is_bounded, _standardised(pt.switch(is_bounded, high, 1.0), centre, spread), FAR)
    is_upper = pt.gt(below + above, 0.0)
    start, end = pt.switch(is_upper, -above, below), pt.switch(is_upper, -below, above)
    inside = pt.switch(is_upper, 1.0 - place, place)
    first, last = (0.5 * pt.erfc(-edge / _ROOT_TWO) for edge in (start, end))
    is_far = pt.lt(last, TINY)  # so far out that all of it lies at the nearer end
    # A place that rounds to an end of the whole line would be sent to infinity, with no slope.
    mass = pt.minimum(pt.maximum(first + inside * (last - first), TINY), _ALMOST_ONE)
    z = pt.switch(is_far, end, -_ROOT_TWO * pt.erfcinv(2.0 * pt.switch(is_far, 0.5, mass)))
    z = pt.minimum(pt.maximum(z, start), end)
    seen = pt.exp(centre + spread * pt.switch(is_upper, -z, z))
    return pt.switch(is_positive, pt.minimum(pt.maximum(seen, low), pt.maximum(high, low)), low)


def ends_printed_so(value: Any, grid: Any, rule: Any, low: Any, high: Any) -> tuple[Any, Any]:
    """The ends of the seen counts that would be printed as `value`."""
    half = grid / 2.0
    low = pt.switch(pt.eq(rule, NEAREST), value - half, pt.switch(pt.eq(rule, FLOOR), value, low))
    high = pt.switch(pt.eq(rule, NEAREST), value + half, pt.switch(pt.eq(rule, FLOOR), value + grid, high))
    return pt.maximum(low, 0.0), high


def log_mass(
    low: pt.TensorVariable,
    high: pt.TensorVariable,
    centre: pt.TensorVariable,
    spread: pt.TensorVariable,
) -> pt.TensorVariable:
    """Give ln P(low <= exp(X) < high) for X ~ Normal(centre, spread); low may be 0, high infinite."""
    has_low, has_high = pt.gt(low, 0.0), pt.lt(high, np.inf)
    is_between = has_low & has_high
    below = _standardised(pt.switch(has_low, low, 1.0), centre, spread)
    above = _standardised(pt.switch(has_high, high, 1.0), centre, spread)
    # Not above - below: two logarithms nearly equal would lose the digits of a narrow interval.
    width = pt.log1p(pt.switch(is_between, (high - low) / pt.switch(has_low, low, 1.0), 1.0)) / spread
    is_narrow = is_between & pt.lt(width * pt.maximum(pt.abs(below), 1.0), _NARROW)
    # An end that is not used is replaced by one that keeps the difference computable.
    start = pt.switch(has_low, below, above - 1.0)
    end = pt.switch(has_high & ~is_narrow, above, start + 1.0)
    low_tail, high_tail = _reflected(start, end)
    is_bounded = has_low | has_high
    top = pt.switch(is_between, high_tail, pt.switch(has_high, above, -below))
    log_top = log_normal_cdf(pt.switch(is_bounded, top, 0.0))
    less = log_difference(pt.switch(is_between, log_normal_cdf(low_tail) - log_top, -1.0))
    wide = pt.switch(is_bounded, log_top, 0.0) + pt.switch(is_between, less, 0.0)
    narrow = _log_narrow_mass(pt.switch(is_narrow, below, 0.0), pt.switch(is_narrow, width, 1.0))
    return pt.switch(is_narrow, narrow, wide)


def _log_narrow_mass(start: pt.TensorVariable, width: pt.TensorVariable) -> pt.TensorVariable:
    """Give ln(Phi(start + width) - Phi(start)) by the Taylor series about the middle m, for a small width.

    ln phi(m) + ln w + ln(1 + (m^2 - 1) w^2 / 24 + (m^4 - 6 m^2 + 3) w^4 / 1920); the next term is below
    (m w)^6 / 322560.
    """
    square = pt.sqr(start + width / 2.0)
    series = (square - 1.0) * pt.sqr(width) / 24.0
    series += (pt.sqr(square) - 6.0 * square + 3.0) * pt.sqr(pt.sqr(width)) / 1920.0
    return -0.5 * square - LOG_ROOT_TWO_PI + pt.log(width) + pt.log1p(series)


def _standardised(end: Any, centre: Any, spread: Any) -> Any:
    # minimum and maximum, not clip: the latter has no NumPy ufunc and would loop in Python.
    return pt.minimum(pt.maximum((pt.log(end) - centre) / spread, -FAR), FAR)


def log_normal_cdf(z: pt.TensorVariable) -> pt.TensorVariable:
    """Give ln Phi(z), by erfcx in the lower tail where erfc would underflow."""
    lower = pt.minimum(z, -1.0)
    upper = pt.maximum(z, -1.0)
    return pt.switch(
        pt.lt(z, -1.0),
        pt.log(0.5 * pt.erfcx(-lower / _ROOT_TWO)) - 0.5 * pt.sqr(lower),
        pt.log1p(-0.5 * pt.erfc(upper / _ROOT_TWO)),
    )


def _reflected(start: Any, end: Any) -> tuple[Any, Any]:
    """The ends a < b, or -b < -a where these lie farther out in the lower tail and lose fewer digits."""
    sign = pt.switch(pt.gt(start + end, 0.0), -1.0, 1.0)
    return pt.minimum(sign * start, sign * end), pt.maximum(sign * start, sign * end)


def log_difference(gap: Any) -> Any:
    """Give ln(1 - e^gap) for a gap below 0, each form where it keeps the digits that the other loses."""
    # By hand, because log1mexp has no NumPy ufunc and would loop in Python.
    is_near = pt.gt(gap, -np.log(2.0))
    near, far = pt.switch(is_near, gap, -1.0), pt.switch(is_near, -1.0, gap)
    return pt.switch(is_near, pt.log(-pt.expm1(near)), pt.log1p(-pt.exp(far)))


def print_reports(
    level: Any, bias: Any, scatter: Any, grid: Any, rule: Any, low: Any, high: Any, size: Any
) -> Any:
    """Simulated reports: the seen count, printed by the rule of each. The `dist` of `interval_logp`."""
    error = _errors(level, size)
    return _printed(level * pt.exp(bias + scatter * error), grid, rule)


def print_series(
    level: Any,
    bias: Any,
    scatter: Any,
    grid: Any,
    rule: Any,
    low: Any,
    high: Any,
    before: Any,
    series: Any,
    size: Any,
) -> Any:
    """Simulated reports that carry their issuer's earlier errors along. The `dist` of `series_logp`.

    `series` (report, report) is 1 where a report holds the count of another in it, itself included.
    """
    error = _errors(level, size)
    added = level * pt.exp(bias + scatter * error)
    return _printed((series * pt.shape_padaxis(added, -2)).sum(axis=-1), grid, rule)


def _errors(level: Any, size: Any) -> Any:
    """Standard normal errors, one for each level.

    Of a size where it can be told, because NumPy draws them several times faster than about given means.
    """
    if size is None or isinstance(getattr(size, "type", None), NoneTypeT):
        if None in level.type.shape:
            return pm.Normal.dist(pt.zeros_like(level), 1.0)
        size = level.type.shape
    return pm.Normal.dist(0.0, 1.0, size=size)


def _printed(seen: Any, grid: Any, rule: Any) -> Any:
    printed = pt.switch(pt.eq(rule, NEAREST), grid * _ROUND(seen / grid), grid * pt.floor(seen / grid))
    return pt.switch(pt.eq(rule, UNROUNDED), seen, printed)
