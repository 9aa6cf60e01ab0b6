"""A study: what it says of itself, and the studies made from it."""

import datetime as dt
import pickle
import subprocess
import sys
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from small import OIL, changed

from estimates.assumptions import Prior
from estimates.errors import EstimatesError, StudyError
from estimates.reports import Report
from estimates.study import packaged, read, read_text

STUDY = read_text(OIL, "oil.toml")
DAYS = st.dates(STUDY.epoch, STUDY.horizon)
NEXT = Report.model_validate(
    {
        "id": "winter",
        "measures": "voyages",
        "says": {"value": 400, "hedge": "about"},
        "published": dt.date(2024, 12, 1),
        "issuer": "port",
    }
)


def test_a_study_reads_from_a_path_or_by_its_packaged_name(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(OIL, encoding="utf-8")
    assert read(path) == read(str(path)) == STUDY
    assert all(read(name).name == name for name in packaged())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_files_as_other_editors_write_them_are_the_same_study(tmp_path, encoding, newline):
    path = tmp_path / "mine.toml"
    path.write_text(OIL, encoding=encoding, newline=newline)
    assert read(path) == STUDY


def test_derived_reports_are_kept_and_not_fitted():
    assert [report.id for report in STUDY.reports] == ["spring", "autumn", "autumn_oil"]
    assert [report.id for report in STUDY.fitted] == ["spring", "autumn"]


def test_fitted_reports_stand_in_order_of_publication():
    swapped = OIL.replace("2024-03-01", "2024-10-01")
    assert [report.id for report in read_text(swapped).fitted] == ["autumn", "spring"]


@pytest.mark.parametrize(
    "attempt", [lambda s: setattr(s, "title", "x"), lambda s: setattr(s.reports[0], "id", "x")]
)
def test_a_study_and_its_parts_cannot_be_changed(attempt):
    with pytest.raises(ValidationError, match="frozen"):
        attempt(STUDY)


@pytest.mark.parametrize("part", ["assumptions", "quantities", "claims", "variants", "units"])
def test_the_parts_of_a_study_are_read_only_mappings(part):
    assert isinstance(getattr(STUDY, part), MappingProxyType)


# ---- days and units -------------------------------------------------------------------------------------


def test_days_hold_a_weekly_grid_publications_claim_dates_and_the_horizon():
    study = read_text(changed("voyages[spring]", "voyages[2024-02-02]"))
    for day in ("2023-01-01", "2023-01-08", "2024-02-02", "2024-03-01", "2024-09-01", "2024-12-31"):
        assert dt.date.fromisoformat(day) in study.days
    assert list(study.days) == sorted(set(study.days))
    assert max(b - a for a, b in zip(study.days, study.days[1:], strict=False)) == dt.timedelta(days=7)


@given(DAYS)
def test_asking_for_a_day_adds_it_and_nothing_else(day):
    asked = STUDY.asking(day)
    assert set(asked.days) == {*STUDY.days, day}
    assert (asked.fingerprint, asked.data_digest) == (STUDY.fingerprint, STUDY.data_digest)
    assert set(STUDY.days) == set(read_text(OIL).days)


@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("autumn", "2024-09-01"),
        ("knot", "2024-01-15"),
        ("2023-05-06", "2023-05-06"),
        (dt.date(2023, 5, 6), "2023-05-06"),
    ],
)
def test_a_day_is_meant_by_report_knot_or_date(at, day):
    assert STUDY.date_of(at) == dt.date.fromisoformat(day)


@pytest.mark.parametrize(
    ("at", "words"),
    [
        ("autum", "unknown report 'autum'\n.*Did you mean 'autumn'"),
        ("2025-01-01", "2025-01-01 is outside the study\n.*From 2023-01-01 to 2024-12-31"),
        (dt.date(2022, 12, 31), "2022-12-31 is outside the study"),
    ],
)
def test_a_day_that_cannot_be_meant_is_refused(at, words):
    with pytest.raises(StudyError, match=words):
        STUDY.date_of(at)


def test_a_study_without_a_knot_says_what_to_add():
    with pytest.raises(StudyError, match="names no knot\n.*knot = 2024-02-26"):
        read_text(changed("knot = 2024-01-15\n", "")).date_of("knot")


def test_days_are_counted_from_the_epoch():
    assert STUDY.day_number(dt.date(2023, 2, 1)) == 31
    assert STUDY.distribution("first_shipment").parameters == (31, 395)


@pytest.mark.parametrize(("word", "factor"), [("tanker", 1.0), ("voyage", 1.0), ("crate", 1.0)])
def test_an_unknown_word_for_carriers_becomes_a_unit_of_its_own(word, factor):
    study = read_text(OIL.replace('"voyage"', f'"{word}"').replace("/voyage", f"/{word}"))
    assert study.factor("voyages") == factor
    assert study.registry.dimension(word).powers == {f"[{word}]": 1}


def test_units_of_the_study_s_own_are_used_in_its_formulas():
    text = OIL.replace("barrel/voyage", "tankful/voyage").replace("300_000", "0.3").replace("900_000", "0.9")
    study = read_text(text + '[units]\ntankful = "1000000 barrel"\n')
    assert study.factor("cargo") == pytest.approx(1e6 * STUDY.factor("cargo"))


def test_a_model_s_assumption_is_solved_in_the_model_s_unit():
    lag = '[assumption.reporting_lag]\nunit = "week"\nprior = { family = "lognormal", q05 = 1, q95 = 4 }\nbasis = "x"\n'
    solved = read_text(OIL + lag).distribution("reporting_lag")
    assert solved.quantile([0.05, 0.95]) == pytest.approx([7, 28])


@pytest.mark.parametrize(("name", "unit"), [("daily_rate", "voyage/day"), ("reporting_lag", "day")])
def test_a_missing_assumption_is_asked_for_with_a_block_that_works_when_pasted(name, unit):
    with pytest.raises(StudyError, match=rf"no assumption '{name}'\n.*Paste this") as refused:
        STUDY.distribution(name)
    block = refused.value.remedy.partition("\n\n")[2]
    completed = read_text(OIL + "\n" + block)
    assert completed.assumptions[name].unit == unit
    assert completed.distribution(name).quantile(0.5) > 0


# ---- fingerprints ---------------------------------------------------------------------------------------


def test_comments_and_the_order_of_tables_do_not_change_the_fingerprint():
    head, claim, rest = OIL.partition("[claim.doubled]")
    body, variants, tail = rest.partition("[variant.late]")
    moved = head + variants + tail + "# a remark\n" + claim + body
    assert read_text(moved).fingerprint == STUDY.fingerprint


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("value = 120", "value = 121"),
        ("q95 = 900_000", "q95 = 900_001"),
        ("2023-12-01", "2023-12-02"),
        (">= 2", "> 2"),
        ("Aframax", "Panamax"),
    ],
)
def test_any_change_of_what_is_said_changes_the_fingerprint(old, new):
    assert read_text(changed(old, new)).fingerprint != STUDY.fingerprint


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("q95 = 900_000", "q95 = 900_001", True),
        ("value = 200_000_000", "value = 300_000_000", True),
        ('id = "spring"', 'id = "spring"\nnote = "x"', True),
        ('"about"', '"around"', True),
        ("value = 120", "value = 130", False),
        ("published = 2024-03-01", "published = 2024-03-02", False),
        ("published = 2024-03-01", "published = 2024-03-01\nas_of = 2024-02-20", False),
        ('"over"', '"nearly"', False),
        ('hedge = "over"', 'hedge = "over", open = true', False),
    ],
)
def test_the_data_digest_is_of_the_fitted_intervals_alone(old, new, same):
    assert (read_text(changed(old, new)).data_digest == STUDY.data_digest) is same


@pytest.mark.parametrize(
    "study",
    [
        STUDY,
        STUDY.variant("late"),
        STUDY.variant("one_count"),
        STUDY.without("autumn"),
        STUDY.assuming(cargo=500_000),
        STUDY.asking("2024-05-06"),
        read_text(changed('hedge = "over"', 'hedge = "over", open = true')),
        read_text(changed('hedge = "over"', 'hedge = "over", interval = [280, inf]')),
        STUDY.holding_out("autumn"),
        STUDY.predicting(NEXT),
        STUDY.variant("late").holding_out("spring").predicting(NEXT).asking("2024-05-06"),
        read_text(changed("knot =", 'errors = "increment"\nknot =')).predicting(NEXT),
    ],
    ids=[
        *("base", "variant", "fewer", "without", "assuming", "asking", "open", "by hand"),
        *("held out", "predicting", "all at once", "increment"),
    ],
)
def test_a_study_travels_between_processes_whole(study):
    copy = pickle.loads(pickle.dumps(study))
    assert copy == study
    assert (copy.fingerprint, copy.data_digest, copy.variant_name) == (
        study.fingerprint,
        study.data_digest,
        study.variant_name,
    )
    assert (copy.days, copy.document()) == (study.days, study.document())
    assert [r.says.seen for r in copy.fitted] == [r.says.seen for r in study.fitted]
    assert (copy.predicted, copy.predecessors) == (study.predicted, study.predecessors)


# ---- other studies made from it -------------------------------------------------------------------------


def test_without_a_report_its_derived_numbers_go_and_claims_keep_its_day():
    fewer = STUDY.without("autumn")
    assert [report.id for report in fewer.reports] == ["spring"]
    assert fewer.claims["doubled"].statement == "voyages[2024-09-01] / voyages[spring] >= 2"
    assert fewer.days == STUDY.days
    assert len(STUDY.reports) == 3


def test_without_reports_a_variant_that_would_have_none_left_falls_away():
    assert set(STUDY.without("autumn").variants) == {"late"}
    assert set(STUDY.without("spring").variants) == {"late", "one_count"}


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        (lambda: STUDY.without("sprin"), "unknown report 'sprin'\n.*Did you mean 'spring'"),
        (lambda: STUDY.without("spring", "autumn"), "no report at all"),
        (lambda: STUDY.assuming(carg=3), "unknown assumption 'carg'\n.*Did you mean 'cargo'"),
        (lambda: STUDY.assuming(cargo=float("nan")), "assumption.cargo.prior: value = nan"),
        (
            lambda: STUDY.assuming(cargo={"family": "nomal", "q05": 1, "q95": 2}),
            "unknown family 'nomal'\n.*'normal'",
        ),
        (
            lambda: STUDY.assuming(cargo={"family": "normal", "q05": 3, "q95": 2}),
            "q05 = 3.* is not below q95",
        ),
        (lambda: STUDY.assuming(cargo=dt.date(2024, 1, 1)), "with a prior stated in dates"),
        (lambda: STUDY.variant("lat"), "unknown variant 'lat'\n.*Did you mean 'late'"),
        (lambda: STUDY.variant("late").variant("one_count"), "unknown variant|do not stack"),
        (lambda: STUDY.asking("2030-01-01"), "outside the study"),
    ],
)
def test_a_study_that_cannot_be_made_is_an_error_of_ours(attempt, words):
    with pytest.raises(EstimatesError, match=words):
        attempt()


def test_assuming_replaces_a_prior_by_fields_a_prior_or_a_value():
    normal = {"family": "normal", "q05": 400_000, "q95": 800_000}
    assert STUDY.assuming(cargo=normal) == STUDY.assuming({"cargo": Prior(**normal)})
    assert STUDY.assuming(cargo=500_000).distribution("cargo").parameters == (500_000,)
    assert STUDY.assuming(first_shipment=dt.date(2023, 3, 1)).distribution("first_shipment").parameters == (
        59,
    )
    assert STUDY.distribution("cargo").family == "lognormal"


def test_a_variant_replaces_a_prior_whole_and_keeps_the_base_s_fingerprint():
    late = STUDY.variant("late")
    assert late.distribution("first_shipment").parameters == (334, 395)
    assert late.assumptions["first_shipment"].basis == "First sightings."
    assert (late.fingerprint, late.variant_name) == (STUDY.fingerprint, "late")
    assert STUDY.variant_name is None
    assert late != STUDY


def test_a_variant_may_leave_reports_out():
    fewer = STUDY.variant("one_count")
    assert [report.id for report in fewer.fitted] == ["autumn"]
    assert fewer.data_digest != STUDY.data_digest


def test_many_variants_that_leave_reports_out_are_each_read_once():
    reports = "".join(
        f'[[report]]\nid = "r{n}"\nmeasures = "voyages"\nsays = {{ value = {n}00, hedge = "about" }}\n'
        f'published = 2024-10-0{n}\nissuer = "port"\n[variant.v{n}]\nbasis = "x"\nwithout = ["r{n}"]\n'
        for n in range(1, 9)
    )
    assert len(read_text(OIL + reports).variants) == 10  # nested readings would be 8! of them


@settings(max_examples=25)
@given(st.lists(st.sampled_from(["spring", "autumn_oil"]), unique=True, min_size=1), st.booleans())
def test_leaving_reports_out_one_by_one_or_together_is_the_same(ids, is_late):
    start = STUDY.variant("late") if is_late else STUDY
    one_by_one = start
    for report_id in ids:
        one_by_one = one_by_one.without(report_id)
    assert one_by_one == start.without(*ids)


# ---- reports that are predicted -------------------------------------------------------------------------

RUMOUR = """
[[report]]
id = "rumour"
measures = "voyages"
says = { value = 300, hedge = "over" }
published = 2024-09-03
issuer = "port"
held_out = "Nobody says who counted."
"""


def ids(reports):
    return [report.id for report in reports]


def test_a_report_that_is_held_out_is_predicted_and_not_fitted():
    study = read_text(OIL + RUMOUR)
    assert (ids(study.fitted), ids(study.predicted)) == (["spring", "autumn"], ["rumour"])
    assert study.data_digest == STUDY.data_digest
    assert study.fingerprint != STUDY.fingerprint


def test_a_derived_number_that_is_held_out_is_derived():
    study = read_text(OIL + RUMOUR + 'derived_from = "autumn"\n')
    assert (ids(study.fitted), ids(study.predicted)) == (["spring", "autumn"], [])


def test_holding_a_report_out_keeps_it_in_view():
    study = STUDY.holding_out("spring")
    assert (ids(study.fitted), ids(study.predicted)) == (["autumn"], ["spring"])
    assert ids(study.reports) == ids(STUDY.reports)
    assert (study.claims, study.days) == (STUDY.claims, STUDY.days)
    assert study.data_digest == STUDY.without("spring").data_digest
    assert (ids(STUDY.fitted), STUDY.predicted) == (["spring", "autumn"], ())


def test_a_variant_that_would_have_no_report_left_falls_away_when_one_is_held_out():
    assert set(STUDY.holding_out("autumn").variants) == {"late"}
    assert set(STUDY.holding_out("spring").variants) == {"late", "one_count"}


def test_a_release_that_is_held_out_does_not_come_back_as_its_relay():
    told_again = RUMOUR.replace('held_out = "Nobody says who counted."\n', "")
    study = read_text(OIL + told_again).holding_out("autumn")
    assert (ids(study.fitted), ids(study.predicted)) == (["spring"], ["autumn", "rumour"])


def test_a_next_report_is_predicted_and_changes_nothing_else():
    study = STUDY.predicting(NEXT)
    assert (study.predicted, study.made_up) == ((NEXT,), (NEXT,))
    assert (study.fitted, study.reports, study.days) == (STUDY.fitted, STUDY.reports, STUDY.days)
    assert (study.fingerprint, study.data_digest) == (STUDY.fingerprint, STUDY.data_digest)
    assert study != STUDY
    assert STUDY.predicted == ()


def test_predicted_reports_stand_in_order_of_publication_and_stay_with_the_studies_made_from_it():
    earlier = NEXT.model_copy(update={"id": "november", "published": dt.date(2024, 11, 1)})
    study = STUDY.predicting(NEXT).predicting(earlier).holding_out("spring")
    assert ids(study.predicted) == ["spring", "november", "winter"]
    for made in (
        study.without("autumn_oil"),
        study.assuming(cargo=5e5),
        study.variant("late"),
        study.asking(),
    ):
        assert ids(made.predicted) == ["spring", "november", "winter"]


@pytest.mark.parametrize(
    ("attempt", "words"),
    [
        (lambda: STUDY.holding_out("sprin"), "'sprin' is no fitted report\n.*Did you mean 'spring'"),
        (lambda: STUDY.holding_out("autumn_oil"), "'autumn_oil' is no fitted report"),
        (lambda: STUDY.holding_out("spring", "autumn"), "no report at all"),
        (lambda: STUDY.predicting(next_by(issuer="prot")), "unknown issuer 'prot'\n.*Did you mean 'port'"),
        (
            lambda: STUDY.predicting(next_by(measures="oil")),
            "port has not reported on 'oil'\n.*bias on that is unknown",
        ),
        (lambda: STUDY.predicting(next_by(published=dt.date(2025, 1, 1))), "2025-01-01 is outside the study"),
        (lambda: STUDY.predicting(NEXT, NEXT), "two predicted reports with the id 'winter'"),
        (
            lambda: read_text(OIL + RUMOUR).predicting(next_by(id="rumour")),
            "two predicted reports with the id 'rumour'",
        ),
    ],
)
def test_what_cannot_be_predicted_is_refused(attempt, words):
    with pytest.raises(StudyError, match=words):
        attempt()


def next_by(**changes):
    return NEXT.model_copy(update=changes)


# ---- pooling and errors ---------------------------------------------------------------------------------


def test_two_counts_of_one_quantity_are_pooled_over_a_bridge():
    scope = '[assumption.scope]\nunit = "percent"\nprior = { family = "lognormal", q05 = 60, q95 = 150 }\nbasis = "x"\n'
    text = changed('id = "spring"\n', 'id = "spring"\ncounts = "ships"\n')
    tankers = 'id = "autumn"\ncounts = "tankers"\nbridge = "scope"\n'
    study = read_text(text.replace('id = "autumn"\n', tankers) + scope)
    assert [report.bridge for report in study.fitted] == [None, "scope"]
    assert study.data_digest != STUDY.data_digest
    assert (
        read_text(text.replace('id = "autumn"\n', 'id = "autumn"\ncounts = "ships"\n')).data_digest
        == STUDY.data_digest
    )


def test_a_study_says_whether_its_counts_carry_earlier_errors_along():
    carrying = read_text(changed("knot =", 'errors = "increment"\nknot ='))
    assert (STUDY.errors, dict(STUDY.predecessors)) == ("count", {})
    assert dict(carrying.predicting(NEXT).predecessors) == {"autumn": "spring", "winter": "autumn"}
    assert carrying.data_digest != STUDY.data_digest


def test_a_study_is_read_and_checked_without_pymc_or_arviz():
    script = (
        "import sys, estimates; estimates.read('dprk-shells-2024'); "
        "print(sorted({'pymc', 'pytensor', 'arviz', 'matplotlib'} & {name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
