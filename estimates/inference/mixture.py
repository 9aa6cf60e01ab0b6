"""Mixtures of multivariate Student-t distributions: the proposals of the importance engine."""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import special

type Array = NDArray[np.float64]

DEGREES = 6.0
"""Degrees of freedom of every component: tails heavier than a normal's, light enough to be efficient."""


@dataclass(frozen=True)
class StudentMixture:
    """Weights (k,), means (k, d) and lower Cholesky factors (k, d, d) of the scale matrices."""

    weights: Array
    means: Array
    factors: Array

    @property
    def dimension(self) -> int:
        """The number of coordinates d."""
        return int(self.means.shape[1])

    def log_components(self, points: Array, squares: Array | None = None) -> tuple[Array, Array]:
        """Log weight plus log density of each component (k, n), and squared distances (k, n).

        ln t(x) = ln G((v + d) / 2) - ln G(v / 2) - (d / 2) ln(v pi) - ln |L|
                  - ((v + d) / 2) ln(1 + |L^-1 (x - m)|^2 / v)

        The distances are expanded in the products of coordinates, `squares` of `products`, so that
        all components are one product of matrices and nothing of size (k, d, n) is made.
        """
        v, d = DEGREES, self.dimension
        inverses = np.linalg.inv(self.factors)
        precisions = np.einsum("kji,kjl->kil", inverses, inverses)
        linear = np.einsum("kij,kj->ki", precisions, self.means)
        constant = np.einsum("ki,ki->k", linear, self.means)
        upper = _upper(d)
        doubled = precisions[:, upper[0], upper[1]] * np.where(upper[0] == upper[1], 1.0, 2.0)
        squares = products(points) if squares is None else squares
        distances = doubled @ squares
        distances -= (2 * linear) @ points.T
        distances += constant[:, None]
        np.maximum(distances, 0.0, out=distances)
        log_volumes = np.sum(np.log(np.diagonal(self.factors, axis1=1, axis2=2)), axis=1)
        scale = math.lgamma((v + d) / 2) - math.lgamma(v / 2) - d / 2 * math.log(v * math.pi)
        log_parts = np.log1p(distances / v)
        log_parts *= -(v + d) / 2
        log_parts += (np.log(self.weights) + scale - log_volumes)[:, None]
        return log_parts, distances

    def log_density(self, points: Array) -> Array:
        """The log density of the mixture at points (n, d)."""
        return log_sum(self.log_components(points)[0])

    def draw(self, uniforms: Array) -> Array:
        """Points (n, d) from uniforms (n, d + 2): one for the component, one for the tail."""
        edges = np.cumsum(self.weights)[:-1]
        which = np.searchsorted(edges, uniforms[:, 0], side="right")
        normals = special.ndtri(uniforms[:, 1:])
        steps = normals[:, 1:] * _lengthening(normals[:, :1])
        drawn = np.empty_like(steps)
        for number, (mean, factor) in enumerate(zip(self.means, self.factors, strict=True)):
            mine = np.flatnonzero(which == number)
            drawn[mine] = mean + steps[mine] @ factor.T
        return drawn


def fit(
    points: Array,
    components: int,
    rng: np.random.Generator,
    *,
    start: StudentMixture | None = None,
    least: float = 0.0,
    steps: int | None = None,
) -> StudentMixture:
    """The mixture that follows equally weighted points, by expectation-maximisation.

    Parameters
    ----------
    points : array (n, d)
    components : int
        At most so many; those that come to stand for too few points are dropped.
    start : StudentMixture, optional
        A mixture to improve; without it, components start far from one another.
    least : float
        Every component that is kept gets at least this weight, so that rare modes are not missed.
    steps : int, optional
        Of expectation-maximisation; by default 12, and 5 from a start.

    References
    ----------
    Peel and McLachlan (2000), doi:10.1023/A:1008981510081.
    Cappe et al. (2008), doi:10.1007/s11222-008-9059-x.
    """
    count, dimension = points.shape
    spread = np.cov(points.T).reshape(dimension, dimension)
    floor = _floor(np.diag(spread))
    mixture = start or _spread_out(points, components, spread + floor, rng)
    squares = products(points)
    fewest = min(0.5, 2 * (dimension + 1) / count)
    for _ in range(steps or (_STEPS_MORE if start else _STEPS)):
        mixture = _improved(mixture, points, squares, floor, fewest)
    weights = np.maximum(mixture.weights, least)
    return StudentMixture(weights / weights.sum(), mixture.means, mixture.factors)


def apart(points: Array, components: int, *, least: float) -> StudentMixture:
    """A component for each of some groups of points (n, d), however few of them stand alone.

    The groups are those of the points farthest from one another. Each component has the spread of its group,
    and that of all groups together as if a few more points had shown it.
    """
    count, dimension = points.shape
    spread = np.std(points, axis=0)
    flat = points / np.where(spread > 0, spread, 1.0)
    centres, nearest, group = [0], np.full(count, np.inf), np.zeros(count, dtype=np.intp)
    while True:
        distance = np.sum((flat - flat[centres[-1]]) ** 2, axis=1)
        group[distance < nearest] = len(centres) - 1
        nearest = np.minimum(nearest, distance)
        if len(centres) == components or not nearest.max() > 0:
            break
        centres.append(int(np.argmax(nearest)))
    members = group == np.arange(len(centres))[:, None]
    sizes = members.sum(axis=1)
    means = members @ points / sizes[:, None]
    rest = points - means[group]
    scatter = np.einsum("kn,ni,nj->kij", members, rest, rest)
    more = dimension + 1
    scatter = (scatter + more * scatter.sum(axis=0) / count) / (sizes + more)[:, None, None]
    weights = np.maximum(sizes / count, least)
    return StudentMixture(weights / weights.sum(), means, _factors(scatter, _floor(spread**2)))


def _floor(variances: Array) -> Array:
    """What is added to every scatter matrix of points with these variances (d,)."""
    return _FLOOR * np.diag(variances) + 1e-12 * np.eye(len(variances))


_STEPS, _STEPS_MORE = 12, 5
_FLOOR = 1e-6


def _improved(
    mixture: StudentMixture, points: Array, squares: Array, floor: Array, fewest: float
) -> StudentMixture:
    """One step of expectation-maximisation for components of fixed degrees of freedom."""
    dimension = mixture.dimension
    log_parts, distances = mixture.log_components(points, squares)
    log_parts -= np.max(log_parts, axis=0)
    shares = np.exp(log_parts, out=log_parts)
    shares /= shares.sum(axis=0) * len(points)
    mass = shares.sum(axis=1)
    kept = mass >= min(fewest, mass.max())
    pull = (shares * (DEGREES + dimension) / (DEGREES + distances))[kept]
    total, mass = pull.sum(axis=1), mass[kept]
    means = pull @ points / total[:, None]
    upper = _upper(dimension)
    second = np.empty((len(means), dimension, dimension))
    second[:, upper[0], upper[1]] = second[:, upper[1], upper[0]] = pull @ squares.T
    scatter = (second - total[:, None, None] * means[:, :, None] * means[:, None, :]) / mass[:, None, None]
    return StudentMixture(mass / mass.sum(), means, _factors(scatter, floor))


def products(points: Array) -> Array:
    """The products of each point's coordinates (d (d + 1) / 2, n), upper triangle by rows."""
    count, dimension = points.shape
    coordinates = np.ascontiguousarray(points.T)
    found, at = np.empty((dimension * (dimension + 1) // 2, count)), 0
    for row, rest in zip(range(dimension), range(dimension, 0, -1), strict=True):
        np.multiply(coordinates[row], coordinates[row:], out=found[at : at + rest])
        at += rest
    return found


def _lengthening(normals: Array) -> Array:
    """What makes Student-t draws of normal ones: sqrt(v / x), x the quantile of a chi-squared of v degrees.

    From a standard normal quantile for each, by cubics between the knots of a table, off by less than
    1e-9 of the value; the quantile itself takes ten times as long as all the rest of a draw.
    """
    place = np.clip((normals + _REACH) / _STEP, 0.0, 2 * _REACH / _STEP - 1e-9)
    at = place.astype(np.intp)
    place -= at
    cubics = _cubics()
    found: Array = cubics[3, at]
    for coefficients in cubics[2::-1]:
        found = found * place + coefficients[at]
    return found


_REACH, _STEP = 7.5, 1 / 64


@cache
def _cubics() -> Array:
    """The coefficients (4, knots) of the cubic from each knot to the next, by Hermite's formula."""
    knots = np.arange(-_REACH, _REACH + _STEP, _STEP)
    quantiles = np.where(
        knots < 0,
        special.gammaincinv(DEGREES / 2, special.ndtr(knots)),
        special.gammainccinv(DEGREES / 2, special.ndtr(-knots)),
    )
    values = np.sqrt(DEGREES / 2 / quantiles)
    log_density = (DEGREES / 2 - 1) * np.log(quantiles) - quantiles - math.lgamma(DEGREES / 2)
    density_of_knots = np.exp(-(knots**2) / 2 - log_density) / math.sqrt(2 * math.pi)
    slopes = -values / (2 * quantiles) * density_of_knots * _STEP
    rise, first, last = np.diff(values), slopes[:-1], slopes[1:]
    return np.stack([values[:-1], first, 3 * rise - 2 * first - last, first + last - 2 * rise])


@cache
def _upper(dimension: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the upper triangle of a matrix."""
    rows, columns = np.triu_indices(dimension)
    return rows, columns


def log_sum(log_parts: Array) -> Array:
    """The log of the sum of exponentials over the first axis of (k, n); SciPy's is general, and slower."""
    highest = np.max(log_parts, axis=0)
    return np.asarray(highest + np.log(np.sum(np.exp(log_parts - highest), axis=0)))


def _factors(scatter: Array, floor: Array) -> Array:
    """Cholesky factors of the scatter matrices, lifted to be positive definite where rounding spoils it."""
    scatter = scatter + floor
    try:
        return np.linalg.cholesky(scatter)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(scatter)
        values = np.maximum(values, 1e-9 * values[:, -1:])
        return np.linalg.cholesky(np.einsum("kij,kj,klj->kil", vectors, values, vectors))


def _spread_out(points: Array, components: int, spread: Array, rng: np.random.Generator) -> StudentMixture:
    """Round components far from one another (k-means++), in coordinates where the spread is round."""
    factor = np.linalg.cholesky(spread)
    flat = np.linalg.solve(factor, points.T).T
    chosen = [int(rng.integers(len(points)))]
    nearest = np.full(len(points), np.inf)
    for _ in range(components - 1):
        nearest = np.minimum(nearest, np.sum((flat - flat[chosen[-1]]) ** 2, axis=1))
        if not nearest.sum() > 0:
            break
        chosen.append(int(rng.choice(len(points), p=nearest / nearest.sum())))
    size = len(chosen)
    factors = np.repeat(factor[None] / size ** (1 / len(factor)), size, axis=0)
    return StudentMixture(np.full(size, 1 / size), points[chosen], factors)
