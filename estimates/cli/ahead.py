"""The commands forecast and resolve."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from estimates.cli.asking import day_to_forecast, model_file, read_as
from estimates.cli.exits import EXIT_BAD_VERDICT
from estimates.cli.options import FLAGSHIP, JsonOption, ModelOption, SeedOption, StudyArgument, VariantOption
from estimates.cli.saying import progress_bar, say, say_json, say_next
from estimates.cli.writing import check_folder
from estimates.errors import OutputError, QuestionError, choices

if TYPE_CHECKING:
    from estimates.forecasts import Forecast
    from estimates.reports import Report
    from estimates.shelf import ModelFile
    from estimates.study import Study

FORECAST_EXAMPLES = """\b
Examples:
  estimates forecast --at 2024-10-31 --freeze october.json
  estimates forecast --at 2024-08-27 --known-by 2024-03-01
  estimates forecast dprk-shells-all-reports-2024 --scorecard"""

RESOLVE_EXAMPLES = """\b
Examples:
  estimates resolve august.json --report aug_2024 --study dprk-shells-2024
  estimates resolve october.json --value 20000 --hedge about \\
      --issuer rok_military --published 2024-10-31"""


def forecast_(
    study: StudyArgument = FLAGSHIP,
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
    asked, file = read_as(study, variant), model_file(model)
    if scorecard:
        if any(given is not None for given in (at, issuer, known_by, freeze)):
            raise QuestionError(
                "--scorecard takes no --at, --issuer, --known-by or --freeze",
                remedy="It forecasts every fitted report from those before it: leave them out.",
            )
        _scorecard(asked, file, engine, seed, as_json=as_json)
        if not as_json and (day := day_to_forecast(asked)):
            say_next("scorecard", study, model=model, at=day, variant=variant, engine=engine, seed=seed)
        return
    if at is None:
        raise QuestionError(
            "no day to forecast", remedy="Give --at DATE, or --scorecard for every past report."
        )
    if freeze:
        _check_new(freeze)
    with progress_bar(f"Forecasting {asked.name}") as progress:
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
        say_next("forecast", study, **options, freeze=f"{asked.name}-{at}.json")
    if found.trust.verdict == "bad":
        raise typer.Exit(EXIT_BAD_VERDICT)


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
    """Score a frozen forecast by the report that came.

    Two baselines are scored beside it: the issuer's last number, and the straight line through its last two.
    The report is one of a study (--report and --study), or is told by --value, --hedge, --issuer and
    --published.
    """
    from estimates.forecasts import read_forecast, resolve

    frozen = read_forecast(file)
    told = (value, issuer, published)
    if report and study and told == (None, None, None):
        came = _report_of(read_as(study, None), report)
    elif value is not None and issuer and published and not (report or study):
        came = _report_told(frozen, (value, hedge), issuer, published)
    else:
        raise QuestionError(
            "no one report is named",
            remedy="Give --report and --study, or --value, --hedge, --issuer and --published.",
        )
    document = resolve(frozen, came).document()
    if as_json:
        say_json({"schema": 1, **document})
        return
    from estimates import tables

    say(*tables.resolution(document))
    if study:
        say_next("resolve", study)


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
    check_folder(path.parent)


def _show_forecast(found: "Forecast", freeze: Path | None, study: str, *, as_json: bool) -> None:
    document = found.summary()
    if as_json:
        say_json(document)
        return
    from estimates import tables

    say(*tables.forecast(document))
    if freeze:
        say(f"Wrote {freeze}. When the report has come:")
        say(f"  estimates resolve {shlex.quote(str(freeze))} --report ID --study {shlex.quote(study)}")


def _scorecard(study: "Study", model: "ModelFile", engine: str, seed: int, *, as_json: bool) -> None:
    with progress_bar(f"Hindcasting {study.name}") as progress:
        from estimates.hindsight import scorecard

        document = scorecard(study, model.path, engine=engine, seed=seed, progress=progress).document()
    if as_json:
        say_json(document)
        return
    from estimates import tables

    say(*tables.scorecard(document))
