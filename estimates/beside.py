"""What other commands found and left beside an estimate, for its page to show. Nothing is fitted for it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from estimates.estimate import Estimate
from estimates.files import CLAIMS, COMPARISON, FALSIFIED, SENSITIVITY

type Document = dict[str, Any]


@dataclass(frozen=True)
class Beside:
    """Documents that bear the digests of one estimate.

    Attributes
    ----------
    claims, comparison : dict or None
        Of the whole study: what ``estimates claims`` and ``estimates compare`` wrote.
    sensitivity : dict or None
        Of the same model and variant.
    falsified : tuple of dict
        Of the same model and variant, one for each claim.
    outdated : tuple of str
        The names of files that stand there too, made from another version of the study.
    """

    claims: Document | None = None
    comparison: Document | None = None
    sensitivity: Document | None = None
    falsified: tuple[Document, ...] = ()
    outdated: tuple[str, ...] = ()


def beside(estimate: Estimate, folder: Path) -> Beside:
    """What lies in the folder of an estimate, or in the one above, and belongs to it.

    A document belongs to an estimate when it was made from the same study (its fingerprint), and, where it
    is of one model and one variant, of the same ones.
    """
    outdated: list[str] = []

    def belonging(name: str, places: tuple[Path, ...]) -> Iterator[Document]:
        for path in (path for place in places for path in sorted(place.glob(name))):
            document = _read(path)
            if document is None or document.get("fingerprint") != estimate.study.fingerprint:
                outdated.append(path.name)
            elif _is_of(estimate, document):
                yield document

    near, both = (folder,), (folder, folder.parent)
    claims, comparison = (next(belonging(name, both), None) for name in (CLAIMS, COMPARISON))
    sensitivity, falsified = (
        next(belonging(SENSITIVITY, near), None),
        tuple(belonging(FALSIFIED.format(claim="*"), near)),
    )
    return Beside(claims, comparison, sensitivity, falsified, tuple(dict.fromkeys(outdated)))


def _is_of(estimate: Estimate, document: Document) -> bool:
    """Whether a document that names a model and a variant names those of the estimate."""
    if "model" not in document:
        return True
    return (document["model"], document["variant"]) == (
        estimate.conditions.model,
        estimate.study.variant_name,
    )


def _read(path: Path) -> Document | None:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) and document.get("schema") == 1 else None
