"""The command line: the only place that prints."""

import gc
import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from estimates.errors import EngineError, EstimatesError, OutputError, QuestionError, choices

if TYPE_CHECKING:
    from estimates.estimate import Estimate
    from estimates.forecasts import Forecast
    from estimates.reports import Report
    from estimates.shelf import ModelFile
    from estimates.study import Study
    from estimates.sweeping import Sweep

EXIT_BAD_VERDICT, EXIT_INPUT, EXIT_FAULT, EXIT_INTERRUPTED = 1, 2, 70, 130

_EXAMPLES = """\b
First steps:
  estimates run                        the flagship study: a table and a page
  estimates check                      how its reports and priors are read
  estimates new barrels --load barrel  a study of your own, to be edited
  estimates run barrels.toml

Exit codes: 0 done, 1 the verdict is bad, 2 the input is wrong, 70 a fault of ours, 130 interrupted."""

_RUN_EXAMPLES = """\b
Examples:
  estimates run
  estimates run --model stepped --variant mid_2022
  estimates run barrels.toml --model ./mine.py --out results/mine
  estimates run --json --seed 2 | jq .claims"""

_CHECK_EXAMPLES = """\b
Examples:
  estimates check
  estimates check barrels.toml --model stepped
  estimates check barrels.toml --model ./mine.py --laws"""

_COMPARE_EXAMPLES = """\b
Examples:
  estimates compare
  estimates compare --models steady,stepped --variants none,mid_2022
  estimates compare barrels.toml --json | jq '.pairs[].says'"""

_CLAIMS_EXAMPLES = """\b
Examples:
  estimates claims
  estimates claims --models steady,stepped --variants none
  estimates claims barrels.toml --json | jq -r '.claims[].says'"""

_FALSIFY_EXAMPLES = """\b
Examples:
  estimates falsify six_million
  estimates falsify twofold --model stepped
  estimates falsify six_million --dials payload,packed_mass_152,share_122"""

_SENSITIVITY_EXAMPLES = """\b
Examples:
  estimates sensitivity
  estimates sensitivity --quantity shells --at feb_2024
  estimates sensitivity barrels.toml --json | jq .groups"""

_SWEEP_EXAMPLES = """\b
Examples:
  estimates sweep
  estimates sweep --models steady,stepped --set payload=18,20,22 --set "daily_rate=as read,50%"
  estimates sweep --widths --cells 10000 --out results/multiverse
  estimates sweep --widths --cells 10000 --cluster tcp://10.0.0.1:8786"""

_PLOT_EXAMPLES = """\b
Examples:
  estimates plot
  estimates plot carriers
  estimates plot drivers results/dprk-shells-2024/stepped --out drivers.png
  estimates plot stories dprk-shells-2024"""

_SCHEMA_EXAMPLES = """\b
Examples:
  estimates schema | jq .definitions.Says
  estimates schema --out study.schema.json"""

_NEW_EXAMPLES = """\b
Example:
  estimates new barrels --carriers voyages --unit voyage --load barrel"""

_FORECAST_EXAMPLES = """\b
Examples:
  estimates forecast --at 2024-10-31 --freeze october.json
  estimates forecast --at 2024-08-27 --known-by 2024-03-01
  estimates forecast dprk-shells-all-reports-2024 --scorecard"""

_RESOLVE_EXAMPLES = """\b
Examples:
  estimates resolve august.json --report aug_2024 --study dprk-shells-2024
  estimates resolve october.json --value 20000 --hedge about \\
      --issuer rok_military --published 2024-10-31"""

_NEXT = {
    "run": ("rival stories of the same reports", "compare"),
    "run, without rivals": ("which assumption carries the answer", "sensitivity"),
    "run, bad": ("what the model breaks", "check --laws"),
    "check": ("fit it", "run"),
    "check, incomplete": ("with what is missing pasted in", "check"),
    "compare": ("which claims hold, and under which stories", "claims"),
    "compare, no claims": ("which assumption carries the answer", "sensitivity"),
    "claims": ("what it would take to overturn one", "falsify"),
    "falsify": ("which assumption carries the answer", "sensitivity"),
    "sensitivity": ("which of all choices move the answer", "sweep --widths --cells 500"),
    "sweep": ("a count that is still to come", "forecast"),
    "forecast": ("keep it, to be scored when the report comes", "forecast"),
    "resolve": ("every past report, forecast and scored", "forecast --scorecard"),
    "scorecard": ("a count that is still to come", "forecast"),
}
"""After each command, what a person may ask next, and the command that answers it."""

app = typer.Typer(
    help="Turn sparse public reports into honest distributions.",
    epilog=_EXAMPLES,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

StudyArgument = Annotated[
    str,
    typer.Argument(
        metavar="STUDY", help="A packaged study (see: estimates studies) or the path of a TOML file."
    ),
]
ModelOption = Annotated[
    str,
    typer.Option(
        "--model", "-m", metavar="MODEL", help="A model (see: estimates models) or the path of a .py file."
    ),
]
VariantOption = Annotated[
    str | None, typer.Option("--variant", metavar="NAME", help="Read the study as one of its variants.")
]
ModelsOption = Annotated[
    str, typer.Option("--models", "-m", metavar="A,B", help="Names or paths, separated by commas.")
]
VariantsOption = Annotated[
    str | None,
    typer.Option(metavar="A,B", help="Readings; none is the study's own.  [default: none and all]"),
]
SeedOption = Annotated[int, typer.Option(metavar="N", help="The same seed gives the same numbers.")]
WorkersOption = Annotated[
    int, typer.Option(metavar="N", min=1, max=64, help="Processes, one a core unless told.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
_FLAGSHIP = "dprk-shells-2024"
_CORES = os.cpu_count() or 1
_RIVALS = "steady,stepped,accelerating,lumpy"
_LEFT_OUT = {"model": "steady", "models": _RIVALS, "seed": 1, "engine": "auto"}
"""Options that need not be said."""


@app.callback(invoke_without_command=True)
def _estimates(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    if version:
        from importlib.metadata import version as version_of

        print(f"estimates {version_of('estimates')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command(epilog=_RUN_EXAMPLES)
def run(
    study: StudyArgument = _FLAGSHIP,
    model: ModelOption = "steady",
    variant: VariantOption = None,
    engine: Annotated[
        str,
        typer.Option(
            metavar="ENGINE", help="importance, nuts, or auto: importance where it is good, else nuts."
        ),
    ] = "auto",
    seed: SeedOption = 1,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for the files.  [default: results/STUDY/MODEL[-VARIANT]]"),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print one JSON document and nothing else; write files only with --out."),
    ] = False,
) -> None:
    """Fit a model to a study and print what the reports imply.

    Prints the table and writes estimate.json, estimate.nc and page.html. The exit code is 0 when done,
    1 when the verdict is bad (the files are still written), 2 when the input is wrong.
    """
    asked = _read(study, variant)
    file = _model(model)
    folder = out if out or as_json else _default_folder(asked, file)
    if folder:
        _check_folder(folder)
    with _progress(f"Fitting {asked.name}") as progress:
        from estimates.inference import infer

        estimate = infer(asked, file.path, engine=engine, seed=seed, progress=progress)
        document = estimate.document()
        if folder:
            _write(estimate, document, folder)
    if as_json:
        _print_json(document)
    else:
        _show(estimate, document, folder)
        rivals = _able(asked, model)
        if estimate.trust.verdict == "bad":
            _next("run, bad", study, model=model, variant=variant)
        elif "," in rivals:
            _next("run", study, models=rivals, seed=seed, out=out)
        else:
            _next("run, without rivals", study, model=model, variant=variant, seed=seed, out=out)
    if estimate.trust.verdict == "bad":
        raise typer.Exit(EXIT_BAD_VERDICT)


@app.command(epilog=_CHECK_EXAMPLES)
def check(
    study: StudyArgument = _FLAGSHIP,
    model: ModelOption = "steady",
    variant: VariantOption = None,
    laws: Annotated[
        bool, typer.Option("--laws", help="Also try the laws that every study and model keeps: a minute.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Read a study without fitting it.

    Shows the interval that every report is read as, the quantiles that its priors imply, what the audit
    finds, and the assumptions that the model or the reports still ask for, as blocks to paste. With --laws
    the exit code is 1 when the study or the model breaks one.
    """
    asked, file = _read(study, variant), _model(model)
    document = _checked(asked, file)
    if laws:
        document |= {"laws": _tried(asked, file)}
    if as_json:
        _print_json(document)
    else:
        _show_check(asked, document)
        _next("check, incomplete" if document["missing"] else "check", study, model=model, variant=variant)
    if any(law["broken"] for law in document.get("laws", ())):
        raise typer.Exit(EXIT_BAD_VERDICT)


def _tried(study: "Study", model: "ModelFile") -> list[dict[str, Any]]:
    """Every law of studies on this study, and every law of models on this model, with what breaks it."""
    with _progress(f"Trying the laws on {study.name}") as progress:
        from estimates import testing

        checks = [*testing.study_checks(study, model.path), *testing.model_checks(model.path, study)]
        return [
            {
                "of": check.subject,
                "law": check.law.name,
                "says": check.law.says,
                "broken": broken,
                "not_tried": not_tried,
            }
            for check, broken, not_tried in testing.outcomes(checks, progress)
        ]


@app.command(epilog=_COMPARE_EXAMPLES)
def compare(
    study: StudyArgument = _FLAGSHIP,
    also: Annotated[
        list[str] | None,
        typer.Option(
            "--with", metavar="STUDY", help="Another study of the same reports, to be compared along."
        ),
    ] = None,
    models: ModelsOption = _RIVALS,
    variants: VariantsOption = None,
    seed: SeedOption = 1,
    workers: WorkersOption = _CORES,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for compare.json.  [default: results/STUDY]")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Tell rival stories of the same reports apart, where the reports can.

    A story is a model under a reading. Prints the log evidence of each, what it implies, how far one is
    disfavoured under every rereading, and which reports it fails. Takes about a minute.
    """
    asked = [_read(name, None) for name in (study, *(also or ()))]
    files, readings = _stories(models, variants)
    folder = out if out or as_json else Path("results") / asked[0].name
    if folder:
        _check_folder(folder)
    with _progress(f"Comparing stories of {asked[0].name}") as progress:
        from estimates.comparison import compare as compared

        found = compared(
            asked,
            files,
            readings,
            seed=seed,
            workers=workers,
            progress=progress,
        )
        document = found.document()
        if folder:
            _write_json(document, folder / "compare.json")
        shown = _shown_on(folder, *folder.glob("*/")) if folder else []
    if as_json:
        _print_json(document)
        return
    _show_comparison(asked[0], document)
    if folder:
        _say(f"Wrote {folder / 'compare.json'}.", *shown)
    if asked[0].claims:
        _next("compare", study, models=models, variants=variants, seed=seed, out=out)
    else:
        _next("compare, no claims", study, seed=seed)


@app.command(epilog=_CLAIMS_EXAMPLES)
def claims(
    study: StudyArgument = _FLAGSHIP,
    models: ModelsOption = _RIVALS,
    variants: VariantsOption = None,
    seed: SeedOption = 1,
    workers: WorkersOption = _CORES,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for claims.json.  [default: results/STUDY]")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say of each claim of a study whether it holds, and under which stories.

    A story is a model under a reading. Each is asked as read and with every "over" open. Takes about a
    minute.
    """
    asked = _read(study, None)
    files, readings = _stories(models, variants)
    folder = out if out or as_json else Path("results") / asked.name
    if folder:
        _check_folder(folder)
    with _progress(f"Asking about {asked.name}") as progress:
        from estimates.judging import verdicts

        found = verdicts(asked, files, readings, seed=seed, workers=workers, progress=progress)
        document = found.document()
        if folder:
            _write_json(document, folder / "claims.json")
        shown = _shown_on(folder, *folder.glob("*/")) if folder else []
    if as_json:
        _print_json(document)
        return
    from estimates import tables

    _say(tables.title(asked), "", *tables.judged(document))
    if folder:
        _say(f"Wrote {folder / 'claims.json'}.", *shown)
    _next("claims", next(iter(asked.claims)), study, model=_listed(models)[0], seed=seed)


@app.command("falsify", epilog=_FALSIFY_EXAMPLES)
def falsify_(
    claim: Annotated[str, typer.Argument(metavar="CLAIM", help="The name of a claim of the study.")],
    study: StudyArgument = _FLAGSHIP,
    model: ModelOption = "steady",
    variant: VariantOption = None,
    dials: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Assumptions that may be turned.  [default: all it rests on]"),
    ] = None,
    tries: Annotated[
        int, typer.Option(metavar="N", min=1, help="Settings tried before none is said to be found.")
    ] = 2000,
    seed: SeedOption = 1,
    workers: WorkersOption = _CORES,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for the file.  [default: results/STUDY/MODEL[-VARIANT]]"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what it would take to overturn a claim: the fewest assumptions, moved the least.

    A claim is overturned where its probability crosses one half. Prints where each assumption alone would do
    it, and the smallest combination. All that is printed was fitted anew. Takes about a minute.
    """
    asked, file = _read(study, variant), _model(model)
    folder = out if out or as_json else _default_folder(asked, file)
    if folder:
        _check_folder(folder)
    with _progress(f"Falsifying {claim}") as progress:
        from estimates.falsification import falsify

        names = None if dials is None else [name.strip() for name in dials.split(",")]
        found = falsify(
            asked, claim, file.path, dials=names, tries=tries, seed=seed, workers=workers, progress=progress
        )
        document = found.document()
        if folder:
            _write_json(document, folder / f"falsify_{claim}.json")
        shown = _shown_on(folder) if folder else []
    if as_json:
        _print_json(document)
        return
    from estimates import tables

    _say(tables.title(asked), "", *found.sentences(), "", *tables.alone(asked, document))
    if folder:
        _say(f"Wrote {folder / f'falsify_{claim}.json'}.", *shown)
    _next("falsify", study, model=model, variant=variant, seed=seed, out=out)


@app.command("sensitivity", epilog=_SENSITIVITY_EXAMPLES)
def sensitivity_(
    study: StudyArgument = _FLAGSHIP,
    model: ModelOption = "steady",
    variant: VariantOption = None,
    quantity: Annotated[
        str | None, typer.Option(metavar="NAME", help="A quantity.  [default: what the study leads with]")
    ] = None,
    at: Annotated[
        str | None, typer.Option(metavar="DATE", help="A report or a day.  [default: the last report]")
    ] = None,
    seed: SeedOption = 1,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for the files.  [default: results/STUDY/MODEL[-VARIANT]]"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say which assumption carries the answer: what knowing each would do.

    Prints how far knowing each assumption would narrow the interval and settle the claims, and how much of
    the spread rests on judgement. Writes sensitivity.json and a picture, sensitivity.png.
    """
    asked, file = _read(study, variant), _model(model)
    folder = out if out or as_json else _default_folder(asked, file)
    if folder:
        _check_folder(folder)
    with _progress(f"Asking what carries {asked.name}") as progress:
        from estimates.attribution import sensitivity

        found = sensitivity(asked, file.path, quantity=quantity, at=at, seed=seed, progress=progress)
        document = found.document()
        if folder:
            _write_sensitivity(document, folder)
        shown = _shown_on(folder) if folder else []
    if as_json:
        _print_json(document)
        return
    from estimates import tables

    _say(tables.title(asked), "", *found.sentences(), "", *tables.drivers(document))
    if folder:
        _say(f"Wrote {folder / 'sensitivity.json'} and {folder / 'sensitivity.png'}.", *shown)
    _next("sensitivity", study, models=_able(asked, model), seed=seed)


def _write_sensitivity(document: dict[str, Any], folder: Path) -> None:
    from estimates.files import replacing
    from estimates.plots import pictures
    from estimates.plots.paper import png

    picture = png(pictures.drivers(document).figure())
    with replacing(folder / "sensitivity.png") as temporary:
        temporary.write_bytes(picture)
    _write_json(document, folder / "sensitivity.json")


@app.command("sweep", epilog=_SWEEP_EXAMPLES)
def sweep_(
    study: StudyArgument = _FLAGSHIP,
    models: ModelsOption = _RIVALS,
    variants: Annotated[
        str | None, typer.Option(metavar="A,B", help="Variants; 'as read' is none.  [default: all, and none]")
    ] = None,
    reports: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="How reports are taken.  [default: as read, every 'over' open]"),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=A,B", help="Options of an assumption; may be given again."),
    ] = None,
    widths: Annotated[
        bool, typer.Option("--widths", help="Every prior as read, half and twice as wide.")
    ] = False,
    cells: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="A sample of so many readings.  [default: all]")
    ] = None,
    workers: WorkersOption = _CORES,
    cluster: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="A Dask scheduler, in place of own processes.")
    ] = None,
    seed: SeedOption = 1,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for the files.  [default: results/STUDY/sweep]"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Fit every combination of models, variants, reports and assumptions: a multiverse.

    Writes a row for each reading to sweep.parquet, the summary to sweep.json, and the specification curve to
    sweep.png. Interrupted, it goes on where it stopped when it is begun again.
    """
    from estimates.multiverse import Multiverse, options_of
    from estimates.multiverse import widths as all_widths

    asked = _read(study, None)
    grid = Multiverse(
        _listed(models),
        _listed(variants) if variants else None,
        _listed(reports) if reports else None,
        (all_widths(asked) if widths else {}) | options_of(settings or []),
        cells,
    )
    folder = out if out or as_json else Path("results") / asked.name / "sweep"
    if folder:
        _check_folder(folder)
    with _progress(f"Sweeping {asked.name}") as progress:
        from estimates.sweeping import sweep

        found = sweep(asked, grid, out=folder, workers=cluster or workers, seed=seed, progress=progress)
        document = found.document()
        if folder:
            _write_sweep(found, folder)
    if as_json:
        _print_json(document)
        return
    from estimates import tables

    _say(tables.title(asked), "", *tables.swept(document))
    if folder:
        _say(f"Wrote {folder / 'sweep.parquet'}, with sweep.json and sweep.png beside it.")
    if day := _day_to_forecast(asked):
        _next("sweep", study, at=day, seed=seed)


def _listed(text: str) -> list[str]:
    """The words between commas."""
    return [word.strip() for word in text.split(",")]


def _write_sweep(found: "Sweep", folder: Path) -> None:
    from estimates.files import replacing
    from estimates.plots import pictures
    from estimates.plots.paper import png

    picture = png(pictures.curve(found).figure())
    with replacing(folder / "sweep.png") as temporary:
        temporary.write_bytes(picture)
    _write_json(found.document(), folder / "sweep.json")


def _stories(models: str, variants: str | None) -> tuple[list[Path], list[str | None] | None]:
    """The models and the readings named on the command line."""
    files = [_model(model).path for model in _listed(models)]
    return files, None if variants is None else [_reading(name) for name in _listed(variants)]


def _reading(name: str) -> str | None:
    return None if name in ("none", "") else name


@app.command("forecast", epilog=_FORECAST_EXAMPLES)
def forecast_(
    study: StudyArgument = _FLAGSHIP,
    model: ModelOption = "steady",
    at: Annotated[
        str | None, typer.Option(metavar="DATE", help="The day of the next report, or the id of one.")
    ] = None,
    issuer: Annotated[
        str | None, typer.Option(metavar="NAME", help="One issuer.  [default: all that count carriers]")
    ] = None,
    known_by: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Look away from reports published later: a hindcast."),
    ] = None,
    freeze: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep the forecast, to be resolved later.")
    ] = None,
    scorecard: Annotated[
        bool, typer.Option("--scorecard", help="Hindcast and score every fitted report instead.")
    ] = False,
    variant: VariantOption = None,
    engine: Annotated[str, typer.Option(metavar="ENGINE", help="importance, nuts, or auto.")] = "auto",
    seed: SeedOption = 1,
    as_json: JsonOption = False,
) -> None:
    """Forecast what each issuer would see before its next report.

    A frozen forecast can be scored when the report comes: estimates resolve. With --known-by it is a
    hindcast, and says so; with --scorecard every fitted report is hindcast from those before it.
    """
    asked, file = _read(study, variant), _model(model)
    if scorecard:
        if any(given is not None for given in (at, issuer, known_by, freeze)):
            raise QuestionError(
                "--scorecard takes no --at, --issuer, --known-by or --freeze",
                remedy="It forecasts every fitted report from those before it: leave them out.",
            )
        _scorecard(asked, file, engine, seed, as_json=as_json)
        if not as_json and (day := _day_to_forecast(asked)):
            _next("scorecard", study, model=model, at=day, variant=variant, engine=engine, seed=seed)
        return
    if at is None:
        raise QuestionError(
            "no day to forecast", remedy="Give --at DATE, or --scorecard for every past report."
        )
    if freeze:
        _check_new(freeze)
    with _progress(f"Forecasting {asked.name}") as progress:
        from estimates.forecasts import forecast

        options: dict[str, Any] = {"engine": engine, "seed": seed, "progress": progress}
        found = forecast(asked, file.path, at=at, issuer=issuer, known_by=known_by, **options)
    if freeze:
        _check_new(freeze)  # somebody may have written it meanwhile
        found.save(freeze)
    _show_forecast(found, freeze, study, as_json=as_json)
    if not freeze and not as_json:
        options |= {"model": model, "at": at, "issuer": issuer, "known-by": known_by, "variant": variant}
        del options["progress"]
        _next("forecast", study, **options, freeze=f"{asked.name}-{at}.json")
    if found.trust.verdict == "bad":
        raise typer.Exit(EXIT_BAD_VERDICT)


@app.command("resolve", epilog=_RESOLVE_EXAMPLES)
def resolve_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What estimates forecast --freeze wrote.")],
    report: Annotated[
        str | None, typer.Option(metavar="ID", help="The report that came, in --study.")
    ] = None,
    study: Annotated[
        str | None, typer.Option(metavar="STUDY", help="The study that holds the report.")
    ] = None,
    value: Annotated[
        float | None, typer.Option(metavar="N", help="The number printed, for a report in no study.")
    ] = None,
    hedge: Annotated[str, typer.Option(metavar="WORD", help="How it was worded.")] = "about",
    issuer: Annotated[str | None, typer.Option(metavar="NAME", help="Who said it.")] = None,
    published: Annotated[str | None, typer.Option(metavar="DATE", help="When it was published.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Score a frozen forecast by the report that came, beside two baselines.

    The baselines are the issuer's last number and the straight line through its last two. The report is
    one of a study (--report and --study), or is told by --value, --hedge, --issuer and --published.
    """
    from estimates.forecasts import read_forecast, resolve

    frozen = read_forecast(file)
    told = (value, issuer, published)
    if report and study and told == (None, None, None):
        came = _report_of(_read(study, None), report)
    elif value is not None and issuer and published and not (report or study):
        came = _report_told(frozen, (value, hedge), issuer, published)
    else:
        raise QuestionError(
            "no one report is named",
            remedy="Give --report and --study, or --value, --hedge, --issuer and --published.",
        )
    document = resolve(frozen, came).document()
    if as_json:
        _print_json({"schema": 1, **document})
        return
    from estimates import tables

    _say(*tables.resolution(document))
    if study:
        _next("resolve", study)


def _report_of(study: "Study", name: str) -> "Report":
    found = {one.id: one for one in study.reports}
    if name not in found:
        raise QuestionError(f"unknown report {name!r}", remedy=choices(name, found))
    return found[name]


def _report_told(frozen: "Forecast", said: tuple[float, str], issuer: str, published: str) -> "Report":
    """A report made of what the command line says of it."""
    import datetime as dt

    from pydantic import ValidationError

    from estimates.reports import Report, Says
    from estimates.study.refusals import translated

    try:
        day = dt.date.fromisoformat(published)
    except ValueError:
        raise QuestionError(
            f"--published {published!r} is no day", remedy="Write it as 2024-08-27."
        ) from None
    try:
        says = Says(value=said[0], hedge=said[1])
    except ValidationError as error:
        raise translated(error, Says) from None
    return Report(id="told", measures=frozen.measures, says=says, published=day, issuer=issuer)


def _check_new(path: Path) -> None:
    if path.exists():
        raise OutputError(
            "exists already", where=str(path), remedy="A frozen forecast stays: choose another --freeze."
        )
    _check_folder(path.parent)


def _show_forecast(found: "Forecast", freeze: Path | None, study: str, *, as_json: bool) -> None:
    document = found.summary()
    if as_json:
        _print_json(document)
        return
    from estimates import tables

    _say(*tables.forecast(document))
    if freeze:
        _say(f"Wrote {freeze}. When the report has come:")
        _say(f"  estimates resolve {shlex.quote(str(freeze))} --report ID --study {shlex.quote(study)}")


def _scorecard(study: "Study", model: "ModelFile", engine: str, seed: int, *, as_json: bool) -> None:
    with _progress(f"Hindcasting {study.name}") as progress:
        from estimates.hindsight import scorecard

        document = scorecard(study, model.path, engine=engine, seed=seed, progress=progress).document()
    if as_json:
        _print_json(document)
        return
    from estimates import tables

    _say(*tables.scorecard(document))


@app.command(epilog=_PLOT_EXAMPLES)
def plot(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Which picture; without it the names are listed.")
    ] = None,
    result: Annotated[
        str, typer.Argument(metavar="RESULT", help="The folder that a command wrote, or the name of a study.")
    ] = _FLAGSHIP,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A file .svg or .png.  [default: NAME.svg in the folder]"),
    ] = None,
) -> None:
    """Draw one picture from what earlier commands wrote; nothing is fitted."""
    from estimates import gallery

    if name is None:
        print(f"Pictures, each with the command that comes first:\n{gallery.listing()}")
        print("\nDraw one: estimates plot NAME [RESULT]")
        return
    if out:
        gallery.check_ending(out)
        _check_folder(out.parent)
    picture, folder, trust = gallery.drawn(name, result)
    path = out or folder / f"{name}.svg"
    gallery.write(name, picture, path)
    _say(f"Wrote {path}.")
    if trust == "bad":
        _say("It shows a fit with the verdict bad: do not rely on it.")
        raise typer.Exit(EXIT_BAD_VERDICT)


@app.command()
def studies(as_json: JsonOption = False) -> None:
    """List the studies that come with the library."""
    from estimates.study import packaged, read

    rows = [{"name": name, "title": read(name).title, "path": str(path)} for name, path in packaged().items()]
    if as_json:
        _print_json({"schema": 1, "studies": rows})
        return
    for row in rows:
        _say(row["name"], f"    {row['title']}")
        print(f"    {row['path']}")
    print("\nA study of yours: estimates new NAME")


@app.command()
def models(as_json: JsonOption = False) -> None:
    """List the models and the assumptions that are asked for."""
    from estimates import shelf
    from estimates.assumptions import MODEL_ASSUMPTIONS

    found = [shelf.find(name) for name in shelf.models()]
    if as_json:
        _print_json(
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
        _say(file.name, f"    {file.first_line}", f"    asks for {', '.join(file.assumptions)}")
        print(f"    {file.path}")
    print("\nAssumptions with a fixed name and unit (reports ask for the last four):")
    for name, meant in MODEL_ASSUMPTIONS.items():
        _say(f"    {name}, {meant.unit.format(carrier='<carrier>')}", f"        {meant.meaning}")
    print("\nA model of yours: estimates run --model path/to/mine.py")


@app.command(epilog=_NEW_EXAMPLES)
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
        raise QuestionError("the study has no name", remedy="Give one: estimates new NAME")
    answers = DEFAULTS | answers
    text, path, beside = _started(answers, out), out / f"{answers['name']}.toml", out / NAME
    _check_schema(beside)
    _check_folder(out)
    _write_texts({path: text, beside: schema_text()})
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
                _say(f"  {error.what}: {error.remedy[:1].lower()}{error.remedy[1:]}")
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


@app.command("schema", epilog=_SCHEMA_EXAMPLES)
def schema_(
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it there.  [default: print it]")
    ] = None,
) -> None:
    """Print the JSON Schema of a study file, with which an editor completes, explains and checks it.

    A study whose first line is "#:schema study.schema.json" is checked against the file of that name beside
    it, by editors with taplo (Even Better TOML) or tombi. estimates new writes both.
    """
    from estimates.study.schema import DIRECTIVE, NAME, schema_text

    if out is None:
        print(schema_text(), end="")
        return
    _check_schema(out)
    _check_folder(out.parent)
    _write_texts({out: schema_text()})
    _say(f"Wrote {out}. A study beside it begins with: {DIRECTIVE.replace(NAME, out.name)}")


def _check_schema(path: Path) -> None:
    """Refuse to write a schema over anything but an older one."""
    from estimates.study.schema import is_schema

    if path.exists() and not is_schema(path):
        raise OutputError(
            "exists already, and is no schema of studies",
            where=str(path),
            remedy="Choose another name; nothing was overwritten.",
        )


# ---- input -------------------------------------------------------------------------------------


def _read(study: str, variant: str | None) -> "Study":
    from estimates.study import read

    asked = read(study)
    return asked if variant is None else asked.variant(variant)


def _model(model: str) -> "ModelFile":
    """The model file, looked for before anything slow is imported."""
    from estimates import shelf

    return shelf.find(model)


def _default_folder(study: "Study", model: "ModelFile") -> Path:
    reading = f"-{study.variant_name}" if study.variant_name else ""
    return Path("results") / study.name / f"{model.name}{reading}"


def _check_folder(folder: Path) -> None:
    """Refuse a folder that cannot be written before minutes are spent on a fit."""
    nearest = folder.absolute()
    while not nearest.exists() and nearest != nearest.parent:
        nearest = nearest.parent
    if not nearest.is_dir():
        raise OutputError(
            f"{nearest} is no folder", where=str(folder), remedy="Choose another folder with --out."
        )
    if not os.access(nearest, os.W_OK):
        raise OutputError(
            "cannot be written", where=str(folder), remedy="Choose a folder of yours with --out."
        )


# ---- output ------------------------------------------------------------------------------------


def _write(estimate: "Estimate", document: dict[str, Any], folder: Path) -> None:
    """The three files, all of them or none."""
    from estimates import page
    from estimates.beside import beside
    from estimates.files import replacing

    text = page.render(estimate, document, _findings(estimate.study), beside(estimate, folder))
    with ExitStack() as files:
        draws, table, html = (
            files.enter_context(replacing(folder / name))
            for name in ("estimate.nc", "estimate.json", "page.html")
        )
        estimate.save(draws)
        table.write_text(_json(document) + "\n", encoding="utf-8")
        html.write_text(text, encoding="utf-8")


def _findings(study: "Study") -> list[str]:
    """What the audit says of a study."""
    from estimates.audit import audit

    return [finding.words for finding in audit(study)]


def _shown_on(*folders: Path) -> list[str]:
    """Write the pages of estimates in these folders anew, with what lies beside them now, and say so."""
    from estimates import page
    from estimates.estimate import load

    said = []
    for folder in sorted(folder for folder in folders if (folder / "estimate.nc").is_file()):
        path = folder / "page.html"
        try:
            estimate = load(folder / "estimate.nc")
        except OutputError as error:
            said.append(f"{path} was left as it is: {error}")
        else:
            page.write(estimate, estimate.document(), path, _findings(estimate.study))
            said.append(f"{path} shows it.")
    return said


def _write_texts(texts: dict[Path, str]) -> None:
    """Files of text, all of them or none."""
    from estimates.files import replacing

    with ExitStack() as files:
        temporary = {path: files.enter_context(replacing(path)) for path in texts}
        for path, text in texts.items():
            temporary[path].write_text(text, encoding="utf-8")


def _write_json(document: dict[str, Any], path: Path) -> None:
    from estimates.files import replacing

    with replacing(path) as temporary:
        temporary.write_text(_json(document) + "\n", encoding="utf-8")


def _json(document: dict[str, Any], *, plain: bool = False) -> str:
    return json.dumps(document, indent=1, ensure_ascii=plain, allow_nan=False)


def _print_json(document: dict[str, Any]) -> None:
    print(_json(document, plain=(sys.stdout.encoding or "ascii").lower() != "utf-8"))


@contextmanager
def _progress(what: str) -> Iterator[Callable[[float, str], None] | None]:
    """A bar on stderr while something takes long; nothing where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[doing]}"),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    console.width -= 3  # room for the ^C that a terminal shows: on a line of its own the bar would stay
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(escape(what), total=1.0, doing="building the model")
        yield lambda share, doing: bar.update(task, completed=share, doing=doing)


def _show(estimate: "Estimate", document: dict[str, Any], folder: Path | None) -> None:
    from estimates import tables

    study = estimate.study
    _say(tables.title(study), "")
    _say(*tables.answer(study, document), "")
    _say(tables.quantities(document), "MC error: how far the median may be off for want of draws.", "")
    if document["trend"]:
        _say(*tables.trend(study, document), "")
    if document["parameters"]:
        _say(tables.parameters(document), "")
    if document["claims"]:
        _say(tables.claims(study, document), "")
    _say(*tables.sources(document))
    _say(*tables.trust(document))
    if folder:
        _say(f"Wrote {folder / 'page.html'} (open it next), with estimate.json and estimate.nc beside it.")


def _show_comparison(study: "Study", document: dict[str, Any]) -> None:
    from estimates import tables

    _say(tables.title(study), "", *tables.stories(document), "")
    _say(*tables.rivals(document), "")
    if document["checks"]:
        _say(*tables.held_out(document), "")
    if document["telling"]:
        _say(*tables.telling(document), "")
    if document["cases"]:
        _say(tables.scores(document), "")
    _say(*tables.averages(document))
    _say(tables.compared(study, document))


def _show_check(study: "Study", document: dict[str, Any]) -> None:
    from estimates import tables

    _say(tables.title(study), "")
    _say(tables.reports(study), "")
    _say(*tables.priors(study), "")
    _say(*tables.checked(document))
    if "laws" in document:
        _say("", *tables.laws(document))


def _checked(study: "Study", model: "ModelFile") -> dict[str, Any]:
    """What `check` found, as a document."""
    from estimates import tables
    from estimates.audit import audit, unused
    from estimates.files import finite
    from estimates.reports import relays
    from estimates.sources import independent_sources

    findings, sources = audit(study), independent_sources(study)
    repeated = relays(study.reports)
    return {
        "schema": 1,
        "study": study.name,
        "fingerprint": study.fingerprint,
        "data_digest": study.data_digest,
        "variant": study.variant_name,
        "model": model.name,
        "reports": [
            {
                "id": report.id,
                "measures": report.measures,
                "says": str(report.says),
                "interval": [report.says.seen.low, finite(report.says.seen.high)],
                "role": tables.role(report, repeated),
            }
            for report in study.reports
        ],
        "assumptions": list(tables.prior_rows(study)),
        "correlations": [correlation.model_dump() for correlation in study.correlations],
        "findings": [finding.words for finding in findings],
        "warnings": [finding.words for finding in findings if finding.is_warning],
        "sources": asdict(sources) if sources else None,
        "unused": list(unused(study, model.assumptions)),
        "missing": [
            {"name": name, "paste": _block(study, name)}
            for name in dict.fromkeys((*model.assumptions, *study.needed))
            if name not in study.assumptions
        ],
    }


def _block(study: "Study", name: str) -> str:
    """The TOML block that the study would ask for."""
    try:
        study.assumption(name)
    except EstimatesError as error:
        return error.remedy.partition("\n\n")[2].strip()
    return ""


def _say(*parts: Any) -> None:
    """Print tables, sentences, and texts that stay as they are.

    Sentences are broken between words on a terminal, and stay whole lines elsewhere, for grep.
    """
    from rich.console import Console
    from rich.text import Text

    from estimates.tables import plain, wrapped

    on_terminal = sys.stdout.isatty()
    console = Console(highlight=False, markup=False, emoji=False, width=None if on_terminal else 120)
    for part in parts:
        sentence = isinstance(part, str)
        text = plain(part) if sentence else part
        console.print(
            wrapped(text, console.width) if sentence and on_terminal else text,
            soft_wrap=isinstance(part, str | Text),
        )


def _able(study: "Study", *more: str) -> str:
    """The rivals among the models that the study serves, and more of them, as an option."""
    names = dict.fromkeys((*_RIVALS.split(","), *more))
    return ",".join(name for name in names if _model(name).is_served_by(study))


def _day_to_forecast(study: "Study") -> object:
    """A day for which the next count of carriers can be forecast, if there is one."""
    counted = any(report.measures == study.carriers.name for report in study.fitted)
    later = study.horizon > max(report.published for report in study.reports)
    return study.horizon if counted and later else None


def _next(done: str, *words: str, **options: object) -> None:
    """One line of what to do next, to people alone: a command with the words and options of the last one."""
    if not sys.stdout.isatty():
        return
    from rich.text import Text

    from estimates.tables import plain

    why, command = _NEXT[done]
    said = {name: value for name, value in options.items() if value not in (None, _LEFT_OUT.get(name))}
    pairs = [word for name, value in said.items() for word in (f"--{name}", str(value))]
    line = shlex.join(["estimates", *command.split(), *words, *pairs])
    _say(Text(plain(f"Next, {why}: {line}")))  # a text is not broken into lines, so that it can be copied


# ---- the way out -------------------------------------------------------------------------------


def main() -> NoReturn:
    """Run the command line and exit with its code: 0, 1, 2, 70 or 130."""
    # Building graphs makes millions of objects that all live until the end: collecting them is a fifth
    # of the time of a run, for nothing.
    gc.disable()
    # The matrices here are small: a second thread of BLAS costs more than it does, the more so on a
    # machine that has other work. Set before NumPy is imported, which is when it counts.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal without Cyrillic shows question marks
    code = _exit_code()
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: a sampler that failed to start leaves threads behind that crash the interpreter's end.
    os._exit(code)


def _exit_code() -> int:
    try:
        code = app(prog_name="estimates", standalone_mode=False) or 0
        sys.stdout.flush()
    except EstimatesError as error:
        from estimates.tables import plain

        print(f"estimates: {plain(str(error))}", file=sys.stderr)
        return (
            EXIT_FAULT if isinstance(error, EngineError) and "could not sample" in error.what else EXIT_INPUT
        )
    except typer.TyperException as error:
        command = getattr(getattr(error, "ctx", None), "command_path", "estimates")
        print(f"estimates: {error.format_message()}\n  See: {command} --help", file=sys.stderr)
        return EXIT_INPUT
    except (BrokenPipeError, SystemExit) as leave:  # Typer turns a broken pipe into an exit with 1
        if not isinstance(leave if isinstance(leave, OSError) else leave.__context__, BrokenPipeError):
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # head has seen enough: the last flush must not fail
        return 0
    except Exception:
        import traceback

        traceback.print_exc()
        print("estimates: a fault of ours. Please report it with the lines above.", file=sys.stderr)
        return EXIT_FAULT
    if code == EXIT_INTERRUPTED:
        print("estimates: interrupted; nothing half-written was left.", file=sys.stderr)
    return int(code)
