"""Choosing an engine, and running it."""

import math
import sys
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import version
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import xarray as xr
from numpy.typing import NDArray

from estimates import trust
from estimates.errors import ContradictionError, EngineError, choices
from estimates.estimate import Measured
from estimates.inference import importance, nuts
from estimates.inference.density import Density, fitted_unknowns, side_by_side
from estimates.inference.forward import Draws
from estimates.inference.groups import PRIOR_DRAWS, LogDensity, Parts, Posterior, fewer, tree_of
from estimates.inference.proposal import Anchor, Blend, Target
from estimates.inference.shapes import Compiled, CompiledShapes
from estimates.inference.weighted import Weighted
from estimates.seeds import generator
from estimates.trust import Trust
from estimates.workers import Progress

ENGINES = ("auto", "importance", "nuts")
MOST_UNKNOWNS = 12
"""Beyond so many fitted unknowns, ``auto`` does not try importance sampling."""

MOST_FOR_EVIDENCE = 16
"""Beyond so many, it is not tried for the evidence either, which NUTS cannot give."""

DRAWS = 1024
"""Equally weighted draws of each scramble that an importance sample is reduced to."""

_MOST_OUTSIDE = 0.01  # of the prior's draws; a rounding error at a bound is no matter

LATELY = CompiledShapes()
"""What was compiled lately, for fits and evidences alike."""


@dataclass(frozen=True)
class Evidence:
    """How probable the reports were beforehand, and how far to trust that number.

    Attributes
    ----------
    log_evidence : Measured or None
        None where importance sampling cannot serve; `trust` or `reason` then says why.
    proposal : Blend or None
        A start for the next posterior of the same unknowns.
    """

    log_evidence: Measured | None
    reason: str
    trust: Trust | None = None
    proposal: Blend | None = None


def evidence_of(fitted: Compiled | None, seed: int, start: Blend | None = None) -> Evidence:
    """The log evidence of a compiled model, without the draws that follow from its posterior.

    Parameters
    ----------
    fitted : Compiled or None
        None where nothing is fitted.
    start : Blend, optional
        The proposal of a like posterior; one of another number of unknowns is not used.
    """
    if fitted is None:
        return Evidence(None, "nothing observed depends on an unknown")
    dimension = fitted.density.dimension
    if dimension > MOST_FOR_EVIDENCE:
        return Evidence(None, _too_many(dimension))
    if start is not None and start.parts[0].dimension != dimension:
        start = None
    try:
        weighted = sample_importance(fitted, seed, effort=importance.EVIDENCE, start=start)
    except ContradictionError as error:
        return Evidence(None, error.what)
    found = Measured(weighted.log_evidence, weighted.log_evidence_error)
    return Evidence(found, "importance sampling", weighted.trust, weighted.proposal)


def fit_model(
    model: pm.Model,
    engine: str,
    seed: int,
    progress: Progress | None = None,
    *,
    effort: importance.Effort = importance.DRAWS,
    predictive: bool = True,
) -> tuple[Posterior, xr.DataTree]:
    """Fit any PyMC model: the posterior, and the groups of draws that follow from it.

    Raises
    ------
    EngineError
        For an unknown engine, or a model that the engine asked for cannot serve.
    """
    if engine not in ENGINES:
        raise EngineError(f"unknown engine {engine!r}", remedy=choices(engine, ENGINES))
    unknowns = fitted_unknowns(model)
    # Where each node of a graph was made is of no use to anybody here, and takes time to record.
    with pytensor.config.change_flags(traceback__limit=0):
        forward = LATELY.forward(model, unknowns, _following(model, unknowns))
        parts = Parts(model, LATELY.compiled(model) if unknowns else None, forward)
    posterior = _posterior(parts, engine, seed, effort, progress or (lambda share, words: None))
    return posterior, tree_of(parts, posterior, seed, predictive)


def versions() -> dict[str, str]:
    """The versions that a result depends on."""
    names = ("estimates", "pymc", "pytensor", "arviz", "nutpie", "numpy", "scipy")
    return {"python": sys.version.split()[0], **{name: version(name) for name in names}}


def _following(model: pm.Model, unknowns: list[Any]) -> list[Any]:
    free = [variable for variable in model.free_RVs if variable not in unknowns]
    return [*free, *model.deterministics, *model.observed_RVs]


def _posterior(
    parts: Parts, engine: str, seed: int, effort: importance.Effort, progress: Progress
) -> Posterior:
    fitted = parts.fitted
    if fitted is None:
        if engine == "nuts":
            raise EngineError("nothing is fitted in this model", remedy="Leave the engine to auto.")
        reason = "nothing observed depends on an unknown: draws of the prior"
        return Posterior("forward", reason, {}, None, trust.of_forward(PRIOR_DRAWS))
    if engine == "nuts":
        return _by_nuts(parts.model, fitted, seed, "asked for", progress)
    if engine == "importance":
        return _by_importance(fitted, seed, "asked for", effort, progress)
    if fitted.density.dimension > MOST_UNKNOWNS:
        return _by_nuts(parts.model, fitted, seed, _too_many(fitted.density.dimension), progress)
    try:
        tried = _by_importance(fitted, seed, "", effort, progress)
    except ContradictionError:
        raise
    except EngineError as error:
        reason = f"importance sampling could not start ({error.what})"
        try:
            return _by_nuts(parts.model, fitted, seed, reason, progress)
        except EngineError:
            raise error from None  # the first engine's words say more of what is wrong with the study
    found = f"k-hat {_shown(tried.trust.pareto_k)}, {tried.trust.ess:,.0f} effective draws"
    if tried.trust.verdict == trust.GOOD:
        return replace(tried, reason=f"importance sampling is good here ({found})")
    reason = f"importance sampling was not good here ({found})"
    return _by_nuts(parts.model, fitted, seed, reason, progress)


def _shown(pareto_k: float | None) -> str:
    return "infinite" if pareto_k is None else f"{pareto_k:.2f}"


def _too_many(dimension: int) -> str:
    return f"{dimension} fitted unknowns; importance sampling is for {MOST_UNKNOWNS} at most"


def sample_importance(
    fitted: Compiled,
    seed: int,
    *,
    effort: importance.Effort = importance.DRAWS,
    start: Blend | Anchor | None = None,
    progress: Progress | None = None,
) -> Weighted:
    """Weighted points of the posterior of a compiled model.

    Raises
    ------
    EngineError
        When the prior cannot be drawn, or no draw of it could have given the reports.
    """
    density = fitted.density
    points = fewer(effort.points, density.width, least=effort.points // 4)
    return importance.sample(
        Target(
            density.evaluate,
            partial(draw_prior, fitted),
            density.values if math.isfinite(effort.spread) else None,
        ),
        seed=seed,
        effort=effort.with_at_most(points),
        start=start,
        progress=progress,
    )


def draw_prior(fitted: Compiled, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draws (count, dimension) of the prior, on the unconstrained space."""
    try:
        points = fitted.density.unconstrain(fitted.prior.run({}, count, rng))
    except NotImplementedError as error:
        remedy = "Importance sampling needs proper priors; use nuts."
        raise EngineError(f"the prior cannot be drawn: {error}", remedy=remedy) from error
    outside = float(np.mean(np.isnan(points).any(axis=1))) if count else 0.0
    if outside > _MOST_OUTSIDE:  # `ordered` tells of which it is not so
        raise EngineError(
            f"{outside:.0%} of the prior's draws lie outside its own support, as of an ordered vector whose "
            "values differ in their prior or whose transform turns their order round",
            remedy="Importance sampling needs a prior that can be drawn; use nuts.",
        )
    return points


def _by_importance(
    fitted: Compiled, seed: int, reason: str, effort: importance.Effort, progress: Progress
) -> Posterior:
    weighted = sample_importance(fitted, seed, effort=effort, progress=progress)
    draws = fewer(DRAWS, fitted.density.width, least=DRAWS // 8)
    evidence = Measured(weighted.log_evidence, weighted.log_evidence_error)
    found, log_density = drawn(fitted.density, weighted, draws, seed)
    return Posterior(
        "importance", reason, found, evidence, weighted.trust, weighted.proposal, log_density=log_density
    )


def drawn(density: Density, weighted: Weighted, draws: int, seed: int) -> tuple[Draws, LogDensity]:
    """Equally weighted draws (scramble, draws, ...) of each fitted unknown, in the user's own space.

    With the log prior and the log likelihood (scramble * draws,) of each.
    """
    population = weighted.population
    values = density.constrain(population.points)
    taken = weighted.resample(draws, generator(seed, "resample"), side_by_side(values))
    log_density = population.log_prior[taken.ravel()], population.log_likelihood[taken.ravel()]
    return {name: value[taken] for name, value in values.items()}, log_density


def _by_nuts(model: pm.Model, fitted: Compiled, seed: int, reason: str, progress: Progress) -> Posterior:
    progress(0.0, "sampling by NUTS")
    chains = nuts.sample(model, fitted.density.names, seed=seed, starts=_starts(fitted, seed))
    return Posterior(
        "nuts",
        reason,
        chains.draws,
        None,
        trust.of_chains(chains.r_hat, chains.ess, chains.divergences, chains.sampled),
        divergences=chains.divergences,
    )


def _starts(fitted: Compiled, seed: int) -> dict[str, NDArray[np.float64]] | None:
    """The draws of the prior under which the reports are likeliest, for chains to start from.

    None where the prior cannot be drawn, or no draw could have given the reports.
    """
    try:
        draws = fitted.prior.run({}, PRIOR_DRAWS, generator(seed, "starts"))
    except NotImplementedError:  # an improper prior
        return None
    _, log_likelihood = fitted.density.evaluate(fitted.density.unconstrain(draws))
    possible = np.flatnonzero(np.isfinite(log_likelihood))
    best = possible[np.argsort(-log_likelihood[possible], kind="stable")][: nuts.STARTS]
    return {name: value[best] for name, value in draws.items()} if len(best) else None
