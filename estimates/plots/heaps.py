"""Distributions under one another, as heaps of equally likely dots over their interval."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from estimates import words
from estimates.plots.paper import BLUE, INK, ORANGE, SOFT, WIDTH, number_axis, shortened

SERIES = (BLUE, ORANGE)
"""The colour of the first and of the second series of `distributions`."""

_LABEL, _HEADING, _BAR, _GAP = 0.24, 0.34, 0.09, 0.16  # inches, from the top of a row down
_DOT, _HIGHEST_HEAP = 0.075, 0.6  # inches: the width of a dot, the most that a heap may rise


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
    number_axis(axes.xaxis, size)
    axes.set_xlabel(f"{word} {label}".strip())
    for heading in dict.fromkeys(row.heading for row in rows):
        group = [(row, place) for row, place in zip(rows, places, strict=True) if row.heading == heading]
        _draw_heading(axes, group)
        for row, place in group:
            _draw_row(axes, row, place)
    _name_interval(axes, rows[0], places[0])
    return axes


def _name_interval(axes: Axes, row: Row, place: _Place) -> None:
    """What the bars are, told at the first one."""
    axes.annotate(
        "89 %",
        (row.spread[2], place.floor + _BAR),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=8.5,
        color=SOFT,
        zorder=4,
    )


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
            shortened(f"said: {words.in_millions(text)}", 30),
            va="center",
            ha="right" if is_far_right else "left",
            fontsize=9.5,
        )


def _draw_row(axes: Axes, row: Row, place: _Place) -> None:
    colour = SERIES[row.series]
    name = axes.annotate(
        shortened(row.label, 44),
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
