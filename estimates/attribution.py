"""Which assumption carries the answer: what knowing each would do to an interval and to every claim."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import special

from estimates import notebook, shares
from estimates.assumptions import MODEL_ASSUMPTIONS, Distribution
from estimates.errors import EngineError, QuestionError, StudyError, choices
from estimates.estimate import SPREAD, Estimate, Measured
from estimates.files import finite
from estimates.inference import infer
from estimates.quantities import dependencies
from estimates.seeds import generator
from estimates.study import Study
from estimates.study.rereading import counted_twice
from estimates.words import label, listed, number, scale, spoken_interval, titled, units
from estimates.workers import Progress

type Array = NDArray[np.float64]

GROUPS = ("level", "trend", "load")

LEVEL = ("issuer_bias", "common_bias")
"""The assumptions on the level of counts. Other fitted ones are on the trend, and the rest on the load."""


@dataclass(frozen=True)
class Driver:
    """An assumption, and what knowing it would do.

    Attributes
    ----------
    label : str
        Its name, with the entry where there is one for each issuer.
    group : str
        ``"level"``, ``"trend"`` or ``"load"``.
    is_judgement : bool
        Whether it has no source.
    share : Measured
        The first-order share of the variance of the quantity, on the scale that `Sensitivity.is_log` tells.
    width : float
        The expected width of the 89 % interval once it is known, in the unit of the quantity.
    falls : mapping
        Claim -> the expected fall of p (1 - p) once it is known, as a share.
    prior_scaling : float or None
        How far the quantity moves with the strength of this prior alone; None for uniform priors, which
        have no strength, and where there are several entries.
    """

    name: str
    label: str
    group: str
    is_judgement: bool
    share: Measured
    width: float
    falls: Mapping[str, float]
    prior_scaling: float | None


@dataclass(frozen=True)
class Sensitivity:
    """What carries an answer.

    Attributes
    ----------
    spread : tuple of float
        Lower end, median and upper end of the 89 % interval of the quantity.
    drivers : tuple of Driver
        Those that would narrow the interval most first.
    groups : mapping
        Level, trend and load: their Shapley shares of the variance.
    judgement : float
        The Shapley share of the assumptions without a source.
    likelihood_scaling : float
        How far the quantity moves with the strength of the reports.
    twice : tuple of float or None
        The 89 % interval if derived and relayed numbers had been counted as data of their own; None where
        there are none, or where that could not be fitted; `not_twice` then says why.
    is_log : bool
        Whether shares are of the variance of the log; of the quantity itself where some draw is not above 0.
    """

    estimate: Estimate
    quantity: str
    at: str | None
    spread: tuple[float, float, float]
    drivers: tuple[Driver, ...]
    groups: Mapping[str, float]
    judgement: float
    likelihood_scaling: float | None
    is_log: bool
    twice: tuple[float, float, float] | None
    not_twice: str

    @property
    def width(self) -> float:
        """The width of the 89 % interval as it is."""
        return self.spread[2] - self.spread[0]

    def sentences(self) -> Iterator[str]:
        """What was found, in sentences fit to quote."""
        study, best = self.estimate.study, self.drivers[0]
        says = study.quantities[self.quantity].says if self.quantity in study.quantities else ""
        name, unit = label(self.quantity, says, longest=80), units(study.unit_of(self.quantity))
        size, word = scale(self.width)
        now, then = (number(w / size, self.width / size / 2) for w in (self.width, best.width))
        end = " ".join(filter(None, (word, unit)))
        interval = f"the 89 % interval of {name}"
        if then == now:
            yield f"No one assumption, once known, would narrow {interval}: its width stays {now} {end}."
        else:
            yield (
                f"Knowing {best.label} would narrow {interval} from a width of {now} to {then} {end}, more "
                "than any other assumption."
            )
        groups = sorted(self.groups, key=lambda group: -self.groups[group])
        yield (
            f"Of its spread {listed([f'{_per_cent(self.groups[g])} lies in the {g}' for g in groups])}; "
            f"{_per_cent(self.judgement)} rests on judgement, without a source."
        )
        if self.not_twice:
            yield f"What counting derived numbers twice would have done is not known: {self.not_twice}."
        if self.twice is not None:
            once, twice = (spoken_interval(row[0], row[2]) for row in (self.spread, self.twice))
            then = f"have been {twice} in place of {once}" if twice != once else f"still have been {once}"
            yield f"With derived and relayed numbers counted as data of their own it would {then}."

    def _repr_html_(self) -> str:
        """What a notebook shows: what was found in sentences, and what knowing each assumption would do."""
        study, conditions = self.estimate.study, self.estimate.conditions
        unit = units(study.unit_of(self.quantity))
        width = f"width once known{f', {unit}' if unit else ''}"
        cells = [
            [
                driver.label,
                driver.group,
                _per_cent(driver.share.value),
                number(driver.width, self.width / 2),
                "judgement" if driver.is_judgement else "sourced",
            ]
            for driver in self.drivers
        ]
        columns = ["assumption", "part of", "share of the variance", width, "basis"]
        return notebook.shown(
            titled(study.title, study.variant_name),
            [
                *map(notebook.note, self.sentences()),
                notebook.table(columns, cells, right=columns[2:4]),
                notebook.note(
                    f"Trust: {conditions.trust.verdict}. Model {conditions.model}, seed {conditions.seed}, "
                    f"study {study.fingerprint}."
                ),
            ],
        )

    def document(self) -> dict[str, Any]:
        """The result as the JSON document of ``estimates sensitivity --json``."""
        study, conditions = self.estimate.study, self.estimate.conditions
        spread = ("lower", "median", "upper")
        return {
            "schema": 1,
            "study": study.name,
            "fingerprint": study.fingerprint,
            "data_digest": study.data_digest,
            "variant": study.variant_name,
            "model": conditions.model,
            "seed": conditions.seed,
            "trust": conditions.trust.verdict,
            "quantity": self.quantity,
            "at": self.at,
            "unit": study.unit_of(self.quantity),
            "says": " ".join(self.sentences()),
            "spread": dict(zip(spread, self.spread, strict=True)),
            "width": self.width,
            "drivers": [
                {
                    "assumption": driver.name,
                    "label": driver.label,
                    "group": driver.group,
                    "judgement": driver.is_judgement,
                    "share": {"value": driver.share.value, "mcse": driver.share.mcse},
                    "width": driver.width,
                    "falls": dict(driver.falls),
                    "prior_scaling": driver.prior_scaling,
                }
                for driver in self.drivers
            ],
            "groups": dict(self.groups),
            "judgement": self.judgement,
            "likelihood_scaling": self.likelihood_scaling,
            "scale": "log" if self.is_log else "linear",
            "counted_twice": dict(zip(spread, self.twice, strict=True)) if self.twice else None,
        }


def _per_cent(share: float) -> str:
    return f"{100 * share:.0f} %"


def sensitivity(
    study: Study,
    model: str | Path = "steady",
    *,
    quantity: str | None = None,
    at: str | None = None,
    seed: int = 1,
    progress: Progress | None = None,
) -> Sensitivity:
    """Which assumptions an answer hangs on.

    Parameters
    ----------
    quantity : str, optional
        A quantity of the study, or its carriers; without it, what the study leads with.
    at : str, optional
        A report or a day, for what changes from day to day; without it, the last fitted report.
    seed, progress
        As in `infer`.

    Returns
    -------
    Sensitivity

    Raises
    ------
    QuestionError
        For an unknown quantity, or one that rests on nothing uncertain.
    """
    name = quantity or study.leading[0]
    known = [study.carriers.name, *study.quantities]
    if name not in known:
        raise QuestionError(f"unknown quantity {name!r}", remedy=choices(name, known))
    day = at or (study.fitted[-1].id if study.needs_day(name) else None)
    tell = progress or (lambda share, words: None)
    tell(0.0, "fitting")
    estimate = infer(study, model, seed=seed, at=[day] if day else [])
    draws = np.asarray(estimate.quantity(name, day), dtype=float)
    tell(0.6, "smoothing")
    return _attributed(estimate, name, day, draws, _twice(study, model, name, day, seed))


type Spread = tuple[float, float, float]


def _twice(
    study: Study, model: str | Path, name: str, day: str | None, seed: int
) -> tuple[Spread | None, str]:
    """The interval with derived numbers as data, or why there is none."""
    again = counted_twice(study)
    if again is None:
        return None, ""
    try:
        fitted = infer(again, model, seed=seed, at=[day] if day else [])
    except (StudyError, EngineError) as error:
        return None, error.what
    return _spread(np.asarray(fitted.quantity(name, day))), ""


def _attributed(
    estimate: Estimate,
    name: str,
    day: str | None,
    draws: Array,
    counted: tuple[Spread | None, str],
) -> Sensitivity:
    study, seed = estimate.study, estimate.conditions.seed
    inputs = list(_inputs(estimate, name))
    if not inputs or float(np.ptp(draws)) == 0:
        raise QuestionError(f"{name} rests on nothing uncertain", remedy="There is nothing to find out.")
    flat = draws.ravel()
    is_log = bool(np.all(flat > 0))
    logs = np.log(flat) if is_log else flat
    claims = {claim: holds for claim in study.claims if (holds := _holds(estimate, claim)) is not None}
    scaling = _Scaling(estimate, draws)
    effective = min(estimate.trust.ess, float(flat.size))
    drivers = [
        Driver(
            name=one.name,
            label=one.label,
            group=one.group,
            is_judgement=one.is_judgement,
            share=shares.first_order(one.draws, logs, generator(seed, "bootstrap", one.label), effective),
            width=shares.width_known(one.draws, flat),
            falls={claim: shares.fall_known(one.draws, holds) for claim, holds in claims.items()},
            prior_scaling=scaling.of_prior(one.name),
        )
        for one in inputs
        if one.is_assumption
    ]
    groups = {group: [one.draws for one in inputs if one.group == group] for group in GROUPS}
    judged = [one.draws for one in inputs if one.is_judgement]
    sourced = [one.draws for one in inputs if not one.is_judgement]
    return Sensitivity(
        estimate=estimate,
        quantity=name,
        at=day,
        spread=_spread(flat),
        drivers=tuple(sorted(drivers, key=lambda driver: driver.width)),
        groups=shares.shapley(groups, logs),
        judgement=shares.shapley({"judgement": judged, "sourced": sourced}, logs).get("judgement", 0.0),
        likelihood_scaling=scaling.of_likelihood(),
        is_log=is_log,
        twice=counted[0],
        not_twice=counted[1],
    )


def _spread(draws: Array) -> tuple[float, float, float]:
    lower, median, upper = np.quantile(draws, SPREAD)
    return float(lower), float(median), float(upper)


def _holds(estimate: Estimate, claim: str) -> Array | None:
    try:
        return np.asarray(estimate.holds(claim), dtype=float).ravel()
    except QuestionError:  # on an unknown that this model does not have
        return None


@dataclass(frozen=True)
class _Input:
    """An unknown, or one entry of it, with its draws."""

    name: str
    label: str
    group: str
    is_assumption: bool
    is_judgement: bool
    draws: Array


def _inputs(estimate: Estimate, quantity: str) -> Iterator[_Input]:
    """The unknowns that a quantity rests on: those in its formula, and all that is fitted behind carriers."""
    study = estimate.study
    named = {quantity, *dependencies(quantity, study.quantities)}
    fitted = set(estimate.data["posterior"].attrs["fitted"].split(","))
    behind = study.carriers.name in named or bool(named & fitted)
    for text, name, draws in estimate.scalars():
        if name not in named and not (behind and (name in fitted or name not in study.assumptions)):
            continue
        known = name in study.assumptions
        is_load = known and name not in MODEL_ASSUMPTIONS
        group = "level" if name in LEVEL else "load" if is_load else "trend"
        judged = known and study.assumptions[name].judgement
        yield _Input(name, text, group, known, judged, np.asarray(draws, dtype=float).ravel())


# ---- power-scaling -----------------------------------------------------------------------------


class _Scaling:
    """ArviZ's power-scaling of single priors, and of the reports, for the draws of one quantity."""

    def __init__(self, estimate: Estimate, draws: Array) -> None:
        self.estimate = estimate
        self.dims = ("chain", "draw")
        self.answer = xr.Dataset({"answer": (self.dims, draws)})

    def of_prior(self, name: str) -> float | None:
        """How far the answer moves with the strength of one prior."""
        values = self.estimate.data["posterior"][name]
        prior = self.estimate.study.distribution(name)
        if prior.family in ("uniform", "fixed") or values.ndim != 2:
            return None
        log_prior = xr.Dataset({name: (self.dims, log_density(prior, np.asarray(values, dtype=float)))})
        return self._moved("prior", {"log_prior": log_prior}, [name])

    def of_likelihood(self) -> float | None:
        """How far the answer moves with the strength of the reports."""
        if "log_likelihood" not in self.estimate.data.children:
            return None
        group = self.estimate.data["log_likelihood"].to_dataset()
        return self._moved("likelihood", {"log_likelihood": group}, list(map(str, group.data_vars)))

    def _moved(self, group: str, more: dict[str, xr.Dataset], names: list[str]) -> float | None:
        from arviz_stats import psense

        tree = xr.DataTree.from_dict({"posterior": self.answer, **more})
        found = psense(tree, var_names=["answer"], group=group, group_var_names=names)
        return finite(float(found["answer"]))


def log_density(prior: Distribution, values: Array) -> Array:
    """The log density of a prior up to a constant, which a power of it does not see."""
    match prior.family, prior.parameters:
        case "normal", (mu, sigma):
            return -0.5 * np.square((values - mu) / sigma)
        case "lognormal", (mu, sigma):
            return -0.5 * np.square((np.log(values) - mu) / sigma) - np.log(values)
        case "halfnormal", (sigma,):
            return -0.5 * np.square(values / sigma)
        case "beta", (alpha, beta):
            return np.asarray(special.xlogy(alpha - 1, values) + special.xlog1py(beta - 1, -values))
        case "gamma", (alpha, beta):
            return np.asarray(special.xlogy(alpha - 1, values) - beta * values)
        case "student_t", (nu, mu, sigma):
            return -(nu + 1) / 2 * np.log1p(np.square((values - mu) / sigma) / nu)
    return np.zeros_like(values)
