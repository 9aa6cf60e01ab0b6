"""What the strategies draw: valid by construction, small when shrunk, and readable by every model."""

import datetime as dt

import numpy as np
import pytest
from hypothesis import HealthCheck, find, given, settings
from hypothesis import strategies as st

import estimates as est
from estimates import shelf, strategies
from estimates.assumptions import Prior
from estimates.errors import StudyError
from estimates.inference.forward import compile_forward
from estimates.reports import HEDGES
from estimates.study import restore

STUDY = est.read()
SLOW = settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])


@given(strategies.hedged(least=10, most=50_000))
def test_worded_numbers_lie_between_the_ends_asked_for(says):
    assert says.hedge in HEDGES
    assert says.seen.low < says.seen.high
    if says.value is not None:
        assert 10 <= says.value <= 50_000


@pytest.mark.parametrize("kind", ["about", "over", "exactly", "nearly", "up to", "between", "dozens of"])
def test_every_kind_of_wording_is_drawn(kind):
    assert find(strategies.hedged(), lambda says: says.kind == kind).kind == kind
    assert find(strategies.hedged(), lambda says: says.open).open


def test_worded_numbers_shrink_to_about_one():
    says = find(strategies.hedged(), lambda says: True)
    assert (says.hedge, says.value) == ("about", 1.0)
    assert find(strategies.hedged(), lambda says: (says.value or 0) > 40).value == 100.0


@given(strategies.reports("loads", ("port", "bank"), first=dt.date(2021, 3, 1), last=dt.date(2021, 4, 1)))
def test_reports_are_by_the_issuers_and_within_the_days_asked_for(report):
    assert report.issuer in ("port", "bank")
    assert dt.date(2021, 3, 1) <= report.published <= dt.date(2021, 4, 1)


@given(strategies.priors())
def test_priors_can_be_solved(prior):
    quantiles = prior.solve(float).quantile([0.05, 0.95])
    assert 0 < quantiles[0] <= quantiles[1]


@given(strategies.assumptions("kg/round"))
def test_assumptions_have_their_unit(assumption):
    assert assumption.unit == "kg/round"


@given(strategies.studies())
@settings(max_examples=50, suppress_health_check=[HealthCheck.too_slow])
def test_studies_are_read_back_as_they_were_written(study):
    assert (
        restore(study.model_dump_json(by_alias=True, exclude_defaults=True)).fingerprint == study.fingerprint
    )
    counts = [report.says.value for report in study.fitted]
    assert counts == sorted(counts)
    assert len(study.fitted) == len(study.reports)


def test_studies_shrink_to_one_report_of_a_hundred():
    study = find(strategies.studies(), lambda study: True)
    (report,) = study.reports
    assert str(report.says) == "about 100"


def test_studies_shrink_to_what_matters():
    study = find(strategies.studies(), lambda study: len({r.issuer for r in study.reports}) > 1)
    assert len(study.reports) == 2


@given(study=strategies.studies(), name=st.sampled_from(("steady", "stepped", "accelerating", "lumpy")))
@SLOW
def test_every_model_of_the_shelf_reads_every_study(study, name):
    model = shelf.find(name).build(study)
    carriers = compile_forward(model, [], [model["loads"]])
    assert carriers.run({}, 5, np.random.default_rng(1))["loads"].shape == (5, len(study.days))


@given(strategies.settings(STUDY))
@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_settings_lie_within_their_priors(setting):
    fixed = STUDY.assuming(setting)
    for name in setting:
        assert fixed.assumptions[name].prior.family == "fixed"
        value = fixed.distribution(name).parameters[0]
        low, high = STUDY.distribution(name).quantile([1e-4, 1 - 1e-4])
        assert low - 1 <= value <= high + 1


def test_settings_shrink_to_none_and_to_the_one_that_matters():
    assert find(strategies.settings(STUDY), lambda setting: True) == {}
    found = find(strategies.settings(STUDY), lambda setting: setting.get("payload", 0) > 16)
    assert list(found) == ["payload"]


def test_only_the_names_asked_for_are_set():
    setting = find(strategies.settings(STUDY, ["payload", "shell_share"]), lambda s: len(s) == 2)
    assert set(setting) == {"payload", "shell_share"}


@pytest.mark.parametrize("name", ["paylod", "payload"])
def test_what_cannot_be_set_is_refused(name):
    study = STUDY.assuming(payload=Prior(family="fixed", value=15.0))
    with pytest.raises(StudyError, match=f"'{name}' cannot be set"):
        strategies.settings(study, [name])
