"""Named unknowns: a unit, a prior that says what is thought possible, and why.

Priors are written as people think: by their 5 % and 95 % quantiles, *after* any truncation to
``lower`` and ``upper``. `Prior.solve` finds the parameters, or says by how much no member of the
family can meet them.
"""

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator
from scipy import special

from estimates.errors import StudyError
from estimates.reports import Noun
from estimates.units import DATE

type Real = float | dt.date

FAMILIES: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "uniform": (frozenset({"lower", "upper"}), frozenset()),
    "normal": (frozenset({"q05", "q95"}), frozenset({"lower", "upper"})),
    "lognormal": (frozenset({"q05", "q95"}), frozenset({"lower", "upper"})),
    "halfnormal": (frozenset({"q95"}), frozenset({"upper"})),
    "beta": (frozenset({"q05", "q95"}), frozenset()),
    "gamma": (frozenset({"q05", "q95"}), frozenset({"lower", "upper"})),
    "student_t": (frozenset({"q05", "q95", "df"}), frozenset({"lower", "upper"})),
    "fixed": (frozenset({"value"}), frozenset()),
}
"""Each family, the fields it needs and the fields it may have."""

ON_THE_WHOLE_LINE = {"uniform", "normal", "student_t", "fixed"}
"""Families that dates may take: those that are as they are wherever 0 lies."""

_TOLERANCE = 1e-9
_LOW, _HIGH = 0.05, 0.95


@dataclass(frozen=True)
class Distribution:
    """A solved prior: a family with parameters, truncated to ``[lower, upper]``.

    Parameters
    ----------
    family : str
        A key of `FAMILIES`.
    parameters : tuple of float
        As PyMC names them: normal, lognormal (mu, sigma); halfnormal (sigma,); uniform
        (lower, upper); beta, gamma (alpha, beta); student_t (nu, mu, sigma); fixed (value,).
    lower, upper : float
        The truncation; infinite where there is none.
    """

    family: str
    parameters: tuple[float, ...]
    lower: float = -math.inf
    upper: float = math.inf

    @property
    def is_truncated(self) -> bool:
        """Whether a finite bound cuts the family's own support."""
        return math.isfinite(self.lower) or math.isfinite(self.upper)

    def quantile(self, probability: ArrayLike) -> NDArray[np.float64]:
        """The value below which `probability` of the truncated prior lies.

        Q(p) = F^-1(F(lower) + p (F(upper) - F(lower))), computed in the tail where the differences
        are of small numbers.
        """
        p = np.asarray(probability, dtype=float)
        if self.family == "fixed":
            return np.full_like(p, self.parameters[0])
        below, inverse, above, inverse_above = _tails(self.family, self.parameters)
        low, high = below(self.lower), below(self.upper)
        if low < 0.5:
            return np.asarray(inverse(low + p * (high - low)))
        low, high = above(self.lower), above(self.upper)
        return np.asarray(inverse_above(low + p * (high - low)))

    def cumulative(self, value: ArrayLike) -> NDArray[np.float64]:
        """The probability of the truncated prior at or below `value`."""
        x = np.clip(np.asarray(value, dtype=float), self.lower, self.upper)
        if self.family == "fixed":
            return np.where(np.asarray(value) >= self.parameters[0], 1.0, 0.0)
        below, _, above, _ = _tails(self.family, self.parameters)
        low, high = below(self.lower), below(self.upper)
        if low < 0.5:
            return np.asarray((below(x) - low) / (high - low))
        low, high = above(self.lower), above(self.upper)
        return np.asarray((low - above(x)) / (low - high))


type _Tail = Callable[[Any], Any]


def _tails(family: str, parameters: tuple[float, ...]) -> tuple[_Tail, _Tail, _Tail, _Tail]:
    """The distribution function, its inverse, the survival function and its inverse."""
    match family:
        case "normal":
            mu, sigma = parameters
            return _symmetric(special.ndtr, special.ndtri, mu, sigma)
        case "student_t":
            nu, mu, sigma = parameters
            return _symmetric(lambda z: special.stdtr(nu, z), lambda p: special.stdtrit(nu, p), mu, sigma)
        case "lognormal":
            mu, sigma = parameters
            below, inverse, above, inverse_above = _symmetric(special.ndtr, special.ndtri, mu, sigma)

            def log(x: ArrayLike) -> NDArray[np.float64]:
                with np.errstate(divide="ignore"):
                    return np.log(np.maximum(x, 0.0))

            return (
                lambda x: below(log(x)),
                lambda p: np.exp(inverse(p)),
                lambda x: above(log(x)),
                lambda p: np.exp(inverse_above(p)),
            )
        case "halfnormal":
            (sigma,) = parameters
            return (
                lambda x: special.erf(np.maximum(x, 0.0) / (sigma * math.sqrt(2))),
                lambda p: sigma * math.sqrt(2) * special.erfinv(p),
                lambda x: special.erfc(np.maximum(x, 0.0) / (sigma * math.sqrt(2))),
                lambda p: sigma * math.sqrt(2) * special.erfcinv(p),
            )
        case "uniform":
            lower, upper = parameters
            width = upper - lower
            return (
                lambda x: np.clip((np.asarray(x) - lower) / width, 0, 1),
                lambda p: lower + np.asarray(p) * width,
                lambda x: np.clip((upper - np.asarray(x)) / width, 0, 1),
                lambda p: upper - np.asarray(p) * width,
            )
        case "beta":
            a, b = parameters
            return (
                lambda x: special.betainc(a, b, np.clip(x, 0, 1)),
                lambda p: special.betaincinv(a, b, p),
                lambda x: special.betaincc(a, b, np.clip(x, 0, 1)),
                lambda p: special.betainccinv(a, b, p),
            )
        case "gamma":
            a, b = parameters
            return (
                lambda x: special.gammainc(a, b * np.maximum(x, 0.0)),
                lambda p: special.gammaincinv(a, p) / b,
                lambda x: special.gammaincc(a, b * np.maximum(x, 0.0)),
                lambda p: special.gammainccinv(a, p) / b,
            )
    raise AssertionError(family)


def _symmetric(cdf: _Tail, inverse: _Tail, mu: float, sigma: float) -> tuple[_Tail, _Tail, _Tail, _Tail]:
    return (
        lambda x: cdf((x - mu) / sigma),
        lambda p: mu + sigma * inverse(p),
        lambda x: cdf(-(x - mu) / sigma),
        lambda p: mu - sigma * inverse(p),
    )


class Prior(Noun):
    """A family with its quantiles or bounds, as a person would state them."""

    family: Literal["uniform", "normal", "lognormal", "halfnormal", "beta", "gamma", "student_t", "fixed"] = (
        Field(description="The shape of the prior.")
    )
    q05: Real | None = Field(default=None, description="5 % of the prior lies below, after truncation.")
    q95: Real | None = Field(default=None, description="95 % of the prior lies below, after truncation.")
    lower: Real | None = Field(default=None, description="Impossible below.")
    upper: Real | None = Field(default=None, description="Impossible above.")
    value: Real | None = Field(default=None, description="For 'fixed': the value.")
    df: float | None = Field(default=None, description="For 'student_t': degrees of freedom, above 1.")

    @model_validator(mode="after")
    def _fields_of_the_family(self) -> Self:
        needed, optional = FAMILIES[self.family]
        given = {name for name in Prior.model_fields if name != "family" and getattr(self, name) is not None}
        wording = " and ".join(sorted(needed)) + (
            f"; may have {', '.join(sorted(optional))}" if optional else ""
        )
        for name in sorted(needed - given):
            raise StudyError(f"{self.family} without {name}", remedy=f"It needs {wording}.")
        for name in sorted(given - needed - optional):
            raise StudyError(f"{self.family} with {name}", remedy=f"It needs {wording}.")
        kinds = {isinstance(getattr(self, name), dt.date) for name in given - {"df"}}
        if len(kinds) > 1:
            raise StudyError("dates mixed with numbers", remedy="Write all of q05, q95, lower, upper alike.")
        if self.is_dated and self.family not in ON_THE_WHOLE_LINE:
            raise StudyError(
                f"{self.family} of dates", remedy="Dates take uniform, normal, student_t or fixed."
            )
        self._in_order()
        return self

    def toml(self) -> str:
        """The prior as it is written between braces in a study file."""
        stated = self.model_dump(exclude_none=True, exclude={"family"})
        return ", ".join(
            [f'family = "{self.family}"', *(f"{name} = {value}" for name, value in stated.items())]
        )

    @property
    def is_dated(self) -> bool:
        """Whether the prior is stated in dates."""
        return any(isinstance(getattr(self, name), dt.date) for name in Prior.model_fields)

    def _in_order(self) -> None:
        numbers = {name: getattr(self, name) for name in ("lower", "q05", "q95", "upper", "value", "df")}
        stated = {name: number for name, number in numbers.items() if number is not None}
        for name, number in stated.items():
            if isinstance(number, float) and not math.isfinite(number):
                raise StudyError(
                    f"{name} = {number}", remedy="Quantiles and bounds are finite; leave a bound out."
                )
            if isinstance(number, float) and number and not 1e-100 < abs(number) < 1e100:
                raise StudyError(
                    f"{name} = {number}", remedy="Choose a unit in which the numbers are ordinary."
                )
        ladder = [(name, stated[name]) for name in ("lower", "q05", "q95", "upper") if name in stated]
        for (low, below), (high, above) in pairwise(ladder):
            if not below < above:
                raise StudyError(
                    f"{low} = {below} is not below {high} = {above}", remedy="lower < q05 < q95 < upper."
                )
        positive = self.family in ("lognormal", "gamma", "halfnormal", "beta")
        for name in ("q05", "q95"):
            if positive and name in stated and not stated[name] > 0:
                raise StudyError(f"{name} = {stated[name]}", remedy=f"A {self.family} lies above 0.")
        if self.family == "beta" and not stated["q95"] < 1:
            raise StudyError(f"q95 = {stated['q95']}", remedy="A beta is a share between 0 and 1.")
        if self.df is not None and not self.df > 1:
            raise StudyError(
                f"df = {self.df:g}", remedy="Degrees of freedom are above 1; 4 is a common choice."
            )

    def solve(self, number: Callable[[Real], float] = float) -> Distribution:  # type: ignore[assignment]
        """The distribution whose quantiles after truncation are those stated.

        Parameters
        ----------
        number : callable
            Turns a stated quantile or bound into the number to compute with: days since the epoch
            for dates, another unit for numbers.

        Raises
        ------
        StudyError
            When no member of the family meets the quantiles; it says what the nearest one gives.
        """
        stated = {
            name: number(getattr(self, name))
            for name in ("q05", "q95", "lower", "upper", "value")
            if getattr(self, name) is not None
        }
        try:
            with np.errstate(all="ignore"):
                return _solve(self.family, tuple(sorted(stated.items())), self.df or 0.0)
        except ArithmeticError:
            raise StudyError(
                f"no {self.family} can be computed for these quantiles",
                remedy="They are too close together or too far apart: change them, or take uniform.",
            ) from None


@cache
def _solve(family: str, stated: tuple[tuple[str, float], ...], df: float) -> Distribution:
    given = dict(stated)
    lower, upper = given.get("lower", -math.inf), given.get("upper", math.inf)
    match family:
        case "fixed":
            return Distribution("fixed", (given["value"],))
        case "uniform":
            return Distribution("uniform", (lower, upper))
        case "halfnormal":
            return _halfnormal(given["q95"], upper)
    low, high = given["q05"], given["q95"]
    start, build = _start(family, low, high, df)
    width = high - low

    def distribution(theta: NDArray[np.float64]) -> Distribution:
        return Distribution(family, build(theta), lower, upper)

    def misses(theta: NDArray[np.float64]) -> NDArray[np.float64]:
        return (distribution(theta).quantile([_LOW, _HIGH]) - [low, high]) / width

    theta = _newton(misses, start)
    error = misses(theta)
    if not np.max(np.abs(error)) < _TOLERANCE:
        met = distribution(theta).quantile([_LOW, _HIGH])
        raise StudyError(
            f"no {family} within the bounds has 5 % below {low:g} and 95 % below {high:g}",
            remedy=(
                f"The nearest found has {met[0]:.4g} and {met[1]:.4g}, off by {met[0] - low:+.3g} and "
                f"{met[1] - high:+.3g}. Widen the bounds, narrow the quantiles, or take uniform."
            ),
        )
    return distribution(theta)


def _halfnormal(q95: float, upper: float) -> Distribution:
    def misses(theta: NDArray[np.float64]) -> NDArray[np.float64]:
        solved = Distribution("halfnormal", (math.exp(theta[0]),), -math.inf, upper)
        return solved.quantile([_HIGH]) / q95 - 1

    theta = _newton(misses, np.array([math.log(q95 / 1.959963984540054)]))
    if not abs(misses(theta)[0]) < _TOLERANCE:
        raise StudyError(
            f"no halfnormal below {upper:g} has 95 % below {q95:g}",
            remedy=f"At most {_HIGH * upper:.4g} is possible; or take uniform.",
        )
    return Distribution("halfnormal", (math.exp(theta[0]),), -math.inf, upper)


type _Parameters = Callable[[NDArray[np.float64]], tuple[float, ...]]


def _start(family: str, low: float, high: float, df: float) -> tuple[NDArray[np.float64], _Parameters]:
    """Where to begin, from the untruncated family or its moments, and how to read the point."""
    z = 1.6448536269514722
    if family == "beta":
        mean, sd = (low + high) / 2, (high - low) / (2 * z)
        total = max(mean * (1 - mean) / sd**2 - 1, 0.5)
        return np.log([mean * total, (1 - mean) * total]), lambda t: (math.exp(t[0]), math.exp(t[1]))
    if family == "gamma":
        alpha = (2 * z / math.log(high / low)) ** 2
        return np.log([alpha, alpha / math.sqrt(low * high)]), lambda t: (math.exp(t[0]), math.exp(t[1]))
    if family == "lognormal":
        low, high = math.log(low), math.log(high)
    if family == "student_t":
        z = float(special.stdtrit(df, _HIGH))
    centre, spread = (low + high) / 2, (high - low) / 2
    before = (df,) if family == "student_t" else ()
    return np.array([0.0, 0.0]), lambda t: (
        *before,
        float(centre + spread * t[0]),
        float(spread / z * math.exp(t[1])),
    )


def _newton(
    misses: Callable[[NDArray[np.float64]], NDArray[np.float64]], start: NDArray[np.float64]
) -> NDArray[np.float64]:
    """A damped Newton search for the root; the best point found, be it a root or not.

    Numerical slopes and a step that is halved until it helps: two smooth equations in two unknowns
    do not justify the import of an optimiser, which would double the time of a check.
    """
    here, error = start, misses(start)
    for _ in range(100):
        steps = 1e-6 * np.eye(len(here))
        slopes = np.column_stack([(misses(here + step) - misses(here - step)) / 2e-6 for step in steps])
        if not np.all(np.isfinite(slopes)) or np.linalg.cond(slopes) > 1e14:
            break
        direction = np.clip(-np.linalg.solve(slopes, error), -2, 2)
        for shrink in 0.5 ** np.arange(30):
            tried = misses(here + shrink * direction)
            if np.all(np.isfinite(tried)) and np.linalg.norm(tried) < np.linalg.norm(error):
                here, error = here + shrink * direction, tried
                break
        else:
            break
        if np.max(np.abs(error)) < 1e-13:
            break
    return here


class Assumption(Noun):
    """A named unknown with its unit, its prior and the reason for it."""

    unit: str = Field(description="Its unit, such as tonne/container, kg/round, date or dimensionless.")
    prior: Prior
    basis: str = Field(description="Why this prior: the facts, with where they stand.", min_length=1)
    source: str = Field(default="", description="The address of the main source.")
    judgement: bool = Field(default=False, description="True where no source exists.")

    @model_validator(mode="after")
    def _dates_for_dates(self) -> Self:
        if (self.unit == DATE) != self.prior.is_dated:
            raise StudyError(
                f"unit {self.unit!r} with a prior stated in {'dates' if self.prior.is_dated else 'numbers'}",
                remedy='Dates as 2024-02-26 go with unit = "date", numbers with every other unit.',
            )
        return self


@dataclass(frozen=True)
class ModelAssumption:
    """An assumption whose name and unit models agree upon.

    Parameters
    ----------
    unit : str
        With ``{carrier}`` where the study's own unit of carriers goes.
    meaning : str
        What it stands for.
    prior : str
        A prior to start from, as TOML, with ``{early}`` and ``{late}`` for dates of the study.
    """

    unit: str
    meaning: str
    prior: str

    def block(self, name: str, carrier: str, dates: tuple[dt.date, dt.date]) -> str:
        """A TOML block to paste into a study that lacks it."""
        prior = self.prior.format(early=dates[0], late=dates[1])
        return (
            f"[assumption.{name}]\n"
            f'unit = "{self.unit.format(carrier=carrier)}"\n'
            f"prior = {{ {prior} }}\n"
            f'basis = "{self.meaning} Say why these numbers."\n'
            "judgement = true"
        )


MODEL_ASSUMPTIONS: dict[str, ModelAssumption] = {
    "first_shipment": ModelAssumption(
        "date", "The day the first carriers went.", 'family = "uniform", lower = {early}, upper = {late}'
    ),
    "daily_rate": ModelAssumption(
        "{carrier}/day",
        "Carriers a day, in the model's own sense (see its page).",
        'family = "lognormal", q05 = 5, q95 = 180',
    ),
    "later_rate": ModelAssumption(
        "{carrier}/day", "Carriers a day after the knot day.", 'family = "lognormal", q05 = 5, q95 = 180'
    ),
    "growth_rate": ModelAssumption(
        "1/day",
        "Exponential growth of the pace, a day.",
        'family = "normal", q05 = -0.006334, q95 = 0.006334',
    ),
    "containers_per_voyage": ModelAssumption(
        "{carrier}", "Carriers that arrive together.", 'family = "lognormal", q05 = 120, q95 = 480'
    ),
    "reporting_lag": ModelAssumption(
        "day",
        "Time from the day a count was current to its publication.",
        'family = "lognormal", q05 = 1, q95 = 30',
    ),
    "issuer_bias": ModelAssumption(
        "dimensionless",
        "Log of over- or under-count that one issuer carries from report to report.",
        'family = "normal", q05 = -0.329, q95 = 0.329',
    ),
    "common_bias": ModelAssumption(
        "dimensionless",
        "Log of over- or under-count that all issuers of a quantity share.",
        'family = "normal", q05 = -0.247, q95 = 0.247',
    ),
    "report_scatter": ModelAssumption(
        "dimensionless",
        "Relative error of a single report beyond its issuer's bias.",
        'family = "halfnormal", q95 = 0.098',
    ),
}
"""The names and units that shelf models and the report likelihood use."""
