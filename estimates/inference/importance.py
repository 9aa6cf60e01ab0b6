"""Adaptive importance sampling on PyMC's own log density.

A proposal is learnt before anything counts (`learning`). The result comes from a final batch, independent of
all this: scrambled Sobol points of the proposal, and a share of draws from the prior, whose density in the
mixture bounds the weights. If its weights are heavy-tailed, or tell a spread badly, it becomes one more
lesson, and another batch is drawn; good ones count together.

    w(z) = prior(z) likelihood(z) / ((1 - a) q(z) + a prior(z)),    evidence = mean of w

What is nearly normal needs few lessons, so a brisk proposal is tried first; it is believed when its weights
are all much alike.

References: Hesterberg (1995), doi:10.1080/00401706.1995.10484303; Vehtari et al. (2024),
jmlr.org/papers/v25/19-556.html.
"""

import math
from dataclasses import dataclass, field, replace

import numpy as np

from estimates.inference import brisk
from estimates.inference.learning import Learner
from estimates.inference.proposal import SCRAMBLES, Anchor, Blend, Target, together, weighted_batch_of
from estimates.inference.weighted import Batch, Weighted
from estimates.inference.weights import CLEAR, Wanted
from estimates.seeds import generator
from estimates.trust import LIMIT_K, LIMIT_MOVED
from estimates.workers import Progress

_ATTEMPTS = 10
_ATTEMPTS_BRISK = 5  # they are cheap beside a thorough start
_FEW, _LEAST_POINTS = 2560, 768  # to learn from, and of a brisk proposal
_TAUGHT_FOR_SPREADS, _DOUBLED = 2, math.sqrt(2)  # batches; beyond an error that twice the points put right
_TWICE = 2.0
"""What the error of a spread is taken times after a thorough start: over repeated batches of a mixture of
three it was so much larger, because a batch that misses a tail knows nothing of it."""

_LACKING, _MOST_MORE = 0.05, 3  # of the points, for which more are drawn of the same proposal; times as many


@dataclass(frozen=True)
class Effort:
    """How many points the final batch has, and what stops the work.

    Attributes
    ----------
    points : int
        In each scramble, at most; where effective ones are lacking, twice.
    effective : int
        The draws wanted; the batches of a brisk proposal are no larger than they take.
    pareto_k, share, error : float
        Enough is a k-hat below the first, a larger share of effective points than the second, and an
        error of the log evidence below the third.
    spread : float
        The standard deviation of each value is to be known to this part of itself. Where it is far from that,
        two batches are lessons; then points are added once, up to three times as many. The proposal does not
        lean to spreads where this is infinite.
    clear : Wanted
        What a brisk start from nothing has to show in its lessons, and as k-hat also at the end.
    """

    points: int
    effective: int
    pareto_k: float
    share: float
    error: float
    spread: float = 1.0
    clear: Wanted = CLEAR

    def with_at_most(self, points: int) -> "Effort":
        """The same with fewer points, of which each is dear: it asks for a good verdict, and no more.

        Half of them are to be effective.
        """
        if points >= self.points:
            return self
        return replace(
            self,
            points=points,
            effective=min(self.effective, SCRAMBLES * points // 2),
            pareto_k=LIMIT_K,
            spread=max(self.spread, 1.0),
            clear=self.clear._replace(pareto_k=LIMIT_K),
        )

    def is_good(self, weighted: Weighted) -> bool:
        """Whether nothing but the number of points can be wanting in these weights."""
        return (
            weighted.pareto_k < self.pareto_k
            and weighted.moved < LIMIT_MOVED
            and weighted.effective_size > self.share * weighted.log_weights.size
        )

    def is_met(self, weighted: Weighted) -> bool:
        """Whether these weights are as good as was asked."""
        return self.is_good(weighted) and weighted.log_evidence_error < self.error

    def lacking(self, weighted: Weighted, excess: float) -> int:
        """How many more points in each scramble effective ones and spreads take; 0 where they are few.

        The error of the worst spread is `excess` times what was asked.
        """
        count = weighted.log_weights.shape[1]
        more = min(self.points, count * (self.effective / weighted.effective_size - 1))
        more = max(more, min(_MOST_MORE * self.points, count * (excess**2 - 1)))
        return math.ceil(more) if more > _LACKING * count else 0


DRAWS = Effort(points=4096, effective=10_600, pareto_k=0.5, share=0.1, error=0.02)
"""For the quantities of a study, which are few and have moderate tails."""

MOMENTS = replace(DRAWS, spread=1 / 40)
"""For the mean and the spread of every unknown."""

EVIDENCE = Effort(points=2048, effective=4_000, pareto_k=LIMIT_K, share=0.0, error=0.03, spread=math.inf)
"""For the evidence alone."""


def sample(
    target: Target,
    *,
    seed: int,
    effort: Effort = DRAWS,
    start: Blend | Anchor | None = None,
    progress: Progress | None = None,
) -> Weighted:
    """Draw from the posterior by adaptive importance sampling.

    Parameters
    ----------
    target : Target
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
    tell(0.02, "a few points first")
    found = _briskly(target, seed, effort, start)
    if found is not None:
        return found
    learner = Learner(target, generator(seed, "adaptation"))
    blend, rounds = learner.from_prior(tell), _Rounds(target, seed, effort, is_brisk=False)
    for attempt in range(_ATTEMPTS):
        tell(0.7 + 0.25 * attempt / _ATTEMPTS, "final points")
        batch = rounds.drawn(blend, effort.points)
        if rounds.are_done:
            break
        if attempt < _ATTEMPTS - 1:
            blend = learner.improved(blend, *batch)
    return rounds.result


def _briskly(target: Target, seed: int, effort: Effort, start: Blend | Anchor | None) -> Weighted | None:
    """A batch of a start, or from what few points teach, if its weights leave no doubt."""
    few, rng = min(effort.points, _FEW), generator(seed, "brisk")
    if start is None:
        pupil = brisk.learnt(target, few, rng, effort.clear)
        effort = replace(effort, pareto_k=min(effort.pareto_k, effort.clear.pareto_k))
    else:
        if isinstance(start, Anchor):
            batches, blend = start.batches(target.evaluate), start.blend
        else:
            batches, blend = _batches(start, target, effort.points, seed, "start"), start
        weighted = Weighted.of(batches, blend, [])
        if effort.is_met(weighted):
            return weighted
        pupil = brisk.learnt_from(*together(batches), target, few, rng)
    if pupil is None:
        return None
    rounds = _Rounds(target, seed, effort, is_brisk=True)
    for attempt in range(_ATTEMPTS_BRISK):
        enough = round(effort.effective / (SCRAMBLES * max(pupil.share, 0.01)))
        batch = rounds.drawn(pupil.proposal, min(effort.points, max(_LEAST_POINTS, enough)))
        if rounds.are_done:
            return rounds.result
        if attempt > 1 and rounds.share <= effort.share:
            return None
        pupil = pupil.taught(*batch, generator(seed, "brisk", "again", attempt))
    return None


@dataclass
class _Rounds:
    """Batches of one proposal after another, each a lesson for the next, until they say what was asked.

    Good batches in a row count together. The last alone would be believed for what it misses: a batch without
    a single point far out in a long tail looks as if it knew the spread. What took a thorough start has such
    tails; there the error of a spread is taken twice, and not before the first lesson.

    Attributes
    ----------
    good : list of batch
        For each scramble, the points of the latest batches that were good without a break, as long as
        they know more together than the last alone.
    earlier : list of Weighted
        Every batch by itself.
    result : Weighted
        The good batches together, or the last one if it is not good.
    share : float
        How much of the last batch was effective.
    """

    target: Target
    seed: int
    effort: Effort
    is_brisk: bool
    good: list[Batch] = field(default_factory=list)
    earlier: list[Weighted] = field(default_factory=list)
    result: Weighted = field(init=False)
    share: float = 0.0
    are_done: bool = False

    def drawn(self, blend: Blend, points: int) -> Batch:
        """One more batch, of so many points in each scramble, and more where few more will do."""
        number = len(self.earlier)
        batches = self._batches(blend, points, "final", number)
        alone = self.result = self._of(batches, blend)
        self.share = alone.effective_size / alone.log_weights.size
        if not self.effort.is_good(alone):
            self.good = []
        else:
            if self.good:
                self._take(batches, alone)
            is_better = (
                self.effort.is_good(self.result) and self.result.effective_size >= alone.effective_size
            )
            if not self.good or not is_better:
                self.good, self.result = batches, alone
            excess = self.result.spread_error / self.effort.spread * (1.0 if self.is_brisk else _TWICE)
            is_taught = self.is_brisk or number > 0 or not excess
            is_known = (is_taught and excess <= _DOUBLED) or number >= _TAUGHT_FOR_SPREADS
            if is_known and (more := self.effort.lacking(self.result, excess)):
                self._take(self._batches(blend, more, "more", number), alone)
            self.are_done = is_known and self.effort.is_met(self.result)
        self.earlier.append(alone.without_points())
        return together(batches)

    def _take(self, batches: list[Batch], alone: Weighted) -> None:
        """Count these batches together with those that are good."""
        self.good = [together(both) for both in zip(self.good, batches, strict=True)]
        found = self._of(self.good, alone.proposal)
        self.result = replace(found, moved=max(found.moved, alone.moved))

    def _of(self, batches: list[Batch], blend: Blend) -> Weighted:
        values_of = self.target.values_of if self.effort.spread < 1 else None
        return Weighted.of(batches, blend, self.earlier, values_of)

    def _batches(self, blend: Blend, points: int, *stream: str | int) -> list[Batch]:
        return _batches(blend, self.target, points, self.seed, *["brisk"] * self.is_brisk, *stream)


def _batches(blend: Blend, target: Target, points: int, seed: int, *stream: str | int) -> list[Batch]:
    """A batch for each scramble."""
    rngs = [generator(seed, *stream, number) for number in range(SCRAMBLES)]
    population, log_weights = weighted_batch_of(blend, target.evaluate, target.draw_prior, points, *rngs)
    scrambles = np.arange(len(population)).reshape(SCRAMBLES, points)
    return [(population.take(mine), log_weights[mine]) for mine in scrambles]
