"""The command line at a terminal: what it asks a person, and what it tells them to do next."""

import dataclasses
import re
import shlex
from pathlib import Path

import pytest
from command import Terminal, estimates, in_terminal
from drawn import drawn
from small import OIL

import estimates as est
from estimates.cli.saying import NEXT
from estimates.estimate import Estimate
from estimates.trust import Trust

ALL = ("--carriers", "tankers", "--unit", "tanker", "--load", "barrel")


# ---- new asks ----------------------------------------------------------------------------------


def test_new_asks_at_a_real_terminal_and_asks_again_where_an_answer_cannot_be(tmp_path):
    terminal = Terminal("new", folder=tmp_path)
    for prompt, keys in (
        ("A short name for the study: ", "my oil"),
        ("A short name for the study: ", "oil"),
        ("in the plural [voyages]: ", "oil tankers"),
        ("in the plural [voyages]: ", "tankers"),
        ("One of them [tanker]: ", ""),
        ("carries [tonne]: ", "barel"),
        ("carries [tonne]: ", "barrel"),
    ):
        terminal.waits_for(prompt)
        terminal.types(f"{keys}\r")

    assert terminal.ends() == 0
    for reason in ("'my oil' cannot name a study: a letter or digit", "'oil tankers' cannot be a name: a", "unknown unit 'barel': did you mean 'barrel'?"):  # fmt: skip
        assert reason in " ".join(terminal.shown.split())
    study = est.read(tmp_path / "oil.toml")
    assert (study.carriers.name, study.carriers.unit) == ("tankers", "tanker")
    assert study.unit_of("load") == "barrel/tanker"


@pytest.mark.parametrize("key", ["\x03", "\x04"], ids=["control C", "control D"])
def test_who_leaves_while_asked_leaves_nothing_behind(key, tmp_path):
    terminal = Terminal("new", "oil", folder=tmp_path)
    terminal.waits_for("[voyages]: ")

    assert terminal.leaves_by(key) == 130
    assert terminal.shown.endswith("\nestimates: interrupted; nothing half-written was left.\n")
    assert "Traceback" not in terminal.shown
    assert list(tmp_path.iterdir()) == []


def test_only_what_was_not_given_is_asked_for(tmp_path):
    asked = in_terminal("new", "oil", "--carriers", "tankers", "--out", tmp_path, typed="\n\n")
    told = in_terminal("new", "gas", *ALL, "--out", tmp_path)

    assert asked.code == told.code == 0
    assert "short name" not in asked.out
    assert "in the plural" not in asked.out
    assert "One of them [tanker]: " in asked.out
    assert ": " not in told.out.partition("Wrote")[0]
    assert est.read(tmp_path / "oil.toml").unit_of("load") == "tonne/tanker"


def test_what_was_given_and_cannot_be_is_refused_before_anything_is_asked(tmp_path):
    outcome = in_terminal("new", "--carriers", "oil tankers", "--out", tmp_path, typed="oil\n")

    assert (outcome.code, outcome.out) == (2, "")
    assert "--carriers: 'oil tankers' cannot be a name" in outcome.err


def test_a_name_that_is_taken_is_asked_for_again(tmp_path):
    (tmp_path / "oil.toml").write_text("mine", encoding="utf-8")

    outcome = in_terminal("new", *ALL, "--out", tmp_path, typed="oil\noil.toml\ngas.toml\n")

    assert outcome.code == 0
    assert outcome.out.count("  exists already: choose another name") == 2
    assert (tmp_path / "oil.toml").read_text(encoding="utf-8") == "mine"
    assert est.read(tmp_path / "gas.toml").name == "gas"


@pytest.mark.parametrize("word", ["daily_rate", "report", "cargo"])
def test_a_word_that_a_study_keeps_for_itself_is_asked_for_again(word, tmp_path):
    outcome = in_terminal("new", "oil", "--load", "kg", "--out", tmp_path, typed=f"{word}\ntrucks\n\n")

    assert outcome.code == 0
    assert f"'{word}'" in outcome.out
    assert est.read(tmp_path / "oil.toml").carriers.name == "trucks"


def test_away_from_a_terminal_nothing_is_asked(tmp_path):
    nameless = estimates("new", "--out", tmp_path)
    named = estimates("new", "oil", "--out", tmp_path)

    assert (nameless.code, nameless.out) == (2, "")
    assert "the study has no name\n  Give one: estimates new NAME" in nameless.err
    assert named.out.startswith("Wrote ")
    assert est.read(tmp_path / "oil.toml").carriers.name == "voyages"


# ---- what to do next ---------------------------------------------------------------------------


@pytest.fixture
def oil(tmp_path, monkeypatch):
    """A complete study in a folder whose name a shell would break in two, whose fits are drawn from its prior."""
    monkeypatch.chdir(tmp_path)
    path = Path("my studies") / "oil.toml"
    assert estimates("new", "oil", "--out", path.parent).code == 0
    monkeypatch.setattr("estimates.inference.infer", lambda study, *_, **__: drawn(study))
    return path


def told(out: str) -> list[str]:
    """The words of the command that the last line tells."""
    last = out.rstrip().splitlines()[-1]
    assert re.match("Next, .*: estimates ", last), last
    return shlex.split(last[last.index(": estimates ") + 2 :])


def test_a_run_tells_a_person_to_compare_what_the_study_serves_with_the_options_of_the_run(oil):
    mine = Path(est.__file__).parent.parent / "models" / "steady.py"
    Path("mine.py").write_text(mine.read_text("utf-8"), "utf-8")

    outcome = in_terminal("run", oil, "-m", "./mine.py", "--seed", "3", "--out", "a b")

    words = ["--models", "steady,./mine.py", "--seed", "3", "--out", "a b"]
    assert told(outcome.out) == ["estimates", "compare", str(oil), *words]
    assert "Next, " not in estimates("run", oil).out
    assert "Next, " not in in_terminal("run", oil, "--json").out


def test_a_run_of_the_only_model_that_the_study_serves_tells_to_ask_what_carries_the_answer(oil):
    outcome = in_terminal("run", oil, "--variant", "heavy")

    assert told(outcome.out) == ["estimates", "sensitivity", str(oil), "--variant", "heavy"]


def test_a_run_of_a_study_that_serves_all_rivals_names_none(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("estimates.inference.infer", lambda study, *_, **__: drawn(study))

    assert told(in_terminal("run").out) == ["estimates", "compare", "dprk-shells-2024"]


def test_after_a_bad_verdict_the_laws_are_tried(oil, monkeypatch):
    bad = Trust("bad", None, 12.0, 1.4, ("The chains disagree.",))
    monkeypatch.setattr("estimates.inference.infer", lambda study, *_, **__: with_trust(drawn(study), bad))

    outcome = in_terminal("run", oil, "--variant", "heavy")

    assert outcome.code == 1
    assert told(outcome.out) == ["estimates", "check", "--laws", str(oil), "--variant", "heavy"]


def with_trust(estimate: Estimate, trust: Trust) -> Estimate:
    return Estimate(estimate.study, estimate.data, dataclasses.replace(estimate.conditions, trust=trust))


def test_a_check_tells_to_run_and_one_that_is_not_complete_to_check_again(oil):
    Path("small.toml").write_text(OIL, encoding="utf-8")

    assert told(in_terminal("check", oil, "--model", "stepped").out)[:2] == [
        "estimates",
        "check",
    ]  # no later_rate
    assert told(in_terminal("check", oil, "--variant", "heavy").out) == [
        "estimates",
        "run",
        str(oil),
        "--variant",
        "heavy",
    ]
    assert told(in_terminal("check", "small.toml").out) == ["estimates", "check", "small.toml"]


def test_every_command_that_is_told_is_one_that_the_command_line_takes():
    for _, command in NEXT.values():
        shown = estimates(command.split()[0], "--help")
        assert shown.code == 0
        for option in re.findall("--[a-z]+", command):
            assert option in shown.out, command
