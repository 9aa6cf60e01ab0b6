"""What several commands take."""

import os
from typing import Annotated

import typer

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
FLAGSHIP = "dprk-shells-2024"
CORES = os.cpu_count() or 1
RIVALS = "steady,stepped,accelerating,lumpy"
