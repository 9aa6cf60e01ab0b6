"""The pictures that can be drawn from what earlier commands wrote. Nothing is fitted for them."""

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from estimates.errors import EstimatesError, OutputError, QuestionError, choices
from estimates.files import COMPARISON, RESULTS, SENSITIVITY, replacing
from estimates.study import packaged, read
from estimates.words import listed

if TYPE_CHECKING:
    from estimates.plots.pictures import Picture

DEFAULT = "steady"
"""The model that commands take unless they are told another: of several results its own is meant."""

ESTIMATE, SWEEP = "estimate.nc", "sweep.parquet"


@dataclass(frozen=True)
class Kind:
    """A picture that has a name.

    Attributes
    ----------
    says : str
        What it shows, one line.
    file : str
        What it is drawn from.
    command : str
        The command that writes this file.
    """

    says: str
    file: str
    command: str

    @property
    def is_of_a_model(self) -> bool:
        """Whether its file stands in the folder of one model, and not in that of the study."""
        return self.file in (ESTIMATE, SENSITIVITY)


KINDS: Mapping[str, Kind] = {
    "carriers": Kind("the carriers over time, with the reports on them", ESTIMATE, "run"),
    "headline": Kind("what the study is about, beside what was said", ESTIMATE, "run"),
    "pace": Kind("the carriers a day, from report to report", ESTIMATE, "run"),
    "drivers": Kind("what knowing each assumption would do", SENSITIVITY, "sensitivity"),
    "stories": Kind("the same quantity under rival stories", COMPARISON, "compare"),
    "curve": Kind("the same quantity under every reading of a sweep", SWEEP, "sweep"),
}
"""By name, in the order in which they are listed."""


class Drawn(NamedTuple):
    """A picture, the folder of the file that it was drawn from, and the verdict on its fit, if it has one."""

    picture: "Picture"
    folder: Path
    trust: str | None


def listing() -> str:
    """The names of the pictures, a line for each, with the command that must have run."""
    return "\n".join(f"  {name:<9} {kind.says} (estimates {kind.command})" for name, kind in KINDS.items())


def drawn(name: str, result: str | Path) -> Drawn:
    """The picture of this name, from what a command wrote.

    Parameters
    ----------
    name : str
        One of `KINDS`.
    result : str or Path
        The folder of a result or of a study, a file in it, or a study.

    Raises
    ------
    QuestionError
        For an unknown name, or where several results could be meant.
    OutputError
        Where the file is not there, with the command that writes it; and for a file that is not what its
        name says.
    """
    if name not in KINDS:
        guess, known, _ = choices(name, KINDS).partition("Known:")
        raise QuestionError(f"unknown picture {name!r}", remedy=f"{guess}{known}\n{listing()}")
    kind, folder = KINDS[name], _folder(str(result))
    path = _found(kind, folder)
    from estimates.plots import pictures

    try:
        source = _read_source(path)
        for place in dict.fromkeys((folder, path.parent)):
            _refuse_another_study(source, path, place)
        return Drawn(getattr(pictures, name)(source.found), path.parent, source.trust)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, EstimatesError):
            raise
        raise OutputError(
            f"cannot be drawn: {error!r}", where=str(path), remedy=f"Write it anew: {_command(kind, folder)}"
        ) from None


def write(name: str, picture: "Picture", path: Path) -> None:
    """Write a picture to a file, whole or not at all; the ending says how.

    Raises
    ------
    OutputError
        Where the file cannot be written.
    """
    from estimates.plots.paper import png, svg

    figure = picture.figure()
    says = KINDS[name].says
    drawing = (
        png(figure) if path.suffix.lower() == ".png" else svg(figure, name, f"Picture: {says}.").encode()
    )
    with replacing(path) as temporary:
        temporary.write_bytes(drawing)


def check_ending(path: Path) -> None:
    """Refuse a file that is neither SVG nor PNG.

    Raises
    ------
    OutputError
    """
    if path.suffix.lower() not in (".svg", ".png"):
        raise OutputError(
            f"a picture cannot be written as {path.suffix or 'a file without an ending'}",
            where=str(path),
            remedy="Give --out a name that ends in .svg or .png.",
        )


# ---- where things are --------------------------------------------------------------------------


def _folder(result: str) -> Path:
    """The folder that somebody means by a folder, a file in it, a study file, or the name of a study."""
    path = Path(result)
    if path.suffix == ".toml":
        return RESULTS / read(path).name
    if path.is_file():
        return path.parent
    return path if path.is_dir() or path.parts[:1] == RESULTS.parts or len(path.parts) > 1 else RESULTS / path


def _found(kind: Kind, folder: Path) -> Path:
    """The file in a folder, in that of the whole study above it, or in that of its only model."""
    near = [
        folder,
        *([] if kind.is_of_a_model else [folder / "sweep", folder.parent, folder.parent / "sweep"]),
    ]
    for place in near:
        if (place / kind.file).is_file():
            return place / kind.file
    below = sorted(folder.glob(f"*/{kind.file}"))
    usual = [path for path in below if path.parent.name == DEFAULT]
    if len(below) > 1 and not usual:
        raise QuestionError(
            f"several results in {folder}",
            remedy=f"Give one of them: {listed([str(path.parent) for path in below])}.",
        )
    if not below:
        raise OutputError(
            f"there is no {kind.file} to draw this from",
            where=str(folder),
            remedy=f"Run this first: {_command(kind, folder)}",
        )
    return (usual or below)[0]


def _command(kind: Kind, folder: Path) -> str:
    """The command that writes what is missing in a folder, as far as the folder tells."""
    known = _document(folder / "estimate.json") or {}
    at_home = folder.parts[:1] == RESULTS.parts and len(folder.parts) > 1
    home = [*folder.parts[1:], ""][:2] if at_home else ["STUDY", ""]
    study = str(known.get("study", home[0]))
    model, _, variant = home[1].partition("-")
    model, variant = known.get("model", model), known.get("variant", variant)
    parts = [study if study in packaged() or study == "STUDY" else f"{study}.toml"]
    if kind.is_of_a_model:
        parts += ["--model", str(model)] if model not in ("", DEFAULT) else []
        parts += ["--variant", str(variant)] if variant else []
    parts += [] if at_home else ["--out", str(folder)]
    return shlex.join(["estimates", kind.command, *parts])


# ---- what is in them ---------------------------------------------------------------------------


class _Source(NamedTuple):
    """What a file holds, the fingerprint of its study, and the verdict on its fit."""

    found: Any
    fingerprint: str
    trust: str | None


def _read_source(path: Path) -> _Source:
    if path.name == ESTIMATE:
        from estimates.estimate import load

        estimate = load(path)
        return _Source(estimate, estimate.study.fingerprint, estimate.trust.verdict)
    if path.name == SWEEP:
        from estimates.sweeping import read_sweep

        sweep = read_sweep(path)
        return _Source(sweep, sweep.plan["fingerprint"], None)
    document = _document(path)
    if document is None:
        raise ValueError("no JSON document of this version")
    return _Source(document, document["fingerprint"], document.get("trust"))


def _document(path: Path) -> dict[str, Any] | None:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) and document.get("schema") == 1 else None


def _refuse_another_study(source: _Source, path: Path, folder: Path) -> None:
    """A file beside an estimate, or in the folder above it, must be of the same version of the study."""
    estimate = _document(folder / "estimate.json")
    if estimate is not None and estimate["fingerprint"] != source.fingerprint:
        raise OutputError(
            f"is of another version of the study than {folder / 'estimate.json'}",
            where=str(path),
            remedy="Run both commands anew, or give the folder that holds the file.",
        )
