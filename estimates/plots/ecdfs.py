"""Where truths lie in their posteriors."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from estimates.plots.paper import BLUE, GREY, ORANGE, SOFT, shortened
from estimates.ranks import Ranked


def ecdfs(axes: Axes, ranked: Sequence[Ranked], *, title: str = "") -> Axes:
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
        shortened(one.quantity, 26),
        (where, height),
        xytext=(where, side * edge * (1.04 + 0.19 * before)),
        ha="left" if where < 0.3 else "right" if where > 0.7 else "center",
        va="bottom" if side > 0 else "top",
        fontsize=9,
        weight="normal" if one.is_inside else "bold",
        arrowprops={"arrowstyle": "-", "color": SOFT, "lw": 0.6, "shrinkA": 0, "shrinkB": 1},
        zorder=6,
    )
