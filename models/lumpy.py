"""Lumpy: steady on average, arriving in voyages of many carriers at a time.

What it says
------------
C is a Gamma process. From the first shipment s on, the carriers that arrive in a stretch of dt days are
Gamma distributed with mean r dt and variance r dt v, and stretches are independent. r is ``daily_rate``;
v is ``containers_per_voyage``, the carriers that arrive together. C is fitted on the days that reports
speak of; the days between are filled in by its bridge, and those beyond by the process itself.

Priors and why
--------------
All are the study's. The size of a voyage decides how far two counts may depart from one pace by chance
alone: the larger it is, the less a bend between two reports means.

When not to use it
------------------
When counts are in the thousands and voyages in the tens, `steady` says nearly the same for less. Chance
in the size of single voyages is not told apart from chance in their times.

References
----------
Kingman, *Poisson Processes* (1993), ch. 8; van Noortwijk (2009), doi:10.1016/j.ress.2007.03.019.
"""

import pymc as pm
import pytensor.tensor as pt

from estimates import Study, terms


def build(study: Study) -> pm.Model:
    """The model of `study`."""
    with terms.frame(study) as model:
        start = terms.assumption("first_shipment")
        rate = terms.assumption("daily_rate")
        voyage = terms.assumption("containers_per_voyage")
        terms.flow(lambda day: terms.gamma_process(rate * pt.maximum(day - start, 0.0), voyage))
    return model
