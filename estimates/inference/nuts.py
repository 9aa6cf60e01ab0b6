"""The No-U-Turn Sampler, through nutpie: for what importance sampling cannot do, and as its check."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from numpy.typing import NDArray
from pymc.distributions.transforms import Interval
from pymc.model.transform.conditioning import change_value_transforms, prune_vars_detached_from_observed
from pytensor.graph.replace import graph_replace

from estimates.errors import EngineError
from estimates.inference.density import observed_values
from estimates.seeds import generator

CHAINS = 4
DRAWS = 1000
"""What is kept of each chain, evenly; the diagnostics are those of all draws."""

DEEPEST = 12
ADAPTATION = "low_rank"
STARTS = 40
"""Chains start from one of so many draws of the prior: those under which the reports are likeliest."""


@dataclass(frozen=True)
class Run:
    """How long each chain is, and how small its steps are."""

    draws: int
    tuning: int
    target_acceptance: float


# With few reports the scatter may go to zero, where every reported interval becomes a hard wall. Only
# small steps go in there. Many reports hold the scatter away from zero, and come with many unknowns.
CAREFUL = Run(draws=3000, tuning=3000, target_acceptance=0.999)
LONG = Run(draws=3000, tuning=1000, target_acceptance=0.99)
MANY_REPORTS = 10
"""From so many observed values on, `LONG` serves."""

FEW_UNKNOWNS, ENOUGH, MOST_TIMES = 12, 4000.0, 4
"""Few unknowns are sampled in seconds: `LONG` is to give that many effective draws of them, and is made that
many times as long at most. With more unknowns it would take many minutes."""

_BOUNDLESS = 1e6  # an end for what has none: from there, the interval transform is a logarithm


@dataclass(frozen=True)
class Chains:
    """What the sampler gives.

    Attributes
    ----------
    draws : dict of arrays (chain, draw, ...)
        The fitted unknowns, in the user's own space.
    r_hat, ess : float
        The worst over unknowns: rank-normalised split R-hat, and the smaller of bulk and tail ESS.
    divergences : int
    sampled : int
        How many draws these were found on.
    """

    draws: dict[str, NDArray[np.float64]]
    r_hat: float
    ess: float
    divergences: int
    sampled: int = CHAINS * DRAWS


def sample(
    model: pm.Model,
    names: tuple[str, ...],
    *,
    seed: int,
    starts: dict[str, NDArray[np.float64]] | None = None,
) -> Chains:
    """Sample the fitted unknowns `names` of a model.

    Everything that nothing observed depends on is pruned first: it is drawn from its prior. Where reports
    are many and unknowns few, the chains are run again, longer, if they gave few effective draws.

    Parameters
    ----------
    starts : dict of arrays (start, ...), optional
        Values of the fitted unknowns that chains may start from. From PyMC's own starts, five standard
        deviations off in many unknowns at once, a chain may never find its way.

    Raises
    ------
    EngineError
        When nutpie cannot start, as with discrete unknowns or a density of zero everywhere.
    """
    import nutpie

    try:
        pruned = _within_limits(_pruned(model, names), getattr(model, "limits", {}))
        # With fast mathematics the same seed gives other draws before and after numba has cached its code.
        with pytensor.config.change_flags(numba__fastmath=False):
            compiled = nutpie.compile_pymc_model(pruned)
        started = _started(compiled, pruned, starts)
        run = LONG if _observed(model) >= MANY_REPORTS else CAREFUL
        found = _run(started, names, run, seed)
        few = sum(value[0, 0].size for value in found.draws.values()) <= FEW_UNKNOWNS
        if run is LONG and few and found.ess < ENOUGH:
            times = math.ceil(min(ENOUGH / max(found.ess, 1.0), MOST_TIMES))
            found = _run(started, names, replace(LONG, draws=times * LONG.draws), seed)
    except (RuntimeError, ValueError, NotImplementedError, TypeError) as error:
        words = str(error).split("Stack backtrace")[0].strip()  # nutpie adds the trace of its own Rust
        raise EngineError(f"NUTS could not sample: {words}", remedy="Check priors and reports.") from error
    return found


def _run(compiled: Any, names: tuple[str, ...], run: Run, seed: int) -> Chains:
    """The chains of one run."""
    import nutpie

    trace = nutpie.sample(
        compiled,
        draws=run.draws,
        tune=run.tuning,
        chains=CHAINS,
        cores=2,
        seed=int(generator(seed, "nuts").integers(2**31)),
        target_accept=run.target_acceptance,
        maxdepth=DEEPEST,
        adaptation=ADAPTATION,
        progress_bar=False,
        save_warmup=False,
    )
    draws = {name: np.asarray(trace["posterior"][name].values, dtype=float) for name in names}
    r_hat, ess = _diagnosed(draws)
    step = run.draws // DRAWS
    return Chains(
        {name: value[:, step - 1 :: step] for name, value in draws.items()},
        r_hat,
        ess,
        int(np.sum(trace["sample_stats"]["diverging"].values)),
        CHAINS * run.draws,
    )


def _pruned(model: pm.Model, names: tuple[str, ...]) -> pm.Model:
    """The model without what is not fitted.

    PyMC prunes no model with potentials; then what is not fitted is sampled along, and unused. Nor one with
    initial values of its own, as of ordered vectors; where all is fitted it need not.
    """
    if model.potentials or {variable.name for variable in model.free_RVs} == set(names):
        return model
    return prune_vars_detached_from_observed(model)


def _observed(model: pm.Model) -> int:
    """How many values were observed."""
    return sum(observed_values(model, variable).size for variable in model.observed_RVs)


def _diagnosed(draws: dict[str, NDArray[np.float64]]) -> tuple[float, float]:
    """The worst R-hat and the least effective number of draws over all unknowns."""
    from arviz_stats.base import array_stats

    flat = np.concatenate([value.reshape(*value.shape[:2], -1) for value in draws.values()], axis=2)
    columns = [flat[:, :, i] for i in range(flat.shape[2])]
    axes = {"chain_axis": 0, "draw_axis": 1}
    r_hat = max(float(array_stats.rhat(column, **axes)) for column in columns)
    bulk = min(float(array_stats.ess(column, method="bulk", **axes)) for column in columns)
    tail = min(float(array_stats.ess(column, method="tail", prob=(0.05, 0.95), **axes)) for column in columns)
    return r_hat, min(bulk, tail)


def _within_limits(model: pm.Model, limits: dict[str, Any]) -> pm.Model:
    """The model with each unknown bounded where the reports become impossible.

    The density is the same: beyond a limit it is zero. Trajectories no longer run into that wall.
    """
    transforms = {
        name: Interval(bounds_fn=_ends_of(np.clip(ends, -_BOUNDLESS, _BOUNDLESS)))
        for name, ends in limits.items()
        if model.named_vars.get(name) in model.free_RVs
    }
    return change_value_transforms(model, transforms) if transforms else model


def _ends_of(ends: NDArray[np.float64]) -> Callable[..., tuple[Any, Any]]:
    low, high = (pt.constant(end) for end in ends)
    return lambda *parameters: (low, high)


def _started(compiled: Any, model: pm.Model, starts: dict[str, NDArray[np.float64]] | None) -> Any:
    """The compiled model, whose chains start from one of `starts` each."""
    if starts is None:
        return compiled
    inputs = [pt.tensor(shape=v.type.shape, dtype=v.dtype) for v in model.free_RVs]
    moved = [
        value if transform is None else transform.forward(value, *variable.owner.inputs)
        for variable, value in zip(model.free_RVs, inputs, strict=True)
        for transform in [model.rvs_to_transforms[variable]]
    ]
    values = dict(zip(model.free_RVs, inputs, strict=True))
    unconstrained = pytensor.function(
        inputs, graph_replace(moved, values, strict=False), mode="FAST_COMPILE", on_unused_input="ignore"
    )

    def start(seed: int) -> NDArray[np.float64]:
        rng = np.random.default_rng(seed)
        number = int(rng.integers(len(next(iter(starts.values())))))
        found = unconstrained(*[starts[v.name][number] for v in model.free_RVs])
        return np.concatenate([np.ravel(part) for part in found])

    return replace(compiled, initial_point_func=start)
