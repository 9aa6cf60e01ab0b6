"""The commands falsify, sensitivity and sweep: what becomes of the answer when assumptions are turned."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from estimates.cli.asking import (
    day_to_forecast,
    listed,
    model_file,
    read_as,
    readings,
    rivals,
    served_models,
    study_last,
)
from estimates.cli.options import (
    CORES,
    FLAGSHIP,
    RIVALS,
    JsonOption,
    ModelOption,
    ModelsOption,
    SeedOption,
    StudyArgument,
    VariantOption,
    VariantsOption,
    WorkersOption,
)
from estimates.cli.saying import progress_bar, say, say_json, say_next
from estimates.cli.writing import check_folder, default_folder, shown_on, write_json
from estimates.errors import QuestionError
from estimates.files import FALSIFIED, RESULTS, SENSITIVITY

if TYPE_CHECKING:
    from estimates.sweeping import Sweep

FALSIFY_EXAMPLES = """\b
Examples:
  estimates falsify six_million
  estimates falsify twofold --model stepped
  estimates falsify six_million --dials payload,packed_mass_152,share_122"""

SENSITIVITY_EXAMPLES = """\b
Examples:
  estimates sensitivity
  estimates sensitivity --quantity shells --at feb_2024
  estimates sensitivity barrels.toml --json | jq .groups"""

SWEEP_EXAMPLES = """\b
Examples:
  estimates sweep
  estimates sweep --models steady,stepped --set payload=18,20,22 --set "daily_rate=as read,50%"
  estimates sweep --widths --cells 10000 --out results/multiverse
  estimates sweep --widths --cells 10000 --cluster tcp://10.0.0.1:8786"""


def falsify_(
    claim: Annotated[
        str | None, typer.Argument(metavar="CLAIM", help="The name of a claim of the study.")
    ] = None,
    study: StudyArgument = FLAGSHIP,
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
    workers: WorkersOption = CORES,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder for the file.  [default: results/STUDY/MODEL[-VARIANT]]"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what it would take to overturn a claim.

    That is: the fewest assumptions, moved the least. A claim is overturned where its probability crosses
    one half. Prints where each assumption alone would do it, and the smallest combination. All that is
    printed was fitted anew. Takes about a minute.
    """
    claim, study = study_last(claim, study)
    asked, file = read_as(study, variant), model_file(model)
    if claim is None:
        raise QuestionError(
            "no claim is named",
            remedy=f"{asked.name} has: {', '.join(asked.claims) or 'none'}. estimates falsify CLAIM [STUDY]",
        )
    folder = out if out or as_json else default_folder(asked, file)
    if folder:
        check_folder(folder)
    with progress_bar(f"Falsifying {claim}") as progress:
        from estimates.falsification import falsify

        names = None if dials is None else listed(dials)
        found = falsify(
            asked, claim, file.path, dials=names, tries=tries, seed=seed, workers=workers, progress=progress
        )
        document = found.document()
        if folder:
            write_json(document, folder / FALSIFIED.format(claim=claim))
        shown = shown_on(folder) if folder else []
    if as_json:
        say_json(document)
        return
    from estimates import tables

    say(tables.title(asked), "", *found.sentences(), "", *tables.alone(asked, document))
    if folder:
        say(f"Wrote {folder / FALSIFIED.format(claim=claim)}.", *shown)
    say_next("falsify", study, model=model, variant=variant, seed=seed, out=out)


def sensitivity_(
    study: StudyArgument = FLAGSHIP,
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
    """Say which assumption carries the answer.

    Prints how far knowing each assumption would narrow the interval and settle the claims, and how much of
    the spread rests on judgement. Writes sensitivity.json and a picture, sensitivity.png.
    """
    asked, file = read_as(study, variant), model_file(model)
    folder = out if out or as_json else default_folder(asked, file)
    if folder:
        check_folder(folder)
    with progress_bar(f"Asking what carries {asked.name}") as progress:
        from estimates.attribution import sensitivity

        found = sensitivity(asked, file.path, quantity=quantity, at=at, seed=seed, progress=progress)
        document = found.document()
        if folder:
            _write_sensitivity(document, folder)
        shown = shown_on(folder) if folder else []
    if as_json:
        say_json(document)
        return
    from estimates import tables

    say(tables.title(asked), "", *found.sentences(), "", *tables.drivers(document))
    if folder:
        say(f"Wrote {folder / SENSITIVITY} and {folder / 'sensitivity.png'}.", *shown)
    say_next("sensitivity", study, models=served_models(asked, model), seed=seed)


def _write_sensitivity(document: dict[str, Any], folder: Path) -> None:
    from estimates import gallery
    from estimates.plots import pictures

    gallery.write("drivers", pictures.drivers(document), folder / "sensitivity.png")
    write_json(document, folder / SENSITIVITY)


def sweep_(
    study: StudyArgument = FLAGSHIP,
    models: ModelsOption = RIVALS,
    variants: VariantsOption = None,
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
    workers: WorkersOption = CORES,
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
    """Fit every combination of choices: a multiverse.

    The choices are models, variants, reports and assumptions. Writes a row for each reading to
    sweep.parquet, the summary to sweep.json, and the specification curve to sweep.png. Interrupted, it goes
    on where it stopped when it is begun again.
    """
    from estimates.multiverse import AS_READ, Multiverse, options_of
    from estimates.multiverse import widths as all_widths

    asked = read_as(study, None)
    models, left_out = rivals(asked, models)
    named = readings(variants)
    grid = Multiverse(
        listed(models),
        None if named is None else [name or AS_READ for name in named],
        listed(reports) if reports else None,
        (all_widths(asked) if widths else {}) | options_of(settings or []),
        cells,
    )
    folder = out if out or as_json else RESULTS / asked.name / "sweep"
    if folder:
        check_folder(folder)
    with progress_bar(f"Sweeping {asked.name}") as progress:
        from estimates.sweeping import sweep

        found = sweep(asked, grid, out=folder, workers=cluster or workers, seed=seed, progress=progress)
        document = found.document()
        if folder:
            _write_sweep(found, folder)
    if as_json:
        say_json(document)
        return
    from estimates import tables

    say(tables.title(asked), "", *tables.swept(document))
    if left_out:
        say(left_out)
    if folder:
        say(f"Wrote {folder / 'sweep.parquet'}, with sweep.json and sweep.png beside it.")
    if day := day_to_forecast(asked):
        say_next("sweep", study, at=day, seed=seed)


def _write_sweep(found: "Sweep", folder: Path) -> None:
    from estimates import gallery
    from estimates.plots import pictures

    gallery.write("curve", pictures.curve(found), folder / "sweep.png")
    write_json(found.document(), folder / "sweep.json")
