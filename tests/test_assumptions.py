"""Priors as people state them: quantiles met after truncation, or an error that says by how much they miss."""

import datetime as dt
import math
import tomllib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy import stats

from estimates.assumptions import FAMILIES, MODEL_ASSUMPTIONS, Assumption, Distribution, Prior
from estimates.errors import EstimatesError, StudyError
from estimates.units import DATE, units_of

MET = 1e-7  # of the probability, for quantiles that `solve` meets to 1e-9 of their distance


def frozen(distribution):
    """The untruncated family, by SciPy."""
    parameters = distribution.parameters
    match distribution.family:
        case "normal":
            return stats.norm(*parameters)
        case "lognormal":
            return stats.lognorm(parameters[1], scale=math.exp(parameters[0]))
        case "halfnormal":
            return stats.halfnorm(scale=parameters[0])
        case "uniform":
            return stats.uniform(parameters[0], parameters[1] - parameters[0])
        case "beta":
            return stats.beta(*parameters)
        case "gamma":
            return stats.gamma(parameters[0], scale=1 / parameters[1])
        case "student_t":
            return stats.t(parameters[0], *parameters[1:])
    raise AssertionError(distribution.family)


def share_below(distribution, value):
    """The truncated distribution function, by SciPy, from the nearer tail."""
    free = frozen(distribution)
    lower, upper = distribution.lower, distribution.upper
    if free.cdf(lower) < 0.5:
        return (free.cdf(value) - free.cdf(lower)) / (free.cdf(upper) - free.cdf(lower))
    return (free.sf(lower) - free.sf(value)) / (free.sf(lower) - free.sf(upper))


def truncated_quantiles(free, lower, upper):
    """The 5 % and 95 % quantiles between two bounds, by SciPy."""
    low, high = free.cdf(lower), free.cdf(upper)
    return free.ppf(low + 0.05 * (high - low)), free.ppf(low + 0.95 * (high - low))


def in_days(stated):
    return float(stated.toordinal()) if isinstance(stated, dt.date) else stated


# ---- quantiles are met ----------------------------------------------------------------------------------

SCALES = st.floats(-6, 12).map(math.exp)
CUTS = st.floats(0.001, 0.3)


@st.composite
def feasible(draw):
    """A prior stated by the quantiles of a member of its family, cut or not: it can be met."""
    family = draw(st.sampled_from(["normal", "lognormal", "gamma", "student_t", "beta"]))
    scale, extra = draw(SCALES), {}
    match family:
        case "normal":
            free = stats.norm(draw(st.floats(-30, 30)) * scale, scale)
        case "student_t":
            extra = {"df": draw(st.floats(1.5, 30))}
            free = stats.t(extra["df"], draw(st.floats(-30, 30)) * scale, scale)
        case "lognormal":
            free = stats.lognorm(draw(st.floats(0.05, 1.5)), scale=scale)
        case "gamma":
            free = stats.gamma(draw(st.floats(0.8, 60)), scale=scale)
        case "beta":
            free = stats.beta(draw(st.floats(0.7, 40)), draw(st.floats(0.7, 40)))
    lower, upper = -math.inf, math.inf
    if family != "beta" and draw(st.booleans()):
        lower = free.ppf(draw(CUTS))
    if family != "beta" and draw(st.booleans()):
        upper = free.isf(draw(CUTS))
    bounds = {"lower": lower, "upper": upper}
    q05, q95 = truncated_quantiles(free, lower, upper)
    fields = {"q05": q05, "q95": q95, **{k: v for k, v in bounds.items() if math.isfinite(v)}}
    return {"family": family, **{name: float(value) for name, value in fields.items()}, **extra}


@settings(max_examples=200)
@given(feasible())
def test_stated_quantiles_are_met_after_truncation(fields):
    solved = Prior(**fields).solve()
    assert share_below(solved, fields["q05"]) == pytest.approx(0.05, abs=MET)
    assert share_below(solved, fields["q95"]) == pytest.approx(0.95, abs=MET)
    assert solved.lower == fields.get("lower", -math.inf)
    assert solved.upper == fields.get("upper", math.inf)


@given(feasible(), st.floats(0.001, 0.999))
def test_the_quantile_function_agrees_with_scipy_and_undoes_the_cumulative(fields, probability):
    solved = Prior(**fields).solve()
    value = float(solved.quantile(probability))
    assert share_below(solved, value) == pytest.approx(probability, abs=MET)
    assert float(solved.cumulative(value)) == pytest.approx(probability, abs=MET)


@given(SCALES, st.none() | st.floats(1.06, 50))
def test_a_halfnormal_meets_its_one_quantile(q95, reach):
    upper = None if reach is None else q95 * reach
    solved = Prior(family="halfnormal", q95=q95, upper=upper).solve()
    assert share_below(solved, q95) == pytest.approx(0.95, abs=MET)
    assert float(solved.quantile(0.95)) == pytest.approx(q95, rel=1e-8)


@pytest.mark.parametrize(
    ("fields", "parameters"),
    [
        ({"family": "normal", "q05": -0.329, "q95": 0.329}, (0, 0.329 / stats.norm.ppf(0.95))),
        (
            {"family": "lognormal", "q05": 5, "q95": 180},
            (math.log(900) / 2, math.log(36) / 2 / stats.norm.ppf(0.95)),
        ),
        ({"family": "halfnormal", "q95": 0.098}, (0.098 / stats.halfnorm.ppf(0.95),)),
        ({"family": "uniform", "lower": 2, "upper": 7}, (2, 7)),
        ({"family": "fixed", "value": -3.5}, (-3.5,)),
        ({"family": "student_t", "q05": 1, "q95": 5, "df": 4}, (4, 3, 2 / stats.t.ppf(0.95, 4))),
    ],
)
def test_untruncated_priors_have_their_closed_form(fields, parameters):
    assert Prior(**fields).solve().parameters == pytest.approx(parameters, rel=1e-10, abs=1e-12)


@pytest.mark.parametrize(
    ("fields", "lower", "upper"),
    [
        ({"family": "normal", "q05": 9.5, "q95": 20, "lower": 5, "upper": 21.75}, 5, 21.75),
        ({"family": "lognormal", "q05": 47, "q95": 93, "lower": 43.5}, 43.5, math.inf),
        ({"family": "gamma", "q05": 2, "q95": 9, "upper": 10}, 0, 10),
        ({"family": "halfnormal", "q95": 0.9, "upper": 1}, 0, 1),
    ],
)
def test_nothing_lies_outside_the_bounds(fields, lower, upper):
    solved = Prior(**fields).solve()
    inside = solved.quantile(np.linspace(0.0001, 0.9999, 101))
    assert np.all((lower <= inside) & (inside <= upper))
    assert np.all(np.diff(inside) > 0)
    assert float(solved.cumulative(lower - 1)) == 0
    assert float(solved.cumulative(upper if math.isfinite(upper) else 1e12)) == 1
    assert solved.is_truncated


@pytest.mark.parametrize("scale", [0.001, 1000.0])
def test_a_change_of_unit_scales_the_prior(scale):
    prior = Prior(family="gamma", q05=9.5, q95=20, upper=25)
    probabilities = [0.02, 0.4, 0.97]
    scaled = prior.solve(lambda stated: stated * scale)
    np.testing.assert_allclose(
        scaled.quantile(probabilities), prior.solve().quantile(probabilities) * scale, rtol=1e-7
    )


def test_a_fixed_value_has_every_quantile_at_itself():
    fixed = Prior(family="fixed", value=3.5).solve()
    assert fixed.quantile([0.05, 0.5, 0.95]).tolist() == [3.5, 3.5, 3.5]
    assert fixed.cumulative([3.4, 3.5, 3.6]).tolist() == [0, 1, 1]


@given(st.floats(0.55, 30), st.floats(0.55, 30), st.floats(0.001, 0.999))
def test_a_quantile_far_in_the_upper_tail_keeps_its_digits(lower, width, probability):
    cut = Distribution("normal", (0.0, 1.0), lower, lower + width)
    expected = stats.truncnorm(lower, lower + width).ppf(probability)
    assert float(cut.quantile(probability)) == pytest.approx(expected, rel=1e-9)


# ---- quantiles that cannot be met -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"family": "normal", "q05": 5.1, "q95": 9.9, "lower": 5, "upper": 10},
            r"no normal within the bounds has 5 % below 5.1 and 95 % below 9.9\n.*nearest found has .* off by",
        ),
        (
            {"family": "lognormal", "q05": 5.1, "q95": 9.9, "lower": 5, "upper": 10},
            "no lognormal.*\n.*off by",
        ),
        ({"family": "halfnormal", "q95": 0.96, "upper": 1}, "no halfnormal below 1.*\n.*At most 0.95"),
    ],
)
def test_impossible_quantiles_are_refused_with_how_far_they_miss(fields, words):
    with pytest.raises(StudyError, match=words):
        Prior(**fields).solve()


def test_the_miss_that_is_told_is_that_of_the_nearest_prior():
    with pytest.raises(StudyError, match=r"has 5\.2\d* and 9\.7\d*, off by \+0\.1\d* and -0\.1\d*"):
        Prior(family="normal", q05=5.1, q95=9.9, lower=5, upper=10).solve()


# ---- statements that make no sense ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"family": "nomal", "q05": 1, "q95": 2}, "family"),
        ({"family": "normal", "q05": 1}, "normal without q95\n.*q05 and q95; may have lower, upper"),
        ({"family": "beta", "q05": 0.1, "q95": 0.7, "upper": 0.9}, "beta with upper\n.*q05 and q95"),
        ({"family": "uniform", "lower": 1, "upper": 2, "q05": 1.1}, "uniform with q05"),
        ({"family": "fixed", "value": 1, "lower": 0}, "fixed with lower"),
        ({"family": "halfnormal", "q95": 2, "lower": 1}, "halfnormal with lower"),
        ({"family": "student_t", "q05": 1, "q95": 2}, "student_t without df"),
        ({"family": "student_t", "q05": 1, "q95": 2, "df": 1}, "df = 1\n.*above 1"),
        ({"family": "normal", "q05": 1, "q95": 2, "df": 4}, "normal with df"),
        ({"family": "normal", "q05": 2, "q95": 1}, "q05 = 2.* is not below q95 = 1"),
        ({"family": "normal", "q05": 2, "q95": 2}, "is not below"),
        ({"family": "normal", "q05": 2, "q95": 5, "lower": 3}, "lower = 3.* is not below q05 = 2"),
        ({"family": "normal", "q05": 2, "q95": 5, "upper": 5}, "q95 = 5.* is not below upper = 5"),
        ({"family": "uniform", "lower": 7, "upper": 2}, "lower = 7.* is not below upper = 2"),
        ({"family": "lognormal", "q05": -1, "q95": 5}, "q05 = -1.*\n.*A lognormal lies above 0"),
        ({"family": "gamma", "q05": 0, "q95": 5}, "A gamma lies above 0"),
        ({"family": "halfnormal", "q95": -2}, "A halfnormal lies above 0"),
        ({"family": "beta", "q05": 0.1, "q95": 1.2}, "between 0 and 1"),
        ({"family": "normal", "q05": math.nan, "q95": 2}, "q05 = nan"),
        ({"family": "normal", "q05": 1, "q95": math.inf}, "q95 = inf\n.*finite"),
        ({"family": "normal", "q05": 1, "q95": 2, "upper": math.inf}, "upper = inf\n.*leave a bound out"),
        ({"family": "fixed", "value": math.nan}, "value = nan"),
        ({"family": "gamma", "q05": 1e-310, "q95": 1}, "q05 = 1e-310\n.*Choose a unit"),
        ({"family": "uniform", "lower": -1e308, "upper": 1e308}, "lower = -1e.308\n.*Choose a unit"),
        ({"family": "normal", "q05": dt.date(2024, 1, 1), "q95": 2}, "dates mixed with numbers"),
        (
            {"family": "lognormal", "q05": dt.date(2024, 1, 1), "q95": dt.date(2024, 2, 1)},
            "lognormal of dates",
        ),
        ({"family": "normal", "q05": True, "q95": 2}, "valid number"),
        ({"family": "normal", "q05": "1", "q95": 2}, "valid number"),
    ],
)
def test_a_prior_that_cannot_be_meant_is_refused_with_the_remedy(fields, words):
    with pytest.raises(ValidationError, match=words):
        Prior(**fields)


ANYTHING = st.floats() | st.integers(-5, 10**20) | st.dates() | st.floats(0.01, 0.99) | st.none()
LADDER = ("lower", "q05", "q95", "upper")
ORDERED = st.lists(st.floats(-1e3, 1e3) | st.floats(0.001, 0.999) | st.floats(), min_size=4, max_size=4).map(
    lambda numbers: dict(zip(LADDER, sorted(numbers), strict=True))
)


@given(
    st.sampled_from(sorted(FAMILIES)),
    ORDERED | st.fixed_dictionaries(dict.fromkeys((*LADDER, "value", "df"), ANYTHING)),
    st.sets(st.sampled_from([*LADDER, "value", "df"])),
)
def test_any_statement_is_refused_or_solved_in_words(family, fields, dropped):
    given_fields = {name: value for name, value in fields.items() if name not in dropped}
    try:
        solved = Prior(family=family, **given_fields).solve(in_days)
    except (ValidationError, EstimatesError):
        return
    assert np.all(np.isfinite(solved.quantile([0.05, 0.5, 0.95])))


# ---- dates and units ------------------------------------------------------------------------------------


def test_a_prior_of_dates_is_solved_in_the_days_that_the_caller_counts():
    epoch = dt.date(2023, 1, 1)
    prior = Prior(family="normal", q05=dt.date(2023, 1, 11), q95=dt.date(2023, 3, 2))
    solved = prior.solve(lambda date: (date - epoch).days)
    assert solved.quantile([0.05, 0.5, 0.95]) == pytest.approx([10, 35, 60])


@pytest.mark.parametrize(
    ("unit", "prior"),
    [
        ("kg", {"family": "uniform", "lower": dt.date(2024, 1, 1), "upper": dt.date(2024, 2, 1)}),
        (DATE, {"family": "uniform", "lower": 3, "upper": 4}),
    ],
)
def test_dates_go_with_the_unit_date_and_with_no_other(unit, prior):
    with pytest.raises(ValidationError, match=r'Dates as 2024-02-26 go with unit = "date"'):
        Assumption(unit=unit, prior=prior, basis="a guess")


def test_an_assumption_needs_a_basis():
    with pytest.raises(ValidationError, match="basis"):
        Assumption(unit="kg", prior={"family": "fixed", "value": 3}, basis="")


@pytest.mark.parametrize("name", MODEL_ASSUMPTIONS)
def test_the_block_to_paste_for_a_missing_assumption_is_valid_as_it_stands(name):
    block = MODEL_ASSUMPTIONS[name].block(name, "voyage", (dt.date(2023, 1, 2), dt.date(2024, 2, 25)))
    assumption = Assumption.model_validate(tomllib.loads(block)["assumption"][name])
    assumption.prior.solve(in_days)
    units_of().factor(assumption.unit)
    assert assumption.judgement
    assert assumption.unit == MODEL_ASSUMPTIONS[name].unit.format(carrier="voyage")
