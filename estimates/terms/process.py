"""A flow that arrives in lumps: a Gamma process, fitted on the days of reports and bridged between them.

The increments of a Gamma process over disjoint stretches are independent, Gamma with the expected
increment over `scale` as shape. Three facts make it one smooth vector of unknowns:

- A Gamma(a) is a Gamma(a + 1) times U^(1/a), U uniform (Stuart's theorem; Marsaglia and Tsang 2000,
  doi:10.1145/358407.358414). Written so, a stretch in which nothing is expected (a = 0) gives exactly
  nothing, at any value of the two unknowns.
- Only the days that fitted reports speak of carry unknowns of the fit.
- Between two days on which the process is known, its increments divide as independent Gammas do,
  normalised to the known sum: a Dirichlet bridge (Ribeiro and Webber 2004). Beyond the last, they go on
  as Gammas. Both are drawn afterwards, from chance that nothing observed depends on.
"""

from typing import NamedTuple

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from estimates.terms.frame import current_frame

type Vector = pt.TensorVariable

_LEAST = 1e-9  # the least shape: it keeps 1 / shape finite, and its Gammas are 0 to any precision


class _Known(NamedTuple):
    """Days in order on which the process is known: what was expected by then, and what came."""

    expected: Vector
    arrived: Vector


def gamma_process(expected: Vector, scale: Vector) -> Vector:
    """Carriers that arrive in lumps, on the days that `flow` passes to its function.

    Parameters
    ----------
    expected : tensor (days,)
        The mean number of carriers by each day; it does not decrease from an earlier day to a later.
    scale : tensor
        Carriers that arrive together: increments have mean m and variance m * scale.

    Returns
    -------
    tensor (days,)
        Carriers by each day.
    """
    fitted, predicted, kept = current_frame().layout_sizes
    first, second, third = (
        pt.specify_shape(part, size)
        for part, size in (
            (expected[:fitted], fitted),
            (expected[fitted : fitted + predicted], predicted),
            (expected[fitted + predicted :], kept),
        )
    )
    ranks = _ranks(first)
    known = _arrivals(_sorted(first, ranks), scale)
    parts = [_by_rank(known.arrived, ranks)]
    if predicted:
        ranks = _ranks(second)
        found = _bridged(known, _sorted(second, ranks), scale, "predicted_bridge")
        parts.append(_by_rank(found, ranks))
        both, arrived = _joined(first, second), _joined(*parts)
        ranks = _ranks(both)
        known = _Known(_sorted(both, ranks), _sorted(arrived, ranks))
    parts.append(_bridged(known, third, scale, "bridge"))
    return pt.concatenate(parts)


def _arrivals(expected: Vector, scale: Vector) -> _Known:
    """The process on days in order, from independent increments: the unknowns of the fit."""
    shape = _shapes(expected, scale)
    count = int(shape.type.shape[0])
    jump = pm.Gamma("arrivals", shape + 1.0, 1.0, shape=count)
    place = pm.Uniform("arrivals_place", 0.0, np.ones(count), shape=count)
    increments = scale * jump * pt.exp(pt.log(place) / shape)
    return _Known(expected, pt.cumsum(increments))


def _bridged(known: _Known, expected: Vector, scale: Vector, name: str) -> Vector:
    """The process on further days in order, given what is known on others; (further,).

    A further day lies in the stretch that ends at the first known day at or after it. The stretches
    are kept apart by the matrix `inside` (further, known), because positions change from draw to draw.
    """
    count, n = int(expected.type.shape[0]), int(known.expected.type.shape[0])
    is_after = pt.lt(known.expected[None, :], expected[:, None])  # known days before each further day
    stretch = pt.sum(is_after, axis=1)
    # Each point's own piece begins at the nearest point before it, of either kind.
    before = _shifted(expected)
    start = pt.maximum(before, pt.max(pt.switch(is_after, known.expected[None, :], 0.0), axis=1))
    known_before = _shifted(known.expected)
    # At or before: where both kinds fall on one day, the piece is the further point's, and counts once.
    is_earlier = pt.le(expected[:, None], known.expected[None, :])
    known_start = pt.maximum(known_before, pt.max(pt.switch(is_earlier, expected[:, None], 0.0), axis=0))
    starts, ends = _joined(start, known_start), _joined(expected, known.expected)
    log_pieces = _log_gammas(pt.maximum((ends - starts) / scale, _LEAST), count + n, name)
    piece, last = log_pieces[:count], log_pieces[count:]
    inside = pt.eq(stretch[:, None], np.arange(n)[None, :])
    # The pieces of a stretch relative to its largest, so that the smallest shapes do not underflow.
    top = pt.maximum(pt.max(pt.switch(inside, piece[:, None], -np.inf), axis=0), last)
    relative = pt.exp(piece - pt.sum(pt.switch(inside, top[None, :], 0.0), axis=1))
    is_beyond = pt.eq(stretch, n)
    summed = pt.cumsum(pt.switch(is_beyond, 0.0, relative))
    earlier = pt.sum(pt.switch(is_after, _totals(inside, relative)[None, :], 0.0), axis=1)
    whole = _totals(inside, relative) + pt.exp(last - top)
    steps = known.arrived - _shifted(known.arrived)
    reached = pt.max(pt.switch(is_after, known.arrived[None, :], 0.0), axis=1)
    share = pt.sum(pt.switch(inside, (steps / whole)[None, :], 0.0), axis=1)
    within = share * pt.maximum(summed - earlier, 0.0)
    beyond = scale * pt.cumsum(pt.switch(is_beyond, pt.exp(pt.minimum(piece, 700.0)), 0.0))
    return reached + pt.switch(is_beyond, beyond, within)


def _totals(inside: Vector, relative: Vector) -> Vector:
    """The sum of the pieces in each stretch (known,)."""
    return pt.sum(pt.switch(inside, relative[:, None], 0.0), axis=0)


def _log_gammas(shape: Vector, count: int, name: str) -> Vector:
    """Logarithms of independent Gammas, which for small shapes no float could hold."""
    jump = pm.Gamma(name, shape + 1.0, 1.0, shape=count)
    place = pm.Uniform(f"{name}_place", 0.0, np.ones(count), shape=count)
    return pt.log(jump) + pt.log(place) / shape


def _shapes(expected: Vector, scale: Vector) -> Vector:
    return pt.maximum((expected - _shifted(expected)) / scale, _LEAST)


def _shifted(values: Vector) -> Vector:
    """Each entry's predecessor; 0 before the first."""
    return pt.set_subtensor(pt.zeros(values.type.shape[0])[1:], values[:-1])


def _joined(*parts: Vector) -> Vector:
    """The parts one after the other. Not by `pt.concatenate`, which becomes a loop in a batch."""
    sizes = [int(part.type.shape[0]) for part in parts]
    whole, first = pt.zeros(sum(sizes)), 0
    for part, size in zip(parts, sizes, strict=True):
        whole = pt.set_subtensor(whole[first : first + size], part)
        first += size
    return whole


def _ranks(days: Vector) -> Vector:
    """The place of each entry in ascending order, ties in the order given; (n,).

    By comparing all with all: few entries, and no sorting routine runs on a batch without a loop.
    """
    n = int(days.type.shape[0])
    earlier = pt.lt(days[None, :], days[:, None])
    tied = pt.eq(days[None, :], days[:, None]) & np.tri(n, k=-1, dtype=bool)
    return pt.sum(earlier | tied, axis=1)


def _sorted(values: Vector, ranks: Vector) -> Vector:
    n = int(values.type.shape[0])
    return pt.sum(pt.switch(pt.eq(ranks[None, :], np.arange(n)[:, None]), values[None, :], 0.0), axis=1)


def _by_rank(values: Vector, ranks: Vector) -> Vector:
    """Values in ascending order, put back where each came from."""
    n = int(values.type.shape[0])
    return pt.sum(pt.switch(pt.eq(ranks[:, None], np.arange(n)[None, :]), values[None, :], 0.0), axis=1)
