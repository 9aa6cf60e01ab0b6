"""Shares of the spread, on draws that depend on one another: against the closed forms of linear normal models."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from montecarlo import assert_within
from scipy import stats

from estimates import shares

COVARIANCE = np.array(
    [[1.0, 0.6, 0.0, 0.2], [0.6, 2.0, 0.0, -0.5], [0.0, 0.0, 0.5, 0.0], [0.2, -0.5, 0.0, 1.5]]
)
WEIGHTS = np.array([1.0, -0.7, 1.5, 0.4])
VARIANCE = WEIGHTS @ COVARIANCE @ WEIGHTS


@pytest.fixture(scope="module")
def linear():
    x = np.random.default_rng(4).multivariate_normal(np.zeros(4), COVARIANCE, size=20_000).T
    return x, WEIGHTS @ x


def explained_by(known):
    """Var(E[y | x_known]) / Var(y) of the linear normal model."""
    known = list(known)
    if not known:
        return 0.0
    cross = COVARIANCE[known] @ WEIGHTS
    return float(cross @ np.linalg.solve(COVARIANCE[np.ix_(known, known)], cross) / VARIANCE)


@pytest.mark.parametrize("place", range(4))
def test_first_order_shares_are_those_of_the_linear_normal_model(linear, place):
    x, y = linear
    found = shares.first_order(x[place], y, np.random.default_rng(1), len(y))
    assert_within(found.value, explained_by([place]), found.mcse)
    assert found.mcse < 0.02


def test_a_monotone_change_of_an_input_changes_nothing(linear):
    x, y = linear
    plain, bent = (
        shares.first_order(values, y, np.random.default_rng(1), len(y)) for values in (x[0], np.exp(2 * x[0]))
    )
    assert plain == bent


def test_the_stated_error_covers_the_distance_from_the_truth():
    truth, ratios = explained_by([1]), []
    for seed in range(60):
        x = np.random.default_rng(seed).multivariate_normal(np.zeros(4), COVARIANCE, size=800).T
        found = shares.first_order(x[1], WEIGHTS @ x, np.random.default_rng(seed), 800)
        ratios.append((found.value - truth) / found.mcse)
    # A mean square of 1; its own standard error over 60 repetitions is 0.18.
    assert 0.5 < np.mean(np.square(ratios)) < 1.6


def test_fewer_effective_draws_have_a_larger_error(linear):
    x, y = linear
    full, quarter = (shares.first_order(x[0], y, np.random.default_rng(1), n) for n in (len(y), len(y) / 4))
    assert quarter.mcse == pytest.approx(2 * full.mcse)


def test_an_input_that_says_nothing_has_a_share_of_nothing(linear):
    _, y = linear
    noise = np.random.default_rng(9).normal(size=len(y))
    found = shares.first_order(noise, y, np.random.default_rng(1), len(y))
    assert found.value < 0.002


def test_a_share_that_no_straight_line_shows_is_found():
    x = np.random.default_rng(3).normal(size=20_000)
    noise = np.random.default_rng(8).normal(size=20_000)
    found = shares.first_order(x, x**2 + noise, np.random.default_rng(1), 20_000)
    assert_within(found.value, 2 / 3, found.mcse)


@pytest.mark.parametrize("known", [c for size in (1, 2, 3) for c in itertools.combinations(range(4), size)])
def test_several_inputs_explain_what_the_linear_normal_model_says(linear, known):
    x, y = linear
    truth = explained_by(known)
    # The error of a correlation ratio: 2 R sqrt((1 - R^2)^2 / n), with R^2 the share.
    error = 2 * math.sqrt(truth) * (1 - truth) / math.sqrt(len(y)) + 1e-3
    assert_within(shares.explained(x[list(known)], y), truth, error)


def test_shapley_shares_are_those_of_the_linear_normal_model(linear):
    x, y = linear
    groups = {"a": [0], "b": [1, 2], "c": [3]}
    truth = dict.fromkeys(groups, 0.0)
    for order in itertools.permutations(groups):
        known = []
        for name in order:
            before = explained_by(known)
            known += groups[name]
            truth[name] += (explained_by(known) - before) / math.factorial(3)
    found = shares.shapley({name: [x[i] for i in inputs] for name, inputs in groups.items()}, y)
    assert sum(found.values()) == pytest.approx(1.0)
    for name in groups:
        assert_within(found[name], truth[name], 0.01)


def test_a_group_without_inputs_is_left_out(linear):
    x, y = linear
    assert shares.shapley({"all": list(x), "none": []}, y) == {"all": 1.0}
    assert shares.shapley({}, y) == {}


# ---- widths and claims ---------------------------------------------------------------------------------


def test_the_width_once_an_input_is_known_is_that_of_what_is_left(linear):
    x, y = linear
    z = 2 * stats.norm.ppf(0.945)
    now = z * math.sqrt(VARIANCE)
    assert shares.width(y) == pytest.approx(now, rel=0.03)
    for place in range(4):
        left = z * math.sqrt(VARIANCE * (1 - explained_by([place])))
        # What is left of x within a piece adds some.
        found = shares.width_known(x[place], y)
        assert left * 0.97 <= found <= left * 1.08


def test_the_fall_of_a_claim_is_that_of_the_normal_threshold(linear):
    x, y = linear
    c = 0.5 * math.sqrt(VARIANCE)
    grid = np.linspace(-8, 8, 4001)
    weight = stats.norm.pdf(grid) * (grid[1] - grid[0])
    for place in range(4):
        r = explained_by([place])
        p = stats.norm.cdf((math.sqrt(r) * grid - 0.5) / math.sqrt(1 - r))
        share = weight @ p
        truth = (weight @ p**2 - share**2) / (share * (1 - share))
        assert shares.fall_known(x[place], y >= c) == pytest.approx(truth, abs=0.02)


def test_a_claim_that_is_settled_cannot_fall():
    assert shares.fall_known(np.arange(100.0), np.ones(100)) == 0.0


@given(arrays(float, 60, elements=st.floats(-1e3, 1e3)), arrays(float, 60, elements=st.floats(-1e3, 1e3)))
def test_shares_are_shares_whatever_the_draws(x, y):
    found = shares.first_order(x, y, np.random.default_rng(1), 60.0)
    assert 0 <= found.value <= 1
    assert found.mcse > 0
    assert 0 <= shares.explained([x], y) <= 1
    assert 0 <= shares.fall_known(x, y > 0) <= 1
    assert shares.width_known(x, y) >= 0


@given(arrays(float, 50, elements=st.floats(-1e3, 1e3), unique=True))
def test_normal_scores_keep_the_order(x):
    scores = shares.normal_scores(x)
    assert list(np.argsort(x)) == list(np.argsort(scores))
    assert abs(scores.sum()) < 1e-9
