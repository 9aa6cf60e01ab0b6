"""Moving a population of points by differential evolution: Metropolis steps that know the shape.

A point x is offered x + g (a - b), with a and b two other members of the population; that difference
carries the scale and the correlations of the target, so nothing has to be tuned. All members move at
once, because a batch costs little more than a point. The members therefore depend on one another a
little, which is no matter here: the points only teach a proposal, they are never results.

Reference: ter Braak (2006), doi:10.1007/s11222-006-8769-1.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

type Array = NDArray[np.float64]
type Evaluate = Callable[[Array], tuple[Array, Array]]


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
        return np.where(np.isneginf(log_density), -np.inf, log_density - log_proposal)

    def __len__(self) -> int:
        return len(self.points)


def evaluated(points: Array, evaluate: Evaluate) -> Population:
    """The population of these points; where a density is not a number the point is outside."""
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
    groups: tuple[int, ...] = (),
) -> Population:
    """The population after some steps towards prior times likelihood to a power.

    With `groups`, the sizes of consecutive groups, members take their steps from their own group only.
    """
    sizes = np.array(groups or (len(population),))
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    for _ in range(steps):
        population = _step(population, evaluate, power, rng, (starts, np.repeat(sizes, sizes)))
    return population


def _step(
    population: Population,
    evaluate: Evaluate,
    power: float,
    rng: np.random.Generator,
    groups: tuple[NDArray[np.intp], NDArray[np.intp]],
) -> Population:
    count, dimension = population.points.shape
    starts, sizes = groups
    first = rng.integers(sizes)
    second = starts + (first + rng.integers(1, sizes)) % sizes
    first += starts
    # Steps of many sizes: narrow ridges want short ones; a whole difference jumps between modes.
    length = 2.38 / math.sqrt(2 * dimension) * np.exp(rng.normal(-0.3, 0.6, size=count))
    length[rng.random(count) < 0.1] = 1.0
    difference = population.points[first] - population.points[second]
    jitter = 1e-6 * rng.normal(size=(count, dimension))
    offered = evaluated(population.points + length[:, None] * difference + jitter, evaluate)
    taken = np.log(rng.random(count)) < _log_density(offered, power) - _log_density(population, power)
    return Population(
        np.where(taken[:, None], offered.points, population.points),
        np.where(taken, offered.log_prior, population.log_prior),
        np.where(taken, offered.log_likelihood, population.log_likelihood),
    )


def _log_density(population: Population, power: float) -> Array:
    return np.asarray(np.maximum(population.log_prior + power * population.log_likelihood, -1e300))
