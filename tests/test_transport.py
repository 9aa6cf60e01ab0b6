"""Coordinates that straighten ridges: the map and its way back, its Jacobian, and what it does to a funnel."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from estimates.inference.transport import Transport, Untouched


def banana(count, rng):
    """x, and a narrow ridge about x^2."""
    x = rng.normal(size=count)
    return np.column_stack([x, x**2 + 0.05 * rng.normal(size=count)])


def funnel(count, rng):
    """Neal's: the width of all others hangs on the first."""
    v = rng.normal(0, 1.0, size=count)
    return np.column_stack([v, np.exp(v[:, None] / 2) * rng.normal(size=(count, 3))])


def needle(count, rng):
    """Two unknowns whose sum alone is known, a third that makes up for it, one that is free."""
    start = rng.uniform(0, 40, size=count)
    lag = 40 - start + 0.2 * rng.normal(size=count)
    rate = rng.normal(size=count)
    return np.column_stack([start, rate, lag, -rate + 0.01 * rng.normal(size=count)])


SHAPES = [banana, funnel, needle]


@pytest.fixture(scope="module", params=SHAPES, ids=lambda shape: shape.__name__)
def learnt(request):
    shape = request.param
    return Transport.of(shape(2000, np.random.default_rng(1))), shape(500, np.random.default_rng(2))


def test_there_and_back_is_where_one_was(learnt):
    transport, points = learnt
    straight, log_jacobian = transport.straighten(points)
    back, again = transport.bend(straight)
    np.testing.assert_allclose(back, points, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(again, log_jacobian, rtol=1e-9, atol=1e-9)


def test_the_jacobian_is_that_of_differences(learnt):
    transport, points = learnt
    dimension, step = points.shape[1], 1e-5
    for point in points[:20]:
        ends = point + step * np.concatenate([np.eye(dimension), -np.eye(dimension)])
        straight, _ = transport.straighten(ends)
        jacobian = (straight[:dimension] - straight[dimension:]) / (2 * step)
        _, log_jacobian = transport.straighten(point[None])
        np.testing.assert_allclose(np.linalg.slogdet(jacobian)[1], log_jacobian[0], atol=1e-3)


def test_straightened_points_are_uncorrelated_and_of_size_one(learnt):
    transport, points = learnt
    straight, _ = transport.straighten(points)
    tolerance = 5 / np.sqrt(len(points))
    np.testing.assert_allclose(np.corrcoef(straight.T), np.eye(straight.shape[1]), atol=tolerance)
    np.testing.assert_allclose(straight.std(axis=0), 1.0, atol=3 * tolerance)


def test_a_banana_becomes_normal():
    transport = Transport.of(banana(4000, np.random.default_rng(1)))
    straight, _ = transport.straighten(banana(1000, np.random.default_rng(2)))
    for coordinate in straight.T:
        assert stats.kstest(coordinate, "norm").pvalue > 1e-3


def test_a_ridge_that_widens_is_of_one_width_afterwards():
    rng = np.random.default_rng(1)
    x = rng.normal(size=4000)
    across = 0.05 * np.exp(x) * rng.normal(size=4000)
    narrow, wide = x < -1, x > 1
    assert across[narrow].std() < 0.2 * across[wide].std()
    straight, _ = Transport.of(np.column_stack([x**2 + across, x])).straighten(
        np.column_stack([x**2 + across, x])
    )
    across = straight[:, 1]  # what is told by the other comes last
    assert 0.7 < across[narrow].std() / across[wide].std() < 1.4


def test_a_coordinate_that_never_moves_is_left_alone():
    points = np.column_stack([np.random.default_rng(1).normal(size=200), np.full(200, 3.0)])
    transport = Transport.of(points)
    straight, log_jacobian = transport.straighten(points)
    assert np.all(np.isfinite(straight))
    assert np.all(np.isfinite(log_jacobian))
    np.testing.assert_allclose(transport.bend(straight)[0], points, atol=1e-9)


def test_one_unknown_has_nothing_to_hang_on():
    points = np.random.default_rng(1).normal(5.0, 2.0, size=(300, 1))
    straight, log_jacobian = Transport.of(points).straighten(points)
    np.testing.assert_allclose(straight[:, 0], (points[:, 0] - points.mean()) / points.std())
    np.testing.assert_allclose(log_jacobian, -np.log(points.std()))


@given(st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_far_from_where_it_was_learnt_the_map_is_still_one_to_one(dimension, seed):
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(dimension, dimension))
    transport = Transport.of(rng.normal(size=(400, dimension)) @ mixing)
    far = 30 * rng.normal(size=(20, dimension))
    points, log_jacobian = transport.bend(far)
    straight, again = transport.straighten(points)
    np.testing.assert_allclose(again, log_jacobian, atol=1e-6)
    np.testing.assert_allclose(straight, far, rtol=1e-5, atol=1e-3)


def test_untouched_coordinates_are_the_points():
    points = np.arange(6.0).reshape(3, 2)
    for there, log_jacobian in (Untouched().straighten(points), Untouched().bend(points)):
        assert there is points
        assert np.array_equal(log_jacobian, np.zeros(3))
