"""Stepped: one pace before the knot day, another after it.

What it says
------------
C(t) = daily_rate * (min(t, k) - first_shipment) + later_rate * (t - k) with each bracket at least 0
and the second counted from the later of k and first_shipment. k is the study's knot day.

Priors and why
--------------
``daily_rate`` and ``later_rate`` have priors of their own, with no view on which is larger. The knot
is a day the study names (a report, an event); it is not fitted, and it stays when reports are left out.

When not to use it
------------------
When nothing marks the knot: a day chosen to fit the reports makes the fit look better than it is.

References
----------
Piecewise constant intensities; Friedman (1982), doi:10.1214/aos/1176345693.
"""

import pymc as pm
import pytensor.tensor as pt

from estimates import Study, terms


def build(study: Study) -> pm.Model:
    """The model of `study`."""
    with terms.frame(study) as model:
        start = terms.assumption("first_shipment")
        early = terms.assumption("daily_rate")
        late = terms.assumption("later_rate")
        knot = terms.day("knot")

        def carriers(day: pt.TensorVariable) -> pt.TensorVariable:
            before = pt.maximum(pt.minimum(day, knot) - start, 0.0)
            after = pt.maximum(day - pt.maximum(knot, start), 0.0)
            return early * before + late * after

        terms.flow(carriers)
    return model
