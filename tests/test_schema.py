"""The JSON Schema of a study file: what a schema-aware checker of TOML says of studies, good and bad.

The checker is tombi, as it runs in editors. What is read must pass; what is refused for its form must not.
"""

import copy
import datetime as dt
import itertools
import json
import math
import subprocess
import sysconfig
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from command import estimates
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from small import OIL, changed, line_of

from estimates import strategies
from estimates.assumptions import FAMILIES, MODEL_ASSUMPTIONS
from estimates.errors import StudyError
from estimates.reports import HEDGES
from estimates.starter import starter
from estimates.study import PACKAGED, Study, packaged, read_text
from estimates.study.schema import DIRECTIVE, NAME, is_schema, schema, schema_text

TOMBI = Path(sysconfig.get_path("scripts")) / "tombi"
EXAMPLES = Path(__file__).parent.parent / "docs" / "examples"

MANY = """\
[[report]]
id = "many"
measures = "voyages"
says = { low = 100, high = 200, hedge = "between" }
published = 2024-04-01
since_words = "since spring"
issuer = "press"
relayed_by = ["one", "another"]
source = "https://example.org"
independent = "counted anew"
held_out = "to compare"
note = "A note."

"""

EVERYTHING = (
    OIL.replace('issuer = "port"', 'issuer = "port"\ncounts = "tankers"\nbridge = "scope"', 1)
    .replace("published = 2024-03-01", "published = 2024-03-01\nas_of = [2024-02-01, 2024-02-20]", 1)
    .replace("published = 2024-09-01", "published = 2024-09-01\nas_of = 2024-08-20\nsince = 2023-01-20", 1)
    .replace(
        "knot =",
        'about = "Oil."\nerrors = "increment"\nheadline = { quantity = "oil", stated = "oil" }\nknot =',
    )
    .replace('hedge = "over"', 'hedge = "over", precision = 1, open = false, interval = [300, inf]')
    .replace('\nbasis = "The autumn', '\nfrom_reports = true\nbasis = "The autumn')
    .replace("[assumption.cargo]", MANY + "[assumption.cargo]", 1)
    + """
[assumption.scope]
unit = "dimensionless"
prior = { family = "beta", q05 = 0.2, q95 = 0.9 }
basis = "Judgement."
source = "https://example.org"
judgement = true

[[correlation]]
between = ["cargo", "scope"]
rank_correlation = -0.3
basis = "Judgement."
source = "https://example.org"
judgement = true

[units]
crate = "20 kg"

[variant.light]
basis = "Half full."
assumption.cargo = { basis = "Half full.", source = "", judgement = true, prior = { family = "fixed", value = 3 } }
"""
)
"""A study that has every field there is."""


@pytest.fixture(scope="session")
def faults(tmp_path_factory):
    """What tombi finds in each of some texts: (line, message) for each fault."""

    def find(*texts: str) -> list[list[tuple[int, str]]]:
        folder = tmp_path_factory.mktemp("studies")
        (folder / NAME).write_text(schema_text(), encoding="utf-8")
        paths = [folder / f"{number:05}.toml" for number in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_text(f"{DIRECTIVE}\n{text.removeprefix(f'{DIRECTIVE}\n')}", "utf-8")
        words = ("lint", "--offline", "--no-cache", "--quiet", "--diagnostics-format", "json")
        told = folder / "told.json"
        subprocess.run([TOMBI, *words, "--diagnostics-file", told, *paths], check=False, cwd=folder)
        found: dict[str, list[tuple[int, str]]] = {path.name: [] for path in paths}
        for one in json.loads(told.read_text(encoding="utf-8")):
            assert "schema" not in one["message"], one
            if one["level"] == "error":  # it has views on the order of tables, too
                found[Path(one["path"]).name].append((one["range"]["start"]["line"] - 1, one["message"]))
        return [found[path.name] for path in paths]

    return find


def written(value: Any) -> str:
    """A value as it stands in a TOML file."""
    match value:
        case dict():
            return f"{{ {', '.join(f'{json.dumps(k, ensure_ascii=False)} = {written(v)}' for k, v in value.items())} }}"
        case list() | tuple():
            return f"[{', '.join(map(written, value))}]"
        case str() | bool():
            return json.dumps(value, ensure_ascii=False)
        case dt.date():
            return value.isoformat()
        case float() if math.isinf(value):
            return "inf"
    return repr(value)


def toml(document: dict[str, Any]) -> str:
    return "".join(f"{key} = {written(value)}\n" for key, value in document.items())


# ---- the file that is shipped ------------------------------------------------------------------


def test_the_shipped_schema_is_what_the_classes_say():
    """After a change: estimates schema --out estimates/studies/study.schema.json."""
    assert (PACKAGED / NAME).read_text(encoding="utf-8") == schema_text()
    assert is_schema(PACKAGED / NAME)


def test_every_field_of_every_class_has_a_meaning_to_show():
    def tables(part: Any) -> Iterator[dict[str, Any]]:
        if isinstance(part, dict):
            if "properties" in part:
                yield part
            for key, inner in part.items():
                if key != "oneOf":
                    yield from tables(inner)

    silent = [
        name
        for table in tables(schema())
        for name, field in table["properties"].items()
        if not field.get("description")
    ]
    assert silent == []


def test_every_family_every_wording_and_every_name_that_models_ask_for_is_offered():
    parts = schema()["definitions"]

    assert [kind["title"] for kind in parts["Prior"]["oneOf"]] == list(FAMILIES)
    assert parts["Says"]["properties"]["hedge"]["enum"] == list(HEDGES)
    assert sorted(
        word for kind in parts["Says"]["oneOf"] for word in kind["properties"]["hedge"]["enum"]
    ) == sorted(HEDGES)
    assert set(schema()["properties"]["assumption"]["properties"]) == set(MODEL_ASSUMPTIONS)


# ---- what is read passes -----------------------------------------------------------------------


def test_packaged_studies_examples_and_new_studies_pass(faults):
    new = [
        starter("oil", "voyages", "voyage", "barrel"),
        starter("нефть", "рейсы", "рейс", "barrel"),
        starter("油", "船", "艘", "m^3"),
        starter("a.b-c_1", "Züge", "Zug", "short_ton"),
    ]
    files = [*packaged().values(), *sorted(EXAMPLES.glob("*.toml"))]
    texts = [path.read_text(encoding="utf-8") for path in files] + new + [OIL, EVERYTHING]
    for text in texts:
        read_text(text)

    assert faults(*texts) == [[] for _ in texts]


def test_packaged_and_new_studies_begin_with_the_line_that_names_their_schema():
    texts = [path.read_text(encoding="utf-8") for path in packaged().values()]
    for text in (*texts, starter("oil", "voyages", "voyage", "barrel")):
        assert text.partition("\n")[0] == DIRECTIVE


@settings(max_examples=8)
@given(
    st.lists(
        st.tuples(strategies.studies(), strategies.hedged(), strategies.priors()), min_size=1, max_size=8
    )
)
def test_a_study_that_is_drawn_and_read_passes(faults, drawn):
    texts = []
    for study, said, prior in drawn:
        document = study.model_dump(by_alias=True, exclude_defaults=True)
        document["report"][-1]["says"] = said.model_dump(exclude_defaults=True)
        other = {"unit": "kg", "prior": prior.model_dump(exclude_none=True), "basis": "Drawn."}
        document["assumption"]["other"] = other
        texts.append(toml(document))
    for text in texts:
        try:
            read_text(text)
        except StudyError:
            reject()

    assert faults(*texts) == [[] for _ in texts]


PRIORS = [
    "uniform, lower = 2023-02-01, upper = 2024-01-31",
    "normal, q05 = 2023-02-01, q95 = 2024-01-31, lower = 2022-01-01, upper = 2025-01-01",
    "student_t, q05 = 2023-02-01, q95 = 2024-01-31, df = 4",
    "fixed, value = 2023-02-01",
]


@pytest.mark.parametrize("fields", PRIORS)
def test_dates_pass_where_a_prior_may_be_of_dates(fields, faults):
    family, _, rest = fields.partition(", ")
    text = changed(
        'family = "uniform", lower = 2023-02-01, upper = 2024-01-31', f'family = "{family}", {rest}'
    )
    read_text(text)

    assert faults(text) == [[]]


# ---- what is refused for its form does not pass ------------------------------------------------

WRONG: dict[str, tuple[str, str, str]] = {
    "a misspelt key": (changed('issuer = "port"', 'isuer = "port"'), "isuer", '"isuer" is not allowed'),
    "a misspelt table": (changed("[claim.doubled]", "[claims.doubled]"), "[claims", '"claims" is not allowed'),
    "a wrong family": (changed('family = "lognormal"', 'family = "lognormla"'), "lognormla", 'one of ["uniform", "normal"'),
    "a field of another family": (changed("q95 = 900_000", "upper = 900_000"), "upper = 900", '"q95" is required'),
    "a misspelt field of a prior": (changed("q95 = 900_000", "q96 = 900_000"), "q96", '"q96" is not allowed'),
    "a date of a family without dates": (changed("q05 = 300_000", "q05 = 2023-02-01"), "q05", "Float, but found LocalDate"),
    "an unknown wording": (changed('hedge = "about"', 'hedge = "abuot"'), "abuot", 'one of ["exactly", "about"'),
    "a wording without its number": (changed("value = 120, ", ""), 'hedge = "about"', '"value" is required'),
    "two ends without two ends": (changed('hedge = "about"', 'hedge = "between"'), "between", '"low" is required'),
    "words that are the number, and a number": (changed('"about"', '"dozens of"'), '"dozens of"', 'but found "dozens of"'),
    "a number where a date belongs": (changed("published = 2024-03-01", "published = 20240301"), "20240301", "LocalDate, but found Integer"),
    "a date in quotes": (changed("epoch = 2023-01-01", 'epoch = "2023-01-01"'), "epoch", "LocalDate, but found String"),
    "a time of day": (changed("epoch = 2023-01-01", "epoch = 2023-01-01T09:30:00"), "epoch", "LocalDate, but found LocalDateTime"),
    "a value of zero": (changed("value = 120", "value = 0"), "value = 0", "must be > 0"),
    "a name that formulas cannot use": (changed("[assumption.cargo]", '[assumption."car go"]'), "car go", "does not match the pattern"),
    "a name that is no folder": (changed('name = "oil"', 'name = "../oil"'), "../oil", "match the pattern"),
    "a misspelt field in a variant": (changed('first_shipment.prior = { family = "uniform", lower = 2023-12', 'first_shipment.priro = { family = "uniform", lower = 2023-12'), "priro", '"priro" is not allowed'),
}  # fmt: skip


def test_a_fault_of_form_is_told_in_its_line(faults):
    texts = [text for text, _, _ in WRONG.values()]
    for text in texts:
        with pytest.raises(StudyError):
            read_text(text)

    for (what, (text, passage, words)), found in zip(WRONG.items(), faults(*texts), strict=True):
        assert line_of(text, passage) in [line for line, message in found if words in message], (what, found)


def test_a_study_without_a_report_does_not_pass(faults):
    head, _, rest = OIL.partition("[[report]]")
    none = head + rest[rest.index("[assumption") :]
    with pytest.raises(StudyError, match="no report at all"):
        read_text(none)

    left_out, empty = faults(none, f"report = []\n{none}")
    assert any('"report" is required' in message for _, message in left_out)
    assert empty


def test_what_a_reader_refuses_for_its_form_a_checker_refuses_and_what_it_reads_passes(faults):
    """Every field of a study left out, of another kind, or with something unknown in it."""
    mutants = [
        (what, toml(document), reading(document)) for what, document in mutated(tomllib.loads(EVERYTHING))
    ]
    telling = [mutant for mutant in mutants if mutant[2] == "form" or not mutant[0].endswith("left out")]

    found = faults(*(text for _, text, _ in telling))

    for (what, _, how), told in zip(telling, found, strict=True):
        if how != "sense":
            assert bool(told) == (how == "form"), (what, how, told)
    assert sum(how == "form" for _, _, how in telling) > 100


def reading(document: dict[str, Any]) -> str:
    """Whether a document is read, or refused for its form, or for its sense."""
    try:
        Study.model_validate(document)
    except ValidationError as refused:
        return "form" if any(one["type"] != "value_error" for one in refused.errors()) else "sense"
    except StudyError:
        return "sense"
    return "read"


def mutated(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for place in places(document):
        *above, last = place
        without, other, more = (copy.deepcopy(document) for _ in range(3))
        del held(without, above)[last]
        yield f"{place} left out", without
        found = held(other, place)
        held(other, above)[last] = 77.5 if isinstance(found, str | dict | list) else "wrong"
        yield f"{place} of another kind", other
        if isinstance(table := held(more, place), dict):
            table["unknwon"] = 77.5
            yield f"{place} with something unknown", more


def places(document: dict[str, Any]) -> Iterator[tuple[str | int, ...]]:
    """Every field that there is, where it first stands."""
    seen = set()
    for place in everywhere(document):
        field = tuple(
            "*" if isinstance(key, int) or above in NAMED else key
            for above, key in itertools.pairwise(("", *place))
        )
        if field not in seen:
            seen.add(field)
            yield place


NAMED = ("assumption", "quantity", "claim", "variant", "units")


def everywhere(part: Any, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    inner = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for key, value in inner:
        yield (*above, key)
        yield from everywhere(value, (*above, key))


def held(document: Any, place: Any) -> Any:
    for key in place:
        document = document[key]
    return document


# ---- the command -------------------------------------------------------------------------------


def test_the_schema_is_printed_for_a_pipe_and_written_to_a_file(tmp_path):
    path = tmp_path / "my schema.json"

    assert estimates("schema") == (0, schema_text(), "")
    outcome = estimates("schema", "--out", path)

    assert (outcome.code, outcome.err) == (0, "")
    assert "A study beside it begins with: #:schema my schema.json" in outcome.out
    assert path.read_text(encoding="utf-8") == schema_text()


def test_an_older_schema_is_replaced_and_nothing_else_is(tmp_path):
    older, other = tmp_path / "older.json", tmp_path / "oil.toml"
    older.write_text(json.dumps(schema() | {"properties": {}}), encoding="utf-8")
    other.write_text(OIL, encoding="utf-8")

    assert estimates("schema", "--out", older).code == 0
    refused = estimates("schema", "--out", other)

    assert older.read_text(encoding="utf-8") == schema_text()
    assert (refused.code, refused.out) == (2, "")
    assert "exists already, and is no schema of studies" in refused.err
    assert other.read_text(encoding="utf-8") == OIL


def test_a_new_study_has_its_schema_beside_it_and_is_read_without_it(tmp_path):
    assert estimates("new", "oil", "--out", tmp_path).code == 0

    assert (tmp_path / NAME).read_text(encoding="utf-8") == schema_text()
    (tmp_path / NAME).unlink()
    assert estimates("check", tmp_path / "oil.toml").code == 0


def test_a_new_study_is_not_written_where_something_else_has_the_name_of_its_schema(tmp_path):
    (tmp_path / NAME).write_text("{}", encoding="utf-8")

    outcome = estimates("new", "oil", "--out", tmp_path)

    assert (outcome.code, outcome.out) == (2, "")
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    assert (tmp_path / NAME).read_text(encoding="utf-8") == "{}"
