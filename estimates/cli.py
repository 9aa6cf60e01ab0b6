"""The command line: the only place that prints."""

import gc
import json
import math
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import click
import typer

from estimates.errors import EngineError, EstimatesError, OutputError

if TYPE_CHECKING:
    from estimates.estimate import Estimate
    from estimates.study import Study

EXIT_BAD_VERDICT, EXIT_INPUT, EXIT_FAULT, EXIT_INTERRUPTED = 1, 2, 70, 130

app = typer.Typer(
    help="Turn sparse public reports into honest distributions.",
    epilog="Without STUDY the flagship is meant: shells by container, February to August 2024.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

StudyArgument = Annotated[
    str, typer.Argument(metavar="[STUDY]", help="A packaged study (see: estimates studies) or the path of a TOML file.")
]
_FLAGSHIP = "dprk-shells-2024"


@app.command()
def run(
    study: StudyArgument = _FLAGSHIP,
    model: Annotated[
        str, typer.Option("--model", "-m", help="A model of the shelf, or the path of a .py file.")
    ] = "steady",
    variant: Annotated[str | None, typer.Option("--variant", help="Read the study as one of its variants.")] = None,
    engine: Annotated[
        str, typer.Option(help="importance, nuts, or auto: importance where it is good, else nuts.")
    ] = "auto",
    seed: Annotated[int, typer.Option(help="The same seed gives the same numbers.", min=0, max=2**32 - 1)] = 1,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the results. [default: results/STUDY/MODEL[-VARIANT]]")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document; write files only with --out.")
    ] = False,
) -> None:
    """Fit a model to a study and print what the reports imply.

    Prints the table and writes estimate.json, estimate.nc and page.html. Exit code 0 when done, 1 when the
    verdict is bad (still written), 2 when the input is wrong.
    """
    asked = _read(study, variant)
    folder = out if out or as_json else _default_folder(asked, model)
    if folder:
        _check_folder(folder)
    from estimates.inference import infer

    with _progress(f"Fitting {asked.name}") as progress:
        estimate = infer(asked, model, engine=engine, seed=seed, progress=progress)
    document = estimate.document()
    if folder:
        _write(estimate, document, folder)
    if as_json:
        _print_json(document)
    else:
        _show(estimate, document, folder)
    if estimate.trust.verdict == "bad":
        raise typer.Exit(EXIT_BAD_VERDICT)


@app.command()
def check(
    study: StudyArgument = _FLAGSHIP,
    variant: Annotated[str | None, typer.Option("--variant", help="Read the study as one of its variants.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Read a study without fitting it: the interval of every report, the audit, the implied priors."""
    asked = _read(study, variant)
    from estimates.audit import audit

    findings = audit(asked)
    document = _checked(asked, [finding.words for finding in findings])
    if as_json:
        _print_json(document)
        return
    warnings = [finding.words for finding in findings if finding.is_warning]
    notes = [finding.words for finding in findings if not finding.is_warning]
    _show_check(asked, document, notes, warnings)


@app.command()
def studies(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """List the studies that come with the library."""
    from estimates.study import packaged, read

    rows = [{"name": name, "title": read(name).title, "path": str(path)} for name, path in packaged().items()]
    if as_json:
        _print_json({"schema": 1, "studies": rows})
        return
    for row in rows:
        print(f"{row['name']}\n    {row['title']}\n    {row['path']}")


@app.command()
def models(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """List the models of the shelf and the assumptions that models and reports ask for."""
    from estimates import shelf
    from estimates.assumptions import MODEL_ASSUMPTIONS

    found = [shelf.find(name) for name in shelf.models()]
    if as_json:
        _print_json(
            {
                "schema": 1,
                "models": [
                    {"name": m.name, "says": m.first_line, "path": str(m.path), "assumptions": list(m.assumptions)}
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
        print(f"{file.first_line}\n    asks for {', '.join(file.assumptions)}\n    {file.path}")
    print("\nAssumptions with a fixed name and unit (reports ask for the last four):")
    for name, meant in MODEL_ASSUMPTIONS.items():
        print(f"    {name:22} {meant.unit.format(carrier='<carrier>'):16} {meant.meaning}")
    print("\nA model of yours: estimates run --model path/to/mine.py")


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="A short name; the file is called NAME.toml.")],
    carriers: Annotated[str, typer.Option(help="What is counted, in the plural: voyages.")] = "voyages",
    unit: Annotated[str, typer.Option(help="One of them: voyage.")] = "voyage",
    load: Annotated[str, typer.Option(help="The unit of what one carries: barrel, tonne.")] = "tonne",
    out: Annotated[Path, typer.Option(help="Folder for the file.")] = Path(),
) -> None:
    """Write a commented study that runs at once, to be made yours."""
    from estimates.starter import starter
    from estimates.study import read_text

    path = out / f"{name}.toml"
    if path.exists():
        raise OutputError("exists already", where=str(path), remedy="Choose another name; nothing was overwritten.")
    text = starter(name, carriers, unit, load)
    read_text(text, str(path))  # so that what is written is sure to be read
    _write_text(path, text)
    print(f"Wrote {path}. Look at it, then:\n    estimates check {path}\n    estimates run {path}")


# ---- input -------------------------------------------------------------------------------------


def _read(study: str, variant: str | None) -> "Study":
    from estimates.study import read

    asked = read(study)
    return asked.variant(variant) if variant else asked


def _default_folder(study: "Study", model: str) -> Path:
    reading = f"-{study.variant_name}" if study.variant_name else ""
    return Path("results") / study.name / f"{Path(model).stem}{reading}"


def _check_folder(folder: Path) -> None:
    """Refuse a folder that cannot be written before minutes are spent on a fit."""
    nearest = folder
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise OutputError("cannot be written", where=str(folder), remedy="Choose a folder of yours with --out.")


# ---- output ------------------------------------------------------------------------------------


def _write(estimate: "Estimate", document: dict[str, Any], folder: Path) -> None:
    from estimates import page
    from estimates.audit import audit

    findings = [finding.words for finding in audit(estimate.study)]
    text = page.render(estimate, document, findings)
    _write_text(folder / "estimate.json", json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    estimate.save(folder / "estimate.nc")
    _write_text(folder / "page.html", text)


def _write_text(path: Path, text: str) -> None:
    from estimates.files import replacing

    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _print_json(document: dict[str, Any]) -> None:
    json.dump(document, sys.stdout, indent=1, ensure_ascii=False, allow_nan=False)
    print()


@contextmanager
def _progress(what: str) -> Iterator[Callable[[float, str], None] | None]:
    """A bar on stderr while something takes long; nothing where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[doing]}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=1.0, doing="building the model")
        yield lambda share, doing: bar.update(task, completed=share, doing=doing)


def _show(estimate: "Estimate", document: dict[str, Any], folder: Path | None) -> None:
    from estimates import page, tables

    study = estimate.study
    _say(f"[bold]{_plain(study.title)}[/bold]", "")
    _say(*map(_plain, page.answer(study, document)), "")
    _say(tables.quantities(document), "")
    _say(*map(_plain, tables.trend(study, document)), "")
    _say(tables.parameters(document), "")
    if document["claims"]:
        _say(tables.claims(study, document), "")
    _say(*map(_plain, tables.trust(document)))
    if folder:
        _say(f"Wrote {_plain(str(folder))}/page.html, estimate.json and estimate.nc. Open the page next.")


def _show_check(study: "Study", document: dict[str, Any], notes: list[str], warnings: list[str]) -> None:
    from estimates import tables

    _say(f"[bold]{_plain(study.title)}[/bold]", "")
    _say(tables.reports(study), "")
    _say(tables.priors(study), "* judgement", "")
    if warnings:
        _say("[bold]Answer these:[/bold]", *(f"  {_plain(words)}" for words in warnings), "")
    if notes:
        _say("Audit:", *(f"  {_plain(words)}" for words in notes), "")
    if document["unused"]:
        _say(f"Not used by the model steady: {', '.join(document['unused'])}.")
    for missing in document["missing"]:
        _say(_plain(missing))
    _say(f"Read without an error. Fingerprint {study.fingerprint}, data digest {study.data_digest}.")


def _checked(study: "Study", findings: list[str]) -> dict[str, Any]:
    """What `check` found, as a document."""
    from estimates import shelf, tables
    from estimates.audit import unused
    from estimates.reports import relays

    asked = shelf.find("steady").assumptions
    needed = [*asked, *study.needed]
    missing = []
    for name in dict.fromkeys(needed):
        try:
            study.assumption(name)
        except EstimatesError as error:
            missing.append(str(error))
    repeated = relays(study.reports)
    return {
        "schema": 1,
        "study": study.name,
        "fingerprint": study.fingerprint,
        "data_digest": study.data_digest,
        "variant": study.variant_name,
        "reports": [
            {
                "id": report.id,
                "measures": report.measures,
                "says": str(report.says),
                "interval": [report.says.seen.low, _finite(report.says.seen.high)],
                "role": tables.role(report, repeated),
            }
            for report in study.reports
        ],
        "assumptions": list(tables.prior_rows(study)),
        "findings": findings,
        "unused": list(unused(study, asked)),
        "missing": missing,
    }


def _finite(number: float) -> float | None:
    """JSON knows no infinity; null stands for an open end."""
    return number if math.isfinite(number) else None


def _plain(text: str) -> str:
    """Text from a study, with Rich's markup made harmless."""
    from rich.markup import escape

    return escape(text)


def _say(*parts: Any) -> None:
    """Print to standard output, 80 columns wide at least where it is no terminal."""
    from rich.console import Console

    console = Console(highlight=False, width=None if sys.stdout.isatty() else 100)
    for part in parts:
        console.print(part)


# ---- the way out -------------------------------------------------------------------------------


def main() -> NoReturn:
    """Run the command line and exit with its code: 0, 1, 2, 70 or 130."""
    # Building graphs makes millions of objects that all live until the end: collecting them is a fifth
    # of the time of a run, for nothing.
    gc.disable()
    sys.exit(_exit_code())


def _exit_code() -> int:
    try:
        app(standalone_mode=False)
    except EstimatesError as error:
        print(f"estimates: {error}", file=sys.stderr)
        return EXIT_FAULT if isinstance(error, EngineError) and "could not sample" in error.what else EXIT_INPUT
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except click.ClickException as error:
        error.show(file=sys.stderr)
        return EXIT_INPUT
    except (KeyboardInterrupt, click.Abort):
        print("estimates: interrupted; nothing half-written was left.", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:
        traceback.print_exc()
        print("estimates: a fault of ours. Please report it with the lines above.", file=sys.stderr)
        return EXIT_FAULT
    return 0
