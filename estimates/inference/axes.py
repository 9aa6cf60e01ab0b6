"""Small terms of a sum, added up before they meet a large one.

The log density of a normal is -z^2 / 2 - ln sqrt(2 pi) - ln s, a number for each point and observed value.
Where s is the same for all values of a point, its logarithm and the constant are added up first, and taken
from the large array at once.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import pytensor.scalar as ps
from pytensor.tensor.elemwise import Elemwise

type Axes = tuple[bool, ...]
"""For each axis whether an array is the same all along it."""

type Term = tuple[int, Any]
"""A sign, and a variable."""

type InnerSum = Callable[[Any], Any]
"""The sum that a variable is for nothing but the sum that it is a term of; None where it is no such sum."""

_MOST_TERMS, _MOST_DEEP = 8, 6
"""A density has no more, and other graphs have no end of them."""


def small_first(node: Any, inner_sum: InnerSum) -> Any:
    """The same as a sum with its small terms added up first; None where that saves nothing."""
    if not is_sum(node):
        return None
    axes = _axes(node.outputs[0])
    terms = list(islice(_terms(node, 1, axes, inner_sum), _MOST_TERMS + 1))
    large = [term for term in terms if _axes(term[1]) == axes]
    small = [term for term in terms if _axes(term[1]) != axes]
    groups: list[list[Term]] = []
    for term in sorted(small, key=lambda term: -sum(_axes(term[1]))):
        group = next((group for group in groups if _axes_of_all([*group, term]) != axes), None)
        if group is None:
            groups.append([term])
        else:
            group.append(term)
    if not large or len(groups) == len(small) or len(terms) > _MOST_TERMS:
        return None
    return _sum([*[(1, _sum(group)) for group in groups], *large])


def is_sum(node: Any) -> bool:
    """Whether an operation adds or subtracts floating-point numbers; small whole ones would overflow."""
    if not isinstance(node.op, Elemwise) or not isinstance(node.op.scalar_op, ps.Add | ps.Sub):
        return False
    return all(variable.type.dtype == "float64" for variable in (*node.inputs, *node.outputs))


def _terms(node: Any, sign: int, axes: Axes, inner_sum: InnerSum, deep: int = 0) -> Iterator[Term]:
    """The terms of a sum, and in place of a term that is a sum of the same size its own."""
    for number, variable in enumerate(node.inputs):
        own = -sign if number and isinstance(node.op.scalar_op, ps.Sub) else sign
        inner = inner_sum(variable) if deep < _MOST_DEEP and _axes(variable) == axes else None
        if inner is None:
            yield own, variable
        else:
            yield from _terms(inner, own, axes, inner_sum, deep + 1)


def _axes(variable: Any) -> Axes:
    return tuple(variable.type.broadcastable)


def _axes_of_all(terms: Sequence[Term]) -> Axes:
    """Those of the sum of some terms."""
    return tuple(map(all, zip(*(_axes(variable) for _, variable in terms), strict=True)))


def _sum(terms: Sequence[Term]) -> Any:
    """The terms one after the other, beginning with one that is added if there is one."""
    (sign, total), *rest = sorted(terms, key=lambda term: -term[0])
    if sign < 0:
        total = -total
    for sign, variable in rest:
        total = total + variable if sign > 0 else total - variable
    return total
