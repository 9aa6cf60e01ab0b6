"""The log density of each variable is what PyMC derives for it."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest

from estimates import read, shelf
from estimates.inference import conditional
from estimates.inference.conditional import are_distributions
from estimates.inference.density import compile_density, fitted_unknowns
from estimates.inference.ordered import log_orders


def of_shelf(name):
    return lambda: shelf.find(name).build(read())


def hierarchical():
    with pm.Model() as model:
        spread = pm.HalfNormal("spread", 2.0)
        low = pm.Normal("low", -1.0, 0.5)
        bounded = pm.Uniform("bounded", low, low + pt.exp(spread), shape=2)
        share = pm.Beta("share", 2.0, 3.0)
        cut = pm.Truncated("cut", pm.Gamma.dist(2.0, 1.0 + share), lower=0.5, upper=9.0)
        tail = pm.StudentT("tail", 4.0, bounded[0], sigma=spread)
        pm.Potential("pull", -pt.sqr(cut - tail))
        pm.Normal("y", bounded * cut, spread, observed=np.array([0.3, -1.2]))
        pm.Poisson("count", pt.exp(share), observed=np.array([2, 0, 1]))
    return model


def custom():
    with pm.Model() as model:
        mean = pm.Normal("mean", 0.0, 2.0)
        given = pm.CustomDist(
            "given",
            mean,
            logp=lambda value, m: -0.5 * pt.sqr(value - m) - 0.919,
            dist=lambda m, size: pm.Normal.dist(m, 1.0, size=size),
        )
        pm.Normal("y", given, 0.5, observed=1.3)
    return model


def mixed():
    with pm.Model() as model:
        mean = pm.Normal("mean", 0.0, 1.0, shape=2)
        pm.NormalMixture("y", np.array([0.3, 0.7]), mean, 1.0, observed=np.array([0.1, -2.0]))
    return model


def simplex():
    with pm.Model() as model:
        shares = pm.Dirichlet("shares", np.array([1.0, 2.0, 3.0]))
        pm.Multinomial("y", 5, shares, observed=np.array([1, 2, 2]))
    return model


def ordered():
    with pm.Model() as model:
        place = pm.Normal(
            "place", 0.0, 1.0, shape=3, transform=pm.distributions.transforms.ordered, initval=[0, 1, 2]
        )
        pm.Normal("y", place, 1.0, observed=np.array([0.1, 0.5, 2.0]))
    return model


def inferred():
    with pm.Model() as model:
        mean = pm.Normal("mean", 0.0, 1.0)
        pm.CustomDist("y", mean, dist=lambda m, size: pt.exp(pm.Normal.dist(m, 1.0, size=size)), observed=2.0)
    return model


def folded():
    with pm.Model() as model:
        spread = pm.HalfCauchy("spread", 2.0)
        pm.Normal("y", 0.0, spread, observed=np.array([1.4, -0.6]))
    return model


def chained():
    with pm.Model() as model:
        mean = pm.Normal("mean", 0.0, 1.0)
        first = pm.Normal("first", mean, 1.0, observed=np.array([0.4, 0.6]))
        pm.Normal("second", first + mean, 1.0, observed=np.array([1.4, -0.6]))
    return model


OWN = [*map(of_shelf, ("steady", "stepped", "accelerating", "lumpy")), hierarchical, custom]
DERIVED = [mixed, simplex, ordered, inferred, folded, chained]


@pytest.mark.parametrize("build", OWN)
def test_what_is_a_distribution_by_itself_has_the_density_that_pymc_derives(build, monkeypatch):
    model = build()
    observed = [*model.observed_RVs, *model.potentials]
    assert are_distributions(model, [*fitted_unknowns(model), *observed])
    own = compile_density(model)
    monkeypatch.setattr(conditional, "are_distributions", lambda *_: False)
    derived = compile_density(model)
    points = np.random.default_rng(8).normal(0.2, 1.3, size=(201, own.dimension))
    for one, other in zip(own._log_terms(points), derived._log_terms(points), strict=True):
        assert one.shape == other.shape
        assert np.allclose(one, other, rtol=1e-9, atol=1e-12, equal_nan=True)


@pytest.mark.parametrize("build", DERIVED)
def test_anything_else_is_left_to_pymc(build):
    model = build()
    assert not are_distributions(model, [*fitted_unknowns(model), *model.observed_RVs])


@pytest.mark.parametrize("build", [*OWN, *DERIVED])
def test_the_sum_is_the_density_that_pymc_compiles_for_one_point(build):
    model = build()
    density = compile_density(model)
    whole = model.compile_logp(mode="FAST_COMPILE")
    unknowns = fitted_unknowns(model)
    rest = [v for v in model.free_RVs if v not in unknowns]
    without = model.compile_logp(vars=rest, mode="FAST_COMPILE") if rest else lambda point: 0.0
    start = model.initial_point(0)
    for z in np.random.default_rng(9).normal(0.1, 0.4, size=(3, density.dimension)):
        point, at = dict(start), 0
        for variable, shape in zip(unknowns, density.shapes, strict=True):
            size = int(np.prod(shape))
            point[model.rvs_to_values[variable].name] = z[at : at + size].reshape(shape)
            at += size
        expected = float(whole(point)) - float(without(point))
        found = sum(float(part[0]) for part in density.evaluate(z[None])) - log_orders(
            model, unknowns, density.shapes
        )
        assert found == pytest.approx(expected, rel=1e-9)
