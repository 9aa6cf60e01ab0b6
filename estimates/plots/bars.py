"""What knowing each assumption would do to the width of an interval."""

from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.axes import Axes

from estimates import words
from estimates.plots.paper import BLUE, ORANGE, SOFT, number_axis

_STEP = 0.36


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
    number_axis(axes.xaxis, size)
    axes.set_xlabel(f"width of the 89 % interval, {word} {label}".rstrip(", "))
    axes.axvline(now, color=SOFT, linewidth=0.8, linestyle=(0, (4, 3)))
    bars = [("now", now, SOFT)]
    for row in rows:
        judged = (f"{row.label}, a judgement", row.width, ORANGE)
        bars.append(judged if row.is_judgement else (row.label, row.width, BLUE))
    for place, (name, width, colour) in enumerate(bars):
        axes.plot([0, width], [place + 0.1] * 2, color=colour, linewidth=6, solid_capstyle="butt")
        for text, across, side, shade in (
            (name, 0.0, "left", None),
            (words.spoken(width, now / 2), now, "right", SOFT),
        ):
            axes.annotate(
                text,
                (across, place - 0.12),
                xytext=(0 if side == "left" else -5, 0),
                textcoords="offset points",
                ha=side,
                va="bottom",
                fontsize=9.5,
                color=shade,
                bbox={"boxstyle": "square,pad=0.06", "fc": "white", "ec": "none"},
            )
    return axes
