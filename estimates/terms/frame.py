"""The words a model file begins with: a frame, assumptions and days."""

import datetime as dt
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray

from estimates.errors import ModelError
from estimates.study import Study


class Frame(pm.Model):
    """A PyMC model that knows its study."""

    study: Study
    layout_sizes: tuple[int, int, int]
    """How many of the days that the flow is given are fitted, predicted and kept; set by `flow`."""
    limits: dict[str, NDArray[np.float64]]
    """Lower and upper ends (2, ...) of unknowns beyond which the reports are impossible; set by `flow`."""


def frame(study: Study) -> Frame:
    """An empty model of `study`, to be used in a ``with`` statement.

    Its coordinates are ``report`` (ids of the fitted reports), ``issuer``, and ``day`` (datetime64:
    a weekly grid to the horizon, published days, and days that claims or the caller ask for).
    """
    model = Frame(
        coords={
            "report": [report.id for report in study.fitted],
            "day": np.array(study.days, dtype="datetime64[ns]"),
            "issuer": list(dict.fromkeys(report.issuer for report in study.fitted)),
            **({"predicted": [report.id for report in study.predicted]} if study.predicted else {}),
        }
    )
    model.study = study
    model.limits = {}
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
    model = current_frame()
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
    model = current_frame()
    name = f"day_{at}"
    if name in model.named_vars:
        return model[name]
    return pm.Data(name, model.study.day_number(model.study.date_of(at)))


def current_frame() -> Frame:
    """The frame in whose ``with`` statement this is called.

    Raises
    ------
    ModelError
        Outside a frame.
    """
    model = pm.modelcontext(None)
    if not isinstance(model, Frame):
        raise ModelError("terms are used outside a frame", remedy="with terms.frame(study) as model: ...")
    return model
