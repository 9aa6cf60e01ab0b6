"""The command line: what it prints, writes and exits with."""

import dataclasses
import json
import math
import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from command import Outcome, estimates
from small import OIL
from test_terms import PRIORS

import estimates as est
from estimates.cli import asking
from estimates.cli.options import RIVALS
from estimates.errors import EngineError
from estimates.estimate import Estimate
from estimates.sources import independent_sources
from estimates.study import read_text
from estimates.trust import Trust

COMMANDS = ("run", "check", "compare", "forecast", "resolve", "plot", "studies", "models", "new", "schema")

MINE = '''\
"""Mine: a pace that is the same every day, from a day that is given."""

import pymc as pm
import pytensor.tensor as pt

from estimates import Study, terms


def build(study: Study) -> pm.Model:
    with terms.frame(study) as model:
        rate = terms.assumption("daily_rate")
        start = terms.day("2023-09-01")
        terms.flow(lambda day: rate * pt.maximum(day - start, 0.0))
    return model
'''


@pytest.fixture(scope="session")
def flagship(tmp_path_factory) -> tuple[Outcome, Path]:
    """One fit of the flagship by the command line, with its files."""
    out = tmp_path_factory.mktemp("flagship") / "deep" / "results"
    return estimates("run", "--json", "--out", out, "--seed", "1"), out


@pytest.fixture(scope="session")
def document(flagship) -> dict:
    return json.loads(flagship[0].out)


@pytest.fixture(scope="session")
def estimate(flagship) -> Estimate:
    return est.load(flagship[1] / "estimate.nc")


@pytest.fixture
def nothing_is_fitted(estimate, monkeypatch):
    """Every run gives the estimate of the session, with the changes it is called with."""

    def use(**conditions):
        given = Estimate(
            estimate.study, estimate.data, dataclasses.replace(estimate.conditions, **conditions)
        )
        monkeypatch.setattr("estimates.inference.infer", lambda *_, **__: given)

    use()
    return use


# ---- run --json --------------------------------------------------------------------------------


def test_run_prints_one_json_document_and_nothing_else(flagship):
    outcome, _ = flagship

    assert outcome.code == 0
    assert outcome.err == ""
    assert outcome.out.endswith("}\n")
    json.loads(outcome.out, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


def test_the_document_has_the_keys_of_the_contract_in_their_order(document):
    assert list(document) == [
        *("schema", "study", "fingerprint", "data_digest", "model", "model_digest", "variant"),
        *("engine", "engine_reason", "seed", "versions", "interval", "log_evidence", "trust", "sources"),
        *("quantities", "trend", "parameters", "claims"),
    ]
    assert list(document["log_evidence"]) == ["value", "mcse"]
    assert list(document["trust"]) == ["verdict", "pareto_k", "ess", "r_hat", "notes"]
    rows = {
        key: {tuple(row) for row in document[key]} for key in ("quantities", "trend", "parameters", "claims")
    }
    assert rows == {
        "quantities": {
            ("name", "at", "date", "unit", "mean", "sd", "lower", "median", "upper", "mcse_median")
        },
        "trend": {("from", "to", "per_day", "ratio")},
        "parameters": {("name", "unit", "median", "lower", "upper")},
        "claims": {("id", "probability", "mcse")},
    }
    (step,) = document["trend"]
    assert set(step["per_day"]) == {"median", "lower", "upper", "unit"}
    assert set(step["ratio"]) == {"median", "lower", "upper"}


def test_the_document_names_its_conditions(document):
    study = est.read()
    assert document["schema"] == 1
    assert document["study"] == "dprk-shells-2024"
    assert (document["fingerprint"], document["data_digest"]) == (study.fingerprint, study.data_digest)
    assert (document["model"], document["variant"], document["seed"]) == ("steady", None, 1)
    assert re.fullmatch("[0-9a-f]{16}", document["model_digest"])
    assert document["engine"] in ("importance", "nuts")
    assert document["engine_reason"]
    assert document["interval"] == {"kind": "eti", "prob": 0.89}
    assert {"python", "estimates", "pymc", "numpy"} <= set(document["versions"])
    assert all(isinstance(version, str) for version in document["versions"].values())


def test_the_trust_of_the_document_is_a_verdict_with_numbers(document):
    trust = document["trust"]
    assert trust["verdict"] == "good"
    assert trust["notes"] == []
    assert trust["ess"] >= 400
    by_importance = document["engine"] == "importance"
    assert isinstance(trust["pareto_k"], float) == by_importance
    assert isinstance(trust["r_hat"], float) == (not by_importance)
    assert isinstance(document["log_evidence"], dict) == by_importance


def test_every_quantity_stands_at_every_fitted_report(document):
    study = est.read()
    rows = [(row["name"], row["at"], row["date"], row["unit"]) for row in document["quantities"]]
    names = [study.carriers.name, *study.quantities]
    assert rows == [
        (name, report.id, str(report.published), study.unit_of(name))
        for name in names
        for report in study.fitted
    ]


def test_every_row_of_quantities_is_in_order_and_finite(document):
    for row in document["quantities"]:
        numbers = [row[key] for key in ("mean", "sd", "lower", "median", "upper", "mcse_median")]
        assert all(isinstance(number, float) and math.isfinite(number) for number in numbers), row
        assert 0 < row["lower"] < row["median"] < row["upper"], row
        assert 0 < row["mcse_median"] < row["sd"], row


def test_the_trend_is_between_consecutive_reports_on_the_carriers(document):
    (step,) = document["trend"]
    assert (step["from"], step["to"]) == ("feb_2024", "aug_2024")
    assert step["per_day"]["unit"] == "container/day"
    for spread in (step["per_day"], step["ratio"]):
        assert 0 < spread["lower"] < spread["median"] < spread["upper"]


def test_every_unknown_of_the_model_has_a_row_and_dates_are_iso_dates(document):
    rows = {row["name"]: row for row in document["parameters"]}
    assert {
        "first_shipment",
        "daily_rate",
        "reporting_lag",
        "issuer_bias",
        "report_scatter",
        "payload",
    } <= set(rows)
    first = rows["first_shipment"]
    assert first["unit"] == "date"
    assert (
        date.fromisoformat(first["lower"])
        < date.fromisoformat(first["median"])
        < date.fromisoformat(first["upper"])
    )
    assert rows["payload"]["unit"] == "tonne/container"
    assert all(row["lower"] < row["median"] < row["upper"] for row in rows.values())


def test_every_claim_has_a_probability_with_its_error(document):
    assert [row["id"] for row in document["claims"]] == list(est.read().claims)
    for row in document["claims"]:
        assert 0 <= row["probability"] <= 1
        assert 0 <= row["mcse"] < 0.02


def test_without_out_json_writes_no_file(nothing_is_fitted, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert estimates("run", "--json").code == 0

    assert list(tmp_path.iterdir()) == []


# ---- run: files --------------------------------------------------------------------------------


def test_run_writes_three_files_and_leaves_no_temporary_one(flagship):
    _, out = flagship
    assert sorted(path.name for path in out.iterdir()) == ["estimate.json", "estimate.nc", "page.html"]


def test_the_json_file_is_what_was_printed(flagship, document):
    assert json.loads((flagship[1] / "estimate.json").read_text(encoding="utf-8")) == document


def test_the_saved_draws_give_the_same_document(estimate, document):
    assert json.loads(json.dumps(estimate.document())) == document


def test_the_page_is_one_whole_file(flagship):
    page = (flagship[1] / "page.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert page.rstrip().endswith("</html>")


def test_a_run_without_out_writes_to_results_by_study_and_model(nothing_is_fitted, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    outcome = estimates("run", "--variant", "mid_2022")

    assert outcome.code == 0
    assert (tmp_path / "results/dprk-shells-2024/steady-mid_2022/page.html").is_file()
    assert "results/dprk-shells-2024/steady-mid_2022/page.html" in outcome.out
    assert "1 issuer in 1 voice is worth 1.0 independent source of the level.\nTrust: " in outcome.out


@pytest.mark.parametrize("fault", [RuntimeError, KeyboardInterrupt])
def test_all_three_files_are_written_or_none(nothing_is_fitted, fault, tmp_path, monkeypatch):
    def broken(self, path):
        Path(path).write_bytes(b"half of it")
        raise fault

    (tmp_path / "page.html").write_text("from before", encoding="utf-8")
    monkeypatch.setattr(Estimate, "save", broken)

    outcome = estimates("run", "--out", tmp_path)

    assert outcome.code == (130 if fault is KeyboardInterrupt else 70)
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == "from before"


def test_a_result_that_is_no_number_is_a_fault_of_ours_and_is_not_written(
    nothing_is_fitted, tmp_path, monkeypatch
):
    monkeypatch.setattr(Estimate, "quantities", lambda self: [{"name": "voyages", "median": math.nan}])

    outcome = estimates("run", "--json", "--out", tmp_path)

    assert (outcome.code, outcome.out) == (70, "")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_no_fault_of_ours(nothing_is_fitted, tmp_path, monkeypatch):
    def full(self, path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Estimate, "save", full)

    outcome = estimates("run", "--out", tmp_path)

    assert (outcome.code, outcome.out) == (2, "")
    assert "cannot be written: No space left on device" in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_place_of_a_file_is_refused(nothing_is_fitted, tmp_path):
    (tmp_path / "estimate.json").mkdir()

    outcome = estimates("run", "--out", tmp_path)

    assert (outcome.code, outcome.out) == (2, "")
    assert "estimate.json: is a folder" in outcome.err
    assert [path.name for path in tmp_path.iterdir()] == ["estimate.json"]


# ---- run: exit codes ---------------------------------------------------------------------------


def test_a_bad_verdict_exits_with_1_and_is_written_and_said(nothing_is_fitted, tmp_path):
    note = "The chains disagree: the sampler has not converged."
    nothing_is_fitted(trust=Trust("bad", None, 12.0, 1.4, (note,)), engine="nuts", log_evidence=None)

    outcome = estimates("run", "--out", tmp_path)

    assert outcome.code == 1
    assert "Trust: bad (12 effective draws, R-hat 1.400)." in outcome.out
    assert note in outcome.out
    assert json.loads((tmp_path / "estimate.json").read_text(encoding="utf-8"))["trust"]["verdict"] == "bad"
    assert "bad" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_caution_exits_with_0(nothing_is_fitted):
    nothing_is_fitted(trust=Trust("caution", 0.8, 500.0, None, ()))
    assert estimates("run", "--json").code == 0


def test_a_fault_of_ours_exits_with_70_and_asks_for_a_report(monkeypatch):
    def fault(*_, **__):
        raise RuntimeError("something nobody thought of")

    monkeypatch.setattr("estimates.inference.infer", fault)

    outcome = estimates("run", "--json")

    assert (outcome.code, outcome.out) == (70, "")
    assert "something nobody thought of" in outcome.err
    assert "a fault of ours" in outcome.err


def test_an_interrupted_run_exits_with_130_and_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("estimates.inference.infer", interrupted)

    outcome = estimates("run", "--out", tmp_path / "results")

    assert (outcome.code, outcome.out) == (130, "")
    assert outcome.err == "estimates: interrupted; nothing half-written was left.\n"
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_stops_reading_is_no_error():
    program = [sys.executable, "-c", "from estimates.cli import main; main()", "check"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        running.stdout.close()
        err = running.stderr.read()
    assert (running.returncode, err) == (0, b"")


# ---- run: the terminal -------------------------------------------------------------------------


def test_run_says_the_answer_first_and_where_the_page_is_last(nothing_is_fitted, tmp_path):
    lines = estimates("run", "--out", tmp_path).out.splitlines()

    assert lines[0] == est.read().title
    assert lines[2].startswith("152 mm rounds as they travel by 27 August 2024: ")
    assert lines[3].startswith("The ministry's reading by 27 August 2024: ")
    assert (
        lines[-1]
        == f"Wrote {tmp_path}/page.html (open it next), with estimate.json and estimate.nc beside it."
    )


def test_no_escape_codes_are_printed_where_there_is_no_terminal(nothing_is_fitted, tmp_path):
    assert "\x1b" not in estimates("run", "--out", tmp_path).out
    assert "\x1b" not in estimates("check").out


# ---- models and studies of the user ------------------------------------------------------------


def test_the_stepped_model_reads_a_variant():
    outcome = estimates("run", "--json", "--model", "stepped", "--variant", "mid_2022")

    assert outcome.code == 0
    document = json.loads(outcome.out)
    assert (document["model"], document["variant"]) == ("stepped", "mid_2022")
    assert document["fingerprint"] == est.read().fingerprint
    (start,) = [row for row in document["parameters"] if row["name"] == "first_shipment"]
    assert "2022-06-01" <= start["lower"] < start["upper"] <= "2022-08-31"


def test_a_new_study_in_any_script_runs_with_a_model_file_from_another_folder(tmp_path, monkeypatch):
    (tmp_path / "мои модели").mkdir()
    (tmp_path / "мои модели" / "mine.py").write_text(MINE, encoding="utf-8")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    words = ("--carriers", "рейсы", "--unit", "рейс", "--load", "barrel")

    made = estimates("new", "нефть", *words)
    ran = estimates("run", "нефть.toml", "--model", "../мои модели/mine.py")

    assert made.code == 0
    assert ran.code == 0, ran.err
    assert Path("results/нефть/mine/page.html").is_file()
    document = json.loads(Path("results/нефть/mine/estimate.json").read_text(encoding="utf-8"))
    assert document["model"] == "mine"
    assert {row["unit"] for row in document["quantities"]} == {"рейс", "barrel"}
    assert "рейсы" in ran.out


def test_every_missing_assumption_is_asked_for_by_a_block_that_can_be_pasted(tmp_path, monkeypatch):
    assert estimates("new", "oil", "--out", tmp_path).code == 0
    path = tmp_path / "oil.toml"
    whole = path.read_text(encoding="utf-8")

    def reached(*_):
        raise EngineError("the model is built")

    monkeypatch.setattr("estimates.inference.fit_model", reached)
    names = ("first_shipment", "daily_rate", "reporting_lag", "issuer_bias", "report_scatter")
    text = re.sub(rf"\[assumption\.({'|'.join(names)})\]\n(?:.+\n)+", "", whole)
    assert text.count("[assumption.") == 1

    for _ in names:
        path.write_text(text, encoding="utf-8")
        outcome = estimates("run", path)
        assert (outcome.code, outcome.out) == (2, "")
        assert "Paste this and make it yours:" in outcome.err
        text += "\n" + outcome.err.partition("\n\n")[2]

    assert {name for name in names if f"[assumption.{name}]" in text} == set(names)
    path.write_text(text, encoding="utf-8")
    assert "the model is built" in estimates("run", path).err


def test_check_lists_what_is_missing_in_one_go(tmp_path):
    path = tmp_path / "oil.toml"
    path.write_text(OIL, encoding="utf-8")

    document = json.loads(estimates("check", path, "--json").out)
    shown = estimates("check", path)

    assert [missing["name"] for missing in document["missing"]] == [
        *("daily_rate", "report_scatter", "issuer_bias", "reporting_lag"),
    ]
    path.write_text(OIL + "\n".join(missing["paste"] for missing in document["missing"]), encoding="utf-8")
    assert json.loads(estimates("check", path, "--json").out)["missing"] == []
    assert shown.code == 0
    assert "still needs daily_rate, report_scatter, issuer_bias and reporting_lag" in shown.out
    assert "not complete" in shown.out


# ---- check, studies, models, new ---------------------------------------------------------------


def test_check_shows_how_reports_and_priors_are_read():
    outcome = estimates("check")

    assert outcome.code == 0
    assert outcome.err == ""
    assert re.search(r"feb_2024 +2024-02-26 +about 6,700 \(containers\) +\[6,650, 6,750\) +data", outcome.out)
    assert re.search(r"aug_2024_shells .* derived from aug_2024", outcome.out)
    assert re.search(r"payload +9\.5 +15\.0 +20 +tonne/container", outcome.out)
    assert est.read().fingerprint in outcome.out


def test_check_as_json_holds_what_it_shows():
    document = json.loads(estimates("check", "--json").out)

    assert document["fingerprint"] == est.read().fingerprint
    assert [report["role"] for report in document["reports"]] == [
        *("data", "derived from feb_2024", "data", "derived from aug_2024"),
        *["held out"] * 5,
    ]
    assert document["sources"] == {"issuers": 1, "voices": 1, "reports": 2, "bounds": 0, "effective": 1.0}
    assert document["missing"] == []
    assert {row["name"] for row in document["assumptions"]} == set(est.read().assumptions)


def test_check_says_how_many_independent_sources_there_are(tmp_path):
    many = estimates("check", "dprk-shells-all-reports-2024")
    number = independent_sources(est.read("dprk-shells-all-reports-2024")).effective
    assert (
        f"4 issuers in 4 voices are worth {number:.1f} independent sources of the level. 5 voices with"
        in many.out
    )
    path = tmp_path / "oil.toml"
    path.write_text(OIL, encoding="utf-8")  # it has no prior of a bias
    assert "independent source" not in estimates("check", path).out


def test_check_knows_which_assumptions_each_model_leaves_aside():
    steady, stepped = (
        json.loads(estimates("check", "--json", "-m", model).out) for model in ("steady", "stepped")
    )

    assert "later_rate" in steady["unused"]
    assert "later_rate" not in stepped["unused"]


def test_an_open_end_is_null_in_json(tmp_path):
    path = tmp_path / "oil.toml"
    path.write_text(
        OIL.replace('value = 300, hedge = "over"', 'value = 300, hedge = "over", open = true'), "utf-8"
    )

    document = json.loads(estimates("check", path, "--json").out)

    assert [report["interval"] for report in document["reports"] if report["id"] == "autumn"] == [
        [300.0, None]
    ]


def test_studies_names_every_packaged_study():
    listed = json.loads(estimates("studies", "--json").out)["studies"]
    assert [study["name"] for study in listed] == ["dprk-shells-2024", "dprk-shells-all-reports-2024"]
    for study in listed:
        assert f"{study['name']}\n    {study['title']}\n" in estimates("studies").out
        assert Path(study["path"]).is_file()


def test_models_names_every_model_and_every_assumption_with_a_fixed_name():
    outcome = estimates("models")
    document = json.loads(estimates("models", "--json").out)

    assert {"steady", "stepped", "accelerating"} <= {model["name"] for model in document["models"]}
    assert all(f"{model['name']}\n    {model['says']}" in outcome.out for model in document["models"])
    assert all(assumption["name"] in outcome.out for assumption in document["assumptions"])
    stepped = next(model for model in document["models"] if model["name"] == "stepped")
    assert stepped["assumptions"] == ["first_shipment", "daily_rate", "later_rate"]


def test_new_never_overwrites(tmp_path):
    (tmp_path / "oil.toml").write_text("mine", encoding="utf-8")

    outcome = estimates("new", "oil", "--out", tmp_path)

    assert (outcome.code, outcome.out) == (2, "")
    assert "exists already" in outcome.err
    assert (tmp_path / "oil.toml").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("name", ["a/b", "../a", "/tmp/a", "..", ".a", "", "a b", "a\nb", "a" * 81, "-a"])
def test_new_refuses_what_cannot_name_a_file(name, tmp_path):
    outcome = estimates("new", "--out", tmp_path, "--", name)

    assert (outcome.code, outcome.out) == (2, "")
    assert "cannot name a study" in outcome.err
    assert list(tmp_path.iterdir()) == []


def test_new_says_what_to_do_next_in_words_that_a_shell_takes(tmp_path):
    out = tmp_path / "my studies"

    outcome = estimates("new", "oil.toml", "--out", out)

    assert outcome.code == 0
    assert f"estimates run '{out}/oil.toml'" in outcome.out
    assert sorted(path.name for path in out.iterdir()) == ["oil.toml", "study.schema.json"]


# ---- help --------------------------------------------------------------------------------------


def test_estimates_alone_shows_the_commands_and_first_steps():
    outcome = estimates()

    assert outcome.code == 0
    assert all(f"\n  {command} " in outcome.out for command in COMMANDS)
    assert "First steps:" in outcome.out
    assert outcome.out == estimates("--help").out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_within_80_columns(command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    outcome = estimates(command, "--help")

    assert outcome.code == 0
    assert outcome.out.startswith(f"Usage: estimates {command} ")
    assert max(map(len, outcome.out.splitlines())) <= 80
    assert outcome.out == estimates(command, "-h").out


def test_the_help_of_run_shows_its_defaults():
    shown = " ".join(estimates("run", "--help").out.split())
    for default in ("dprk-shells-2024", "steady", "auto", "1", "results/STUDY/MODEL[-VARIANT]"):
        assert f"[default: {default}]" in shown


def test_the_version_is_the_one_that_is_installed():
    from importlib.metadata import version

    assert estimates("--version") == (0, f"estimates {version('estimates')}\n", "")


def test_check_never_imports_pymc():
    program = "import sys; from estimates.cli.program import _exit_code; sys.argv[1:] = ['check']; code = _exit_code(); "
    program += (
        "sys.exit(code or 'pymc' in sys.modules or 'arviz' in sys.modules or 'matplotlib' in sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=os.environ, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_the_search_for_what_overturns_a_claim_leaves_no_folder_of_its_own(tmp_path):
    program = (
        "from estimates.cli import program; from hypothesis import find, strategies as st; "
        "program._exit_code = lambda: find(st.integers(), lambda n: n > 10) - 11; program.main()"
    )
    ran = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=_without_storage(), check=False)
    assert ran.returncode == 0
    assert list(tmp_path.iterdir()) == []


def _without_storage():
    return {name: value for name, value in os.environ.items() if name != "HYPOTHESIS_STORAGE_DIRECTORY"}


def test_a_study_file_and_a_claim_come_in_either_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "oil.toml").write_text(OIL + PRIORS, encoding="utf-8")
    both = [estimates("falsify", *words, "--json") for words in (("no", "oil.toml"), ("oil.toml", "no"))]
    assert both[0] == both[1]
    assert "does not make the claim" in both[0].err or "unknown claim 'no'" in both[0].err
    alone = estimates("falsify", "oil.toml")
    assert (alone.code, alone.out) == (2, "")
    assert "no claim is named\n  oil has: doubled" in alone.err


def test_rivals_that_a_study_does_not_serve_are_left_out_unless_they_are_named(tmp_path):
    study = read_text(OIL + PRIORS)
    assert asking.rivals(study, RIVALS) == (
        "steady",
        "Left out, for the study does not have what they ask for: stepped, accelerating, lumpy.",
    )
    assert asking.rivals(study, "steady,lumpy") == ("steady,lumpy", "")
    assert asking.rivals(est.read(), RIVALS) == (RIVALS, "")


@pytest.mark.parametrize("own", ["none", "as read", "", "none,late"])
def test_the_own_reading_has_several_names(own):
    assert asking.readings(own) == [None, "late"][: 1 + own.count("late")]
    assert asking.readings("all") is asking.readings(None) is None
