"""The log probability of an interval by NumPy: against arithmetic of fifty digits, and the graph's."""

import mpmath
import numpy as np
import pytensor
import pytensor.tensor as pt
import pytest
from fifty_digits import assert_log_close, log_between
from hypothesis import given, settings
from hypothesis import strategies as st

from estimates.terms import mass as module
from estimates.terms.likelihood import by_numpy, interval_logp
from estimates.terms.mass import log_interval_mass, log_mass_of_all

# In standard deviations: the widths, and the places of the lower end.
WIDTHS = [1e-12, 1e-5, 0.0011, 0.029, 0.031, 0.06, 0.099, 0.101, 0.199, 0.201, 0.7, 7.0, 60.0]
PLACES = [-40.0, -8.1, -3.1, -1.6, -0.4, -0.03, 0.0, 0.02, 0.3, 1.4, 2.9, 9.2, 40.0]


def exact_log_mass(low, high, level, scatter):
    """ln P by mpmath from the same floating-point inputs, with a bias of 0."""
    low, high, level, scatter = (mpmath.mpf(float(x)) for x in (low, high, level, scatter))
    below = mpmath.log(low / level) / scatter if low > 0 else mpmath.mpf("-inf")
    above = mpmath.log(high / level) / scatter if mpmath.isfinite(high) else mpmath.mpf("inf")
    return log_between(below, above)


def of_one(low, high, level, scatter, bias=0.0):
    return log_interval_mass(*(np.array([float(x)]) for x in (low, high, level, bias, scatter)))[0]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scatter", [0.003, 0.05, 0.7])
def test_an_interval_anywhere_has_the_probability_of_fifty_digits(width, scatter):
    for place in PLACES:
        low, high = 6650.0, 6650.0 * np.exp(width * scatter)
        level = 6650.0 * np.exp(-place * scatter)
        assert_log_close(of_one(low, high, level, scatter), exact_log_mass(low, high, level, scatter))


@settings(max_examples=300, deadline=None)
@given(st.floats(1, 1e6), st.floats(-8, 1.5), st.floats(-40, 40), st.floats(0.003, 1.5))
def test_any_interval_within_forty_deviations_is_that_of_fifty_digits(low, log_width, place, scatter):
    high, level = low * (1 + np.expm1(10**log_width * scatter)), low * np.exp(-place * scatter)
    assert_log_close(of_one(low, high, level, scatter), exact_log_mass(low, high, level, scatter))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("low", "high"), [(0.0, 6650.0), (13_000.0, np.inf)])
def test_an_open_interval_has_the_probability_of_fifty_digits(place, low, high):
    level = (high if low == 0 else low) * np.exp(-place * 0.05)
    assert_log_close(of_one(low, high, level, 0.05), exact_log_mass(low, high, level, 0.05))


@pytest.mark.parametrize(
    ("low", "high", "level", "scatter", "log_probability"),
    [
        (0.0, np.inf, 6500.0, 0.05, 0.0),
        (0.0, 50.0, 0.0, 0.05, 0.0),
        (50.0, 150.0, 0.0, 0.05, -np.inf),
        (50.0, 150.0, np.nan, 0.05, -np.inf),
        (50.0, 150.0, np.inf, 0.05, -np.inf),
        (50.0, np.inf, np.inf, 0.05, 0.0),
        (0.0, 50.0, np.inf, 0.05, -np.inf),
        (50.0, 150.0, 100.0, 0.0, 0.0),
        (50.0, 150.0, 160.0, 0.0, -np.inf),
        (100.0, 100.0, 100.0, 0.05, -np.inf),
    ],
)
def test_the_ends_of_everything_are_numbers(low, high, level, scatter, log_probability):
    found = of_one(low, high, level, scatter)
    assert found == log_probability or (log_probability == -np.inf and found < -1e150)


def test_bias_and_level_only_count_together():
    assert of_one(6650, 6750, 6500, 0.05, bias=0.1) == pytest.approx(
        of_one(6650, 6750, 6500 * np.exp(0.1), 0.05), rel=1e-11
    )


# ---- many at once -----------------------------------------------------------------------------------------


def many(points, reports):
    """Reports of all kinds under points of all kinds: (1, reports), (points, reports), (points, 1)."""
    rng = np.random.default_rng(5)
    low = rng.uniform(10, 9000, (1, reports))
    high = low * (1 + 10 ** rng.uniform(-6, 1, (1, reports)))
    low[:, rng.random(reports) < 0.15] = 0.0
    high[:, rng.random(reports) < 0.15] = np.inf
    level = np.exp(rng.normal(8, 1.5, (points, reports)))
    level[rng.random(level.shape) < 0.05] = 0.0
    return low, high, level, rng.normal(0, 0.1, (points, 1)), 10 ** rng.uniform(-3, 0, (points, 1))


@pytest.mark.parametrize(("points", "reports"), [(60, 3), (3, 60), (40, 1), (1, 40), (150, 100), (0, 3)])
def test_together_they_are_what_each_is_by_itself(points, reports):
    parts = many(points, reports)
    together = log_interval_mass(*parts)
    assert together.shape == (points, reports)
    rows = zip(*map(np.ravel, np.broadcast_arrays(*parts)), strict=True)
    each = [of_one(*row[:3], row[4], bias=row[3]) for row in rows]
    np.testing.assert_allclose(together.ravel(), each, rtol=1e-12)


def printed(points, reports, scatter):
    """Reports of a few digits under points like a posterior's, a few of which are far off."""
    rng = np.random.default_rng(6)
    low = np.sort(rng.uniform(800, 8_000, (1, reports)))
    level = (low + 5) * np.exp(rng.normal(0, scatter, (points, reports)))
    level[rng.random(level.shape) < 0.02] *= 2.0
    scatters = scatter * np.exp(rng.normal(0, 0.1, (points, 1)))
    return low, low + 10, level, rng.normal(0, 0.1 * scatter, (points, 1)), scatters


@pytest.mark.parametrize(
    ("parts", "is_by_sums"),
    [
        (printed(50, 400, 0.05), True),
        (printed(50, 400, 0.09), True),
        (printed(1, 400, 0.05), True),
        (printed(50, 400, 0.001), False),  # wide, nearly all
        (printed(50, 5, 0.05), False),
        (many(150, 100), False),
        (many(0, 100), False),
        (tuple(part[0] for part in printed(1, 400, 0.05)), False),
    ],
)
def test_the_sum_over_reports_is_that_of_each(parts, is_by_sums, monkeypatch):
    used, by_sums = [], module._sum_of_narrow
    monkeypatch.setattr(module, "_sum_of_narrow", lambda *a: used.append(1) or by_sums(*a))
    each = log_interval_mass(*parts)
    found = log_mass_of_all(*parts)
    assert found.shape == each.shape[:-1]
    np.testing.assert_allclose(found, each.sum(axis=-1), rtol=1e-12)
    assert bool(used) == is_by_sums


def test_reports_that_are_open_empty_or_impossible_are_summed_with_the_narrow_ones():
    low, high, level, bias, scatter = printed(20, 400, 0.05)
    low[:, 3] = 0.0
    high[:, 7] = np.inf
    level[4, :2] = 0.0, np.nan
    level[:, 9] = 0.0
    low[:, 9] = 0.0
    each = log_interval_mass(low, high, level, bias, scatter).sum(axis=-1)
    assert np.isneginf(each[4])
    assert np.isfinite(np.delete(each, 4)).all()
    np.testing.assert_allclose(log_mass_of_all(low, high, level, bias, scatter), each, rtol=1e-12)
    high[:, 11] = low[:, 11]
    assert np.all(np.isneginf(log_mass_of_all(low, high, level, bias, scatter)))


@pytest.mark.parametrize("scatter", [0.0, 1e-200, np.nan])
def test_one_point_without_a_scatter_spoils_no_other(scatter):
    parts = printed(20, 400, 0.05)
    parts[4][3] = scatter
    each = log_interval_mass(*parts).sum(axis=-1)
    np.testing.assert_allclose(np.delete(log_mass_of_all(*parts), 3), np.delete(each, 3), rtol=1e-12)


def test_the_graph_gives_the_same():
    inputs = [pt.dmatrix(name) for name in ("value", "level", "bias", "scatter", "grid")]
    inputs += [pt.lmatrix("rule"), pt.dmatrix("low"), pt.dmatrix("high")]
    # Columns of one number are made as long as the others: a matrix input is not broadcast.
    low, high, level, bias, scatter = (np.array(part) for part in np.broadcast_arrays(*many(80, 30)))
    values = [np.ones_like(low), level, bias, scatter, np.ones_like(low), np.full(low.shape, 2), low, high]
    graph = interval_logp(*inputs)
    with by_numpy():
        ours = interval_logp(*inputs)
    one, other = pytensor.function(inputs, [graph, ours], mode="FAST_COMPILE")(*values)
    is_likely = one > -1e5
    assert np.mean(is_likely) > 0.5
    np.testing.assert_allclose(other[is_likely], one[is_likely], rtol=1e-9, atol=1e-300)
    assert np.all(other[~is_likely] <= -0.99e5)


def test_every_form_is_tried_here(monkeypatch):
    called = {}
    for name in ("_narrow", "_thin", "_log_in_tail", "_log_about_centre"):
        form = getattr(module, name)
        monkeypatch.setattr(
            module, name, lambda *a, form=form, name=name: called.update({name: a[0].size}) or form(*a)
        )
    log_interval_mass(*many(150, 100))
    assert set(called) == {"_narrow", "_thin", "_log_in_tail", "_log_about_centre"}
    assert min(called.values()) > 100
