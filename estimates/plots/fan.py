"""Carriers over time as a fan, with what was said of them."""

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from estimates import words
from estimates.plots.paper import (
    BLUE,
    GREY,
    INK,
    SOFT,
    WIDTH,
    date_axis,
    name_at_edge,
    number_axis,
    shortened,
)

MOST_DAYS = 250
"""A fan is drawn through at most so many days."""


ISSUERS = (INK, "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", BLUE)
"""The colour of each issuer, where there are several; further ones begin again with other markers."""

MARKERS = "osDvPXph*"
"""The marker of each issuer: one more than colours, so that no two have both."""

MOST_LANES = 12
"""So many issuers have a lane of their own under the fan; the rest share one."""

_LETTER = 0.024  # the width of a letter, as a share of the width of the axes
_LANE, _FAN = 0.2, 3.2  # inches: the height of a lane, and of the fan above them


class Said(NamedTuple):
    """A report as the interval it is.

    Attributes
    ----------
    day : date
    low, high : float
    words : str
        As it was worded.
    issuer : int or None
        The place of its issuer among several; None where there is one only.
    is_other : bool
        Whether it counts another period or scope than the fan: then it is hollow.
    """

    day: dt.date
    low: float
    high: float
    words: str
    issuer: int | None = None
    is_other: bool = False


class Lane(NamedTuple):
    """An issuer: its name with what it reports on, and the days of its reports."""

    name: str
    days: Sequence[dt.date]
    is_other: Sequence[bool]


def fan(
    axes: Axes,
    days: Sequence[dt.date],
    bands: NDArray[np.float64],
    prior_bands: NDArray[np.float64] | None = None,
    reports: Sequence[Said] = (),
    *,
    label: str = "",
) -> Axes:
    """Carriers over time as a fan, before and after the reports, with the reports as intervals.

    The vertical axis ends where the fan and the reports end; a prior that goes on is cut and told.

    Parameters
    ----------
    axes : Axes
        Where to draw.
    days : sequence of date
        The days of the bands.
    bands : array (5, day)
        Lower end of the 89 % interval, lower end of the 50 % interval, median, and the upper ends.
    prior_bands : array (5, day), optional
        The same before any report.
    reports : sequence of Said
        What was said of the carriers.
    label : str
        What is counted, for the axis: "containers".

    Returns
    -------
    Axes
    """
    keep = _kept(days, bands if prior_bands is None else np.maximum(bands, prior_bands), reports)
    when = np.array([days[index].toordinal() for index in keep], dtype=float)
    outer, inner, median = bands[[0, 4]][:, keep], bands[[1, 3]][:, keep], bands[2, keep]
    top = _top(bands, reports)
    size, word = words.scale(top)
    if prior_bands is not None:
        axes.fill_between(when, *np.minimum(prior_bands[[0, 4]][:, keep], 2 * top), color=GREY, lw=0)
    axes.fill_between(when, *outer, color=BLUE, alpha=0.22, lw=0)
    axes.fill_between(when, *inner, color=BLUE, alpha=0.38, lw=0)
    _draw_median(axes, when, median, reports)
    axes.set(xlim=(when[0], when[-1]), ylim=(0, top))
    axes.grid(axis="y")
    number_axis(axes.yaxis, size)
    date_axis(axes)
    axes.set_title(f"{word} {label}".strip(), loc="left", fontsize=10, color=SOFT)
    _name_bands(axes, bands[:, -1])
    _tell(axes, prior_bands, top, reports)
    _draw_reports(axes, reports, top)
    return axes


def _top(bands: NDArray[np.float64], reports: Sequence[Said]) -> float:
    ends = [said.high if np.isfinite(said.high) else 1.1 * said.low for said in reports]
    return 1.06 * max([float(bands[4].max()), *ends]) or 1.0


def _kept(days: Sequence[dt.date], bands: NDArray[np.float64], reports: Sequence[Said]) -> list[int]:
    """The days drawn: at most `MOST_DAYS` and those of reports, from the last one with all bands at 0."""
    said = [days.index(report.day) for report in reports if report.day in days]
    started = int(np.argmax(bands[-1] > 0))
    first = max(0, min([started - 1, len(days) - 2, *said]))
    step = -(-(len(days) - first) // MOST_DAYS)
    return sorted({*range(first, len(days), step), len(days) - 1, *said})


def _draw_median(axes: Axes, when: NDArray[Any], median: NDArray[Any], reports: Sequence[Said]) -> None:
    """Solid from the first report to the last, dashed where no report stands."""
    said = [float(report.day.toordinal()) for report in reports] or [np.inf]
    between = (when >= min(said)) & (when <= max(said))
    first = max(int(np.argmax(median > 0)) - 1, 0)  # a line along the axis says nothing
    axes.plot(when[first:], median[first:], color=BLUE, lw=1.6, ls=(0, (2, 1.6)))
    if between.sum() > 1:
        axes.plot(when[between], median[between], color=BLUE, lw=2.2, solid_capstyle="butt")


def _tell(axes: Axes, prior_bands: NDArray[np.float64] | None, top: float, reports: Sequence[Said]) -> None:
    """What grey and hollow mean."""
    told = []
    if prior_bands is not None:
        told.append("grey: 89 % interval before the reports")
        highest = float(prior_bands[4].max())
        if highest > top:
            told[-1] += f",\ncut here; it goes on to {words.spoken(highest, highest / 2)}"
    if any(said.is_other for said in reports):
        told.append("hollow: another period or scope")
    axes.text(
        0.015,
        0.985,
        "\n".join(told),
        transform=axes.transAxes,
        va="top",
        color=SOFT,
        fontsize=9,
        linespacing=1.35,
        zorder=6,
    )


def _name_bands(axes: Axes, ends: NDArray[np.float64]) -> None:
    """Names at the right edge, pushed apart where they would touch."""
    line = 0.065 * axes.get_ylim()[1]
    named = [
        (float(ends[2]), "median", 1.0),
        (float(ends[3]), "50 %", 1.3),
        (float(ends[4]), "89 %\ninterval", 0.0),
    ]
    lowest = 0.02 * axes.get_ylim()[1]
    for height, name, lines in named:
        place = max(height, lowest)
        lowest = place + lines * line
        name_at_edge(axes, place, name)


def _draw_reports(axes: Axes, reports: Sequence[Said], top: float) -> None:
    """Every report, and the words of those that have room; those that the fan is held against come first."""
    left, right = axes.get_xlim()
    ordered = sorted(reports, key=lambda said: (said.is_other, said.day))
    ends = [_draw_report(axes, said, top, right - left) for said in ordered]
    taken = [
        _Box((x, x), (said.low / top, end / top))
        for said, end in zip(ordered, ends, strict=True)
        for x in [(said.day.toordinal() - left) / (right - left)]
    ]
    for place, (said, end) in enumerate(zip(ordered, ends, strict=True)):
        text = shortened(words.in_millions(said.words), 26)
        for side in _sides(taken[place].across[0]):
            box = _box(taken[place], text, side)
            if box.is_inside and not any(box.touches(other) for other in taken):
                taken.append(box)
                _label_report(axes, said, end, side)
                break


class _Box(NamedTuple):
    """What is taken of the picture, across and up, as shares of the axes."""

    across: tuple[float, float]
    up: tuple[float, float]

    @property
    def is_inside(self) -> bool:
        return self.across[0] >= 0 and self.across[1] <= 1

    def touches(self, other: "_Box") -> bool:
        return all(
            mine[0] <= theirs[1] and theirs[0] <= mine[1] for mine, theirs in zip(self, other, strict=True)
        )


def _sides(across: float) -> tuple[str, str]:
    """Where words go: to the left of what lies far enough to the right, else the other way round."""
    return ("left", "right") if across > 0.35 else ("right", "left")


def _box(report: _Box, text: str, side: str) -> _Box:
    """The words beside the upper end of a report, on one side of it."""
    (across, _), (_, up) = report
    reach = 0.02 + _LETTER * len(text)
    ends = (across - reach, across - 0.015) if side == "left" else (across + 0.015, across + reach)
    return _Box(ends, (up + 0.01, up + 0.06))


def _draw_report(axes: Axes, said: Said, top: float, width: float) -> float:
    """A bar with caps from low to high, an arrow where there is no high end; the height at which it ends."""
    when, is_open = said.day.toordinal(), not np.isfinite(said.high)
    end = min(said.low + 0.08 * top, top) if is_open else said.high
    colour = INK if said.issuer is None else _look(said.issuer)["mfc"]
    bar: dict[str, Any] = {"color": colour, "solid_capstyle": "butt", "zorder": 5}
    axes.plot([when, when], [said.low, end], lw=1.2 if said.is_other else 2.4, **bar)
    cap = (when - 0.011 * width, when + 0.011 * width)
    for height in [said.low] if is_open else [said.low, said.high]:
        axes.plot(cap, [height, height], lw=1.4, clip_on=False, **bar)
    if is_open:
        axes.plot([when], [end], marker="^", color=colour, ms=7, zorder=5)
    if said.issuer is not None or said.is_other:
        axes.plot([when], [(said.low + end) / 2], **_look(said.issuer or 0, hollow=said.is_other), zorder=6)
    return end


def _look(issuer: int, *, hollow: bool = False) -> dict[str, Any]:
    """The marker of an issuer; its edge is ink, because yellow on white is hardly seen."""
    colour = ISSUERS[issuer % len(ISSUERS)]
    return {
        "marker": MARKERS[issuer % len(MARKERS)],
        "ls": "",
        "ms": 6,
        "mfc": "white" if hollow else colour,
        "mec": colour if hollow else INK,
        "mew": 1.5 if hollow else 0.5,
    }


def _label_report(axes: Axes, said: Said, height: float, side: str) -> None:
    axes.annotate(
        shortened(words.in_millions(said.words), 26),
        (said.day.toordinal(), height),
        xytext=(-7 if side == "left" else 7, 5),
        textcoords="offset points",
        ha="right" if side == "left" else "left",
        weight="normal" if said.is_other else "bold",
        zorder=7,
        bbox={"boxstyle": "square,pad=0.05", "fc": "#ffffff60", "ec": "none"},
    )


# ---- one lane for each issuer --------------------------------------------------------------------


def height_of(lanes: Sequence[Lane]) -> float:
    """Inches that `fan` needs with these lanes under it."""
    return 4.0 + _LANE * min(len(lanes), MOST_LANES + 1)


def draw_lanes(axes: Axes, lanes: Sequence[Lane]) -> Axes:
    """When each issuer reported, in lanes under a fan that is there; the lanes name the colours.

    Parameters
    ----------
    lanes : sequence of Lane
        In the order of `Said.issuer`.
    """
    if not lanes:
        return axes
    top = axes.get_ylim()[1]
    step = top * _LANE / _FAN
    axes.set_yticks(axes.get_yticks())  # those of the fan alone, before its axis goes on below
    axes.axhline(0.0, color=SOFT, lw=0.8)
    for place, lane in enumerate(lanes[:MOST_LANES]):
        _draw_lane(axes, lane, place, -(place + 0.9) * step)
    shown = min(len(lanes), MOST_LANES)
    if len(lanes) > shown:
        more = f"and {len(lanes) - shown} more issuers"
        axes.text(
            0.015, -(shown + 0.9) * step, more, transform=axes.get_yaxis_transform(), va="center", color=SOFT
        )
        shown += 1
    axes.set_ylim(-(shown + 0.5) * step, top)
    return axes


def _draw_lane(axes: Axes, lane: Lane, place: int, height: float) -> None:
    """The name stands on the side of the marks that has more room."""
    left, right = axes.get_xlim()
    for day, is_other in zip(lane.days, lane.is_other, strict=True):
        axes.plot([day.toordinal()], [height], **_look(place, hollow=is_other), zorder=6)
    first, last = min(lane.days).toordinal(), max(lane.days).toordinal()
    is_before = first - left >= right - last
    room = (first - left if is_before else right - last) / (right - left) * (WIDTH - 1.2)
    axes.annotate(
        shortened(lane.name, max(6, round(room / 0.064))),
        (first if is_before else last, height),
        xytext=(-8 if is_before else 8, 0),
        textcoords="offset points",
        ha="right" if is_before else "left",
        va="center",
        fontsize=9,
    )
