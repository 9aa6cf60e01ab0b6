"""The JSON Schema of a study file, for editors that complete, explain and check TOML while it is written.

It is made from the classes that read the file, so that it says what they say: which keys there are, what each
means, and what may stand there. It knows the form of a file and not its sense: a study that can be read
passes, and one that passes may still be refused, for a unit or a formula say.

Draft 7 is the newest that all such tools know. TOML has no null, and dates of its own, which the tools take
for strings of the format ``date``.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from estimates.assumptions import FAMILIES, MODEL_ASSUMPTIONS, ON_THE_WHOLE_LINE
from estimates.reports import HANDFULS, HEDGES
from estimates.study.whole import Study

NAME = "study.schema.json"
"""What the file of the schema is called, beside the studies that refer to it."""

DIRECTIVE = f"#:schema {NAME}"
"""The first line of a study beside its schema. taplo and tombi read it; to all others it is a comment."""

type Schema = dict[str, Any]

_DRAFT = "http://json-schema.org/draft-07/schema#"
_TITLE = "A study of estimates"
_PARTS = "#/definitions/"


def schema() -> Schema:
    """The JSON Schema of a study file.

    Examples
    --------
    >>> schema()["properties"]["epoch"]["format"], schema()["definitions"]["Report"]["required"]
    ('date', ['id', 'measures', 'says', 'published', 'issuer'])
    """
    made = Study.model_json_schema(ref_template=_PARTS + "{model}", schema_generator=_InToml)
    parts = made.pop("$defs")
    parts["Prior"] = _by_family(parts["Prior"])
    parts["Says"] = _by_hedge(parts["Says"])
    whole: Schema = _explained(made, parts)
    assumptions = whole["properties"]["assumption"]
    assumptions["properties"] = _asked_by_models(assumptions["additionalProperties"])
    whole["properties"]["report"]["minItems"] = 1
    whole["required"].append("report")
    # What has no meaning of its own, such as a mapping by name, was put in where it is referred to.
    kept = {name: _explained(part, parts) for name, part in parts.items() if "description" in part}
    return {"$schema": _DRAFT} | whole | {"title": _TITLE, "definitions": kept}


def schema_text() -> str:
    """The schema as the text of a file."""
    return json.dumps(schema(), indent=1, ensure_ascii=False) + "\n"


def is_schema(path: Path) -> bool:
    """Whether a file holds this schema, of any version."""
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(held, dict) and held.get("title") == _TITLE


class _InToml(GenerateJsonSchema):
    """What Pydantic says of its classes, without what a TOML file cannot hold or its author need not know."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """What may stand there: a key without a value is left out."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """With the default only where it says more than that the key may be left out."""
        made = super().default_schema(schema)
        return made if made.get("default") else {key: made[key] for key in made if key != "default"}

    def tuple_schema(self, schema: core_schema.TupleSchema) -> JsonSchemaValue:
        """As an array of one kind, which every draft can say: the tuples of a study are of one kind."""
        made = super().tuple_schema(schema)
        kinds = made.pop("prefixItems", None)
        return made | {"items": kinds[0]} if kinds else made

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        """With the first line of the docstring: the rest is for those who write Python."""
        made = super().model_schema(schema)
        return made | {"description": made["description"].partition("\n")[0]}

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Never: a title made of the key says nothing."""
        return False


def _by_family(prior: Schema) -> Schema:
    """A prior as one of its families, each with the fields that it needs and may have."""
    kinds = []
    for family, (needed, optional) in FAMILIES.items():
        value = {} if family in ON_THE_WHOLE_LINE else {"type": "number"}
        fields = {name: value for name in prior["properties"] if name in needed | optional}
        kinds.append(_kind(family, {"family": {"const": family}} | fields, ["family", *sorted(needed)]))
    return prior | {"oneOf": kinds}


def _by_hedge(says: Schema) -> Schema:
    """A worded number as one of three kinds: with a value, with two ends, or with words alone."""
    needs = {"a value": ["value"], "two ends": ["low", "high"], "words alone": []}
    wordings: dict[str, list[str]] = {title: [] for title in needs}
    for word, hedge in HEDGES.items():
        title = "two ends" if hedge == "between" else "words alone" if hedge in HANDFULS else "a value"
        wordings[title].append(word)
    kinds = []
    for title, needed in needs.items():
        fields: Schema = {name: {} for name in (*needed, "precision", "open", "interval")}
        kinds.append(_kind(title, {"hedge": {"enum": wordings[title]}} | fields, ["hedge", *needed]))
    return says | {"required": ["hedge"], "oneOf": kinds}


def _kind(title: str, fields: Schema, required: list[str]) -> Schema:
    return {"title": title, "properties": fields, "required": required, "additionalProperties": False}


def _asked_by_models(assumption: Schema) -> Schema:
    """The names that models agree upon, for completion, each with its meaning and unit."""
    return {
        name: assumption | {"description": f"{asked.meaning} Unit: {asked.unit.format(carrier='carrier')}."}
        for name, asked in MODEL_ASSUMPTIONS.items()
    }


def _explained(part: Any, parts: Mapping[str, Schema]) -> Any:
    """A part in which every reference, and every list or mapping of one, says what it stands for."""
    if isinstance(part, list):
        return [_explained(one, parts) for one in part]
    if not isinstance(part, dict):
        return part
    if "$ref" not in part:
        made = {key: _explained(value, parts) for key, value in part.items()}
        held = made.get("items") or made.get("additionalProperties") or {}
        return {"description": held["description"]} | made if "description" in held else made
    named = parts[part["$ref"].removeprefix(_PARTS)]
    if "description" not in named:
        return _explained(named | {key: part[key] for key in part if key != "$ref"}, parts)
    # Draft 7 looks at nothing that stands directly beside a reference.
    return {"description": part.get("description", named["description"]), "allOf": [{"$ref": part["$ref"]}]}
