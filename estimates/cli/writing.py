"""Folders and files."""

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from estimates.cli.saying import json_text
from estimates.errors import OutputError
from estimates.files import RESULTS, replacing

if TYPE_CHECKING:
    from estimates.estimate import Estimate
    from estimates.shelf import ModelFile
    from estimates.study import Study


def default_folder(study: "Study", model: "ModelFile") -> Path:
    """Where the files of one fit go unless another folder is named."""
    reading = f"-{study.variant_name}" if study.variant_name else ""
    return RESULTS / study.name / f"{model.name}{reading}"


def check_folder(folder: Path) -> None:
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


def write_estimate(estimate: "Estimate", document: dict[str, Any], folder: Path) -> tuple[str, ...]:
    """The three files, all of them or none; the names of what the page leaves off as outdated."""
    from estimates import page
    from estimates.beside import beside

    near = beside(estimate, folder)
    text = page.render(estimate, document, _findings(estimate.study), near)
    with ExitStack() as files:
        draws, table, html = (
            files.enter_context(replacing(folder / name))
            for name in ("estimate.nc", "estimate.json", "page.html")
        )
        estimate.save(draws)
        table.write_text(json_text(document) + "\n", encoding="utf-8")
        html.write_text(text, encoding="utf-8")
    return near.outdated


def _findings(study: "Study") -> list[str]:
    """What the audit says of a study."""
    from estimates.audit import audit

    return [finding.words for finding in audit(study)]


def shown_on(*folders: Path) -> list[str]:
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


def write_texts(texts: dict[Path, str]) -> None:
    """Files of text, all of them or none."""
    with ExitStack() as files:
        temporary = {path: files.enter_context(replacing(path)) for path in texts}
        for path, text in texts.items():
            temporary[path].write_text(text, encoding="utf-8")


def write_json(document: dict[str, Any], path: Path) -> None:
    """A document as a file, whole or not at all."""
    write_texts({path: json_text(document) + "\n"})
