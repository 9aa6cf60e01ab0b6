"""What an issuer would have seen: a mixture of shifted lognormals, against SciPy and brute force."""

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from montecarlo import assert_within, share_error
from scipy import stats

from estimates.reports import Interval
from estimates.seen import Seen

INFINITE = float("inf")


def seen(before, centre, scatter) -> Seen:
    return Seen(*(np.asarray(values, dtype=float) for values in (before, centre, scatter)))


ONE = seen([0.0], [math.log(7000)], [0.2])
MIXED = seen([0.0, 500.0, 2000.0], [8.0, 8.5, 7.0], [0.1, 0.3, 0.6])


@pytest.mark.parametrize("value", [0.0, 3000.0, 6999.0, 13_000.0])
def test_one_draw_is_a_lognormal(value):
    truth = stats.lognorm(s=0.2, scale=7000)
    assert ONE.cumulative(value) == pytest.approx(truth.cdf(value), rel=1e-12)


def test_the_log_probability_of_an_interval_is_that_of_a_lognormal():
    truth = stats.lognorm(s=0.2, scale=7000)
    share = truth.cdf(8500) - truth.cdf(7500)
    assert ONE.log_probability(Interval(7500, 8500)) == pytest.approx(math.log(share), rel=1e-12)


def test_an_open_interval_takes_the_whole_tail():
    share = stats.lognorm(s=0.2, scale=7000).sf(9000)
    assert ONE.log_probability(Interval(9000, INFINITE)) == pytest.approx(math.log(share), rel=1e-10)


def test_quantiles_of_one_draw_are_those_of_a_lognormal():
    probabilities = [0.055, 0.5, 0.945]
    truth = stats.lognorm(s=0.2, scale=7000).ppf(probabilities)
    np.testing.assert_allclose(ONE.quantile(probabilities), truth, rtol=2e-6)


def test_what_was_seen_before_shifts_everything():
    shifted = seen([1000.0], [math.log(7000)], [0.2])
    assert shifted.cumulative(8000) == pytest.approx(ONE.cumulative(7000), rel=1e-12)
    assert shifted.cumulative(1000) == 0.0


def test_the_mixture_agrees_with_brute_force():
    rng = np.random.default_rng(3)
    count = 200_000
    simulated = np.stack([MIXED.draws(rng) for _ in range(count)])
    for value in (2500.0, 3200.0, 6000.0):
        share = np.mean(simulated < value)
        assert_within(MIXED.cumulative(value), share, share_error(share, 3 * count))


def test_the_stated_error_is_that_of_repeated_samples():
    rng = np.random.default_rng(4)
    interval = Interval(6000, 8000)
    found = []
    for _ in range(2000):
        sample = seen(np.zeros(400), rng.normal(8.8, 0.2, 400), np.full(400, 0.1))
        found.append((sample.log_probability(interval), sample.log_probability_error(interval)))
    logs, errors = np.array(found).T
    spread = np.std(logs, ddof=1)
    assert_within(np.mean(errors), spread, spread / math.sqrt(2 * len(logs)))


def test_where_nothing_was_added_the_count_is_what_was_seen_before():
    nothing = seen([0.0, 900.0], [-INFINITE, -INFINITE], [0.1, 0.1])
    assert nothing.cumulative(0.0) == 0.0
    assert nothing.cumulative(1.0) == 0.5
    assert nothing.cumulative(901.0) == 1.0
    assert nothing.log_probability(Interval(800, 1000)) == pytest.approx(math.log(0.5))
    np.testing.assert_array_equal(nothing.draws(np.random.default_rng(1)), [0.0, 900.0])


def test_an_interval_that_no_draw_allows_has_no_probability():
    late = seen([5000.0], [3.0], [0.1])
    assert late.log_probability(Interval(1000, 2000)) == -INFINITE
    assert late.log_probability_error(Interval(1000, 2000)) == INFINITE


def test_thinning_keeps_whole_draws_and_no_more_than_asked():
    many = seen(np.arange(100), np.arange(100) + 1000, np.arange(100) + 2000)
    few = many.thinned(10, np.random.default_rng(1))
    assert len(few.before) == len(set(few.before)) == 10
    np.testing.assert_array_equal(few.centre - few.before, 1000)
    np.testing.assert_array_equal(few.scatter - few.before, 2000)
    assert many.thinned(100, np.random.default_rng(1)) is many


@given(
    st.lists(st.tuples(st.floats(0, 1e4), st.floats(2, 12), st.floats(0.01, 1.0)), min_size=1, max_size=5),
    st.floats(0.02, 0.98),
)
def test_the_quantile_is_the_inverse_of_the_cumulative(draws, probability):
    mixture = seen(*zip(*draws, strict=True))
    (value,) = mixture.quantile(probability)
    assert mixture.cumulative(value * (1 + 1e-5)) >= probability
    assert mixture.cumulative(value * (1 - 1e-5)) <= probability


@pytest.mark.parametrize("interval", [Interval(7500, 8500), Interval(5500, INFINITE), Interval(9000, 12_000)])
def test_the_share_inside_is_that_of_the_truncated_lognormal(interval):
    truth = stats.lognorm(s=0.2, scale=7000)
    lower, upper = truth.ppf([0.055, 0.945])
    whole = truth.cdf(interval.high) - truth.cdf(interval.low)
    both = truth.cdf(min(interval.high, upper)) - truth.cdf(max(interval.low, lower))
    assert ONE.share_inside(interval, lower, upper) == pytest.approx(both / whole, rel=1e-9)


@given(st.lists(st.floats(0, 30_000), min_size=1, max_size=8, unique=True))
def test_shares_inside_of_all_that_could_be_said_come_to_the_probability_inside(cuts):
    edges = [0.0, *sorted(cuts), INFINITE]
    cells = [Interval(low, high) for low, high in pairwise(edges) if low < high]
    lower, upper = MIXED.quantile([0.055, 0.945])
    weights = [math.exp(MIXED.log_probability(cell)) for cell in cells]
    shares = [MIXED.share_inside(cell, lower, upper) for cell in cells]
    assert np.dot(weights, shares) == pytest.approx(0.89, abs=1e-4)
