"""Assumptions as dials: what they stand at, and how the study would state it.

A dial at z stands at the quantile Phi(z) of its prior: at 0 in its middle, at 1.64 where 5 % lie above.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from estimates.assumptions import Distribution
from estimates.study import Study
from estimates.units import DATE

type Setting = Mapping[str, float]

FARTHEST = 4.0
"""Dials turn from minus this to this: 3 in 100,000 of a prior lie beyond."""


@dataclass(frozen=True)
class Dial:
    """An assumption that can be turned.

    Attributes
    ----------
    name : str
    is_fitted : bool
        Whether the reports bear on it; else it keeps its prior, and fixing it changes nothing else.
    entries : int
        How many there are of it, such as one for each issuer; fixing it fixes them all.
    origin : float
        Where it stands when it is not turned: the mean z of its draws.
    """

    study: Study
    name: str
    is_fitted: bool = False
    entries: int = 1
    origin: float = 0.0

    @cached_property
    def prior(self) -> Distribution:
        """Its prior, in the unit of models."""
        return self.study.distribution(self.name)

    def at(self, z: float) -> float:
        """The value at z, in the unit of models; dates in days since the epoch."""
        return float(self.prior.quantile(special.ndtr(z)))

    def score(self, values: ArrayLike) -> NDArray[np.float64]:
        """The z of values in the unit of models; those beyond the farthest stand there."""
        return np.clip(special.ndtri(self.prior.cumulative(values)), -FARTHEST, FARTHEST)

    def stated(self, z: float) -> float | dt.date:
        """The value at z as the study would state it, in its own unit, with four digits or as a day."""
        value = self.at(z)
        if self.study.unit_of(self.name) == DATE:
            return self.study.epoch + dt.timedelta(days=round(value))
        assumption = self.study.assumptions[self.name]
        scale = self.study.registry.factor(assumption.unit) / self.study.factor(self.name)
        return float(f"{value / scale:.4g}")
