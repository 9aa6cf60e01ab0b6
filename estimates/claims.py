"""Statements that can be true or false of the quantities."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import Field, field_validator

from estimates.errors import FormulaError, UnitError
from estimates.formula import Comparison, Day, Formula, Name, Statement, parse_statement
from estimates.reports import Noun
from estimates.units import Dimension


class Claim(Noun):
    """What is claimed, in the words used and as a statement that draws can be tested on."""

    says: str = Field(description="The claim as made, in words.", min_length=1)
    statement: str = Field(description="containers[aug_2024] / containers[feb_2024] >= 2")
    source: str = Field(default="", description="The address where it stands.")

    @field_validator("statement")
    @classmethod
    def _parses(cls, text: str) -> str:
        parse_statement(text)
        return text

    @cached_property
    def parsed(self) -> Statement:
        """The statement as a tree."""
        return parse_statement(self.statement)


@dataclass(frozen=True)
class Scale:
    """How many base units the unit is in which a side was written; a bare number opposite takes it."""

    factor: float

    def __mul__(self, other: "Scale") -> "Scale":
        return Scale(self.factor * other.factor)

    def __truediv__(self, other: "Scale") -> "Scale":
        return Scale(self.factor / other.factor)

    def __pow__(self, exponent: int) -> "Scale":
        return Scale(self.factor**exponent)

    def __add__(self, other: "Scale") -> "Scale":
        return self

    __sub__ = __add__

    def __neg__(self) -> "Scale":
        return self


def check_claim(claim: Claim, dimension: Callable[[str], Dimension]) -> None:
    """Refuse a statement whose two sides cannot be compared.

    Raises
    ------
    UnitError, FormulaError
        For sides of different dimension, a date against a number, or no quantity at all.
    """
    for comparison in claim.parsed.comparisons:
        left, right = (_dimension(side, dimension) for side in (comparison.left, comparison.right))
        if left is None and right is None:
            raise FormulaError(f"no quantity in {claim.statement!r}", remedy="Name at least one.")
        for side, other in ((comparison.left, right), (comparison.right, left)):
            if isinstance(side.term, Day) and other is not None and not other.is_date:
                raise UnitError(
                    f"the date {side.text} against {other}", remedy="A date compares with a date."
                )
            if not side.names() and not isinstance(side.term, Day) and other is not None and other.is_date:
                raise UnitError(f"the number {side.text} against a date", remedy="Write a date: 2022-08-31.")
        if left is not None and right is not None and left != right:
            raise UnitError(
                f"{left} against {right} in {claim.statement!r}", remedy="Both sides need one dimension."
            )


def _dimension(side: Formula, dimension: Callable[[str], Dimension]) -> Dimension | None:
    """The dimension of a side; None for a bare number or date, which takes the other side's."""
    if isinstance(side.term, Day):
        return None
    found = side.evaluate(lambda leaf: dimension(leaf.name), number=lambda _: Dimension({}))
    return found if side.names() else None


def truth(
    claim: Claim,
    value: Callable[[Name], Any],
    factor: Callable[[str], float],
    day_number: Callable[[dt.date], float],
) -> Any:
    """Whether the claim holds, draw by draw.

    Parameters
    ----------
    value : callable
        The draws of a name, in its own unit, at the day it is meant.
    factor : callable
        Base units in one unit of a name.
    day_number : callable
        Days since the epoch of a date.
    """

    def number(side: Formula, other: Formula) -> Any:
        if isinstance(side.term, Day):
            return day_number(side.term.date)
        if side.names():
            return side.evaluate(lambda leaf: value(leaf) * factor(leaf.name))
        bare = side.evaluate(value)
        scale = other.evaluate(lambda leaf: Scale(factor(leaf.name)), number=lambda _: Scale(1.0))
        return bare * scale.factor

    def holds(comparison: Comparison) -> Any:
        left, right = comparison.left, comparison.right
        return comparison.holds(number(left, right), number(right, left))

    first, *others = claim.parsed.comparisons
    answer = holds(first)
    for comparison in others:
        answer = answer & holds(comparison)
    return answer
