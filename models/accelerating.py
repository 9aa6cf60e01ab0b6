"""Accelerating: a pace that grows, or shrinks, by a constant rate.

What it says
------------
C(t) = r (exp(g (t - k)) - exp(g (s - k))) / g after the first shipment s, 0 before it. r is
``daily_rate``, the pace on the knot day k; g is ``growth_rate`` a day. Near g = 0 the quotient is
r (t - s) times a short series, so that the limit, a steady flow, is reached without a jump.

Priors and why
--------------
``growth_rate`` is centred on 0: speeding up and slowing down are equally likely beforehand. The pace
is stated at the knot day, inside the reports, where something is known about it.

When not to use it
------------------
Far beyond the last report: exponential growth never holds for long.

References
----------
Exponential growth; the series is that of (exp(x) - 1) / x.
"""

import pymc as pm
import pytensor.tensor as pt

from estimates import Study, terms


def build(study: Study) -> pm.Model:
    """The model of `study`."""
    with terms.frame(study) as model:
        start = terms.assumption("first_shipment")
        pace = terms.assumption("daily_rate")
        growth = terms.assumption("growth_rate")
        knot = terms.day("knot")

        def carriers(day: pt.TensorVariable) -> pt.TensorVariable:
            elapsed = pt.maximum(day - start, 0.0)
            return pace * pt.exp(growth * (start - knot)) * elapsed * _growth_factor(growth * elapsed)

        terms.flow(carriers)
    return model


def _growth_factor(x: pt.TensorVariable) -> pt.TensorVariable:
    """(exp(x) - 1) / x, by its series where the quotient would be 0 / 0."""
    small = pt.abs(x) < 1e-3
    safe = pt.switch(small, 1.0, x)
    return pt.switch(small, 1.0 + x / 2.0 + x**2 / 6.0, pt.expm1(safe) / safe)
