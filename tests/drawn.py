"""An estimate in milliseconds: draws of the priors under a steady pace, for tests of what is shown."""

import numpy as np
import xarray as xr

from estimates.estimate import Conditions, Estimate, Measured
from estimates.study import Study
from estimates.trust import Trust, of_importance

GOOD = of_importance(0.31, 4321.0, 0.004)
IDLE = ("later_rate", "growth_rate", "containers_per_voyage")


def drawn(
    study: Study,
    *,
    trust: Trust = GOOD,
    model: str = "steady",
    draws: int = 200,
    without: tuple[str, ...] = IDLE,
) -> Estimate:
    """An estimate whose posterior is a middle piece of the prior: nothing was fitted."""
    days = np.array(study.days, dtype="datetime64[ns]")
    since = np.array([study.day_number(day) for day in study.days])
    groups = {}
    for group, ends in (("posterior", (0.4, 0.6)), ("prior", (0.02, 0.98))):
        random = np.random.default_rng([len(group), draws])
        values = {
            name: random.permutation(
                study.distribution(name).quantile(np.linspace(*ends, 2 * draws))
            ).reshape(2, -1)
            for name in study.assumptions
            if name not in without
        }
        start = values.get("first_shipment", np.full((2, draws), 100.0))
        rate = values.get("daily_rate", np.linspace(8.0, 12.0, 2 * draws).reshape(2, -1))
        carriers = rate[..., None] * np.maximum(since - start[..., None], 0.0)
        dataset = xr.Dataset(
            {name: (("chain", "draw"), drawn) for name, drawn in values.items()}
            | {study.carriers.name: (("chain", "draw", "day"), carriers)},
            coords={"chain": [0, 1], "draw": np.arange(draws), "day": days},
        )
        dataset.attrs["unknowns"] = ",".join(values)
        groups[group] = dataset
    conditions = Conditions(
        model=model,
        model_digest="0123456789abcdef",
        engine="importance",
        engine_reason="it serves here",
        seed=7,
        versions={"estimates": "0.1.0", "numpy": "2"},
        log_evidence=Measured(-8.3456, 0.0042),
        trust=trust,
    )
    return Estimate(study, xr.DataTree.from_dict(groups), conditions)
