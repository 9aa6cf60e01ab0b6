"""One family of exceptions: every message says what, where, what is allowed, and the remedy."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Self


class EstimatesError(Exception):
    """Something `estimates` refuses, in words a user can act on.

    Parameters
    ----------
    what : str
        What is wrong, with the offending value.
    where : str, optional
        File, line and field, for example ``study.toml:12 · report 'feb_2024' · says.hedge``.
    remedy : str, optional
        What is allowed and what to do.
    """

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}\n  {self.remedy}" if self.remedy else head

    def __reduce__(self) -> tuple[object, ...]:
        return (_rebuild, (type(self), self.what, self.where, self.remedy))

    def at(self, where: str) -> Self:
        """The same error, seen from one level further out: `where` goes in front."""
        place = " · ".join(part for part in (where, self.where) if part)
        return type(self)(self.what, where=place, remedy=self.remedy)


class StudyError(EstimatesError, ValueError):
    """A study file, or a part of one, that cannot be meant.

    It is a ``ValueError`` too, so that Pydantic adds the field in which it arose.
    """


class UnitError(StudyError):
    """A unit that does not exist, or dimensions that do not fit."""


class FormulaError(StudyError):
    """A formula or a claim that is outside the grammar or names something unknown."""


class ModelError(EstimatesError):
    """A model file that does not keep the contract ``build(study) -> pm.Model``."""


class EngineError(EstimatesError):
    """An inference engine that cannot serve this model."""


class ContradictionError(EngineError):
    """Reports that no draw of the assumptions could have given: no engine can help."""


class QuestionError(EstimatesError):
    """A question that this estimate cannot answer, or that has no meaning."""


class OutputError(EstimatesError):
    """A place where nothing can be written or read."""


def _rebuild(kind: type[EstimatesError], what: str, where: str, remedy: str) -> EstimatesError:
    return kind(what, where=where, remedy=remedy)


def choices(word: str, options: Iterable[str], *, near: float = 0.6) -> str:
    """The sentence that ends an "unknown name" error: a near miss if there is one, then the list.

    `near` is how much of a word must be the same for it to be a near miss, from 0 to 1.

    >>> choices("steddy", ["steady", "stepped"])
    "Did you mean 'steady'? Known: steady, stepped."
    """
    known = sorted(set(options))
    if not known:
        return "There are none."
    nearest = get_close_matches(word, known, n=1, cutoff=near)
    guess = f"Did you mean {nearest[0]!r}? " if nearest else ""
    listed = ", ".join(known[:40]) + (f" and {len(known) - 40} more" if len(known) > 40 else "")
    return f"{guess}Known: {listed}."
