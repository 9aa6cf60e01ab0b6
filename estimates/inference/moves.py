"""Moving a population of points by differential evolution: Metropolis steps that know the shape.

A point x is offered x + g (a - b), with a and b two other members of the population; that difference
carries the scale and the correlations of the target, so nothing has to be tuned. A straight step soon
leaves a bent ridge, so steps can be taken in other coordinates. All members move at once, because a batch
costs little more than a point. The members therefore depend on one another a little, which is no matter
here: the points only teach a proposal, they are never results.

Reference: ter Braak (2006), doi:10.1007/s11222-006-8769-1.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from estimates.inference.transport import Coordinates, Untouched

type Array = NDArray[np.float64]
type Evaluate = Callable[[Array], tuple[Array, Array]]
"""Points (n, d) -> log prior (n,), log likelihood (n,)."""


@dataclass(frozen=True)
class Population:
    """Points (n, d) with their log prior (n,) and log likelihood (n,)."""

    points: Array
    log_prior: Array
    log_likelihood: Array

    def take(self, indices: NDArray[np.intp]) -> "Population":
        """The population of these members."""
        return Population(self.points[indices], self.log_prior[indices], self.log_likelihood[indices])

    def log_weights(self, log_proposal: Array) -> Array:
        """Log weights (n,) of points drawn from a proposal; minus infinity for what is impossible."""
        log_density = self.log_prior + self.log_likelihood
        with np.errstate(invalid="ignore"):  # where neither is possible
            return np.where(np.isneginf(log_density), -np.inf, log_density - log_proposal)

    def replaced(self, taken: NDArray[np.bool_], others: "Population") -> "Population":
        """The population with some members (n,) exchanged for those of another."""
        return Population(
            np.where(taken[:, None], others.points, self.points),
            np.where(taken, others.log_prior, self.log_prior),
            np.where(taken, others.log_likelihood, self.log_likelihood),
        )

    def __len__(self) -> int:
        return len(self.points)


def evaluated(points: Array, evaluate: Evaluate) -> Population:
    """The population of these points; where a density is not a number the point is outside."""
    with np.errstate(all="ignore"):  # points may lie anywhere
        log_prior, log_likelihood = evaluate(points)
    outside = np.isnan(log_prior) | np.isnan(log_likelihood)
    return Population(
        points, np.where(outside, -np.inf, log_prior), np.where(outside, -np.inf, log_likelihood)
    )


def joined(first: Population, second: Population) -> Population:
    """Both populations, one after the other."""
    return Population(
        np.concatenate([first.points, second.points]),
        np.concatenate([first.log_prior, second.log_prior]),
        np.concatenate([first.log_likelihood, second.log_likelihood]),
    )


def move(
    population: Population,
    evaluate: Evaluate,
    power: float,
    steps: int,
    rng: np.random.Generator,
    *,
    coordinates: Coordinates | None = None,
    groups: tuple[int, ...] = (),
) -> Population:
    """The population after some steps towards prior times likelihood to a power.

    Parameters
    ----------
    coordinates : Coordinates, optional
        Those to take steps in, if not the points' own.
    groups : tuple of int, optional
        The sizes of consecutive groups; members take their steps from their own group only.
    """
    coordinates = coordinates or Untouched()
    sizes = np.array(groups or (len(population),))
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    sizes = np.repeat(sizes, sizes)
    straight, log_jacobian = coordinates.straighten(population.points)
    log_density = _log_density(population, power) - log_jacobian
    for _ in range(steps):
        offered_straight = straight + _differences(straight, starts, sizes, rng)
        offered_points, log_jacobian = coordinates.bend(offered_straight)
        offered = evaluated(offered_points, evaluate)
        offered_density = _log_density(offered, power) - log_jacobian
        taken = np.log(rng.random(len(population))) < offered_density - log_density
        straight = np.where(taken[:, None], offered_straight, straight)
        log_density = np.where(taken, offered_density, log_density)
        population = population.replaced(taken, offered)
    return population


def _differences(
    points: Array, starts: NDArray[np.intp], sizes: NDArray[np.intp], rng: np.random.Generator
) -> Array:
    """A step for each point: a multiple of the difference of two others of its group."""
    count, dimension = points.shape
    first = rng.integers(sizes)
    second = starts + (first + rng.integers(1, sizes)) % sizes
    first += starts
    # Steps of many sizes: narrow ridges want short ones; a whole difference jumps between modes.
    length = 2.38 / math.sqrt(2 * dimension) * np.exp(rng.normal(-0.3, 0.6, size=count))
    length[rng.random(count) < 0.1] = 1.0
    jitter = 1e-6 * (rng.random((count, dimension)) - 0.5)
    return np.asarray(length[:, None] * (points[first] - points[second]) + jitter)


def _log_density(population: Population, power: float) -> Array:
    return np.asarray(np.maximum(population.log_prior + power * population.log_likelihood, -1e300))
