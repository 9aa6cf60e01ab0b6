"""The words of a model file: frames, assumptions, days and flows, against hand-written NumPy."""

import datetime as dt
import math

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from montecarlo import assert_within
from scipy import stats
from small import OIL

from estimates import terms
from estimates.errors import ModelError, StudyError
from estimates.study import read_text

PRIORS = """
[assumption.daily_rate]
unit = "voyage/day"
prior = { family = "lognormal", q05 = 0.2, q95 = 4 }
basis = "A guess."

[assumption.reporting_lag]
unit = "day"
prior = { family = "lognormal", q05 = 1, q95 = 30 }
basis = "A guess."

[assumption.issuer_bias]
unit = "dimensionless"
prior = { family = "normal", q05 = -0.3, q95 = 0.3 }
basis = "A guess."

[assumption.common_bias]
unit = "dimensionless"
prior = { family = "normal", q05 = -0.2, q95 = 0.2 }
basis = "A guess."

[assumption.report_scatter]
unit = "dimensionless"
prior = { family = "halfnormal", q95 = 0.1 }
basis = "A guess."
"""
QUICK = {"mode": "FAST_COMPILE", "on_unused_input": "ignore"}
SPRING, AUTUMN = 425.0, 609.0  # days from 1 January 2023 to the two publications
START, RATE, LAG, BIAS, SCATTER, CARGO = 200.0, 0.7, 6.0, 0.1, 0.05, 5e5


def study_of(*changes, more=""):
    text = OIL + PRIORS + more
    for old, new in changes:
        assert old in text, f"{old!r} is not in the study"
        text = text.replace(old, new, 1)
    return read_text(text)


def steady(study):
    with terms.frame(study) as model:
        start, rate = terms.assumption("first_shipment"), terms.assumption("daily_rate")
        terms.flow(lambda day: rate * pt.maximum(day - start, 0.0))
    return model


def log_likelihood(model, **others):
    """The log probability of every report at the point above, as PyMC computes it."""
    reports = model[terms.REPORTS]
    point = {"first_shipment": START, "daily_rate": RATE, "reporting_lag": LAG, "issuer_bias": BIAS}
    point |= {"report_scatter": SCATTER, "cargo": CARGO} | others
    given = {model[name]: np.asarray(value) for name, value in point.items() if name in model.named_vars}
    return pm.logp(reports, model.rvs_to_values[reports]).eval(given, **QUICK)


def log_probability(low, high, level, bias=BIAS):
    below, above = (np.log([low, high]) - math.log(level) - bias) / SCATTER
    # In the tail where the numbers are small.
    tail = (
        stats.norm.sf(below) - stats.norm.sf(above)
        if below > 0
        else stats.norm.cdf(above) - stats.norm.cdf(below)
    )
    return math.log(tail)


def shipped(day):
    return RATE * max(day - START, 0.0)


# ---- frames and assumptions -----------------------------------------------------------------------------


def test_a_frame_knows_its_reports_issuers_and_days():
    study = study_of()
    model = terms.frame(study)
    assert list(model.coords["report"]) == ["spring", "autumn"]
    assert list(model.coords["issuer"]) == ["port"]
    assert list(model.coords["day"]) == [np.datetime64(day, "ns") for day in study.days]


FAMILIES = {
    "uniform": 'family = "uniform", lower = 2, upper = 7',
    "normal": 'family = "normal", q05 = -1, q95 = 4',
    "normal, cut": 'family = "normal", q05 = 1, q95 = 4, lower = 0.5, upper = 5',
    "normal, cut once": 'family = "normal", q05 = 1, q95 = 4, lower = 0.5',
    "lognormal": 'family = "lognormal", q05 = 1, q95 = 9',
    "lognormal, cut": 'family = "lognormal", q05 = 1, q95 = 6, lower = 0.6, upper = 8',
    "halfnormal": 'family = "halfnormal", q95 = 3',
    "halfnormal, cut": 'family = "halfnormal", q95 = 3, upper = 4',
    "beta": 'family = "beta", q05 = 0.2, q95 = 0.7',
    "gamma": 'family = "gamma", q05 = 1, q95 = 6',
    "gamma, cut": 'family = "gamma", q05 = 1, q95 = 5, lower = 0.5, upper = 7',
    "student_t": 'family = "student_t", q05 = -1, q95 = 4, df = 4',
    "student_t, cut": 'family = "student_t", q05 = 1, q95 = 4, df = 4, lower = 0',
}


@pytest.fixture(scope="module", params=FAMILIES)
def prior(request):
    block = f'\n[assumption.extra]\nunit = "dimensionless"\nprior = {{ {FAMILIES[request.param]} }}\nbasis = "..."\n'
    study = study_of(more=block)
    with terms.frame(study) as model:
        variable = terms.assumption("extra")
    return study.distribution("extra"), model, variable


def test_a_prior_in_the_model_is_drawn_as_the_study_states_it(prior):
    distribution, _, variable = prior
    draws = pm.draw(variable, 2000, random_seed=1, mode="FAST_COMPILE")
    assert stats.kstest(draws, distribution.cumulative).pvalue > 1e-4


def test_the_density_of_a_prior_in_the_model_is_the_slope_of_its_cumulative(prior):
    distribution, _, variable = prior
    x = pt.dscalar("x")
    log_density = pytensor.function([x], pm.logp(variable, x), mode="FAST_COMPILE")
    step = 1e-4 * float(np.ptp(distribution.quantile([0.05, 0.95])))
    for middle in distribution.quantile([0.06, 0.3, 0.5, 0.8, 0.97]):
        rise = distribution.cumulative(middle + step) - distribution.cumulative(middle - step)
        # A difference over h is off by h squared, here 1e-8, times a curvature of order one.
        assert math.exp(log_density(middle)) == pytest.approx(rise / (2 * step), rel=1e-6)


def test_asking_twice_gives_the_same_unknown():
    with terms.frame(study_of()):
        assert terms.assumption("daily_rate") is terms.assumption("daily_rate")


def test_a_fixed_assumption_is_a_number_that_nothing_is_fitted_to():
    with terms.frame(study_of().assuming(cargo=4e5)) as model:
        assert terms.assumption("cargo").eval() == 4e5
    assert "cargo" not in [v.name for v in model.free_RVs]


def test_a_prior_is_data_that_can_be_changed_without_building_again():
    with terms.frame(study_of()) as model:
        rate = terms.assumption("daily_rate")
        pm.set_data({"daily_rate_prior": np.array([50.0, 0.001])})
    assert pm.draw(rate, random_seed=1, mode="FAST_COMPILE") == pytest.approx(math.exp(50), rel=0.01)
    assert "daily_rate_prior" in model.named_vars


def test_a_missing_assumption_is_named_with_a_block_to_paste():
    study = read_text(OIL)
    with (
        pytest.raises(StudyError, match=r"no assumption 'daily_rate'[\s\S]*\[assumption.daily_rate\]"),
        terms.frame(study),
    ):
        terms.assumption("daily_rate")


def test_an_unknown_for_every_issuer_has_the_prior_in_each_entry():
    other = (
        'issuer = "port"\n\n[[report]]\nid = "autumn_oil"',
        'issuer = "navy"\n\n[[report]]\nid = "autumn_oil"',
    )
    with terms.frame(study_of(other)):
        lag = terms.assumption("reporting_lag", dims="issuer")
    draws = pm.draw(lag, 2000, random_seed=1, mode="FAST_COMPILE")
    assert draws.shape == (2000, 2)
    for entry in draws.T:
        assert stats.kstest(entry, study_of().distribution("reporting_lag").cumulative).pvalue > 1e-4


@pytest.mark.parametrize("word", [lambda: terms.assumption("cargo"), lambda: terms.day("knot")])
def test_a_word_outside_a_frame_is_an_error_that_shows_the_frame(word):
    with pytest.raises(ModelError, match=r"outside a frame[\s\S]*with terms.frame\(study\)"), pm.Model():
        word()


@pytest.mark.parametrize(
    ("at", "day"), [("knot", 379.0), ("spring", SPRING), ("2023-02-01", 31.0), (dt.date(2023, 2, 1), 31.0)]
)
def test_a_day_is_counted_from_the_epoch(at, day):
    with terms.frame(study_of()):
        assert terms.day(at).eval() == day


def test_a_day_of_no_report_is_an_error_with_the_nearest():
    with pytest.raises(StudyError, match="Did you mean 'spring'"), terms.frame(study_of()):
        terms.day("sprng")


# ---- flows ----------------------------------------------------------------------------------------------


def test_reports_without_a_day_speak_of_their_publication_less_the_lag():
    expected = [
        log_probability(115, 125, shipped(SPRING - LAG)),
        log_probability(300, 350, shipped(AUTUMN - LAG)),
    ]
    np.testing.assert_allclose(log_likelihood(steady(study_of())), expected, rtol=1e-9)


def test_a_report_as_of_a_day_speaks_of_that_day():
    study = study_of(('id = "spring"', 'id = "spring"\nas_of = 2024-02-10'))
    model = steady(study)
    assert log_likelihood(model)[0] == pytest.approx(log_probability(115, 125, shipped(405)), rel=1e-9)
    assert log_likelihood(model)[1] == pytest.approx(
        log_probability(300, 350, shipped(AUTUMN - LAG)), rel=1e-9
    )


def test_a_study_whose_reports_all_have_a_day_needs_no_lag():
    dated = (("published = 2024-03-01", "published = 2024-03-01\nas_of = 2024-02-10"),)
    dated += (("published = 2024-09-01", "published = 2024-09-01\nas_of = 2024-08-30"),)
    assert "reporting_lag" not in steady(study_of(*dated)).named_vars


@pytest.mark.parametrize("place", [0.0, 0.25, 1.0])
def test_a_report_of_some_day_in_a_window_speaks_of_a_place_in_it(place):
    study = study_of(('id = "spring"', 'id = "spring"\nas_of = [2024-02-10, 2024-02-20]'))
    found = log_likelihood(steady(study), as_of_place=[place])
    assert found[0] == pytest.approx(log_probability(115, 125, shipped(405 + 10 * place)), rel=1e-9)


def test_a_report_since_a_day_measures_the_flow_from_then():
    study = study_of(
        ("value = 300,", "value = 200,"), ('id = "autumn"\n', 'id = "autumn"\nsince = 2023-10-01\n')
    )
    found = log_likelihood(steady(study))
    flow = shipped(AUTUMN - LAG) - shipped(273)
    assert found[1] == pytest.approx(log_probability(200, 250, flow), rel=1e-9)


def test_a_report_on_a_quantity_measures_its_formula_in_its_own_unit():
    study = study_of(
        ('derived_from = "autumn"\n', 'independent = "another office"\n'),
        ('issuer = "port"\nindependent', 'issuer = "bourse"\nindependent'),
    )
    # Two issuers without days have a lag each; here they are the same.
    found = log_likelihood(steady(study), issuer_bias=[BIAS, -0.2], reporting_lag=[LAG, LAG])
    level = shipped(AUTUMN - LAG) * CARGO
    assert list(steady(study).coords["report"]) == ["spring", "autumn", "autumn_oil"]
    assert found[2] == pytest.approx(log_probability(1.75e8, 2.25e8, level, -0.2), rel=1e-9)
    assert found[0] == pytest.approx(log_probability(115, 125, shipped(SPRING - LAG)), rel=1e-9)


def test_two_issuers_of_one_quantity_have_their_own_bias_on_a_common_one():
    other = (
        'issuer = "port"\n\n[[report]]\nid = "autumn_oil"',
        'issuer = "navy"\n\n[[report]]\nid = "autumn_oil"',
    )
    model = steady(study_of(other, ('issuer = "port"\nderived', 'issuer = "navy"\nderived')))
    assert list(model.coords["voice"]) == ["port on voyages", "navy on voyages"]
    found = log_likelihood(model, issuer_bias=[0.1, -0.3], common_bias=[0.05], reporting_lag=[LAG, 20.0])
    assert found[0] == pytest.approx(log_probability(115, 125, shipped(SPRING - LAG), 0.15), rel=1e-9)
    assert found[1] == pytest.approx(log_probability(300, 350, shipped(AUTUMN - 20), -0.25), rel=1e-9)


def test_quantities_follow_at_every_report_in_their_own_unit():
    model = steady(study_of(('unit = "barrel"\nformula', 'unit = "megabarrel"\nformula')))
    given = {model["first_shipment"]: START, model["daily_rate"]: RATE, model["cargo"]: CARGO}
    expected = [shipped(day) * CARGO / 1e6 for day in (SPRING, AUTUMN)]
    np.testing.assert_allclose(model["oil"].eval(given, **QUICK), expected, rtol=1e-9)


def test_the_dates_of_reports_are_data():
    model = steady(study_of())
    before = log_likelihood(model)
    days = model["days"].get_value()
    days[0] += 14
    with model:
        pm.set_data({"days": days})
    after = log_likelihood(model)
    assert after[0] == pytest.approx(log_probability(115, 125, shipped(SPRING + 14 - LAG)), rel=1e-9)
    assert (after[0] != before[0], after[1] == before[1]) == (True, True)


def test_the_numbers_reported_are_data():
    model = steady(study_of())
    with model:
        pm.set_data({"report_value": np.array([130.0, 300.0])})
    assert log_likelihood(model)[0] == pytest.approx(
        log_probability(125, 135, shipped(SPRING - LAG)), rel=1e-9
    )


@pytest.mark.parametrize("carriers", [lambda day: day[0], lambda day: 3.0, lambda day: pt.outer(day, day)])
def test_a_flow_that_gives_no_vector_is_refused(carriers):
    with pytest.raises(ModelError, match="the flow gives no vector"), terms.frame(study_of()):
        terms.flow(carriers)


def test_a_flow_is_called_once():
    calls = []

    def carriers(day):
        calls.append(day)
        return pt.maximum(day - 100.0, 0.0)

    with terms.frame(study_of()):
        terms.flow(carriers)
    assert len(calls) == 1


# ---- bridges --------------------------------------------------------------------------------------------

SCOPE = '\n[assumption.scope]\nunit = "{}"\nprior = {{ family = "lognormal", q05 = {}, q95 = {} }}\nbasis = "A guess."\n'
BRIDGED = ('id = "autumn"\n', 'id = "autumn"\ncounts = "tankers"\nbridge = "scope"\n')


@pytest.mark.parametrize(
    ("unit", "scope", "ratio"), [("dimensionless", 0.8, 0.8), ("percent", 80.0, 0.8), ("percent", 130.0, 1.3)]
)
def test_a_bridge_turns_the_quantity_into_what_is_counted(unit, scope, ratio):
    low, high = (0.6, 1.5) if unit == "dimensionless" else (60, 150)
    model = steady(study_of(BRIDGED, more=SCOPE.format(unit, low, high)))
    found = log_likelihood(model, scope=scope)
    assert found[0] == pytest.approx(log_probability(115, 125, shipped(SPRING - LAG)), rel=1e-9)
    level = ratio * shipped(AUTUMN - LAG)
    assert found[1] == pytest.approx(log_probability(300, 350, level), rel=1e-9)


def test_a_bridge_from_a_day_on_turns_what_was_shipped_since():
    since = ('bridge = "scope"\n', 'bridge = "scope"\nsince = 2023-10-01\n')
    study = study_of(
        BRIDGED, since, ("value = 300,", "value = 200,"), more=SCOPE.format("dimensionless", 0.6, 1.5)
    )
    level = 0.9 * (shipped(AUTUMN - LAG) - shipped(273))
    found = log_likelihood(steady(study), scope=0.9)
    assert found[1] == pytest.approx(log_probability(200, 250, level), rel=1e-9)


# ---- errors by increment --------------------------------------------------------------------------------

CARRYING = ("carriers = {", 'errors = "increment"\ncarriers = {')
WINTER = """
[[report]]
id = "winter"
measures = "voyages"
says = { value = 400, hedge = "about" }
published = 2024-12-01
issuer = "port"
"""
WINTER_DAY = 700.0


def seen_at(place, low, high, added, before=0.0):
    """The seen count at a place of its distribution within an interval, by SciPy."""
    ends = (np.log(np.maximum([low - before, high - before], 0)) - math.log(added) - BIAS) / SCATTER
    return before + added * math.exp(BIAS + SCATTER * stats.truncnorm(*ends).ppf(place))


def test_by_increment_a_report_tells_what_was_added_to_the_count_before():
    model = steady(study_of(CARRYING, more=WINTER))
    assert list(model.coords["carried"]) == ["spring", "autumn"]
    levels = [shipped(day - LAG) for day in (SPRING, AUTUMN, WINTER_DAY)]
    spring = seen_at(0.3, 115, 125, levels[0])
    autumn = seen_at(0.8, 300, 350, levels[1] - levels[0], spring)
    expected = [
        log_probability(115, 125, levels[0]),
        log_probability(300 - spring, 350 - spring, levels[1] - levels[0]),
        log_probability(375 - autumn, 425 - autumn, levels[2] - levels[1]),
    ]
    assert study_of(more=WINTER).reports[-1].says.seen == (375, 425)
    np.testing.assert_allclose(log_likelihood(model, seen_place=[0.3, 0.8]), expected, rtol=1e-8)


def test_by_increment_a_series_is_of_one_issuer_one_quantity_one_start_and_one_bridge():
    navy = WINTER.replace('"winter"', '"navy"').replace('"port"', '"navy"')
    since = WINTER.replace('"winter"', '"since"').replace("issuer", "since = 2023-12-01\nissuer")
    tankers = WINTER.replace('"winter"', '"tankers"').replace(
        "issuer", 'counts = "t"\nbridge = "scope"\nissuer'
    )
    study = study_of(CARRYING, more=WINTER + navy + since + tankers + SCOPE.format("dimensionless", 0.6, 1.5))
    assert dict(study.predecessors) == {"autumn": "spring", "winter": "autumn"}


def test_the_interval_of_a_carried_count_follows_the_number_reported():
    model = steady(study_of(CARRYING))
    with model:
        pm.set_data({"report_value": np.array([130.0, 300.0])})
    levels = [shipped(day - LAG) for day in (SPRING, AUTUMN)]
    spring = seen_at(0.3, 125, 135, levels[0])
    expected = log_probability(300 - spring, 350 - spring, levels[1] - levels[0])
    assert log_likelihood(model, seen_place=[0.3])[1] == pytest.approx(expected, rel=1e-8)


def test_by_increment_reports_are_simulated_with_the_errors_before_them():
    """The prior predictive of unrounded wordings, against a simulation by hand."""
    unrounded = [("value = 120, hedge = ", "value = 120, interval = [100, 140], hedge = ")]
    unrounded += [("value = 300, hedge = ", "value = 300, interval = [250, 340], hedge = ")]
    study = study_of(CARRYING, *unrounded, more=WINTER).assuming(
        first_shipment=dt.date(2023, 7, 20), daily_rate=RATE, reporting_lag=LAG, report_scatter=0.2
    )
    model = steady(study)
    drawn = pm.draw(model[terms.REPORTS], 20_000, random_seed=4, mode="FAST_COMPILE")[:, :2]
    levels = np.array([shipped(day - LAG) for day in (SPRING, AUTUMN)])
    sd = study.distribution("issuer_bias").parameters[1]
    rng = np.random.default_rng(5)
    bias, error = sd * rng.standard_normal((400_000, 1)), 0.2 * rng.standard_normal((400_000, 2))
    expected = np.cumsum(np.diff(levels, prepend=0.0) * np.exp(bias + error), axis=1)
    for statistic in (np.log, lambda x: np.log(x) ** 2, lambda x: np.log(x).prod(axis=1)):
        found, truth = statistic(drawn), statistic(expected)
        mcse = np.hypot(found.std(axis=0) / np.sqrt(len(found)), truth.std(axis=0) / np.sqrt(len(truth)))
        assert_within(found.mean(axis=0), truth.mean(axis=0), mcse)
