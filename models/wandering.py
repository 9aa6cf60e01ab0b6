"""Wandering: a pace that changes from month to month, by chance and by how much nobody knows.

What it says
------------
C(t) = sum over calendar months m of z_m (days of m between the first shipment and t). The pace z_m is
constant within a month and a random walk on the logarithmic scale from one to the next:
log z_m = log z_(m-1) + tau e_m with e_m ~ Normal(0, 1). z_1 is ``daily_rate``, the pace of the first
month in which anything may have been shipped; the months run to the study's horizon.

Priors and why
--------------
tau ~ HalfNormal(0.3), named ``monthly_change``: at 0.3 a pace changes by a third in a usual month and
by a factor of two or three within a year. At 0 this is `steady`. The steps e_m are ``monthly_step``;
those of months that no report reaches keep their prior, so that bands widen beyond the last report.

When not to use it
------------------
With few reports: between two counts a month's pace is the prior's, and the answer is as wide as that.
It has an unknown for each month, needs NUTS, and gives no evidence to compare models by.

References
----------
Gaussian random walks of log intensities: Durbin and Koopman, *Time Series Analysis by State Space
Methods* (2012), ch. 3; non-centred as in Papaspiliopoulos et al. (2007), doi:10.1214/088342307000000014.
"""

import datetime as dt
from itertools import pairwise

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from estimates import Study, terms


def build(study: Study) -> pm.Model:
    """The model of `study`."""
    edges = _month_starts(study)
    opens, closes = (np.array(side) for side in zip(*pairwise(map(study.day_number, edges)), strict=True))
    with terms.frame(study) as model:
        model.add_coord("month", np.array(edges[:-1], dtype="datetime64[ns]"))
        model.add_coord("later_month", np.array(edges[1:-1], dtype="datetime64[ns]"))
        start = terms.assumption("first_shipment")
        rate = terms.assumption("daily_rate")
        change = pm.HalfNormal("monthly_change", 0.3)
        step = pm.Normal("monthly_step", 0.0, np.ones(len(edges) - 2), dims="later_month")
        walk = pt.concatenate([pt.zeros(1), pt.cumsum(change * step)])
        pace = pm.Deterministic("monthly_pace", rate * pt.exp(walk), dims="month")

        def carriers(day: pt.TensorVariable) -> pt.TensorVariable:
            begun = pt.maximum(start, opens)[None, :]
            shipping = pt.maximum(pt.minimum(day[:, None], closes[None, :]) - begun, 0.0)
            return pt.sum(shipping * pace[None, :], axis=1)

        terms.flow(carriers)
    return model


def _month_starts(study: Study) -> list[dt.date]:
    """The first days of the months from the earliest shipment to the horizon, and of the month after."""
    earliest = float(study.distribution("first_shipment").quantile(0.0))
    first = study.epoch + dt.timedelta(days=np.floor(earliest)) if np.isfinite(earliest) else study.epoch
    count = 12 * (study.horizon.year - first.year) + study.horizon.month - first.month
    return [
        dt.date(first.year + months // 12, months % 12 + 1, 1)
        for months in range(first.month - 1, first.month + count + 1)
    ]
