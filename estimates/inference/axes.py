"""What can be done to small arrays before they meet a large one.

The log density of a normal is -z^2 / 2 - ln sqrt(2 pi) - ln s, a number for each point and observed value.
Where s is the same for all values of a point, its logarithm and the constant are added up first, and taken
from the large array at once; and z is a product with 1 / s, which is faster than a quotient.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import pytensor.scalar as ps
import pytensor.tensor as pt
from pytensor.tensor.elemwise import Elemwise

type Axes = tuple[bool, ...]
"""For each axis whether an array is the same all along it."""

type Term = tuple[int, Any]
"""A sign, and a variable."""

_MOST_TERMS, _MOST_DEEP = 8, 6
"""A density has no more; a graph in which sums are added to themselves has no end of them."""


def small_first(node: Any, resolved: Callable[[Any], Any]) -> Any:
    """The same as a sum or quotient with less done to large arrays; None where there is no such thing.

    Parameters
    ----------
    resolved : callable
        What stands for a variable; a sum stands for itself.
    """
    if _is_of_floats(node, ps.TrueDiv):
        large, small = node.inputs
        return large * pt.reciprocal(small) if _axes(small) != _axes(node.outputs[0]) else None
    return _summed_first(node, resolved) if is_sum(node) else None


def _summed_first(node: Any, resolved: Callable[[Any], Any]) -> Any:
    axes = _axes(node.outputs[0])
    terms = list(islice(_terms(node, 1, axes, resolved), _MOST_TERMS + 1))
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
    return _is_of_floats(node, ps.Add | ps.Sub)


def _is_of_floats(node: Any, kind: Any) -> bool:
    if not isinstance(node.op, Elemwise) or not isinstance(node.op.scalar_op, kind):
        return False
    return all(variable.type.dtype == "float64" for variable in (*node.inputs, *node.outputs))


def _terms(node: Any, sign: int, axes: Axes, resolved: Callable[[Any], Any], deep: int = 0) -> Iterator[Term]:
    """The terms of a sum, and in place of a term that is a sum of the same size its own."""
    for number, variable in enumerate(map(resolved, node.inputs)):
        own = -sign if number and isinstance(node.op.scalar_op, ps.Sub) else sign
        inner = variable.owner
        if inner is not None and is_sum(inner) and _axes(variable) == axes and deep < _MOST_DEEP:
            yield from _terms(inner, own, axes, resolved, deep + 1)
        else:
            yield own, variable


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
