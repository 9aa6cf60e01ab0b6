"""The documentation: what it tells people to type works, and what it shows is what they will see."""

import ast
import functools
import gc
import importlib
import inspect
import json
import re
import shutil
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
import typer
from command import estimates
from pages import ROOT, Shell, blocks, difference, edited, steps, words_of

import estimates as est
from estimates import comparison
from estimates.cli import program
from estimates.inference import importance, learning
from estimates.study import read_text

PAGES = {
    path.relative_to(ROOT).as_posix(): path for path in (ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")))
}
LINKING = (
    *PAGES.values(),
    *(ROOT / name for name in ("ARCHITECTURE.md", "CONTRIBUTING.md", "models/README.md")),
)

# What cannot be run, by page: a block more or less is to be noticed.
NOT_RUN = {
    "README.md": ["make sets up an environment", "takes minutes", "takes minutes"],
    "docs/first-hour.md": ["make sets up an environment", "takes a minute"],
    "docs/index.md": ["make sets up an environment"],
    "docs/models.md": ["the files are yours", "an excerpt of a model file"],
    "docs/testing.md": [
        "tests/test_testing.py runs it",
        "the model file is yours",
        "the function and the study are yours",
    ],
}

# Nothing is computed in these, so that their output is the same everywhere.
EXACT = ("echo", "check", "new", "models", "studies")

# Of a question: how it is computed, and not what is asked.
HOW = ("progress", "workers", "out")

FEW_LESSONS = replace(
    learning.THOROUGH,
    prior=8192,
    population=1024,
    explorers=512,
    training=2048,
    components=8,
    rounds=2,
    round_points=2048,
)
"""Enough for the posteriors of the examples: the weights decide whether they are believed."""


# ---- running ---------------------------------------------------------------------------------------


def _plain(value):
    """What is equal for two equal questions, whether the command line asked or Python."""
    if isinstance(value, est.Study):
        return repr(value.__reduce__()[1])
    if isinstance(value, Path):
        return value.stem
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, est.Multiverse):
        return _plain([*vars(value).values()])
    if isinstance(value, dict):
        return _plain([*value.items()])
    return float(value) if isinstance(value, int) else value


@pytest.fixture(scope="session")
def answers(flagship_fit) -> dict:
    """What was computed already, by question."""
    known = {}
    _once(est.infer, known, lambda *_, **__: flagship_fit)(est.read(), "steady", seed=1)
    return known


@pytest.fixture
def little_is_computed(answers, monkeypatch):
    """Nothing twice, though the pages ask the same in the shell and in Python; few lessons and rereadings."""
    for name in ("infer", "compare", "verdicts", "falsify", "sensitivity", "sweep"):
        module = importlib.import_module(est._HOMES[name])
        monkeypatch.setattr(module, name, _once(getattr(module, name), answers))
    monkeypatch.setattr(importance, "Learner", functools.partial(_learner, learning.Learner))
    all_of_them = comparison.rereadings
    monkeypatch.setattr(comparison, "rereadings", lambda *study: list(all_of_them(*study))[:2])


def _learner(learner, evaluate, draw_prior, rng, budget=FEW_LESSONS):
    return learner(evaluate, draw_prior, rng, budget)


def _once(function, answers, computed=None):
    """`function`, or what is `computed` in its place, asked once for every question."""

    @functools.wraps(function)
    def asked(*args, **options):
        given = inspect.signature(function).bind(*args, **options)
        given.apply_defaults()
        study, *rest = (value for key, value in given.arguments.items() if key not in HOW)
        studies = study if isinstance(study, list) else [study]
        key = json.dumps([function.__name__, _plain(studies), _plain(rest)])
        if key not in answers:
            if "workers" in given.arguments:
                given.arguments["workers"] = 1  # others start Python anew
            answers[key] = (computed or function)(*given.args, **given.kwargs)
        return answers[key]

    return asked


@pytest.fixture
def checkout(tmp_path, monkeypatch, little_is_computed):
    """A folder in which what the pages name lies where a checkout has it."""
    shutil.copytree(ROOT / "docs/examples", tmp_path / "docs/examples")
    monkeypatch.chdir(tmp_path)
    gc.disable()  # as the command line does
    yield tmp_path
    gc.enable()


def _wrong(page: str) -> list[str]:
    """What does not go as a page says, after all its blocks in order."""
    shell, names, wrong = Shell(), {"__name__": page}, []
    for block in blocks(PAGES[page].read_text(encoding="utf-8")):
        try:
            _try(block, shell, names)
        except Exception as error:
            wrong.append(f"{page}:{block.line}: {error!r}")
    if shell.code:
        wrong.append(f"{page}: the last command failed, and the page does not say so")
    return wrong


def _try(block, shell, names):
    if block.mark == "not run":
        _look_at(block)
    elif block.language == "toml":
        read = tomllib.loads(block.text)
        if "format" in read:
            read_text(block.text)
        if block.mark == "edit":
            file = Path(block.says)
            file.write_text(edited(file.read_text(encoding="utf-8"), block.text), encoding="utf-8")
    elif block.language == "python":
        exec(compile(block.text, f"line {block.line}", "exec"), names)
    else:
        for step in steps(block):
            printed = shell(step.command)
            exact = step.command.removeprefix("estimates ").split()[0] in EXACT
            wrong = step.shown and difference(step.shown, printed, exact=exact)
            assert not wrong, f"{step.command}: {wrong}"


def _look_at(block):
    """What can be said of a block without running it: its words are known."""
    if block.language == "python":
        ast.parse(block.text)
        for name in re.findall(r"\best\.(\w+)", block.text):
            getattr(est, name)
    elif block.language == "toml":
        tomllib.loads(block.text)
    else:
        for step in steps(block):
            name, *words = words_of(step.command)
            if name == "estimates":
                command = typer.main.get_command(program.app).commands[words[0]]
                command.make_context(words[0], words[1:])


# ---- the pages -------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_a_page_goes_as_it_says(page, checkout):
    wrong = _wrong(page)
    assert not wrong, (
        "\n\n".join(wrong) + "\n\nAre the pages behind? python docs/transcripts.py writes them anew."
    )


def test_every_block_that_is_not_run_is_known_and_says_why():
    found = {
        name: [block.says for block in blocks(path.read_text(encoding="utf-8")) if block.mark == "not run"]
        for name, path in PAGES.items()
    }
    assert {name: reasons for name, reasons in found.items() if reasons} == NOT_RUN


@pytest.mark.parametrize("page", PAGES)
def test_every_mark_in_a_page_stands_above_a_block(page):
    text = PAGES[page].read_text(encoding="utf-8")
    marks = re.findall(r"<!-- (?:not run|edit)", text)
    assert len(marks) == sum(bool(block.mark) for block in blocks(text))


def test_the_study_of_the_first_hour_is_the_example(checkout):
    estimates("new", "tankers", "--carriers", "voyages", "--unit", "voyage", "--load", "barrel")
    text = Path("tankers.toml").read_text(encoding="utf-8")
    for block in blocks(PAGES["docs/first-hour.md"].read_text(encoding="utf-8")):
        text = edited(text, block.text) if block.mark == "edit" else text
    assert text == Path("docs/examples/tankers.toml").read_text(encoding="utf-8")


def test_the_page_has_the_sections_that_the_first_hour_names():
    section = (
        PAGES["docs/first-hour.md"].read_text(encoding="utf-8").split("## The page")[1].split("\n## ")[0]
    )
    headings = re.findall(
        r"<h2>(.+?)</h2>", (ROOT / "estimates/templates/page.html.j2").read_text(encoding="utf-8")
    )
    assert len(named := re.findall(r"\*\*(.+?)\*\*", section)) > 5
    assert not set(named) - set(headings)


def test_the_conditions_to_print_with_a_number_are_in_every_document(flagship_fit):
    rows = re.findall(r"^\| .+? \| (`.+?`) \|", PAGES["docs/cite.md"].read_text(encoding="utf-8"), re.M)
    assert len(keys := re.findall(r"`(\w+)`", " ".join(rows))) > 5
    assert not set(keys) - set(flagship_fit.document())


# ---- the reference ---------------------------------------------------------------------------------


def test_the_reference_lists_every_name_of_the_library_and_no_other():
    text = PAGES["docs/reference.md"].read_text(encoding="utf-8")
    listed = re.findall(r"^\.\. auto\w+:: estimates\.(\w+)$", text, re.M)
    assert sorted(listed) == sorted(est.__all__)


# ---- links -----------------------------------------------------------------------------------------


def _anchors(path: Path) -> set[str]:
    """The headings of a page as Sphinx and GitHub make anchors of them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _targets(path: Path) -> list[str]:
    text = re.sub(r"^ *```.*?^ *``` *$", "", path.read_text(encoding="utf-8"), flags=re.M | re.S)
    return [target for target in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"[a-z]+:", target)]


@pytest.mark.parametrize("path", LINKING, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_relative_link_leads_somewhere(path):
    lost = []
    for target in _targets(path):
        name, _, anchor = target.partition("#")
        file = (path.parent / name) if name else path
        if not file.exists() or (anchor and file.suffix == ".md" and anchor not in _anchors(file)):
            lost.append(target)
    assert not lost


# ---- the tools of this file ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "printed", "alike"),
    [
        ("1,600 (600 to 3,400)", "1,620 (600 to 3,300)", True),
        ("1,600 (600 to 3,400)", "1,900 (600 to 3,300)", False),
        ("28 Feb 2024 holds", "2 Mar 2024 holds", True),
        ("28 Feb 2024 holds", "28 Mar 2024 holds", False),
        ("holds under steady", "does not hold under steady", False),
        ("k-hat 0.40, 19,621 effective draws", "k-hat -0.1, 800 effective draws", True),
        ("first\n...\nlast", "first\nmany\nmore\nlast", True),
        ("first\n...\nlast", "first\nmany\nlast\nmore", False),
        ("first\n...", "first\nmany", True),
    ],
)
def test_what_is_shown_may_differ_as_two_seeds_do(shown, printed, alike):
    assert (not difference(shown, printed, exact=False)) is alike


def test_where_nothing_is_computed_every_digit_is_compared():
    assert difference("about 120", "about 121", exact=True) == "120 is shown and 121 printed"


def test_an_edit_takes_the_place_of_a_table_or_comes_after_its_kind():
    study = 'name = "x"\ncarriers = 1\n\n[a.one]\nx = 1\n\n[a.two]\nx = 2\n\n# ---- b\n\n[b.one]\nx = 3\n'
    change = "knot = 2024-01-01\n\n[a.two]\nx = 5\n\n[a.three]\nx = 6\n"
    made = tomllib.loads(edited(study, change))
    assert made["a"] == {"one": {"x": 1}, "two": {"x": 5}, "three": {"x": 6}}
    assert (str(made["knot"]), made["b"]) == ("2024-01-01", {"one": {"x": 3}})
