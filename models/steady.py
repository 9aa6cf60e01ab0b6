"""Steady: one constant pace from an uncertain first shipment.

What it says
------------
C(t) = daily_rate * (t - first_shipment) after the first shipment, 0 before it. C counts carriers,
t and first_shipment are days since the study's epoch, daily_rate is carriers a day.

Priors and why
--------------
``first_shipment`` and ``daily_rate`` are the study's. Wide priors on both leave the two reports to
fix one combination of them well (the level) and the other (the pace) as far as the second report does.

When not to use it
------------------
When the reports of one issuer bend: a pace that changed needs `stepped` or `accelerating`, a pause
or a few large arrivals need `lumpy`.

References
----------
A homogeneous flow, the simplest renewal model; compare Cox and Isham, *Point Processes* (1980), ch. 3.
"""

import pymc as pm
import pytensor.tensor as pt

from estimates import Study, terms


def build(study: Study) -> pm.Model:
    """The model of `study`."""
    with terms.frame(study) as model:
        start = terms.assumption("first_shipment")
        rate = terms.assumption("daily_rate")
        terms.flow(lambda day: rate * pt.maximum(day - start, 0.0))
    return model
