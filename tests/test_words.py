"""Numbers, dates and units as people write them."""

import datetime as dt
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estimates import words

numbers = st.floats(-1e12, 1e12)
spreads = st.floats(1e-6, 1e12)


@given(value=numbers, spread=spreads)
def test_rounding_moves_a_number_by_no_more_than_a_twentieth_of_its_spread(value, spread):
    written = float(words.number(value, spread).replace(",", ""))
    assert abs(written - value) <= 0.0501 * spread + 1e-9 * abs(value)


@given(value=numbers, spread=spreads)
def test_no_number_is_written_with_digits_below_two_of_its_spread(value, spread):
    written = words.number(value, spread).replace(",", "").lstrip("-")
    _, _, decimals = written.partition(".")
    finest = math.floor(math.log10(spread)) - 1
    assert len(decimals) <= max(0, -finest)
    if finest > 0:
        assert int(written) % 10**finest == 0


def test_a_large_monte_carlo_error_takes_digits_away():
    assert words.number(2_134_567, 948_000) == "2,130,000"
    assert words.number(2_134_567, 948_000, mcse=240_000) == "2,100,000"


def test_a_number_of_which_nothing_is_known_keeps_four_digits():
    assert words.number(123_456) == "123,500"
    assert words.number(0.00123456) == "0.001235"
    assert words.number(0.0) == "0"


def test_a_rounded_zero_has_no_sign():
    assert words.number(-0.0004, spread=0.2) == "0.00"


def test_what_is_no_number_is_said_to_be_none():
    assert words.number(math.nan) == words.UNKNOWN
    assert words.number(math.inf) == "infinity"
    assert words.number(-math.inf, 3.0) == "minus infinity"


def test_millions_are_spoken_as_millions():
    assert words.spoken(1_580_903, 1_300_000) == "1.6 million"
    assert words.spoken(2_050_000_000, 450_000_000) == "2.05 billion"
    assert words.spoken(13_630, 4_600) == "13,600"


def test_the_ends_of_an_interval_share_one_scale():
    assert words.spoken_interval(631_817, 3_271_703) == "0.6 to 3.3 million"


def test_no_simulation_says_never_or_always():
    assert words.probability(0.0) == "under 1 %"
    assert words.probability(1.0) == "over 99 %"
    assert words.probability(0.5535) == "55 %"


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("container", "containers"),
        ("box", "boxes"),
        ("ferry", "ferries"),
        ("day", "days"),
        ("kg", "kg"),
        ("container/day", "containers/day"),
        ("航海", "航海"),
        ("dimensionless", ""),
    ],
)
def test_units_of_many(one, many):
    assert words.units(one) == many


def test_dates_do_not_depend_on_the_locale():
    assert words.date_words(dt.date(2024, 8, 27)) == "27 August 2024"
    assert words.date_words("2024-02-26", short=True) == "26 Feb 2024"


def test_a_label_is_the_first_clause_unless_it_is_long():
    assert words.label("shells_stated", "the ministry's reading: every box full") == "the ministry's reading"
    assert words.label("shells_stated", "x" * 60) == "shells stated"


def test_priors_in_words_keep_every_stated_number():
    assert words.prior({"family": "student_t", "q05": -1.5, "q95": 2.0, "df": 4.0}) == (
        "Student t with 4 degrees of freedom, 5 % below -1.5 and 95 % below 2"
    )
    assert words.prior({"family": "halfnormal", "q95": 0.098}) == "half-normal, 95 % below 0.098"
    assert words.prior({"family": "fixed", "value": dt.date(2023, 8, 1)}) == "fixed at 1 August 2023"
