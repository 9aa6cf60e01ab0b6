"""Moving a population of points by differential evolution: Metropolis steps that know the shape.

A point x is offered x + g (a - b), with a and b two other members of the population; that difference
carries the scale and the correlations of the target, so nothing has to be tuned. A straight step soon
leaves a bent ridge, so steps can be taken in other coordinates. All members move at once, because a batch
costs little more than a point. The members therefore depend on one another a little, which is no matter
here: the points only teach a proposal, they are never results. Where nothing is known of the hills there
are, members step by differences of their neighbours alone.

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

_NEIGHBOURS, _STEPS_TOGETHER, _UPWARDS = 5, 4, 0.1  # the nearest are looked for anew after some steps


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


def joined(*populations: Population) -> Population:
    """All populations, one after the other."""
    return Population(
        np.concatenate([one.points for one in populations]),
        np.concatenate([one.log_prior for one in populations]),
        np.concatenate([one.log_likelihood for one in populations]),
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


def climb(population: Population, evaluate: Evaluate, steps: int, rng: np.random.Generator) -> Population:
    """The members after some steps up prior times likelihood, each on the hill that it stands on.

    Where there are several hills, a difference of any two members leads from one to another, and is too long
    for both. Here each member steps by differences of those nearest to it, now and then towards the highest
    of them, so that what stands on one hill shrinks to its top together, and then keeps to its shape.
    """
    count = len(population)
    members, few = np.arange(count), min(_NEIGHBOURS, count - 1)
    if few < 2:
        return population
    for number in range(steps):
        points, height = population.points, _log_density(population, 1.0)
        if number % _STEPS_TOGETHER == 0:
            near = _nearest(points, few)
        first = rng.integers(few, size=count)
        second = (first + rng.integers(1, few, size=count)) % few
        step = _lengths(points, rng) * (points[near[members, first]] - points[near[members, second]])
        highest = near[members, np.argmax(height[near], axis=1)]
        upwards = (height[highest] > height) & (rng.random(count) < _UPWARDS)
        step += np.where(upwards, rng.random(count), 0.0)[:, None] * (points[highest] - points)
        offered = evaluated(points + step + _jitter(points, rng), evaluate)
        taken = np.log(rng.random(count)) < _log_density(offered, 1.0) - height
        population = population.replaced(taken, offered)
    return population


def _nearest(points: Array, count: int) -> NDArray[np.intp]:
    """The indices (n, count) of the points nearest to each of the points (n, d)."""
    centred = points - points.mean(axis=0)
    squares = np.einsum("ij,ij->i", centred, centred)
    apart = squares - 2 * centred @ centred.T  # and the square of each itself, the same for all others
    np.fill_diagonal(apart, np.inf)
    return np.argpartition(apart, count - 1, axis=1)[:, :count]


def arrived(explorers: Population) -> Array:
    """The points of those that came to a density worth looking at."""
    height = explorers.log_prior + explorers.log_likelihood
    return np.asarray(explorers.points[height > np.max(height) - 10 - 2 * explorers.points.shape[1]])


def _differences(
    points: Array, starts: NDArray[np.intp], sizes: NDArray[np.intp], rng: np.random.Generator
) -> Array:
    """A step for each point: a multiple of the difference of two others of its group."""
    first = rng.integers(sizes)
    second = starts + (first + rng.integers(1, sizes)) % sizes
    first += starts
    length = _lengths(points, rng)
    length[rng.random(len(points)) < 0.1] = 1.0  # a whole difference jumps between modes
    return np.asarray(length * (points[first] - points[second]) + _jitter(points, rng))


def _lengths(points: Array, rng: np.random.Generator) -> Array:
    """Lengths (n, 1) of steps, in differences: of many sizes, because narrow ridges want short ones."""
    count, dimension = points.shape
    return 2.38 / math.sqrt(2 * dimension) * np.exp(rng.normal(-0.3, 0.6, size=(count, 1)))


def _jitter(points: Array, rng: np.random.Generator) -> Array:
    """What keeps members that are alike from standing still."""
    return 1e-6 * (rng.random(points.shape) - 0.5)


def _log_density(population: Population, power: float) -> Array:
    return np.asarray(np.maximum(population.log_prior + power * population.log_likelihood, -1e300))
