"""Scorecards: every report predicted without being shown, or listed with the reason."""

import json
from dataclasses import replace
from datetime import date

import pytest
from command import estimates
from scipy import stats

import estimates as est
from estimates import hindsight
from estimates.errors import QuestionError


@pytest.fixture(scope="module")
def card() -> hindsight.Scorecard:
    return est.scorecard(est.read(), "steady", engine="importance")


def test_every_fitted_report_is_a_case_or_left_out_with_the_reason(card):
    assert [case.report for case in card.cases] == ["aug_2024"]
    assert card.left_out == (("feb_2024", "the first of rok_military on containers"),)
    assert card.kind == card.cases[0].resolution.kind == "hindcast"


def test_a_case_is_the_hindcast_of_that_report(card):
    study = est.read()
    known = study.without(*(one.id for one in study.reports if one.held_out))
    made = est.forecast(known, at="2024-08-27", known_by="2024-08-26", engine="importance")
    (august,) = (one for one in study.reports if one.id == "aug_2024")
    assert card.cases[0].resolution == est.resolve(made, august)


def test_the_study_of_a_case_holds_nothing_of_its_day_or_later():
    study = est.read("dprk-shells-all-reports-2024")
    asked = ("dec_2023", "us_feb_2024", "us_jun_2024", "rusi_jun_2024_voyages", "aug_2024")
    for one in (report for report in study.fitted if report.id in asked):
        reduced, name = hindsight._hindcast_case(study, one)
        assert all(other.published < one.published for other in reduced.reports)
        assert [made.id for made in reduced.made_up] == [name]


def test_a_report_left_out_takes_its_relays_along():
    study = est.read("dprk-shells-all-reports-2024")
    (june,) = (one for one in study.fitted if one.id == "us_jun_2024")
    kept, _ = hindsight._left_out_case(study, june)
    assert {one.id for one in study.fitted} - {one.id for one in kept.fitted} == {"us_jun_2024"}
    assert len(kept.fitted) == len(study.fitted) - 1


def test_the_share_inside_has_its_jeffreys_interval(card):
    (case,) = card.cases
    cases = (replace(case, resolution=replace(case.resolution, inside89=1.0)),) * 5
    inside = hindsight.Scorecard("s", "f", None, "m", "hindcast", 1, cases, ()).inside()
    assert (inside["count"], inside["of"], inside["upper"]) == (5, 5, 1.0)
    assert inside["lower"] == pytest.approx(stats.beta.ppf(0.055, 5.5, 0.5), rel=1e-10)


def test_without_a_case_there_is_no_share():
    empty = hindsight.Scorecard("s", "f", None, "m", "hindcast", 1, (), ())
    assert empty.inside()["share"] is None
    assert empty.means() == {}


@pytest.fixture(scope="module")
def left_out() -> hindsight.Scorecard:
    return est.scorecard(est.read(), kind="leave-one-out", engine="importance")


def test_leave_one_out_has_baselines_where_the_issuer_spoke_before(left_out):
    february, august = left_out.cases
    assert list(february.resolution.scores) == ["model"]
    assert list(august.resolution.scores) == ["model", "last_value", "straight_line"]
    assert august.resolution.published == date(2024, 8, 27)


def test_means_are_over_the_cases_that_all_have(left_out):
    assert left_out.compared == left_out.cases[1:]
    assert left_out.means() == left_out.cases[1].resolution.scores
    alone = replace(left_out, cases=left_out.cases[:1])
    assert alone.means() == {"model": alone.cases[0].resolution.scores["model"]}


def test_a_report_that_is_only_a_bound_counts_by_what_of_it_lies_inside(card):
    (case,) = card.cases
    cases = [replace(case, resolution=replace(case.resolution, inside89=share)) for share in (1.0, 0.89, 0.0)]
    inside = replace(card, cases=tuple(cases)).inside()
    assert inside["count"] == pytest.approx(1.89)
    assert inside["upper"] == pytest.approx(stats.beta.ppf(0.945, 2.39, 1.61), rel=1e-10)


def test_what_cannot_be_asked_is_refused():
    with pytest.raises(QuestionError, match="unknown kind 'foresight'"):
        est.scorecard(est.read(), kind="foresight")
    with pytest.raises(QuestionError, match="'mar_2024' is no fitted report"):
        est.scorecard(est.read(), reports=["mar_2024"])


def test_the_command_prints_every_case(card, monkeypatch):
    monkeypatch.setattr("estimates.hindsight.scorecard", lambda *_, **__: card)
    outcome = estimates("forecast", "--scorecard")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("Scorecard, hindcast, of dprk-shells-2024 by steady.")
    assert "\naug_2024 over 13,000" in outcome.out
    assert "Not predicted: feb_2024, the first of rok_military on containers." in outcome.out
    assert "Inside the 89 % interval: 1 of 1" in outcome.out
    assert json.loads(estimates("forecast", "--scorecard", "--json").out) == json.loads(
        json.dumps(card.document())
    )
