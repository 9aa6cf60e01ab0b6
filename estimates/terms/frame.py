"""The words a model file begins with: a frame, assumptions and days."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray
from pymc.distributions.transforms import Interval
from pymc.logprob.transforms import Transform

from estimates.correlations import given_others, group_of
from estimates.errors import ModelError
from estimates.study import Study
from estimates.terms.marginal import Marginal


class Frame(pm.Model):
    """A PyMC model that knows its study."""

    study: Study
    layout_sizes: tuple[int, int, int]
    """How many of the days that the flow is given are fitted, predicted and kept; set by `flow`."""
    limits: dict[str, NDArray[np.float64]]
    """Lower and upper ends (2, ...) of unknowns beyond which the reports are impossible; set by `flow`."""
    marginals: dict[str, Marginal]
    """The priors of the single unknowns asked for so far, each by itself; set by `assumption`."""
    numbers: dict[str, Callable[[Study], Any]]
    """How each number of the model is read off its study; set by `number`."""


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
    model.limits, model.marginals, model.numbers = {}, {}, {}
    return model


def number(name: str, of: Callable[[Study], Any], *, dims: str | None = None) -> pt.TensorVariable:
    """A number of the study, or several, as data of the model.

    Parameters
    ----------
    of : callable
        Reads it off a study: another study of the same structure can then take the place of this one.
    """
    model = current_frame()
    model.numbers[name] = of
    return pm.Data(name, of(model.study), dims=dims)


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
    parameters = number(
        f"{name}_prior", lambda study: np.array(study.distribution(name).parameters, dtype=float)
    )
    if distribution.family == "fixed":
        value = parameters[0] if dims is None else pt.repeat(parameters[0], len(model.coords[dims]))
        return pm.Deterministic(name, value, dims=dims)
    bounds = [_bound(name, side) for side in ("lower", "upper")]
    count = len(distribution.parameters)
    marginal = Marginal(distribution.family, tuple(parameters[i] for i in range(count)), *bounds)
    if dims is not None:
        if len(group_of(name, model.study.correlations)) > 1:
            raise ModelError(
                f"{name!r} goes together with others, and the model has one for each {dims}",
                remedy="Ask for it without dims, or take the correlation out of the study.",
            )
        return marginal.new(name, dims)
    others = [other for other in model.marginals if other in group_of(name, model.study.correlations)]
    model.marginals[name] = marginal
    if not others:
        return marginal.new(name, None)
    return _given(name, others, distribution.quantile([0.0, 1.0]))


def _bound(name: str, side: str) -> pt.TensorVariable | None:
    """An end of a prior, where it has one."""

    def of(study: Study) -> float:
        return float(getattr(study.distribution(name), side))

    return number(f"{name}_{side}", of) if np.isfinite(of(current_frame().study)) else None


def _given(name: str, others: list[str], support: NDArray[np.float64]) -> pt.TensorVariable:
    """The unknown ``name`` given those it goes together with that the model has already.

    Its normal score is normal given theirs. Asked for in any order, the joint prior is the same.
    """
    model = current_frame()
    own = model.marginals[name]

    def of(study: Study) -> NDArray[np.float64]:
        weights, spread = given_others(name, others, study.correlations)
        return np.array([*weights, spread])

    given = number(f"{name}_given", of)
    scores = [model.marginals[other].score(model[other]) for other in others]
    centre = sum(given[i] * score for i, score in enumerate(scores))
    cuts = [bound for bound in (own.lower, own.upper) if bound is not None]
    # Nothing of this graph is held on to, so that the same distribution is told to be the same elsewhere.
    family, count, has_lower = own.family, len(own.parameters), own.lower is not None

    def marginal(*parts: Any) -> Marginal:
        parameters, bounds = parts[:count], list(parts[count:])
        lower = bounds.pop(0) if has_lower else None
        return Marginal(family, parameters, lower, bounds.pop(0) if bounds else None)

    def dist(centre: Any, spread: Any, *parts_and_size: Any) -> Any:
        *parts, size = parts_and_size
        return marginal(*parts).value(pm.Normal.dist(centre, spread, size=size))

    def logp(value: Any, centre: Any, spread: Any, *parts: Any) -> Any:
        prior = marginal(*parts)
        score = prior.score(value)
        more = -0.5 * pt.sqr((score - centre) / spread) - pt.log(spread) + 0.5 * pt.sqr(score)
        return prior.log_density(value) + more

    return pm.CustomDist(
        name,
        centre,
        given[len(others)],
        *own.parameters,
        *cuts,
        dist=dist,
        logp=logp,
        default_transform=_onto_the_line(*support),
    )


def _onto_the_line(low: float, high: float) -> Transform | None:
    """The transform from between two ends, of which any may be infinite, to the whole line."""
    if np.isinf(low) and np.isinf(high):
        return None
    return Interval(low if np.isfinite(low) else None, high if np.isfinite(high) else None)


def day(at: str | dt.date) -> pt.TensorVariable:
    """A day as data, in days since the epoch: ``"knot"``, a report id (its publication) or a date."""
    model = current_frame()
    name = f"day_{at}"
    if name in model.named_vars:
        return model[name]
    return number(name, lambda study: study.day_number(study.date_of(at)))


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
