"""The probability of a printed report: against arithmetic of fifty digits, and as a distribution."""

import mpmath
import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from fifty_digits import assert_log_close, cdf, log_between
from hypothesis import given, settings
from hypothesis import strategies as st
from montecarlo import assert_within, share_error
from scipy import stats

from estimates.terms.likelihood import (
    FLOOR,
    NEAREST,
    UNROUNDED,
    interval_logp,
    log_mass,
    log_normal_cdf,
    print_reports,
    print_series,
    seen_within,
    series_logp,
)


def compiled(inputs, outputs):
    return pytensor.function(inputs, outputs, mode="FAST_COMPILE", on_unused_input="ignore")


MASS_INPUTS = [pt.dvector(name) for name in ("low", "high", "centre", "spread")]
MASS = log_mass(*MASS_INPUTS)
log_mass_of = compiled(MASS_INPUTS, MASS)
mass_slopes_of = compiled(MASS_INPUTS, pt.grad(MASS.sum(), MASS_INPUTS[2:]))

REPORT_INPUTS = [pt.dvector(name) for name in ("value", "level", "bias", "scatter", "grid")]
REPORT_INPUTS += [pt.lvector("rule"), pt.dvector("low"), pt.dvector("high")]
LOGP = interval_logp(*REPORT_INPUTS)
logp_of = compiled(REPORT_INPUTS, LOGP)
logp_slopes_of = compiled(REPORT_INPUTS, pt.grad(LOGP.sum(), REPORT_INPUTS[1:4]))
Z = pt.dvector("z")
log_cdf_of = compiled([Z], log_normal_cdf(Z))


def logp(value, level, bias=0.1, scatter=0.05, grid=100.0, rule=NEAREST, low=0.0, high=np.inf):
    columns = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(x, float)) for x in (value, level, bias, scatter, grid))
    )
    n = len(columns[0])
    return logp_of(*columns, np.full(n, rule), np.full(n, float(low)), np.full(n, float(high)))


def exact_log_mass(low, high, centre, spread):
    """ln P by mpmath from the same floating-point inputs."""
    low, high, centre, spread = (mpmath.mpf(float(x)) for x in (low, high, centre, spread))
    below = (mpmath.log(low) - centre) / spread if low > 0 else mpmath.mpf("-inf")
    above = (mpmath.log(high) - centre) / spread if mpmath.isfinite(high) else mpmath.mpf("inf")
    return log_between(below, above)


# ---- the logarithm of a probability ---------------------------------------------------------------------

WIDTHS = [1e-12, 1e-8, 1e-5, 1e-3, 0.029, 0.1, 1.0, 7.0, 60.0]  # of the interval, in standard deviations
PLACES = [-40.0, -23.7, -8.1, -1.3, -0.4, 0.0, 0.3, 1.7, 9.2, 26.5, 40.0]  # of its lower end


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("spread", [0.003, 0.05, 0.7])
def test_an_interval_s_log_probability_is_that_of_fifty_digits(place, width, spread):
    centre = np.log(6650.0) - place * spread
    low, high = 6650.0, 6650.0 * np.exp(width * spread)
    assert low < high
    assert_log_close(
        log_mass_of([low], [high], [centre], [spread])[0], exact_log_mass(low, high, centre, spread)
    )


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("low", "high"), [(0.0, 6650.0), (13_000.0, np.inf)])
def test_an_open_interval_s_log_probability_is_that_of_fifty_digits(place, low, high):
    end = high if low == 0 else low
    centre = np.log(end) - place * 0.05
    assert_log_close(log_mass_of([low], [high], [centre], [0.05])[0], exact_log_mass(low, high, centre, 0.05))


def test_everything_has_probability_one():
    assert log_mass_of([0.0], [np.inf], [8.8], [0.05])[0] == 0


@pytest.mark.parametrize("z", [-1e6, -300.0, -40.0, -8.3, -1.0, -0.999, -0.2, 0.0, 0.7, 5.5, 8.2])
def test_the_log_of_the_normal_distribution_is_that_of_fifty_digits(z):
    assert_log_close(log_cdf_of([z])[0], mpmath.log(cdf(mpmath.mpf(z))))


@settings(max_examples=200)
@given(st.floats(1, 1e6), st.floats(1e-4, 5), st.floats(-40, 40), st.floats(0.001, 1.5))
def test_any_interval_within_forty_deviations_is_that_of_fifty_digits(low, ratio, place, spread):
    high, centre = low * (1 + ratio), np.log(low) - place * spread
    assert_log_close(
        log_mass_of([low], [high], [centre], [spread])[0], exact_log_mass(low, high, centre, spread)
    )


@pytest.mark.parametrize("scatter", [0.003, 0.05, 0.7])
def test_a_mirrored_interval_has_the_mirrored_probability(scatter):
    above = log_mass_of([np.exp(1.3)], [np.exp(2.9)], [0.0], [scatter * 5])
    below = log_mass_of([np.exp(-2.9)], [np.exp(-1.3)], [0.0], [scatter * 5])
    np.testing.assert_allclose(above, below, rtol=1e-12)


@pytest.mark.parametrize("value", [43.0, 6512.0, 1_234_567.0, 987_654_321.0])
@pytest.mark.parametrize("ratio", [0.2, 0.97, 1.0001, 7.0])
def test_an_exact_count_however_large_keeps_its_digits(value, ratio):
    exact = exact_log_mass(value - 0.5, value + 0.5, np.log(value * ratio), 0.05)
    assert_log_close(logp(value, value * ratio, bias=0.0, grid=1.0)[0], exact)


# ---- its slopes -----------------------------------------------------------------------------------------


@settings(max_examples=200)
@given(
    st.floats(1, 1e6),
    st.floats(1e-4, 5) | st.just(np.inf),
    st.floats(-1e4, 1e4),
    st.floats(1e-6, 3),
    st.booleans(),
)
def test_the_slopes_are_finite_wherever_the_density_is(end, ratio, place, spread, is_lower_open):
    low, high = (0.0, end) if is_lower_open else (end, end * (1 + ratio))
    arguments = [[low], [high], [np.log(end) - place * spread], [spread]]
    if np.isfinite(log_mass_of(*arguments)[0]):
        assert np.all(np.isfinite(mass_slopes_of(*arguments)))


@pytest.mark.parametrize("place", [-30.0, -2.2, 0.4, 3.1, 30.0])
def test_the_slopes_are_those_of_fifty_digits(place):
    low, high, spread = 6650.0, 6750.0, 0.05
    centre = np.log(low) - place * spread
    slopes = [slope[0] for slope in mass_slopes_of([low], [high], [centre], [spread])]
    step = mpmath.mpf(10) ** -15
    for found, (by_centre, by_spread) in zip(slopes, [(step, 0), (0, step)], strict=True):
        moved = [
            _exact_moved(low, high, centre, spread, sign * by_centre, sign * by_spread) for sign in (1, -1)
        ]
        assert found == pytest.approx(float((moved[0] - moved[1]) / (2 * step)), rel=1e-8)


def _exact_moved(low, high, centre, spread, by_centre, by_spread):
    centre, spread = mpmath.mpf(centre) + by_centre, mpmath.mpf(spread) + by_spread
    return log_between(*((mpmath.log(mpmath.mpf(end)) - centre) / spread for end in (low, high)))


# ---- nothing shipped ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "rule", "low", "high", "log_probability"),
    [
        (0.0, NEAREST, 0, 0, 0.0),
        (0.0, FLOOR, 0, 0, 0.0),
        (100.0, NEAREST, 0, 0, -np.inf),
        (100.0, FLOOR, 0, 0, -np.inf),
        (100.0, UNROUNDED, 0, 200, 0.0),
        (100.0, UNROUNDED, 50, 200, -np.inf),
    ],
)
def test_nothing_shipped_is_seen_as_nothing(value, rule, low, high, log_probability):
    assert logp(value, 0.0, rule=rule, low=low, high=high)[0] == log_probability


@pytest.mark.parametrize("value", [0.0, 100.0])
def test_at_nothing_shipped_the_slopes_are_zero_and_never_nan(value):
    columns = [[value], [0.0], [0.1], [0.05], [100.0], [NEAREST], [0.0], [np.inf]]
    assert [float(slope[0]) for slope in logp_slopes_of(*columns)] == [0, 0, 0]


def test_a_report_s_slopes_are_finite_beside_one_that_is_impossible():
    columns = [
        [100.0, 6700.0],
        [0.0, 6500.0],
        [0.1, 0.1],
        [0.05, 0.05],
        [100.0, 100.0],
        [NEAREST, NEAREST],
        [0, 0],
        [np.inf] * 2,
    ]
    slopes = np.array(logp_slopes_of(*columns))
    assert np.all(np.isfinite(slopes))
    assert np.all(slopes[:, 1] != 0)


# ---- a distribution over printable values ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "grid"), [(NEAREST, 100.0), (NEAREST, 1.0), (NEAREST, 5000.0), (FLOOR, 1000.0), (FLOOR, 50.0)]
)
@pytest.mark.parametrize(("level", "scatter"), [(6500.0, 0.05), (700.0, 0.6), (30.0, 0.9)])
def test_the_printable_values_share_all_the_probability(rule, grid, level, scatter):
    last = level * np.exp(0.1 + 9 * scatter)
    values = grid * np.arange(np.ceil(last / grid) + 1)
    total = np.exp(logp(values, level, scatter=scatter, grid=grid, rule=rule)).sum()
    assert total == pytest.approx(1.0, abs=1e-12 * len(values))


@pytest.mark.parametrize(
    ("rule", "low", "high"), [(NEAREST, 6650, 6750), (FLOOR, 6700, 6800), (UNROUNDED, 6000, 7100)]
)
def test_a_value_s_probability_is_that_of_its_interval_by_scipy(rule, low, high):
    seen = stats.lognorm(0.05, scale=6500 * np.exp(0.03))
    found = logp(6700.0, 6500.0, bias=0.03, rule=rule, low=6000, high=7100)[0]
    assert np.exp(found) == pytest.approx(seen.cdf(high) - seen.cdf(low), rel=1e-10)


def test_the_level_and_its_bias_only_count_together():
    np.testing.assert_allclose(
        logp(6700.0, 6500.0, bias=0.1), logp(6700.0, 6500.0 * np.exp(0.1), bias=0.0), rtol=1e-10
    )


DRAWS = 40_000


def printed(level, rule, grid, scatter=0.05):
    """Simulated reports of one level, `DRAWS` of them."""
    columns = [pt.as_tensor(np.array([x])) for x in (level, 0.1, scatter, grid)]
    ends = [
        pt.as_tensor(np.array([rule])),
        pt.as_tensor(np.array([6000.0])),
        pt.as_tensor(np.array([7100.0])),
    ]
    variable = print_reports(*columns, *ends, size=(DRAWS, 1))
    return pm.draw(variable, random_seed=20240226, mode="FAST_COMPILE")[:, 0]


@pytest.mark.parametrize(
    ("rule", "grid", "level"),
    [(NEAREST, 100.0, 6500.0), (FLOOR, 500.0, 6500.0), (NEAREST, 1.0, 20.0), (FLOOR, 10.0, 40.0)],
)
def test_simulated_reports_have_the_frequencies_of_their_probabilities(rule, grid, level):
    values = printed(level, rule, grid, scatter=0.2)
    candidates = grid * np.arange(np.ceil(values.max() / grid) + 1)
    assert set(values) <= set(candidates)
    share = np.exp(logp(candidates, level, scatter=0.2, grid=grid, rule=rule))
    common = share * DRAWS > 50
    counted = np.array([(values == candidate).mean() for candidate in candidates[common]])
    assert share[common].sum() > 0.95
    assert_within(counted, share[common], share_error(share[common], DRAWS))


def test_a_report_that_is_not_rounded_is_simulated_as_seen():
    logs = np.log(printed(6500.0, UNROUNDED, 100.0))
    assert len(set(logs)) == DRAWS
    assert_within(logs.mean(), np.log(6500.0) + 0.1, 0.05 / np.sqrt(DRAWS))
    assert_within(logs.std(), 0.05, 0.05 / np.sqrt(2 * DRAWS))


@pytest.mark.parametrize("rule", [NEAREST, FLOOR, UNROUNDED])
def test_nothing_shipped_is_printed_as_nothing(rule):
    assert set(printed(0.0, rule, 100.0)) == {0.0}


# ---- counts that carry earlier errors along -------------------------------------------------------------

SERIES_INPUTS = [*REPORT_INPUTS, pt.dvector("before"), pt.dmatrix("series")]
SERIES_LOGP = series_logp(*SERIES_INPUTS)
series_logp_of = compiled(SERIES_INPUTS, SERIES_LOGP)
series_slopes_of = compiled(
    SERIES_INPUTS, pt.grad(SERIES_LOGP.sum(), [*SERIES_INPUTS[1:4], SERIES_INPUTS[8]])
)


def one_after(
    value, level, before, *, bias=0.1, scatter=0.05, grid=100.0, rule=NEAREST, low=0.0, high=np.inf
):
    """One report of a series, as columns."""
    columns = [[value], [level], [bias], [scatter], [grid], [rule], [low], [high], [before], [[1.0]]]
    return [np.asarray(column, dtype=int if column == [rule] else float) for column in columns]


@pytest.mark.parametrize(
    ("rule", "low", "high", "ends"),
    [
        (NEAREST, 0, 0, (12_950, 13_050)),
        (FLOOR, 0, 0, (13_000, 13_100)),
        (UNROUNDED, 12_500, np.inf, (12_500, np.inf)),
        (UNROUNDED, 0, 12_800, (0, 12_800)),
    ],
)
def test_of_a_series_a_report_tells_what_was_added_since(rule, low, high, ends):
    added = stats.lognorm(0.05, scale=6100 * np.exp(0.1))
    found = series_logp_of(*one_after(13_000.0, 6100.0, 6300.0, rule=rule, low=low, high=high))[0]
    expected = added.cdf(ends[1] - 6300) - added.cdf(max(ends[0] - 6300, 0))
    assert np.exp(found) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("value", [6700.0, 43.0])
def test_the_first_of_a_series_is_a_report_by_itself(value):
    found = series_logp_of(*one_after(value, value * 1.07, 0.0, grid=1.0))[0]
    assert found == logp(value, value * 1.07, grid=1.0)[0]


@pytest.mark.parametrize(
    ("level", "before", "log_probability"),
    [
        (50.0, 6751.0, -np.inf),  # already more than what is printed
        (50.0, 6750.0, -np.inf),  # just as much: the upper end is no part of the interval
        (0.0, 6700.0, 0.0),  # nothing added, and the same count again
        (0.0, 6649.0, -np.inf),
        (0.0, 6751.0, -np.inf),
    ],
)
def test_a_count_below_what_was_seen_before_is_impossible_and_never_nan(level, before, log_probability):
    columns = one_after(6700.0, level, before)
    assert series_logp_of(*columns)[0] == log_probability
    assert [float(slope[0]) for slope in series_slopes_of(*columns)] == [0, 0, 0, 0]


@pytest.mark.parametrize("scatter", [1e-8, 0.003, 0.6])
@pytest.mark.parametrize("before", [0.0, 100.0, 6649.9999, 6650.0, 6700.0, 6749.9999])
@pytest.mark.parametrize("level", [1e-3, 40.0, 6500.0])
def test_the_slopes_of_a_series_are_finite_wherever_the_density_is(scatter, before, level):
    columns = one_after(6700.0, level, before, scatter=scatter)
    if np.isfinite(series_logp_of(*columns)[0]):
        assert np.all(np.isfinite(series_slopes_of(*columns)))


# ---- the seen count behind a printed one ----------------------------------------------------------------

WITHIN_INPUTS = [pt.dvector(name) for name in ("place", "low", "high", "level", "bias", "scatter")]
WITHIN = seen_within(WITHIN_INPUTS[0], tuple(WITHIN_INPUTS[1:3]), *WITHIN_INPUTS[3:])
seen_within_of = compiled(WITHIN_INPUTS, WITHIN)
within_slopes_of = compiled(WITHIN_INPUTS, pt.grad(WITHIN.sum(), WITHIN_INPUTS))
CASES = {  # low, high, level, bias, scatter
    "in the middle": (6650.0, 6750.0, 6100.0, 0.1, 0.05),
    "below": (13_000.0, 14_000.0, 16_300.0, 0.1, 0.05),
    "above": (13_000.0, 14_000.0, 11_000.0, -0.1, 0.07),
    "all of it": (0.0, np.inf, 700.0, 0.1, 0.6),
    "open upwards": (43.0, np.inf, 30.0, 0.2, 0.3),
    "open downwards": (0.0, 500.0, 610.0, -0.1, 0.2),
    "far below": (4000.0, 4500.0, 11_000.0, 0.0, 0.05),
    "far above": (11_000.0, 12_000.0, 4000.0, 0.0, 0.05),
}


def columns_of(case, place):
    place = np.atleast_1d(np.asarray(place, dtype=float))
    return [place, *(np.full(len(place), number) for number in case)]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_uniform_place_gives_the_seen_count_its_distribution_within_the_interval(case):
    low, high, level, bias, scatter = case
    place = np.array([0.003, 0.11, 0.37, 0.5, 0.82, 0.996])
    with np.errstate(divide="ignore"):
        ends = (np.log([low, high]) - np.log(level) - bias) / scatter
    expected = level * np.exp(bias + scatter * stats.truncnorm(*ends).ppf(place))
    np.testing.assert_allclose(seen_within_of(*columns_of(case, place)), expected, rtol=1e-9)


EXTREME = CASES | {
    "sixty deviations below": (300.0, 310.0, 6000.0, 0.0, 0.05),
    "sixty deviations above": (120_000.0, 130_000.0, 6000.0, 0.0, 0.05),
    "hardly any scatter": (6650.0, 6750.0, 6100.0, 0.1, 1e-8),
    "hardly any scatter, inside": (6650.0, 6750.0, 6700.0, 0.0, 1e-8),
    "no scatter": (6650.0, 6750.0, 6100.0, 0.1, 0.0),
    "open far above": (1e6, np.inf, 10.0, 0.0, 0.05),
    "open far below": (1.0, np.inf, 1e6, 0.0, 0.05),
    "closed far above": (0.0, 1e6, 10.0, 0.0, 0.05),
    "nothing shipped": (0.0, 50.0, 0.0, 0.1, 0.05),
}
PLACES_WITHIN = [1e-300, 1e-17, 1e-9, 0.2, 0.5, 0.7, 1 - 1e-9, np.nextafter(1.0, 0.0)]


@pytest.mark.parametrize("case", EXTREME.values(), ids=EXTREME)
def test_the_seen_count_lies_between_the_ends_and_rises_with_its_place(case):
    found = seen_within_of(*columns_of(case, PLACES_WITHIN))
    assert np.all((found >= case[0]) & (found <= case[1]) & np.isfinite(found))
    assert np.all(np.diff(found) >= 0)


@pytest.mark.parametrize("case", [EXTREME[name] for name in EXTREME if name != "no scatter"])
def test_the_slopes_of_the_seen_count_are_finite_everywhere(case):
    low, high, *others = columns_of(case, PLACES_WITHIN)[1:]
    slopes = within_slopes_of(np.array(PLACES_WITHIN), low, high, *others)
    assert np.all(np.isfinite(slopes))


@pytest.mark.parametrize(("low", "high"), [(-900.0, -200.0), (-900.0, 0.0)])
def test_where_more_was_seen_before_than_the_interval_holds_nothing_is_added_and_nothing_is_nan(low, high):
    columns = columns_of((low, high, 40.0, 0.1, 0.05), PLACES_WITHIN)
    assert set(seen_within_of(*columns)) == {0.0}
    assert np.all(np.isfinite(within_slopes_of(*columns)))


def test_a_lower_bound_that_was_passed_before_says_nothing_of_what_was_added():
    place = [0.02, 0.4, 0.9]
    passed = seen_within_of(*columns_of((-12.0, np.inf, 40.0, 0.1, 0.3), place))
    np.testing.assert_allclose(passed, 40 * np.exp(0.1 + 0.3 * stats.norm.ppf(place)), rtol=1e-9)


# ---- series of three ------------------------------------------------------------------------------------

# (what was shipped by each, the interval of each, as hand-given ends)
SERIES = {
    "closed": ([900.0, 1500.0, 2900.0], [(850, 1000), (1450, 1800), (2600, 3300)]),
    "a lower bound first": ([900.0, 1500.0, 2900.0], [(700, np.inf), (1450, 1800), (2600, 3300)]),
    "a lower bound between": ([900.0, 1500.0, 2900.0], [(850, 1000), (1650, np.inf), (2600, 3300)]),
    "a bound that the count before may pass": ([30.0, 44.0, 60.0], [(26, np.inf), (27, np.inf), (50, 62)]),
    "ends that overlap": ([900.0, 1000.0, 1100.0], [(800, 1300), (900, 1250), (1000, 1270)]),
    "a first report far off": ([900.0, 1500.0, 2900.0], [(1500, 1700), (2000, 2600), (3200, 4100)]),
}
BIAS_THERE, SCATTER_THERE = -0.06, 0.21


@pytest.mark.parametrize(("shipped", "ends"), SERIES.values(), ids=SERIES)
def test_the_places_of_seen_counts_average_to_the_probability_of_the_whole_series(shipped, ends):
    """The probability that three counts, each carrying the last along, fall in all three intervals."""
    side, draws = 400, 4_000_000
    added = np.diff([0.0, *shipped])
    grid = (np.arange(side) + 0.5) / side
    place = np.stack(np.meshgrid(grid, grid, indexing="ij"), axis=-1).reshape(-1, 2)
    before, log_p = np.zeros(len(place)), np.zeros(len(place))
    for index, (low, high) in enumerate(ends):
        n = len(place)
        columns = [np.full(n, x, dtype=float) for x in (1.0, added[index], BIAS_THERE, SCATTER_THERE, 1.0)]
        columns += [np.full(n, UNROUNDED), np.full(n, float(low)), np.full(n, float(high)), before]
        log_p += series_logp_of(*columns, np.eye(1))
        if index < 2:
            case = [place[:, index], low - before, high - before, *columns[1:4]]
            before = before + seen_within_of(*case)
    found = np.exp(log_p).mean()

    rng = np.random.default_rng(20240827)
    seen = np.cumsum(added * np.exp(BIAS_THERE + SCATTER_THERE * rng.standard_normal((draws, 3))), axis=1)
    fell = np.all([(seen[:, i] >= low) & (seen[:, i] < high) for i, (low, high) in enumerate(ends)], axis=0)
    assert fell.sum() > 500
    assert_within(fell.mean(), found, share_error(found, draws))


def test_a_simulated_series_carries_each_count_into_those_after_it():
    # The second column is the first of the series and the first carries it; the third stands alone.
    series = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    level, scatter = np.array([40.0, 900.0, 70.0]), 0.2
    ends = [pt.as_tensor(np.array(x)) for x in ([UNROUNDED] * 3, [0.0] * 3, [np.inf] * 3)]
    variable = print_series(
        pt.as_tensor(level), 0.1, scatter, pt.as_tensor(np.ones(3)), *ends, 0.0, series, size=(DRAWS, 3)
    )
    drawn = pm.draw(variable, random_seed=3, mode="FAST_COMPILE")
    own = np.log(np.stack([drawn[:, 0] - drawn[:, 1], drawn[:, 1], drawn[:, 2]], axis=1))
    assert_within(own.mean(axis=0), np.log(level) + 0.1, scatter / np.sqrt(DRAWS))
    assert_within(own.std(axis=0), scatter, scatter / np.sqrt(2 * DRAWS))
    correlations = np.corrcoef(own.T)[np.triu_indices(3, 1)]
    assert_within(correlations, 0.0, 1 / np.sqrt(DRAWS))


def test_a_simulated_series_is_printed_by_the_rule_of_each():
    series = np.array([[1.0, 0.0], [1.0, 1.0]])
    ends = [pt.as_tensor(np.array(x)) for x in ([NEAREST, FLOOR], [0.0] * 2, [np.inf] * 2)]
    variable = print_series(
        pt.as_tensor(np.array([640.0, 770.0])), 0.1, 1e-9, pt.as_tensor(np.array([100.0, 500.0])), *ends,
        0.0, series, size=(5, 2),
    )  # fmt: skip
    # 640 e^0.1 = 707 and 1410 e^0.1 = 1558.
    assert pm.draw(variable, random_seed=3, mode="FAST_COMPILE").tolist() == [[700.0, 1500.0]] * 5
