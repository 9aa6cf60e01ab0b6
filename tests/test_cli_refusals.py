"""Every bad input of a user: one clear message on stderr, exit code 2, stdout empty, nothing written."""

import socket
from pathlib import Path

import pytest
from command import estimates
from small import OIL, changed

# What was changed in a valid study -> what the message must tell: the value, where, and the remedy.
BAD_STUDIES = {
    "a misspelt field": (
        changed("horizon =", "horizn ="),
        ["unknown field 'horizn'", "Did you mean 'horizon'?"],
    ),
    "a misspelt field of a report": (
        changed("issuer =", "isuer ="),
        ["report 'spring'", "unknown field 'isuer'", "Did you mean 'issuer'?"],
    ),
    "a missing field": (
        changed('issuer = "port"\n', ""),
        ["report 'spring'", "'issuer' is missing", "Who said it"],
    ),
    "a misspelt name in a formula": (
        changed("voyages * cargo", "voyages * carga"),
        ["quantity.oil", "unknown name 'carga'", "Did you mean 'cargo'?"],
    ),
    "a misspelt name in a claim": (
        changed("voyages[spring] >=", "voyges[spring] >="),
        ["claim.doubled", "unknown name 'voyges'", "Did you mean 'voyages'?"],
    ),
    "a misspelt unit": (
        changed('"barrel/voyage"', '"barel/voyage"'),
        ["assumption.cargo", "unknown unit 'barel'", "Did you mean 'barrel'?"],
    ),
    "an ambiguous unit": (
        changed('"barrel/voyage"', '"ton/voyage"'),
        ["'ton' is ambiguous", "tonne, short_ton or long_ton"],
    ),
    "a misspelt hedge": (
        changed('hedge = "about"', 'hedge = "abuot"'),
        ["report 'spring'", "unknown hedge 'abuot'", "Did you mean 'about'?"],
    ),
    "a misspelt family": (
        changed('family = "lognormal"', 'family = "lognorml"'),
        ["assumption.cargo", "unknown family 'lognorml'", "Did you mean 'lognormal'?"],
    ),
    "quantiles out of order": (
        changed("q05 = 300_000, q95 = 900_000", "q05 = 900_000, q95 = 300_000"),
        ["assumption.cargo", "900000", "300000"],
    ),
    "quantiles that the family cannot have": (
        changed("q05 = 300_000, q95 = 900_000", "q05 = -300_000, q95 = 900_000"),
        ["assumption.cargo", "lognormal"],
    ),
    "quantiles beyond the bounds": (
        changed("q05 = 300_000, q95 = 900_000", "q05 = 300_000, q95 = 900_000, upper = 800_000"),
        ["assumption.cargo", "800000"],
    ),
    "a field of another family": (
        changed("q05 = 300_000, q95 = 900_000", "q05 = 300_000, q95 = 900_000, df = 3"),
        ["assumption.cargo", "df"],
    ),
    "a wrong dimension": (
        changed('[quantity.oil]\nunit = "barrel"', '[quantity.oil]\nunit = "kg"'),
        ["quantity.oil", "kg"],
    ),
    "adding voyages to barrels": (
        changed("voyages * cargo", "voyages + cargo"),
        ["quantity.oil", "cannot add or subtract voyage and length^3/voyage"],
    ),
    "comparing voyages with barrels": (
        changed("voyages[autumn] / voyages[spring] >= 2", "voyages[autumn] >= cargo"),
        ["claim.doubled", "Both sides need one dimension"],
    ),
    "a cycle": (
        changed("voyages * cargo", "voyages * cargo + oil"),
        ["quantity.oil", "oil -> oil"],
    ),
    "a call": (
        changed("voyages * cargo", "max(voyages, 3) * cargo"),
        ["quantity.oil", "a call: there are no functions", "max(voyages, 3)"],
    ),
    "an attribute": (
        changed("voyages * cargo", "voyages.real * cargo"),
        ["quantity.oil", "an attribute: there are none", "voyages.real"],
    ),
    "an import": (
        changed("voyages * cargo", "__import__('os')"),
        ["quantity.oil", "there are no functions", "__import__"],
    ),
    "a claim that is no statement": (
        changed("voyages[autumn] / voyages[spring] >= 2", "voyages[autumn] / voyages[spring]"),
        ["claim.doubled", "comparison"],
    ),
    "a claim on an unknown report": (
        changed("voyages[spring] >= 2", "voyages[sprng] >= 2"),
        ["claim.doubled", "unknown report 'sprng'", "Did you mean 'spring'?"],
    ),
    "a claim without a day": (
        changed("voyages[spring] >= 2", "voyages >= 2"),
        ["claim.doubled", "voyages without a day", "voyages[report_id]"],
    ),
    "a report as of a day after its publication": (
        changed("published = 2024-03-01", "published = 2024-03-01\nas_of = 2024-03-02"),
        ["report 'spring'", "as of 2024-03-02", "published 2024-03-01"],
    ),
    "a report before the epoch": (
        changed("published = 2024-03-01", "published = 2022-03-01"),
        ["report 'spring'", "2022-03-01", "2023-01-01"],
    ),
    "a report after the horizon": (
        changed("published = 2024-03-01", "published = 2034-03-01"),
        ["report 'spring'", "2034-03-01", "2024-12-31"],
    ),
    "zero": (changed("value = 120", "value = 0"), ["report 'spring'", "the value 0", "greater than 0"]),
    "a negative value": (changed("value = 120", "value = -120"), ["the value -120", "greater than 0"]),
    "not a number": (changed("value = 120", "value = nan"), ["the value nan", "finite"]),
    "infinity": (changed("value = 120", "value = inf"), ["the value inf", "finite"]),
    "a word for a number": (changed("value = 120", 'value = "120"'), ["report 'spring'", "number", "'120'"]),
    "a moment for a day": (
        changed("published = 2024-03-01", "published = 2024-03-01T10:00:00"),
        ["report 'spring'", "published", "date"],
    ),
    "two reports with one id": (
        changed('id = "autumn"', 'id = "spring"'),
        ["two reports with the id 'spring'"],
    ),
    "a report of an unknown quantity": (
        changed('measures = "voyages"', 'measures = "voyges"'),
        ["report 'spring'", "'voyges'", "Did you mean 'voyages'?"],
    ),
    "a report derived from an unknown one": (
        changed('derived_from = "autumn"', 'derived_from = "autum"'),
        ["report 'autumn_oil'", "unknown report 'autum'", "Did you mean 'autumn'?"],
    ),
    "no report at all": (
        OIL[: OIL.index("[[report]]")] + OIL[OIL.index("[assumption.cargo]") : OIL.index("[claim")],
        ["no report at all", "[[report]]"],
    ),
    "a variant of an unknown assumption": (
        changed("assumption.first_shipment.prior", "assumption.first_shipmnt.prior"),
        ["variant.late", "unknown assumption 'first_shipmnt'", "Did you mean 'first_shipment'?"],
    ),
    "a variant without a basis": (
        changed('basis = "The autumn count alone."\n', ""),
        ["variant.one_count", "'basis' is missing"],
    ),
    "a format of the future": (changed("format = 1", "format = 2"), ["format", "1"]),
    "broken TOML": (changed("[[report]]", "[[report]"), ["not valid TOML", "line 9"]),
    "an empty file": ("\n", ["empty", "estimates new"]),
    "something else": ("[project]\nname = 'x'\n", ["project"]),
}


@pytest.mark.parametrize("fault", BAD_STUDIES)
def test_a_bad_study_is_refused_with_a_message_that_tells_what_where_and_the_remedy(fault, tmp_path):
    text, told = BAD_STUDIES[fault]
    path = tmp_path / "oil.toml"
    path.write_text(text, encoding="utf-8")

    outcome = estimates("check", path)

    refused(outcome, str(path), *told)
    assert list(tmp_path.iterdir()) == [path]


def test_a_message_never_commands_the_terminal(tmp_path):
    path = tmp_path / "oil.toml"
    path.write_text(changed('id = "autumn"', 'id = "\\u001b[31m"'), encoding="utf-8")
    outcome = estimates("check", path)
    refused(outcome, "cannot be a name")
    assert "\x1b" not in outcome.err


def test_a_file_that_does_not_exist_is_refused(tmp_path):
    refused(
        estimates("check", tmp_path / "oil.toml"), "oil.toml: does not exist", "path of a TOML study file"
    )


def test_a_folder_is_no_study(tmp_path):
    refused(estimates("check", tmp_path), f"{tmp_path}: is no file", "path of a TOML study file")


def test_a_binary_file_is_refused(tmp_path):
    path = tmp_path / "oil.toml"
    path.write_bytes(bytes(range(256)))
    refused(estimates("check", path), "oil.toml: not a text file", "TOML in UTF-8")


def test_an_enormous_file_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "oil.toml"
    with path.open("wb") as file:
        file.truncate(10**10)  # a hole: it takes no room
    refused(estimates("check", path), "10,000,000,000 bytes", "at most 2,000,000")


def test_something_else_than_a_file_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as unreadable:
        unreadable.bind("oil.toml")
        refused(estimates("check", "oil.toml"), "oil.toml: is no file")


def test_a_file_that_cannot_be_read_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "oil.toml"
    path.write_text(OIL, encoding="utf-8")

    def denied(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", denied)  # the tests may run as root, whom no file refuses
    refused(estimates("check", path), "oil.toml: cannot be read: Permission denied")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["check", "dprk-shell-2024"],
            ["unknown study 'dprk-shell-2024'", "Did you mean 'dprk-shells-2024'?"],
        ),
        (["run", "--variant", "mid_2023"], ["unknown variant 'mid_2023'", "Did you mean 'mid_2022'?"]),
        (["check", "--variant", "mid_2023"], ["unknown variant 'mid_2023'", "Did you mean 'mid_2022'?"]),
        (["run", "--variant", ""], ["unknown variant ''", "mid_2022"]),
        (
            ["run", "--model", "steddy"],
            ["unknown model 'steddy'", "Did you mean 'steady'?", "given by its path"],
        ),
        (["run", "--model", "mine.py"], ["mine.py: is no file", "path of a model file"]),
        (["run", "--engine", "nut"], ["unknown engine 'nut'", "Did you mean 'nuts'?"]),
        (["run", "--seed", "one"], ["--seed", "valid integer", "estimates run --help"]),
        (["run", "--seed", "-1"], ["the seed -1", "from 0 to 4294967295"]),
        (["run", "--modl", "steady"], ["--modl", "--model", "estimates run --help"]),
        (["run", "one", "two"], ["(two)", "estimates run --help"]),
        (["run", "--variant"], ["--variant", "requires an argument", "--help"]),
        (["new"], ["NAME", "estimates new --help"]),
        (["rum"], ["No such command 'rum'", "estimates --help"]),
    ],
    ids=" ".join,
)
def test_a_wrong_word_is_refused_and_the_right_one_named(words, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    refused(estimates(*words), *told)

    assert list(tmp_path.iterdir()) == []


MODEL = """\
import pymc as pm
from estimates import Study, terms

def build(study: Study) -> pm.Model:
    with terms.frame(study) as model:
        start = terms.assumption("first_shipment")
        rate = terms.assumption("daily_rate")
        terms.flow(lambda day: rate * (day - start))
    return model
"""

BAD_MODELS = {
    "no build": ("answer = 42\n", ["has no function build(study)", "def build(study: Study)"]),
    "a build that is no function": ("build = 42\n", ["has no function build(study)"]),
    "a build that raises": (
        MODEL.replace("    with", "    1 / 0\n    with", 1),
        ["build(study) failed: ZeroDivisionError", "line 5"],
    ),
    "a build that returns a number": (
        MODEL.replace("return model", "return 42"),
        ["returned int", "pm.Model"],
    ),
    "a build that returns nothing": (
        MODEL.replace("return model", "pass"),
        ["returned NoneType", "pm.Model"],
    ),
    "a build without a flow": (
        MODEL.replace("terms.flow(lambda day: rate * (day - start))", "pass"),
        ["terms.flow", "adds the reports"],
    ),
    "a flow that is no vector": (
        MODEL.replace("rate * (day - start)", "rate"),
        ["gives no vector", "terms.flow(f)"],
    ),
    "an assumption that the study lacks": (
        MODEL.replace('"daily_rate"', '"dayly_rate"'),
        ["no assumption 'dayly_rate'", "[assumption.dayly_rate]"],
    ),
    "Python that is broken": ("def build(study:\n", ["cannot be run: SyntaxError", "line 1"]),
    "an import that fails": (
        "import no_such_module\n",
        ["cannot be run: ModuleNotFoundError", "no_such_module"],
    ),
    "an exit": ("raise SystemExit(0)\n", ["cannot be run: SystemExit"]),
    "nothing": ("", ["has no function build(study)"]),
}


@pytest.mark.parametrize("fault", BAD_MODELS)
def test_a_model_file_that_breaks_the_contract_is_refused(fault, tmp_path):
    text, told = BAD_MODELS[fault]
    path = tmp_path / "mine.py"
    path.write_text(text, encoding="utf-8")

    refused(estimates("run", "--model", path, "--out", tmp_path / "results"), *told)

    assert not (tmp_path / "results").exists()


def test_a_binary_model_file_is_refused(tmp_path):
    path = tmp_path / "mine.py"
    path.write_bytes(bytes(range(256)))
    refused(estimates("run", "--model", path), "mine.py: not a text file", "Python in UTF-8")


@pytest.mark.parametrize("out", ["file", "file/results"])
def test_an_output_folder_that_cannot_be_is_refused_before_the_fit(out, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    monkeypatch.setattr("estimates.inference.infer", lambda *_, **__: pytest.fail("fitted all the same"))

    refused(estimates("run", "--out", tmp_path / out), f"{tmp_path / 'file'} is no folder", "--out")

    assert (tmp_path / "file").read_text(encoding="utf-8") == "mine"


def refused(outcome, *told):
    """Exit code 2, an empty stdout, and a message that holds all of `told`."""
    assert outcome.code == 2, outcome.err
    assert outcome.out == ""
    assert outcome.err.startswith("estimates: ")
    assert "Traceback" not in outcome.err
    for words in told:
        assert words in outcome.err
