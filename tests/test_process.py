"""A flow that arrives in lumps: its law on the days fitted, its bridge between them, and what is left unfitted."""

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from montecarlo import assert_within
from scipy import stats
from small import OIL
from test_terms import PRIORS

from estimates import terms
from estimates.inference.density import fitted_unknowns
from estimates.inference.forward import compile_forward
from estimates.study import read_text
from estimates.terms.process import _bridged, _Known

RATE, SCALE, START = 0.5, 12.0, 300.0
DRAWS = 20_000


def lumpy(study):
    with terms.frame(study) as model:
        terms.flow(lambda day: terms.gamma_process(RATE * pt.maximum(day - START, 0.0), np.float64(SCALE)))
    return model


def drawn(model, *names):
    """Draws of these variables from the prior."""
    wanted = [model[name] for name in names]
    return compile_forward(model, [], wanted).run({}, DRAWS, np.random.default_rng(3)).values()


@pytest.fixture(scope="module")
def prior():
    """Carriers on every kept day of the small study, and the days."""
    study = read_text(OIL + PRIORS)
    model = lumpy(study)
    (carriers,) = drawn(model, "voyages")
    return np.array([study.day_number(day) for day in study.days]), carriers


def test_nothing_arrives_before_the_first_shipment_and_nothing_leaves(prior):
    days, carriers = prior
    assert np.all(carriers[:, days <= START] == 0.0)
    assert np.all(np.diff(carriers, axis=1) >= -1e-9)


def test_the_count_of_any_day_is_a_gamma_of_the_expected_shape(prior):
    days, carriers = prior
    # A day before, days between, and one beyond the two reports of days 425 and 609 less their lag.
    for day in (350.0, 420.0, 497.0, 602.0, 700.0):
        column = carriers[:, np.argmin(np.abs(days - day))]
        law = stats.gamma(RATE * (days[np.argmin(np.abs(days - day))] - START) / SCALE, scale=SCALE)
        assert_within(column.mean(), law.mean(), law.std() / np.sqrt(DRAWS))
        assert stats.kstest(column, law.cdf).statistic < 1.95 / np.sqrt(DRAWS)  # 1 in 1,000


def test_increments_over_disjoint_stretches_are_independent(prior):
    days, carriers = prior
    edges = [np.argmin(np.abs(days - day)) for day in (350.0, 420.0, 497.0, 602.0, 700.0)]
    increments = np.diff(carriers[:, edges], axis=1)
    correlations = np.corrcoef(increments.T)[np.triu_indices(len(edges) - 1, 1)]
    assert_within(correlations, np.zeros(len(correlations)), np.full(len(correlations), 1 / np.sqrt(DRAWS)))


def test_a_bridge_divides_as_a_beta_and_goes_on_as_a_gamma():
    with pm.Model() as model:
        known = _Known(pt.constant(np.array([10.0, 40.0])), pt.constant(np.array([7.0, 90.0])))
        pm.Deterministic(
            "bridged", _bridged(known, pt.constant(np.array([4.0, 16.0, 40.0, 55.0])), np.float64(12.0), "b")
        )
    (found,) = drawn(model, "bridged")
    before, between, at, beyond = found.T
    for share, law in (
        (before / 7.0, stats.beta(4.0 / 12.0, 6.0 / 12.0)),
        ((between - 7.0) / 83.0, stats.beta(6.0 / 12.0, 24.0 / 12.0)),
        (beyond - 90.0, stats.gamma(15.0 / 12.0, scale=12.0)),
    ):
        assert stats.kstest(share, law.cdf).statistic < 1.95 / np.sqrt(DRAWS)
    assert np.allclose(at, 90.0)


def test_a_tiny_shape_does_not_underflow():
    with pm.Model() as model:
        known = _Known(pt.constant(np.array([1e-4])), pt.constant(np.array([5.0])))
        pm.Deterministic("bridged", _bridged(known, pt.constant(np.array([5e-5])), np.float64(12.0), "b"))
    (found,) = drawn(model, "bridged")
    assert np.all((found >= 0) & (found <= 5.0))
    share = np.mean(found > 2.5)  # all of it came in one of two halves, each as likely
    assert_within(share, 0.5, 0.5 / np.sqrt(DRAWS))


def test_only_the_days_of_reports_are_fitted():
    names = {variable.name for variable in fitted_unknowns(lumpy(read_text(OIL + PRIORS)))}
    assert {"arrivals", "arrivals_place"} <= names
    assert not {name for name in names if "bridge" in name}


def test_a_predicted_report_lies_between_its_neighbours():
    study = read_text(OIL + PRIORS)
    between = study.fitted[0].model_copy(
        update={
            "id": "summer",
            "published": study.date_of("2024-06-03"),
            "as_of": (study.date_of("2024-06-03"),) * 2,
        }
    )
    model = lumpy(study.predicting(between))
    days = [study.day_number(day) for day in study.days]
    bias, centre, carriers = drawn(model, "issuer_bias", "seen_centre", "voyages")
    level = np.exp(centre[:, 0] - bias)
    place = int(np.searchsorted(days, study.day_number(study.date_of("2024-06-03"))))
    assert np.all(level >= carriers[:, place - 1] - 1e-6)
    assert np.all(level <= carriers[:, place] + 1e-6)
