"""Vectors kept in order: their prior is drawn in order, and their evidence is that of the model without."""

import numpy as np
import pymc as pm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymc.distributions.transforms import Ordered
from scipy import special, stats

import estimates as est
from estimates.errors import EngineError
from estimates.inference.shapes import compile_model
from estimates.seeds import generator

APART, SPREAD = 3.0, 0.8
SEEN = np.array([-1.6, -1.1, -0.4, 0.3, 1.2, 1.9])


def two_clusters(transform=None):
    with pm.Model() as model:
        means = pm.Normal("means", 0, APART, shape=2, initval=[-1.0, 1.0], transform=transform or Ordered())
        pm.NormalMixture("y", [0.5, 0.5], means, SPREAD, observed=SEEN)
    return model


def exactly():
    """The log evidence, and the mean and spread of the lower mean, from a grid over both means."""
    line = np.linspace(-12, 12, 1201)
    first, second = np.meshgrid(line, line, indexing="ij")
    log_joint = stats.norm.logpdf(first, 0, APART) + stats.norm.logpdf(second, 0, APART)
    for value in SEEN:
        log_joint += np.logaddexp(
            stats.norm.logpdf(value, first, SPREAD), stats.norm.logpdf(value, second, SPREAD)
        ) - np.log(2)
    share = special.softmax(log_joint)
    lower = np.minimum(first, second)
    mean = np.sum(share * lower)
    log_evidence = special.logsumexp(log_joint) + 2 * np.log(line[1] - line[0])
    return log_evidence, mean, np.sqrt(np.sum(share * (lower - mean) ** 2))


@pytest.mark.parametrize("ascending", [True, False])
def test_ordered_means_by_importance_sampling_have_the_evidence_and_moments_of_a_grid(ascending):
    tree = est.sample(two_clusters(Ordered(ascending=ascending)), seed=1)
    assert tree.attrs["engine"] == "importance"
    log_evidence, mean, spread = exactly()
    assert abs(tree.attrs["log_evidence"] - log_evidence) < 4 * tree.attrs["log_evidence_mcse"]
    lower = tree["posterior"]["means"].values[..., 0 if ascending else 1]
    error = spread / np.sqrt(lower.size)
    assert abs(lower.mean() - mean) < 5 * error
    assert abs(lower.std() - spread) < 5 * error
    steps = np.diff(tree["prior"]["means"].values, axis=-1)
    assert np.all(steps > 0 if ascending else steps < 0)


@settings(max_examples=20, deadline=None)
@given(
    st.integers(1, 4),
    st.integers(1, 3),
    st.booleans(),
    st.sampled_from([pm.Normal, pm.HalfNormal, pm.Uniform]),
)
def test_the_prior_of_rows_in_order_is_as_many_times_denser_as_they_have_orders(
    length, rows, is_ascending, make
):
    start = np.tile(np.linspace(0.2, 0.8, length)[:: 1 if is_ascending else -1], (rows, 1))
    with pm.Model() as model:
        x = make("x", shape=(rows, length), initval=start, transform=Ordered(ascending=is_ascending))
        pm.Normal("y", x.sum(), 1.0, observed=1.0)
    compiled = compile_model(model)
    draws = compiled.prior.run({}, 50, generator(1))["x"]
    steps = np.diff(draws, axis=-1)
    assert np.all(steps > 0 if is_ascending else steps < 0)
    points = compiled.density.unconstrain({"x": draws})
    np.testing.assert_allclose(compiled.density.constrain(points)["x"], draws)
    of_pymc = model.compile_logp(vars=[x], mode="FAST_COMPILE")
    value = model.rvs_to_values[x].name
    expected = [float(of_pymc({value: point.reshape(rows, length)})) for point in points]
    found = compiled.density.log_prior(points)
    np.testing.assert_allclose(found, np.array(expected) + rows * special.gammaln(length + 1))


def test_values_in_order_that_differ_in_their_prior_are_left_to_nuts():
    with pm.Model() as model:
        means = pm.Normal("means", [0.0, 0.5], 3.0, initval=[-1.0, 1.0], transform=Ordered())
        pm.NormalMixture("y", [0.5, 0.5], means, SPREAD, observed=SEEN)
    with pytest.raises(EngineError, match="ordered vector.*differ in their prior"):
        est.sample(model, seed=1, engine="importance")


def test_values_whose_transform_turns_their_order_round_are_left_to_nuts():
    with pm.Model() as model:
        means = pm.TruncatedNormal(
            "means", 0.0, 3.0, upper=4.0, shape=2, initval=[1.0, -1.0], transform=Ordered()
        )
        pm.NormalMixture("y", [0.5, 0.5], means, SPREAD, observed=SEEN)
    with pytest.raises(EngineError, match="turns their order round"):
        est.sample(model, seed=1, engine="importance")


@pytest.mark.parametrize("make", [pm.Beta, pm.Gamma])
def test_an_order_is_kept_by_the_transforms_of_shares_and_of_what_is_positive(make):
    with pm.Model() as model:
        x = make("x", 2.0, 3.0, shape=3, initval=[0.2, 0.4, 0.6], transform=Ordered())
        pm.Normal("y", x, 0.5, observed=[0.3, 0.4, 0.8])
    tree = est.sample(model, seed=1)
    assert tree.attrs["engine"] == "importance"
    assert np.all(np.diff(tree["posterior"]["x"].values, axis=-1) > 0)


def test_what_is_not_fitted_is_drawn_in_order_too_and_another_model_of_the_same_graph_is_not():
    def of(**kept):
        with pm.Model() as model:
            pm.Normal("y", pm.Normal("x"), 1.0, observed=0.5)
            pm.Normal("unseen", 0.0, 1.0, shape=3, initval=[-1.0, 0.0, 1.0], **kept)
        return est.sample(model, seed=1)["prior"]["unseen"].values

    assert np.all(np.diff(of(transform=Ordered()), axis=-1) > 0)
    assert not np.all(np.diff(of(), axis=-1) > 0)
