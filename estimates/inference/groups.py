"""Laying out what follows from the draws of a posterior: derived quantities, replicated data, the prior."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pymc as pm
import xarray as xr
from numpy.typing import NDArray

from estimates.estimate import Measured
from estimates.inference.density import observed_values
from estimates.inference.forward import Forward
from estimates.inference.proposal import Blend
from estimates.inference.shapes import Compiled
from estimates.seeds import generator
from estimates.trust import Trust

PRIOR_DRAWS = 4096


type LogDensity = tuple[NDArray[np.float64], NDArray[np.float64]]
"""The log prior and the log likelihood (chain * draw,)."""


@dataclass(frozen=True)
class Posterior:
    """What an engine gives: draws of the fitted unknowns, and how far to trust them."""

    engine: str
    reason: str
    draws: dict[str, NDArray[np.float64]]  # (chain, draw, *shape)
    log_evidence: Measured | None
    trust: Trust
    proposal: Blend | None = None
    divergences: int | None = None
    log_density: LogDensity | None = None  # where the engine knows it


@dataclass(frozen=True)
class Parts:
    """A model taken apart: what is fitted, if anything is, and all that follows."""

    model: pm.Model
    fitted: Compiled | None
    forward: Forward


def fewer(draws: int, values: int, *, least: int) -> int:
    """How many draws are made where each is of many reports: as much work and memory as with 128."""
    return max(least, min(draws, draws * 128 // values))


def tree_of(parts: Parts, posterior: Posterior, seed: int, predictive: bool) -> xr.DataTree:
    """What follows from the draws, as an ArviZ tree; if asked, also replicated data and the prior."""
    model = parts.model
    observed = [variable.name for variable in model.observed_RVs]
    shape = next(iter(posterior.draws.values())).shape[:2] if posterior.draws else (1, PRIOR_DRAWS)
    flat = {name: value.reshape(-1, *value.shape[2:]) for name, value in posterior.draws.items()}
    forward = parts.forward if predictive else parts.forward.but(observed)
    after = forward.run(flat, shape[0] * shape[1], generator(seed, "posterior"))
    groups = {
        "posterior": _dataset(model, flat | {n: v for n, v in after.items() if n not in observed}, shape),
        "observed_data": _observed(model),
        "constant_data": _constants(model),
    }
    if predictive:
        rng = generator(seed, "prior")
        width = parts.fitted.density.width if parts.fitted else 1
        count = fewer(PRIOR_DRAWS, width, least=PRIOR_DRAWS // 8)
        prior = parts.fitted.prior.run({}, count, rng) if parts.fitted else {}
        before = prior | forward.run(prior, count, rng)
        unseen = {name: value for name, value in before.items() if name not in observed}
        groups |= {
            "prior": _dataset(model, unseen, (1, count)),
            "posterior_predictive": _dataset(model, {n: after[n] for n in observed}, shape),
            "prior_predictive": _dataset(model, {n: before[n] for n in observed}, (1, count)),
        }
    if parts.fitted:
        density = parts.fitted.density
        if predictive:
            groups["log_likelihood"] = _dataset(model, density.pointwise(density.unconstrain(flat)), shape)
        log_prior, log_likelihood = posterior.log_density or density.evaluate(density.unconstrain(flat))
        groups["sample_stats"] = _dataset(
            model,
            {"lp": log_prior + log_likelihood, "log_prior": log_prior, "log_likelihood": log_likelihood},
            shape,
        )
    groups["posterior"].attrs = {
        "unknowns": ",".join([*flat, *(v.name for v in model.free_RVs if v.name not in flat)]),
        "fitted": ",".join(flat),
        "inference_library": "estimates",
        "engine": posterior.engine,
    }
    if posterior.divergences is not None:
        groups["sample_stats"].attrs["divergences"] = posterior.divergences
    return xr.DataTree.from_dict(groups)


def _dataset(model: pm.Model, draws: dict[str, NDArray[Any]], shape: tuple[int, int]) -> xr.Dataset:
    """Draws (chain * draw, ...) as a dataset with the model's own dimensions."""
    variables: dict[str, Any] = {}
    coords: dict[str, Any] = {"chain": np.arange(shape[0]), "draw": np.arange(shape[1])}
    for name, value in draws.items():
        dims = _dims(model, name, value.ndim - 1)
        variables[name] = (("chain", "draw", *dims), value.reshape(*shape, *value.shape[1:]))
        coords |= _coords(model, dims)
    return xr.Dataset(variables, _indexed(coords))


def _observed(model: pm.Model) -> xr.Dataset:
    variables: dict[str, Any] = {}
    coords: dict[str, Any] = {}
    for variable in model.observed_RVs:
        stored = observed_values(model, variable)
        dims = _dims(model, variable.name, np.ndim(stored))
        variables[variable.name] = (dims, stored)
        coords |= _coords(model, dims)
    return xr.Dataset(variables, _indexed(coords))


def _dims(model: pm.Model, name: str, count: int) -> tuple[Any, ...]:
    """The model's own dimensions of a variable, or numbered ones."""
    return model.named_vars_to_dims.get(name) or tuple(f"{name}_dim_{i}" for i in range(count))


def _coords(model: pm.Model, dims: tuple[Any, ...]) -> dict[str, Any]:
    return {dim: np.asarray(model.coords[dim]) for dim in dims if model.coords.get(dim) is not None}


def _indexed(coords: dict[str, NDArray[Any]]) -> xr.Coordinates:
    """Coordinates with their indices; xarray would first see whether they are Pint's, and import it."""
    indexes = {
        dim: xr.indexes.PandasIndex(pd.Index(entries), dim, coord_dtype=entries.dtype)
        for dim, entries in coords.items()
    }
    variables = {dim: index.create_variables()[dim] for dim, index in indexes.items()}
    return xr.Coordinates(variables, indexes)


def _constants(model: pm.Model) -> xr.Dataset:
    variables = {}
    for variable in model.data_vars:
        stored = np.asarray(variable.get_value())
        variables[variable.name] = (tuple(f"{variable.name}_dim_{i}" for i in range(stored.ndim)), stored)
    return xr.Dataset(variables)
