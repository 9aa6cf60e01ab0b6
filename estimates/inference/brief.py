"""A fit in brief: the draws that a row of a sweep is made of, without all else that may be asked of a fit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from estimates import trust
from estimates.errors import ContradictionError
from estimates.estimate import Measured
from estimates.inference import importance
from estimates.inference.fit import MOST_UNKNOWNS, draw_prior, drawn, sample_importance
from estimates.inference.moves import Evaluate
from estimates.inference.proposal import SCRAMBLES, Anchor, Blend, DrawPrior, Part, Scored
from estimates.inference.shapes import Compiled
from estimates.inference.template import Draws, Templates
from estimates.inference.weighted import Weighted
from estimates.lately import Lately
from estimates.seeds import generator
from estimates.shelf import ModelFile
from estimates.study import Study
from estimates.trust import Trust

EFFORT = importance.Effort(
    points=4096, effective=2_500, pareto_k=trust.LIMIT_K, share=0.02, error=trust.LIMIT_EVIDENCE_ERROR
)
"""Enough for a verdict of "good"."""

ANCHOR_POINTS = 6144
"""Points in each scramble that all readings of a group weigh."""

_LIKE, _COMPONENTS = 384, 8
"""Points of each scramble that show what a posterior is like, and components that follow them."""

DRAWS = 512
"""Equally weighted draws of each scramble."""

IMPOSSIBLE = "impossible"
"""The verdict on reports that no draw of the prior could have given."""

_MOST_KEPT = 4


@dataclass(frozen=True)
class Brief:
    """The draws of carriers and assumptions under one reading, and how far to trust them.

    Attributes
    ----------
    days : array (day,)
        Those on which carriers are kept: of reports, of claims, and asked for.
    draws : mapping of name to array (n, ...)
        Carriers (n, day) and every assumption of the model; empty where the verdict is "impossible".
    """

    days: NDArray[np.datetime64]
    draws: Draws
    log_evidence: Measured | None
    trust: Trust


class _Fitted(NamedTuple):
    """What readings with the same posterior share: all that comes before the draws of what is not fitted."""

    draws: Draws
    log_evidence: Measured | None
    trust: Trust


class Briefs:
    """Fits in brief, one after another, of any models and studies.

    Readings that differ in what does not bear on the fit, as in the assumptions of a load, have the same
    posterior. It is computed once where they follow one another.
    """

    def __init__(self) -> None:
        self._templates = Templates()
        self._lately: Lately[_Fitted] = Lately(_MOST_KEPT)

    def fit(self, file: ModelFile, study: Study, seed: int, start: Anchor | None = None) -> Brief | None:
        """The draws under one reading; None where the model has too many unknowns for importance sampling.

        Parameters
        ----------
        start : Anchor, optional
            Points for readings much like this one; where they do not do, all is learnt anew.
        """
        study = study.on_named_days()
        template = self._templates.ready(file, study)
        days = np.array(study.days, dtype="datetime64[D]")
        count = SCRAMBLES * DRAWS
        compiled = template.fitted
        if compiled is None:
            found = _Fitted({}, None, trust.of_forward(count))
        elif compiled.density.dimension > MOST_UNKNOWNS:
            return None
        else:
            key = template.posterior, seed, start
            found = self._lately.get(key, lambda: _fitted(compiled, seed, start))
        if found.trust.verdict == IMPOSSIBLE:
            return Brief(days, *found)
        after = template.forward.run(found.draws, count, generator(seed, "posterior"))
        return Brief(days, *found._replace(draws=found.draws | after))

    def have_one_posterior(self, file: ModelFile, first: Study, second: Study) -> bool:
        """Whether two studies differ in nothing that bears on the fit of a model."""
        one, other = (
            self._templates.ready(file, study.on_named_days()).posterior for study in (first, second)
        )
        return one == other

    def likeness(self, file: ModelFile, study: Study, seed: int, start: Anchor | None = None) -> Part | None:
        """What follows the posterior under one reading, for others like it; None where there is none."""
        fitted = self._templates.ready(file, study.on_named_days()).fitted
        if fitted is None or fitted.density.dimension > MOST_UNKNOWNS:
            return None
        try:
            weighted = _weighted(fitted, seed, start)
        except ContradictionError:
            return None
        rng = generator(seed, "likeness")
        points = weighted.population.points[weighted.resample(_LIKE, rng).ravel()]
        return Scored.of(points, _COMPONENTS, draw_prior(fitted, len(points), rng), rng)

    def anchored(self, file: ModelFile, scouts: Sequence[tuple[Study, Part]], seed: int) -> Anchor:
        """Points for all readings like some that were fitted: like theirs, and of their priors."""
        priors = [self._prior_of(file, study.on_named_days()) for study, _ in scouts]
        return Anchor.of(Blend.of([part for _, part in scouts]), priors, ANCHOR_POINTS, seed)

    def _prior_of(self, file: ModelFile, study: Study) -> tuple[Evaluate, DrawPrior]:
        """The density and the prior of a study, whose numbers are put in whenever they are asked."""

        def ready() -> Compiled:
            fitted = self._templates.ready(file, study).fitted
            if fitted is None:
                raise AssertionError("a likeness is of something fitted")
            return fitted

        def evaluate(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            return ready().density.evaluate(points)

        def draw(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
            return draw_prior(ready(), count, rng)

        return evaluate, draw


def _fitted(compiled: Compiled, seed: int, start: Anchor | None) -> _Fitted:
    try:
        weighted = _weighted(compiled, seed, start)
    except ContradictionError as error:
        return _Fitted({}, None, Trust(IMPOSSIBLE, None, 0.0, None, (error.what,)))
    evidence = Measured(weighted.log_evidence, weighted.log_evidence_error)
    draws, _ = drawn(compiled.density, weighted, DRAWS, seed)
    flat = {name: value.reshape(-1, *value.shape[2:]) for name, value in draws.items()}
    return _Fitted(flat, evidence, weighted.trust)


def _weighted(compiled: Compiled, seed: int, start: Anchor | None) -> Weighted:
    weighted = sample_importance(compiled, seed, effort=EFFORT, start=start)
    return weighted if EFFORT.is_met(weighted) else sample_importance(compiled, seed)
