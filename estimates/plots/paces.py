"""The pace between one report and the next."""

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes

from estimates import words
from estimates.plots.paper import BLUE, SOFT, date_axis, name_at_edge, number_axis

NAMED = 0.08
"""Stretches from this share of the width on have their number beside them."""


class Stretch(NamedTuple):
    """From one report to the next: the pace as lower end of the interval, median, and upper end."""

    first: dt.date
    last: dt.date
    spread: tuple[float, float, float]


def steps(axes: Axes, stretches: Sequence[Stretch], *, label: str) -> Axes:
    """The pace from report to report as boxes; nothing before the first and after the last.

    Parameters
    ----------
    axes : Axes
        Where to draw.
    stretches : sequence of Stretch
        In the order of their days.
    label : str
        What is counted a day: "containers a day".
    """
    when = np.array([day.toordinal() for one in stretches for day in (one.first, one.last)], dtype=float)
    lower, median, upper = np.repeat([one.spread for one in stretches], 2, axis=0).T
    margin = 0.02 * (when[-1] - when[0])
    top = 1.12 * max(float(upper.max()), 0.0) or 1.0
    size, word = words.scale(top)
    axes.set(xlim=(when[0] - margin, when[-1] + margin), ylim=(min(0.0, 1.12 * float(lower.min())), top))
    axes.fill_between(when, lower, upper, color=BLUE, alpha=0.25, lw=0)
    axes.plot(when, median, color=BLUE, lw=2.2, solid_capstyle="butt")
    for edge in dict.fromkeys(when):
        axes.axvline(edge, color=SOFT, lw=0.8, ls=(0, (2, 2)))
    axes.grid(axis="y")
    number_axis(axes.yaxis, size)
    date_axis(axes)
    axes.set_title(f"{word} {label}, from report to report".strip(), loc="left", fontsize=10, color=SOFT)
    _name_ends(axes, stretches[-1].spread)
    named = ""
    for one in stretches:
        number = words.number(one.spread[1], (one.spread[2] - one.spread[0]) / 2)
        is_wide = (one.last - one.first).days >= NAMED * (when[-1] - when[0])
        if is_wide and number != named:  # a pace that goes on is told once
            named = number
            _name_pace(axes, one, number)
    return axes


def _name_pace(axes: Axes, one: Stretch, number: str) -> None:
    middle = (one.first.toordinal() + one.last.toordinal()) / 2
    axes.annotate(
        number,
        (middle, one.spread[1]),
        xytext=(0, 4),
        textcoords="offset points",
        ha="center",
        weight="bold",
    )


def _name_ends(axes: Axes, spread: tuple[float, float, float]) -> None:
    """Names at the right edge, pushed apart where they would touch."""
    lowest = -np.inf
    for height, name in zip(spread[1:], ("median", "89 %\ninterval"), strict=True):
        place = max(height, lowest)
        lowest = place + 0.13 * axes.get_ylim()[1]
        name_at_edge(axes, place, name)
