"""What all pictures share: colours, one style, axes that people can read, and files.

Ink is what was said, blue is what follows from it, orange is the same as its issuer would reckon it,
grey is what was thought possible before any report. Colours: Okabe and Ito (2008), safe for the
colour-blind.
"""

import datetime as dt
import io
import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, MaxNLocator

from estimates import words

INK, SOFT, BLUE, ORANGE, GREY = "#1b1b1b", "#5f5f5f", "#0072B2", "#E69F00", "#d9d9d9"
WIDTH = 4.3
"""Inches. Small, so that letters of 10 points are still read when a phone shrinks the picture."""

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


@contextmanager
def style() -> Iterator[None]:
    """The one style of all pictures, for the time being; settings of the caller come back afterwards."""
    with mpl.rc_context(STYLE):
        yield


def canvas(height: float, panels: int = 1, rows: int = 1) -> tuple[Figure, list[Axes]]:
    """An empty picture, rows `height` inches high, panels of the common width; no pyplot, nothing global."""
    figure = Figure(figsize=(WIDTH * panels, height * rows), layout=layout())
    FigureCanvasSVG(figure)
    return figure, [figure.add_subplot(rows, panels, place + 1) for place in range(panels * rows)]


def layout() -> ConstrainedLayoutEngine:
    """Room for all labels, and little more."""
    return ConstrainedLayoutEngine(w_pad=0.06, h_pad=0.06, wspace=0.06)


# ---- axes --------------------------------------------------------------------------------------


def dress(axes: Axes) -> None:
    """Give somebody's own axes what `style` gives to new ones."""
    axes.spines[["left", "right", "top"]].set_visible(False)
    axes.spines["bottom"].set(edgecolor=SOFT, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=SOFT, labelcolor=SOFT, labelsize=9.5)
    axes.tick_params(axis="y", length=0)
    for axis in (axes.xaxis, axes.yaxis):
        axis.label.set(color=SOFT, fontsize=10.0)


def number_axis(axis: Any, size: float) -> None:
    """Few round numbers, written in units of `size`."""

    def written(value: float, _: int) -> str:
        return f"{value / size:,.10g}"

    axis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(FuncFormatter(written))


def name_at_edge(axes: Axes, height: float, name: str) -> None:
    """What runs out at the right edge at this height, told beside it."""
    axes.annotate(
        name,
        (1, height),
        xycoords=("axes fraction", "data"),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        color="#00527f",
        fontsize=9,
        annotation_clip=False,
    )


def date_axis(axes: Axes) -> None:
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


def shortened(text: str, longest: int) -> str:
    """The text, cut to so many characters."""
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
