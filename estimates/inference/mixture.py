"""Mixtures of multivariate Student-t distributions: the proposals of the importance engine."""

import math
from dataclasses import dataclass

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
        return self.means.shape[1]

    def log_components(self, points: Array) -> tuple[Array, Array]:
        """Log weight plus log density of each component (k, n), and squared distances (k, n).

        ln t(x) = ln G((v + d) / 2) - ln G(v / 2) - (d / 2) ln(v pi) - ln |L|
                  - ((v + d) / 2) ln(1 + |L^-1 (x - m)|^2 / v)
        """
        v, d = DEGREES, self.dimension
        inverses = np.linalg.inv(self.factors)
        distances = np.stack(
            [
                np.sum((inverse @ (points - mean).T) ** 2, axis=0)
                for mean, inverse in zip(self.means, inverses, strict=True)
            ]
        )
        log_volumes = np.sum(np.log(np.diagonal(self.factors, axis1=1, axis2=2)), axis=1)
        constant = math.lgamma((v + d) / 2) - math.lgamma(v / 2) - d / 2 * math.log(v * math.pi)
        head = np.log(self.weights) + constant - log_volumes
        return head[:, None] - (v + d) / 2 * np.log1p(distances / v), distances

    def log_density(self, points: Array) -> Array:
        """The log density of the mixture at points (n, d)."""
        return np.asarray(special.logsumexp(self.log_components(points)[0], axis=0))

    def draw(self, uniforms: Array) -> Array:
        """Points (n, d) from uniforms (n, d + 2): one for the component, one for the tail."""
        edges = np.cumsum(self.weights)[:-1]
        which = np.searchsorted(edges, uniforms[:, 0], side="right")
        scale = np.sqrt(DEGREES / (2 * special.gammaincinv(DEGREES / 2, uniforms[:, 1])))
        normals = special.ndtri(uniforms[:, 2:]) * scale[:, None]
        return np.asarray(self.means[which] + np.einsum("nij,nj->ni", self.factors[which], normals))


def fit(points: Array, weights: Array, components: int, rng: np.random.Generator, rounds: int = 25) -> StudentMixture:
    """The mixture that follows weighted points, by expectation-maximisation.

    Parameters
    ----------
    points : array (n, d)
    weights : array (n,)
        Normalised to 1.
    components : int
        At most so many; those that come to stand for too few points are dropped.

    References
    ----------
    Peel and McLachlan (2000), doi:10.1023/A:1008981510081; Cappe et al. (2008), doi:10.1007/s11222-008-9059-x.
    """
    count, dimension = points.shape
    centre = weights @ points
    spread = (points - centre).T @ ((points - centre) * weights[:, None])
    floor = 1e-4 * np.diag(np.diag(spread)) + 1e-12 * np.eye(dimension)
    starts = _spread_out(points, weights, components, spread + floor, rng)
    size = len(starts)
    first = np.linalg.cholesky((spread + floor) / max(size, 1) ** (2 / dimension))
    mixture = StudentMixture(np.full(size, 1 / size), starts, np.repeat(first[None], size, axis=0))
    fewest = min(0.5, 2 * (dimension + 1) * np.sum(weights**2))
    for _ in range(rounds):
        mixture = _improved(mixture, points, weights, floor, fewest)
    return mixture


def _improved(mixture: StudentMixture, points: Array, weights: Array, floor: Array, fewest: float) -> StudentMixture:
    """One step of expectation-maximisation for components of fixed degrees of freedom."""
    log_parts, distances = mixture.log_components(points)
    shares = np.exp(log_parts - special.logsumexp(log_parts, axis=0)) * weights
    mass = shares.sum(axis=1)
    kept = mass >= min(fewest, mass.max())
    pull = shares * (DEGREES + mixture.dimension) / (DEGREES + distances)
    means, factors = [], []
    for k in np.flatnonzero(kept):
        mean = pull[k] @ points / pull[k].sum()
        away = points - mean
        scatter = (away * pull[k][:, None]).T @ away / mass[k]
        means.append(mean)
        factors.append(np.linalg.cholesky(scatter + floor))
    return StudentMixture(mass[kept] / mass[kept].sum(), np.array(means), np.array(factors))


def _spread_out(points: Array, weights: Array, components: int, spread: Array, rng: np.random.Generator) -> Array:
    """Starting means far from one another (k-means++), in coordinates where the spread is round."""
    flat = np.linalg.solve(np.linalg.cholesky(spread), points.T).T
    chosen = [int(rng.choice(len(points), p=weights))]
    nearest = np.full(len(points), np.inf)
    for _ in range(components - 1):
        nearest = np.minimum(nearest, np.sum((flat - flat[chosen[-1]]) ** 2, axis=1))
        pull = nearest * weights
        if not pull.sum() > 0:
            break
        chosen.append(int(rng.choice(len(points), p=pull / pull.sum())))
    return points[chosen]
