"""Finding model files by name and by path, and refusing what is no model."""

import importlib.util
import sys
from pathlib import Path

import pytest

from estimates import shelf
from estimates.errors import ModelError, StudyError
from estimates.study import read

STUDY = read()
MINE = '''"""Mine: a flow of my own.

More words.
"""

import pytensor.tensor as pt

from estimates import Study, terms


def build(study: Study):
    with terms.frame(study) as model:
        rate = terms.assumption("daily_rate")
        terms.flow(lambda day: rate * pt.maximum(day - 10.0, 0.0))
    return model
'''


@pytest.fixture
def file(tmp_path):
    def written(text, name="mine.py"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return written


def test_the_shelf_holds_the_three_trend_models():
    assert {"steady", "stepped", "accelerating"} <= set(shelf.models())
    assert all(path.is_file() for path in shelf.models().values())


def test_a_model_is_found_by_name():
    assert shelf.find("steady").path == shelf.models()["steady"].resolve()


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_a_model_of_your_own_is_found_by_path_and_built(file, kind):
    found = shelf.find(kind(file(MINE)))
    assert found.name == "mine"
    assert "containers" in found.build(STUDY).named_vars


def test_a_path_relative_to_the_folder_is_a_path(file, monkeypatch):
    path = file(MINE)
    monkeypatch.chdir(path.parent)
    assert shelf.find("mine.py").path == path.resolve()
    assert shelf.find("./mine.py").path == path.resolve()


def test_a_name_that_is_on_the_shelf_is_not_looked_for_in_the_folder(file, monkeypatch):
    monkeypatch.chdir(file(MINE, "steady").parent)
    assert shelf.find("steady").path == shelf.models()["steady"].resolve()


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(ModelError, match=r"unknown model 'steddy'[\s\S]*Did you mean 'steady'"):
        shelf.find("steddy")


def test_a_path_to_nothing_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"none.py: is no file"):
        shelf.find(tmp_path / "none.py")


def test_a_folder_is_no_model(tmp_path):
    with pytest.raises(ModelError, match="is no file"):
        shelf.find(tmp_path)


def test_a_binary_file_is_no_model(file):
    with pytest.raises(ModelError, match="not a text file"):
        shelf.find(file(b"\xff\xfe\x00\x01"))


def test_an_enormous_file_is_no_model(file):
    with pytest.raises(ModelError, match="too large"):
        shelf.find(file("#" * (shelf.LARGEST_FILE + 1)))


def test_the_digest_is_that_of_the_text(file):
    one, same, other = (
        shelf.find(file(MINE + end, f"m{i}.py")) for i, end in enumerate(["", "", "# more\n"])
    )
    assert one.digest == same.digest != other.digest


def test_the_first_line_and_the_assumptions_are_read_without_running(file):
    found = shelf.find(
        file('"""First."""\nraise SystemExit\nterms.assumption("a"); assumption( \'b\' ); assumption("a")\n')
    )
    assert found.first_line == "First."
    assert found.assumptions == ("a", "b")


def test_a_file_without_words_says_so(file):
    assert shelf.find(file("x = 1\n")).first_line == "No description."
    assert shelf.find(file("def (\n")).first_line == "No description."


def test_a_built_model_is_not_entered_among_the_modules(file):
    before = set(sys.modules)
    shelf.find(file(MINE)).build(STUDY)
    assert not [name for name in set(sys.modules) - before if "mine" in name]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("x = 1\n", r"has no function build\(study\)"),
        ("build = 3\n", r"has no function build\(study\)"),
        ("import nonsuch\n", r"cannot be run: ModuleNotFoundError: .*nonsuch.*\(line 1\)"),
        ("\n\ndef build(study:\n", r"cannot be run: SyntaxError"),
        ("def build(study):\n    return 1 / 0\n", r"failed: ZeroDivisionError.*\(line 2\)"),
        ("def build():\n    pass\n", r"failed: TypeError"),
        ("def build(study):\n    return None\n", r"NoneType"),
        ("def build(study):\n    return {'a': 1}\n", r"dict"),
        ("import pymc as pm\ndef build(study):\n    return pm.Model()\n", r"has no reports in it"),
        (
            "from estimates import terms\ndef build(study):\n    return terms.frame(study)\n",
            r"has no reports in it",
        ),
        ("def build(study):\n    raise SystemExit(3)\n", r"SystemExit"),
        ("raise SystemExit(3)\n", r"SystemExit"),
    ],
)
def test_a_file_that_keeps_no_contract_is_refused_with_its_path(file, text, complaint):
    path = file(text)
    with pytest.raises(ModelError, match=complaint) as caught:
        shelf.find(path).build(STUDY)
    assert str(path.resolve()) in caught.value.where


def test_an_assumption_that_the_study_lacks_is_the_studys_error(file):
    with pytest.raises(StudyError, match="no assumption 'wind'"):
        shelf.find(file(MINE.replace("daily_rate", "wind"))).build(STUDY)


def test_the_page_of_the_shelf_is_what_the_docstrings_make_now():
    path = Path(__file__).parent.parent / "docs/shelf_page.py"
    spec = importlib.util.spec_from_file_location("shelf_page", path)
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    assert (shelf.folder() / "README.md").read_text(encoding="utf-8") == made.page(), (
        "python docs/shelf_page.py"
    )
