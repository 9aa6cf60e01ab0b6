"""Pictures hold what they were given."""

import datetime as dt
import math
import re
import sys

import matplotlib as mpl
import numpy as np
import pytest

from estimates import plots
from estimates.ranks import Ranked

DAYS = [dt.date(2024, 1, 1) + dt.timedelta(days=7 * week) for week in range(40)]
TIME = np.arange(40.0)
BANDS = np.array([[0.6], [0.8], [1.0], [1.3], [1.9]]) * 100 * np.maximum(TIME - 3, 0)
ABOUT = plots.Said(DAYS[20], 1650.0, 1750.0, "about 1,700")
ROW = plots.Row(
    "5 May 2024", "tonnes", 0, np.linspace(2.0e6, 5.0e6, 50), (2.2e6, 3.1e6, 4.8e6), ((6e6, "about 6"),)
)


def fan(prior_bands=None, reports=(ABOUT,)):
    with plots.style():
        _, (axes,) = plots.canvas(3.0)
        return plots.fan(axes, DAYS, BANDS, prior_bands, reports, label="trucks")


def distributions(rows):
    with plots.style():
        _, (axes,) = plots.canvas(plots.height_of(rows))
        return plots.distributions(axes, rows, label="rounds")


def texts(axes):
    return [text.get_text() for text in axes.texts]


def drawn_between(axes, low, high):
    """Whether some line runs from `low` to `high` on a single day."""
    return any(
        line.get_xdata()[0] == line.get_xdata()[-1] and list(line.get_ydata()) == [low, high]
        for line in axes.lines
        if len(line.get_xdata()) == 2
    )


def test_a_report_is_drawn_as_the_interval_it_is_and_named_by_its_words():
    axes = fan()
    assert drawn_between(axes, 1650.0, 1750.0)
    assert "about 1,700" in texts(axes)


def test_an_open_report_ends_in_an_arrow():
    axes = fan(reports=[plots.Said(DAYS[20], 1700.0, math.inf, "over 1,700")])
    assert [line.get_marker() for line in axes.lines].count("^") == 1
    assert axes.get_ylim()[1] < 10_000


def test_a_wide_prior_does_not_dwarf_the_posterior_and_is_said_to_be_cut():
    axes = fan(prior_bands=20 * BANDS)
    assert axes.get_ylim()[1] == pytest.approx(1.06 * BANDS.max())
    assert any("cut here; it goes on to 137,000" in text for text in texts(axes))


def test_a_prior_that_fits_is_not_said_to_be_cut():
    assert not any("cut here" in text for text in texts(fan(prior_bands=0.5 * BANDS)))


def test_the_interval_is_named_and_the_axis_has_its_unit():
    axes = fan()
    assert "89 %\ninterval" in texts(axes)
    assert axes.get_title(loc="left") == "trucks"


def test_the_median_is_solid_only_between_the_reports():
    late = plots.Said(DAYS[30], 2600.0, 2800.0, "about 2,700")
    solid = [
        line
        for line in fan(reports=[ABOUT, late]).lines
        if line.get_linestyle() == "-" and len(line.get_xdata()) > 2
    ]
    assert [(line.get_xdata()[0], line.get_xdata()[-1]) for line in solid] == [
        (DAYS[20].toordinal(), DAYS[30].toordinal())
    ]


def test_labels_of_crowded_reports_do_not_cover_each_other():
    crowd = [plots.Said(day, 1690.0, 1710.0, f"about {number}") for number, day in enumerate(DAYS[10:30])]
    assert sum(text.startswith("about") for text in texts(fan(reports=crowd))) < 6


def test_a_century_is_drawn_through_few_days():
    days = [dt.date(1920, 1, 1) + dt.timedelta(days=7 * week) for week in range(5000)]
    bands = np.outer([0.6, 0.8, 1.0, 1.3, 1.9], np.arange(5000.0))
    with plots.style():
        figure, (axes,) = plots.canvas(3.0)
        plots.fan(axes, days, bands, bands, [], label="ships")
    assert len(plots.svg(figure, "long", "A century.")) < 120_000


@pytest.mark.parametrize("span", [1, 5, 40, 100, 400, 1200, 9000, 36_000])
def test_the_time_axis_has_a_handful_of_dates_at_every_length(span):
    first = dt.date(2022, 3, 17)
    ticks = plots._date_ticks(first, first + dt.timedelta(days=span))
    assert 2 <= len(ticks) <= 6
    assert all(first <= tick <= first + dt.timedelta(days=span) for tick in ticks)


def test_every_dot_of_a_distribution_is_drawn_where_its_quantile_is():
    axes = distributions([ROW])
    dots = next(line for line in axes.lines if len(line.get_xdata()) == 50)
    column = 0.075 / 4.0 * 6.2e6
    assert np.all(np.abs(np.sort(dots.get_xdata()) - ROW.dots) <= 0.51 * column)


def test_dots_do_not_lie_upon_each_other():
    dots = next(line for line in distributions([ROW]).lines if len(line.get_xdata()) == 50)
    assert (
        len({(round(x), round(y, 6)) for x, y in zip(dots.get_xdata(), dots.get_ydata(), strict=True)}) == 50
    )


def test_the_interval_the_median_and_what_was_said_stand_at_their_values():
    axes = distributions([ROW])
    ends = [tuple(line.get_xdata()) for line in axes.lines]
    assert (2.2e6, 4.8e6) in ends
    assert (3.1e6,) in ends
    assert (6e6, 6e6) in ends
    assert "said: about 6" in texts(axes)
    assert axes.get_xlabel() == "million rounds"


def test_rows_without_spread_can_be_drawn():
    axes = distributions([ROW._replace(dots=np.full(50, 3.0), spread=(3.0, 3.0, 3.0), said=())])
    assert axes.get_xlim()[0] == 0.0


def test_negative_values_stay_on_the_axis():
    axes = distributions([ROW._replace(dots=np.linspace(-4.0, 2.0, 50), spread=(-3.9, -1.0, 1.9), said=())])
    assert axes.get_xlim()[0] < -4.0


def test_a_picture_is_the_same_every_time_and_carries_no_date():
    assert drawn_svg() == drawn_svg()
    assert "<metadata" not in drawn_svg()


def drawn_svg(name="trucks", alternative="Trucks over time."):
    return plots.svg(fan().figure, name, alternative)


def test_two_pictures_on_one_page_share_no_id():
    ids = [{part.split('"')[0] for part in drawn_svg(name).split(' id="')[1:]} for name in ("one", "two")]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_the_words_for_those_who_hear_the_picture_are_escaped():
    assert 'aria-label="a &lt;b&gt; &quot;c&quot;"' in drawn_svg(alternative='a <b> "c"')


def test_names_in_scripts_that_the_font_lacks_are_kept_as_letters():
    svg = plots.svg(distributions([ROW._replace(label="砲弾 $x_1$ <i>")]).figure, "row", "Rounds.")
    assert re.search(r"<text [^>]*>砲弾 \$x_1\$ &lt;i&gt;</text>", svg)


def test_drawing_leaves_the_settings_of_the_caller_alone():
    before = dict(mpl.rcParams)
    drawn_svg()
    assert dict(mpl.rcParams) == before
    assert "matplotlib.pyplot" not in sys.modules or mpl.pyplot.get_fignums() == []


def test_a_picture_can_be_written_as_png():
    assert plots.png(fan().figure, 50).startswith(b"\x89PNG")


# ---- where truths lie in their posteriors ------------------------------------------------------------------


def ranked(quantity, *, power):
    """A hundred PITs; at a power of 1 they are evenly spread."""
    return Ranked("steady", quantity, tuple(((np.arange(100) + 0.5) / 100) ** power))


def calibration(*rows):
    with plots.style():
        _, (axes,) = plots.canvas(3.0)
        return plots.calibration(axes, rows, title="steady")


def test_what_leaves_the_band_is_named_in_orange_and_what_is_nearest_to_it_in_blue():
    inside, nearer, outside = (
        ranked(name, power=p) for name, p in (("even", 1.0), ("nearer", 1.2), ("skewed", 3.0))
    )
    axes = calibration(inside, nearer)
    assert "nearer" in texts(axes)
    assert "even" not in texts(axes)
    assert {line.get_color() for line in axes.lines} == {plots.SOFT, plots.BLUE}
    axes = calibration(inside, nearer, outside)
    assert "skewed" in texts(axes)
    assert axes.lines[-1].get_color() == plots.ORANGE
    np.testing.assert_array_equal(axes.lines[-1].get_ydata(), outside.above)


def test_the_number_of_simulations_is_said_with_the_band():
    assert any(
        "uniform ranks, 100 simulations" in text for text in texts(calibration(ranked("q", power=1.0)))
    )


def test_a_canvas_can_have_rows_of_panels():
    figure, panels = plots.canvas(2.0, panels=2, rows=3)
    assert len(panels) == 6
    assert tuple(figure.get_size_inches()) == (2 * plots.WIDTH, 6.0)
