"""The command plot."""

from pathlib import Path
from typing import Annotated

import typer

from estimates.cli.asking import study_last
from estimates.cli.exits import EXIT_BAD_VERDICT
from estimates.cli.options import FLAGSHIP
from estimates.cli.saying import say
from estimates.cli.writing import check_folder

PLOT_EXAMPLES = """\b
Examples:
  estimates plot
  estimates plot carriers
  estimates plot drivers results/dprk-shells-2024/stepped --out drivers.png
  estimates plot stories dprk-shells-2024"""


def plot(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Which picture; without it the names are listed.")
    ] = None,
    result: Annotated[
        str, typer.Argument(metavar="RESULT", help="The folder that a command wrote, or the name of a study.")
    ] = FLAGSHIP,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A file .svg or .png.  [default: NAME.svg in the folder]"),
    ] = None,
) -> None:
    """Draw one picture of what was found.

    It is drawn from what earlier commands wrote; nothing is fitted.
    """
    from estimates import gallery

    name, result = study_last(name, result)
    if name is None:
        print(f"Pictures, each with the command that comes first:\n{gallery.listing()}")
        print("\nDraw one: estimates plot NAME [RESULT]")
        return
    if out:
        gallery.check_ending(out)
        check_folder(out.parent)
    picture, folder, trust = gallery.drawn(name, result)
    path = out or folder / f"{name}.svg"
    gallery.write(name, picture, path)
    say(f"Wrote {path}.")
    if trust == "bad":
        say("It shows a fit with the verdict bad: do not rely on it.")
        raise typer.Exit(EXIT_BAD_VERDICT)
