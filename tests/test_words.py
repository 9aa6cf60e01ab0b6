"""Numbers, dates and units in words: no more digits than they deserve, the same everywhere."""

import datetime as dt
import math
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from estimates import words
from estimates.study import read

FINITE = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15)
SPREADS = st.floats(min_value=1e-7, max_value=1e14)


def read_back(text: str) -> float:
    return float(text.replace(",", ""))


# ---- numbers -----------------------------------------------------------------------------------


@given(value=FINITE, spread=SPREADS, mcse=st.floats(min_value=0, max_value=1e14))
def test_a_number_is_off_by_at_most_half_its_place(value, spread, mcse):
    step = words.place(spread, mcse)
    assume(step >= 1e-8)
    shown = read_back(words.number(value, spread, mcse))
    assert abs(shown - value) <= step / 2 * (1 + 1e-6) + 1e-12 * abs(value)


@given(spread=SPREADS, mcse=st.floats(min_value=1e-9, max_value=1e14))
def test_rounding_keeps_two_digits_of_the_spread_unless_the_error_is_coarser(spread, mcse):
    alone = words.place(spread)
    assert 9.99 <= spread / alone <= 100.01
    assert words.place(spread, mcse) == max(alone, words.place(0.0, mcse))


@given(value=FINITE, spread=SPREADS)
def test_a_number_and_its_opposite_have_the_same_digits(value, spread):
    shown, opposite = words.number(value, spread), words.number(-value, spread)
    assert shown.lstrip("-") == opposite.lstrip("-")


@given(value=FINITE, spread=SPREADS)
def test_there_is_no_minus_zero(value, spread):
    shown = words.number(value, spread)
    assert not (shown.startswith("-") and read_back(shown) == 0)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.0, "0"),
        (1.0, "1.000"),
        (1234567.0, "1,235,000"),
        (0.00012344, "0.0001234"),
        (-0.2314, "-0.2314"),
        (math.nan, words.UNKNOWN),
        (math.inf, "infinity"),
        (-math.inf, "minus infinity"),
        (9.9999, "10.000"),
    ],
)
def test_of_a_number_alone_four_digits_are_shown(value, shown):
    assert words.number(value) == shown


@pytest.mark.parametrize("spread", [0.0, -1.0, math.nan, math.inf])
def test_a_spread_that_tells_nothing_counts_as_none(spread):
    assert words.number(1234567.0, spread, spread) == words.number(1234567.0)


def test_numbers_too_small_or_too_large_for_digits_are_written_with_powers():
    assert words.number(1.234e-12) == "1.23e-12"
    assert words.number(6.02e23) == "6.02e+23"


@given(lower=FINITE, width=SPREADS)
def test_the_ends_of_an_interval_stay_in_order(lower, width):
    low, high = words.interval(lower, lower + width).split(" to ")
    assert read_back(low) <= read_back(high)


# ---- in sentences ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "spread", "said"),
    [
        (2_134_567, 948_000, "2.13 million"),
        (999_999, 2_000, "1,000,000"),
        (1_000_000, 20_000, "1.000 million"),
        (-2_500_000, 400_000, "-2.50 million"),
        (3.4e9, 2e8, "3.40 billion"),
        (5.6e12, 1e11, "5.60 trillion"),
        (13_181, 2_310, "13,200"),
    ],
)
def test_from_a_million_on_numbers_are_spoken_in_millions(value, spread, said):
    assert words.spoken(value, spread) == said


def test_both_ends_of_a_spoken_interval_have_one_scale():
    assert words.spoken_interval(630_000, 3_300_000) == "0.6 to 3.3 million"
    assert words.spoken_interval(900, 3100) == "900 to 3,100"


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_no_number_is_spoken_without_a_scale(value):
    assert words.spoken(value) in (words.UNKNOWN, "infinity")


def test_a_list_is_read_aloud_with_an_and():
    assert [words.listed(list("abc")[:n]) for n in range(4)] == ["", "a", "a and b", "a, b and c"]


# ---- probabilities -----------------------------------------------------------------------------


@given(value=st.floats(min_value=0, max_value=1))
def test_no_probability_is_shown_as_certain_or_impossible(value):
    shown = words.probability(value)
    assert shown not in ("0 %", "100 %")
    assert (
        shown in ("under 1 %", "over 99 %")
        or abs(float(shown.removesuffix(" %")) / 100 - value) <= 0.005 + 1e-9
    )


@pytest.mark.parametrize("value", [None, math.nan])
def test_an_unknown_probability_is_a_dash(value):
    assert words.probability(value) == words.UNKNOWN


# ---- dates and units ---------------------------------------------------------------------------


@given(day=st.dates())
def test_a_date_in_words_names_one_day(day):
    assert words.date_words(day) == words.date_words(day.isoformat())
    number, month, year = words.date_words(day).split()
    assert (int(number), int(year)) == (day.day, day.year)
    assert words.date_words(day, short=True).split()[1] == month[:3]
    months = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ]
    assert months.index(month) == day.month - 1


def test_every_unit_of_the_flagship_has_a_plural_that_reads():
    study = read()
    units = {study.unit_of(name) for name in (study.carriers.name, *study.assumptions, *study.quantities)}
    assert {words.units(unit) for unit in units} == {
        *("", "containers", "containers/day", "1/day", "days", "tonnes/container", "kg/round"),
        *("rounds/container", "rounds", "tonnes"),
    }


@pytest.mark.parametrize(
    ("unit", "plural"),
    [
        ("voyage", "voyages"),
        ("box", "boxes"),
        ("ferry", "ferries"),
        ("day", "days"),
        ("foot", "feet"),
        ("kg", "kg"),
        ("m^3", "m^3"),
        ("рейс", "рейс"),
        ("short_ton/truck", "short tons/truck"),
        ("tonnes", "tonnes"),
        ("date", ""),
    ],
)
def test_units_are_put_in_the_plural_only_where_english_would(unit, plural):
    assert words.units(unit) == plural


@pytest.mark.parametrize(
    ("says", "label"),
    [
        ("152 mm rounds as they travel: packed, in boxes", "152 mm rounds as they travel"),
        ("", "shells 152"),
        (": nothing before the colon", "shells 152"),
        ("x" * 41, "shells 152"),
    ],
)
def test_a_label_is_the_first_clause_or_the_name(says, label):
    assert words.label("shells_152", says) == label


# ---- priors ------------------------------------------------------------------------------------


def test_every_prior_of_the_flagship_can_be_said():
    for name, assumption in read().assumptions.items():
        fields = assumption.prior.model_dump(exclude_none=True)
        said = words.prior(fields)
        assert re.match("(normal|log-?normal|uniform|half-normal|beta|gamma|Student t|fixed)", said), (
            name,
            said,
        )
        for value in fields.values():
            if isinstance(value, dt.date):
                assert words.date_words(value) in said


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"family": "fixed", "value": 15.0}, "fixed at 15"),
        ({"family": "halfnormal", "q95": 0.098}, "half-normal, 95 % below 0.098"),
        (
            {"family": "student_t", "q05": -1.0, "q95": 1.0, "df": 4.0},
            "Student t with 4 degrees of freedom, 5 % below -1 and 95 % below 1",
        ),
        (
            {"family": "lognormal", "q05": 1.0, "q95": 10.0, "upper": 12_000.0},
            "lognormal, 5 % below 1 and 95 % below 10, cut off above 12,000",
        ),
    ],
)
def test_a_prior_is_said_with_its_quantiles_and_bounds(fields, said):
    assert words.prior(fields) == said
