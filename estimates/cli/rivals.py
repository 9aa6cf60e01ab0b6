"""The commands compare and claims."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from estimates.cli.asking import listed, read_as, rivals, stories
from estimates.cli.options import (
    CORES,
    FLAGSHIP,
    RIVALS,
    JsonOption,
    ModelsOption,
    SeedOption,
    StudyArgument,
    VariantsOption,
    WorkersOption,
)
from estimates.cli.saying import progress_bar, say, say_json, say_next
from estimates.cli.writing import check_folder, shown_on, write_json
from estimates.files import CLAIMS, COMPARISON, RESULTS

if TYPE_CHECKING:
    from estimates.study import Study

COMPARE_EXAMPLES = """\b
Examples:
  estimates compare
  estimates compare --models steady,stepped --variants none,mid_2022
  estimates compare barrels.toml --json | jq '.pairs[].says'"""

CLAIMS_EXAMPLES = """\b
Examples:
  estimates claims
  estimates claims --models steady,stepped --variants none
  estimates claims barrels.toml --json | jq -r '.claims[].says'"""


def compare(
    study: StudyArgument = FLAGSHIP,
    also: Annotated[
        list[str] | None,
        typer.Option(
            "--with", metavar="STUDY", help="Another study of the same reports, to be compared along."
        ),
    ] = None,
    models: ModelsOption = RIVALS,
    variants: VariantsOption = None,
    seed: SeedOption = 1,
    workers: WorkersOption = CORES,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for compare.json.  [default: results/STUDY]")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Tell rival stories of the same reports apart.

    A story is a model under a reading. Prints the log evidence of each, what it implies, how far one is
    disfavoured under every rereading, and which reports it fails. Takes about a minute.
    """
    asked = [read_as(name, None) for name in (study, *(also or ()))]
    models, left_out = rivals(asked[0], models)
    files, readings = stories(models, variants)
    folder = out if out or as_json else RESULTS / asked[0].name
    if folder:
        check_folder(folder)
    with progress_bar(f"Comparing stories of {asked[0].name}") as progress:
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
            write_json(document, folder / COMPARISON)
        shown = shown_on(folder, *folder.glob("*/")) if folder else []
    if as_json:
        say_json(document)
        return
    _show_comparison(asked[0], document)
    if left_out:
        say(left_out)
    if folder:
        say(f"Wrote {folder / COMPARISON}.", *shown)
    if asked[0].claims:
        say_next("compare", study, models=models, variants=variants, seed=seed, out=out)
    else:
        say_next("compare, no claims", study, seed=seed)


def claims(
    study: StudyArgument = FLAGSHIP,
    models: ModelsOption = RIVALS,
    variants: VariantsOption = None,
    seed: SeedOption = 1,
    workers: WorkersOption = CORES,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder for claims.json.  [default: results/STUDY]")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say which claims hold, and under which stories.

    A story is a model under a reading. Each is asked as read and with every "over" open. Takes about a
    minute.
    """
    asked = read_as(study, None)
    files, readings = stories(models, variants)
    folder = out if out or as_json else RESULTS / asked.name
    if folder:
        check_folder(folder)
    with progress_bar(f"Asking about {asked.name}") as progress:
        from estimates.judging import verdicts

        found = verdicts(asked, files, readings, seed=seed, workers=workers, progress=progress)
        document = found.document()
        if folder:
            write_json(document, folder / CLAIMS)
        shown = shown_on(folder, *folder.glob("*/")) if folder else []
    if as_json:
        say_json(document)
        return
    from estimates import tables

    say(tables.title(asked), "", *tables.judged(document))
    if folder:
        say(f"Wrote {folder / CLAIMS}.", *shown)
    say_next("claims", next(iter(asked.claims)), study, model=listed(models)[0], seed=seed)


def _show_comparison(study: "Study", document: dict[str, Any]) -> None:
    from estimates import tables

    say(tables.title(study), "", *tables.stories(document), "")
    say(*tables.rivals(document), "")
    if document["checks"]:
        say(*tables.held_out(document), "")
    if document["telling"]:
        say(*tables.telling(document), "")
    if document["cases"]:
        say(tables.scores(document), "")
    say(*tables.averages(document))
    say(tables.compared(study, document))
