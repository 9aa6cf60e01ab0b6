"""The grammar of formulas and claims: what it reads as, what it refuses, and that it only ever refuses."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from estimates.errors import EstimatesError, FormulaError, UnitError
from estimates.formula import DEEPEST, LONGEST, MOST_TOKENS, Name, parse_formula, parse_statement

VALUES = {"containers": 6700.0, "payload": 14.5, "mass": 0.07, "share_122": 0.375}


def value_of(text):
    return parse_formula(text).evaluate(lambda leaf: VALUES[leaf.name])


# ---- random trees against Python's own reading of the same text ----------------------------------------

NUMBERS = (
    st.integers(1, 99).map(str)
    | st.integers(1, 9999).map(lambda n: f"{n / 100:.2f}")
    | st.just("1_000")
    | st.just("2e-3")
)


def _joined(parts):
    return st.one_of(
        st.tuples(parts, st.sampled_from(["+", "-", "*", "/", " * ", " - "]), parts).map("".join),
        parts.map("-{}".format),
        parts.map("({})".format),
        st.tuples(st.sampled_from(sorted(VALUES)), st.integers(-3, 4)).map("{0[0]}**{0[1]}".format),
        st.tuples(parts, st.integers(0, 3)).map("({0[0]}) ** {0[1]}".format),
    )


FORMULAS = st.recursive(NUMBERS | st.sampled_from(sorted(VALUES)), _joined, max_leaves=12)


@given(FORMULAS)
def test_a_formula_has_the_value_that_python_gives_its_text(text):
    try:
        expected = float(eval(text, {"__builtins__": {}}, VALUES))
    except (ZeroDivisionError, OverflowError) as error:
        with pytest.raises((FormulaError, type(error))):
            value_of(text)
        return
    try:
        assert value_of(text) == pytest.approx(expected, rel=1e-12, abs=1e-300)
    except FormulaError as error:
        # A part without names may be refused by itself, though zero times it would have been zero.
        assert "too large" in str(error)  # noqa: PT017


@given(FORMULAS)
def test_blanks_never_change_the_meaning(text):
    spaced = "".join(f" {sign} " if sign in "+/()" else sign for sign in text).replace("\n", " ")
    assert parse_formula(f"\t{spaced}  ").term == parse_formula(text).term


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 - 3 - 4", -5.0),
        ("2 / 3 / 4", 2 / 12),
        ("2 + 3 * 4", 14.0),
        ("-2 ** 2", -4.0),
        ("(-2) ** 2", 4.0),
        ("2 * -3", -6.0),
        ("2 ^ 3", 8.0),
        ("4 ** -2", 0.0625),
        ("--3", 3.0),
        ("1_000_000", 1e6),
        (".5 + 1.", 1.5),
        ("1e3", 1000.0),
        ("containers * (1 - share_122) / mass", 6700 * 0.625 / 0.07),
    ],
)
def test_signs_bind_as_in_school(text, value):
    assert value_of(text) == pytest.approx(value, rel=1e-15)


# ---- what is refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("exp(payload)", "a call: there are no functions"),
        ("2(payload)", "a call: there are no functions"),
        ("payload.real", "an attribute: there are none"),
        ("__import__('os')", "a call|not part of a formula"),
        ("import os", "an import: formulas are never executed"),
        ("payload = 3", "an assignment"),
        ("payload, mass", "a comma"),
        ("(payload)[feb]", "a bracket after something that is not a name"),
        ("payload mass", "'mass' where it has no meaning"),
        ("2 payload", "'payload' where it has no meaning"),
        ("payload $ 2", r"'\$' is not part of a formula"),
        ("payload // mass", "'/' where it has no meaning"),
        ("payload % 2", "'%' is not part"),
        ("+payload", r"'\+' where it has no meaning"),
        ("payload *", "something is missing at the end"),
        ("", "something is missing at the end"),
        ("(payload", "a parenthesis that is not closed"),
        ("payload)", r"'\)' where it has no meaning"),
        ("payload ** mass", "a power that is not a small integer"),
        ("payload ** 0.5", "a power that is not a small integer"),
        ("payload ** 100", "a power that is not a small integer"),
        ("payload ** 2 ** 3", r"'\*\*' where it has no meaning"),
        ("payload >= 3", "'>=' where it has no meaning"),
        ("payload and mass", "'and' where it has no meaning"),
        ("1e999", "too large a number"),
        ("payload / 0", "a division by zero"),
        ("payload / (3 - 3)", "a division by zero"),
        ("payload * 0 ** -1", "a division by zero"),
        ("payload * (10**99) ** 9", "a number too large to compute with"),
    ],
)
def test_a_formula_outside_the_grammar_is_refused_with_the_reason(text, why):
    with pytest.raises(FormulaError, match=why):
        parse_formula(text)


def test_a_refusal_shows_the_text_and_what_is_allowed():
    with pytest.raises(FormulaError, match=r"in 'exp\(payload\)'\n.*Allowed: numbers, names, \+ - \* /"):
        parse_formula("exp(payload)")


@pytest.mark.parametrize(
    ("text", "why"), [("x[feb]", "belongs in a claim"), ("2024-02-26", "belong in claims")]
)
def test_days_belong_in_claims(text, why):
    with pytest.raises(FormulaError, match=why):
        parse_formula(text)


def test_sizes_are_limited_and_the_limit_is_told():
    with pytest.raises(FormulaError, match=f"At most {LONGEST}"):
        parse_formula("x" * (LONGEST + 1))
    with pytest.raises(FormulaError, match=f"more than {MOST_TOKENS}"):
        parse_formula("1" + "+1" * MOST_TOKENS)
    with pytest.raises(FormulaError, match=f"At most {DEEPEST} deep"):
        parse_formula("(" * DEEPEST + "1" + ")" * DEEPEST)


def test_the_largest_allowed_texts_are_read():
    assert value_of("1" + "+1" * ((MOST_TOKENS - 2) // 2)) == 1 + (MOST_TOKENS - 2) // 2
    assert value_of("(" * (DEEPEST - 1) + "3" + ")" * (DEEPEST - 1)) == 3
    assert value_of("-" * 101 + "3") == -3


PIECES = st.sampled_from(
    [
        *"+-*/^()<>[],.=:@'\"\\ \n٣²½é_",
        "**",
        "<=",
        "==",
        "and",
        "x",
        "feb",
        "2024-02-26",
        "2024-02-31",
        "1e9",
        "7",
        "import",
    ]
)


@given(st.text(max_size=60) | st.lists(PIECES, max_size=25).map("".join))
def test_any_text_is_read_or_refused_with_a_formula_error(text):
    for parse in (parse_formula, parse_statement):
        try:
            parsed = parse(text)
        except FormulaError as error:
            assert error.remedy  # noqa: PT017
        else:
            assert parsed.text == text


# ---- names ----------------------------------------------------------------------------------------------


def test_names_are_given_once_in_order_of_appearance():
    assert parse_formula("mass * payload / mass + share_122").names() == (
        Name("mass"),
        Name("payload"),
        Name("share_122"),
    )


def test_one_name_on_two_days_is_two_names():
    names = parse_statement("c[aug] / c[feb] >= 2 and c[2024-03-01] > c[feb]").names()
    assert [name.at for name in names] == ["aug", "feb", "2024-03-01"]


def test_the_two_ways_to_write_an_accent_are_one_name():
    composed, decomposed = "tonnes_livr\u00e9es", "tonnes_livre\u0301es"
    assert parse_formula(composed).names() == parse_formula(decomposed).names()


def test_a_formula_binds_anything_whose_operators_work():
    assert (
        parse_formula("-word * 2").evaluate(lambda _: _Spoken("w"), number=lambda n: _Spoken(f"{n:g}")).text
        == "(-w*2)"
    )


class _Spoken:
    def __init__(self, text):
        self.text = text

    def __neg__(self):
        return _Spoken(f"-{self.text}")

    def __mul__(self, other):
        return _Spoken(f"({self.text}*{other.text})")


# ---- statements -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("symbol", "below", "equal", "above"),
    [
        ("<", True, False, False),
        ("<=", True, True, False),
        (">", False, False, True),
        (">=", False, True, True),
    ],
)
def test_each_comparison_means_what_it_says(symbol, below, equal, above):
    (comparison,) = parse_statement(f"c[feb] {symbol} 3").comparisons
    assert [comparison.holds(left, 3) for left in (2, 3, 4)] == [below, equal, above]


def test_the_sides_of_a_comparison_keep_their_own_text():
    first, second = parse_statement("c[aug] / c[feb] >= 2 and  start <= 2022-08-31").comparisons
    assert (first.left.text, first.right.text) == ("c[aug] / c[feb]", "2")
    assert (second.left.text, second.right.text) == ("start", "2022-08-31")
    assert second.right.term.date == dt.date(2022, 8, 31)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("c[feb]", "no comparison: a claim is a statement"),
        ("", "something is missing at the end"),
        ("c[feb] == 3", "'==' between quantities known only as distributions"),
        ("c[feb] = 3", "'=' between quantities"),
        ("c[feb] != 3", "'!=' between quantities"),
        ("1 < c[feb] < 3", "a chain of comparisons; write two"),
        ("c[feb] > 3 and", "something is missing at the end"),
        ("c[feb] > 3 or c[feb] < 1", "'or' where it has no meaning"),
        ("not c[feb] > 3", "where it has no meaning"),
        ("c[] > 3", r"name\[at\] takes a report id or a date"),
        ("c[3] > 3", r"name\[at\] takes a report id or a date"),
        ("c[feb > 3", "a bracket that is not closed"),
        ("c[2024-02-30] > 3", "2024-02-30 is not a day of the calendar"),
        ("start <= 2024-13-01", "2024-13-01 is not a day of the calendar"),
        ("max(c[feb]) > 3", "a call"),
        ("c[feb] > 1 / 0", "a division by zero"),
        ("(c[feb] > 3) and c[feb] < 4", "a parenthesis|where it has no meaning"),
    ],
)
def test_a_claim_that_is_no_statement_is_refused_with_the_reason(text, why):
    with pytest.raises(FormulaError, match=why):
        parse_statement(text)


def test_a_date_in_arithmetic_is_refused_when_evaluated():
    (comparison,) = parse_statement("c[feb] > 2 * 2024-02-26").comparisons
    with pytest.raises(UnitError, match="the date 2024-02-26 in arithmetic"):
        comparison.right.evaluate(float)


@given(FORMULAS, FORMULAS, st.sampled_from(["<", "<=", ">", ">="]))
def test_a_statement_is_two_formulas_and_the_sign_between(left, right, symbol):
    try:
        terms = [parse_formula(text).term for text in (left, right)]
    except EstimatesError:
        return
    (comparison,) = parse_statement(f"{left} {symbol} {right}").comparisons
    assert [comparison.left.term, comparison.right.term] == terms
    assert comparison.symbol == symbol


# ---- products of numbers and arrays -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["c * b / 3 * b", "b / c / b * c * d", "-c * d / b / d * 2", "2 / c / d / b", "c - c * b * d / 2"]
)
def test_a_product_is_the_same_though_its_longest_factors_come_last(text):
    values = {"c": np.array([[3.0, 0.7, 11.0], [5.0, 2.5, 0.3]]), "b": 1.7, "d": np.array([0.9, 0.4, 2.2])}
    found = parse_formula(text).evaluate(lambda name: values[name.name])
    np.testing.assert_allclose(found, eval(text, dict(values)), rtol=1e-14)


def test_the_longest_factor_meets_the_product_of_the_others_once():
    multiplied = []

    class Long:
        ndim = 1

        def __rmul__(self, other):
            multiplied.append(other)
            return self

        __mul__ = __rmul__

    values = {"c": Long(), "a": 2.0, "b": 3.0, "d": 5.0}
    parse_formula("c * a * b * d").evaluate(lambda name: values[name.name])
    assert multiplied == [30.0]
