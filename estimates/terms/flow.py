"""From a flow of carriers to everything that was said of it: the reports, and the quantities."""

import datetime as dt
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray
from pytensor.tensor.basic import Join

from estimates.errors import ModelError
from estimates.quantities import evaluate
from estimates.reports import Report, Says
from estimates.study import Study
from estimates.terms.frame import assumption, current_frame, number
from estimates.terms.likelihood import (
    RULES,
    ends_printed_so,
    interval_logp,
    print_reports,
    print_series,
    seen_within,
    series_logp,
)

REPORTS = "reports"
"""The name of the observed variable."""

SEEN_BEFORE, SEEN_CENTRE = "seen_before", "seen_centre"
"""What is kept of reports to be predicted: seen = before + exp(centre + report_scatter * e)."""

type Vector = pt.TensorVariable


@dataclass(frozen=True)
class Layout:
    """Where each day stands in the vector that a flow is given.

    First the days that fitted reports speak of, then those of reports to be predicted, then the days
    on which carriers are kept, which are in order.
    """

    study: Study

    @cached_property
    def reports(self) -> tuple[Report, ...]:
        """The fitted reports, then those to be predicted."""
        return (*self.study.fitted, *self.study.predicted)

    @cached_property
    def parts(self) -> tuple[list[dt.date], ...]:
        """Five parts: as-of days and starts of fitted reports, the same of predicted ones, days kept."""
        spoken, starts = [], []
        for group in (self.study.fitted, self.study.predicted):
            spoken.append([report.as_of[0] if report.as_of else report.published for report in group])
            starts.append(unique([report.since for report in group if report.since]))
        return (spoken[0], starts[0], spoken[1], starts[1], list(self.study.days))

    @property
    def sizes(self) -> tuple[int, int, int]:
        """How many days are fitted, predicted and kept."""
        a, b, c, d, e = map(len, self.parts)
        return a + b, c + d, e

    @property
    def known(self) -> NDArray[np.float64]:
        """The days as far as they are known, in days since the epoch."""
        return np.array([self.study.day_number(day) for part in self.parts for day in part])

    @property
    def widths(self) -> NDArray[np.float64]:
        """How many days wide the window is that each report speaks of; 0 where it is one day, or unsaid."""
        return np.array([(r.as_of[1] - r.as_of[0]).days if r.as_of else 0 for r in self.reports], dtype=float)

    @property
    def as_of(self) -> NDArray[np.intp]:
        """Where the as-of day of each report stands."""
        a, b, c, *_ = map(len, self.parts)
        return np.array([*range(a), *range(a + b, a + b + c)])


def flow(carriers: Callable[[Vector], Vector]) -> Vector:
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
    model = current_frame()
    if REPORTS in model.named_vars:
        raise ModelError(
            "terms.flow is called twice", remedy="A model has one flow: add them up in one function."
        )
    layout = Layout(model.study)
    model.layout_sizes = layout.sizes
    # One call, as a flow with chance in it needs; the parts are then told apart by position.
    shipped = carriers(_less_their_lag(number("days", lambda study: Layout(study).known), layout))
    if getattr(shipped, "ndim", None) != 1:
        raise ModelError(
            "the flow gives no vector",
            remedy="terms.flow(f): f takes the vector of days, gives one of that length.",
        )
    fitted, predicted, kept = _parts(shipped, layout.sizes)
    by_day = pm.Deterministic(model.study.carriers.name, kept, dims="day")
    _say(layout, fitted, predicted)
    _add_quantities(kept)
    return by_day


def _parts(shipped: Vector, sizes: tuple[int, ...]) -> list[Vector]:
    """The vector in parts of these sizes.

    A flow with chance in it joins its parts. They are taken as they were before, so that what is
    fitted does not seem to hang on the chance of days that no report speaks of.
    """
    if shipped.owner is not None and isinstance(shipped.owner.op, Join):
        joined = shipped.owner.inputs
        lengths = tuple(part.type.shape[0] for part in joined)
        if lengths == tuple(size for size in sizes if size):
            parts = iter(joined)
            return [next(parts) if size else pt.zeros(0) for size in sizes]
    shipped = pt.specify_shape(shipped, sum(sizes))
    edges = np.cumsum([0, *sizes])
    return [shipped[first:last] for first, last in pairwise(edges)]


def unique[Entry: Hashable](entries: Sequence[Entry]) -> list[Entry]:
    """The entries without repetition, in the order in which they come."""
    return list(dict.fromkeys(entries))


def _less_their_lag(days: Vector, layout: Layout) -> Vector:
    """The days, those of reports becoming the ones that they speak of.

    A report speaks of a given day, of some day in a window, or of its publication minus the lag of
    its issuer. The vector is changed in place of being joined from parts, which is slow in a batch.
    """
    reports = layout.reports
    windowed = np.flatnonzero(layout.widths)
    if len(windowed):
        current_frame().add_coord("windowed", [reports[int(i)].id for i in windowed])
        place = pm.Uniform("as_of_place", 0.0, np.ones(len(windowed)), dims="windowed")
        widths = number("as_of_width", lambda study: Layout(study).widths[windowed])
        days = pt.inc_subtensor(days[layout.as_of[windowed]], place * widths)
    lagging = [index for index, report in enumerate(reports) if report.as_of is None]
    if not lagging:
        return days
    issuers = unique([reports[i].issuer for i in lagging])
    current_frame().limits |= limits_of(layout.study)
    if len(issuers) == 1:
        lag = assumption("reporting_lag")
    else:
        current_frame().add_coord("undated_issuer", issuers)
        lag = assumption("reporting_lag", dims="undated_issuer")[
            np.array([issuers.index(reports[i].issuer) for i in lagging])
        ]
    where = layout.as_of[np.array(lagging)]
    # Only the very days that the fit then takes: of others the rest would be computed with them.
    is_all_fitted = np.array_equal(where, np.arange(layout.sizes[0]))
    return pt.inc_subtensor(days[_places(where) if is_all_fitted else where], -lag)


def _places(where: NDArray[np.intp]) -> NDArray[np.intp] | slice:
    """An index of these places: a slice where they follow each other, which takes a tenth of the time."""
    first, count = int(where[0]), len(where)
    return slice(first, first + count) if np.array_equal(where, np.arange(first, first + count)) else where


def limits_of(study: Study) -> dict[str, NDArray[np.float64]]:
    """The lag at which a higher count would speak of a day no later than the dated count before it.

    Nothing would have been added in between, so that the count could not have been higher. Lower and
    upper ends (2,) or (2, issuer) for the unknown ``reporting_lag``; nothing where it is not limited.
    """
    fitted = {report.id: report for report in study.fitted}
    issuers = unique([report.issuer for report in Layout(study).reports if report.as_of is None])
    longest = dict.fromkeys(issuers, np.inf)
    for later, earlier in study.predecessors.items():
        report, dated = fitted.get(later), fitted[earlier].as_of
        if report is None or report.as_of is not None or dated is None:
            continue
        if report.says.seen.low >= fitted[earlier].says.seen.high:
            days = (report.published - dated[0]).days
            longest[report.issuer] = min(longest[report.issuer], days)
    if np.all(np.isinf(list(longest.values()))):
        return {}
    lowest, highest = study.distribution("reporting_lag").quantile([0.0, 1.0])
    upper = np.minimum(list(longest.values()), highest)
    if np.any(upper <= lowest):
        return {}
    ends = np.stack([np.full_like(upper, lowest), upper])
    return {"reporting_lag": ends if len(issuers) > 1 else ends[:, 0]}


def _levels(layout: Layout, reports: Sequence[Report], shipped: Vector) -> Vector:
    """The true value of what each report measures, in the unit of that quantity.

    `shipped` are the carriers on the as-of days of the reports, then on the days they count from.
    """
    study = layout.study
    carriers, starts = shipped[: len(reports)], unique([r.since for r in reports if r.since])
    counting = np.array([index for index, report in enumerate(reports) if report.since])
    if len(counting):
        which = np.array([len(reports) + starts.index(reports[i].since) for i in counting])
        carriers = pt.inc_subtensor(carriers[counting], -shipped[which])
    levels = pt.zeros(len(reports))
    measured = unique([report.measures for report in reports])
    for name in measured:
        where = _places(np.array([i for i, report in enumerate(reports) if report.measures == name]))
        leaf = partial(_leaf, carriers=carriers[where])
        level = evaluate(name, study.quantities, leaf, study.factor)
        if len(measured) == 1 and level.ndim == 1:
            levels = pt.specify_shape(level, len(reports))
        else:
            levels = pt.set_subtensor(levels[where], level)
    for bridge in unique([report.bridge for report in reports if report.bridge]):
        where = _places(np.array([i for i, report in enumerate(reports) if report.bridge == bridge]))
        # To the base unit of ratios, in case the bridge is stated in per cent.
        ratio = assumption(bridge) * study.factor(bridge)
        levels = pt.set_subtensor(levels[where], levels[where] * ratio)
    return levels


def _leaf(name: str, carriers: Vector) -> Vector:
    return carriers if name == current_frame().study.carriers.name else assumption(name)


def _biases(reports: Sequence[Report]) -> Vector:
    """What each report's issuer adds, on the log scale.

    One issuer has one bias on each quantity. Where several issuers report one quantity, a bias common
    to all of them is added: they read the same satellite pictures and may all be wrong together.
    """
    model = current_frame()
    voices = unique([f"{r.issuer} on {r.measures}" for r in reports])
    if len(voices) == 1:
        return assumption("issuer_bias")
    model.add_coord("voice", voices)
    own = assumption("issuer_bias", dims="voice")
    bias = own[np.array([voices.index(f"{r.issuer} on {r.measures}") for r in reports])]
    shared = model.study.shared_quantities
    if not shared:
        return bias
    model.add_coord("shared_quantity", shared)
    common = assumption("common_bias", dims="shared_quantity")
    joined = np.array([i for i, r in enumerate(reports) if r.measures in shared])
    which = np.array([shared.index(reports[i].measures) for i in joined])
    return pt.inc_subtensor(bias[joined], common[which])


def _say(layout: Layout, shipped: Vector, to_predict: Vector) -> None:
    """Add the fitted reports as observed, and what is needed to predict the others."""
    study = layout.study
    fitted, asked = study.fitted, study.predicted
    count = len(fitted)
    bias, scatter = _biases(layout.reports), assumption("report_scatter")
    own = bias if bias.ndim == 0 else bias[np.arange(count)]
    levels = _levels(layout, fitted, shipped)
    value = _said("report_value", lambda says: says.printed, dims="report")
    grid = _said("report_grid", lambda says: says.grid)
    rule = _said("report_rule", lambda says: RULES[says.printing])
    low = _said("report_low", lambda says: says.seen.low)
    high = _said("report_high", lambda says: says.seen.high)
    added, more, seen = levels, [], None
    if study.predecessors:
        ends = ends_printed_so(value, grid, rule, low, high)
        added, before, seen = _carried(layout, levels, ends, (pt.zeros(count) + own, scatter))
        more = [before, pt.constant(_series(study))]
    pm.CustomDist(
        REPORTS,
        added,
        own,
        scatter,
        grid,
        rule,
        low,
        high,
        *more,
        dist=print_series if more else print_reports,
        logp=series_logp if more else interval_logp,
        observed=value,
        dims="report",
    )
    if asked:
        level, before = _levels(layout, asked, to_predict), pt.zeros(len(asked))
        place = {report.id: index for index, report in enumerate(fitted)}
        following = [i for i, report in enumerate(asked) if report.id in study.predecessors]
        if following and seen is not None:
            later = np.array(following)
            earlier = np.array([place[study.predecessors[asked[i].id]] for i in following])
            before = pt.set_subtensor(before[later], seen[earlier])
            level = pt.set_subtensor(level[later], pt.maximum(level[later] - levels[earlier], 0.0))
        # Nothing shipped is nothing seen: exp(-inf) is 0.
        centre = pt.switch(pt.gt(level, 0.0), pt.log(pt.maximum(level, 1e-300)), -np.inf)
        pm.Deterministic(SEEN_BEFORE, before, dims="predicted")
        theirs = bias if bias.ndim == 0 else bias[np.arange(count, count + len(asked))]
        pm.Deterministic(SEEN_CENTRE, centre + theirs, dims="predicted")


def _said(name: str, of: Callable[[Says], float], dims: str | None = None) -> Vector:
    """What is read off the wording of each fitted report."""
    return number(name, lambda study: np.array([of(report.says) for report in study.fitted]), dims=dims)


def _series(study: Study) -> NDArray[np.float64]:
    """1 where a fitted report (row) carries the count of another (column) in it, itself included."""
    place = {report.id: index for index, report in enumerate(study.fitted)}
    series = np.eye(len(place))
    for report in sorted(study.fitted, key=lambda r: (r.current, r.id)):
        if report.id in study.predecessors:
            series[place[report.id]] += series[place[study.predecessors[report.id]]]
    return series


def _carried(
    layout: Layout, levels: Vector, ends: tuple[Vector, Vector], errors: tuple[Vector, Vector]
) -> tuple[Vector, Vector, Vector]:
    """What was added since the report before, what had been seen by then, and what was seen with it.

    The seen count behind a printed one is unknown within its interval. Its place there, between 0
    and 1 of its own conditional distribution, is an unknown of the model, uniform whatever else is
    known: the likelihood of the next report is thereby averaged over the interval.
    """
    fitted, previous = layout.study.fitted, layout.study.predecessors
    place_of = {report.id: index for index, report in enumerate(fitted)}
    follows = {place_of[later]: place_of[earlier] for later, earlier in previous.items() if later in place_of}
    added = levels
    if follows:
        later, earlier = (np.array(side) for side in zip(*follows.items(), strict=True))
        added = pt.set_subtensor(levels[later], pt.maximum(levels[later] - levels[earlier], 0.0))
    carried = sorted({place_of[earlier] for earlier in previous.values()})
    current_frame().add_coord("carried", [fitted[i].id for i in carried])
    places = pm.Uniform("seen_place", 0.0, np.ones(len(carried)), dims="carried")
    (low, high), (bias, scatter) = ends, errors
    before, seen = pt.zeros(len(fitted)), pt.zeros(len(fitted))
    wave = [i for i in carried if i not in follows]
    while wave:  # all series one report further
        here = np.array(wave)
        so_far = before[here]
        place = places[np.array([carried.index(i) for i in wave])]
        more = (low[here] - so_far, high[here] - so_far)
        now = so_far + seen_within(place, more, added[here], bias[here], scatter)
        seen = pt.set_subtensor(seen[here], now)
        next_ones = [i for i, source in follows.items() if source in wave]
        if next_ones:
            which = np.array([wave.index(follows[i]) for i in next_ones])
            before = pt.set_subtensor(before[np.array(next_ones)], now[which])
        wave = [i for i in next_ones if i in carried]
    return added, before, seen


def _add_quantities(carriers: Vector) -> None:
    """Every quantity: at the published day of each fitted report, or once where no carriers are in it."""
    study = current_frame().study
    place = {date: index for index, date in enumerate(study.days)}
    published = carriers[np.array([place[report.published] for report in study.fitted])]
    for name in study.quantities:
        value = evaluate(name, study.quantities, lambda leaf: _leaf(leaf, published), study.factor)
        pm.Deterministic(name, value, dims="report" if study.needs_day(name) else None)
    for name in study.claimed_assumptions:
        assumption(name)
