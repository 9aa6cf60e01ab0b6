"""Pictures: values in, matplotlib `Axes` out. Nothing is computed here but places on the axes.

Ink is what was said, blue is what follows from it, orange is the same as its issuer would reckon it,
grey is what was thought possible before any report. Colours: Okabe and Ito (2008), safe for the
colour-blind.
"""

import datetime as dt
import io
import logging
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from estimates import words
from estimates.ranks import Ranked

if TYPE_CHECKING:
    from estimates.sweeping import Curve

INK, SOFT, BLUE, ORANGE, GREY = "#1b1b1b", "#5f5f5f", "#0072B2", "#E69F00", "#d9d9d9"
SERIES = (BLUE, ORANGE)
"""The colour of the first and of the second series of `distributions`."""

WIDTH = 4.3
"""Inches. Small, so that letters of 10 points are still read when a phone shrinks the picture."""

MOST_DAYS = 250
"""A fan is drawn through at most so many days."""

STYLE: Any = {
    "axes.axisbelow": True,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": SOFT,
    "axes.linewidth": 0.8,
    "axes.spines.left": False,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": "white",
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10.0,
    "grid.color": "#ececec",
    "grid.linewidth": 0.8,
    "savefig.facecolor": "white",
    "svg.fonttype": "none",  # letters stay letters: the page's own font draws every script
    "text.color": INK,
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "text.usetex": False,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelsize": 9.5,
    "ytick.labelsize": 9.5,
    "ytick.major.size": 0,
}


class Said(NamedTuple):
    """A report as the interval it is: on which day, from where to where, in which words."""

    day: dt.date
    low: float
    high: float
    words: str


class Row(NamedTuple):
    """One distribution: its heading (a day), its name, and its equally likely quantiles.

    Attributes
    ----------
    heading : str
        Rows under one heading stand together.
    label : str
        What it is.
    series : int
        Which of `SERIES`.
    dots : array (dot,)
        Quantiles of equal steps of probability: each stands for one case in ``len(dots)``.
    spread : tuple of float
        Lower end of the 89 % interval, median, upper end.
    said : tuple of (value, words)
        What was said of this heading's rows, drawn through all of them.
    """

    heading: str
    label: str
    series: int
    dots: NDArray[np.float64]
    spread: tuple[float, float, float]
    said: tuple[tuple[float, str], ...] = ()


@contextmanager
def style() -> Iterator[None]:
    """The one style of all pictures, for the time being; settings of the caller come back afterwards."""
    with mpl.rc_context(STYLE):
        yield


def canvas(height: float, panels: int = 1, rows: int = 1) -> tuple[Figure, list[Axes]]:
    """An empty picture, rows `height` inches high, panels of the common width; no pyplot, nothing global."""
    layout = ConstrainedLayoutEngine(w_pad=0.06, h_pad=0.06, wspace=0.06)
    figure = Figure(figsize=(WIDTH * panels, height * rows), layout=layout)
    FigureCanvasSVG(figure)
    return figure, [figure.add_subplot(rows, panels, place + 1) for place in range(panels * rows)]


# ---- carriers over time ------------------------------------------------------------------------


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
        _tell_prior(axes, prior_bands, top)
    axes.fill_between(when, *outer, color=BLUE, alpha=0.22, lw=0)
    axes.fill_between(when, *inner, color=BLUE, alpha=0.38, lw=0)
    _draw_median(axes, when, median, reports)
    axes.set(xlim=(when[0], when[-1]), ylim=(0, top))
    axes.grid(axis="y")
    _number_axis(axes.yaxis, size)
    _date_axis(axes)
    axes.set_title(f"{word} {label}".strip(), loc="left", fontsize=10, color=SOFT)
    _name_bands(axes, bands[:, -1])
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


def _tell_prior(axes: Axes, prior_bands: NDArray[np.float64], top: float) -> None:
    highest = float(prior_bands[4].max())
    text = "grey: 89 % interval before the reports"
    if highest > top:
        text += f",\ncut here; it goes on to {words.spoken(highest, highest / 2)}"
    axes.text(
        0.015,
        0.985,
        text,
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
        axes.annotate(
            name,
            (1, place),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            color="#00527f",
            fontsize=9,
            annotation_clip=False,
        )


def _draw_reports(axes: Axes, reports: Sequence[Said], top: float) -> None:
    """A bar with caps from low to high, an arrow where there is no high end, and the words said."""
    width = axes.get_xlim()[1] - axes.get_xlim()[0]
    labelled: list[tuple[float, float]] = []
    for said in sorted(reports, key=lambda said: said.day):
        when, is_open = said.day.toordinal(), not np.isfinite(said.high)
        end = min(said.low + 0.08 * top, top) if is_open else said.high
        axes.plot([when, when], [said.low, end], color=INK, lw=2.4, solid_capstyle="butt", zorder=5)
        cap = (when - 0.011 * width, when + 0.011 * width)
        for height in [said.low] if is_open else [said.low, said.high]:
            axes.plot(
                cap, [height, height], color=INK, lw=1.4, solid_capstyle="butt", zorder=5, clip_on=False
            )
        if is_open:
            axes.plot([when], [end], marker="^", color=INK, ms=7, zorder=5)
        spot = (when / width, end / top)
        if all(abs(spot[0] - x) > 0.2 or abs(spot[1] - y) > 0.08 for x, y in labelled):
            labelled.append(spot)
            _label_report(axes, when, end, said.words)


def _label_report(axes: Axes, when: float, height: float, text: str) -> None:
    left, right = axes.get_xlim()
    on_the_left = (when - left) / (right - left) > 0.35
    axes.annotate(
        _shortened(text, 26),
        (when, height),
        xytext=(-7 if on_the_left else 7, 5),
        textcoords="offset points",
        ha="right" if on_the_left else "left",
        weight="bold",
        zorder=7,
    )


# ---- distributions side by side ----------------------------------------------------------------

_LABEL, _HEADING, _BAR, _GAP = 0.24, 0.34, 0.09, 0.16  # inches, from the top of a row down
_DOT, _HIGHEST_HEAP = 0.075, 0.6  # inches: the width of a dot, the most that a heap may rise


class _Place(NamedTuple):
    """Where a row stands, in inches from the top: its label, and the floor of its heap of dots."""

    label: float
    floor: float


def height_of(rows: Sequence[Row]) -> float:
    """Inches that `distributions` needs for these rows."""
    return _places(rows)[-1].floor + _BAR + _GAP + 0.55


def distributions(axes: Axes, rows: Sequence[Row], *, label: str = "") -> Axes:
    """Distributions under one another on one axis, as heaps of equally likely dots over their interval.

    Parameters
    ----------
    axes : Axes
        Where to draw; the figure should have the height that `height_of` tells.
    rows : sequence of Row
        From the top down; rows of one heading stand together.
    label : str
        The unit in the plural, for the axis: "rounds".

    Returns
    -------
    Axes

    References
    ----------
    Kay et al. (2016), When (ish) is my bus?, doi:10.1145/2858036.2858558: people read counts of dots
    more surely than areas.
    """
    places = _places(rows)
    left, right = _ends(rows)
    size, word = words.scale(right)
    axes.set(xlim=(left, right), ylim=(places[-1].floor + _BAR + _GAP, 0))
    axes.set_yticks([])
    axes.grid(axis="x")
    _number_axis(axes.xaxis, size)
    axes.set_xlabel(f"{word} {label}".strip())
    for heading in dict.fromkeys(row.heading for row in rows):
        group = [(row, place) for row, place in zip(rows, places, strict=True) if row.heading == heading]
        _draw_heading(axes, group)
        for row, place in group:
            _draw_row(axes, row, place)
    return axes


def _ends(rows: Sequence[Row]) -> tuple[float, float]:
    """The ends of the common axis; it holds 0, so that lengths can be compared."""
    values = [
        0.0,
        *(value for row in rows for value in (*row.dots, *row.spread, *(said for said, _ in row.said))),
    ]
    low, high = float(min(values)), float(max(values))
    margin = 0.03 * (high - low) or 1.0
    return (low - margin if low < 0 else 0.0), high + margin


def _places(rows: Sequence[Row]) -> list[_Place]:
    places: list[_Place] = []
    height, heading = 0.0, ""
    for row in rows:
        if row.heading != heading:
            heading = row.heading
            height += _HEADING + (_GAP if places else 0.0)
        heap = float(_heap(row.dots, _ends(rows))[1].max()) + _DOT
        places.append(_Place(height, height + _LABEL + heap))
        height = places[-1].floor + _BAR + _GAP
    return places


def _draw_heading(axes: Axes, group: Sequence[tuple[Row, _Place]]) -> None:
    """The day, and what was said on it as a broken line through the rows of that day."""
    left, right = axes.get_xlim()
    top = group[0][1].label
    bottom = group[-1][1].floor + _BAR + 0.06
    axes.text(left, top - _HEADING / 2, group[0][0].heading, weight="bold", va="center", ha="left")
    for value, text in dict.fromkeys(pair for row, _ in group for pair in row.said):
        axes.plot([value, value], [top - 0.06, bottom], color=INK, lw=1.3, ls=(0, (4, 2.5)), zorder=1.5)
        is_far_right = value - left > 0.62 * (right - left)
        axes.text(
            value if is_far_right else max(value, left + 0.36 * (right - left)),
            top - _HEADING / 2,
            _shortened(f"said: {text}", 30),
            va="center",
            ha="right" if is_far_right else "left",
            fontsize=9.5,
        )


def _draw_row(axes: Axes, row: Row, place: _Place) -> None:
    colour = SERIES[row.series]
    name = axes.annotate(
        _shortened(row.label, 44),
        (axes.get_xlim()[0], place.label + _LABEL / 2),
        xytext=(11, 0),
        textcoords="offset points",
        va="center",
        fontsize=9.5,
        zorder=4,
    )
    name.set_bbox({"boxstyle": "square,pad=0.1", "fc": "white", "ec": "none"})
    axes.annotate(
        "■", name.xy, xytext=(0, 0), textcoords="offset points", va="center", color=colour, zorder=5
    )
    across, up, size = _heap(row.dots, axes.get_xlim())
    axes.plot(across, place.floor - up, ls="", marker="o", ms=size, mew=0, color=colour, zorder=3)
    lower, median, upper = row.spread
    bar = place.floor + _BAR
    axes.plot([lower, upper], [bar, bar], color=colour, lw=3, solid_capstyle="butt", zorder=3)
    axes.plot([median], [bar], marker="o", ms=7, mfc="white", mec=colour, mew=2, zorder=4)


def _heap(
    dots: NDArray[np.float64], ends: tuple[float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Dots in columns as wide as a dot: where across (data), how far up (inches), and their size (points)."""
    column = _DOT / (WIDTH - 0.3) * (ends[1] - ends[0])
    columns = np.floor((dots - ends[0]) / column).astype(int)
    level = np.array([int((columns[:index] == here).sum()) for index, here in enumerate(columns)])
    rise = min(_DOT, _HIGHEST_HEAP / (int(level.max()) + 1))
    return ends[0] + (columns + 0.5) * column, (level + 0.5) * rise, 72 * max(rise, 0.4 * _DOT) * 0.92


# ---- what knowing would do ---------------------------------------------------------------------


class Known(NamedTuple):
    """An assumption, the width of an interval once it is known, and whether it rests on judgement."""

    label: str
    width: float
    is_judgement: bool


def height_of_widths(rows: Sequence[Known]) -> float:
    """Inches that `widths` needs for these rows."""
    return _STEP * (len(rows) + 1) + 0.75


def widths(axes: Axes, rows: Sequence[Known], now: float, *, label: str = "") -> Axes:
    """How wide an interval would be once each assumption were known, under how wide it is now.

    Parameters
    ----------
    axes : Axes
        Where to draw; the figure should have the height that `height_of_widths` tells.
    rows : sequence of Known
        From the top down.
    now : float
        The width as it is.
    label : str
        The unit in the plural, for the axis.
    """
    size, word = words.scale(now)
    axes.set(xlim=(0, 1.02 * now), ylim=(len(rows) + 0.6, -0.6))
    axes.set_yticks([])
    axes.grid(axis="x")
    _number_axis(axes.xaxis, size)
    axes.set_xlabel(f"width of the 89 % interval, {word} {label}".rstrip(", "))
    axes.axvline(now, color=SOFT, linewidth=0.8, linestyle=(0, (4, 3)))
    bars = [("now", now, SOFT)]
    for row in rows:
        judged = (f"{row.label}, a judgement", row.width, ORANGE)
        bars.append(judged if row.is_judgement else (row.label, row.width, BLUE))
    for place, (name, width, colour) in enumerate(bars):
        axes.plot([0, width], [place + 0.18] * 2, color=colour, linewidth=6, solid_capstyle="butt")
        axes.annotate(
            name, (0, place - 0.12), va="bottom", fontsize=9.5, xytext=(0, 1), textcoords="offset points"
        )
    return axes


_STEP = 0.36

# ---- the readings of a sweep -------------------------------------------------------------------


def height_of_curve(curve: "Curve") -> float:
    """Inches of each of the two panels that `specification_curve` needs."""
    return max(2.2, 0.2 * len(curve.chosen) + 0.7)


def specification_curve(above: Axes, below: Axes, curve: "Curve", *, label: str = "") -> Axes:
    """The interval under every reading, and under it which options each reading takes.

    Parameters
    ----------
    above, below : Axes
        Of one picture, whose rows have the height that `height_of_curve` tells.
    label : str
        The quantity with its unit, for the axis.

    References
    ----------
    Simonsohn et al. (2020), doi:10.1038/s41562-020-0912-z.
    """
    place = np.arange(1, len(curve.median) + 1)
    size, word = words.scale(float(np.max(curve.upper)))
    above.fill_between(place, curve.lower, curve.upper, step="mid", color=BLUE, alpha=0.25, linewidth=0)
    above.plot(place, curve.median, color=BLUE, linewidth=1.6, drawstyle="steps-mid")
    above.set(xlim=(0.5, len(place) + 0.5), ylim=(0, 1.03 * float(np.max(curve.upper))))
    above.set_xticks([])
    above.grid(axis="y")
    _number_axis(above.yaxis, size)
    above.set_title(_shortened(f"{word} {label}".strip(), 60), loc="left", fontsize=9.5, color=SOFT)
    middle = len(place) // 2
    above.annotate(
        "median",
        (place[middle], curve.median[middle]),
        xytext=(0, 4),
        textcoords="offset points",
        ha="center",
        fontsize=9,
        color=BLUE,
    )
    for row, (_, _, chosen) in enumerate(curve.chosen):
        below.vlines(
            place[chosen],
            row - 0.35,
            row + 0.35,
            color=INK,
            linewidth=max(0.25, 120 / len(place)),
            alpha=1.0 if len(place) < 300 else 0.25,
            rasterized=True,
        )
    axes_begin = [i for i, (axis, _, _) in enumerate(curve.chosen) if i and curve.chosen[i - 1][0] != axis]
    for row in axes_begin:
        below.axhline(row - 0.5, color=GREY, linewidth=0.8)
    below.set(xlim=above.get_xlim(), ylim=(len(curve.chosen) - 0.4, -0.6))
    below.set_yticks(
        range(len(curve.chosen)),
        [_shortened(f"{axis}: {option}", 34) for axis, option, _ in curve.chosen],
        fontsize=8,
    )
    below.set_xlabel(f"{len(place):,} readings, by median")
    return above


# ---- where truths lie in their posteriors ------------------------------------------------------


def calibration(axes: Axes, ranked: Sequence[Ranked], *, title: str = "") -> Axes:
    """ECDFs of ranks less that of uniform ones, with the band in which uniform ranks stay.

    Every quantity is a line; named are the one that comes nearest to the band and all that leave it, these
    in orange.

    Parameters
    ----------
    axes : Axes
        Where to draw.
    ranked : sequence of Ranked
        Of as many simulations each, such as those of one model in `Calibration.ranked`.
    title : str
        Over the picture.

    Returns
    -------
    Axes
    """
    points, lower, upper = ranked[0].band
    axes.fill_between(points, lower - points, upper - points, color=GREY, lw=0, step="post")
    axes.axhline(0.0, color=SOFT, lw=0.8)
    nearest, named = max(ranked, key=lambda one: one.reach), list[bool]()
    for one in sorted(ranked, key=lambda one: one.is_inside, reverse=True):
        colour = BLUE if one.is_inside else ORANGE
        is_named = one is nearest or not one.is_inside
        axes.step(points, one.above, where="post", color=colour, lw=1.8 if is_named else 0.9, alpha=0.85)
        if is_named:
            side = bool(np.max(one.above) > -np.min(one.above))
            _name_step(axes, one, named.count(side))
            named.append(side)
    reach = 1.7 * max(float(np.max(upper - points)), *(float(np.abs(one.above).max()) for one in ranked))
    axes.set(xlim=(0, 1), ylim=(-reach, reach), xticks=[0, 0.25, 0.5, 0.75, 1])
    axes.grid(axis="y")
    axes.set_xlabel("share of the posterior below the truth")
    axes.set_title(title, loc="left", fontsize=10, color=SOFT)
    words_of_band = f"grey: band of uniform ranks, {len(ranked[0].pits):,} simulations"
    axes.text(0.015, 0.985, words_of_band, transform=axes.transAxes, va="top", color=SOFT, fontsize=8.5)
    return axes


def _name_step(axes: Axes, one: Ranked, before: int) -> None:
    """The name of a line over or under the band, beyond those that stand there before it, and whose it is."""
    at = int(np.argmax(np.abs(one.above)))
    where, height = float(one.band.points[at]), float(one.above[at])
    side = 1 if height > 0 else -1
    edge = max(float(np.max(np.abs(one.band.upper - one.band.points))), abs(height))
    axes.annotate(
        _shortened(one.quantity, 26),
        (where, height),
        xytext=(where, side * edge * (1.04 + 0.19 * before)),
        ha="left" if where < 0.3 else "right" if where > 0.7 else "center",
        va="bottom" if side > 0 else "top",
        fontsize=9,
        weight="normal" if one.is_inside else "bold",
        arrowprops={"arrowstyle": "-", "color": SOFT, "lw": 0.6, "shrinkA": 0, "shrinkB": 1},
        zorder=6,
    )


# ---- axes --------------------------------------------------------------------------------------


def _number_axis(axis: Any, size: float) -> None:
    def written(value: float, _: int) -> str:
        return f"{value / size:,.10g}"

    axis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(FuncFormatter(written))


def _date_axis(axes: Axes) -> None:
    """Firsts of months, or days where there are few; the year under the first tick of each year."""
    left, right = (dt.date.fromordinal(round(end)) for end in axes.get_xlim())
    labels: list[str] = []
    ticks, year = _date_ticks(left, right), 0
    for day in ticks:
        number, month, _ = words.date_words(day, short=True).split()
        written = month if all(tick.day == 1 for tick in ticks) else f"{number} {month}"
        labels.append(written if day.year == year else f"{written}\n{day.year}")
        year = day.year
    axes.set_xticks([tick.toordinal() for tick in ticks], labels)


def _date_ticks(first: dt.date, last: dt.date) -> list[dt.date]:
    """Three to six days that are easy to read."""
    months = range(12 * first.year + first.month - 1, 12 * last.year + last.month)
    for step in (1, 2, 3, 6, 12, 24, 60, 120, 300):
        firsts = [dt.date(month // 12, month % 12 + 1, 1) for month in months if month % step == 0]
        shown = [day for day in firsts if first <= day <= last]
        if len(shown) <= 6:
            break
    if len(shown) >= 3:
        return shown
    apart = max(1, -(-(last - first).days // 4))
    return [dt.date.fromordinal(day) for day in range(first.toordinal(), last.toordinal() + 1, apart)]


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


# ---- files -------------------------------------------------------------------------------------


def svg(figure: Figure, name: str, alternative: str) -> str:
    """The picture as SVG for a page: the same text every time, with ids of its own and words to be heard.

    Parameters
    ----------
    figure : Figure
    name : str
        Goes in front of every id, so that two pictures on one page do not share any.
    alternative : str
        What the picture shows, in words.
    """
    buffer = io.StringIO()
    with mpl.rc_context(STYLE | {"svg.hashsalt": name}), _quiet_about_glyphs():
        figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    drawn = buffer.getvalue()
    drawn = drawn[drawn.index("<svg") :]
    drawn = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", drawn)
    return drawn.replace("<svg ", f'<svg role="img" aria-label="{escape(alternative)}" ', 1)


def png(figure: Figure, dots_per_inch: int = 200) -> bytes:
    """The picture as PNG."""
    buffer = io.BytesIO()
    with mpl.rc_context(STYLE), _quiet_about_glyphs():
        figure.savefig(buffer, format="png", dpi=dots_per_inch, metadata={"Software": None})
    return buffer.getvalue()


@contextmanager
def _quiet_about_glyphs() -> Iterator[None]:
    """Matplotlib measures with its own font and warns of scripts it lacks; the reader's fonts have them."""
    logger = logging.getLogger("matplotlib.font_manager")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=r"Glyph .* missing from", category=UserWarning)
            yield
    finally:
        logger.setLevel(level)
