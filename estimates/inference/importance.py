"""Adaptive importance sampling on PyMC's own log density.

Three things are learnt before anything counts. *Explorers*, draws of the prior that climb the
likelihood each on its own, find modes however little prior mass leads to them. A *population* that is
resampled while the likelihood is turned up (sequential Monte Carlo) finds how the mass divides. Rounds
of weighted draws from a mixture of Student-t distributions fitted to both then sharpen the mixture.
The result comes from a final batch, independent of all this: scrambled Sobol points of the mixture,
and a share of draws from the prior, whose density in the mixture bounds the weights. If its weights are
heavy-tailed it becomes one more lesson, and another batch is drawn.

    w(z) = prior(z) likelihood(z) / ((1 - a) q(z) + a prior(z)),    evidence = mean of w

References: Cappe et al. (2008), doi:10.1007/s11222-008-9059-x; Del Moral et al. (2006),
doi:10.1111/j.1467-9868.2006.00553.x; Hesterberg (1995), doi:10.1080/00401706.1995.10484303;
Vehtari et al. (2024), jmlr.org/papers/v25/19-556.html.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import special

from estimates.errors import ContradictionError
from estimates.inference import mixture
from estimates.inference.mixture import StudentMixture
from estimates.inference.moves import Evaluate, Population, evaluated, joined, move
from estimates.seeds import generator
from estimates.trust import LIMIT_ESS, LIMIT_K, LIMIT_MOVED, Trust, of_importance
from estimates.workers import Progress

type Array = NDArray[np.float64]
type DrawPrior = Callable[[int, np.random.Generator], Array]

SCRAMBLES = 8
"""How many independent scrambles the final batch is made of."""

CAUTION = 1.5

PRIOR_SHARE = 0.1
"""How much of every batch is drawn from the prior."""

_PRIOR_POINTS = 16_384
_POPULATION = 4_096
_EXPLORERS = 2_048
_TRAINING = 8_192
_ROUND_POINTS = 8_192
_ROUNDS = 3
_STEPS = 4
_ATTEMPTS = 8
_ATTEMPTS_MORE = 2  # from the proposal of another posterior; if they do not do, the two are not much alike
_ATTEMPTS_FROM_ANCHOR = 4
_MOST_PARTS = 6
_THIN = 2.0  # weights above so many times their mean mark places the proposal covers too thinly


@dataclass(frozen=True)
class Effort:
    """How many points the final batch has, and what stops the work.

    Attributes
    ----------
    points : int
        In each scramble.
    pareto_k, share, error : float
        Enough is a k-hat below the first, a larger share of effective points than the second, and an
        error of the log evidence below the third.
    """

    points: int
    pareto_k: float
    share: float
    error: float

    def is_met(self, weighted: "Weighted") -> bool:
        """Whether these weights are as good as was asked."""
        return (
            weighted.pareto_k < self.pareto_k
            and weighted.moved < LIMIT_MOVED
            and weighted.effective_size > self.share * weighted.log_weights.size
            and weighted.log_evidence_error < self.error
        )


DRAWS = Effort(points=4096, pareto_k=0.5, share=0.1, error=0.02)
"""For all that may be asked of a posterior."""

EVIDENCE = Effort(points=2048, pareto_k=LIMIT_K, share=0.0, error=0.03)
"""For the evidence alone."""


@dataclass(frozen=True)
class Weighted:
    """Weighted points of the fitted unknowns.

    Attributes
    ----------
    points : array (scramble, point, dimension)
        On the unconstrained space.
    log_weights : array (scramble, point)
    pareto_k : float
        Shape of the tail of the weights; below 0.7 the averages can be trusted.
    rounds : int
        How many rounds of adaptation were made.
    proposal : Blend
        What the final batch was drawn from: a start for a posterior much like this one.
    moved : float
        The largest distance of the log evidence from what an earlier batch gave, in their combined errors.
    """

    points: Array
    log_weights: Array
    pareto_k: float
    rounds: int
    proposal: "Blend"
    moved: float = 0.0

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
    def trust(self) -> Trust:
        """How far the weights can be relied upon."""
        return of_importance(self.pareto_k, self.effective_size, self.log_evidence_error, self.moved)

    def resample(self, draws: int, rng: np.random.Generator) -> Array:
        """Equally weighted points (scramble, draws, dimension), by systematic resampling in each."""
        chosen = [
            points[_chosen(log_weights, draws, rng)]
            for points, log_weights in zip(self.points, self.log_weights, strict=True)
        ]
        return np.stack(chosen)


def effective_size(log_weights: Array) -> float:
    """Kish's effective sample size of log weights (n,)."""
    highest = np.max(log_weights)
    if not np.isfinite(highest):
        return 0.0
    weights = np.exp(log_weights - highest)
    return float(np.sum(weights) ** 2 / np.sum(weights**2))


def sample(
    evaluate: Evaluate,
    draw_prior: DrawPrior,
    dimension: int,
    *,
    seed: int,
    effort: Effort = DRAWS,
    start: "Blend | Anchor | None" = None,
    progress: Progress | None = None,
) -> Weighted:
    """Draw from the posterior by adaptive importance sampling.

    Parameters
    ----------
    evaluate : callable
        Points (n, d) -> log prior (n,), log likelihood (n,).
    draw_prior : callable
        (n, generator) -> points (n, d).
    dimension : int
        d.
    effort : Effort
        What stops the work.
    start : Blend or Anchor, optional
        The proposal of a posterior much like this one, or points for many such posteriors. Nothing is
        learnt anew unless the weights ask for it.

    Raises
    ------
    EngineError
        When no draw of the prior has a likelihood above 0: the reports contradict the assumptions.
    """
    tell = progress or (lambda share, words: None)
    learner = _Learner(evaluate, draw_prior, generator(seed, "adaptation"))
    anchor = start if isinstance(start, Anchor) else None
    known = start.blend if isinstance(start, Anchor) else start
    blend = known or _learnt(learner, dimension, seed, tell)
    attempts = _ATTEMPTS_FROM_ANCHOR if anchor else _ATTEMPTS_MORE if start else _ATTEMPTS
    earlier: list[Weighted] = []
    for attempt in range(attempts):
        tell(0.7 + 0.25 * attempt / attempts, "final points")
        if anchor and attempt == 0:
            batches = anchor.batches(evaluate)
        else:
            batches = [
                learner.batch(blend, effort.points, generator(seed, "final", attempt, number))
                for number in range(SCRAMBLES)
            ]
        weighted = _weighted(batches, (0 if start else _ROUNDS) + attempt, blend)
        weighted = replace(weighted, moved=_moved(earlier, weighted))
        earlier.append(replace(weighted, points=weighted.points[:, :0]))  # its points are not wanted again
        if effort.is_met(weighted):
            break
        if attempt < attempts - 1:
            together = reduce(joined, [population for population, _ in batches])
            log_weights = weighted.log_weights.ravel()
            if anchor and attempt == 0:
                blend = learner.gathered(together, log_weights)
            else:
                blend = learner.improved(blend, together, log_weights)
    return weighted


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


def _learnt(learner: "_Learner", dimension: int, seed: int, tell: Progress) -> "Blend":
    """A proposal made from nothing but draws of the prior."""
    tell(0.05, "from the prior to the posterior")
    blend = learner.first(dimension)
    for number in range(_ROUNDS):
        tell(0.4 + 0.1 * number, f"round {number + 1}")
        batch = learner.batch(blend, _ROUND_POINTS, generator(seed, "round", number))
        blend = learner.improved(blend, *batch)
    return blend


@dataclass
class _Learner:
    """What it takes to learn a proposal: the density, draws of the prior, and points seen so far."""

    evaluate: Evaluate
    draw_prior: DrawPrior
    rng: np.random.Generator
    training: Array | None = None

    def first(self, dimension: int) -> "Blend":
        """A proposal from the population and the explorers that climbed from the prior."""
        prior = evaluated(self.draw_prior(_PRIOR_POINTS, self.rng), self.evaluate)
        if not np.any(np.isfinite(prior.log_likelihood)):
            raise ContradictionError(
                "no draw from the prior could have given the reports",
                remedy="The assumptions contradict the reports: widen the priors, or check dates and units.",
            )
        self.training, explored = _climb(prior, self.evaluate, self.rng)
        components = min(32, 12 + 4 * dimension)
        main = mixture.fit(self._some(self.training), components, self.rng, least=0.1 / components)
        found = mixture.fit(self._some(explored), components // 2, self.rng, least=0.5 / components)
        return Blend((main, found), np.array([0.8, 0.2]))

    def gathered(self, batch: Population, log_weights: Array) -> "Blend":
        """A proposal for one posterior among many, from points of all that stand for it poorly."""
        population = batch.take(_chosen(log_weights, _POPULATION, self.rng))
        looks = []
        for _ in range(2):
            population = move(population, self.evaluate, 1.0, _STEPS, self.rng)
            looks.append(population.points)
        self.training = np.concatenate(looks)
        # Weights half turned down reach beyond the posterior on all sides.
        around = batch.points[_chosen(_gain(log_weights, 0.5), _POPULATION, self.rng)]
        components = min(32, 12 + 4 * batch.points.shape[1])
        main = mixture.fit(self._some(self.training), components, self.rng, least=0.1 / components)
        broad = mixture.fit(around, components // 2, self.rng, least=0.5 / components)
        return Blend((main, broad), np.array([0.8, 0.2]))

    def batch(self, blend: "Blend", size: int, rng: np.random.Generator) -> tuple[Population, Array]:
        """Points of the proposal and of the prior, and their log weights (n,)."""
        from_prior = round(PRIOR_SHARE * size)
        points = np.concatenate([blend.draw(size - from_prior, rng), self.draw_prior(from_prior, rng)])
        population = evaluated(points, self.evaluate)
        share = from_prior / size
        log_proposal = np.logaddexp(
            math.log1p(-share) + blend.log_density(points), math.log(share) + population.log_prior
        )
        return population, population.log_weights(log_proposal)

    def improved(self, blend: "Blend", batch: Population, log_weights: Array) -> "Blend":
        """The proposal after a look at its weights: refitted, shared out anew, filled where it is thin."""
        weights = np.exp(log_weights - special.logsumexp(log_weights)) * len(log_weights)
        blend = blend.shared_out(batch.points, weights)
        thin = np.maximum(weights - _THIN, 0.0)
        lacking = float(np.clip(thin.sum() / len(batch), 0.05, 0.5))
        main, filling = blend.parts[0], _POPULATION // 2
        typical = batch.take(_chosen(log_weights, _POPULATION, self.rng))
        rare = batch.take(_chosen(np.log(np.maximum(thin, 1e-300)), filling, self.rng))
        both, looks = joined(typical, rare), []
        for _ in range(2):
            both = move(both, self.evaluate, 1.0, _STEPS, self.rng, groups=(_POPULATION, filling))
            looks.append(both.points)
        before = [] if self.training is None else [self.training]
        typical_points = [points[:_POPULATION] for points in looks]
        self.training = np.concatenate([*before, *typical_points])[-2 * _TRAINING :]
        components = len(main.weights)
        main = mixture.fit(
            self._some(self.training), components, self.rng, start=main, least=0.1 / components
        )
        # Points that moved only among themselves, from where the proposal is too thin.
        extra = np.concatenate([points[_POPULATION:] for points in looks])
        return blend.joined(
            main, mixture.fit(extra, components // 2, self.rng, least=0.2 / components), lacking
        )

    def _some(self, points: Array) -> Array:
        return points[self.rng.permutation(len(points))[:_TRAINING]]


def _climb(prior: Population, evaluate: Evaluate, rng: np.random.Generator) -> tuple[Array, Array]:
    """A population and explorers, carried together from the prior to the posterior.

    The population is resampled at every step up, so that it divides as the mass does. The explorers
    are not: each climbs from where the prior put it, and stays on the hill it finds. Returns several
    looks at the population, and the explorers that arrived at a density worth looking at.
    """
    possible = np.flatnonzero(np.isfinite(prior.log_likelihood))
    explorers = prior.take(rng.choice(possible, size=_EXPLORERS))
    population, power = prior, 0.0
    while power < 1.0:
        raised = _next_power(population.log_likelihood, power)
        gain = _gain(population.log_likelihood, raised - power)
        both = joined(population.take(_chosen(gain, _POPULATION, rng)), explorers)
        population, explorers, power = *_moved_apart(both, evaluate, raised, 6, rng), raised
    looks, arrived = [], []
    for _ in range(3):
        population, explorers = _moved_apart(joined(population, explorers), evaluate, 1.0, 5, rng)
        looks.append(population.points)
        height = explorers.log_prior + explorers.log_likelihood
        near = height > np.max(height) - 10 - 2 * explorers.points.shape[1]
        arrived.append(explorers.points[near])
    return np.concatenate(looks), np.concatenate(arrived)


def _moved_apart(
    both: Population, evaluate: Evaluate, power: float, steps: int, rng: np.random.Generator
) -> tuple[Population, Population]:
    """Both groups moved as one, because many points cost little more than few, and told apart again."""
    moved = move(both, evaluate, power, steps, rng)
    return moved.take(np.arange(_POPULATION)), moved.take(np.arange(_POPULATION, len(both)))


@dataclass(frozen=True)
class Blend:
    """Mixtures with shares: the main one, the explorers', then those that fill thin places."""

    parts: tuple[StudentMixture, ...]
    shares: Array

    def draw(self, count: int, rng: np.random.Generator) -> Array:
        """Points (count, d): a scrambled Sobol sequence through each part."""
        from scipy.stats import qmc

        counts = np.diff(np.round(np.cumsum([0.0, *self.shares]) * count).astype(int))
        drawn = []
        for part, number in zip(self.parts, counts, strict=True):
            sobol = qmc.Sobol(part.dimension + 2, rng=rng)
            uniforms = sobol.random_base2(max(int(number) - 1, 1).bit_length())[:number]
            drawn.append(part.draw(np.clip(uniforms, 1e-12, 1 - 1e-12)))
        return np.concatenate(drawn)

    def log_parts(self, points: Array) -> Array:
        """Log share plus log density of each part (part, n)."""
        return np.stack([part.log_density(points) for part in self.parts]) + np.log(self.shares)[:, None]

    @classmethod
    def of(cls, blends: Sequence["Blend"]) -> "Blend":
        """All parts of several blends, each blend with an equal share."""
        shares = np.concatenate([blend.shares for blend in blends]) / len(blends)
        return cls(tuple(part for blend in blends for part in blend.parts), shares)

    def log_density(self, points: Array) -> Array:
        """The log density at points (n, d)."""
        return mixture.log_sum(self.log_parts(points))

    def shared_out(self, points: Array, weights: Array) -> "Blend":
        """The same parts with the shares that fit weighted points best, none below 3 %."""
        some = slice(None, None, max(len(points) // _TRAINING, 1))
        bounded = np.minimum(weights[some], math.sqrt(len(weights)))
        log_parts = self.log_parts(points[some]) - np.log(self.shares)[:, None]
        shares = self.shares
        for _ in range(20):
            posterior = np.log(shares)[:, None] + log_parts
            posterior = np.exp(posterior - mixture.log_sum(posterior))
            shares = np.maximum(posterior @ bounded / bounded.sum(), 0.03)
            shares /= shares.sum()
        return Blend(self.parts, shares)

    def joined(self, main: StudentMixture, extra: StudentMixture, share: float) -> "Blend":
        """With a new main part, and one more part that gets `share`; the oldest filler makes room."""
        kept = [0, 1, *range(max(2, len(self.parts) - _MOST_PARTS + 3), len(self.parts))]
        shares = self.shares[kept] / self.shares[kept].sum() * (1 - share)
        return Blend((main, *[self.parts[i] for i in kept[1:]], extra), np.append(shares, share))


@dataclass(frozen=True, eq=False)
class Anchor:
    """Points that serve many posteriors of the same unknowns, each of which only weighs them anew.

    Attributes
    ----------
    points : array (scramble, n, d)
        Of the proposals of some of those posteriors, and of their priors.
    log_proposal : array (scramble, n)
        The log density that they were drawn from.
    blend : Blend
        The proposals.
    """

    points: Array
    log_proposal: Array
    blend: Blend

    @classmethod
    def of(cls, blend: Blend, priors: Sequence[tuple[Evaluate, DrawPrior]], points: int, seed: int) -> Self:
        """The points of a blend and, in a share of `PRIOR_SHARE`, of some priors in equal parts."""
        each = round(PRIOR_SHARE * points / len(priors))
        drawn = []
        for number in range(SCRAMBLES):
            rng = generator(seed, "anchor", number)
            of_priors = [draw_prior(each, rng) for _, draw_prior in priors]
            drawn.append(np.concatenate([blend.draw(points - each * len(priors), rng), *of_priors]))
        flat = np.concatenate(drawn)
        log_prior = mixture.log_sum(np.stack([evaluated(flat, one).log_prior for one, _ in priors]))
        share = each * len(priors) / points
        log_proposal = np.logaddexp(
            math.log1p(-share) + blend.log_density(flat), math.log(share / len(priors)) + log_prior
        )
        return cls(np.stack(drawn), log_proposal.reshape(SCRAMBLES, points), blend)

    def batches(self, evaluate: Evaluate) -> list[tuple[Population, Array]]:
        """The points of each scramble with their log weights for one posterior."""
        found = []
        for points, log_proposal in zip(self.points, self.log_proposal, strict=True):
            population = evaluated(points, evaluate)
            found.append((population, population.log_weights(log_proposal)))
        return found


def _gain(log_likelihood: Array, step: float) -> Array:
    """The log weights of turning the likelihood up by a step; the impossible stays impossible."""
    return np.where(np.isfinite(log_likelihood), step * log_likelihood, -np.inf)


def _next_power(log_likelihood: Array, power: float) -> float:
    """The largest power, up to 1, that leaves half a population's worth of effective points."""

    def size(raised: float) -> float:
        return effective_size(_gain(log_likelihood, raised - power))

    low, high = power, 1.0
    if size(high) >= _POPULATION / 2:
        return high
    for _ in range(50):
        middle = (low + high) / 2 if low > 1e-9 else high / 4
        low, high = (middle, high) if size(middle) >= _POPULATION / 2 else (low, middle)
        if high - low < 1e-2 * high:
            break
    return high


def _chosen(log_weights: Array, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Indices in random order, each about as often as its weight says."""
    return rng.permutation(_systematic(log_weights, count, rng))


def _weighted(batches: list[tuple[Population, Array]], rounds: int, proposal: Blend) -> Weighted:
    from arviz_stats.base import array_stats

    log_weights = np.stack([weights for _, weights in batches])
    _, pareto_k = array_stats.psislw(-log_weights.ravel())  # it takes minus the log weights
    points = np.stack([population.points for population, _ in batches])
    return Weighted(points, log_weights, float(pareto_k), rounds, proposal)


def _systematic(log_weights: Array, draws: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Indices such that each point is taken within one of its expected number of times."""
    edges = np.cumsum(np.exp(log_weights - special.logsumexp(log_weights)))
    places = (rng.random() + np.arange(draws)) / draws
    return np.minimum(np.searchsorted(edges, places), len(log_weights) - 1)
