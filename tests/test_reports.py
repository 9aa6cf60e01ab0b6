"""Who said what when: names, dates in order, and relays of one release."""

import datetime as dt

import pytest
from pydantic import ValidationError

from estimates.errors import StudyError
from estimates.reports import Report, fitted_reports, identifier, relays

DAY = dt.date(2024, 2, 26)


def report(name="feb", **fields):
    says = fields.pop("says", {"value": 6700, "hedge": "about"})
    usual = {"id": name, "measures": "containers", "says": says, "published": DAY, "issuer": "rok"}
    return Report.model_validate(usual | fields)


def days_later(days):
    return DAY + dt.timedelta(days=days)


# ---- names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["feb_2024", "x", "A1", "рапорт", "a" * 60])
def test_a_name_is_what_formulas_can_use(name):
    assert identifier(name) == name


@pytest.mark.parametrize("name", ["", "2024", "feb 2024", "feb-2024", "a.b", "and", "a" * 61, "a\n", "[x]"])
def test_what_formulas_cannot_use_is_no_name(name):
    with pytest.raises(StudyError, match="cannot be a name\n.*A letter, then letters"):
        identifier(name)


# ---- reports --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (
            {"as_of": days_later(1)},
            "as of 2024-02-27, published 2024-02-26\n.*after the day it was published",
        ),
        ({"as_of": [days_later(-5), days_later(1)]}, "as of 2024-02-27"),
        ({"as_of": [days_later(-5), days_later(-9)]}, "The window runs backwards"),
        ({"as_of": [days_later(-5)]}, r"as_of = .*\n.*Write a date, or \[from, to\]"),
        ({"as_of": "February"}, r"as_of = 'February'\n.*Write a date"),
        ({"since": DAY}, "since 2024-02-26\n.*before its as-of day"),
        ({"as_of": days_later(-9), "since": days_later(-9)}, "since 2024-02-17"),
        ({"issuer": ""}, "issuer"),
        ({"published": dt.datetime(2024, 2, 26, 9)}, "valid date"),
        ({"isuer": "rok"}, "isuer"),
    ],
)
def test_a_report_that_cannot_be_meant_is_refused(fields, words):
    with pytest.raises(ValidationError, match=words):
        report(**fields)


def test_one_day_is_a_window_of_that_day():
    assert report(as_of=days_later(-4)).as_of == (days_later(-4), days_later(-4))


def test_a_report_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        report().issuer = "nobody"


@pytest.mark.parametrize(
    ("second", "is_relay"),
    [
        ({}, True),
        ({"published": days_later(7)}, True),
        ({"published": days_later(8)}, False),
        ({"as_of": days_later(-3)}, True),
        ({"issuer": "us"}, False),
        ({"measures": "visits"}, False),
        ({"says": {"value": 6800, "hedge": "about"}}, False),
        ({"says": {"value": 6700, "hedge": "around"}}, True),
        ({"since": days_later(-90)}, False),
        ({"independent": "counted again on other pictures"}, False),
    ],
)
def test_the_same_words_of_one_issuer_within_a_week_are_one_release(second, is_relay):
    pair = [report("later", **{"published": days_later(1)} | second), report("first")]
    assert relays(pair) == ({"later": "first"} if is_relay else {})
    assert [r.id for r in fitted_reports(pair)] == (["first"] if is_relay else ["later", "first"])


def test_a_relay_of_a_relay_goes_back_to_the_release():
    line = [report("a"), report("b", published=days_later(3)), report("c", published=days_later(6))]
    assert relays(line) == {"b": "a", "c": "a"}


def test_different_as_of_days_are_different_counts():
    assert not relays([report("a", as_of=days_later(-9)), report("b", as_of=days_later(-8))])


def test_a_number_derived_from_another_never_enters_the_likelihood():
    given_reports = [report("feb"), report("feb_shells", measures="shells", derived_from="feb")]
    assert [r.id for r in fitted_reports(given_reports)] == ["feb"]
