"""What Pydantic and the checks refuse, said in our words and with the line where it stands."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from estimates.assumptions import Prior
from estimates.errors import StudyError, choices
from estimates.reports import Noun

type Place = tuple[int | str, ...]
"""A place in a file, as Pydantic gives it: ("report", 0, "says", "hedge")."""


def foremost(error: ValidationError) -> Any:
    """The finding to report: a misspelt field rather than the one that is missing because of it."""
    found = error.errors()
    return next((one for one in found if one["type"] == "extra_forbidden"), found[0])


def translated(
    error: ValidationError, root: type[Noun], document: Mapping[str, Any] | None = None
) -> StudyError:
    """Pydantic's foremost finding as one of our errors, with near misses suggested."""
    found = foremost(error)
    loc = tuple(part for part in found["loc"])
    where = _spoken(loc, document or {})
    match found["type"]:
        case "value_error":
            inner = found["ctx"]["error"]
            return inner.at(where) if isinstance(inner, StudyError) else StudyError(str(inner), where=where)
        case "extra_forbidden":
            fields = _fields_at(root, loc[:-1])
            if len(loc) > 1 and loc[-1] in _fields_at(root, ()):
                return StudyError(
                    f"{loc[-1]!r} does not belong here",
                    where=where,
                    remedy="It stands at the head of the file, above the first heading in brackets.",
                )
            return StudyError(f"unknown field {loc[-1]!r}", where=where, remedy=choices(str(loc[-1]), fields))
        case "missing":
            return StudyError(f"{loc[-1]!r} is missing", where=where, remedy=_meaning(root, loc))
        case "literal_error" if loc[-1] == "family":
            families = [str(word) for word in Prior.model_fields["family"].annotation.__args__]  # type: ignore[union-attr]
            return StudyError(
                f"unknown family {found['input']!r}",
                where=where,
                remedy=choices(str(found["input"]), families),
            )
        case "model_type":
            return StudyError(f"{_short(found['input'])} is no table", where=where, remedy=_as_table(loc))
        case _:
            remedy = _unquoted(found) + _meaning(root, loc)
            return StudyError(
                f"{found['msg'].lower()}, not {_short(found['input'])}", where=where, remedy=remedy
            )


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) < 80 else shown[:77] + "..."


def _unquoted(found: Any) -> str:
    """How a date or a number is written that stands there as a text."""
    if isinstance(found["input"], str) and "date" in found["msg"]:
        return "A date is written without quotes: 2024-02-26. "
    if isinstance(found["input"], str) and "number" in found["msg"]:
        return "A number is written without quotes: 6700. "
    return ""


def _as_table(loc: Place) -> str:
    """How a table of a study is written."""
    written = {
        "says": 'says = { value = 6700, hedge = "about" }',
        "headline": 'headline = { quantity = "its_name" }',
        "carriers": 'carriers = { name = "containers", unit = "container" }',
        "prior": 'prior = { family = "normal", q05 = 9.5, q95 = 21.5 }',
    }
    if loc[-1] in written:
        return f"Write {written[str(loc[-1])]}"
    names = [str(part) for part in loc if isinstance(part, str)]
    return f"Give it a heading in one pair of brackets: [{'.'.join(names)}], with its fields below."


def _spoken(loc: Place, document: Mapping[str, Any]) -> str:
    """A place in the file as a person names it: report 'feb_2024' · says.hedge."""
    if len(loc) > 1 and loc[0] == "report" and isinstance(loc[1], int):
        entry = document.get("report", [])
        entry = entry[loc[1]] if isinstance(entry, list) and loc[1] < len(entry) else {}
        label = repr(entry["id"]) if isinstance(entry, dict) and "id" in entry else f"number {loc[1] + 1}"
        rest = ".".join(map(str, loc[2:]))
        return f"report {label} · {rest}" if rest else f"report {label}"
    if len(loc) > 1 and loc[0] == "correlation" and isinstance(loc[1], int):
        return " · ".join([f"correlation {loc[1] + 1}", *map(str, loc[2:3])])
    return ".".join(str(part) for part in loc if part not in ("float", "date", "[key]"))


def _model_at(root: type[Noun], loc: Place) -> type[Noun] | None:
    """The Pydantic model that a place in the file belongs to."""
    model = root
    for part in loc:
        for name, field in model.model_fields.items():
            if part in (name, field.alias):
                inner = list(_nouns_in(field.annotation))
                if not inner:
                    return None
                model = inner[0]
                break
    return model


def _nouns_in(annotation: Any) -> Iterator[type[Noun]]:
    if isinstance(annotation, type) and issubclass(annotation, Noun):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _nouns_in(argument)


def _fields_at(root: type[Noun], loc: Place) -> list[str]:
    model = _model_at(root, loc)
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _meaning(root: type[Noun], loc: Place) -> str:
    model = _model_at(root, loc[:-1])
    for name, field in (model.model_fields if model else {}).items():
        if loc and loc[-1] in (name, field.alias) and field.description:
            return field.description
    return ""


def field_named(where: str, document: Mapping[str, Any]) -> Place:
    """The place in the file that an error of ours names in words."""
    head, _, field = where.partition(" · ")
    if head.startswith("report '"):
        names = [r.get("id") for r in document.get("report", []) if isinstance(r, dict)]
        wanted = head.removeprefix("report ").strip("'")
        start: Place = (
            ("report", len(names) - 1 - names[::-1].index(wanted)) if wanted in names else ("report",)
        )
    elif numbered := re.fullmatch(r"(\w+) (\d+)", head):
        start = (numbered[1], int(numbered[2]) - 1)
    else:
        start = tuple(head.split("."))
    return (*start, *(field.split(" · ")[0].split(".") if field else ()))


_SLIPS = (
    (r"[\u2018\u2019\u201c\u201d]", "Text stands in straight quotes."),
    (r"=\s*\d{1,3}(,\d{3})+", "No comma inside a number: write 8000 or 8_000."),
    (r"=\s*\d+(\.\d+)?\s*%", "A share is written as a number: 0.1, not 10%."),
    (r"=\s*\d{1,4}[-./ ](\d{1,2}|[A-Za-z]{3,9})([-./ ]\d{2,4})?\s*$", "A day is written 2024-03-20."),
    (r"[\w\"'}\]] +\w+ *=", "Is a comma missing between two fields?"),
    (r"=\s*[^\W\d]", "Text stands in quotes."),
)
"""What is often written that is no TOML, and what to write instead; the first that fits is told."""


def advice(text: str, error: str) -> str:
    """The line at which a text stops being TOML, and what may be wrong with it.

    Examples
    --------
    >>> print(advice("a = 8,000", "Expected newline (at line 1, column 6)"))
    a = 8,000
      No comma inside a number: write 8000 or 8_000.
    """
    place = re.search(r"\(at line (\d+), column", error)
    if not place:
        return ""
    line = text.split("\n")[int(place[1]) - 1].strip()
    slip = next((words for slip, words in _SLIPS if re.search(slip, line)), "")
    return "\n  ".join(part for part in (line[:100], slip) if part)


def line_of(text: str, loc: Place) -> int | None:
    """The line (from 1) whose table and key share the longest beginning with `loc`."""
    table: Place = ()
    here: Place
    counts: dict[str, int] = {}
    best, line_of_best = 0, None
    for number, line in enumerate(text.splitlines(), start=1):
        if array := re.match(r"\s*\[\[\s*([^\]]+?)\s*\]\]", line):
            counts[array[1]] = counts.get(array[1], -1) + 1
            here = table = (array[1], counts[array[1]])
        elif header := re.match(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#|$)", line):
            here = table = tuple(part.strip("\"' ") for part in header[1].split("."))
        elif key := re.match(r"\s*([\w.\"'-]+)\s*=", line):
            here = (*table, *(part.strip("\"' ") for part in key[1].split(".")))
        else:
            continue
        shared = next(
            (i for i, (a, b) in enumerate(zip(here, loc, strict=False)) if a != b), min(len(here), len(loc))
        )
        if shared > best:
            best, line_of_best = shared, number
    return line_of_best
