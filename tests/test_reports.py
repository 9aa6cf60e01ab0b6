"""Who said what when: names, dates in order, and relays of one release."""

import datetime as dt

import pytest
from pydantic import ValidationError

from estimates.errors import StudyError
from estimates.reports import Report, fitted_reports, identifier, predecessors, relays

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


def test_a_report_that_is_held_out_is_not_fitted_and_neither_a_relay_nor_a_release():
    again = {"published": days_later(2)}
    assert [r.id for r in fitted_reports([report("a"), report("b", held_out="a rumour", **again)])] == ["a"]
    assert not relays([report("a"), report("b", held_out="a rumour", **again)])
    assert not relays([report("a", held_out="a rumour"), report("b", **again)])


# ---- series ---------------------------------------------------------------------------------------------


def chain(*reports):
    return predecessors(reports, reports)


def test_a_count_carries_on_from_the_one_before_it_of_its_series():
    line = [report("c", published=days_later(60)), report("a"), report("b", published=days_later(30))]
    assert chain(*line) == {"b": "a", "c": "b"}


@pytest.mark.parametrize(
    "other",
    [
        {"issuer": "us"},
        {"measures": "visits"},
        {"since": days_later(-90)},
        {"counts": "x", "bridge": "scope"},
    ],
    ids=["issuer", "quantity", "start", "bridge"],
)
def test_a_series_is_of_one_issuer_one_quantity_one_start_and_one_bridge(other):
    assert chain(report("a"), report("b", published=days_later(30), **other)) == {}
    pair = [report("a", **other), report("b", published=days_later(30), **other)]
    assert chain(*pair) == {"b": "a"}


def test_counts_stand_in_the_order_of_the_days_they_speak_of_else_of_publication():
    dated = report("dated", published=days_later(40), as_of=[days_later(5), days_later(10)])
    assert chain(report("a"), report("b", published=days_later(20)), dated) == {"dated": "a", "b": "dated"}
    later = report("dated", published=days_later(40), as_of=days_later(25))
    assert chain(report("a"), report("b", published=days_later(20)), later) == {"b": "a", "dated": "b"}


def test_counts_of_one_day_stand_in_the_order_of_their_ids():
    assert chain(report("b", says={"value": 6800, "hedge": "over"}), report("a")) == {"b": "a"}


def test_a_report_to_be_predicted_carries_on_from_a_known_one():
    known = [report("a"), report("c", published=days_later(60))]
    asked = [report("b", published=days_later(30)), report("d", published=days_later(90))]
    assert predecessors(asked, known) == {"b": "a", "d": "c"}
