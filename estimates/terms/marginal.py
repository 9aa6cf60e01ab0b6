"""The prior of one assumption as a PyTensor graph: from its value to its normal score, and back."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

_ROOT_TWO = np.sqrt(2.0)
_LEAST, _MOST = 1e-300, 1.0 - 1e-16  # the probabilities whose scores are finite

FAMILIES: dict[str, tuple[Any, ...]] = {
    "uniform": (pm.Uniform, "lower", "upper"),
    "normal": (pm.Normal, "mu", "sigma"),
    "lognormal": (pm.LogNormal, "mu", "sigma"),
    "halfnormal": (pm.HalfNormal, "sigma"),
    "beta": (pm.Beta, "alpha", "beta"),
    "gamma": (pm.Gamma, "alpha", "beta"),
    "student_t": (pm.StudentT, "nu", "mu", "sigma"),
}
"""The distribution of each family and the words for its parameters, in the order of `Distribution`."""


@dataclass(frozen=True)
class Marginal:
    """A family with its parameters, cut off at `lower` and `upper`; None where it is not."""

    family: str
    parameters: tuple[Any, ...]
    lower: Any = None
    upper: Any = None

    @property
    def words(self) -> dict[str, Any]:
        """The parameters by PyMC's names."""
        return dict(zip(FAMILIES[self.family][1:], self.parameters, strict=True))

    @property
    def is_cut(self) -> bool:
        """Whether there is a bound on either side."""
        return self.lower is not None or self.upper is not None

    def new(self, name: str, dims: str | None) -> Any:
        """The random variable of this prior, in the current model."""
        kind = FAMILIES[self.family][0]
        if not self.is_cut:
            return kind(name, **self.words, dims=dims)
        if self.family == "normal":
            return pm.TruncatedNormal(name, **self.words, lower=self.lower, upper=self.upper, dims=dims)
        return pm.Truncated(name, self._whole, lower=self.lower, upper=self.upper, dims=dims)

    @cached_property
    def _whole(self) -> Any:
        return FAMILIES[self.family][0].dist(**self.words)

    @property
    def _ends(self) -> tuple[Any, Any]:
        """The probabilities of the whole family below the two bounds."""
        low = 0.0 if self.lower is None else self._below(self.lower)
        high = 1.0 if self.upper is None else self._below(self.upper)
        return low, high

    def _below(self, value: Any) -> Any:
        """The probability F(value) of the whole family below a value."""
        if self.family not in ("normal", "lognormal"):
            return pt.exp(pm.logcdf(self._whole, value))
        # PyMC's logarithm of it, which keeps digits that are lost here anyway, is ten times the graph.
        return 0.5 * pt.erfc(-self._standardised(value) / _ROOT_TWO)

    def _standardised(self, value: Any) -> Any:
        """The normal score of a value of a normal or lognormal family that is not cut."""
        centre, spread = self.parameters
        value = np.float64(value) if isinstance(value, float) else value  # PyTensor's would be single
        if self.family == "normal":
            return (value - centre) / spread
        is_positive = pt.gt(value, 0.0)
        return pt.switch(is_positive, (pt.log(pt.switch(is_positive, value, 1.0)) - centre) / spread, -np.inf)

    def log_density(self, value: Any) -> Any:
        """The log density of the prior at a value."""
        if not self.is_cut:
            return pm.logp(self._whole, value)
        return pm.logp(pm.Truncated.dist(self._whole, lower=self.lower, upper=self.upper), value)

    def score(self, value: Any) -> Any:
        """The normal score of a value: Phi^-1(F(value))."""
        if not self.is_cut and self.family in ("normal", "lognormal"):
            return self._standardised(value)
        low, high = self._ends
        below = (self._below(value) - low) / (high - low)
        return -_ROOT_TWO * pt.erfcinv(2.0 * pt.minimum(pt.maximum(below, _LEAST), _MOST))

    def value(self, score: Any) -> Any:
        """The value of a normal score: F^-1(Phi(score))."""
        if not self.is_cut and self.family in ("normal", "lognormal"):
            centre, spread = self.parameters
            inner = centre + spread * score
            return pt.exp(inner) if self.family == "lognormal" else inner
        low, high = self._ends
        below = low + (high - low) * 0.5 * pt.erfc(-score / _ROOT_TWO)
        found = pm.icdf(self._whole, below)
        # Rounding may lead a hair's breadth past a bound.
        found = found if self.lower is None else pt.maximum(found, self.lower)
        return found if self.upper is None else pt.minimum(found, self.upper)
