"""Pictures hold what they were given."""

import datetime as dt
import math
import re
import sys

import made
import matplotlib as mpl
import numpy as np
import pytest
from drawn import drawn
from small import OIL

import estimates as est
from estimates.errors import QuestionError
from estimates.plots import fan as fans
from estimates.plots import heaps, paces, paper, pictures
from estimates.plots.ecdfs import ecdfs
from estimates.ranks import Ranked
from estimates.study import read_text
from estimates.trust import of_importance

DAYS = [dt.date(2024, 1, 1) + dt.timedelta(days=7 * week) for week in range(40)]
TIME = np.arange(40.0)
BANDS = np.array([[0.6], [0.8], [1.0], [1.3], [1.9]]) * 100 * np.maximum(TIME - 3, 0)
ABOUT = fans.Said(DAYS[20], 1650.0, 1750.0, "about 1,700")
ROW = heaps.Row(
    "5 May 2024", "tonnes", 0, np.linspace(2.0e6, 5.0e6, 50), (2.2e6, 3.1e6, 4.8e6), ((6e6, "about 6"),)
)


def fan(prior_bands=None, reports=(ABOUT,)):
    with paper.style():
        _, (axes,) = paper.canvas(3.0)
        return fans.fan(axes, DAYS, BANDS, prior_bands, reports, label="trucks")


def distributions(rows):
    with paper.style():
        _, (axes,) = paper.canvas(heaps.height_of(rows))
        return heaps.distributions(axes, rows, label="rounds")


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
    axes = fan(reports=[fans.Said(DAYS[20], 1700.0, math.inf, "over 1,700")])
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
    late = fans.Said(DAYS[30], 2600.0, 2800.0, "about 2,700")
    solid = [
        line
        for line in fan(reports=[ABOUT, late]).lines
        if line.get_linestyle() == "-" and len(line.get_xdata()) > 2
    ]
    assert [(line.get_xdata()[0], line.get_xdata()[-1]) for line in solid] == [
        (DAYS[20].toordinal(), DAYS[30].toordinal())
    ]


def test_labels_of_crowded_reports_do_not_cover_each_other():
    crowd = [fans.Said(day, 1690.0, 1710.0, f"about {number}") for number, day in enumerate(DAYS[10:30])]
    assert sum(text.startswith("about") for text in texts(fan(reports=crowd))) < 6


def test_a_century_is_drawn_through_few_days():
    days = [dt.date(1920, 1, 1) + dt.timedelta(days=7 * week) for week in range(5000)]
    bands = np.outer([0.6, 0.8, 1.0, 1.3, 1.9], np.arange(5000.0))
    with paper.style():
        figure, (axes,) = paper.canvas(3.0)
        fans.fan(axes, days, bands, bands, [], label="ships")
    assert len(paper.svg(figure, "long", "A century.")) < 120_000


@pytest.mark.parametrize("span", [1, 5, 40, 100, 400, 1200, 9000, 36_000])
def test_the_time_axis_has_a_handful_of_dates_at_every_length(span):
    first = dt.date(2022, 3, 17)
    ticks = paper._date_ticks(first, first + dt.timedelta(days=span))
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
    assert "89 %" in texts(axes)


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
    return paper.svg(fan().figure, name, alternative)


def test_two_pictures_on_one_page_share_no_id():
    ids = [{part.split('"')[0] for part in drawn_svg(name).split(' id="')[1:]} for name in ("one", "two")]
    assert ids[0]
    assert not ids[0] & ids[1]


def test_the_words_for_those_who_hear_the_picture_are_escaped():
    assert 'aria-label="a &lt;b&gt; &quot;c&quot;"' in drawn_svg(alternative='a <b> "c"')


def test_names_in_scripts_that_the_font_lacks_are_kept_as_letters():
    svg = paper.svg(distributions([ROW._replace(label="砲弾 $x_1$ <i>")]).figure, "row", "Rounds.")
    assert re.search(r"<text [^>]*>砲弾 \$x_1\$ &lt;i&gt;</text>", svg)


def test_the_words_of_a_report_are_kept_as_letters():
    assert re.search(r"<text [^>]*>about 1,700</text>", drawn_svg())


def test_drawing_leaves_the_settings_of_the_caller_alone():
    before = dict(mpl.rcParams)
    drawn_svg()
    assert dict(mpl.rcParams) == before
    assert "matplotlib.pyplot" not in sys.modules or mpl.pyplot.get_fignums() == []


def test_a_picture_can_be_written_as_png():
    assert paper.png(fan().figure, 50).startswith(b"\x89PNG")


# ---- where truths lie in their posteriors ------------------------------------------------------------------


def ranked(quantity, *, power):
    """A hundred PITs; at a power of 1 they are evenly spread."""
    return Ranked("steady", quantity, tuple(((np.arange(100) + 0.5) / 100) ** power))


def calibration(*rows):
    with paper.style():
        _, (axes,) = paper.canvas(3.0)
        return ecdfs(axes, rows, title="steady")


def test_what_leaves_the_band_is_named_in_orange_and_what_is_nearest_to_it_in_blue():
    inside, nearer, outside = (
        ranked(name, power=p) for name, p in (("even", 1.0), ("nearer", 1.2), ("skewed", 3.0))
    )
    axes = calibration(inside, nearer)
    assert "nearer" in texts(axes)
    assert "even" not in texts(axes)
    assert {line.get_color() for line in axes.lines} == {paper.SOFT, paper.BLUE}
    axes = calibration(inside, nearer, outside)
    assert "skewed" in texts(axes)
    assert axes.lines[-1].get_color() == paper.ORANGE
    np.testing.assert_array_equal(axes.lines[-1].get_ydata(), outside.above)


def test_the_number_of_simulations_is_said_with_the_band():
    assert any(
        "uniform ranks, 100 simulations" in text for text in texts(calibration(ranked("q", power=1.0)))
    )


def test_a_canvas_can_have_rows_of_panels():
    figure, panels = paper.canvas(2.0, panels=2, rows=3)
    assert len(panels) == 6
    assert tuple(figure.get_size_inches()) == (2 * paper.WIDTH, 6.0)


# ---- several issuers ---------------------------------------------------------------------------


def lanes(*names, days=(DAYS[20],), is_other=(False,)):
    return [fans.Lane(name, days, is_other) for name in names]


def fan_with(reports, given):
    with paper.style():
        _, (axes,) = paper.canvas(fans.height_of(given))
        fans.fan(axes, DAYS, BANDS, None, reports, label="trucks")
        return fans.draw_lanes(axes, given)


def markers(axes):
    """Colour, marker and filling of everything that is one point."""
    return [
        (line.get_markeredgecolor(), line.get_marker(), line.get_markerfacecolor())
        for line in axes.lines
        if len(line.get_xdata()) == 1 and line.get_marker() not in ("None", "^")
    ]


def test_issuers_differ_in_colour_and_in_marker():
    looks = [fans._look(issuer) for issuer in range(len(fans.ISSUERS))]
    assert len({look["mfc"] for look in looks}) == len({look["marker"] for look in looks}) == 8


def test_no_two_of_seventy_issuers_look_the_same():
    looks = [fans._look(issuer) for issuer in range(70)]
    assert len({(look["mfc"], look["marker"]) for look in looks}) == 70


def test_a_lane_has_the_look_of_its_reports_on_the_fan():
    reports = [ABOUT._replace(issuer=0), ABOUT._replace(day=DAYS[25], issuer=1)]
    axes = fan_with(reports, lanes("port", "union"))
    found = markers(axes)
    assert len(found) == 4
    assert len(set(found)) == 2
    assert {"port", "union"} <= set(texts(axes))


def test_lanes_lie_under_the_fan_and_take_no_ticks():
    axes = fan_with([ABOUT._replace(issuer=0)], lanes("port", "union"))
    assert axes.get_ylim()[0] < 0
    assert min(axes.get_yticks()) == 0
    assert axes.get_ylim()[1] == pytest.approx(1.06 * BANDS.max())


def test_one_issuer_has_no_lane_and_no_marker():
    assert fan_with([ABOUT], []).get_ylim()[0] == 0
    assert markers(fan_with([ABOUT], [])) == []


def test_a_report_of_another_period_is_hollow_and_said_to_be():
    axes = fan(reports=[ABOUT._replace(is_other=True)])
    assert [filling for _, _, filling in markers(axes)] == ["white"]
    assert any("hollow: another period or scope" in text for text in texts(axes))
    assert not any("hollow" in text for text in texts(fan()))


def test_issuers_beyond_the_most_are_counted():
    names = [f"issuer {number}" for number in range(fans.MOST_LANES + 3)]
    axes = fan_with([ABOUT._replace(issuer=0)], lanes(*names))
    assert "and 3 more issuers" in texts(axes)
    assert f"issuer {fans.MOST_LANES}" not in texts(axes)


def test_the_name_of_a_lane_stands_on_the_side_with_more_room():
    axes = fan_with([], lanes("early", days=(DAYS[4],)) + lanes("late", days=(DAYS[38],)))
    sides = {text.get_text(): text.get_ha() for text in axes.texts}
    assert sides["early"] == "left"
    assert sides["late"] == "right"


def test_words_go_to_the_other_side_where_they_would_cover_another_report():
    def side(*others):
        (words,) = (text for text in fan(reports=[ABOUT, *others]).texts if text.get_text() == ABOUT.words)
        return words.get_ha()

    assert side() == "right"  # its right end stands at the report
    assert side(ABOUT._replace(day=DAYS[17], high=2100.0, words="around 1,800")) == "left"


def test_what_was_said_is_written_in_millions():
    axes = distributions([ROW._replace(said=((6e6, "about 6,000,000"),))])
    assert "said: about 6 million" in texts(axes)


# ---- the pictures of results -------------------------------------------------------------------

STUDY = read_text(OIL, "oil.toml")
FIT = drawn(STUDY)
SWEEP = made.sweep(STUDY)
CALIBRATION = made.calibration(STUDY, {"oil": tuple((np.arange(100) + 0.5) / 100)})
FACES = {
    "carriers": FIT,
    "headline": FIT,
    "pace": FIT,
    "drivers": made.sensitivity(STUDY),
    "stories": made.comparison(STUDY),
    "calibration": CALIBRATION,
}


@pytest.fixture
def pyplot():
    """Pyplot without a figure, before and after."""
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


@pytest.mark.parametrize("name", FACES)
def test_a_picture_is_drawn_on_the_axes_that_are_given(name, pyplot):
    _, (left, right) = pyplot.subplots(1, 2)
    assert getattr(est.plots, name)(FACES[name], ax=right) is right
    assert right.has_data()
    assert not left.has_data()


@pytest.mark.parametrize("name", FACES)
def test_without_axes_a_picture_is_a_new_figure_of_pyplot(name, pyplot):
    axes = getattr(est.plots, name)(FACES[name])
    assert axes.figure is pyplot.gcf()
    assert axes.figure.axes == [axes]


def test_a_curve_has_two_panels_given_or_new(pyplot):
    _, both = pyplot.subplots(2, 1)
    assert est.plots.curve(SWEEP, ax=both) == tuple(both)
    above, below = est.plots.curve(SWEEP)
    assert above.figure is below.figure is pyplot.gcf()
    assert {"median", "89 % interval"} <= set(texts(above))


def test_one_panel_for_a_picture_of_two_is_refused(pyplot):
    _, alone = pyplot.subplots()
    with pytest.raises(QuestionError, match="1 Axes for a picture of 2"):
        est.plots.curve(SWEEP, ax=alone)


def test_another_result_is_refused_by_name():
    with pytest.raises(QuestionError, match=r"(?s)of a Sweep, not of a Estimate.*estimates\.sweep gives one"):
        est.plots.curve(FIT)
    with pytest.raises(QuestionError, match="of a Estimate, not of a Sweep"):
        est.plots.carriers(SWEEP)


def test_drawing_for_a_notebook_leaves_the_settings_of_the_caller_alone(pyplot):
    before = dict(mpl.rcParams)
    est.plots.carriers(FIT)
    assert dict(mpl.rcParams) == before


def test_pyplot_is_set_up_under_the_settings_of_the_caller(pyplot, monkeypatch):
    seen, figure = [], pyplot.figure
    monkeypatch.setattr(pyplot, "figure", lambda **given: seen.append(dict(mpl.rcParams)) or figure(**given))
    before = dict(mpl.rcParams)
    est.plots.pace(FIT)
    assert seen == [before]


def test_axes_of_ones_own_lose_what_the_style_leaves_out(pyplot):
    _, axes = pyplot.subplots()
    est.plots.carriers(FIT, ax=axes)
    assert not axes.spines["left"].get_visible()
    assert axes.spines["bottom"].get_visible()


def test_every_name_under_plots_is_a_picture():
    assert set(est.plots.__all__) == {*FACES, "curve"}


def test_all_eight_issuers_of_the_packaged_study_have_a_lane_with_all_their_reports():
    study = est.read("dprk-shells-all-reports-2024")
    (axes,) = pictures.carriers(drawn(study)).figure().axes
    issuers = {report.issuer for report in study.fitted}
    assert len(issuers) == 8
    for issuer in issuers:
        assert any(text.startswith(issuer.replace("_", " ")) for text in texts(axes))
    on_carriers = [report for report in study.fitted if report.measures == "containers"]
    found = markers(axes)
    assert len(found) == len(study.fitted) + len(on_carriers)
    american = [report for report in on_carriers if report.issuer == "us_government"]
    other = len(study.fitted) - len(on_carriers) + 2 * len(american)  # on the fan, and in their lane
    assert [filling for _, _, filling in found].count("white") == other
    assert "rusi: voyages" in texts(axes)


def test_the_headline_is_drawn_at_the_last_report_days_with_what_was_said_then():
    (axes,) = pictures.headline(FIT).figure().axes
    assert "1 Sep 2024" in texts(axes)
    assert "said: about 200 million" in texts(axes)
    row = FIT.row("oil", "autumn")
    assert (row["lower"], row["upper"]) in [tuple(line.get_xdata()) for line in axes.lines]
    assert axes.get_xlabel() == "billion barrels"


def test_a_pace_is_the_one_that_the_estimate_tells():
    (axes,) = pictures.pace(FIT).figure().axes
    (row,) = FIT.trend()
    assert axes.lines[0].get_ydata().tolist() == [row["per_day"]["median"]] * 2
    assert axes.get_title(loc="left") == "voyages a day, from report to report"
    ends = [dt.date(2024, 3, 1).toordinal(), dt.date(2024, 9, 1).toordinal()]
    assert axes.lines[0].get_xdata().tolist() == ends


def test_a_pace_that_goes_on_is_told_once_and_another_again():
    def stretches(*medians):
        return [
            paces.Stretch(DAYS[10 * place], DAYS[10 * place + 9], (0.5 * pace, pace, 2 * pace))
            for place, pace in enumerate(medians)
        ]

    def told(*medians):
        axes = paces.steps(paper.canvas(3.0)[1][0], stretches(*medians), label="trucks a day")
        return [text for text in texts(axes) if text.isdecimal()]

    assert told(40.0, 40.0, 60.0) == ["40", "60"]


def test_one_day_of_reports_has_no_pace():
    with pytest.raises(QuestionError, match="no two reports on voyages are of different days"):
        pictures.pace(drawn(STUDY.variant("one_count")))


def test_a_story_has_the_interval_of_its_estimate_and_its_numbers_beside_it():
    found = made.comparison(STUDY)
    (axes,) = pictures.stories(found).figure().axes
    row = found.stories[0].estimate.row("oil", "autumn")
    assert next(tuple(line.get_xdata()) for line in axes.lines) == (row["lower"], row["upper"])
    assert {"steady", "stepped"} <= set(texts(axes))
    assert axes.get_xlabel() == "billion barrels: median and 89 % interval"
    assert axes.get_title(loc="left") == "oil by 1 Sep 2024"


def test_any_quantity_can_be_compared_but_a_document_has_the_headline_only():
    found = made.comparison(STUDY)
    (axes,) = pictures.stories(found, "voyages", "spring").figure().axes
    assert axes.get_title(loc="left") == "voyages by 1 Mar 2024"
    with pytest.raises(QuestionError, match="holds the headline only"):
        pictures.stories({"headline": found.across()}, "voyages")


def test_a_document_gives_the_same_picture_as_its_result():
    documents = {
        "drivers": FACES["drivers"].document(),
        "stories": {"headline": FACES["stories"].across()},
    }
    for name, document in documents.items():
        make = getattr(pictures, name)
        one, two = (paper.svg(make(each).figure(), name, "") for each in (FACES[name], document))
        assert one == two


def test_a_story_that_cannot_be_trusted_is_grey_and_says_so():
    trusts = {"steady": of_importance(0.1, 5000.0, 0.001), "stepped": of_importance(1.4, 9.0, 0.3)}
    (axes,) = pictures.stories(made.comparison(STUDY, **trusts)).figure().axes
    assert "stepped: a bad fit" in texts(axes)
    assert [line.get_color() for line in axes.lines][::2] == [paper.BLUE, paper.SOFT]


def test_the_model_of_a_calibration_can_be_named_and_must_be_there():
    assert est.plots.calibration(CALIBRATION, "steady", ax=paper.canvas(3.0)[1][0]).has_data()
    with pytest.raises(QuestionError, match=r"(?s)unknown model 'steddy'.*steady"):
        pictures.calibration(CALIBRATION, "steddy")


def test_a_figure_for_files_is_unknown_to_pyplot(pyplot):
    pictures.carriers(FIT).figure()
    assert pyplot.get_fignums() == []
