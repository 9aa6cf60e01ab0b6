"""Every picture of a result, made in one place: for notebooks, for the page, and for the command.

A picture knows how high it wants to be, and draws itself on axes that it is given.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from estimates import words
from estimates.errors import QuestionError, choices
from estimates.plots import bars, ecdfs, fan, heaps, intervals, paces, readings
from estimates.plots.paper import WIDTH, canvas, dress, layout, style

if TYPE_CHECKING:
    from estimates.calibrating import Calibration
    from estimates.estimate import Estimate
    from estimates.reports import Report
    from estimates.study import Study
    from estimates.sweeping import Sweep

type Document = Mapping[str, Any]

DOTS = tuple((np.arange(50) + 0.5) / 50)
"""The probabilities of the dots of a distribution: fifty cases, equally likely."""

MOST_HEADINGS = 3
"""Distributions are drawn for at most so many report days, the last ones."""


@dataclass(frozen=True)
class Picture:
    """What is drawn, and on how much paper.

    Attributes
    ----------
    height : float
        Inches of each panel.
    draw : callable
        Draws on as many axes as there are panels.
    panels : int
        How many, one under another.
    """

    height: float
    draw: Callable[..., object]
    panels: int = 1

    def figure(self) -> Figure:
        """The picture as a figure of its own that pyplot does not know: for files."""
        with style():
            figure, axes = canvas(self.height, rows=self.panels)
            self.draw(*axes)
        return figure

    def on(self, given: Axes | Sequence[Axes] | None) -> tuple[Axes, ...]:
        """The picture on somebody's axes; without any, on a new figure of pyplot, which notebooks show.

        Raises
        ------
        QuestionError
            For more or fewer axes than it has panels.
        """
        axes = self._new() if given is None else list(np.ravel(np.asarray(given, dtype=object)))
        if len(axes) != self.panels:
            raise QuestionError(
                f"{len(axes)} Axes for a picture of {self.panels}", remedy="Give as many, or leave out ax."
            )
        with style():
            for one in axes:
                dress(one)
            self.draw(*axes)
        return tuple(axes)

    def _new(self) -> list[Axes]:
        from matplotlib import pyplot

        # Before the style: a notebook sets pyplot up when the first figure is made, and leaving the style
        # would undo that, so that no further picture was shown.
        size = (WIDTH, self.height * self.panels)
        figure = pyplot.figure(figsize=size, layout=layout(), facecolor="white")
        with style():
            return [figure.add_subplot(self.panels, 1, place + 1) for place in range(self.panels)]


# ---- of an estimate ----------------------------------------------------------------------------


def carriers(estimate: "Estimate") -> Picture:
    """The carriers over time, with what was said of them."""
    _is_a("Estimate", estimate, "estimates.infer")
    study, bands = estimate.study, estimate.bands()
    days = bands["day"].values.astype("datetime64[D]").tolist()
    prior = estimate.bands(group="prior").values if "prior" in estimate.data.children else None
    issuers = _issuers(study)
    several = len(issuers) > 1
    said = [
        fan.Said(
            report.published,
            *report.says.seen,
            words=str(report.says),
            issuer=issuers.index(report.issuer) if several else None,
            is_other=is_counted_otherwise(report),
        )
        for report in drawn_reports(study)
    ]
    lanes = [_lane(study, issuer) for issuer in issuers] if several else []

    def draw(axes: Axes) -> None:
        fan.fan(axes, days, bands.values, prior, said, label=words.label(study.carriers.name))
        fan.draw_lanes(axes, lanes)

    return Picture(fan.height_of(lanes), draw)


def _issuers(study: "Study") -> list[str]:
    """Those who count what the fan shows first, by their first report."""
    drawn = drawn_reports(study)
    comparable = [report for report in drawn if not is_counted_otherwise(report)]
    return list(dict.fromkeys(report.issuer for report in (*comparable, *drawn, *study.fitted)))


def drawn_reports(study: "Study") -> list["Report"]:
    """The fitted reports on the carriers: those that have a height on the fan."""
    return [report for report in study.fitted if report.measures == study.carriers.name]


def is_counted_otherwise(report: "Report") -> bool:
    """Whether a report on the carriers counts from a day of its own, or another scope."""
    return bool(report.since or report.bridge)


def _lane(study: "Study", issuer: str) -> fan.Lane:
    reports = [report for report in study.fitted if report.issuer == issuer]
    others = [report.measures for report in reports if report.measures != study.carriers.name]
    on = ", ".join(words.label(name) for name in dict.fromkeys(others))
    name = words.label(issuer)
    return fan.Lane(
        f"{name}: {on}" if on else name,
        [report.published for report in reports],
        [report.measures in others or is_counted_otherwise(report) for report in reports],
    )


def headline(estimate: "Estimate") -> Picture:
    """The headline quantities, as packed and as stated, at the last report days."""
    _is_a("Estimate", estimate, "estimates.infer")
    rows = _headline_rows(estimate)
    unit = words.units(estimate.study.unit_of(estimate.study.leading[0]))
    return Picture(heaps.height_of(rows), lambda axes: heaps.distributions(axes, rows, label=unit))


def _headline_rows(estimate: "Estimate") -> list[heaps.Row]:
    study = estimate.study
    days: dict[dt.date | None, str | None] = {report.published: report.id for report in study.fitted}
    last = list(days.items())[-MOST_HEADINGS:]
    asked = [
        (name, series, day, at)
        for series, name in enumerate(study.leading)
        for day, at in (last if study.needs_day(name) else [(None, None)])
    ]
    asked.sort(key=lambda one: (str(one[2] or ""), one[1]))
    return [_headline_row(estimate, name, series, at) for name, series, _, at in asked]


def _headline_row(estimate: "Estimate", name: str, series: int, at: str | None) -> heaps.Row:
    study, row = estimate.study, estimate.row(name, at)
    return heaps.Row(
        heading=words.date_words(row["date"], short=True) if row["date"] else "on every day",
        label=label_of(study, name),
        series=series,
        dots=estimate.bands(name, at, probs=DOTS).values,
        spread=_ends(row),
        said=tuple(
            (report.says.printed, str(report.says))
            for report in study.reports
            if report.measures == name and str(report.published) == row["date"]
        ),
    )


def label_of(study: "Study", name: str) -> str:
    """What a quantity is called in a picture."""
    return words.label(name, study.quantities[name].says if name in study.quantities else "")


def pace(estimate: "Estimate") -> Picture:
    """The pace of the carriers from each report to the next."""
    _is_a("Estimate", estimate, "estimates.infer")
    published = {report.id: report.published for report in estimate.study.reports}
    stretches = [
        paces.Stretch(published[row["from"]], published[row["to"]], _ends(row["per_day"]))
        for row in estimate.trend()
        if row["per_day"]
    ]
    name = words.label(estimate.study.carriers.name)
    if not stretches:
        raise QuestionError(
            f"there is no pace: no two reports on {name} are of different days",
            remedy="A pace is drawn from one report on the carriers to the next.",
        )
    return Picture(2.8, lambda axes: paces.steps(axes, stretches, label=f"{name} a day"))


# ---- of several fits ---------------------------------------------------------------------------


def drivers(found: Any) -> Picture:
    """What knowing each assumption would do, from a sensitivity or its document."""
    if isinstance(found, Mapping):
        document: Document = found
    else:
        _is_a("Sensitivity", found, "estimates.sensitivity")
        document = found.document()
    rows = [bars.Known(row["label"], row["width"], row["judgement"]) for row in document["drivers"]]
    now, unit = document["width"], words.units(document["unit"])
    return Picture(bars.height_of_widths(rows), lambda axes: bars.widths(axes, rows, now, label=unit))


def stories(found: Any, quantity: str | None = None, at: str | None = None) -> Picture:
    """One quantity under every story, from a comparison or its document."""
    if isinstance(found, Mapping):
        if quantity is not None or at is not None:
            raise QuestionError(
                "a document of a comparison holds the headline only",
                remedy="Ask the comparison itself for another quantity or day, or leave them out.",
            )
        headline = found["headline"]
    else:
        _is_a("Comparison", found, "estimates.compare")
        headline = found.across(quantity, at)
    rows = [intervals.Ranged(row["story"], _ends(row), row["trust"] != "bad") for row in headline["stories"]]
    when = f" by {words.date_words(headline['date'], short=True)}" if headline["date"] else ""
    title = f"{headline['label']}{when}"
    unit = words.units(headline["unit"])
    return Picture(
        intervals.height_of(rows), lambda axes: intervals.ranges(axes, rows, title=title, label=unit)
    )


def curve(sweep: "Sweep", quantity: str | None = None) -> Picture:
    """The specification curve: every reading of a sweep, and what each takes."""
    _is_a("Sweep", sweep, "estimates.sweep")
    found, varied = sweep.curve(quantity), sweep.varied(quantity)
    label = f"{words.units(varied.unit)}: {varied.name}"

    def draw(above: Axes, below: Axes) -> None:
        readings.specification_curve(above, below, found, label=label)

    return Picture(readings.height_of_curve(found), draw, panels=2)


def calibration(found: "Calibration", model: str | None = None) -> Picture:
    """Where the truths of one model lie in their posteriors."""
    _is_a("Calibration", found, "estimates.calibrate")
    name = model or next(iter(found.models))
    if name not in found.models:
        raise QuestionError(f"unknown model {name!r}", remedy=choices(name, found.models))
    ranked = [one for one in found.ranked if one.by == name]
    return Picture(3.0, lambda axes: ecdfs.ecdfs(axes, ranked, title=name))


# ---- what they are made of ---------------------------------------------------------------------


def _ends(row: Mapping[str, Any]) -> tuple[float, float, float]:
    return row["lower"], row["median"], row["upper"]


def _is_a(kind: str, found: Any, made_by: str) -> None:
    """Refuse another result by name; importing its class would load the engines."""
    if kind not in {base.__name__ for base in type(found).__mro__}:
        raise QuestionError(
            f"this picture is of a {kind}, not of a {type(found).__name__}", remedy=f"{made_by} gives one."
        )
