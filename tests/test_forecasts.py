"""Forecasts of the next report: what they know, what they keep, what they refuse, and how they are scored."""

import dataclasses
import json
import math
from datetime import date

import numpy as np
import pytest
from command import estimates
from montecarlo import assert_within
from scipy import stats
from small import OIL

import estimates as est
from estimates.errors import OutputError, QuestionError, StudyError
from estimates.forecasts import Forecast, Voice, known_by, read_forecast, resolve
from estimates.reports import Report, Says
from estimates.scores import Past, crps_of_normal
from estimates.seen import Seen
from estimates.study import read_text
from estimates.trust import Trust

CENTRE, SCATTER = 9.39266, 0.2  # a median of 12,000, in the six digits that files keep


def constant(**changes) -> Forecast:
    """A forecast whose draws are all the same: a lognormal."""
    draws = Seen(np.zeros(2000), np.full(2000, CENTRE), np.full(2000, SCATTER))
    past = (Past(date(2024, 1, 1), 6000.0, 5950.0, 6050.0), Past(date(2024, 2, 1), 7000.0, 6950.0, 7050.0))
    given = {
        **{"study": "boxes", "fingerprint": "0" * 16, "data_digest": "1" * 16, "variant": None},
        **{"model": "steady", "model_digest": "2" * 16, "engine": "importance", "seed": 1, "versions": {}},
        **{"trust": Trust("good", 0.3, 5000.0, None), "made": date(2024, 2, 2), "at": date(2024, 3, 3)},
        **{"last_report": date(2024, 2, 1), "known_by": None, "measures": "containers", "unit": "container"},
        "voices": (Voice("ministry", draws, past),),
    }
    return Forecast(**given | changes)


def report(**changes) -> Report:
    given = {
        **{"id": "next", "measures": "containers", "says": Says(value=13_000, hedge="over")},
        **{"published": date(2024, 3, 3), "issuer": "ministry"},
    }
    return Report(**given | changes)


@pytest.fixture(scope="module")
def flagship_hindcast() -> Forecast:
    return est.forecast(est.read(), "steady", at="2024-08-27", known_by="2024-03-01", engine="importance")


@pytest.fixture
def frozen(tmp_path):
    return constant().save(tmp_path / "frozen.json")


# ---- resolved ------------------------------------------------------------------------------------


def test_the_log_score_is_the_log_probability_of_the_interval():
    truth = stats.norm(CENTRE, SCATTER)
    share = truth.cdf(math.log(14_000)) - truth.cdf(math.log(13_000))
    assert resolve(constant(), report()).scores["model"].log_score == pytest.approx(
        math.log(share), rel=1e-10
    )


def test_the_crps_is_that_of_the_log_at_the_geometric_middle():
    found = [resolve(constant(seed=seed), report()).scores["model"].crps for seed in range(40)]
    truth = crps_of_normal(CENTRE, SCATTER, math.log(math.sqrt(13_000 * 14_000)))
    assert_within(np.mean(found), truth, np.std(found) / math.sqrt(len(found)))


def test_the_place_in_the_forecast_is_that_of_the_lognormal():
    found = resolve(constant(), report())
    assert found.pit == pytest.approx(stats.norm.cdf(math.log(found.point), CENTRE, SCATTER), rel=1e-10)
    ends = np.exp(stats.norm.ppf([0.055, 0.5, 0.945], CENTRE, SCATTER))
    np.testing.assert_allclose([found.lower, found.median, found.upper], ends, rtol=2e-6)
    assert found.inside89 == 1.0


def test_a_report_far_above_lies_outside():
    assert resolve(constant(), report(says=Says(value=30_000, hedge="about"))).inside89 == 0.0


def test_a_report_that_says_nothing_lies_inside_by_the_probability_of_the_interval():
    assert resolve(constant(), report(says=Says(value=1, hedge="at least", open=True))).inside89 == (
        pytest.approx(0.89, abs=1e-5)
    )


def test_the_baselines_are_the_last_number_and_the_straight_line():
    scores = resolve(constant(), report()).scores  # from 7,000, 31 days of 1,000 / 31 a day: 8,000
    middle = math.log(math.sqrt(13_000 * 14_000))
    assert scores["last_value"].crps == pytest.approx(crps_of_normal(math.log(7000), 0.3, middle), rel=1e-12)
    assert scores["straight_line"].crps == pytest.approx(
        crps_of_normal(math.log(8000), 0.3, middle), rel=1e-12
    )


def test_an_open_interval_is_scored_at_its_lower_end_and_says_so():
    found = resolve(constant(), report(says=Says(value=13_000, hedge="at least", open=True)))
    assert (found.point, found.note) == (13_000, "open interval: scored at its lower end")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"issuer": "ministr"}, "'ministr' was not forecast\n  Did you mean 'ministry'"),
        ({"measures": "voyages"}, "the report is on voyages, the forecast on containers"),
        ({"published": date(2024, 2, 1)}, "when the forecast knew reports up to 2024-02-01"),
    ],
)
def test_a_report_that_was_not_forecast_is_refused(changes, message):
    with pytest.raises(QuestionError, match=message):
        resolve(constant(), report(**changes))


# ---- files ---------------------------------------------------------------------------------------


def test_a_saved_forecast_is_read_as_it_was(frozen):
    read = read_forecast(frozen)
    assert read.document() == constant().document()
    assert resolve(read, report()).median == pytest.approx(12_000, rel=1e-5)


def test_a_draw_in_which_nothing_was_seen_survives_the_file(tmp_path):
    draws = Seen(np.array([0.0, 5.0]), np.array([-math.inf, 1.0]), np.array([0.1, 0.1]))
    path = constant(voices=(Voice("ministry", draws, ()),)).save(tmp_path / "f.json")
    assert read_forecast(path).voices[0].seen.centre.tolist() == [-math.inf, 1.0]


def test_a_hindcast_stays_a_hindcast_in_the_file(tmp_path):
    path = constant(known_by=date(2024, 2, 15)).save(tmp_path / "f.json")
    assert json.loads(path.read_text())["kind"] == read_forecast(path).kind == "hindcast"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"format": "estimates forecast", "schema": 2}', "\xff"]
)
def test_a_foreign_file_is_refused_in_one_sentence(tmp_path, text):
    path = tmp_path / "f.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(OutputError, match="is no forecast"):
        read_forecast(path)


@pytest.mark.parametrize("cut", ["before", "centre"])
def test_a_file_whose_draws_are_cut_short_is_refused(frozen, cut):
    document = json.loads(frozen.read_text())
    document["issuers"][0]["draws"][cut].pop()
    frozen.write_text(json.dumps(document))
    with pytest.raises(OutputError, match="the draws of 'ministry' are cut short"):
        read_forecast(frozen)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(OutputError, match="no such file"):
        read_forecast(tmp_path / "none.json")


# ---- what it knows -------------------------------------------------------------------------------


def test_a_study_known_by_a_day_has_no_later_report():
    known = known_by(est.read(), date(2024, 3, 1))
    assert max(one.published for one in known.reports) == date(2024, 2, 26)
    assert known_by(est.read(), date(2024, 12, 1)) == est.read()


def test_a_day_before_all_reports_is_refused():
    with pytest.raises(
        QuestionError, match="no report was known by 2024-01-01\n  The first was published on 2024-03-01"
    ):
        known_by(read_text(OIL, "oil.toml"), date(2024, 1, 1))


def test_what_was_said_later_changes_nothing():
    early = date(2024, 4, 1)
    changed = OIL.replace("value = 300,", "value = 900,")
    assert changed != OIL
    one, other = (known_by(read_text(text, "oil.toml"), early) for text in (OIL, changed))
    assert one.fingerprint == other.fingerprint


@pytest.mark.parametrize(
    ("question", "error", "message"),
    [
        ({"at": "2024-08-27"}, QuestionError, "2024-08-27 is not after the last report known, of 2024-08-27"),
        ({"at": "2024-10-01", "issuer": "rok"}, QuestionError, "unknown issuer 'rok' of containers"),
        (
            {"at": "2030-01-01"},
            StudyError,
            "2030-01-01 is outside the study\n  From 2022-01-01 to 2025-02-28",
        ),
        (
            {"at": "2024-03-01", "known_by": "2024-04-01"},
            QuestionError,
            "known by 2024-04-01, forecast for 2024-03-01",
        ),
    ],
)
def test_a_forecast_that_cannot_be_meant_is_refused(question, error, message):
    with pytest.raises(error, match=message):
        est.forecast(est.read(), **question)


def test_the_hindcast_of_august_knows_february_alone(flagship_hindcast):
    assert flagship_hindcast.kind == "hindcast"
    assert flagship_hindcast.fingerprint == known_by(est.read(), date(2024, 3, 1)).fingerprint
    (voice,) = flagship_hindcast.voices
    assert [(past.published, past.printed) for past in voice.past] == [(date(2024, 2, 26), 6700.0)]
    assert len(voice.seen.centre) == 2000


def test_the_hindcast_of_august_is_above_february_and_beats_its_baselines(flagship_hindcast):
    (august,) = (one for one in est.read().reports if one.id == "aug_2024")
    found = est.resolve(flagship_hindcast, august)
    assert found.lower > 6700
    assert found.inside89
    assert found.scores["model"].log_score > found.scores["last_value"].log_score
    # One past number has no line: both baselines say 6,700 again.
    assert found.scores["last_value"] == found.scores["straight_line"]


# ---- the command line ----------------------------------------------------------------------------


def test_resolve_prints_the_scores_beside_both_baselines(frozen):
    told = ("--value", "13000", "--hedge", "over", "--issuer", "ministry", "--published", "2024-03-03")
    outcome = estimates("resolve", frozen, *told)
    assert (outcome.code, outcome.err) == (0, "")
    assert "On 3 March 2024 ministry said over 13,000. The forecast for 3 March 2024: 12,000" in outcome.out
    rows = [line.split() for line in outcome.out.splitlines()]
    assert [row[:2] for row in rows if row][2:5] == [["the", "model"], ["its", "last"], ["its", "last"]]
    document = json.loads(estimates("resolve", frozen, *told, "--json").out)
    assert document["scores"]["model"]["log_score"] == pytest.approx(
        resolve(read_forecast(frozen), report()).scores["model"].log_score
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "no one report is named"),
        (("--report", "a"), "no one report is named"),
        (("--report", "aug_202", "--study", "dprk-shells-2024"), "unknown report 'aug_202'"),
        (("--value", "9", "--issuer", "ministry", "--published", "soon"), "--published 'soon' is no day"),
        (
            ("--value", "9", "--issuer", "ministry", "--published", "2024-03-03", "--hedge", "abut"),
            "unknown hedge 'abut'",
        ),
    ],
)
def test_resolve_refuses_what_names_no_report(frozen, options, message):
    outcome = estimates("resolve", frozen, *options)
    assert (outcome.code, outcome.out) == (2, "")
    assert message in outcome.err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "no day to forecast"),
        (("--scorecard", "--at", "2024-10-01"), "--scorecard takes no --at"),
        (("--at", "soon"), "unknown report 'soon'"),
    ],
)
def test_forecast_refuses_what_it_cannot_do(options, message):
    outcome = estimates("forecast", *options)
    assert (outcome.code, outcome.out) == (2, "")
    assert message in outcome.err


def test_forecast_prints_a_line_for_each_issuer_and_freezes_it(flagship_hindcast, monkeypatch, tmp_path):
    monkeypatch.setattr("estimates.forecasts.forecast", lambda *_, **__: flagship_hindcast)
    path = tmp_path / "august.json"
    outcome = estimates("forecast", "--at", "2024-08-27", "--known-by", "2024-03-01", "--freeze", path)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("A hindcast for 27 August 2024: the containers an issuer would have seen")
    assert "\nrok_military 6,700 on 26 Feb 2024 " in outcome.out
    assert read_forecast(path).document() == flagship_hindcast.document()


def test_a_frozen_forecast_is_never_overwritten(frozen):
    before = frozen.read_bytes()
    outcome = estimates("forecast", "--at", "2024-10-01", "--freeze", frozen)
    assert (outcome.code, frozen.read_bytes()) == (2, before)
    assert "exists already" in outcome.err


def test_the_json_of_a_forecast_leaves_the_draws_out(flagship_hindcast, monkeypatch):
    monkeypatch.setattr("estimates.forecasts.forecast", lambda *_, **__: flagship_hindcast)
    document = json.loads(estimates("forecast", "--at", "2024-08-27", "--json").out)
    assert document == json.loads(json.dumps(flagship_hindcast.summary()))
    assert "draws" not in document["issuers"][0]


def test_a_bad_verdict_is_told_by_the_exit_code(flagship_hindcast, monkeypatch):
    bad = dataclasses.replace(flagship_hindcast, trust=Trust("bad", 1.2, 9.0, None, ("Broken.",)))
    monkeypatch.setattr("estimates.forecasts.forecast", lambda *_, **__: bad)
    assert estimates("forecast", "--at", "2024-08-27").code == 1


@pytest.mark.slow
def test_a_forecast_of_the_future_is_told_without_a_word_on_what_it_looks_away_from(tmp_path):
    ran = estimates("forecast", "--at", "2024-10-31", "--freeze", tmp_path / "october.json")
    assert (ran.code, ran.err) == (0, "")
    assert "A forecast for 31 October 2024" in ran.out
    assert "looks away" not in ran.out
    assert (tmp_path / "october.json").is_file()
