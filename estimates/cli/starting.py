"""The commands studies, models, new and schema: what is there, and beginning a study."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from estimates.cli.options import JsonOption
from estimates.cli.saying import say, say_json
from estimates.cli.writing import check_folder, write_texts
from estimates.errors import EstimatesError, OutputError, QuestionError

SCHEMA_EXAMPLES = """\b
Examples:
  estimates schema | jq .definitions.Says
  estimates schema --out study.schema.json"""

NEW_EXAMPLES = """\b
Example:
  estimates new barrels --carriers voyages --unit voyage --load barrel"""


def studies(as_json: JsonOption = False) -> None:
    """List the studies that come with the library."""
    from estimates.study import packaged, read

    rows = [{"name": name, "title": read(name).title, "path": str(path)} for name, path in packaged().items()]
    if as_json:
        say_json({"schema": 1, "studies": rows})
        return
    for row in rows:
        say(row["name"], f"    {row['title']}")
        print(f"    {row['path']}")
    print("\nA study of yours: estimates new NAME")


def models(as_json: JsonOption = False) -> None:
    """List the models and the assumptions that are asked for."""
    from estimates import shelf
    from estimates.assumptions import MODEL_ASSUMPTIONS

    found = [shelf.find(name) for name in shelf.models()]
    if as_json:
        say_json(
            {
                "schema": 1,
                "models": [
                    {
                        "name": m.name,
                        "says": m.first_line,
                        "path": str(m.path),
                        "assumptions": list(m.assumptions),
                    }
                    for m in found
                ],
                "assumptions": [
                    {"name": name, "unit": a.unit.format(carrier="carrier"), "meaning": a.meaning}
                    for name, a in MODEL_ASSUMPTIONS.items()
                ],
            }
        )
        return
    for file in found:
        say(file.name, f"    {file.first_line}", f"    asks for {', '.join(file.assumptions)}")
        print(f"    {file.path}")
    print("\nAssumptions with a fixed name and unit (reports ask for the last four):")
    for name, meant in MODEL_ASSUMPTIONS.items():
        say(f"    {name}, {meant.unit.format(carrier='<carrier>')}", f"        {meant.meaning}")
    print("\nA model of yours: estimates run --model path/to/mine.py")


def new(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A short name; the file is called NAME.toml.")
    ] = None,
    carriers: Annotated[
        str | None, typer.Option(metavar="WORD", help="What is counted, in the plural.  [default: voyages]")
    ] = None,
    unit: Annotated[str | None, typer.Option(metavar="WORD", help="One of them.  [default: voyage]")] = None,
    load: Annotated[
        str | None, typer.Option(metavar="UNIT", help="The unit of what one carries.  [default: tonne]")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the file.")] = Path(),
) -> None:
    """Write a commented study that runs at once, to be made yours.

    In a terminal it asks for what is not given. Beside the study it writes study.schema.json, with which an
    editor completes, explains and checks it.
    """
    from estimates.starter import DEFAULTS
    from estimates.study.schema import NAME, schema_text

    words = {"name": name and name.removesuffix(".toml"), "carriers": carriers, "unit": unit, "load": load}
    answers = {field: word for field, word in words.items() if word is not None}
    if sys.stdin and sys.stdin.isatty() and sys.stdout.isatty():
        answers = _asked(answers, out)
    elif name is None:
        raise QuestionError(
            "the study has no name", remedy="Give one: estimates new NAME (see: estimates new --help)"
        )
    answers = DEFAULTS | answers
    text, path, beside = _started(answers, out), out / f"{answers['name']}.toml", out / NAME
    _check_schema(beside)
    check_folder(out)
    write_texts({path: text, beside: schema_text()})
    shown = shlex.quote(str(path))
    print(f"Wrote {path}, and {NAME} for editors. Look at it, then:")
    print(f"    estimates check {shown}\n    estimates run {shown}")


def _asked(answers: dict[str, str], out: Path) -> dict[str, str]:
    """The words of a new study, asked for where they were not given; each answer is tried at once."""
    from estimates.starter import QUESTIONS, suggested

    if answers:
        _started(answers, out)
    for field, question in QUESTIONS.items():
        default = suggested(field, answers)
        while field not in answers:
            try:
                answer = input(f"{question}{f' [{default}]' * bool(default)}: ").strip() or default
            except (KeyboardInterrupt, EOFError):
                print()
                raise KeyboardInterrupt from None
            try:
                _started(answers | {field: answer.removesuffix(".toml")}, out)
            except EstimatesError as error:
                say(f"  {error.what}: {error.remedy[:1].lower()}{error.remedy[1:]}")
            else:
                answers = answers | {field: answer.removesuffix(".toml")}
    return answers


def _started(answers: dict[str, str], out: Path) -> str:
    """The text of a new study, which is sure to be read; what was not answered is as by default."""
    from estimates.starter import DEFAULTS, starter
    from estimates.study import read_text

    text = starter(**(DEFAULTS | answers))
    path = out / f"{answers.get('name', '')}.toml"
    if path.exists():
        raise OutputError(
            "exists already", where=str(path), remedy="Choose another name; nothing was overwritten."
        )
    read_text(text, str(path))
    return text


def schema_(
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it there.  [default: print it]")
    ] = None,
) -> None:
    """Print the JSON Schema of a study file, for editors.

    With it an editor completes, explains and checks a study. A study whose first line is "#:schema
    study.schema.json" is checked against the file of that name beside it, by editors with taplo (Even
    Better TOML) or tombi. estimates new writes both.
    """
    from estimates.study.schema import DIRECTIVE, NAME, schema_text

    if out is None:
        print(schema_text(), end="")
        return
    _check_schema(out)
    check_folder(out.parent)
    write_texts({out: schema_text()})
    say(f"Wrote {out}. A study beside it begins with: {DIRECTIVE.replace(NAME, out.name)}")


def _check_schema(path: Path) -> None:
    """Refuse to write a schema over anything but an older one."""
    from estimates.study.schema import is_schema

    if path.exists() and not is_schema(path):
        raise OutputError(
            "exists already, and is no schema of studies",
            where=str(path),
            remedy="Choose another name; nothing was overwritten.",
        )
