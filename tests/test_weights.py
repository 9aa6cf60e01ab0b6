"""Log weights against ArviZ, closed forms and counting."""

import math

import numpy as np
import pytest
from arviz_stats.base import array_stats
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from montecarlo import assert_within
from scipy import special, stats

from estimates.inference.weights import (
    CLEAR,
    chosen,
    effective_size,
    for_spreads,
    gain,
    pareto_k,
    representative,
    spread_error,
)

counts = st.integers(30, 4000)
seeds = st.integers(0, 2**32 - 1)


@settings(deadline=None)
@given(counts, seeds, st.floats(0.01, 4.0), st.floats(0.0, 0.9))
def test_the_shape_of_the_tail_is_that_of_arviz(count, seed, spread, impossible):
    rng = np.random.default_rng(seed)
    log_weights = rng.normal(-700, spread, size=count)
    log_weights[rng.random(count) < impossible] = -np.inf
    assume(np.isfinite(log_weights).any())
    tail = math.floor(3 * math.sqrt(count)) if count > 225 else count // 5
    assume(np.isfinite(log_weights).sum() > tail)
    _, expected = array_stats.psislw(-log_weights)
    assert pareto_k(log_weights) == pytest.approx(float(expected), rel=1e-9, nan_ok=True)


@pytest.mark.parametrize("shape", [0.2, 0.5, 0.9])
def test_weights_of_a_pareto_tail_show_its_shape(shape):
    log_weights = np.random.default_rng(1).exponential(shape, size=400_000)  # w > t with chance t^(-1/k)
    tail = 3 * math.sqrt(len(log_weights))
    assert_within(pareto_k(log_weights), shape, (1 + shape) / math.sqrt(tail), multiples=3)


@pytest.mark.parametrize(
    ("log_weights", "expected"),
    [
        (np.full(1000, -3.0), -math.inf),
        (np.full(1000, -np.inf), math.inf),
        (np.array([0.0, -1.0, -2.0]), math.inf),
        (np.array([0.0, *np.full(999, -1e4)]), math.nan),
    ],
    ids=["all alike", "all impossible", "too few", "one above all"],
)
def test_where_there_is_no_tail_to_fit(log_weights, expected):
    assert pareto_k(log_weights) == pytest.approx(expected, nan_ok=True)


def test_weights_of_zero_have_no_effective_draws():
    assert effective_size(np.full(8, -np.inf)) == 0.0


@given(counts, seeds)
def test_each_is_chosen_about_as_often_as_its_weight_says(count, seed):
    rng = np.random.default_rng(seed)
    log_weights = rng.normal(size=20)
    expected = count * np.exp(log_weights) / np.exp(log_weights).sum()
    times = np.bincount(chosen(log_weights, count, rng), minlength=20)
    assert times.sum() == count
    assert np.all(np.abs(times - expected) < 1 + 1e-6 * count)


def test_turning_up_the_likelihood_leaves_the_impossible_impossible():
    assert np.array_equal(gain(np.array([-2.0, -np.inf, np.nan]), 0.5), [-1.0, -np.inf, -np.inf])


def test_weights_for_spreads_tell_the_spread_of_a_long_tail_with_fewer_points_and_the_mean_hardly_worse():
    """Errors of importance sampling from a grid in closed form: sum p^2 (f - E f)^2 / q, for f = x and x^2."""
    x = np.linspace(-60, 60, 24_001)
    p = stats.t.pdf(x, 6)
    p /= p.sum()
    q = np.exp(for_spreads(np.log(p), x[:, None]))
    assert q.sum() == pytest.approx(1.0)
    square = x**2 - p @ x**2
    assert np.sum(p**2 / q * square**2) < 0.45 * np.sum(p * square**2)
    assert np.sum(p**2 / q * x**2) < 1.6 * np.sum(p * x**2)


def test_weights_for_spreads_count_every_value_alike_whatever_its_unit_or_tail():
    """Of two values, one in other units, the same weights as of one; of a normal and a long tail, halves."""
    rng = np.random.default_rng(1)
    normal, tailed = rng.normal(size=200_000), 1e3 * rng.standard_t(5, size=200_000)
    log_weights = np.where(rng.random(200_000) < 0.3, -np.inf, rng.normal(0, 0.3, size=200_000))
    normal[np.isinf(log_weights)] = np.inf
    one, both = normal[:, None], np.column_stack([normal, 1e-6 * normal])
    np.testing.assert_allclose(for_spreads(log_weights, one), for_spreads(log_weights, both), atol=1e-12)
    possible = np.isfinite(log_weights)
    found = for_spreads(log_weights, np.column_stack([normal, tailed]))[possible]
    found = np.exp(found - log_weights[possible])
    share = np.exp(log_weights[possible]) / np.exp(log_weights[possible]).sum()

    def raised(values):
        """The weight that a value asks for by itself, as far as it got it."""
        pull = np.abs((values - share @ values) ** 2 / (share @ (values - share @ values) ** 2) - 1)
        alone = pull / np.sqrt(share @ pull**2)
        return share @ (found * (alone > 2)) / (share @ (alone > 2))

    assert 0.4 < raised(normal[possible]) / raised(tailed[possible]) < 2.5


log_weights_of_any_size = st.lists(st.floats(-1e4, 1e4) | st.just(-math.inf), min_size=2, max_size=20)


@given(log_weights_of_any_size, seeds, st.floats(-150, 100))
def test_weights_for_spreads_are_weights_whatever_they_were(log_weights, seed, log_size):
    """Also where one point has all the weight, and where others have next to none."""
    log_weights = np.array(log_weights)
    assume(np.isfinite(log_weights).any())
    values = 10.0**log_size * np.random.default_rng(seed).standard_t(2, size=(len(log_weights), 3))
    values[:, 2] = 1.0
    found = for_spreads(log_weights, values)
    np.testing.assert_array_equal(np.isfinite(found), np.isfinite(log_weights))
    total = special.logsumexp(found) - special.logsumexp(log_weights)
    assert total == pytest.approx(0.0, abs=1e-9)
    assert 0.0 <= spread_error(log_weights, values) <= 1 + 1e-9


@pytest.mark.parametrize("freedom", [5, 30])
def test_the_error_of_a_spread_is_what_repetitions_show(freedom):
    """Points of a wider Student-t, weighted for one with so many degrees of freedom, whose spread is exact."""
    rng, found, stated = np.random.default_rng(2), [], []
    for _ in range(400):
        points = 1.5 * rng.standard_t(3, size=2000)
        log_weights = stats.t.logpdf(points, freedom) - stats.t.logpdf(points / 1.5, 3)
        share = special.softmax(log_weights)
        found.append(math.sqrt(share @ points**2 - (share @ points) ** 2))
        stated.append(spread_error(log_weights, np.column_stack([0.0 * points, points])))
    off = np.array(found) / math.sqrt(freedom / (freedom - 2)) - 1
    assert abs(np.sqrt(np.mean(off**2)) / np.mean(stated) - 1) < 0.2


def test_weights_are_clear_where_both_their_share_and_their_tail_are():
    rng = np.random.default_rng(3)
    assert CLEAR.is_met(rng.normal(0, 0.5, size=4000))
    heavy = np.log(rng.pareto(1.5, size=4000) + 20.0)  # a share near 1, and a tail
    assert effective_size(heavy) > 2 * CLEAR.share * 4000
    assert not CLEAR.is_met(heavy)
    thin = np.where(rng.random(4000) < 0.1, 0.0, -np.inf)  # no tail, and a tenth of the points
    assert pareto_k(thin) < CLEAR.pareto_k
    assert not CLEAR.is_met(thin)


@pytest.mark.parametrize("dimension", [1, 3])
def test_what_is_farthest_out_is_taken_as_often_as_its_weight_says_of_all_scrambles_together(dimension):
    """The farthest, which have 2 in 10,000 of the weight; choosing in each scramble by itself took two thirds."""
    taken = expected = 0.0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        points = rng.standard_t(4, size=(8 * 2048, dimension))
        log_weights = rng.normal(0, 0.5, size=(8, 2048))
        share = special.softmax(log_weights, axis=1).ravel() / 8
        outwards = np.argsort(-np.sum(points**2, axis=1))
        farthest = outwards[: np.searchsorted(np.cumsum(share[outwards]), 2e-4)]
        found = representative(log_weights, points, 1024, rng).ravel()
        taken += np.isin(found, farthest).sum()
        expected += len(found) * share[farthest].sum()
    assert_within(taken, expected, math.sqrt(expected))


def test_a_scramble_without_any_weight_still_gives_its_draws():
    log_weights = np.zeros((3, 50))
    log_weights[1] = -np.inf
    found = representative(
        log_weights, np.random.default_rng(1).normal(size=(150, 2)), 20, np.random.default_rng(1)
    )
    assert found.shape == (3, 20)
    assert np.all(found // 50 == np.arange(3)[:, None])
