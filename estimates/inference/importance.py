"""Adaptive importance sampling on PyMC's own log density.

The proposal is learnt in rounds. It starts from draws of the prior, on which the likelihood is raised
to a power small enough to leave many of them in play; a mixture of Student-t distributions is fitted
to the weighted draws; new draws from it allow a larger power, until it is 1. Modes the prior can
reach are thereby seen before the search narrows. More rounds at power 1 sharpen the mixture while
that helps. The result comes from a final batch, independent of all adaptation: scrambled Sobol points
of the mixture, and a share of draws from the prior, whose density in the mixture bounds the weights.

    w(z) = prior(z) likelihood(z) / ((1 - a) q(z) + a prior(z)),    evidence = mean of w

References: Cappe et al. (2008), doi:10.1007/s11222-008-9059-x; Hesterberg (1995),
doi:10.1080/00401706.1995.10484303; Vehtari et al. (2024), jmlr.org/papers/v25/19-556.html.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from estimates.errors import EngineError
from estimates.inference import mixture
from estimates.inference.mixture import StudentMixture
from estimates.inference.seeds import generator

type Array = NDArray[np.float64]
type Evaluate = Callable[[Array], tuple[Array, Array]]
type DrawPrior = Callable[[int, np.random.Generator], Array]
type Progress = Callable[[float, str], None]

SCRAMBLES = 8
POINTS = 4096
"""The final batch: so many independent scrambles of so many points each."""

PRIOR_SHARE = 0.1
_FIRST_POINTS = 16_384
_ROUND_POINTS = 8_192
_MOST_ROUNDS = 40
_MOST_COMPONENTS = 24


@dataclass(frozen=True)
class Weighted:
    """Weighted points of the fitted unknowns.

    Attributes
    ----------
    points : array (scramble, point, dimension)
        On the unconstrained space.
    log_weights : array (scramble, point)
    log_likelihood : array (scramble, point)
    pareto_k : float
        Shape of the tail of the weights; below 0.7 the averages can be trusted.
    rounds : int
        How many rounds of adaptation were made.
    """

    points: Array
    log_weights: Array
    log_likelihood: Array
    pareto_k: float
    rounds: int

    @property
    def effective_size(self) -> float:
        """Kish's effective sample size, (sum w)^2 / sum w^2."""
        return effective_size(self.log_weights.ravel())

    @property
    def log_evidence(self) -> float:
        """The log of the mean weight."""
        return float(special.logsumexp(self.log_weights) - math.log(self.log_weights.size))

    @property
    def log_evidence_error(self) -> float:
        """The Monte Carlo standard error of the log evidence.

        The larger of two: the spread of the independent scrambles, which knows how even Sobol points
        are but is itself rough with few scrambles, and the spread of the weights, which does not.
        """
        count, size = self.log_weights.shape
        means = np.exp(special.logsumexp(self.log_weights, axis=1) - math.log(size) - self.log_evidence)
        between = float(np.std(means, ddof=1)) / math.sqrt(count)
        within = math.sqrt(max(1 / self.effective_size - 1 / self.log_weights.size, 0.0))
        return max(between, within)

    def resample(self, draws: int, rng: np.random.Generator) -> Array:
        """Equally weighted points (scramble, draws, dimension), by systematic resampling in each."""
        chosen = [
            points[rng.permutation(_systematic(log_weights, draws, rng))]
            for points, log_weights in zip(self.points, self.log_weights, strict=True)
        ]
        return np.stack(chosen)


def effective_size(log_weights: Array) -> float:
    """Kish's effective sample size of log weights (n,)."""
    total = special.logsumexp(log_weights)
    if not np.isfinite(total):
        return 0.0
    return float(np.exp(2 * total - special.logsumexp(2 * log_weights)))


def sample(
    evaluate: Evaluate, draw_prior: DrawPrior, dimension: int, *, seed: int, progress: Progress | None = None
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

    Raises
    ------
    EngineError
        When no draw of the prior has a likelihood above 0: the reports contradict the assumptions.
    """
    tell = progress or (lambda share, words: None)
    proposal, rounds = _adapt(evaluate, draw_prior, dimension, seed, tell)
    tell(0.9, "final points")
    return _final(evaluate, draw_prior, proposal, seed, rounds)


def _adapt(
    evaluate: Evaluate, draw_prior: DrawPrior, dimension: int, seed: int, tell: Progress
) -> tuple[StudentMixture, int]:
    """The proposal, and the number of rounds it took."""
    rng = generator(seed, "adaptation")
    points = draw_prior(_FIRST_POINTS, rng)
    log_prior, log_likelihood = evaluate(points)
    log_likelihood = _sane(log_likelihood)
    if not np.any(np.isfinite(log_likelihood)):
        raise EngineError(
            "no draw from the prior could have given the reports",
            remedy="The assumptions contradict the reports: widen the priors, or check dates and units.",
        )
    base = np.zeros(len(points))  # log prior minus log proposal
    power, best, stalled = 0.0, 0.0, 0
    proposal = None
    for number in range(_MOST_ROUNDS):
        was, power = power, _next_power(base, log_likelihood, power, dimension)
        log_weights = base + _tempered(log_likelihood, power)
        share = effective_size(log_weights) / len(points)
        tell(min(0.85, 0.1 + 0.5 * power + 0.03 * number), f"round {number + 1}")
        if was == 1.0:
            stalled = stalled + 1 if share < 1.05 * best else 0
            if stalled >= 2 or share > 0.8:
                break
        best = max(best, share if power == 1.0 else 0.0)
        proposal = mixture.fit(points, _clipped(log_weights), _components(dimension), rng)
        points, log_proposal, log_prior, log_likelihood = _batch(
            evaluate, draw_prior, proposal, _ROUND_POINTS, generator(seed, "round", number)
        )
        base = log_prior - log_proposal
    assert proposal is not None
    return proposal, number + 1


def _components(dimension: int) -> int:
    return min(_MOST_COMPONENTS, 8 + 3 * dimension)


def _next_power(base: Array, log_likelihood: Array, power: float, dimension: int) -> float:
    """The largest power of the likelihood that leaves enough effective points to fit a mixture to."""
    enough = max(200.0, 30.0 * dimension)

    def size(candidate: float) -> float:
        return effective_size(base + _tempered(log_likelihood, candidate))

    if size(1.0) >= enough:
        return 1.0
    low, high = power, 1.0
    for _ in range(40):
        middle = math.sqrt(low * high) if low > 0 else high / 8
        low, high = (middle, high) if size(middle) >= enough else (low, middle)
        if low > 0 and high / low < 1.02:
            break
    return max(low, power, 1e-12)


def _tempered(log_likelihood: Array, power: float) -> Array:
    """The log likelihood to a power; impossible points stay impossible at every power above 0."""
    return np.asarray(power * log_likelihood if power > 0 else np.zeros_like(log_likelihood))


def _clipped(log_weights: Array) -> Array:
    """Normalised weights, none above the square root of their number times their mean."""
    weights = np.exp(log_weights - special.logsumexp(log_weights))
    weights = np.minimum(weights, 1 / math.sqrt(len(weights)))
    return np.asarray(weights / weights.sum())


def _batch(
    evaluate: Evaluate, draw_prior: DrawPrior, proposal: StudentMixture, size: int, rng: np.random.Generator
) -> tuple[Array, Array, Array, Array]:
    """Points from the defended proposal, its log density there, log prior and log likelihood."""
    from scipy.stats import qmc

    from_prior = round(PRIOR_SHARE * size)
    sobol = qmc.Sobol(proposal.dimension + 2, rng=rng)
    uniforms = sobol.random_base2((size - 1).bit_length())[: size - from_prior]
    uniforms = np.clip(uniforms, 1e-12, 1 - 1e-12)
    points = np.concatenate([proposal.draw(uniforms), draw_prior(from_prior, rng)])
    log_prior, log_likelihood = evaluate(points)
    log_prior, log_likelihood = _sane(log_prior), _sane(log_likelihood)
    share = from_prior / size
    log_proposal = np.logaddexp(math.log1p(-share) + proposal.log_density(points), math.log(share) + log_prior)
    return points, log_proposal, log_prior, log_likelihood


def _sane(log_density: Array) -> Array:
    """Points where the density is not a number are outside its support."""
    return np.where(np.isnan(log_density), -np.inf, log_density)


def _final(
    evaluate: Evaluate, draw_prior: DrawPrior, proposal: StudentMixture, seed: int, rounds: int
) -> Weighted:
    from arviz_stats.base import array_stats

    batches = [
        _batch(evaluate, draw_prior, proposal, POINTS, generator(seed, "final", number)) for number in range(SCRAMBLES)
    ]
    points = np.stack([batch[0] for batch in batches])
    log_weights = np.stack([prior + likelihood - log_q for _, log_q, prior, likelihood in batches])
    log_likelihood = np.stack([batch[3] for batch in batches])
    _, pareto_k = array_stats.psislw(-log_weights.ravel())  # it takes minus the log weights
    return Weighted(points, log_weights, log_likelihood, float(pareto_k), rounds)


def _systematic(log_weights: Array, draws: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Indices such that each point is taken within one of its expected number of times."""
    edges = np.cumsum(np.exp(log_weights - special.logsumexp(log_weights)))
    places = (rng.random() + np.arange(draws)) / draws
    return np.minimum(np.searchsorted(edges, places), len(log_weights) - 1)
