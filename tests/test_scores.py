"""Scores against closed forms and numerical integration; baselines against numbers worked out by hand."""

import math
from datetime import date

import mpmath
import numpy as np
import pytest
from montecarlo import assert_within
from scipy import integrate, stats

from estimates import scores
from estimates.reports import Interval
from estimates.scores import Past

INFINITE = float("inf")


def past(*printed, days=(1, 11, 31, 71, 91)) -> list[Past]:
    return [
        Past(date.fromordinal(738_000 + day), value, value - 1, value + 1)
        for day, value in zip(days, printed, strict=False)
    ]


def day(number) -> date:
    return date.fromordinal(738_000 + number)


@pytest.mark.parametrize("value", [-1.0, 2.3, 4.0])
def test_the_crps_of_a_normal_is_the_integral_of_its_squared_error(value):
    truth = stats.norm(2.0, 0.7)
    below, _ = integrate.quad(lambda x: truth.cdf(x) ** 2, -20, value, epsabs=1e-12, limit=400)
    above, _ = integrate.quad(lambda x: truth.sf(x) ** 2, value, 20, epsabs=1e-12, limit=400)
    assert scores.crps_of_normal(2.0, 0.7, value) == pytest.approx(below + above, rel=1e-8)


def test_the_crps_of_draws_is_the_double_sum():
    draws = np.random.default_rng(2).normal(size=57) * [1.7]
    double = np.mean(np.abs(draws - 0.4)) - np.mean(np.abs(draws[:, None] - draws)) / 2
    assert scores.crps_of_draws(draws, 0.4) == pytest.approx(double, rel=1e-12)


def test_the_crps_of_many_draws_is_that_of_their_distribution():
    found = [
        scores.crps_of_draws(np.random.default_rng([7, seed]).normal(2.0, 0.7, 4000), 2.9)
        for seed in range(40)
    ]
    assert_within(np.mean(found), scores.crps_of_normal(2.0, 0.7, 2.9), np.std(found) / math.sqrt(len(found)))


@pytest.mark.parametrize(
    ("low", "high"), [(-1, 2), (37, 38), (-45, -44), (8, INFINITE), (-INFINITE, -30), (0.1, 0.1001)]
)
def test_the_share_of_a_normal_is_exact_in_both_tails(low, high):
    with mpmath.workdps(900):
        share = mpmath.log(mpmath.ncdf(mpmath.mpf(high)) - mpmath.ncdf(mpmath.mpf(low)))
    assert scores.log_share_of_normal(0.0, 1.0, low, high) == pytest.approx(float(share), rel=1e-9)


def test_an_interval_is_scored_at_its_geometric_middle_or_says_where():
    assert scores.point_of(Interval(4.0, 9.0)) == (6.0, "")
    assert scores.point_of(Interval(27.0, INFINITE)) == (27.0, "open interval: scored at its lower end")
    assert scores.point_of(Interval(0.0, 50.0)) == (25.0, "interval from 0: scored at half its upper end")


def test_the_straight_line_goes_on_through_the_last_two_numbers():
    assert scores.straight_line(past(50, 100, 140), day(41)) == 160.0
    assert scores.last_value(past(50, 100, 140), day(41)) == 140.0


def test_without_a_line_above_zero_the_last_number_stands():
    assert scores.straight_line(past(50), day(20)) == 50.0
    assert scores.straight_line(past(100, 10), day(41)) == 10.0


def test_a_baseline_errs_as_it_did_on_this_issuer():
    numbers = past(50, 100, 140, 170)  # days 1, 11, 31, 71; the line foretold 50, 200, 220
    by_hand = {"last_value": (100 / 50, 140 / 100, 170 / 140), "straight_line": (2, 140 / 200, 170 / 220)}
    for name, ratios in by_hand.items():
        truth = math.sqrt(sum(math.log(ratio) ** 2 for ratio in ratios) / 3)
        assert scores.spread_of(name, numbers) == pytest.approx(truth, rel=1e-12)


@pytest.mark.parametrize("printed", [(50,), (50, 100, 140), (50, 50, 50, 50)])
def test_a_past_that_tells_no_error_gives_the_usual_one(printed):
    assert scores.spread_of("last_value", past(*printed)) == 0.3


def test_a_baseline_is_scored_as_the_normal_of_the_log():
    found = scores.baseline_score("straight_line", past(100, 120), day(31), Interval(140, 180))
    centre = stats.norm(math.log(160), 0.3)
    share = centre.cdf(math.log(180)) - centre.cdf(math.log(140))
    assert found.log_score == pytest.approx(math.log(share), rel=1e-12)
    assert found.crps == scores.crps_of_normal(math.log(160), 0.3, math.log(math.sqrt(140 * 180)))


def test_nothing_seen_costs_a_score_without_bound():
    assert scores.crps_of_draws([-INFINITE, 1.0], 2.0) == INFINITE
    assert scores.crps_of_normal(1.0, 0.3, -INFINITE) == INFINITE
