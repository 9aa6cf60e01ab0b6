"""The laws of models."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pymc as pm
from pymc.pytensorf import gradient
from pytensor.compile.mode import Mode
from scipy import stats

from estimates.calibrating import calibrate
from estimates.errors import ContradictionError, QuestionError
from estimates.inference.density import Density, fitted_unknowns
from estimates.inference.fit import MOST_UNKNOWNS
from estimates.reports import Printing
from estimates.testing.law import Law, NotTriedError
from estimates.testing.subjects import (
    DRAWS,
    FACTOR,
    Array,
    Subject,
    counts_carriers,
    estimated,
    evidence,
    remade,
    reworded,
    row_of,
    same_density,
    scaled,
    with_intervals,
)

_CALIBRATIONS = 24


def _keeps_the_contract(subject: Subject) -> str | None:
    model, study = subject.model, subject.study
    if not isinstance(model, pm.Model):
        return f"build gave {type(model).__name__}, not a pm.Model"
    for name in ("reports", study.carriers.name):
        if name not in model.named_vars:
            return f"the model has no {name!r}: call terms.flow"
    if model["reports"] not in model.observed_RVs:
        return "the reports are not observed"
    for name, size in (("report", len(study.fitted)), ("day", len(study.days))):
        if len(model.coords.get(name) or ()) != size:
            return f"the coordinate {name!r} has not the {size} entries of the study"
    shape = subject.carriers.shape
    return (
        None if shape == (DRAWS, len(study.days)) else f"carriers of shape {shape[1:]}, not one for each day"
    )


def _has_a_finite_density(subject: Subject) -> str | None:
    log_prior, log_likelihood = subject.density.evaluate(subject.points)
    if not np.all(np.isfinite(log_prior)):
        return f"the prior density of its own draws is {log_prior[~np.isfinite(log_prior)][0]}"
    if np.any(np.isnan(log_likelihood)) or np.any(log_likelihood == np.inf):
        return f"the log likelihood is {log_likelihood[~np.isfinite(log_likelihood)][0]}"
    possible = subject.points[np.isfinite(log_likelihood)][:20]
    # Unrewritten it compiles ten times faster, and what is finite then is finite anyway.
    if all(_slope_is_finite(subject, possible, mode) is False for mode in _MODES):
        return "the gradient is not finite where the density is"
    return None


_MODES = (Mode(linker="py", optimizer=None), "FAST_COMPILE")


def _slope_is_finite(subject: Subject, points: Array, mode: Any) -> bool:
    model, density = subject.model, subject.density
    values = [model.rvs_to_values[unknown] for unknown in fitted_unknowns(model)]
    total = model.logp(vars=[*fitted_unknowns(model), *model.observed_RVs, *model.potentials])
    slope = model.compile_fn(gradient(total, values), inputs=values, point_fn=False, mode=mode)
    with np.errstate(all="ignore"):
        found = [np.ravel(part) for point in points for part in slope(*_split(point, density))]
    return bool(np.all(np.isfinite(np.concatenate(found)))) if found else True


def _split(point: Array, density: Density) -> Iterator[Array]:
    at = 0
    for shape in density.shapes:
        size = int(np.prod(shape))
        yield point[at : at + size].reshape(shape)
        at += size


def _never_ships_back(subject: Subject) -> str | None:
    carriers = subject.carriers
    if not np.all(np.isfinite(carriers)):
        return f"carriers of {carriers[~np.isfinite(carriers)][0]} in a draw of the prior"
    slack = 1e-9 * max(float(np.max(carriers)), 1.0)
    if np.min(carriers) < -slack:
        return f"carriers of {np.min(carriers):.4g} in a draw of the prior"
    steps = np.diff(carriers, axis=1)
    if np.min(steps, initial=0.0) < -slack:
        day = subject.study.days[int(np.argmin(np.min(steps, axis=0))) + 1]
        return f"carriers fall by {-np.min(steps):.4g} by {day} in a draw of the prior"
    return None


def _reads_its_hedges(subject: Subject) -> str | None:
    study = subject.study
    _refuse_series(subject)
    narrow, wide = (
        subject.other(with_intervals(study, below, above)) for below, above in ((1, 1), (0.5, 2.0))
    )
    wide.__dict__["draws"] = narrow.draws
    less, more = narrow.log_likelihood(), wide.log_likelihood()
    lower = more < less - 1e-7
    if np.any(lower):
        return (
            f"{study.fitted[int(np.argwhere(lower)[0][1])].id} is less likely when read as a wider interval"
        )
    moved = np.any(more > less + 1e-7, axis=0) | ~np.any(np.isfinite(more), axis=0)
    if not np.all(moved):
        return f"{study.fitted[int(np.argmin(moved))].id} is as likely whatever interval it is read as"
    return None


def _does_not_mind_the_order(subject: Subject) -> str | None:
    """Nothing hangs on where a report stands in the file."""

    def turned(document: dict[str, Any]) -> None:
        document["report"] = document["report"][::-1]

    return same_density(subject, remade(subject.study, turned), "their order in the file")


def _does_not_count_relays(subject: Subject) -> str | None:
    """Nothing hangs on how often a release is quoted."""
    study = subject.study
    last = study.fitted[-1]
    relay = {"independent", "derived_from", "held_out"}

    def told_again(document: dict[str, Any]) -> None:
        (said,) = [report for report in document["report"] if report["id"] == last.id]
        again = {key: value for key, value in said.items() if key not in relay}
        # Of the same day, by the same issuer, with the same number: the release told again.
        document["report"] = [*document["report"], again | {"id": "told_again", "relayed_by": ("somebody",)}]

    again = remade(study, told_again)
    if len(again.fitted) != len(study.fitted):  # the audit of the study tells that
        return None
    return same_density(subject, again, f"telling {last.id} again")


def _prints_what_can_be_printed(subject: Subject) -> str | None:
    printed = subject.draws["reports"]
    for place, report in enumerate(subject.study.fitted):
        values, says = printed[:, place], report.says
        if not np.all(np.isfinite(values)) or np.min(values) < 0:
            return f"a simulated {report.id} says {values[~np.isfinite(values) | (values < 0)][0]}"
        steps = values / says.grid
        if says.printing is not Printing.UNROUNDED and not np.allclose(steps, np.round(steps), atol=1e-6):
            wrong = values[np.argmax(np.abs(steps - np.round(steps)))]
            return f"a simulated {report.id} says {wrong:,.6g}, no multiple of {says.grid:g} as {says} is"
    return None


def _carries_its_scale(subject: Subject) -> str | None:
    study = subject.study
    _refuse_series(subject)
    if any(report.measures != study.carriers.name for report in study.fitted):
        raise NotTriedError("reports on other quantities do not grow with the carriers alone")
    one = subject.other(with_intervals(study, 1, 1))
    names = [name for name in study.assumptions if counts_carriers(study, name)]
    larger = one.other(scaled(study, names))
    larger.__dict__["draws"] = one.draws | {n: FACTOR * one.draws[n] for n in names if n in one.draws}
    mine, theirs = one.log_likelihood(), larger.log_likelihood()
    same = np.isclose(mine, theirs, rtol=1e-6, atol=1e-6) | (mine == theirs)
    if np.all(same):
        return None
    where = int(np.argwhere(~same)[0][1])
    return f"{study.fitted[where].id} and every prior times {FACTOR:g} is not as likely as before"


def _follows_its_reports(subject: Subject) -> str | None:
    study = subject.study
    _refuse_many(subject)
    counts = [report for report in study.fitted if report.measures == study.carriers.name]
    if not counts:
        raise NotTriedError("no report is on the carriers themselves")
    last = counts[-1]

    def larger(report: dict[str, Any]) -> None:
        if report["id"] == last.id:
            low, high = last.says.seen
            ends = (1.3 * max(low, 1.0), 1.3 * high if math.isfinite(high) else 1e12)
            report["says"] = {"hedge": "about", "value": 1.3 * last.says.printed, "interval": ends}

    before, after = (estimated(subject, one) for one in (study, reworded(study, larger)))
    rows = [row_of(estimate, last.id) for estimate in (before, after)]
    slack = 4 * math.hypot(rows[0]["mcse_median"], rows[1]["mcse_median"])
    if rows[1]["median"] >= rows[0]["median"] - slack:
        return None
    return (
        f"with {last.id} larger by a third of itself the median of {study.carriers.name} falls from "
        f"{rows[0]['median']:,.4g} to {rows[1]['median']:,.4g}"
    )


def _gives_more_to_wider_readings(subject: Subject) -> str | None:
    study = subject.study
    _refuse_series(subject)
    _refuse_many(subject)
    found = []
    for below, above in ((1.0, 1.0), (0.8, 1.25)):
        one = evidence(subject, with_intervals(study, below, above))
        if one is None:
            raise NotTriedError("importance sampling gives no evidence here")
        found.append(one)
    (narrow, error), (wide, other) = found
    if wide >= narrow - 3 * math.hypot(error, other):
        return None
    return f"log evidence {narrow:.3f} as read, and {wide:.3f} where every interval is wider"


def _engines_agree(subject: Subject) -> str | None:
    study = subject.study
    _refuse_many(subject)
    rows = [
        row_of(estimated(subject, study, engine), study.fitted[-1].id) for engine in ("importance", "nuts")
    ]
    slack = 4 * math.hypot(rows[0]["mcse_median"], rows[1]["mcse_median"])
    if abs(rows[0]["median"] - rows[1]["median"]) <= slack:
        return None
    return f"median {rows[0]['median']:,.5g} by importance sampling, {rows[1]['median']:,.5g} by NUTS"


def _is_calibrated(subject: Subject) -> str | None:
    """Simulation-based calibration of the carriers at the last report, on a few dozen simulations."""
    study = subject.study
    _refuse_many(subject)
    try:
        found = calibrate(study, subject.file, simulations=_CALIBRATIONS, seed=subject.seed)
    except QuestionError as reason:
        raise NotTriedError(reason.what) from None
    except ContradictionError:
        return "a report that it printed itself is impossible under its own prior"
    pits = found.row(study.carriers.name).pits
    # The uniform distribution of the ranks, by the largest distance (Kolmogorov and Smirnov).
    chance = float(stats.kstest(pits, "uniform").pvalue)
    return None if chance > 1e-3 else f"the truth lies at ranks that have a chance of {chance:.1g}"


def _refuse_series(subject: Subject) -> None:
    if subject.study.predecessors:
        raise NotTriedError("errors are carried along: a wider reading changes what the next report adds to")


def _refuse_many(subject: Subject) -> None:
    if subject.density.dimension > MOST_UNKNOWNS:
        raise NotTriedError(
            f"{subject.density.dimension} unknowns; fits by importance sampling take {MOST_UNKNOWNS}"
        )


ORDER = Law(
    "does_not_mind_the_order",
    "The order of reports in the file changes nothing.",
    _does_not_mind_the_order,
)
RELAYS = Law(
    "does_not_count_relays",
    "A release that is told again changes nothing.",
    _does_not_count_relays,
)
"""Two laws that are about models and studies alike."""

MODEL_LAWS = (
    Law(
        "keeps_the_contract",
        "build(study) gives a pm.Model with observed reports and carriers by day.",
        _keeps_the_contract,
    ),
    Law(
        "has_a_finite_density",
        "Density and gradient are finite over the prior, or the density is zero.",
        _has_a_finite_density,
    ),
    Law(
        "never_ships_back",
        "Carriers are never negative and never decrease.",
        _never_ships_back,
    ),
    Law(
        "reads_its_hedges",
        "A report read as a wider interval is never less likely, and somewhere more.",
        _reads_its_hedges,
    ),
    ORDER,
    RELAYS,
    Law(
        "prints_what_can_be_printed",
        "Simulated reports are numbers that could be printed so.",
        _prints_what_can_be_printed,
    ),
    Law(
        "carries_its_scale",
        "Counts and priors ten times as large are as likely as before.",
        _carries_its_scale,
    ),
    Law(
        "follows_its_reports",
        "A larger report never lowers the posterior median of carriers.",
        _follows_its_reports,
        "fit",
    ),
    Law(
        "gives_more_to_wider_readings",
        "Intervals that contain others never have the lower evidence.",
        _gives_more_to_wider_readings,
        "fit",
    ),
    Law(
        "engines_agree",
        "Importance sampling and NUTS find the same carriers.",
        _engines_agree,
        "slow",
    ),
    Law(
        "is_calibrated",
        "Truths drawn from the prior lie anywhere in their posteriors alike.",
        _is_calibrated,
        "slow",
    ),
)
"""The laws of models."""
