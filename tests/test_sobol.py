"""Sobol points are SciPy's, point by point; they are even, and each is uniform."""

import itertools

import numpy as np
import pytest
from scipy.stats import qmc

from estimates.inference.sobol import BITS, MOST, sobol
from tests.montecarlo import assert_within


@pytest.mark.parametrize("power", [0, 1, 5, 12])
@pytest.mark.parametrize("dimension", [1, 2, 7, MOST, MOST + 3])
def test_unscrambled_points_are_those_of_scipy_to_the_last_digit(dimension, power):
    expected = qmc.Sobol(dimension, scramble=False).random_base2(power)
    assert np.array_equal(sobol(dimension, power, None), expected)


@pytest.mark.parametrize("dimension", [1, 7, 18, MOST, MOST + 3])
def test_scrambled_points_are_those_of_scipy_for_the_same_generator(dimension):
    ours, theirs = np.random.default_rng(7), np.random.default_rng(7)
    for power in (3, 10):
        expected = qmc.Sobol(dimension, rng=theirs).random_base2(power)
        assert np.array_equal(sobol(dimension, power, ours), expected)
    assert ours.random() == theirs.random()


def test_the_first_direction_numbers_make_known_points():
    assert sobol(2, 2, None).tolist() == [[0.0, 0.0], [0.5, 0.5], [0.75, 0.25], [0.25, 0.75]]


def test_scrambled_points_lie_in_every_box_alike():
    """The first two coordinates are a (0, m, 2)-net: each box of area 2^-m has one of 2^m points."""
    power = 8
    points = sobol(2, power, np.random.default_rng(11))
    for first in range(power + 1):
        cells = np.floor(points * [2**first, 2 ** (power - first)]).astype(int)
        assert len({tuple(cell) for cell in cells.tolist()}) == 2**power
    for column in sobol(MOST, power, np.random.default_rng(12)).T:
        assert sorted(np.floor(column * 2**power)) == list(range(2**power))


def test_scrambled_points_give_means_without_bias():
    """An integral over ten scrambles of few points lies around its value."""

    def product(points):
        return np.prod(1.0 + 0.7 * (points**2 - 1.0 / 3.0), axis=1)

    means = [product(sobol(6, 3, np.random.default_rng([5, i]))).mean() for i in range(400)]
    assert_within(np.mean(means), 1.0, np.std(means, ddof=1) / np.sqrt(len(means)))


def test_one_scramble_is_independent_of_another():
    first, second = (sobol(3, 6, np.random.default_rng(seed)) for seed in (1, 2))
    assert not np.array_equal(first, second)
    assert not any(np.array_equal(a, b) for a, b in itertools.combinations(first.T, 2))
    assert np.all((first >= 0) & (first < 1))
    assert np.all(first * 2**BITS == np.floor(first * 2**BITS))
