"""What becomes of claims: the sentence for every pattern of answers, and a real run from the command line."""

import json

import pytest
from command import estimates
from hypothesis import given
from hypothesis import strategies as st
from small import OIL, changed
from test_terms import PRIORS

import estimates as est
from estimates.errors import QuestionError
from estimates.estimate import Measured
from estimates.judging import Answer, Verdict, _judged, _with_the_only_one, verdicts
from estimates.study import read_text

CLAIMS = """
[claim.much_oil]
says = "two hundred million barrels by September"
statement = "oil[autumn] >= 200_000_000"

[claim.many_voyages]
says = "two hundred million voyages by September"
statement = "voyages[autumn] >= 200_000_000"
"""
CRUDE = '\n[quantity.crude]\nunit = "barrel"\nformula = "voyages * cargo / 2"\n'
STUDY = read_text(OIL + PRIORS + CLAIMS)


def answer(value, *, model="one", variant=None, opened=None, mcse=0.01):
    found = None if opened is None else Measured(opened, mcse)
    return Answer(model, variant, Measured(0.4, mcse), Measured(value, mcse), found)


def judged(*answers, claim="doubled"):
    return _judged(STUDY, claim, answers)


# ---- sentences ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "verdict", "says"),
    [
        ((0.95, 0.97), Verdict.HOLDS, "holds in both stories (95 % to 97 %)."),
        ((0.57, 0.97), Verdict.LIKELY, "is more likely than not in both stories (57 % to 97 %)."),
        ((0.03, 0.08), Verdict.FAILS, "does not hold in either story (3 % to 8 %)."),
        ((0.03, 0.3), Verdict.UNLIKELY, "is less likely than not in both stories (3 % to 30 %)."),
        ((0.51, 0.49), Verdict.EVEN, "is about as likely as not: 49 % to 51 % over both stories."),
        (
            (0.51, 0.7),
            Verdict.PARTLY,
            "is settled in part: likely under m0.7 (70 %); as likely as not under m0.51 (51 %).",
        ),
    ],
)
def test_stories_that_agree_make_one_sentence(values, verdict, says):
    found = judged(*(answer(value, model=f"m{value}") for value in values))
    assert (found.verdict, found.says) == (verdict, says)


def test_one_story_is_named():
    assert judged(answer(0.95)).says == "holds in one (95 %)."
    assert judged(answer(0.02, variant="late")).says == "does not hold in one (late) (2 %)."


def test_a_claim_that_turns_when_over_is_open_depends_on_how_it_is_read():
    found = judged(answer(0.3, opened=0.8), answer(0.35, model="two", opened=0.4))
    assert found.verdict is Verdict.DEPENDS_ON_OVER
    assert found.says == (
        "depends on how 'over' is read: 30 % to 35 % as read, 40 % to 80 % when it has no upper end."
    )


def test_readings_that_decide_are_named_with_what_they_change():
    answers = [answer(p, model=m, variant=v) for m in "ab" for p, v in ((0.7, None), (0.2, "late"))]
    found = judged(*answers)
    assert found.verdict is Verdict.DEPENDS_ON_READING
    assert found.says == (
        "depends on first_shipment: likely under the study's own reading (70 %); unlikely under late (20 %)."
    )


def test_models_that_decide_are_named():
    answers = [answer(p, model=m, variant=v) for v in (None, "late") for p, m in ((0.7, "a"), (0.2, "b"))]
    found = judged(*answers)
    assert found.verdict is Verdict.DEPENDS_ON_MODEL
    assert found.says == "depends on the model: likely under a (70 %); unlikely under b (20 %)."


def test_a_mixture_names_the_short_side_and_counts_the_long_one():
    answers = [answer(0.7, model=m, variant=v) for m in "abc" for v in (None, "late")]
    found = judged(answer(0.2, model="a", variant="one_count"), answer(0.8, variant="one_count"), *answers)
    assert found.verdict is Verdict.DEPENDS
    assert found.says == (
        "depends on model and reading: likely in 7 of 8 stories (70 % to 80 %); unlikely under a (one_count) (20 %)."
    )


def test_other_verdicts_still_say_where_over_turns_the_claim():
    found = judged(answer(0.7, model="a", opened=0.3), answer(0.2, model="b", opened=0.25))
    assert found.says.endswith("unlikely under b (20 %). How 'over' is read turns it under a.")


def test_a_claim_that_the_assumptions_settle_is_told_so():
    settled = [Answer(m, None, Measured(1.0, 0.0), Measured(1.0, 0.0), None) for m in ("one", "two")]
    assert judged(*settled).says == (
        "holds in both stories (over 99 %). The assumptions settle it: no report can change it."
    )


def test_a_claim_that_no_model_has_is_not_known():
    assert judged().says == "is not known: no model asked has what it speaks of."


def test_what_is_not_likely_names_the_quantity_under_which_it_is():
    study = read_text(OIL + PRIORS + CLAIMS.replace("voyages[autumn] >= 200", "crude[autumn] >= 200") + CRUDE)
    unlikely = _judged(study, "many_voyages", (answer(0.02), answer(0.03, model="two")))
    likely = judged(answer(0.7), answer(0.3, model="two"), claim="much_oil")
    alone = judged(answer(0.02), claim="doubled")
    first, second, third = _with_the_only_one(study, [unlikely, likely, alone])
    assert first.says == (
        "does not hold in either story (2 % to 3 %). Only under oil is it more likely than not, in 1 of 2 "
        "stories (70 %)."
    )
    assert (second, third) == (likely, alone)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1) | st.none()), min_size=1, max_size=14))
def test_every_pattern_of_answers_has_a_sentence(values):
    answers = [
        answer(value, model="ab"[number % 2], variant=("late", None, "one_count")[number % 3], opened=opened)
        for number, (value, opened) in enumerate(values)
    ]
    found = judged(*answers)
    assert found.says.endswith(".")
    assert "{" not in found.says
    if found.verdict in (Verdict.HOLDS, Verdict.LIKELY):
        assert all(one.side == 1 for one in answers)


def test_claims_in_other_units_are_not_taken_for_alike():
    text = CLAIMS.replace(
        'statement = "voyages[autumn] >= 200_000_000"', 'statement = "tonnes[autumn] >= 200_000_000"'
    )
    study = read_text(
        OIL + PRIORS + text + '\n[quantity.tonnes]\nunit = "kilobarrel"\nformula = "voyages * cargo"\n'
    )
    unlikely = _judged(study, "many_voyages", (answer(0.02),))
    likely = _judged(study, "much_oil", (answer(0.7),))
    first, _ = _with_the_only_one(study, [unlikely, likely])
    assert first.says == unlikely.says


def test_a_story_that_contradicts_the_reports_is_left_out_with_the_reason():
    variant = """
[variant.too_late]
basis = "After the last count."
assumption.first_shipment.prior = { family = "uniform", lower = 2024-09-15, upper = 2024-10-31 }
"""
    found = verdicts(read_text(OIL + PRIORS + variant), ["steady"], [None, "too_late"])
    assert [label for label, _ in found.left_out] == ["steady (too_late)"]
    assert "no draw from the prior could have given the reports" in found.left_out[0][1]
    assert len(found["doubled"].answers) == 1


# ---- a real run -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def asked():
    return verdicts(est.read(), ["steady"], [None], seed=1)


def test_probabilities_are_those_of_the_estimate(asked, flagship_fit):
    for claim in asked.study.claims:
        (given_answer,) = asked[claim].answers
        assert given_answer.posterior == flagship_fit.probability(claim)
        assert given_answer.prior == flagship_fit.probability(claim, group="prior")


def test_opening_every_over_can_only_make_more_of_the_last_count(asked):
    (found,) = asked["over_13000"].answers
    assert found.opened.value > found.posterior.value


def test_the_six_million_is_the_ministrys_alone(asked):
    assert asked["six_million"].verdict is Verdict.FAILS
    assert "Only under the ministry's reading is it more likely than not" in asked["six_million"].says


def test_the_command_writes_what_it_prints(tmp_path):
    path = tmp_path / "oil.toml"
    path.write_text(OIL + PRIORS + CLAIMS, encoding="utf-8")
    words = ["claims", path, "--models", "steady", "--variants", "none", "--workers", "1"]
    shown = estimates(*words, "--out", tmp_path / "out")
    document = json.loads((tmp_path / "out" / "claims.json").read_text(encoding="utf-8"))
    assert shown.code == 0
    for claim in document["claims"]:
        assert f"“{claim['claim']}” {claim['says']}" in shown.out
    assert json.loads(estimates(*words, "--json").out) == document


def test_a_study_without_claims_is_refused(tmp_path):
    text = changed(OIL[OIL.index("[claim.doubled]") : OIL.index("[variant.late]")], "")
    with pytest.raises(QuestionError, match=r"oil makes no claims\n.*\[claim.NAME\]"):
        verdicts(read_text(text + PRIORS))
