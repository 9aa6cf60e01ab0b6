"""The NumPy call that an operation on each of many arrays stands for.

PyTensor would do one array after the other; here the leading axes, which are those of the points, go through
NumPy together.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pytensor.tensor.basic import Alloc, AllocEmpty, ARange, Eye, Join
from pytensor.tensor.linalg.decomposition.cholesky import Cholesky
from pytensor.tensor.linalg.solvers.triangular import SolveTriangular
from pytensor.tensor.subtensor import (
    AdvancedIncSubtensor,
    IncSubtensor,
    unflatten_index_variables,
)

from estimates.inference.columns import known_array

type Array = NDArray[Any]
type Work = Callable[..., Any]


def of_blockwise(node: Any) -> Work | None:
    """What computes a node; None where that would be a loop over the points of a batch."""
    op = node.op
    lead = node.outputs[0].type.ndim - len(op.outputs_sig[0])
    if isinstance(op.core_op, Join):
        return _of_joins(op.core_op.axis, lead)
    if isinstance(op.core_op, IncSubtensor | AdvancedIncSubtensor):
        return _of_settings(node, lead)
    if isinstance(op.core_op, Alloc):
        return _of_alloc(lead)
    if type(op.core_op) in _MADE_OF_NUMBERS:
        return _of_numbers(node)
    if not node.outputs[0].type.dtype.startswith("float"):
        return None
    if isinstance(op.core_op, Cholesky):
        return _of_cholesky(op.core_op.lower)
    if isinstance(op.core_op, SolveTriangular) and op.core_op.b_ndim == 1:
        return _of_triangular(node)
    return None


def _of_alloc(lead: int) -> Work:
    """A value in an array whose lengths are those of all leading places."""

    def filled(value: Any, *lengths: Any) -> Any:
        shape = tuple(int(length.flat[0]) for length in lengths)
        if any(np.any(length != one) for length, one in zip(lengths, shape, strict=True)):
            raise ValueError("arrays of other lengths at other points")
        batch = np.broadcast_shapes(value.shape[:lead], *(length.shape for length in lengths))
        core = value.shape[lead:]
        value = value.reshape(value.shape[:lead] + (1,) * (len(shape) - len(core)) + core)
        return np.broadcast_to(value, batch + shape)

    return filled


_MADE_OF_NUMBERS: dict[type, Callable[[Any], Work]] = {
    AllocEmpty: lambda op: lambda *lengths: np.zeros(lengths, op.dtype),
    ARange: lambda op: lambda start, stop, step: np.arange(start, stop, step, dtype=op.dtype),
    Eye: lambda op: lambda rows, columns, diagonal: np.eye(rows, columns, int(diagonal), op.dtype),
}


def _of_numbers(node: Any) -> Work:
    """An array made of a few numbers, which nearly always are the same for all leading places."""
    make = _MADE_OF_NUMBERS[type(node.op.core_op)](node.op.core_op)

    def made(*numbers: Any) -> Any:
        numbers = np.broadcast_arrays(*numbers)
        batch, first = numbers[0].shape, [number.flat[0] for number in numbers]
        if all(np.all(number == one) for number, one in zip(numbers, first, strict=True)):
            of_all = make(*first)
            return np.broadcast_to(of_all, batch + of_all.shape)
        each = np.stack([make(*place) for place in zip(*(number.flat for number in numbers), strict=True)])
        return each.reshape(batch + each.shape[1:])

    return made


def _of_joins(axis: int, lead: int) -> Work:
    """Arrays (..., n) one after the other, for each of the leading places."""
    axis = axis + lead if axis >= 0 else axis

    def joined(*parts: Any) -> Any:
        batch = np.broadcast_shapes(*(part.shape[:lead] for part in parts))
        whole = [np.broadcast_to(part, batch + part.shape[lead:]) for part in parts]
        return np.concatenate(whole, axis=axis)

    return joined


def _of_settings(node: Any, lead: int) -> Work | None:
    """Some places of arrays (..., n) set, or added to, for each of the leading places alike."""
    core = node.op.core_op
    if not all(all(index.type.broadcastable[:lead]) for index in node.inputs[2:]):
        return None  # other places in each
    if any(index.type.dtype == "bool" for index in node.inputs[2:]):
        return None
    index = known_array(node.inputs[2])
    is_known_once = index is not None and core.idx_list == (0,) and len(np.unique(index)) == index.size
    adds_twice = isinstance(core, AdvancedIncSubtensor) and not core.ignore_duplicates and not is_known_once

    def done(x: Any, y: Any, *indices: Any) -> Any:
        flat = [index[(0,) * lead] for index in indices]
        places = (slice(None),) * lead + unflatten_index_variables(flat, core.idx_list)
        whole = np.broadcast_to(
            x, np.broadcast_shapes(x.shape[:lead], y.shape[:lead]) + x.shape[lead:]
        ).copy()
        place = whole[places]
        y = y.reshape(y.shape[:lead] + (1,) * (place.ndim - y.ndim) + y.shape[lead:])
        if core.set_instead_of_inc:
            whole[places] = y
        elif adds_twice:
            np.add.at(whole, places, y)
        else:
            whole[places] += y
        return whole

    return done


def _of_cholesky(lower: bool) -> Work:
    """The factors of many matrices at once; where some have none, those are not numbers."""

    def factors(matrices: Any) -> Any:
        try:
            return np.linalg.cholesky(matrices, upper=not lower)
        except np.linalg.LinAlgError:
            if matrices.ndim == 2:
                return np.full_like(matrices, np.nan)
            return np.stack([factors(some) for some in matrices])

    return factors


def _of_triangular(node: Any) -> Work:
    """Many triangular systems of equations solved at once, an unknown after the other."""
    core, dtype = node.op.core_op, node.outputs[0].type.dtype

    def solved(matrices: Any, sides: Any) -> Any:
        size = matrices.shape[-1]
        batch = np.broadcast_shapes(matrices.shape[:-2], sides.shape[:-1])
        found = np.empty((*batch, size), dtype)
        for i in range(size) if core.lower else reversed(range(size)):
            known = slice(0, i) if core.lower else slice(i + 1, size)
            found[..., i] = sides[..., i] - np.vecdot(matrices[..., i, known], found[..., known])
            if not core.unit_diagonal:
                found[..., i] /= matrices[..., i, i]
        if not core.unit_diagonal:  # as LAPACK has it, such a system is not begun
            has_zero = np.any(np.diagonal(matrices, axis1=-2, axis2=-1) == 0.0, axis=-1)
            found[np.broadcast_to(has_zero, batch)] = np.nan
        return found

    return solved
