"""What importance samples are drawn from: blends of mixtures, and points that many posteriors share."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray
from scipy import special

from estimates.inference import mixture
from estimates.inference.mixture import StudentMixture
from estimates.inference.moves import Evaluate, Population, evaluated, joined
from estimates.inference.scores import Scores
from estimates.inference.sobol import sobol
from estimates.inference.transport import Transport
from estimates.inference.weights import for_spreads
from estimates.seeds import generator
from estimates.workers import in_threads

type Array = NDArray[np.float64]
type DrawPrior = Callable[[int, np.random.Generator], Array]
"""(n, generator) -> points (n, d)."""


SCRAMBLES = 8
"""How many independent scrambles a final batch is made of."""

PRIOR_SHARE = 0.1
"""How much of every batch is drawn from the prior."""

_THIN = 2.0  # weights above so many times their mean mark places that a proposal covers too thinly
_MOST_PARTS = 6
_ENOUGH = 8_192  # points, for the shares of a few parts
_TOGETHER = 4  # generators


@dataclass(frozen=True)
class Target:
    """What is to be drawn from, and what for.

    Attributes
    ----------
    evaluate : callable
        Points (n, d) -> log prior (n,), log likelihood (n,).
    draw_prior : callable
        (n, generator) -> points (n, d).
    values_of : callable
        Points (n, d) -> values (n, m) whose spreads will be asked for; None where the evidence alone is.
    """

    evaluate: Evaluate
    draw_prior: DrawPrior
    values_of: Callable[[Array], Array] | None = None

    def coverage(self, points: Array, log_weights: Array) -> tuple[Array, Array, float]:
        """What points (n, d) and their log weights (n,) tell of a proposal that is to serve this.

        Returns
        -------
        weights : array (n,)
            With a mean of 1.
        log_thin : array (n,)
            Log weights of the points where it is too thin.
        lacking : float
            The share of the draws that a part which fills these places should have.
        """
        leaning = log_weights if self.values_of is None else for_spreads(log_weights, self.values_of(points))
        weights = special.softmax(leaning) * len(log_weights)
        thin = np.maximum(weights - _THIN, 0.0)
        return weights, np.log(np.maximum(thin, 1e-300)), float(np.clip(thin.sum() / len(thin), 0.05, 0.5))


class Part(Protocol):
    """What points can be drawn from, and whose density is known."""

    @property
    def dimension(self) -> int:
        """The number of coordinates d."""
        ...

    def draw(self, uniforms: Array) -> Array:
        """Points (n, d) from uniforms (n, d + 2)."""
        ...

    def log_density(self, points: Array) -> Array:
        """The log density at points (n, d)."""
        ...


@dataclass(frozen=True)
class Bent:
    """A mixture of Student-t distributions in coordinates where what taught it is nearly round."""

    mixture: StudentMixture
    transport: Transport

    @classmethod
    def of(
        cls,
        points: Array,
        components: int,
        rng: np.random.Generator,
        *,
        transport: Transport | None = None,
        steps: int | None = None,
    ) -> Self:
        """What follows equally weighted points (n, d), in coordinates learnt from them or from others."""
        transport = transport or Transport.of(points)
        straight, _ = transport.straighten(points)
        least = 0.1 / components
        return cls(mixture.fit(straight, components, rng, least=least, steps=steps), transport)

    @property
    def dimension(self) -> int:
        """The number of coordinates d."""
        return self.mixture.dimension

    def draw(self, uniforms: Array) -> Array:
        """Points (n, d) from uniforms (n, d + 2)."""
        return self.transport.bend(self.mixture.draw(uniforms))[0]

    def log_density(self, points: Array) -> Array:
        """The log density at points (n, d)."""
        return self.log_density_of(*self.transport.straighten(points))

    def log_density_of(self, straight: Array, log_jacobian: Array) -> Array:
        """The same at points that are straightened already."""
        return self.mixture.log_density(straight) + log_jacobian


@dataclass(frozen=True)
class Blend:
    """Parts with shares: the main one, the explorers', then those that fill thin places."""

    parts: tuple[Part, ...]
    shares: Array

    def draw(self, count: int, *rngs: np.random.Generator) -> Array:
        """Points (generator, count, d): for each generator a scrambled Sobol sequence through each part."""
        counts = np.diff(np.round(np.cumsum([0.0, *self.shares]) * count).astype(int))
        drawn = []
        for part, number in zip(self.parts, map(int, counts), strict=True):
            size = part.dimension + 2, max(number - 1, 1).bit_length()
            uniforms = np.concatenate([sobol(*size, rng)[:number] for rng in rngs])
            points = part.draw(np.clip(uniforms, 1e-12, 1 - 1e-12))
            drawn.append(points.reshape(len(rngs), number, part.dimension))
        return np.concatenate(drawn, axis=1)

    def log_parts(self, points: Array) -> Array:
        """Log share plus log density of each part (part, n)."""
        straightened: dict[int, tuple[Array, Array]] = {}  # some parts have their coordinates in common
        log_parts = []
        for part in self.parts:
            if isinstance(part, Bent):
                key = id(part.transport)
                straightened[key] = straightened.get(key) or part.transport.straighten(points)
                log_parts.append(part.log_density_of(*straightened[key]))
            else:
                log_parts.append(part.log_density(points))
        return np.stack(log_parts) + np.log(self.shares)[:, None]

    @classmethod
    def of(cls, parts: Sequence[Part]) -> Self:
        """Parts with equal shares."""
        return cls(tuple(parts), np.full(len(parts), 1 / len(parts)))

    def log_density(self, points: Array) -> Array:
        """The log density at points (n, d)."""
        return mixture.log_sum(self.log_parts(points))

    def shared_out(self, points: Array, weights: Array) -> "Blend":
        """The same parts with the shares that fit weighted points best, none below 3 %."""
        some = slice(None, None, max(len(points) // _ENOUGH, 1))
        bounded = np.minimum(weights[some], math.sqrt(len(weights)))
        log_parts = self.log_parts(points[some]) - np.log(self.shares)[:, None]
        shares = self.shares
        for _ in range(20):
            posterior = np.log(shares)[:, None] + log_parts
            posterior = np.exp(posterior - mixture.log_sum(posterior))
            shares = np.maximum(posterior @ bounded / bounded.sum(), 0.03)
            shares /= shares.sum()
        return Blend(self.parts, shares)

    def joined(self, main: Part, extra: Part, share: float) -> "Blend":
        """With a new main part, and one more part that gets `share`; the oldest filler makes room."""
        second = min(1, len(self.parts) - 1)  # a part that is alone makes way by half
        kept = [0, second, *range(max(2, len(self.parts) - _MOST_PARTS + 3), len(self.parts))]
        shares = self.shares[kept] / self.shares[kept].sum() * (1 - share)
        return Blend((main, *[self.parts[i] for i in kept[1:]], extra), np.append(shares, share))


@dataclass(frozen=True)
class Scored:
    """A blend in the normal scores of the prior, as one part in the points' own coordinates."""

    blend: Blend
    scores: Scores

    @classmethod
    def of(cls, points: Array, components: int, of_prior: Array, rng: np.random.Generator) -> Self:
        """What follows equally weighted points (n, d), in the scores that draws (m, d) of the prior show."""
        scores = Scores.of(of_prior)
        return cls(Blend.of([Bent.of(scores.score(points)[0], components, rng)]), scores)

    @property
    def dimension(self) -> int:
        """The number of coordinates d."""
        return self.blend.parts[0].dimension

    def draw(self, uniforms: Array) -> Array:
        """Points (n, d) from uniforms (n, d + 2), of which the first chooses the part as well."""
        edges = np.cumsum([0.0, *self.blend.shares])
        which = np.searchsorted(edges[1:-1], uniforms[:, 0], side="right")
        drawn = np.empty((len(uniforms), self.dimension))
        for number, part in enumerate(self.blend.parts):
            mine = which == number
            own = uniforms[mine]
            own[:, 0] = np.clip((own[:, 0] - edges[number]) / self.blend.shares[number], 1e-12, 1 - 1e-12)
            drawn[mine] = part.draw(own)
        return self.scores.unscore(drawn)[0]

    def log_density(self, points: Array) -> Array:
        """The log density at points (n, d)."""
        scores, log_jacobian = self.scores.score(points)
        return self.blend.log_density(scores) + log_jacobian


def batch_of(
    blend: Blend, evaluate: Evaluate, draw_prior: DrawPrior, size: int, *rngs: np.random.Generator
) -> tuple[Population, Array]:
    """Points of a blend and, in a share of `PRIOR_SHARE`, of the prior; the log density of both together.

    Of each generator `size` points, one after the other. Those of some generators are made together, because
    many points cost little more than few, and in threads beside those of the others.
    """
    from_prior = round(PRIOR_SHARE * size)
    groups = list(batched(rngs, _TOGETHER, strict=False))
    of_blend = in_threads(lambda some: blend.draw(size - from_prior, *some), groups)
    of_prior = [[draw_prior(from_prior, rng) for rng in some] for some in groups]
    parts = [
        np.concatenate([part for both in zip(*drawn, strict=True) for part in both])
        for drawn in zip(of_blend, of_prior, strict=True)
    ]
    population = evaluated(np.concatenate(parts), evaluate)
    share = from_prior / size
    with np.errstate(invalid="ignore"):  # draws of the prior that lie outside its support
        log_density = np.concatenate(in_threads(blend.log_density, parts))
        log_proposal = np.logaddexp(math.log1p(-share) + log_density, math.log(share) + population.log_prior)
    return population, log_proposal


def weighted_batch_of(
    blend: Blend, evaluate: Evaluate, draw_prior: DrawPrior, size: int, *rngs: np.random.Generator
) -> tuple[Population, Array]:
    """What `batch_of` draws, and its log weights (n,) for the posterior."""
    population, log_proposal = batch_of(blend, evaluate, draw_prior, size, *rngs)
    return population, population.log_weights(log_proposal)


def together(batches: Sequence[tuple[Population, Array]]) -> tuple[Population, Array]:
    """All batches as one, with their log weights."""
    populations, log_weights = zip(*batches, strict=True)
    return joined(*populations), np.concatenate(log_weights)


@dataclass(frozen=True, eq=False)
class Anchor:
    """Points that serve many posteriors of the same unknowns, each of which only weighs them anew.

    Attributes
    ----------
    points : array (scramble, n, d)
        Like those of some of those posteriors, and of their priors.
    log_proposal : array (scramble, n)
        The log density that they were drawn from.
    blend : Blend
        A part for each of those posteriors.
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
            drawn.append(np.concatenate([*blend.draw(points - each * len(priors), rng), *of_priors]))
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
