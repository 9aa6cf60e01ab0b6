"""The readings of a sweep: a specification curve."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from estimates import words
from estimates.plots.paper import BLUE, GREY, INK, SOFT, number_axis, shortened

if TYPE_CHECKING:
    from estimates.sweeping import Curve


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
    number_axis(above.yaxis, size)
    above.set_title(shortened(f"{word} {label}".strip(), 60), loc="left", fontsize=9.5, color=SOFT)
    middle = len(place) // 2
    for name, at, height, side in (
        ("median", middle, curve.median[middle], ("center", "bottom", 4)),
        ("89 % interval", -1, curve.upper[-1], ("right", "top", -4)),
    ):
        above.annotate(
            name,
            (place[at], height),
            xytext=(0, side[2]),
            textcoords="offset points",
            ha=side[0],
            va=side[1],
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
        [shortened(f"{axis}: {option}", 34) for axis, option, _ in curve.chosen],
        fontsize=8,
    )
    below.set_xlabel(f"{len(place):,} readings, by median")
    return above
