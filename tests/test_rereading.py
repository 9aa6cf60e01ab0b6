"""The same study read again: what each rereading changes, and what it leaves alone."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small import OIL
from test_terms import PRIORS

import estimates as est
from estimates.errors import StudyError
from estimates.study import read_text
from estimates.study.rereading import issued, opened, rereadings, widened

SMALL = read_text(OIL + PRIORS)
FITTED = ("first_shipment", "daily_rate", "reporting_lag", "issuer_bias", "report_scatter")


@given(st.floats(0.2, 5.0), st.sampled_from(["daily_rate", "reporting_lag"]))
def test_a_lognormal_keeps_its_median_and_has_its_log_sd_times_the_factor(factor, name):
    before, after = (study.distribution(name) for study in (SMALL, widened(SMALL, [name], factor)))
    assert after.parameters == pytest.approx((before.parameters[0], factor * before.parameters[1]), rel=1e-6)


@given(st.floats(0.2, 5.0))
def test_a_normal_is_scaled_about_its_median_and_a_halfnormal_by_its_scale(factor):
    after = widened(SMALL, ["issuer_bias", "report_scatter"], factor)
    mu, sigma = SMALL.distribution("issuer_bias").parameters
    assert after.distribution("issuer_bias").parameters == pytest.approx((mu, factor * sigma), abs=1e-9)
    (scale,) = SMALL.distribution("report_scatter").parameters
    assert after.distribution("report_scatter").parameters == pytest.approx((factor * scale,), rel=1e-6)


def test_a_beta_is_scaled_in_its_log_odds():
    flagship = est.read()
    q05, _, q95 = map(_logit, flagship.distribution("share_122").quantile([0.05, 0.5, 0.95]))
    low, _, high = map(
        _logit, widened(flagship, ["share_122"], 0.5).distribution("share_122").quantile([0.05, 0.5, 0.95])
    )
    assert high - low == pytest.approx((q95 - q05) / 2, rel=1e-6)


def _logit(p):
    return math.log(p / (1 - p))


def test_an_open_over_has_no_upper_end_and_other_wordings_stay():
    study = opened(SMALL)
    assert [report.says.seen for report in study.fitted] == [
        SMALL.fitted[0].says.seen,
        (SMALL.fitted[1].says.seen.low, math.inf),
    ]


def test_issuers_told_apart_have_biases_of_their_own_around_a_common_one():
    study = issued(SMALL, lambda issuer, report: f"{issuer}: {report}")
    assert {report.issuer for report in study.fitted} == {"port: spring", "port: autumn"}
    assert "common_bias" in study.needed
    assert study.assumption("common_bias")


def test_the_common_bias_of_the_method_is_added_where_the_study_has_none():
    flagship = est.read()
    assert "common_bias" not in flagship.assumptions
    study = issued(flagship, lambda issuer, report: report)
    assert study.distribution("common_bias").parameters == pytest.approx((0.0, 0.15), abs=2e-4)


def test_every_rereading_has_a_name_and_a_uniform_is_never_scaled():
    named = dict(rereadings(SMALL, FITTED))
    assert not any("first_shipment" in name for name in named)
    assert {
        "report_scatter twice as wide",
        "all priors half as wide",
        "every 'over' open",
        "issuers split",
    } <= {*named}
    assert "issuers merged" not in named  # there is one issuer


def test_several_issuers_can_be_merged():
    named = dict(rereadings(est.read("dprk-shells-all-reports-2024"), ["daily_rate"]))
    assert {report.issuer for report in named["issuers merged"].fitted} == {"all issuers"}


@pytest.mark.parametrize("name", ["issuers split", "issuers merged"])
def test_other_issuers_leave_the_same_reports_fitted(name):
    study = est.read("dprk-shells-all-reports-2024")
    named = dict(rereadings(study, ["daily_rate"]))
    assert [report.id for report in named[name].fitted] == [report.id for report in study.fitted]


def test_bounds_that_leave_no_room_make_no_rereading():
    flagship = est.read()
    with pytest.raises(StudyError):
        widened(flagship, ["payload"], 2.0)
    named = dict(rereadings(flagship, ["payload"]))
    assert "payload twice as wide" not in named
    assert "payload half as wide" in named
