"""Normal scores of the prior: the map and its way back, its slope, and what becomes of skewed draws."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from estimates.inference.scores import Scores

LAWS = {
    "normal": stats.norm(3.0, 2.0),
    "log of a half-normal": stats.halfnorm(scale=0.05),
    "logistic": stats.logistic(),
    "heavy": stats.t(2.0),
}


def draws(law, count, seed):
    found = LAWS[law].rvs(size=count, random_state=seed)
    return (np.log(found) if "log of" in law else found)[:, None]


@pytest.mark.parametrize("law", LAWS)
def test_there_and_back_is_where_one_was(law):
    scores = Scores.of(draws(law, 4096, 1))
    points = draws(law, 1000, 2)
    found, log_slope = scores.score(points)
    back, again = scores.unscore(found)
    np.testing.assert_allclose(back, points, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(again, log_slope, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("law", LAWS)
def test_the_slope_is_that_of_differences(law):
    scores = Scores.of(draws(law, 4096, 1))
    points, step = draws(law, 300, 2), 1e-6
    _, log_slope = scores.score(points)
    slope = (scores.score(points + step)[0] - scores.score(points - step)[0])[:, 0] / (2 * step)
    np.testing.assert_allclose(slope, np.exp(log_slope), rtol=1e-3)


def test_a_skewed_prior_becomes_nearly_normal():
    law = "log of a half-normal"
    found, _ = Scores.of(draws(law, 4096, 1)).score(draws(law, 20_000, 2))
    assert stats.skew(draws(law, 20_000, 2)[:, 0]) < -1.0
    assert abs(stats.skew(found[:, 0])) < 0.25
    quantiles = np.quantile(found, stats.norm.cdf([-2, -1, 0, 1, 2]))
    np.testing.assert_allclose(quantiles, [-2, -1, 0, 1, 2], atol=0.15)


def test_a_prior_that_is_even_is_only_moved_and_scaled():
    points = draws("normal", 4096, 1)
    found, log_slope = Scores.of(points).score(points)
    assert np.ptp(log_slope) < 1e-9
    np.testing.assert_allclose(np.corrcoef(found[:, 0], points[:, 0])[0, 1], 1.0)


def test_each_coordinate_has_a_map_of_its_own():
    both = np.concatenate([draws("normal", 4096, 1), draws("log of a half-normal", 4096, 1)], axis=1)
    found, log_slope = Scores.of(both).score(both)
    apart = [Scores.of(one[:, None]).score(one[:, None]) for one in both.T]
    np.testing.assert_allclose(found, np.concatenate([one for one, _ in apart], axis=1))
    np.testing.assert_allclose(log_slope, sum(slope for _, slope in apart))


def test_draws_that_are_all_alike_do_no_harm():
    scores = Scores.of(np.full((100, 1), 2.5))
    found, log_slope = scores.score(np.array([[2.5], [2.6]]))
    assert np.all(np.isfinite(found))
    assert np.all(np.isfinite(log_slope))
    np.testing.assert_allclose(scores.unscore(found)[0], [[2.5], [2.6]])


@given(st.integers(0, 2**32 - 1), st.floats(-50, 50), st.floats(-50, 50))
def test_what_is_greater_has_the_greater_score(seed, one, other):
    points = np.log(np.random.default_rng(seed).gamma(0.7, size=(200, 1)))
    found, _ = Scores.of(points).score(np.array([[one], [other]]))
    if one - other > 1e-6:
        assert found[0, 0] > found[1, 0]


def test_what_is_no_point_is_left_out():
    points = np.random.default_rng(1).normal(size=(500, 2))
    with_gaps = np.insert(points, [0, 100], [[np.nan, 0.0], [1.0, np.inf]], axis=0)
    np.testing.assert_array_equal(Scores.of(with_gaps).knots, Scores.of(points).knots)
