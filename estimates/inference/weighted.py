"""Weighted points of a posterior: what they say of it, and how far they can be trusted."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import special

from estimates.inference.moves import Population
from estimates.inference.proposal import Blend, together
from estimates.inference.weights import effective_size, pareto_k, representative, spread_error
from estimates.trust import GOOD, LIMIT_ESS, Trust, of_importance

type Array = NDArray[np.float64]
type Batch = tuple[Population, Array]
"""Points with their log weights."""

CAUTION = 1.5


@dataclass(frozen=True)
class Weighted:
    """Weighted points of the fitted unknowns.

    Attributes
    ----------
    population : Population
        The points of all scrambles, one scramble after the other, on the unconstrained space.
    log_weights : array (scramble, point)
    pareto_k : float
        Shape of the tail of the weights; below 0.7 the averages can be trusted.
    proposal : Blend
        What the last batch was drawn from: a start for a posterior much like this one.
    moved : float
        The largest distance of the log evidence from what an earlier batch gave, in their combined errors.
    poor : int
        How many earlier batches were not good by themselves.
    spread_error : float
        The largest relative error of the standard deviation of a value; 0 where none was asked for.
    """

    population: Population
    log_weights: Array
    pareto_k: float
    proposal: Blend
    moved: float = 0.0
    poor: int = 0
    spread_error: float = 0.0

    @classmethod
    def of(
        cls,
        batches: Sequence[Batch],
        proposal: Blend,
        earlier: Sequence[Self],
        values_of: Callable[[Array], Array] | None = None,
    ) -> Self:
        """What the batches of all scrambles are together, after earlier ones.

        With `values_of`, points (n, d) -> values (n, m), also how well their spreads are known.
        """
        population, log_weights = together(batches)
        found = cls(population, log_weights.reshape(len(batches), -1), pareto_k(log_weights), proposal)
        return replace(
            found,
            moved=_moved(earlier, found),
            poor=sum(one.is_poor for one in earlier),
            spread_error=spread_error(log_weights, values_of(population.points)) if values_of else 0.0,
        )

    @cached_property
    def effective_size(self) -> float:
        """Kish's effective sample size, (sum w)^2 / sum w^2."""
        return effective_size(self.log_weights.ravel())

    @cached_property
    def log_evidence(self) -> float:
        """The log of the mean weight."""
        return float(special.logsumexp(self.log_weights) - math.log(self.log_weights.size))

    @cached_property
    def log_evidence_error(self) -> float:
        """The Monte Carlo standard error of the log evidence.

        The larger of two: the spread of the independent scrambles, which knows how even Sobol points
        are but is itself rough with few scrambles, and the spread of the weights, which does not.
        Times `CAUTION`, because with heavy-tailed weights what a sample shows of their spread, and of
        their mean, is more often too little than too much (`benchmarks/evidence.py` checks the factor).
        """
        count, size = self.log_weights.shape
        means = np.exp(special.logsumexp(self.log_weights, axis=1) - math.log(size) - self.log_evidence)
        between = float(np.std(means, ddof=1)) / math.sqrt(count)
        within = math.sqrt(max(1 / self.effective_size - 1 / self.log_weights.size, 0.0))
        return CAUTION * max(between, within)

    @property
    def is_poor(self) -> bool:
        """Whether the weights are not good, whatever came before them."""
        return of_importance(self.pareto_k, self.effective_size, self.log_evidence_error).verdict != GOOD

    @property
    def trust(self) -> Trust:
        """How far the weights can be relied upon."""
        return of_importance(
            self.pareto_k,
            self.effective_size,
            self.log_evidence_error,
            self.moved,
            self.poor,
            self.spread_error,
        )

    def without_points(self) -> Self:
        """What the weights say, for when nobody asks for the points any more."""
        return replace(self, population=self.population.take(np.empty(0, dtype=np.intp)))

    def resample(self, draws: int, rng: np.random.Generator, values: Array | None = None) -> NDArray[np.intp]:
        """Which of all points stand for the posterior with equal weights: indices (scramble, draws).

        Parameters
        ----------
        draws : int
            From each scramble.
        values : array (scramble * point, m), optional
            What the points will be asked for; means and spreads of these are kept as by weight. By default
            the points themselves.
        """
        values = self.population.points if values is None else values
        return representative(self.log_weights, values, draws, rng)


def _moved(earlier: Sequence[Weighted], last: Weighted) -> float:
    """How far the log evidence lies from what earlier batches gave, in combined errors.

    Of those only whose error can be believed. Where a funnel or a ridge is found little by little, each
    batch by itself looks well, and gives more evidence than the one before.
    """
    return max(
        (
            abs(one.log_evidence - last.log_evidence)
            / math.hypot(one.log_evidence_error, last.log_evidence_error)
            for one in earlier
            if one.effective_size >= LIMIT_ESS
        ),
        default=0.0,
    )
