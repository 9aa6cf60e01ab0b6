"""What is not fitted is drawn from where it follows, with a chance of its own in every draw."""

from functools import reduce
from operator import add, mul

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from montecarlo import assert_within
from scipy import stats

from estimates.inference import forward
from estimates.inference.forward import compile_forward

COUNT = 2000


def drawn(model, *wanted, given=None, seed=1):
    given = given or {}
    run = compile_forward(model, [model[name] for name in given], [model[name] for name in wanted])
    return run.run(given, COUNT, np.random.default_rng(seed))


def assert_follows(draws, distribution):
    assert stats.kstest(draws, distribution.cdf).pvalue > 1e-4


def test_a_prior_is_drawn_independently_for_every_draw():
    with pm.Model() as model:
        pm.Gamma("x", 2.0, 3.0)
    assert_follows(drawn(model, "x")["x"], stats.gamma(2.0, scale=1 / 3.0))


def test_draws_taken_some_at_a_time_are_those_of_one_time_and_no_chance_is_drawn_twice(monkeypatch):
    with pm.Model() as model:
        x = pm.Normal("x", 0.0, 1.0)
        y = pm.Normal("y", x, 1.0, shape=3)
        pm.Deterministic("twice", 2.0 * x)
    run = compile_forward(model, [x], [y, model["twice"]])
    given = {"x": np.linspace(0.0, 1e6, 50)}
    monkeypatch.setattr(forward, "_AT_ONCE", 20)
    found = run.run(given, 50, np.random.default_rng(1))
    assert {name: value.shape for name, value in found.items()} == {"y": (50, 3), "twice": (50,)}
    np.testing.assert_array_equal(found["twice"], 2.0 * given["x"])
    assert np.all(np.abs(found["y"] - given["x"][:, None]) < 6.0)
    assert len(np.unique(np.round(found["y"] - given["x"][:, None], 6))) == 150
    assert run.run({"x": np.empty(0)}, 0, np.random.default_rng(1))["y"].shape == (0, 3)


def test_what_hangs_on_another_unknown_follows_that_draw():
    with pm.Model() as model:
        centre = pm.Normal("centre", 0.0, 10.0)
        pm.Normal("x", centre, 1.0)
    draws = drawn(model, "centre", "x")
    assert_follows(draws["x"] - draws["centre"], stats.norm)


def test_a_scale_that_hangs_on_another_unknown_reaches_every_entry():
    with pm.Model() as model:
        depth = pm.Normal("depth", 0.0, 2.0)
        pm.Normal("x", 0.0, pt.exp(depth), shape=3)
    draws = drawn(model, "depth", "x")
    standard = draws["x"] / np.exp(draws["depth"])[:, None]
    assert draws["x"].shape == (COUNT, 3)
    for entry in standard.T:
        assert_follows(entry, stats.norm)
    assert_within(np.corrcoef(standard.T)[0, 1], 0.0, 1 / np.sqrt(COUNT))


def test_chance_inside_a_custom_distribution_differs_from_draw_to_draw():
    with pm.Model() as model:
        centre = pm.Normal("centre", 0.0, 10.0)
        pm.CustomDist("x", centre, dist=lambda c, size: c + pm.Normal.dist(0.0, 1.0, size=size))
    draws = drawn(model, "centre", "x")
    assert_follows(draws["x"] - draws["centre"], stats.norm)


def test_a_mixture_chooses_its_part_anew_in_every_draw():
    with pm.Model() as model:
        centre = pm.Normal("centre", 0.0, 1.0)
        pm.NormalMixture("x", [0.25, 0.75], mu=pt.stack([centre - 100, centre + 100]), sigma=1.0)
    draws = drawn(model, "centre", "x")
    share = (draws["x"] < 0).mean()
    assert_within(share, 0.25, np.sqrt(0.25 * 0.75 / COUNT))
    assert_follows((draws["x"] - draws["centre"]) - 100 * np.sign(draws["x"]), stats.norm)


def test_a_truncated_prior_stays_inside_its_moving_bounds():
    with pm.Model() as model:
        lower = pm.Uniform("lower", 1.0, 3.0)
        pm.Truncated("x", pm.LogNormal.dist(0.0, 1.0), lower=lower, upper=5.0)
    draws = drawn(model, "lower", "x")
    below, above = stats.lognorm(1.0).cdf([draws["lower"], np.full(COUNT, 5.0)])
    assert_follows((stats.lognorm(1.0).cdf(draws["x"]) - below) / (above - below), stats.uniform)


def test_what_is_the_same_for_all_draws_is_repeated():
    with pm.Model() as model:
        pm.Normal("x", 0.0, 1.0)
        pm.Deterministic("two", pt.constant(np.array([1.0, 2.0])))
    assert drawn(model, "two")["two"].shape == (COUNT, 2)


def test_given_draws_are_used_as_they_are():
    with pm.Model() as model:
        x = pm.Normal("x", 0.0, 1.0)
        pm.Deterministic("double", 2 * x)
    given = np.linspace(-1, 1, COUNT)
    np.testing.assert_array_equal(drawn(model, "double", given={"x": given})["double"], 2 * given)


@pytest.mark.parametrize("seed", [1, 2])
def test_the_generator_alone_decides(seed):
    with pm.Model() as model:
        scale = pm.HalfNormal("scale", 1.0)
        pm.Truncated("x", pm.Gamma.dist(2.0, scale), lower=0.1, upper=4.0, shape=2)
    one, again, other = (drawn(model, "x", seed=s)["x"] for s in (seed, seed, seed + 1))
    np.testing.assert_array_equal(one, again)
    assert not np.any(one == other)


def test_a_product_of_more_factors_than_one_operation_can_take_is_run():
    with pm.Model() as model:
        factors = [pm.Normal(f"factor_{number}", 1.0, 0.001) for number in range(50)]
        product = pm.Deterministic("product", reduce(mul, factors))
        total = pm.Deterministic("total", reduce(add, factors))
    drawn = compile_forward(model, [], [*factors, product, total]).run({}, 20, np.random.default_rng(1))
    columns = np.stack([drawn[factor.name] for factor in factors])
    np.testing.assert_allclose(drawn["product"], columns.prod(axis=0))
    np.testing.assert_allclose(drawn["total"], columns.sum(axis=0))
