"""Distributions drawn by NumPy's own generator, where PyTensor and PyMC take SciPy's, or draw one by one.

Importing ``scipy.stats`` takes half as long as a fit, and nothing else here needs it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymc.distributions.continuous import TruncatedNormalRV
from pytensor.tensor.random.basic import (
    BernoulliRV,
    CategoricalRV,
    CauchyRV,
    DirichletRV,
    HalfNormalRV,
    NormalRV,
    StudentTRV,
)
from scipy import special

type Array = NDArray[np.float64]
type Size = tuple[int, ...] | None


def normal(rng: np.random.Generator, loc: Array, scale: Array, size: Size) -> Array:
    """Draws of loc + scale z, z ~ Normal(0, 1): those of `rng.normal`, in a third of the time."""
    drawn = rng.standard_normal(_size(size, loc, scale))
    drawn *= scale
    drawn += loc
    return drawn


def half_normal(rng: np.random.Generator, loc: Array, scale: Array, size: Size) -> Array:
    """Draws of loc + scale |z|, z ~ Normal(0, 1)."""
    return loc + scale * np.abs(rng.standard_normal(_size(size, loc, scale)))


def cauchy(rng: np.random.Generator, loc: Array, scale: Array, size: Size) -> Array:
    """Draws of loc + scale c, c ~ Cauchy(0, 1)."""
    return loc + scale * rng.standard_cauchy(_size(size, loc, scale))


def student_t(rng: np.random.Generator, degrees: Array, loc: Array, scale: Array, size: Size) -> Array:
    """Draws of loc + scale t, t ~ Student(degrees)."""
    return loc + scale * rng.standard_t(degrees, _size(size, degrees, loc, scale))


def truncated_normal(
    rng: np.random.Generator, mu: Array, sigma: Array, lower: Array, upper: Array, size: Size
) -> Array:
    """Draws of Normal(mu, sigma) between two bounds, of which either may be infinite.

    x = F^-1(F(a) + u (F(b) - F(a))) for standardised bounds a < b, in logs and in the lower tail, where a
    probability is known to all its digits however far out it lies.
    """
    uniform = rng.random(_size(size, mu, sigma, lower, upper))
    low, high = (lower - mu) / sigma, (upper - mu) / sigma
    is_upper = low > -high  # more of it lies above the centre: turned over, it lies below
    start, end = np.where(is_upper, -high, low), np.where(is_upper, -low, high)
    log_start, log_end = special.log_ndtr(start), special.log_ndtr(end)
    with np.errstate(invalid="ignore"):
        gap = np.exp(log_start - log_end)
    z = special.ndtri_exp(log_end + np.log(gap + uniform * (1.0 - gap)))
    z = np.clip(z, start, end)
    return np.clip(mu + sigma * np.where(is_upper, -z, z), lower, upper)


def bernoulli(rng: np.random.Generator, p: Array, size: Size) -> NDArray[np.bool_]:
    """Draws of 1 with probability p, and of 0."""
    return rng.random(_size(size, p)) < p


def categorical(rng: np.random.Generator, p: Array, size: Size) -> NDArray[np.intp]:
    """Draws of 0, 1, ... with probabilities p (..., k): how many p_0 + ... + p_i are below a uniform."""
    uniform = rng.uniform(size=p.shape[:-1] if size is None else size)
    return np.asarray(np.count_nonzero(p.cumsum(axis=-1)[..., :-1] < uniform[..., None], axis=-1))


def dirichlet(rng: np.random.Generator, alphas: Array, size: Size) -> Array:
    """Draws (..., k) of shares g_i / (g_1 + ... + g_k), g_i ~ Gamma(alpha_i), for alphas (..., k).

    g = h u^(1 / alpha) with h ~ Gamma(alpha + 1) and u uniform, in logs, where the smallest share of a
    small alpha is a number still. PyTensor draws one after the other where there is more than one alpha.

    References
    ----------
    Marsaglia and Tsang (2000), doi:10.1145/358407.358414.
    """
    shape = alphas.shape if size is None else (*size, alphas.shape[-1])
    log_gammas = np.log(rng.standard_gamma(alphas + 1, shape)) - rng.standard_exponential(shape) / alphas
    return np.asarray(special.softmax(log_gammas, axis=-1))


def _size(size: Size, *parameters: Array) -> tuple[int, ...]:
    return np.broadcast_shapes(*map(np.shape, parameters)) if size is None else size


DRAWN_BY_NUMPY: dict[type, Callable[..., Any]] = {
    BernoulliRV: bernoulli,
    HalfNormalRV: half_normal,
    NormalRV: normal,
    CategoricalRV: categorical,
    CauchyRV: cauchy,
    DirichletRV: dirichlet,
    StudentTRV: student_t,
    TruncatedNormalRV: truncated_normal,
}
"""What draws a distribution: the generator, the parameters in PyTensor's order, and the size."""
