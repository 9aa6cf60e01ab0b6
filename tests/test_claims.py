"""Claims: which statements can be compared, and when they hold."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from estimates.claims import Claim, check_claim, truth
from estimates.errors import FormulaError, UnitError
from estimates.units import units_of

UNITS = units_of()
UNIT_OF = {
    "containers": "container",
    "shells": "round",
    "tonnage": "tonne",
    "dead_weight": "kg",
    "share": "percent",
    "start": "date",
    "rate": "container/day",
}
EPOCH = dt.date(2022, 1, 1)


def claim(statement):
    return Claim(says="as made", statement=statement)


def check(statement):
    check_claim(claim(statement), lambda name: UNITS.dimension(UNIT_OF[name]))


def holds(statement, **draws):
    """Whether the claim holds for draws given as ``name`` or ``name__at``."""

    def value(leaf):
        return np.asarray(draws[f"{leaf.name}__{leaf.at}" if leaf.at else leaf.name], dtype=float)

    return truth(
        claim(statement), value, lambda name: UNITS.factor(UNIT_OF[name]), lambda day: (day - EPOCH).days
    )


# ---- what can be compared ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statement",
    [
        "containers[aug] / containers[feb] >= 2",
        "shells[aug] >= 6_000_000",
        "6e6 <= shells[aug]",
        "tonnage[aug] > dead_weight",
        "start <= 2022-08-31",
        "2022-06-01 <= start and start <= 2022-08-31",
        "start < start",
        "containers[aug] - containers[feb] > 2 * 3 * containers[feb]",
        "share >= 2 * 20",
    ],
)
def test_sides_of_one_dimension_or_a_bare_number_compare(statement):
    check(statement)


@pytest.mark.parametrize(
    ("statement", "kind", "words"),
    [
        ("containers[aug] > shells[aug]", UnitError, "container against round in .*\n.*one dimension"),
        ("containers[aug] > tonnage[aug]", UnitError, "container against mass"),
        ("containers[aug] > share", UnitError, "container against dimensionless"),
        (
            "containers[aug] > 2022-08-31",
            UnitError,
            "the date 2022-08-31 against container\n.*compares with a date",
        ),
        ("start <= 20220831", UnitError, "the number 20220831 against a date\n.*Write a date"),
        ("start <= share", UnitError, "a date against dimensionless"),
        ("start - 3 <= 2022-08-31", UnitError, "a date takes part in no arithmetic"),
        ("start <= 2022-08-31 * 2", UnitError, "the date 2022-08-31 in arithmetic"),
        ("containers[aug] > -2022-08-31", UnitError, "the date 2022-08-31 in arithmetic"),
        ("3 > 2", FormulaError, "no quantity in '3 > 2'"),
        ("2024-01-01 > 2022-08-31", FormulaError, "no quantity"),
        ("containers[aug] > 3 and 3 > 2", FormulaError, "no quantity"),
        ("containers[aug] + shells[aug] > 3", UnitError, "cannot add or subtract container and round"),
        ("containers[aug] + 1 > 3", UnitError, "cannot add or subtract container and dimensionless"),
    ],
)
def test_sides_that_cannot_be_compared_are_refused(statement, kind, words):
    with pytest.raises(kind, match=words):
        check(statement)


@pytest.mark.parametrize("statement", ["containers[aug]", "containers[aug] == 3", "True", ""])
def test_a_claim_that_is_no_statement_never_exists(statement):
    with pytest.raises(ValidationError, match="statement"):
        claim(statement)


def test_a_claim_needs_its_words():
    with pytest.raises(ValidationError, match="says"):
        Claim(says="", statement="containers[aug] > 3")


# ---- when it holds --------------------------------------------------------------------------------------


def test_a_ratio_is_compared_draw_by_draw():
    answer = holds(
        "containers[aug] / containers[feb] >= 2",
        containers__aug=[13_000, 13_000, 14_000],
        containers__feb=[6700, 6500, 6999],
    )
    assert answer.tolist() == [False, True, True]


@pytest.mark.parametrize(
    ("statement", "answer"),
    [
        ("tonnage >= 5", [False, True, True]),
        ("5 <= tonnage", [False, True, True]),
        ("tonnage >= 5 * 1", [False, True, True]),
        ("2 * tonnage >= 10", [False, True, True]),
        ("tonnage / 2 >= 2.5", [False, True, True]),
        ("-tonnage <= -5", [False, True, True]),
        ("tonnage ** 2 >= 25", [False, True, True]),
        ("tonnage + dead_weight >= 9", [False, True, True]),
        ("tonnage > 5", [False, False, True]),
        ("tonnage * rate / rate >= 5", [False, True, True]),
    ],
)
def test_a_bare_number_takes_the_unit_of_the_other_side(statement, answer):
    draws = {"tonnage": [4.9, 5.0, 5.1], "dead_weight": [4000.0, 4000.0, 4000.0], "rate": [0.5, 2.0, 4.0]}
    assert holds(statement, **draws).tolist() == answer


def test_a_share_in_per_cent_is_compared_in_per_cent():
    assert holds("share >= 40", share=[39, 41]).tolist() == [False, True]


def test_a_tonne_against_kilogrammes_needs_no_factor():
    assert holds("tonnage > dead_weight", tonnage=[3, 5], dead_weight=[4000, 4000]).tolist() == [False, True]


@pytest.mark.parametrize(
    ("statement", "answer"),
    [("start <= 2022-01-11", [True, True, False]), ("2022-01-11 <= start", [False, True, True])],
)
def test_a_date_is_compared_in_days_since_the_epoch(statement, answer):
    assert holds(statement, start=[9, 10, 11]).tolist() == answer


def test_every_part_of_an_and_must_hold():
    answer = holds(
        "2022-01-06 <= start and start < 2022-01-11 and share > 3",
        start=[4, 5, 9, 10, 6],
        share=[9, 9, 9, 9, 2],
    )
    assert answer.tolist() == [False, True, True, False, False]


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_swapping_the_sides_and_the_sign_changes_nothing(left, right):
    draws = {"containers__aug": [left], "containers__feb": [right]}
    for symbol, mirrored in (("<", ">"), ("<=", ">=")):
        assert holds(f"containers[aug] {symbol} containers[feb]", **draws) == holds(
            f"containers[feb] {mirrored} containers[aug]", **draws
        )


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=9), st.floats(0, 1e6))
def test_a_claim_and_its_opposite_share_out_the_draws(draws, threshold):
    above = holds(f"tonnage >= {threshold!r}", tonnage=draws)
    below = holds(f"tonnage < {threshold!r}", tonnage=draws)
    assert np.array_equal(above, ~below)
