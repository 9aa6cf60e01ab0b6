"""Rival stories: evidence against brute force, verdicts that survive rereading, and what is refused."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from command import estimates
from drawn import drawn
from montecarlo import assert_within
from small import OIL
from test_terms import PRIORS

import estimates as est
from estimates import comparison, tables
from estimates.comparison import Comparison, Measured, Story, Verdict, _chance, is_conditional
from estimates.errors import QuestionError
from estimates.inference import log_evidence
from estimates.study import read_text

STUDY = read_text(OIL + PRIORS)
CELLS = json.loads((Path(__file__).parent.parent / "benchmarks/brute_force.json").read_text())["cells"]


def told(**log_evidences):
    """A comparison of drawn stories with these log evidences; `late` is the small study's variant."""
    stories = []
    for name, value in log_evidences.items():
        model, _, variant = name.partition("__")
        estimate = drawn(STUDY.variant(variant) if variant else STUDY, model=model)
        found = None if value is None else Measured(value, 0.01)
        object.__setattr__(estimate.conditions, "log_evidence", found)
        stories.append(Story(model, variant or None, estimate))
    return Comparison(STUDY, tuple(stories), {}, (), ())


def reread(comparison, **readings):
    """The comparison with these readings: name -> {model: log evidence}."""
    found = {
        name.replace("_", " "): {(model, None): Measured(value, 0.01) for model, value in values.items()}
        for name, values in readings.items()
    }
    return Comparison(comparison.study, comparison.stories, found, (), ())


# ---- verdicts ----------------------------------------------------------------------------------


def test_a_factor_below_ten_in_every_reading_is_not_distinguishable():
    pair = reread(told(one=-8.0, two=-9.0), opened={"one": -7.0, "two": -9.0}).pair(
        ("one", None), ("two", None)
    )
    assert pair.verdict is Verdict.SAME
    assert "at most 7.4 to 1 either way" in pair.sentence()


def test_a_factor_above_ten_in_every_reading_disfavours_the_other():
    pair = reread(told(one=-13.0, two=-8.0), opened={"one": -12.0}).pair(("one", None), ("two", None))
    assert pair.verdict is Verdict.FAVOURED
    sentence = pair.sentence()
    assert sentence == (
        "one is disfavoured against two, about 150 to 1, and under every rereading: from 55 to 1 (opened) to "
        "150 to 1 (as read)."
    )


def test_one_reading_below_ten_takes_the_preference_away_and_is_named():
    pair = reread(told(one=-13.0, two=-8.0), issuers_split={"one": -8.5}).pair(("one", None), ("two", None))
    assert pair.verdict is Verdict.DEPENDS
    assert "no preference holds under every rereading: from 1.6 to 1 (issuers split)" in pair.sentence()


def test_a_reading_that_turns_the_preference_round_is_shown_as_such():
    pair = reread(told(one=-13.0, two=-8.0), scatter={"one": -5.0}).pair(("one", None), ("two", None))
    assert pair.verdict is Verdict.DEPENDS
    assert "from 1 to 20 (scatter)" in pair.sentence()


def test_a_factor_of_ten_within_its_monte_carlo_error_is_no_preference():
    just = math.log(10) + 0.02  # two errors of 0.014 are 0.028
    assert told(one=0.0, two=-just).pair(("one", None), ("two", None)).verdict is not Verdict.FAVOURED
    assert told(one=0.0, two=-just - 0.02).pair(("one", None), ("two", None)).verdict is Verdict.FAVOURED


def test_a_story_without_evidence_is_not_ranked():
    comparison = told(one=-8.0, two=None)
    pair = comparison.pair(("one", None), ("two", None))
    assert pair.verdict is Verdict.NO_EVIDENCE
    assert "no log evidence" in pair.sentence()
    assert comparison.best.label == "one"


def test_a_variant_inside_its_base_is_no_rival_of_it():
    comparison = told(one=-8.0, one__late=-7.0, two=-9.0)
    pairs = {(pair.first, pair.second) for pair in comparison.pairs()}
    assert (("one", None), ("one", "late")) not in pairs
    assert (("one", "late"), ("two", None)) in pairs
    assert is_conditional(STUDY, "late")
    assert not is_conditional(STUDY, "one_count")


def test_a_variant_of_the_best_is_told_to_be_part_of_it_however_far_behind():
    said = list(tables.rivals(told(one=-8.0, one__late=-16.0).document()))
    assert said == ["Part of one, the best, and no rival of it: one (late)."]


# ---- averages and tables -----------------------------------------------------------------------


def test_an_average_mixes_draws_by_weight():
    comparison = told(one=0.0, two=math.log(3.0))
    draws = [np.asarray(s.estimate.quantity("voyages", "autumn")).ravel() for s in comparison.stories]
    mixed = comparison.average("voyages", "autumn")
    pooled = np.quantile(np.concatenate(draws), 0.5)
    assert mixed["equal"]["median"] == pytest.approx(pooled, rel=1e-2)
    assert set(mixed) == {"equal", "evidence"}


def test_evidence_weights_are_shares_of_the_evidence():
    comparison = told(one=0.0, two=-800.0)
    alone = np.quantile(np.asarray(comparison.story("one").estimate.quantity("voyages", "autumn")), 0.5)
    assert comparison.average("voyages", "autumn")["evidence"]["median"] == pytest.approx(alone, rel=1e-2)


def test_averaging_a_variant_with_the_base_that_contains_it_is_refused():
    comparison = told(one=-8.0, one__late=-7.0)
    with pytest.raises(QuestionError, match="would count 'late' twice"):
        comparison.average("voyages", "autumn", among=[("one", None), ("one", "late")])


def test_stacking_with_two_reports_is_refused_unless_forced():
    with pytest.raises(QuestionError, match="stacking weights from 2 reports.*\n.*noise.*force=True"):
        told(one=-8.0, two=-9.0).arviz_table()


def test_an_unknown_story_is_refused_with_a_near_miss():
    with pytest.raises(QuestionError, match="Did you mean 'one'"):
        told(one=-8.0).story("onee")


# ---- refusals ----------------------------------------------------------------------------------


def test_studies_with_different_data_are_not_compared():
    with pytest.raises(QuestionError, match="different data: oil .*oil"):
        est.compare([STUDY, STUDY.without("spring")])


def test_a_variant_that_leaves_reports_out_is_not_compared_with_the_rest():
    with pytest.raises(QuestionError, match="'one_count' has other data"):
        est.compare(STUDY, ["steady"], [None, "one_count"])


# ---- telling them apart ------------------------------------------------------------------------


def test_the_chance_of_telling_is_one_for_disjoint_samples_and_none_for_equal_ones():
    random = np.random.default_rng(1)
    sample = random.normal(size=2000)
    assert _chance(sample, sample + 100.0) == pytest.approx(1.0, abs=0.01)
    assert _chance(sample, random.normal(size=2000)) == 0.0
    assert _chance(np.zeros(2000), sample + 100.0) == pytest.approx(1.0, abs=0.01)


# ---- real fits ---------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{cell['model']}-{cell['variant']}")
def test_the_log_evidence_is_that_of_brute_force(cell):
    study = est.read().variant(cell["variant"]) if cell["variant"] else est.read()
    found = log_evidence(study, cell["model"], seed=3)
    assert found.trust.verdict == "good"
    truth = cell["log_evidence"]
    assert_within(
        *found.log_evidence[:1],
        truth["value"],
        math.hypot(found.log_evidence.mcse, truth["mcse"]),
        multiples=3,
    )


@pytest.mark.slow
def test_a_start_from_another_posterior_gives_the_same_evidence():
    from estimates.inference import fitted
    from estimates.study.rereading import widened

    flagship = est.read()
    _, start = fitted(flagship, "steady", seed=1)
    study = widened(flagship, ["issuer_bias"], 2.0)
    cold, warm = (log_evidence(study, "steady", seed=4, start=s).log_evidence for s in (None, start))
    assert_within(warm.value, cold.value, math.hypot(cold.mcse, warm.mcse))


@pytest.fixture(scope="module")
def few_rereadings():
    """One of each kind; `benchmarks/stories.py` takes them all."""
    kinds = ("all priors twice as wide", "every 'over' open", "issuers split")
    all_of_them = comparison.rereadings

    def few(study, names):
        return [(kind, reread) for kind, reread in all_of_them(study, names) if kind in kinds]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(comparison, "rereadings", few)
        yield kinds


@pytest.fixture(scope="module")
def flagship_stories(few_rereadings):
    found = est.compare(est.read(), ["steady", "stepped"], ["mid_2022", "sea_route"], seed=1)
    assert tuple(found.readings) == few_rereadings
    return found


@pytest.mark.slow
def test_the_leave_one_out_score_is_the_predictive_probability_of_the_report(flagship_stories):
    study = est.read().variant("sea_route").holding_out("aug_2024")
    seen = est.infer(study, "steady", seed=5).predicted("aug_2024")
    interval = study.predicted[-1].says.seen
    assert study.predicted[-1].id == "aug_2024"
    (case,) = [
        c
        for c in flagship_stories.cases
        if (c["story"], c["kind"], c["report"]) == ("steady (sea_route)", "leave-one-out", "aug_2024")
    ]
    error = math.hypot(case["log_score"]["mcse"], 2 * seen.log_probability_error(interval))
    assert_within(seen.log_probability(interval), case["log_score"]["value"], error)


@pytest.mark.slow
def test_the_flagship_is_told_apart_as_far_as_it_can_be(flagship_stories):
    verdicts = {(pair.first, pair.second): pair.verdict for pair in flagship_stories.pairs()}
    assert verdicts[("steady", "sea_route"), ("stepped", "mid_2022")] is not Verdict.FAVOURED
    assert abs(
        flagship_stories.pair(("steady", "sea_route"), ("stepped", "mid_2022")).as_read.value
    ) < math.log(10)
    pair = flagship_stories.pair(("stepped", "mid_2022"), ("steady", "mid_2022"))
    assert pair.as_read.value > math.log(50)
    assert pair.verdict is Verdict.DEPENDS  # issuers told apart, little is left of it
    assert pair.reread["issuers split"] < math.log(10)
    fails = {(c["story"], c["report"]) for c in flagship_stories.checks if c["fails"]}
    assert fails == {("steady (mid_2022)", "nov_2023"), ("stepped (mid_2022)", "nov_2023")}


@pytest.mark.slow
def test_the_command_prints_words_and_one_document(few_rereadings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ran = estimates(
        "compare", "--models", "steady", "--variants", "none,mid_2022", "--workers", "1", "--json"
    )
    document = json.loads(ran.out)
    assert ran.code == 0
    assert not (tmp_path / "results").exists()
    assert [story["label"] for story in document["stories"]] == ["steady", "steady (mid_2022)"]
    assert document["stories"][1]["conditional_of_base"]
    assert document["stories"][1]["chosen_from_reports"]
    assert document["pairs"] == []  # a conditional and its base


def test_the_command_refuses_other_data_in_a_sentence(tmp_path):
    path = tmp_path / "oil.toml"
    path.write_text(OIL + PRIORS, encoding="utf-8")
    ran = estimates("compare", str(path), "--with", "dprk-shells-2024")
    assert (ran.code, ran.out) == (2, "")
    assert "different data" in ran.err
