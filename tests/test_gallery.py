"""`estimates plot`: one picture from what earlier commands wrote, and nothing fitted for it."""

import json
import shutil

import made
import pytest
from command import estimates
from drawn import drawn
from small import OIL, changed

from estimates import gallery
from estimates.study import read_text
from estimates.trust import of_importance

STUDY = read_text(OIL, "oil.toml")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """What `run`, `sensitivity`, `compare` and `sweep` leave for a small study."""
    home = tmp_path_factory.mktemp("written")
    folder = home / "results" / "oil"
    estimate = drawn(STUDY)
    estimate.save(folder / "steady" / "estimate.nc")
    keep(folder / "steady" / "estimate.json", estimate.document())
    keep(folder / "steady" / "sensitivity.json", made.sensitivity(STUDY).document())
    comparison = {"schema": 1, "fingerprint": STUDY.fingerprint, "headline": made.comparison(STUDY).across()}
    keep(folder / "compare.json", comparison)
    (folder / "sweep").mkdir()
    made.sweep(STUDY).table.to_parquet(folder / "sweep" / "sweep.parquet")
    return home


def keep(path, document):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8")


@pytest.fixture
def home(written, tmp_path, monkeypatch):
    """A copy of it to work in, where fitting is an error."""
    shutil.copytree(written, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("estimates.inference.infer", lambda *_, **__: pytest.fail("fitted"))
    return tmp_path


# ---- drawing -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("carriers", "steady"),
        ("headline", "steady"),
        ("pace", "steady"),
        ("drivers", "steady"),
        ("stories", ""),
        ("curve", "sweep"),
    ],
)
def test_every_picture_is_drawn_into_the_folder_of_what_it_shows(home, name, folder):
    outcome = estimates("plot", name, "results/oil/steady")

    path = home / "results" / "oil" / folder / f"{name}.svg"
    assert outcome == (0, f"Wrote {path.relative_to(home)}.\n", "")
    assert path.read_text(encoding="utf-8").startswith("<svg ")


@pytest.mark.parametrize("result", ["oil", "results/oil", "results/oil/steady/estimate.nc", "oil.toml"])
def test_a_result_is_named_by_folder_file_or_study(home, result):
    (home / "oil.toml").write_text(OIL, encoding="utf-8")

    assert estimates("plot", "carriers", result).out == "Wrote results/oil/steady/carriers.svg.\n"


def test_the_ending_says_which_format_is_written(home):
    assert estimates("plot", "pace", "oil", "--out", "new/a.PNG").code == 0
    assert (home / "new" / "a.PNG").read_bytes().startswith(b"\x89PNG")


def test_without_a_name_the_pictures_are_listed_a_line_each():
    outcome = estimates("plot")

    assert outcome.code == 0
    lines = outcome.out.splitlines()
    for name, kind in gallery.KINDS.items():
        assert any(line.split() == [name, *line.split()[1:]] and kind.says in line for line in lines)


def test_a_picture_of_a_bad_fit_is_written_and_says_so(home):
    drawn(STUDY, trust=of_importance(1.4, 9.0, 0.3)).save(home / "results/oil/steady/estimate.nc")
    outcome = estimates("plot", "carriers", "oil")

    assert outcome.code == 1
    assert "verdict bad" in outcome.out
    assert (home / "results/oil/steady/carriers.svg").is_file()


# ---- refusing ----------------------------------------------------------------------------------


def refused(*words):
    outcome = estimates("plot", *words)
    assert (outcome.code, outcome.out) == (2, "")
    return outcome.err


def test_a_wrong_name_is_refused_with_the_near_miss_and_the_list(home):
    said = refused("carrier", "oil")

    assert "unknown picture 'carrier'\n  Did you mean 'carriers'? Known:" in said
    assert gallery.listing() in said


@pytest.mark.parametrize(
    ("name", "result", "command"),
    [
        ("carriers", "tea", "estimates run tea.toml"),
        ("carriers", "dprk-shells-2024", "estimates run dprk-shells-2024"),
        (
            "drivers",
            "results/oil/stepped-late",
            "estimates sensitivity oil.toml --model stepped --variant late",
        ),
        ("stories", "results/tea/steady", "estimates compare tea.toml"),
        ("curve", "tea", "estimates sweep tea.toml"),
        ("carriers", "elsewhere/mine", "estimates run STUDY --out elsewhere/mine"),
    ],
)
def test_where_nothing_is_there_the_command_to_run_first_is_named(home, name, result, command):
    before = sorted(home.rglob("*"))
    said = refused(name, result)

    assert f"there is no {gallery.KINDS[name].file} to draw this from" in said
    assert f"Run this first: {command}\n" in said
    assert sorted(home.rglob("*")) == before


def test_the_command_to_run_first_is_that_of_the_estimate_beside(home):
    estimate = drawn(STUDY.variant("late"), model="stepped")
    keep(home / "mine" / "estimate.json", estimate.document())

    command = "estimates sensitivity oil.toml --model stepped --variant late --out mine"
    assert f"Run this first: {command}\n" in refused("drivers", "./mine")


def test_of_several_results_the_one_of_the_usual_model_is_drawn_else_one_must_be_named(home):
    folder = home / "results" / "oil"
    shutil.copytree(folder / "steady", folder / "stepped")
    assert "oil/steady/pace.svg" in estimates("plot", "pace", "oil").out

    (folder / "steady").rename(folder / "lumpy")
    assert "Give one of them: results/oil/lumpy and results/oil/stepped." in refused("pace", "oil")


@pytest.mark.parametrize("name", ["a.pdf", "a"])
def test_another_ending_is_refused(home, name):
    assert "Give --out a name that ends in .svg or .png." in refused("pace", "oil", "--out", name)


@pytest.mark.parametrize(
    "text", ["", "{", '{"schema": 1, "fingerprint": "FINGERPRINT"}', '{"schema": 2}', "[]"]
)
def test_a_file_that_is_not_what_its_name_says_is_refused(home, text):
    path = home / "results" / "oil" / "steady" / "sensitivity.json"
    path.write_text(text.replace("FINGERPRINT", STUDY.fingerprint), encoding="utf-8")

    said = refused("drivers", "oil")
    assert "results/oil/steady/sensitivity.json: cannot be drawn" in said
    assert "Write it anew: estimates sensitivity oil.toml\n" in said


def test_findings_about_another_version_of_the_study_are_refused(home):
    later = read_text(changed("value = 120", "value = 130"), "oil.toml")
    document = {"schema": 1, "fingerprint": later.fingerprint, "headline": made.comparison(later).across()}
    keep(home / "results" / "oil" / "compare.json", document)

    assert "is of another version of the study than" in refused("stories", "results/oil/steady")
    # Of the folder of a study, too: the file lies beside an estimate below it.
    outdated = home / "results/oil/steady/sensitivity.json"
    keep(outdated, json.loads(outdated.read_text(encoding="utf-8")) | {"fingerprint": "older"})
    assert "is of another version of the study than" in refused("drivers", "results/oil")
    assert estimates("plot", "stories", "oil").code == 0


def test_text_of_a_study_is_text_in_the_file(home):
    title = '<script>alert("1")</script>'
    study = read_text(OIL.replace("[quantity.oil]", f"[quantity.oil]\nsays = '{title}'"), "oil.toml")
    keep(
        home / "evil" / "compare.json",
        {"schema": 1, "fingerprint": study.fingerprint, "headline": made.comparison(study).across()},
    )
    assert estimates("plot", "stories", "./evil").code == 0
    svg = (home / "evil" / "stories.svg").read_text(encoding="utf-8")
    assert "<script" not in svg
    assert "&lt;script&gt;" in svg
