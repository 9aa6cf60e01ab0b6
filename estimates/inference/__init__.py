"""From a study and a model to an estimate."""

import datetime as dt
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr

from estimates import shelf
from estimates.errors import EngineError, ModelError, QuestionError
from estimates.estimate import Conditions, Estimate
from estimates.inference.fit import ENGINES, LATELY, Evidence, evidence_of, fit_model, versions
from estimates.inference.importance import MOMENTS
from estimates.inference.proposal import Blend
from estimates.inference.template import Templates
from estimates.study import Study
from estimates.workers import Progress

_TEMPLATES = Templates(LATELY)


def infer(
    study: Study,
    model: str | Path | shelf.ModelFile = "steady",
    *,
    engine: str = "auto",
    seed: int = 1,
    at: Sequence[str | dt.date] = (),
    progress: Progress | None = None,
) -> Estimate:
    """Fit a model of the shelf, or of a file of yours, to a study.

    The posterior is that of PyMC's own density. Unknowns that no report depends on keep their prior.

    Parameters
    ----------
    study : Study
        From `estimates.read`, perhaps through ``variant``, ``without`` or ``assuming``.
    model : str or Path
        A name on the shelf, or the path of a model file.
    engine : str
        ``"importance"``, ``"nuts"``, or ``"auto"``: importance sampling when its verdict is good, else
        NUTS, with the reason in the conditions.
    seed : int
        The same seed gives the same numbers.
    at : sequence of str or date
        Further days to keep carriers on, besides reports, claims and a weekly grid.
    progress : callable, optional
        Told the share done and what is being done.

    Returns
    -------
    Estimate

    Raises
    ------
    ModelError, StudyError, EngineError
        For a model file out of contract, a missing assumption, an engine that cannot serve.

    Examples
    --------
    >>> import estimates as est
    >>> fit = est.infer(est.read("dprk-shells-2024"), "steady", seed=1)
    >>> fit.trust.verdict
    'good'
    """
    return fitted(study, model, engine=engine, seed=seed, at=at, progress=progress)[0]


def fitted(
    study: Study,
    model: str | Path | shelf.ModelFile,
    *,
    engine: str = "auto",
    seed: int = 1,
    at: Sequence[str | dt.date] = (),
    progress: Progress | None = None,
) -> tuple[Estimate, Blend | None]:
    """As `infer`, with the proposal that importance sampling arrived at: a start for like posteriors."""
    file = shelf.find(model)
    asked = study.asking(*at)
    try:
        # Taken by this fit alone: the next that asks for a study of this structure changes its numbers.
        model_of_study = _TEMPLATES.ready(file, asked).model
        posterior, tree = fit_model(model_of_study, engine, _checked(seed), progress)
    except AssertionError as error:
        if "SpecifyShape" not in str(error):
            raise
        raise ModelError(
            "the flow gives another number of values than it was given days",
            where=str(file.path),
            remedy="terms.flow(f): f takes the vector of days and gives one of the same length.",
        ) from error
    _refuse_impossible_flow(tree, asked.carriers.name, file.path)
    carriers = asked.carriers
    for group in ("posterior", "prior"):
        for name, variable in tree[group].dataset.variables.items():
            if name == carriers.name or name in asked.quantities or name in asked.assumptions:
                variable.attrs["units"] = asked.unit_of(str(name))
    conditions = Conditions(
        model=file.name,
        model_digest=file.digest,
        engine=posterior.engine,
        engine_reason=posterior.reason,
        seed=seed,
        versions=versions(),
        log_evidence=posterior.log_evidence,
        trust=posterior.trust,
    )
    return Estimate(asked, tree, conditions), posterior.proposal


def log_evidence(
    study: Study, model: str | Path | shelf.ModelFile, *, seed: int = 1, start: Blend | None = None
) -> Evidence:
    """The log evidence alone, several times faster than `infer`.

    Parameters
    ----------
    start : Blend, optional
        From `fitted` or an earlier `Evidence`: the proposal of a posterior much like this one.
    """
    return evidence_of(_TEMPLATES.ready(shelf.find(model), study).fitted, _checked(seed), start)


def sample(
    model: pm.Model,
    *,
    seed: int,
    engine: str = "auto",
    predictive: bool = True,
    progress: Progress | None = None,
) -> xr.DataTree:
    """Draw from the posterior of any PyMC model, with the engines of this library.

    With up to 128 observed values, importance sampling aims at a standard deviation of each unknown that is
    known to a fortieth of itself. The prior of an ordered vector is taken to be in order: where the rest of
    the model treats its values alike, the evidence is that of the model without an order.

    Parameters
    ----------
    model : pymc.Model
        With continuous unknowns.
    seed, engine, progress
        As in `infer`.
    predictive : bool
        Whether the groups ``posterior_predictive``, ``prior``, ``prior_predictive`` and ``log_likelihood``
        are wanted. Without them the tree holds what `pm.sample` gives, and the posterior is the same; where
        there are many data, drawing them anew can take a third of the time.

    Returns
    -------
    DataTree
        As ArviZ reads it. ``attrs`` hold ``engine``, ``engine_reason``, ``log_evidence`` and
        ``log_evidence_mcse`` (absent under NUTS), and ``trust`` as JSON.

    Raises
    ------
    EngineError
        For a model that no engine can serve.
    """
    if not isinstance(model, pm.Model):
        raise EngineError(
            f"{type(model).__name__} is no pm.Model", remedy="Pass the model itself: sample(model, seed=1)."
        )
    posterior, tree = fit_model(
        model, engine, _checked(seed), progress, effort=MOMENTS, predictive=predictive
    )
    evidence: dict[str, Any] = {}
    if posterior.log_evidence is not None:
        evidence = {
            "log_evidence": posterior.log_evidence.value,
            "log_evidence_mcse": posterior.log_evidence.mcse,
        }
    tree.attrs = {
        "engine": posterior.engine,
        "engine_reason": posterior.reason,
        "seed": seed,
        "trust": json.dumps(posterior.trust.document()),
        **evidence,
    }
    return tree


def _refuse_impossible_flow(tree: xr.DataTree, carriers: str, path: Path) -> None:
    """Carriers are shipped and stay shipped: none is below zero and no day has fewer than the day before."""
    for group in ("prior", "posterior"):
        shipped = tree[group].to_dataset()[carriers].values
        slack = 1e-9 * max(float(np.nanmax(shipped, initial=0.0)), 1.0)
        falls = np.nanmin(np.diff(shipped, axis=-1), initial=0.0) < -slack
        if falls or np.nanmin(shipped, initial=0.0) < -slack:
            raise ModelError(
                f"the flow {'decreases' if falls else 'is negative'} in draws of the {group}",
                where=str(path),
                remedy="terms.flow takes carriers shipped since the start: never negative, never fewer.",
            )


def _checked(seed: int) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise QuestionError(f"the seed {seed!r}", remedy="A whole number from 0 to 4294967295.")
    return seed


__all__ = ["ENGINES", "Blend", "Evidence", "fitted", "infer", "log_evidence", "sample"]
