"""Models that differ in their numbers only are compiled once; whatever else differs is told apart."""

from functools import partial

import numpy as np
import pymc as pm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import estimates as est
from estimates import shelf
from estimates.inference.density import compile_density
from estimates.inference.shapes import CompiledShapes, compile_model, shape_of
from estimates.study.rereading import issued, opened, widened

STUDY = est.read()
MODELS = ("steady", "stepped", "accelerating", "lumpy", "wandering")


def built(model, study=STUDY):
    return shelf.find(model).build(study)


def likelihood_of(value, scale):
    return -0.5 * ((value - scale) ** 2)


def with_priors(mu, sigma=1.0, lower=-1.0, observed=(1.0, 2.0), as_data=True, logp=likelihood_of):
    """A small model, its numbers data or constants, with chance from a truncated and a custom distribution."""
    with pm.Model() as model:
        take = pm.Data if as_data else (lambda name, value: value)
        x = pm.Normal("x", take("mu", mu), take("sigma", sigma))
        y = pm.Truncated("y", pm.Normal.dist(x, 1.0), lower=lower)
        pm.CustomDist(
            "seen", x + y, logp=logp, dist=lambda mean, size: pm.Normal.dist(mean, 1.0, size=size),
            observed=take("values", np.array(observed)),
        )  # fmt: skip
    return model


@pytest.mark.parametrize("model", MODELS)
def test_other_numbers_are_the_same_shape(model):
    base = shape_of(built(model)).key
    wider = widened(STUDY, ["daily_rate", "report_scatter"], 2.0)
    assert shape_of(built(model, wider)).key == base
    assert shape_of(built(model, STUDY.variant("mid_2022"))).key == base


@pytest.mark.parametrize(
    "study",
    [
        STUDY.without("feb_2024"),
        issued(STUDY, lambda issuer, report: report),
        STUDY.assuming({"report_scatter": {"family": "fixed", "value": 0.1}}),
        STUDY.assuming({"daily_rate": {"family": "lognormal", "q05": 5, "q95": 180, "lower": 2}}),
        STUDY.assuming({"reporting_lag": {"family": "gamma", "q05": 1, "q95": 30}}),
    ],
    ids=["a report less", "other issuers", "fixed", "bounded", "another family"],
)
def test_another_graph_is_another_shape(study):
    assert shape_of(built("steady", study)).key != shape_of(built("steady")).key


def test_the_models_of_the_shelf_are_told_apart():
    assert len({shape_of(built(model)).key for model in MODELS}) == len(MODELS)


@pytest.mark.parametrize(
    "other",
    [
        with_priors(0.0, lower=-0.5),
        with_priors(0.0, as_data=False),
        with_priors(0.0, observed=(1.0, 2.0, 3.0)),
        with_priors(0.0, logp=lambda value, scale: -((value - scale) ** 2)),
    ],
    ids=["another bound", "constants", "more values", "another density"],
)
def test_what_is_written_into_the_graph_is_told_apart(other):
    assert shape_of(other).key != shape_of(with_priors(0.0)).key


def test_constants_of_other_value_are_told_apart():
    assert shape_of(with_priors(0.0, as_data=False)).key != shape_of(with_priors(1.0, as_data=False)).key


def test_a_density_that_holds_on_to_another_constant_is_told_apart():
    def logp_of(factor):
        return lambda value, scale: -factor * (value - scale) ** 2

    one, two = (shape_of(with_priors(0.0, logp=logp_of(factor))).key for factor in (0.5, 2.0))
    assert one != two
    assert one == shape_of(with_priors(0.0, logp=logp_of(0.5))).key


@settings(max_examples=20, deadline=None)
@given(mu=st.floats(-3, 3), sigma=st.floats(0.1, 5), observed=st.tuples(st.floats(-5, 5), st.floats(-5, 5)))
def test_the_density_of_the_kept_one_is_that_of_the_new(mu, sigma, observed):
    model = with_priors(mu, sigma, observed=observed)
    points = np.random.default_rng(1).normal(size=(7, 2))
    for kept, fresh in zip(
        SHARED.compiled(model).density.evaluate(points), compile_density(model).evaluate(points), strict=True
    ):
        np.testing.assert_array_equal(kept, fresh)
    assert len(SHARED) == 1


SHARED = CompiledShapes()


@pytest.mark.parametrize("model", ["steady", "lumpy"])
def test_a_reread_study_gets_its_own_density_and_prior(model):
    shapes = CompiledShapes()
    reread = opened(widened(STUDY.variant("mid_2022"), ["report_scatter"], 0.5))
    for study in (STUDY, reread, STUDY):
        kept, fresh = shapes.compiled(built(model, study)), compile_model(built(model, study))
        drawn, again = (each.prior.run({}, 50, np.random.default_rng(1)) for each in (kept, fresh))
        for name, values in drawn.items():
            np.testing.assert_array_equal(values, again[name])
        points = kept.density.unconstrain(drawn)
        np.testing.assert_array_equal(points, fresh.density.unconstrain(again))
        for one, other in zip(kept.density.evaluate(points), fresh.density.evaluate(points), strict=True):
            np.testing.assert_array_equal(one, other)
    assert len(shapes) == 1


def test_what_cannot_be_looked_into_is_told_apart():
    one, two = (
        shape_of(with_priors(0.0, logp=partial(likelihood_of)))  # no telling what a partial holds
        for _ in range(2)
    )
    assert one.key != two.key


def test_a_function_that_holds_itself_is_read_to_an_end():
    def logp(value, scale):
        return logp(value, scale) if scale is None else likelihood_of(value, scale)

    assert shape_of(with_priors(0.0, logp=logp)).key == shape_of(with_priors(1.0, logp=logp)).key


def test_only_the_latest_shapes_are_kept(monkeypatch):
    monkeypatch.setattr("estimates.inference.shapes._MOST_KEPT", 2)
    shapes = CompiledShapes()
    for count in (1, 2, 3):
        shapes.compiled(with_priors(0.0, observed=(1.0,) * count))
    assert len(shapes) == 2
