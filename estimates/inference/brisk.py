"""A proposal from few points, for a posterior that is nearly normal in coordinates which points can teach.

Population Monte Carlo: a batch of weighted points teaches what the next is drawn from. The likelihood is
turned up by as much as leaves enough effective points, so that every proposal is near what it is for. A few
explorers, draws of the prior that climb in small companies, show hills that the batches miss, and so does a
population for which the likelihood is turned up beyond what it is. What all this shows is gathered into one
proposal, unless the last batch leaves nothing to learn. All of it happens in the normal scores of the prior,
where what the reports say little of is normal already.

References: Cappe et al. (2004), doi:10.1198/106186004X12803; Ionides (2008), doi:10.1198/106186008X320456,
for bounding the weights that teach.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from estimates.inference import mixture
from estimates.inference.moves import Population, arrived, climb, evaluated, joined, move
from estimates.inference.proposal import (
    Bent,
    Blend,
    Part,
    Scored,
    Target,
    together,
    weighted_batch_of,
)
from estimates.inference.scores import Scores
from estimates.inference.transport import Transport
from estimates.inference.weights import CLEAR, Wanted, chosen, effective_size, gain

type Array = NDArray[np.float64]

_PRIOR, _LESSON, _GLANCE = 2, 3, 0.5
"""Draws of the prior, and points of a lesson and of a glance, in proportion to what was asked."""

_BATCH, _BATCH_PER_UNKNOWN = 1536, 256
_EXPLORERS, _POINTS_AN_EXPLORER = 128, 16  # at most so many, and fewer where points are dear
_STEPS_EXPLORED, _HILLS = 30, 6
_STEPS, _FEW_STEPS = 8, 5  # of expectation-maximisation; fewer while the likelihood is turned up
_COMPONENTS, _FEW_UNKNOWNS = 3, 6  # more unknowns want more points for the same components
_SHARE_KEPT = 0.15
"""What share of a batch is effective when the likelihood has been turned up."""

_LOUD, _LOUD_PER_UNKNOWN, _LOUDEST, _LEVELS = 0.2, (20, 100), 32.0, 8
"""A population above the top: its members in proportion to what was asked, within bounds for each unknown;
the highest power; and in how many levels at most it gets there."""

_STEPS_LOUD, _STEPS_DOWN = 4, 8

_SHARE_GOOD, _ENOUGH = 0.05, 150.0  # effective points of good batches, to gather the next proposal from
_MOST = 16
_SHARE_LOST, _LOST = 0.03, 4  # so many batches in a row, below that share, are the end
_TRAINING, _TRAINING_PER_UNKNOWN = 3072, 512  # points, at most
_COMPONENTS_AGAIN = 6
_STEPS_GATHERED, _STEPS_AGAIN = 4, 3  # of the population
_POINTS_FROM_OTHERS = 1024
_LESSONS, _LESSONS_LOST, _SHARE_HOPELESS = 10, 5, 0.03
_SHARE_CLEAR = 0.5  # of effective points at a glance

_FROM_OTHERS = Wanted(0.05, 0.6)
_NOTHING = Blend((), np.empty(0))


@dataclass(frozen=True)
class Pupil:
    """What has been learnt of a posterior from few points.

    Attributes
    ----------
    target : Target
        The posterior, in the points' own coordinates.
    points : int
        What is learnt from is in proportion to it.
    scores : Scores
        The coordinates that everything below is in.
    blend : Blend
        The proposal; of no parts before anything was learnt.
    wanted : Wanted
        When the lessons are over.
    share : float
        How much of the last batch was effective.
    """

    target: Target
    points: int
    scores: Scores
    blend: Blend = _NOTHING
    wanted: Wanted = CLEAR
    share: float = 0.0

    @property
    def proposal(self) -> Blend:
        """The proposal in the points' own coordinates."""
        return Blend.of([Scored(self.blend, self.scores)])

    def taught(self, batch: Population, log_weights: Array, rng: np.random.Generator) -> "Pupil":
        """After a look at the weights of a large batch: refitted, and filled where it is thin."""
        return self._taught(_scored(batch, self.scores), log_weights, rng)

    def practised(self, rng: np.random.Generator) -> "Pupil | None":
        """After lessons until the weights are good; None if they do not become so.

        A glance at a few points does for a lesson where they are very good at once.
        """
        _, batch, log_weights = self._looked_at(_GLANCE, rng)
        if self.is_clear(log_weights):
            return self.ready(batch, log_weights)
        pupil, best = self, 0.0
        for lesson in range(_LESSONS):
            share, batch, log_weights = pupil._looked_at(_LESSON, rng)
            if self.wanted.is_met(log_weights):
                return replace(pupil, share=share)
            best = max(best, share)
            if lesson >= _LESSONS_LOST and best < _SHARE_HOPELESS:
                break
            pupil = pupil._taught(batch, log_weights, rng)
        return None

    def is_clear(self, log_weights: Array) -> bool:
        """Whether the weights of a batch are so good that there is nothing more to learn."""
        return self.wanted._replace(share=_SHARE_CLEAR).is_met(log_weights)

    def ready(self, batch: Population, log_weights: Array, *found: Part) -> "Pupil":
        """After such a batch: with what was found besides, and the shares that fit best."""
        weights, *_ = self._coverage(batch, log_weights)
        blend = _shared([*self.blend.parts, *found]).shared_out(batch.points, weights)
        return replace(self, blend=blend, share=effective_size(log_weights) / len(batch))

    def _looked_at(self, size: float, rng: np.random.Generator) -> tuple[float, Population, Array]:
        """Share of effective points of a batch of `size` times `points`, the batch, and its log weights."""
        count = round(size * self.points)
        batch, log_weights = weighted_batch_of(self.blend, self._evaluate, self._draw_prior, count, rng)
        return effective_size(log_weights) / count, batch, log_weights

    def gathered(
        self, typical: Population, around: Population, rng: np.random.Generator, *found: Part
    ) -> "Pupil":
        """After a first look at points like the posterior's, and at others on all sides of it.

        All in the scores. What was found besides keeps a part of its own.
        """
        coordinates = Transport.of(typical.points)
        typical = move(typical, self._evaluate, 1.0, _STEPS_GATHERED, rng, coordinates=coordinates)
        main = Bent.of(typical.points, _COMPONENTS_AGAIN, rng, steps=_STEPS)
        broad = Bent.of(around.points, _COMPONENTS, rng, transport=main.transport, steps=_FEW_STEPS)
        return replace(self, blend=_shared([main, *found, broad]))

    def _taught(self, batch: Population, log_weights: Array, rng: np.random.Generator) -> "Pupil":
        weights, log_thin, lacking = self._coverage(batch, log_weights)
        groups = len(batch) // 4, len(batch) // 8
        typical = batch.take(chosen(_bounded(log_weights), groups[0], rng))
        rare = batch.take(chosen(log_thin, groups[1], rng))
        both = joined(typical, rare)
        coordinates = Transport.of(typical.points)
        both = move(both, self._evaluate, 1.0, _STEPS_AGAIN, rng, coordinates=coordinates, groups=groups)
        main = Bent.of(both.points[: groups[0]], _COMPONENTS_AGAIN, rng, transport=coordinates, steps=_STEPS)
        filler = Bent.of(both.points[groups[0] :], _COMPONENTS_AGAIN, rng, steps=_STEPS)
        blend = self.blend.shared_out(batch.points, weights)
        share = effective_size(log_weights) / len(batch)
        return replace(self, blend=blend.joined(main, filler, lacking), share=share)

    def _coverage(self, batch: Population, log_weights: Array) -> tuple[Array, Array, float]:
        return self.target.coverage(self.scores.unscore(batch.points)[0], log_weights)

    def _evaluate(self, scores: Array) -> tuple[Array, Array]:
        points, log_jacobian = self.scores.unscore(scores)
        log_prior, log_likelihood = self.target.evaluate(points)
        return log_prior - log_jacobian, log_likelihood

    def _draw_prior(self, count: int, rng: np.random.Generator) -> Array:
        return self.scores.score(self.target.draw_prior(count, rng))[0]


def learnt(target: Target, points: int, rng: np.random.Generator, wanted: Wanted = CLEAR) -> Pupil | None:
    """A pupil whose proposal is as good as wanted, or None where few points do not teach one.

    What is learnt from is in proportion to `points`.
    """
    prior = evaluated(target.draw_prior(_PRIOR * points, rng), target.evaluate)
    possible = np.flatnonzero(np.isfinite(prior.log_likelihood))
    if not len(possible):
        return None
    pupil = Pupil(target, points, Scores.of(prior.points), wanted=wanted)
    batch = _scored(prior, pupil.scores)
    explorers = batch.take(rng.permutation(possible)[: min(_EXPLORERS, points // _POINTS_AN_EXPLORER)])
    hills = _hills(climb(explorers, pupil._evaluate, _STEPS_EXPLORED, rng))
    return _climbed(pupil, batch, prior.log_weights(prior.log_prior), hills, rng)


def learnt_from(
    batch: Population,
    log_weights: Array,
    target: Target,
    points: int,
    rng: np.random.Generator,
) -> Pupil | None:
    """The same from points and log weights (n,) that stand for the posterior poorly."""
    possible = np.count_nonzero(np.isfinite(log_weights))
    if not possible:
        return None
    while effective_size(log_weights) < min(_ENOUGH, possible / 2):
        log_weights = gain(log_weights, 0.8)
    points = min(points, _POINTS_FROM_OTHERS)
    scores = Scores.of(target.draw_prior(_PRIOR * points, rng))
    pupil = Pupil(target, points, scores, wanted=_FROM_OTHERS)
    typical, around = (_scored(look, scores) for look in _looks(batch, log_weights, _TRAINING, rng))
    return pupil.gathered(typical, around, rng).practised(rng)


def _climbed(
    pupil: Pupil, batch: Population, log_weights: Array, hills: list[Part], rng: np.random.Generator
) -> Pupil | None:
    """After batches that teach each other while the likelihood is turned up, and lessons at the top."""
    unknowns = batch.points.shape[1]
    size = max(min(_BATCH, pupil.points), _BATCH_PER_UNKNOWN * unknowns)
    count, components = size // 2, _COMPONENTS if unknowns <= _FEW_UNKNOWNS else 1
    good: list[tuple[Population, Array]] = []
    power, lost = 0.0, 0
    for _ in range(_MOST):
        power = _next_power(batch, log_weights, power, _SHARE_KEPT * size)
        turned_down = _turned(batch, log_weights, power)
        share = effective_size(turned_down) / size
        lost = lost + 1 if share < _SHARE_LOST else 0
        if lost == _LOST or not share:
            return None
        if power == 1.0 and share >= _SHARE_GOOD and pupil.blend.parts:
            good.append((batch, log_weights))
            if sum(effective_size(weights) for _, weights in good) >= _ENOUGH:
                return _at_the_top(pupil, good, hills, rng)
        population = batch.take(chosen(_bounded(turned_down), count, rng))
        coordinates = Transport.of(population.points)
        population = move(population, pupil._evaluate, power, 1, rng, coordinates=coordinates)
        main = Bent.of(population.points, components, rng, transport=coordinates, steps=_FEW_STEPS)
        pupil = replace(pupil, blend=_shared([main, *pupil.blend.parts[:1], *hills]))
        batch, log_weights = weighted_batch_of(pupil.blend, pupil._evaluate, pupil._draw_prior, size, rng)
    return None


def _at_the_top(
    pupil: Pupil, good: list[tuple[Population, Array]], hills: list[Part], rng: np.random.Generator
) -> Pupil | None:
    """After good batches there, of which the last may leave nothing to learn."""
    if pupil.is_clear(good[-1][1]):
        return pupil.ready(*good[-1], *_loudest(*good[-1], pupil, rng))
    batch, log_weights = together(good)
    most = min(_TRAINING, _TRAINING_PER_UNKNOWN * batch.points.shape[1], 2 * pupil.points)
    looks = _looks(batch, log_weights, most, rng)
    return pupil.gathered(*looks, rng, *hills, *_loudest(batch, log_weights, pupil, rng)).practised(rng)


def _looks(
    batch: Population, log_weights: Array, count: int, rng: np.random.Generator
) -> tuple[Population, Population]:
    """Points like the posterior's, and others, by weights half turned down, on all sides of it."""
    typical, around = _bounded(log_weights), _bounded(gain(log_weights, 0.5))
    return batch.take(chosen(typical, count, rng)), batch.take(chosen(around, count // 2, rng))


def _hills(explorers: Population) -> list[Part]:
    """What follows the explorers that arrived at a density worth looking at, on however many hills."""
    points = arrived(explorers)
    return [mixture.apart(points, _HILLS, least=0.5 / _HILLS)] if len(points) > 1 else []


def _loudest(batch: Population, log_weights: Array, pupil: Pupil, rng: np.random.Generator) -> list[Part]:
    """What follows the place where the likelihood is highest, however far from the rest of the posterior.

    A narrow hill far out in the prior may hold a hundredth of the posterior and show in no batch. With the
    likelihood turned up beyond 1 it holds most of it, and a population that is resampled on the way up
    gathers there from the few members that came near; let down, it stays. On a single hill of less
    than ten unknowns nothing holds up the way, each step of which doubles the power, and nothing is found.
    """
    unknowns = batch.points.shape[1]
    count = round(np.clip(_LOUD * pupil.points, *(each * unknowns for each in _LOUD_PER_UNKNOWN)))
    evaluate, power = pupil._evaluate, 1.0
    is_single = True
    for level in range(_LEVELS):
        doubled = min(2 * power, _LOUDEST)
        power = _next_power(batch, log_weights, power, count / 4, most=doubled)
        is_single &= power == doubled or level == 0  # the batch itself may have had few effective points
        batch = batch.take(chosen(_turned(batch, log_weights, power), count, rng))
        batch = move(batch, evaluate, power, _STEPS_LOUD, rng)
        log_weights = (1 - power) * batch.log_likelihood  # against a power of 1, as `_turned` takes them
        if power == _LOUDEST:
            break
    if is_single:
        return []
    return [Bent.of(move(batch, evaluate, 1.0, _STEPS_DOWN, rng).points, 1, rng, steps=_FEW_STEPS)]


def _scored(population: Population, scores: Scores) -> Population:
    """The population in the scores of its points."""
    points, log_jacobian = scores.score(population.points)
    log_prior = population.log_prior - log_jacobian
    log_prior[np.isnan(log_prior)] = -np.inf  # outside, as `evaluated` has it
    return replace(population, points=points, log_prior=log_prior)


def _shared(parts: list[Part]) -> Blend:
    """The first part with most of the draws, the others with a tenth each."""
    shares = np.full(len(parts), 0.1)
    shares[0] = 1 - shares[1:].sum()
    return Blend(tuple(parts), shares)


def _turned(batch: Population, log_weights: Array, power: float) -> Array:
    """Log weights (n,) for the prior times the likelihood to a power; what is impossible stays so."""
    turned = np.full_like(log_weights, -np.inf)
    possible = np.isfinite(log_weights)
    turned[possible] = log_weights[possible] - (1 - power) * batch.log_likelihood[possible]
    return turned


def _bounded(log_weights: Array) -> Array:
    """Log weights with none above sqrt(n) times their mean."""
    count = len(log_weights)
    return np.minimum(log_weights, mixture.log_sum(log_weights) - math.log(count) / 2)


def _next_power(
    batch: Population, log_weights: Array, power: float, enough: float, most: float = 1.0
) -> float:
    """The largest power up to `most` that leaves so many effective points; this one if none above it does."""
    possible = np.isfinite(log_weights)
    log_weights, log_likelihood = log_weights[possible], batch.log_likelihood[possible]

    def is_enough(raised: float) -> bool:
        return len(log_weights) > 0 and effective_size(log_weights - (1 - raised) * log_likelihood) >= enough

    if is_enough(most):
        return most
    low, high = power, most
    for _ in range(40):
        middle = (low + high) / 2 if low > 0.1 * high else math.sqrt(max(low, 1e-12) * high)
        low, high = (middle, high) if is_enough(middle) else (low, middle)
        if high - low < 0.02 * high:
            break
    return low
