"""Chains that start where the reports are possible, and stay on this side of where they are not."""

import numpy as np
import pymc as pm
import pytest
from montecarlo import assert_within
from pymc.model.transform.conditioning import prune_vars_detached_from_observed
from scipy import stats

import estimates as est
from estimates import shelf
from estimates.inference import fit as fitting
from estimates.inference import nuts
from estimates.inference.density import compile_density
from estimates.inference.shapes import compile_model

POOLED = est.read("dprk-shells-all-reports-2024")
LAG, LONGEST = "reporting_lag", 23.0  # days from 4 August, of which 12,000 were reported, to 27 August
LONGEST_US = 145.0  # from 1 October 2023, the first day that 1,000 may have been of, to 23 February 2024


@pytest.fixture(scope="module")
def model():
    return shelf.find("steady").build(POOLED)


@pytest.fixture(scope="module")
def density(model):
    return compile_density(model)


@pytest.fixture(scope="module")
def starts(model):
    return fitting._starts(compile_model(model), 1)


@pytest.fixture(scope="module")
def issuer(model):
    return list(model.coords["undated_issuer"]).index("rok_military")


def test_a_lag_is_limited_by_the_dated_count_that_a_higher_one_follows(model):
    lower, upper = model.limits[LAG]
    found = dict(zip(model.coords["undated_issuer"], upper, strict=True))
    assert {name: days for name, days in found.items() if np.isfinite(days)} == {
        "rok_military": LONGEST,
        "us_government": LONGEST_US,
    }
    assert np.all(lower == 0.0)


def test_beyond_its_limit_a_lag_is_impossible_and_below_it_is_not(model, density, starts, issuer):
    lags = np.array([20.0, 22.0, 22.999, 23.001, 24.0, 60.0])
    draws = {name: np.repeat(values[:1], len(lags), axis=0) for name, values in starts.items()}
    draws[LAG][:, issuer] = lags
    _, log_likelihood = density.evaluate(density.unconstrain(draws))
    np.testing.assert_array_equal(np.isfinite(log_likelihood), lags < LONGEST)


def test_where_errors_are_those_of_counts_no_lag_is_limited():
    assert shelf.find("steady").build(est.read()).limits == {}


def test_a_limit_that_no_lag_of_the_prior_reaches_is_the_priors_own():
    short = {"family": "uniform", "lower": 1, "upper": 9}
    upper = shelf.find("steady").build(POOLED.assuming(reporting_lag=short)).limits[LAG][1]
    assert np.all(upper == 9.0)


def test_a_lag_that_has_to_be_longer_is_not_limited():
    long = {"family": "uniform", "lower": 40, "upper": 90}
    assert shelf.find("steady").build(POOLED.assuming(reporting_lag=long)).limits == {}


def test_a_bounded_unknown_keeps_its_density_in_its_own_space(model, density, starts):
    bounded = compile_density(nuts._within_limits(prune_vars_detached_from_observed(model), model.limits))
    _, of_bounded = bounded.evaluate(bounded.unconstrain(starts))
    _, of_model = density.evaluate(density.unconstrain(starts))
    np.testing.assert_allclose(of_bounded, of_model, rtol=1e-6)  # a logit from 1e6 keeps nine digits
    back = bounded.constrain(bounded.unconstrain(starts))
    for name, values in starts.items():
        np.testing.assert_allclose(back[name], values, rtol=1e-8)


def test_starts_are_the_likeliest_draws_of_the_prior(density, starts):
    _, log_likelihood = density.evaluate(density.unconstrain(starts))
    assert len(log_likelihood) == nuts.STARTS
    assert np.all(np.isfinite(log_likelihood))
    assert np.all(np.diff(log_likelihood) <= 0)


def test_a_prior_that_cannot_be_drawn_gives_no_starts():
    with pm.Model() as improper:
        x = pm.Flat("x")
        pm.Normal("y", x, 1.0, observed=0.5)
    assert fitting._starts(compile_model(improper), 1) is None


def test_a_limited_posterior_is_that_of_the_density_below_the_limit():
    with pm.Model() as cut:
        x = pm.Normal("x", 0.0, 1.0, shape=2)
        pm.Potential("possible", pm.math.switch(x[0] < 0.5, 0.0, -np.inf))
        pm.Normal("y", x[1], 1.0, observed=1.0)
    cut.limits = {"x": np.array([[-np.inf, -np.inf], [0.5, np.inf]])}
    starts = {"x": np.array([[0.0, 0.1], [-0.5, 0.7]])}
    chains = nuts.sample(cut, ("x",), seed=1, starts=starts)
    draws = chains.draws["x"]
    assert draws.shape == (nuts.CHAINS, nuts.DRAWS, 2)
    assert chains.sampled > draws[..., 0].size
    assert chains.divergences == 0
    for i, law in enumerate((stats.truncnorm(-np.inf, 0.5), stats.norm(0.5, np.sqrt(0.5)))):
        error = law.std() / np.sqrt(min(chains.ess, draws[..., i].size))
        assert_within(draws[..., i].mean(), law.mean(), error)
    assert draws[..., 0].max() < 0.5


def test_only_many_reports_are_sampled_in_larger_steps(model):
    assert nuts._observed(model) == len(POOLED.fitted) >= nuts.MANY_REPORTS
    # The flagship's scatter may go to zero: two reports do not hold it away from there.
    assert nuts._observed(shelf.find("wandering").build(est.read())) == 2 < nuts.MANY_REPORTS
    assert nuts.LONG.target_acceptance < nuts.CAREFUL.target_acceptance


@pytest.mark.parametrize(
    ("enough", "unknowns", "times"), [(0.0, 1, 1), (1e9, 1, nuts.MOST_TIMES), (1e9, nuts.FEW_UNKNOWNS + 1, 1)]
)
def test_few_unknowns_that_gave_few_effective_draws_are_run_again_longer(
    monkeypatch, enough, unknowns, times
):
    monkeypatch.setattr(nuts, "ENOUGH", enough)
    with pm.Model() as model:
        x = pm.Normal("x", 0.0, 1.0, shape=unknowns)
        pm.Normal("y", x.sum(), 1.0, observed=np.zeros(nuts.MANY_REPORTS))
    chains = nuts.sample(model, ("x",), seed=1)
    assert chains.sampled == nuts.CHAINS * times * nuts.LONG.draws
    assert chains.draws["x"].shape == (nuts.CHAINS, nuts.DRAWS, unknowns)


def test_ordered_means_with_starts_of_their_own_can_be_left_to_nuts():
    y = np.concatenate([np.random.default_rng(1).normal(place, 0.5, 40) for place in (-2.0, 2.0)])
    with pm.Model() as model:
        means = pm.Normal(
            "means", 0, 3, shape=2, initval=[-1.0, 1.0], transform=pm.distributions.transforms.ordered
        )
        pm.NormalMixture("y", [0.5, 0.5], means, 0.5, observed=y)
    tree = est.sample(model, seed=1, engine="nuts")
    assert tree.attrs["engine"] == "nuts"
    found = tree["posterior"]["means"].mean(("chain", "draw")).values
    np.testing.assert_allclose(found, [-2.0, 2.0], atol=0.3)
