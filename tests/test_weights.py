"""Log weights against ArviZ, closed forms and counting."""

import math

import numpy as np
import pytest
from arviz_stats.base import array_stats
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from montecarlo import assert_within

from estimates.inference.weights import chosen, effective_size, gain, pareto_k

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
