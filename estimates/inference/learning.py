"""Learning a proposal: from draws of the prior, and from the weights of a batch.

*Explorers*, draws of the prior that climb the likelihood each on its own, find modes however little prior
mass leads to them. A *population* that is resampled while the likelihood is turned up (sequential Monte
Carlo) finds how the mass divides. A mixture of Student-t distributions is fitted to both; rounds of weighted
draws from it sharpen it.

References: Cappe et al. (2008), doi:10.1007/s11222-008-9059-x; Del Moral et al. (2006),
doi:10.1111/j.1467-9868.2006.00553.x.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from estimates.errors import ContradictionError
from estimates.inference import mixture
from estimates.inference.moves import Population, arrived, evaluated, joined, move
from estimates.inference.proposal import Blend, Target, weighted_batch_of
from estimates.inference.weights import CLEAR, chosen, effective_size, gain
from estimates.workers import Progress

type Array = NDArray[np.float64]

_STEPS, _STEPS_OF_MANY = 4, 1
"""Moves before each look at a batch; fewer where it has as many effective points as are taken of it."""


@dataclass(frozen=True)
class Budget:
    """How many points learning may take.

    Attributes
    ----------
    prior, population, explorers : int
        Draws of the prior, and how many members of each group climb from them.
    steps, looks, steps_between : int
        Moves after each turn up of the likelihood; looks at the population when it has arrived, and moves
        before each.
    training, components : int
        The points that the main mixture is fitted to, and its components, at most.
    rounds, round_points : int
        Rounds of weighted draws.
    """

    prior: int
    population: int
    explorers: int
    steps: int
    looks: int
    steps_between: int
    training: int
    components: int
    rounds: int
    round_points: int


THOROUGH = Budget(
    prior=16_384,
    population=4096,
    explorers=2048,
    steps=6,
    looks=3,
    steps_between=5,
    training=8192,
    components=32,
    rounds=3,
    round_points=8192,
)
"""For ridges, bananas, funnels and several modes."""


@dataclass
class Learner:
    """What it takes to learn a proposal: what it is for, and points seen so far."""

    target: Target
    rng: np.random.Generator
    budget: Budget = THOROUGH
    training: Array | None = None

    def from_prior(self, tell: Progress) -> Blend:
        """A proposal from nothing but draws of the prior.

        Raises
        ------
        ContradictionError
            When none of them could have given the reports.
        """
        tell(0.05, "from the prior to the posterior")
        prior = evaluated(self.target.draw_prior(self.budget.prior, self.rng), self.target.evaluate)
        if not np.any(np.isfinite(prior.log_likelihood)):
            raise ContradictionError(
                "no draw from the prior could have given the reports",
                remedy="The assumptions contradict the reports: widen the priors, or check dates and units.",
            )
        self.training, explored = self._climb(prior)
        components = self._components(prior)
        main = mixture.fit(self._some(self.training), components, self.rng, least=0.1 / components)
        found = mixture.fit(self._some(explored), components // 2, self.rng, least=0.5 / components)
        blend = Blend((main, found), np.array([0.8, 0.2]))
        for number in range(self.budget.rounds):
            tell(0.4 + 0.1 * number, f"round {number + 1}")
            batch = weighted_batch_of(
                blend, self.target.evaluate, self.target.draw_prior, self.budget.round_points, self.rng
            )
            if CLEAR.is_met(batch[1]):
                break
            blend = self.improved(blend, *batch)
        return blend

    def improved(self, blend: Blend, batch: Population, log_weights: Array) -> Blend:
        """The proposal after a look at its weights: refitted, shared out anew, filled where it is thin."""
        weights, log_thin, lacking = self.target.coverage(batch.points, log_weights)
        blend = blend.shared_out(batch.points, weights)
        main, population, filling = blend.parts[0], self.budget.population, self.budget.population // 2
        typical = batch.take(chosen(log_weights, population, self.rng))
        rare = batch.take(chosen(log_thin, filling, self.rng))
        both, looks = joined(typical, rare), []
        steps = _STEPS_OF_MANY if effective_size(log_weights) >= population else _STEPS
        for _ in range(2):
            both = move(both, self.target.evaluate, 1.0, steps, self.rng, groups=(population, filling))
            looks.append(both.points)
        before = [] if self.training is None else [self.training]
        typical_points = [points[:population] for points in looks]
        self.training = np.concatenate([*before, *typical_points])[-2 * self.budget.training :]
        components = self._components(batch)
        start = main if isinstance(main, mixture.StudentMixture) else None
        main = mixture.fit(
            self._some(self.training), components, self.rng, start=start, least=0.1 / components
        )
        # Points that moved only among themselves, from where the proposal is too thin.
        extra = np.concatenate([points[population:] for points in looks])
        return blend.joined(
            main, mixture.fit(extra, components // 2, self.rng, least=0.2 / components), lacking
        )

    def _some(self, points: Array) -> Array:
        return points[self.rng.permutation(len(points))[: self.budget.training]]

    def _components(self, of: Population) -> int:
        dimension = int(of.points.shape[1])
        return min(self.budget.components, 12 + 4 * dimension)

    def _climb(self, prior: Population) -> tuple[Array, Array]:
        """A population and explorers, carried together from the prior to the posterior.

        The population is resampled at every step up, so that it divides as the mass does. The explorers
        are not: each climbs from where the prior put it, and stays on the hill it finds. Returns several
        looks at the population, and the explorers that arrived at a density worth looking at.
        """
        possible = np.flatnonzero(np.isfinite(prior.log_likelihood))
        explorers = prior.take(self.rng.choice(possible, size=self.budget.explorers))
        population, power = prior, 0.0
        while power < 1.0:
            raised = _next_power(population.log_likelihood, power, self.budget.population / 2)
            weights = gain(population.log_likelihood, raised - power)
            population = population.take(chosen(weights, self.budget.population, self.rng))
            power = raised
            population, explorers = self._moved(population, explorers, power, self.budget.steps)
        looks, explored = [], []
        for _ in range(self.budget.looks):
            population, explorers = self._moved(population, explorers, 1.0, self.budget.steps_between)
            looks.append(population.points)
            explored.append(arrived(explorers))
        return np.concatenate(looks), np.concatenate(explored)

    def _moved(
        self, population: Population, explorers: Population, power: float, steps: int
    ) -> tuple[Population, Population]:
        """Both groups moved as one, because many points cost little more than few, and told apart again."""
        both = move(joined(population, explorers), self.target.evaluate, power, steps, self.rng)
        count = len(population)
        return both.take(np.arange(count)), both.take(np.arange(count, len(both)))


def _next_power(log_likelihood: Array, power: float, enough: float) -> float:
    """The largest power, up to 1, that leaves so many effective points."""

    def size(raised: float) -> float:
        return effective_size(gain(log_likelihood, raised - power))

    low, high = power, 1.0
    if size(high) >= enough:
        return high
    for _ in range(50):
        middle = (low + high) / 2 if low > 1e-9 else high / 4
        low, high = (middle, high) if size(middle) >= enough else (low, middle)
        if high - low < 1e-2 * high:
            break
    return high
