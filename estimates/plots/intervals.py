"""The same quantity several times: an interval with its median for each."""

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes

from estimates import words
from estimates.plots.paper import BLUE, SOFT, number_axis, shortened

_STEP = 0.4  # inches


class Ranged(NamedTuple):
    """What it is called, its interval (lower end, median, upper end), and whether it can be trusted."""

    label: str
    spread: tuple[float, float, float]
    is_trusted: bool = True


def height_of(rows: Sequence[Ranged]) -> float:
    """Inches that `ranges` needs for these rows."""
    return _STEP * len(rows) + 0.85


def ranges(axes: Axes, rows: Sequence[Ranged], *, title: str, label: str) -> Axes:
    """Intervals under one another on one axis, each under its name and beside its numbers.

    What cannot be trusted is grey and says so.

    Parameters
    ----------
    axes : Axes
        Where to draw; the figure should have the height that `height_of` tells.
    rows : sequence of Ranged
        From the top down.
    title : str
        What all of them are of, over the picture.
    label : str
        The unit in the plural, for the axis.
    """
    low, high = min(row.spread[0] for row in rows), max(row.spread[2] for row in rows)
    size, word = words.scale(max(abs(low), abs(high)))
    axes.set(xlim=(min(0.0, 1.04 * low), 1.04 * max(0.0, high) or 1.0), ylim=(len(rows) - 0.35, -0.6))
    axes.set_yticks([])
    axes.grid(axis="x")
    number_axis(axes.xaxis, size)
    axes.set_xlabel(f"{word} {label}: median and 89 % interval".strip(" :"))
    axes.set_title(shortened(title, 52), loc="left", fontsize=10, color=SOFT)
    for place, row in enumerate(rows):
        _draw_range(axes, row, place + 0.2)
    return axes


def _draw_range(axes: Axes, row: Ranged, height: float) -> None:
    colour = BLUE if row.is_trusted else SOFT
    lower, median, upper = row.spread
    axes.plot([lower, upper], [height, height], color=colour, lw=3, solid_capstyle="butt", zorder=3)
    axes.plot([median], [height], marker="o", ms=7, mfc="white", mec=colour, mew=2, zorder=4)
    doubt = "" if row.is_trusted else ": a bad fit"
    told = f"{words.spoken(median, (upper - lower) / 2)} ({words.spoken_interval(lower, upper)})"
    for side, text, shade in (
        ("left", shortened(row.label, 40 - len(told) // 2) + doubt, None),
        ("right", told, SOFT),
    ):
        axes.annotate(
            text,
            (0 if side == "left" else 1, height - 0.28),
            xycoords=("axes fraction", "data"),
            ha=side,
            va="bottom",
            fontsize=9.5,
            color=shade,
            bbox={"boxstyle": "square,pad=0.08", "fc": "white", "ec": "none"},
        )
