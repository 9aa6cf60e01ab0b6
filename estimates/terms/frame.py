"""The words a model file is written in: a frame, assumptions, days and a flow."""

import datetime as dt
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from estimates.errors import ModelError
from estimates.quantities import evaluate
from estimates.reports import Report
from estimates.study import Study
from estimates.terms.likelihood import RULES, interval_logp, print_reports

REPORTS = "reports"
"""The name of the observed variable."""


class Frame(pm.Model):
    """A PyMC model that knows its study."""

    study: Study


def frame(study: Study) -> Frame:
    """An empty model of `study`, to be used in a ``with`` statement.

    Its coordinates are ``report`` (ids of the fitted reports), ``issuer``, and ``day`` (datetime64:
    a weekly grid to the horizon, published days, and days that claims or the caller ask for).
    """
    model = Frame(
        coords={
            "report": [report.id for report in study.fitted],
            "day": np.array(study.days, dtype="datetime64[ns]"),
            "issuer": _unique([report.issuer for report in study.fitted]),
        }
    )
    model.study = study
    return model


def assumption(name: str, *, dims: str | None = None) -> pt.TensorVariable:
    """The unknown of this name with the study's prior, in the unit that models use.

    Parameters
    ----------
    name : str
        An assumption of the study. Asking twice gives the same variable.
    dims : str, optional
        A coordinate, for one unknown of this prior per entry.

    Raises
    ------
    StudyError
        When the study has none of this name, with a TOML block to paste.
    """
    model = _frame()
    if name in model.named_vars:
        return model[name]
    distribution = model.study.distribution(name)
    parameters = pm.Data(f"{name}_prior", np.array(distribution.parameters, dtype=float))
    if distribution.family == "fixed":
        value = parameters[0] if dims is None else pt.repeat(parameters[0], len(model.coords[dims]))
        return pm.Deterministic(name, value, dims=dims)
    kind, *words = _FAMILIES[distribution.family]
    values = {word: parameters[index] for index, word in enumerate(words)}
    if not distribution.is_truncated:
        return kind(name, **values, dims=dims)
    bounds = [
        pm.Data(f"{name}_{side}", float(bound)) if np.isfinite(bound) else None
        for side, bound in (("lower", distribution.lower), ("upper", distribution.upper))
    ]
    if distribution.family == "normal":
        return pm.TruncatedNormal(name, **values, lower=bounds[0], upper=bounds[1], dims=dims)
    return pm.Truncated(name, kind.dist(**values), lower=bounds[0], upper=bounds[1], dims=dims)


_FAMILIES: dict[str, tuple[Any, ...]] = {
    "uniform": (pm.Uniform, "lower", "upper"),
    "normal": (pm.Normal, "mu", "sigma"),
    "lognormal": (pm.LogNormal, "mu", "sigma"),
    "halfnormal": (pm.HalfNormal, "sigma"),
    "beta": (pm.Beta, "alpha", "beta"),
    "gamma": (pm.Gamma, "alpha", "beta"),
    "student_t": (pm.StudentT, "nu", "mu", "sigma"),
}


def day(at: str | dt.date) -> pt.TensorVariable:
    """A day as data, in days since the epoch: ``"knot"``, a report id (its publication) or a date."""
    model = _frame()
    name = f"day_{at}"
    if name in model.named_vars:
        return model[name]
    return pm.Data(name, model.study.day_number(model.study.date_of(at)))


def flow(carriers: Callable[[pt.TensorVariable], pt.TensorVariable]) -> pt.TensorVariable:
    """How carriers accumulate; the reports and the quantities follow.

    Parameters
    ----------
    carriers : callable
        Called once with all days needed, a vector in days since the epoch; gives the number of
        carriers shipped by each, a vector of the same length. It must not decrease.

    Returns
    -------
    tensor (day,)
        Carriers on the days of the coordinate ``day``.
    """
    model = _frame()
    study = model.study
    reports = study.fitted
    if REPORTS in model.named_vars:
        raise ModelError(
            "terms.flow is called twice", remedy="A model has one flow: add them up in one function."
        )
    counted_since = [index for index, report in enumerate(reports) if report.since]
    as_of = [report.as_of[0] if report.as_of else report.published for report in reports]
    since = [reports[index].since for index in counted_since]
    known = pm.Data("days", _days(study, [*as_of, *since, *study.days]))
    # One call, as a flow with chance in it needs; the parts are then told apart by position.
    shipped = carriers(_less_their_lag(known, reports))
    if getattr(shipped, "ndim", None) != 1:
        raise ModelError(
            "the flow gives no vector",
            remedy="terms.flow(f): f takes the vector of days, gives one of that length.",
        )
    first, last = len(reports), len(reports) + len(counted_since)
    shipped = pt.specify_shape(shipped, last + len(study.days))
    by_report = shipped[:first]
    if counted_since:
        by_report = pt.inc_subtensor(by_report[np.array(counted_since)], -shipped[first:last])
    by_day = pm.Deterministic(study.carriers.name, shipped[last:], dims="day")
    _observe(reports, _levels(reports, by_report))
    _add_quantities(by_day)
    return by_day


def _frame() -> Frame:
    model = pm.modelcontext(None)
    if not isinstance(model, Frame):
        raise ModelError("terms are used outside a frame", remedy="with terms.frame(study) as model: ...")
    return model


def _unique(words: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(words))


def _days(study: Study, dates: Sequence[dt.date | None]) -> np.ndarray:
    return np.array([study.day_number(date) for date in dates if date is not None], dtype=float)


def _less_their_lag(days: pt.TensorVariable, reports: Sequence[Report]) -> pt.TensorVariable:
    """The days, the first of which become those the reports speak of.

    A report speaks of a given day, of some day in a window, or of its publication minus the lag of
    its issuer. The vector is changed in place of being joined from parts, which is slow in a batch.
    """
    width = np.array([(r.as_of[1] - r.as_of[0]).days if r.as_of else 0 for r in reports], dtype=float)
    if width.any():
        windowed = np.flatnonzero(width)
        _frame().add_coord("windowed", [reports[int(i)].id for i in windowed])
        place = pm.Uniform("as_of_place", 0.0, np.ones(len(windowed)), dims="windowed")
        days = pt.inc_subtensor(days[windowed], place * pm.Data("as_of_width", width[windowed]))
    lagging = [index for index, report in enumerate(reports) if report.as_of is None]
    if not lagging:
        return days
    issuers = _unique([reports[i].issuer for i in lagging])
    if len(issuers) == 1:
        lag = assumption("reporting_lag")
    else:
        _frame().add_coord("undated_issuer", issuers)
        lag = assumption("reporting_lag", dims="undated_issuer")[
            np.array([issuers.index(reports[i].issuer) for i in lagging])
        ]
    return pt.inc_subtensor(days[np.array(lagging)], -lag)


def _levels(reports: Sequence[Report], carriers: pt.TensorVariable) -> pt.TensorVariable:
    """The true value of what each report measures, in the unit of that quantity."""
    study = _frame().study
    levels = pt.zeros(len(reports))
    for name in _unique([report.measures for report in reports]):
        where = np.array([i for i, report in enumerate(reports) if report.measures == name])
        leaf = partial(_leaf, carriers=carriers[where])
        value = evaluate(name, study.quantities, leaf, study.factor)
        levels = pt.set_subtensor(levels[where], value)
    return levels


def _leaf(name: str, carriers: pt.TensorVariable) -> pt.TensorVariable:
    return carriers if name == _frame().study.carriers.name else assumption(name)


def _biases(reports: Sequence[Report]) -> pt.TensorVariable:
    """What each report's issuer adds, on the log scale.

    One issuer has one bias on each quantity. Where several issuers report one quantity, a bias common
    to all of them is added: they read the same satellite pictures and may all be wrong together.
    """
    model = _frame()
    voices = _unique([f"{r.issuer} on {r.measures}" for r in reports])
    if len(voices) == 1:
        return assumption("issuer_bias")
    model.add_coord("voice", voices)
    own = assumption("issuer_bias", dims="voice")
    bias = own[np.array([voices.index(f"{r.issuer} on {r.measures}") for r in reports])]
    shared = [
        m
        for m in _unique([r.measures for r in reports])
        if len({r.issuer for r in reports if r.measures == m}) > 1
    ]
    if not shared:
        return bias
    model.add_coord("shared_quantity", shared)
    common = assumption("common_bias", dims="shared_quantity")
    joined = np.array([i for i, r in enumerate(reports) if r.measures in shared])
    which = np.array([shared.index(reports[i].measures) for i in joined])
    return pt.inc_subtensor(bias[joined], common[which])


def _observe(reports: Sequence[Report], levels: pt.TensorVariable) -> None:
    says = [report.says for report in reports]
    pm.CustomDist(
        REPORTS,
        levels,
        _biases(reports),
        assumption("report_scatter"),
        pm.Data("report_grid", np.array([s.grid for s in says])),
        pm.Data("report_rule", np.array([RULES[s.printing] for s in says])),
        pm.Data("report_low", np.array([s.seen.low for s in says])),
        pm.Data("report_high", np.array([s.seen.high for s in says])),
        dist=print_reports,
        logp=interval_logp,
        observed=pm.Data("report_value", np.array([s.printed for s in says]), dims="report"),
        dims="report",
    )


def _add_quantities(carriers: pt.TensorVariable) -> None:
    """Every quantity: at the published day of each fitted report, or once where no carriers are in it."""
    study = _frame().study
    place = {date: index for index, date in enumerate(study.days)}
    published = carriers[np.array([place[report.published] for report in study.fitted])]
    for name in study.quantities:
        value = evaluate(name, study.quantities, lambda leaf: _leaf(leaf, published), study.factor)
        pm.Deterministic(name, value, dims="report" if study.needs_day(name) else None)
    for name in study.claimed_assumptions:
        assumption(name)
