"""The No-U-Turn Sampler, through nutpie: for what importance sampling cannot do, and as its check."""

from dataclasses import dataclass

import numpy as np
import pymc as pm
import pytensor
from numpy.typing import NDArray
from pymc.model.transform.conditioning import prune_vars_detached_from_observed

from estimates.errors import EngineError
from estimates.inference.seeds import generator

CHAINS = 4
DRAWS = 3000
TUNING = 3000
DEEPEST = 12

# Where the report scatter goes to zero every reported interval becomes a hard wall. Only steps as small
# as these go in there, and they need to know the correlations (low rank) to get anywhere.
TARGET_ACCEPTANCE = 0.999
ADAPTATION = "low_rank"


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
    """

    draws: dict[str, NDArray[np.float64]]
    r_hat: float
    ess: float
    divergences: int


def sample(model: pm.Model, names: tuple[str, ...], *, seed: int) -> Chains:
    """Sample the fitted unknowns `names` of a model.

    Everything that nothing observed depends on is pruned first: it is drawn from its prior.

    Raises
    ------
    EngineError
        When nutpie cannot start, as with discrete unknowns or a density of zero everywhere.
    """
    import nutpie
    from arviz_stats.base import array_stats

    # PyMC does not prune a model with potentials; then what is not fitted is sampled along, and unused.
    pruned = model if model.potentials else prune_vars_detached_from_observed(model)
    try:
        # With fast mathematics the same seed gives other draws before and after numba has cached its code.
        with pytensor.config.change_flags(numba__fastmath=False):
            compiled = nutpie.compile_pymc_model(pruned)
        trace = nutpie.sample(
            compiled,
            draws=DRAWS,
            tune=TUNING,
            chains=CHAINS,
            cores=2,
            seed=int(generator(seed, "nuts").integers(2**31)),
            target_accept=TARGET_ACCEPTANCE,
            maxdepth=DEEPEST,
            adaptation=ADAPTATION,
            progress_bar=False,
            save_warmup=False,
        )
    except (RuntimeError, ValueError, NotImplementedError, TypeError) as error:
        words = str(error).split("Stack backtrace")[0].strip()  # nutpie adds the trace of its own Rust
        raise EngineError(f"NUTS could not sample: {words}", remedy="Check priors and reports.") from error
    draws = {name: np.asarray(trace["posterior"][name].values, dtype=float) for name in names}
    flat = np.concatenate([value.reshape(*value.shape[:2], -1) for value in draws.values()], axis=2)
    columns = [flat[:, :, i] for i in range(flat.shape[2])]
    axes = {"chain_axis": 0, "draw_axis": 1}
    r_hat = max(float(array_stats.rhat(column, **axes)) for column in columns)
    bulk = min(float(array_stats.ess(column, method="bulk", **axes)) for column in columns)
    tail = min(float(array_stats.ess(column, method="tail", prob=(0.05, 0.95), **axes)) for column in columns)
    return Chains(draws, r_hat, min(bulk, tail), int(np.sum(trace["sample_stats"]["diverging"].values)))
