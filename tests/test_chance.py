"""Distributions drawn without SciPy's: the laws are those that SciPy has, and SciPy is not imported for them."""

import math
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.tensor.random.basic import CategoricalRV
from pytensor.tensor.random.op import RandomVariable
from scipy import stats

from estimates.inference import chance
from estimates.inference.chance import DRAWN_BY_NUMPY
from estimates.inference.straight import Straight
from estimates.terms.marginal import FAMILIES
from tests.montecarlo import assert_within, share_error

COUNT = 20_000

LAWS = {
    "HalfNormal": (pm.HalfNormal.dist(2.5), stats.halfnorm(scale=2.5)),
    "Cauchy": (pm.Cauchy.dist(-1.0, 0.5), stats.cauchy(-1.0, 0.5)),
    "StudentT": (pm.StudentT.dist(3.5, 10.0, sigma=2.0), stats.t(3.5, 10.0, 2.0)),
    "between": (
        pm.TruncatedNormal.dist(1.0, 2.0, lower=0.5, upper=4.0),
        stats.truncnorm(-0.25, 1.5, 1.0, 2.0),
    ),
    "above": (pm.TruncatedNormal.dist(1.0, 2.0, lower=0.5), stats.truncnorm(-0.25, np.inf, 1.0, 2.0)),
    "below": (pm.TruncatedNormal.dist(1.0, 2.0, upper=0.5), stats.truncnorm(-np.inf, -0.25, 1.0, 2.0)),
    "far above": (pm.TruncatedNormal.dist(0.0, 1.0, lower=9.0, upper=12.0), stats.truncnorm(9.0, 12.0)),
    "far below": (pm.TruncatedNormal.dist(0.0, 1.0, lower=-50.0, upper=-45.0), stats.truncnorm(-50.0, -45.0)),
    "uncut": (pm.TruncatedNormal.dist(-3.0, 2.0), stats.norm(-3.0, 2.0)),
}


def drawn(variable, count=COUNT, seed=3):
    """Draws of a distribution by a straight line."""
    node = variable.owner
    generator = pytensor.shared(np.random.default_rng(seed))
    made = node.op.make_node(generator, pt.constant([count]), *node.inputs[2:])
    return Straight([], [made.outputs[1]])()[0]


@pytest.mark.parametrize("law", LAWS)
def test_the_law_is_that_of_scipy(law):
    variable, known = LAWS[law]
    assert type(variable.owner.op) in DRAWN_BY_NUMPY
    # A right sampler fails this once in ten thousand seeds; the seed is fixed.
    assert stats.kstest(drawn(variable), known.cdf).pvalue > 1e-4


def test_truncated_draws_keep_to_their_bounds_however_far_out():
    rng = np.random.default_rng(1)
    low = np.array([[-1e6], [40.0], [-1e-12], [3.0], [-np.inf], [-np.inf]])
    high = np.array([[-1e6 + 1e-3], [np.inf], [1e-12], [3.0], [-300.0], [np.inf]])
    draws = chance.truncated_normal(rng, np.zeros(1), np.ones(1), low, high, (6, 500))
    assert np.all((draws >= low) & (draws <= high))
    assert np.all(np.isfinite(draws))
    assert len(np.unique(draws[1])) == 500


def test_yes_is_as_frequent_as_its_probability():
    p = np.array([0.0, 0.03, 0.5, 0.97, 1.0])
    node = pm.Bernoulli.dist(p).owner
    assert type(node.op) in DRAWN_BY_NUMPY
    generator = pytensor.shared(np.random.default_rng(4))
    draws = Straight([], [node.op.make_node(generator, pt.constant([COUNT, 5]), p).outputs[1]])()[0]
    assert draws.dtype == node.outputs[1].dtype
    assert set(np.unique(draws)) == {0, 1}
    assert draws[:, [0, -1]].mean(axis=0).tolist() == [0.0, 1.0]
    inner = slice(1, -1)
    assert_within(draws.mean(axis=0)[inner], p[inner], share_error(p[inner], COUNT))


def test_every_parameter_may_have_a_shape():
    mean = pt.constant(np.array([0.0, 100.0]))
    node = pm.TruncatedNormal.dist(mean, 1.0, lower=np.array([[-1.0], [-200.0]]), upper=200.0).owner
    generator = pytensor.shared(np.random.default_rng(2))
    draws = Straight([], [node.op.make_node(generator, *node.inputs[1:]).outputs[1]])()[0]
    assert draws.shape == (2, 2)
    assert np.all(np.abs(draws - [0.0, 100.0]) < 6)


def test_no_family_of_a_study_imports_the_statistics_of_scipy():
    """That import takes half as long as a fit; what is drawn by way of it is drawn otherwise."""
    code = """
import sys
import numpy as np, pytensor
from estimates.inference.straight import Straight
from estimates.terms.marginal import Marginal, FAMILIES
import pymc as pm
with pm.Model() as model:
    for family, (kind, *words) in FAMILIES.items():
        Marginal(family, tuple(np.float64(0.4 + i) for i in range(len(words)))).new(family, None)
        Marginal(family, tuple(np.float64(0.4 + i) for i in range(len(words))), 0.5, 0.9).new(family + "_cut", None)
from estimates.inference.forward import compile_forward
compile_forward(model, [], model.free_RVs).run({}, 10, np.random.default_rng(1))
print("scipy.stats" in sys.modules)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False"]
    assert set(FAMILIES) >= {"halfnormal", "student_t"}
    assert all(issubclass(kind, RandomVariable) for kind in DRAWN_BY_NUMPY)


@pytest.mark.parametrize("size", [None, (), (7, 5)])
def test_normals_are_those_that_numpy_draws(size):
    loc, scale = (np.array(-2.0), np.array(3.0)) if size == () else (np.arange(5.0), np.array(0.1))
    theirs = np.random.default_rng(2).normal(loc, scale, size)
    np.testing.assert_array_equal(chance.normal(np.random.default_rng(2), loc, scale, size), theirs)


@pytest.mark.parametrize("alphas", [[0.02, 0.05], [0.5, 1.0, 2.0, 30.0]])
def test_shares_are_those_of_a_dirichlet(alphas):
    alphas = np.array(alphas)
    draws = drawn(pm.Dirichlet.dist(alphas))
    assert draws.shape == (COUNT, len(alphas))
    np.testing.assert_allclose(draws.sum(axis=1), 1.0, rtol=1e-12)
    for own, alpha in zip(draws.T, alphas, strict=True):
        known = stats.beta(alpha, alphas.sum() - alpha)
        assert_within(np.mean(own), known.mean(), known.std() / math.sqrt(COUNT))
        # Of a small alpha most shares round to 0 or to 1, so that no test of all draws will do.
        places = np.array([1e-12, 0.01, 0.3, 0.9])
        places = places[(known.cdf(places) > 0.001) & (known.cdf(places) < 0.999)]
        below = known.cdf(places)
        assert_within(np.mean(own[:, None] <= places, axis=0), below, share_error(below, COUNT))
    exact = stats.dirichlet(alphas).cov()
    np.testing.assert_allclose(np.cov(draws.T), exact, atol=5 * exact.max() / math.sqrt(COUNT))


@pytest.mark.parametrize("size", [None, (2,), (7, 2)])
def test_each_row_of_alphas_has_shares_of_its_own(size):
    alphas = np.array([[1000.0, 1.0, 1.0], [1.0, 1.0, 1000.0]])
    draws = chance.dirichlet(np.random.default_rng(4), alphas, size)
    assert draws.shape == (*(size or (2,)), 3)
    assert np.all(draws[..., 0, 0] > 0.9)
    assert np.all(draws[..., 1, 2] > 0.9)


@pytest.mark.parametrize("shape", [(), (5,), (4, 5)])
def test_categories_are_those_that_pytensor_draws(shape):
    p = np.random.default_rng(1).dirichlet([0.5, 1.0, 2.0], size=shape)
    size = (7, *shape)
    theirs = CategoricalRV.rng_fn(np.random.default_rng(2), p, size)
    np.testing.assert_array_equal(chance.categorical(np.random.default_rng(2), p, size), theirs)
    assert chance.categorical(np.random.default_rng(2), p, None).shape == shape


def test_a_category_is_never_beyond_the_last():
    p = np.array([0.5, 0.5 - 1e-12])  # sums to a little less than the largest uniform
    rng = SimpleNamespace(uniform=lambda size: np.full(size, 1 - 1e-16))
    assert chance.categorical(rng, p, (3,)).tolist() == [1, 1, 1]
