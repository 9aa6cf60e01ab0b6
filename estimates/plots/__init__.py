"""Pictures of results: each function takes one, draws it, and returns Matplotlib's `Axes`.

Without `ax` a function makes a new figure of the size it needs, by pyplot: a notebook shows it, and
``plt.savefig`` keeps it. With `ax` it draws there. Nothing is fitted, and no setting is changed. Colours are
those of Okabe and Ito (2008), safe for the colour-blind.

>>> import matplotlib.pyplot as plt
>>> import estimates as est
>>> fit = est.infer(est.read("dprk-shells-2024"), "steady", seed=1)
>>> figure, (left, right) = plt.subplots(1, 2, figsize=(9, 5), layout="constrained")
>>> est.plots.carriers(fit, ax=left).get_title(loc="left")
'containers'
>>> est.plots.headline(fit, ax=right).get_xlabel()
'million rounds'
>>> plt.close(figure)
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes

from estimates.plots import pictures

if TYPE_CHECKING:
    from estimates.attribution import Sensitivity
    from estimates.calibrating import Calibration
    from estimates.comparison import Comparison
    from estimates.estimate import Estimate
    from estimates.sweeping import Sweep

__all__ = ["calibration", "carriers", "curve", "drivers", "headline", "pace", "stories"]


def carriers(fit: "Estimate", *, ax: Axes | None = None) -> Axes:
    """The carriers over time: a fan before and after the reports, with the reports on it.

    The bands are the 50 % and the 89 % interval; the line is the median, solid between the reports and dashed
    where none stands. A report is a bar over the numbers that would have been worded so. With several issuers
    each has a colour, a marker and a lane of its own below, where all its reports are marked on their days:
    hollow where they count another period, another scope or something else.

    Parameters
    ----------
    fit : Estimate
    ax : Axes, optional
        Where to draw; without it a new figure is made.

    Returns
    -------
    Axes
        Days across, as Matplotlib's ordinals; carriers up.
    """
    return pictures.carriers(fit).on(ax)[0]


def headline(fit: "Estimate", *, ax: Axes | None = None) -> Axes:
    """What a study is about beside the same as its issuer would reckon it, with what was said.

    Each dot is one case in fifty, equally likely; under them are the 89 % interval and the median. The broken
    line is the number of the headline.

    Parameters
    ----------
    fit : Estimate
    ax : Axes, optional
        Where to draw; without it a new figure is made, as high as its rows need.

    Returns
    -------
    Axes
        The quantity across, in its unit.
    """
    return pictures.headline(fit).on(ax)[0]


def pace(fit: "Estimate", *, ax: Axes | None = None) -> Axes:
    """The carriers a day, from each report on them to the next: the median and the 89 % interval.

    Parameters
    ----------
    fit : Estimate
    ax : Axes, optional
        Where to draw; without it a new figure is made.

    Returns
    -------
    Axes
        Days across, carriers a day up.

    Raises
    ------
    QuestionError
        When no two reports on the carriers are of different days.
    """
    return pictures.pace(fit).on(ax)[0]


def drivers(sensitivity: "Sensitivity | Mapping[str, Any]", *, ax: Axes | None = None) -> Axes:
    """How wide the 89 % interval would be once each assumption were known, under how wide it is now.

    Assumptions without a source are orange, and named a judgement.

    Parameters
    ----------
    sensitivity : Sensitivity or mapping
        A mapping is what its `document` gives, and what ``sensitivity.json`` holds.
    ax : Axes, optional
        Where to draw; without it a new figure is made.

    Returns
    -------
    Axes
        Widths across, in the unit of the quantity.
    """
    return pictures.drivers(sensitivity).on(ax)[0]


def stories(
    comparison: "Comparison | Mapping[str, Any]",
    quantity: str | None = None,
    *,
    at: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """The same quantity under every story: its median and its 89 % interval.

    Parameters
    ----------
    comparison : estimates.comparison.Comparison or mapping
        A mapping is what its `document` gives, and what ``compare.json`` holds.
    quantity : str, optional
        Without it what the study leads with. A mapping holds nothing else.
    at : str, optional
        A report; without it the last one.
    ax : Axes, optional
        Where to draw; without it a new figure is made.

    Returns
    -------
    Axes
        The quantity across, in its unit.

    Raises
    ------
    QuestionError
        For a quantity or a day that the stories do not have.
    """
    return pictures.stories(comparison, quantity, at).on(ax)[0]


def curve(
    sweep: "Sweep", quantity: str | None = None, *, ax: Sequence[Axes] | None = None
) -> tuple[Axes, Axes]:
    """A quantity under every reading of a sweep, and under it which options each reading takes.

    Parameters
    ----------
    sweep : Sweep
    quantity : str, optional
        As in the columns: ``shells_152[aug_2024]``. Without it the headline at the last report.
    ax : two Axes, optional
        Where to draw, the upper one first; without them a new figure is made.

    Returns
    -------
    tuple of Axes
        The upper panel (the quantity up) and the lower one (options); readings across, by their median.

    References
    ----------
    Simonsohn et al. (2020), doi:10.1038/s41562-020-0912-z.
    """
    above, below = pictures.curve(sweep, quantity).on(ax)
    return above, below


def calibration(calibration: "Calibration", model: str | None = None, *, ax: Axes | None = None) -> Axes:
    """Where truths lie in their posteriors: the ECDF of their ranks less that of uniform ones, with its band.

    Parameters
    ----------
    calibration : Calibration
    model : str, optional
        One of its models; without it the first.
    ax : Axes, optional
        Where to draw; without it a new figure is made.

    Returns
    -------
    Axes
        The share of the posterior below the truth across.
    """
    return pictures.calibration(calibration, model).on(ax)[0]
