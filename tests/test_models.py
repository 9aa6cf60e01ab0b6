"""The trend models of the shelf against their formulas, written by hand in NumPy."""

import datetime as dt
import math
from itertools import pairwise

import numpy as np
import pytensor
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate

from estimates import shelf
from estimates.study import read

STUDY = read()
DAYS = np.array([STUDY.day_number(day) for day in STUDY.days])
KNOT = STUDY.day_number(STUDY.knot)
UNKNOWNS = {
    "steady": ("first_shipment", "daily_rate"),
    "stepped": ("first_shipment", "daily_rate", "later_rate"),
    "accelerating": ("first_shipment", "daily_rate", "growth_rate"),
}


def compiled(name):
    model = shelf.find(name).build(STUDY)
    inputs = [model[unknown] for unknown in UNKNOWNS[name]]
    function = pytensor.function(inputs, model["containers"], mode="FAST_COMPILE", on_unused_input="ignore")
    return lambda *values: function(*map(float, values))


steady, stepped, accelerating = map(compiled, UNKNOWNS)

starts = st.floats(1.0, 1150.0)
rates = st.floats(0.1, 500.0)
growths = st.floats(-0.02, 0.02)


def assert_equal(found, exact):
    np.testing.assert_allclose(found, exact, rtol=1e-9, atol=0)


@given(starts, rates)
def test_steady_grows_by_its_rate_from_its_start(start, rate):
    assert_equal(steady(start, rate), np.where(start < DAYS, rate * (DAYS - start), 0.0))


@given(starts, rates, rates)
def test_stepped_adds_each_pace_over_its_own_days(start, early, late):
    exact = [early * max(min(day, KNOT) - start, 0) + late * max(day - max(start, KNOT), 0) for day in DAYS]
    assert_equal(stepped(start, early, late), exact)


@given(starts, rates)
def test_stepped_with_one_pace_is_steady(start, rate):
    assert_equal(stepped(start, rate, rate), steady(start, rate))


def test_stepped_that_starts_after_the_knot_has_no_early_pace():
    assert_equal(stepped(KNOT + 50, 1e6, 3.0), steady(KNOT + 50, 3.0))


@given(starts, rates, growths.filter(lambda g: abs(g) > 1e-4))
def test_accelerating_is_the_difference_of_two_exponentials(start, rate, growth):
    elapsed = np.maximum(DAYS - start, 0.0)
    exact = rate * math.exp(growth * (start - KNOT)) * np.expm1(growth * elapsed) / growth
    assert_equal(accelerating(start, rate, growth), exact)


@pytest.mark.parametrize("growth", [1e-15, -1e-12, 1e-9, -1e-6, 9.9e-7, 1.01e-6, 3e-6])
def test_accelerating_meets_its_limit_without_a_jump(growth):
    # 1 ulp near 0 would be all that is left of exp(x) - 1; its own expm1 keeps the digits.
    elapsed = np.maximum(DAYS - 100.0, 0.0)
    exact = 30.0 * math.exp(growth * (100.0 - KNOT)) * np.expm1(growth * elapsed) / growth
    np.testing.assert_allclose(accelerating(100.0, 30.0, growth), exact, rtol=1e-8, atol=0)


def test_accelerating_without_growth_is_steady():
    assert_equal(accelerating(100.0, 30.0, 0.0), steady(100.0, 30.0))


@given(starts, rates, growths)
def test_accelerating_is_the_integral_of_its_pace(start, rate, growth):
    total, _ = integrate.quad(
        lambda day: rate * math.exp(growth * (day - KNOT)), min(start, DAYS[-1]), DAYS[-1]
    )
    assert accelerating(start, rate, growth)[-1] == pytest.approx(total, rel=1e-7)


@pytest.mark.parametrize("growth", [-0.01, 1e-7, 0.01])
def test_the_pace_of_accelerating_on_the_knot_day_is_its_daily_rate(growth):
    found = accelerating(200.0, 40.0, growth)
    at = int(np.flatnonzero(DAYS == KNOT)[0])
    before, after = DAYS[at - 1], DAYS[at + 1]
    mean_pace = (found[at + 1] - found[at - 1]) / (after - before)
    low, high = sorted(40.0 * math.exp(growth * (day - KNOT)) for day in (before, after))
    assert low <= mean_pace * (1 + 1e-12)
    assert mean_pace <= high * (1 + 1e-12)


@pytest.mark.parametrize("name", UNKNOWNS)
@given(start=starts, rate=rates, data=st.data())
def test_carriers_never_go_back_and_are_none_before_the_start(name, start, rate, data):
    third = {"steady": [], "stepped": [data.draw(rates)], "accelerating": [data.draw(growths)]}[name]
    found = {"steady": steady, "stepped": stepped, "accelerating": accelerating}[name](start, rate, *third)
    assert np.all(np.diff(found) >= -1e-9 * found[-1])
    assert np.all(found[start >= DAYS] == 0)
    assert np.all(found[start < DAYS] > 0)


@pytest.mark.parametrize("name", UNKNOWNS)
def test_twice_the_pace_carries_twice_as_much(name):
    function = {"steady": steady, "stepped": stepped, "accelerating": accelerating}[name]
    once = {"steady": (300.0, 7.0), "stepped": (300.0, 7.0, 11.0), "accelerating": (300.0, 7.0, 0.003)}[name]
    twice = (once[0], 14.0, *(2 * x if name == "stepped" else x for x in once[2:]))
    assert_equal(function(*twice), 2 * function(*once))


@pytest.mark.parametrize("name", shelf.models())
def test_every_model_of_the_shelf_asks_for_what_its_file_says(name):
    file = shelf.find(name)
    model = file.build(STUDY)
    assert set(file.assumptions) <= set(model.named_vars)


@pytest.mark.parametrize("name", shelf.models())
def test_every_page_of_the_shelf_has_its_headings(name):
    for heading in ("What it says\n---", "Priors and why\n---", "When not to use it\n---", "References\n---"):
        assert heading in shelf.find(name).doc


# ---- wandering: a pace for each month ---------------------------------------------------------------------

MONTHS = [dt.date(2022 + m // 12, m % 12 + 1, 1) for m in range(5, 38)]  # June 2022 to February 2025
EDGES = [STUDY.day_number(day) for day in (*MONTHS, dt.date(2025, 3, 1))]


@pytest.fixture(scope="module")
def wandering():
    model = shelf.find("wandering").build(STUDY)
    assert [np.datetime64(month, "D").item() for month in model.coords["month"]] == MONTHS
    inputs = [model[name] for name in ("first_shipment", "daily_rate", "monthly_change", "monthly_step")]
    function = pytensor.function(inputs, model["containers"], mode="FAST_COMPILE")
    return lambda start, rate, change, step: function(float(start), float(rate), float(change), step)


def by_hand(start, rate, change, step, day):
    total, pace = 0.0, rate
    for month, (opens, closes) in enumerate(pairwise(EDGES)):
        pace *= math.exp(change * step[month - 1]) if month else 1.0
        total += pace * max(min(day, closes) - max(start, opens), 0.0)
    return total


@given(st.floats(151.0, 760.0), rates, st.floats(0.0, 1.0), st.integers(0, 2**32 - 1))
def test_wandering_adds_each_months_pace_over_its_own_days(wandering, start, rate, change, seed):
    step = np.random.default_rng(seed).normal(size=len(MONTHS) - 1)
    exact = np.array([by_hand(start, rate, change, step, day) for day in DAYS])
    found = wandering(start, rate, change, step)
    assert_equal(found, exact)
    assert np.all(np.diff(found) >= 0)
    assert np.all(found[start >= DAYS] == 0)


@given(st.floats(151.0, 760.0), rates)
def test_wandering_without_change_is_steady(wandering, start, rate):
    step = np.linspace(-2.0, 1.5, len(MONTHS) - 1)
    assert_equal(wandering(start, rate, 0.0, step), steady(start, rate))


def test_wandering_with_an_endless_prior_of_its_start_begins_at_the_epoch():
    prior = {"family": "normal", "q05": dt.date(2022, 6, 1), "q95": dt.date(2024, 1, 1)}
    model = shelf.find("wandering").build(STUDY.assuming(first_shipment=prior))
    assert np.datetime64(model.coords["month"][0], "D").item() == STUDY.epoch
