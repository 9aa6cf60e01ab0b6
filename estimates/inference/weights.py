"""What log weights of an importance sample are asked for: their effective size, their tail, draws by them."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

type Array = NDArray[np.float64]

_LEAST_TAIL = 5
_BEGINNINGS = 16
_FOR_SPREADS = 0.8
_TINY = 1e-200
_PRIOR_TAIL, _PRIOR_K = 10, 0.5  # Vehtari et al.: as if ten more tail values had shown a k of a half


class Wanted(NamedTuple):
    """The share of effective points that weights must show, and the k-hat that they must stay below."""

    share: float
    pareto_k: float

    def is_met(self, log_weights: Array) -> bool:
        """Whether log weights (n,) do."""
        share = effective_size(log_weights) / len(log_weights)
        return share > self.share and pareto_k(log_weights) < self.pareto_k


CLEAR = Wanted(0.2, 0.5)
"""Where nothing but few points tells that all of a posterior was found."""


def effective_size(log_weights: Array) -> float:
    """Kish's effective sample size (sum w)^2 / sum w^2 of log weights (n,)."""
    highest = np.max(log_weights)
    if not np.isfinite(highest):
        return 0.0
    weights = np.exp(log_weights - highest)
    return float(np.sum(weights) ** 2 / np.sum(weights**2))


def pareto_k(log_weights: Array) -> float:
    """The shape k-hat of the generalised Pareto distribution that the largest of the weights (n,) follow.

    The tail is that of the largest min(n / 5, 3 sqrt(n)). Where less than a quarter of it lies above the
    value below it there is no tail to fit, which is a k-hat that is not a number; weights that are all alike
    have none either, and a k-hat of minus infinity.

    References
    ----------
    Zhang and Stephens (2009), doi:10.1198/tech.2009.08017, for the estimator; Vehtari et al. (2024),
    jmlr.org/papers/v25/19-556.html, for the length of the tail and the prior on k.
    """
    count = len(log_weights)
    length = math.floor(3 * math.sqrt(count)) if count > 225 else count // 5
    if length < _LEAST_TAIL:
        return math.inf
    largest = np.sort(np.partition(log_weights, count - length - 1)[count - length - 1 :])
    if not np.isfinite(largest[-1]):
        return math.inf
    if largest[-1] - largest[1] < np.finfo(float).tiny:
        return -math.inf
    values = np.exp(largest - largest[-1])
    return _shape(values[1:] - values[0])


def _shape(excess: Array) -> float:
    """The shape of a generalised Pareto distribution from sorted values (n,) above its threshold."""
    count = len(excess)
    quartile = excess[int(count / 4 + 0.5) - 1]
    if quartile <= excess[0]:
        return math.nan
    steps = 30 + math.isqrt(count)
    inverse_scales = 1 - np.sqrt(steps / (np.arange(1, steps + 1) - 0.5))
    inverse_scales = inverse_scales / (3 * quartile) + 1 / excess[-1]
    shapes = np.log1p(-inverse_scales[:, None] * excess).mean(axis=1)
    profile = count * (np.log(-inverse_scales / shapes) - shapes - 1)
    share = special.softmax(profile)
    share[share < 10 * np.finfo(float).eps] = 0.0
    inverse_scale = np.sum(share * inverse_scales) / share.sum()
    shape = np.log1p(-inverse_scale * excess).mean()
    shape = (count * shape + _PRIOR_TAIL * _PRIOR_K) / (count + _PRIOR_TAIL)
    return math.inf if np.isnan(shape) else float(shape)


def for_spreads(log_weights: Array, values: Array) -> Array:
    """Log weights (n,) of points that are to tell the spreads of values (n, m) as well as their means.

    A variance is told best by points drawn in proportion to |z^2 - 1|, with z the distance from the mean in
    standard deviations. Each is held against its own root mean square, so that a long tail counts no more
    than a short one, and the largest over the values gets `_FOR_SPREADS` of the whole.

    References
    ----------
    Hesterberg (1995), doi:10.1080/00401706.1995.10484303, for mixtures that serve several estimates.
    """
    weights = special.softmax(log_weights)
    pull = np.abs(_squares(weights, values) - 1)
    pull /= np.maximum(np.max(pull, axis=0), _TINY)  # else its square may be infinite
    pull /= np.maximum(np.sqrt(weights @ pull**2), _TINY)
    most = np.max(pull, axis=1)
    return np.asarray(log_weights + np.log1p(_FOR_SPREADS * (most / max(weights @ most, _TINY) - 1)))


def spread_error(log_weights: Array, values: Array) -> float:
    """The largest relative Monte Carlo error of a standard deviation, over values (n, m) by weight.

    sd's error / sd = sqrt(sum w^2 (z^2 - 1)^2) / 2, with weights w that sum to 1.
    """
    weights = special.softmax(log_weights)
    errors = _squares(weights, values)
    errors -= 1
    errors *= weights[:, None]
    return float(np.sqrt(np.max(np.einsum("ij,ij->j", errors, errors))) / 2)


def _squares(weights: Array, values: Array) -> Array:
    """Squares (n, m) of the distances of values from their mean, in standard deviations; 0 for no weight."""
    off = _standardised(weights, values)
    return np.square(off, off)


def _standardised(weights: Array, values: Array) -> Array:
    """Values (n, m) less their mean by weight, in standard deviations; 0 for no weight."""
    values = np.asfortranarray(values)  # each value by itself, so that loops over points are long
    has_weight = weights > _TINY
    if not has_weight.all():  # others may be infinite
        values = np.where(has_weight[:, None], values, 0.0)
    off = values - weights @ values
    off[~has_weight] = 0.0
    with np.errstate(over="ignore", under="ignore"):
        variance = weights @ off**2
    if not np.all((variance > _TINY) & np.isfinite(variance)):  # squares near 0, or too large
        off /= np.maximum(np.max(np.abs(off), axis=0), _TINY)
        variance = weights @ off**2
    off /= np.sqrt(np.maximum(variance, _TINY))
    return np.asarray(off)


def gain(log_likelihood: Array, step: float) -> Array:
    """The log weights of turning the likelihood up by a step; the impossible stays impossible."""
    return np.where(np.isfinite(log_likelihood), step * log_likelihood, -np.inf)


def chosen(log_weights: Array, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Indices (count,) in random order, each within one of the number of times that its weight says."""
    edges = np.cumsum(np.exp(log_weights - np.max(log_weights)))
    places = (rng.random() + np.arange(count)) * (edges[-1] / count)
    return rng.permutation(np.minimum(np.searchsorted(edges, places), len(log_weights) - 1))


def representative(
    log_weights: Array, values: Array, count: int, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Which weighted points stand for all with equal weights: indices (s, count), so many of each scramble.

    Each point is taken within one of the number of times that its weight (s, n) says, those of a scramble
    from the middle outwards, so that what lies far out is taken as often as its weight says. Of `_BEGINNINGS`
    such choices it is the one for which means and spreads of the values (s n, m) are nearest those by weight:
    by chance alone one draw more or less from far out, where a long tail has most of its variance, moves a
    spread by several per cent. That is judged of all scrambles together, because in each by itself no choice
    with the farthest point would ever be near.
    """
    scrambles, size = log_weights.shape
    weights = special.softmax(np.where(np.isneginf(log_weights), -1e300, log_weights), axis=1)
    values = _standardised(special.softmax(log_weights.ravel()), values).reshape(scrambles, size, -1)
    outwards = np.argsort(np.einsum("snm,snm->sn", values, values), axis=1, kind="stable")
    shifts = rng.permuted(np.tile(np.arange(scrambles), (_BEGINNINGS, 1)), axis=1)
    beginnings = (shifts + rng.random((_BEGINNINGS, 1))) / scrambles
    times, off = [], np.zeros((2, _BEGINNINGS, values.shape[2]))
    for own, out, mine, beginning in zip(weights, outwards, values, beginnings.T, strict=True):
        edges = np.cumsum(own[out])
        places = edges * (count / edges[-1]) - beginning[:, None]
        times.append(np.diff(np.ceil(places), axis=1, prepend=0.0))
        excess = times[-1] / count - own[out]
        off += excess @ mine[out], excess @ mine[out] ** 2
    best = np.argmin(np.sum(off**2, axis=(0, 2)))
    return np.stack(
        [
            number * size + rng.permutation(np.repeat(out, found[best].astype(int)))
            for number, (out, found) in enumerate(zip(outwards, times, strict=True))
        ]
    )
