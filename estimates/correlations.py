"""Assumptions that go together: rank correlations, and the joint prior they stand for.

Each assumption keeps its own prior F. Its normal score z = Phi^-1(F(x)) is a standard normal, and the scores
of correlated assumptions are jointly normal (a Gaussian copula). Where two scores have the correlation r,
Spearman's rank correlation of the assumptions is (6 / pi) asin(r / 2), whatever their families; so

    r = 2 sin(pi rho / 6).

References
----------
Kruskal (1958), doi:10.1080/01621459.1958.10501481. Nelsen, *An Introduction to Copulas* (2006), ch. 5.
"""

import math
from collections.abc import Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, Strict, field_validator

from estimates.errors import StudyError
from estimates.reports import Identifier, Noun

_LEAST = 1e-6  # the least eigenvalue: below it, one assumption is all but a function of the others


class Correlation(Noun):
    """That two assumptions go together, how closely, and why."""

    between: Annotated[tuple[Identifier, Identifier], Strict(False)] = Field(
        description="The names of two assumptions."
    )
    rank_correlation: float = Field(
        description="Spearman's rank correlation, above -1 (opposite orders) and below 1 (the same order).",
        json_schema_extra={"exclusiveMinimum": -1, "exclusiveMaximum": 1},
    )
    basis: str = Field(description="Why they go together: the facts, with where they stand.", min_length=1)
    source: str = Field(default="", description="The address of the main source.")
    judgement: bool = Field(default=False, description="True where no source exists.")

    @field_validator("rank_correlation")
    @classmethod
    def _between_ends(cls, rank: float) -> float:
        if not -1 < rank < 1:
            raise StudyError(
                f"a rank correlation of {rank:g}",
                remedy="Above -1 and below 1: at the ends one assumption is a function of the other.",
            )
        return rank

    @field_validator("between", mode="before")
    @classmethod
    def _named(cls, names: object) -> object:
        if not isinstance(names, list | tuple) or len(names) != 2:
            told = f"{len(names)} names" if isinstance(names, list | tuple) else repr(names)
            raise StudyError(told, remedy='Name two assumptions: between = ["payload", "mass"].')
        return names

    @field_validator("between")
    @classmethod
    def _two(cls, names: tuple[str, str]) -> tuple[str, str]:
        if names[0] == names[1]:
            raise StudyError(f"{names[0]!r} with itself", remedy="Name two assumptions.")
        return names


def group_of(name: str, correlations: Sequence[Correlation]) -> frozenset[str]:
    """The assumptions that ``name`` goes together with, directly or by way of others; ``name`` included."""
    found = {name}
    while more := {n for c in correlations if found.intersection(c.between) for n in c.between} - found:
        found |= more
    return frozenset(found)


def score_correlations(
    names: Sequence[str], correlations: Sequence[Correlation], share: float = 1.0
) -> NDArray[np.float64]:
    """The correlations (n, n) of the normal scores of ``names``; 0 where none is stated.

    Parameters
    ----------
    share : float
        What every rank correlation is multiplied by.
    """
    place = {name: index for index, name in enumerate(names)}
    matrix = np.eye(len(names))
    for correlation in correlations:
        if place.keys() >= {*correlation.between}:
            one, other = (place[name] for name in correlation.between)
            rank = share * correlation.rank_correlation
            matrix[one, other] = matrix[other, one] = 2 * math.sin(math.pi * rank / 6)
    return matrix


def given_others(
    name: str, others: Sequence[str], correlations: Sequence[Correlation]
) -> tuple[NDArray[np.float64], float]:
    """The normal score of ``name`` given those of ``others``: weights (n,) of its mean, and its spread.

    With the correlations R of the scores, the weights are R_oo^-1 r_o and the variance 1 - r_o . R_oo^-1 r_o.
    """
    matrix = score_correlations([*others, name], correlations)
    weights = np.linalg.solve(matrix[:-1, :-1], matrix[:-1, -1])
    return weights, math.sqrt(1 - float(weights @ matrix[:-1, -1]))


def check_possible(correlations: Sequence[Correlation]) -> None:
    """Refuse correlations that no joint distribution has.

    Raises
    ------
    StudyError
        With the pairs, and how far all would have to be brought nearer to 0.
    """
    for name in dict.fromkeys(n for c in correlations for n in c.between):
        names = sorted(group_of(name, correlations))
        if not _is_possible(names, correlations, 1.0):
            pairs = [c for c in correlations if c.between[0] in names]
            told = ", ".join(f"{' and '.join(c.between)} {c.rank_correlation:g}" for c in pairs)
            share = next(s for s in range(99, -1, -1) if _is_possible(names, correlations, s / 100)) / 100
            raise StudyError(
                f"no joint distribution has these: {told}",
                where="correlation",
                remedy=f"Bring them nearer to 0: all of them times {share:g} would be possible.",
            )


def _is_possible(names: Sequence[str], correlations: Sequence[Correlation], share: float) -> bool:
    """Whether these scores have a joint distribution when every rank correlation is times `share`."""
    return float(np.linalg.eigvalsh(score_correlations(names, correlations, share))[0]) >= _LEAST
