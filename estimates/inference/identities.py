"""Operations whose result is something that is known already, so that nothing has to be computed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytensor.scalar as ps
from numpy.typing import NDArray
from pymc.logprob.utils import CheckParameterValue
from pytensor.compile.ops import ViewOp
from pytensor.tensor.basic import Alloc
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import DimShuffle, Elemwise
from pytensor.tensor.shape import Shape, Shape_i

type Array = NDArray[Any]


def same_as(node: Any) -> Any:
    """The input that an operation hands on as it is, or None."""
    op = node.op
    if isinstance(op, CheckParameterValue | ViewOp):
        return node.inputs[0]
    if isinstance(op, Blockwise) and isinstance(op.core_op, ViewOp):
        return node.inputs[0]
    if isinstance(op, DimShuffle) and op.new_order == tuple(range(node.inputs[0].type.ndim)):
        return node.inputs[0]
    if isinstance(op, Elemwise):
        if isinstance(op.scalar_op, ps.Identity):
            return node.inputs[0]
        if isinstance(op.scalar_op, ps.Cast) and node.inputs[0].type.dtype == node.outputs[0].type.dtype:
            return node.inputs[0]
        if isinstance(op.scalar_op, ps.Second) and _fills(node.inputs[1], node):
            return node.inputs[1]
    if isinstance(op, Alloc) and _fills(node.inputs[0], node):
        return node.inputs[0]
    return None


def _fills(value: Any, node: Any) -> bool:
    """Whether a value has the axes of an operation's result already, and would be filled with itself."""
    return bool(value.type.broadcastable == node.outputs[0].type.broadcastable)


def changes_nothing(node: Any, constants: Sequence[Array | None]) -> int | None:
    """Which input an operation hands on because the other is a constant like the 0 of x + 0, or None.

    Parameters
    ----------
    constants : sequence of array or None
        The value of each input that hangs on constants alone.
    """
    if not isinstance(node.op, Elemwise) or len(constants) != 2:
        return None
    made = node.outputs[0].type
    for place, number in _NEUTRAL.get(type(node.op.scalar_op), {}).items():
        constant, other = constants[place], node.inputs[1 - place].type
        is_neutral = constant is not None and constant.size == 1 and constant.item() == number
        if is_neutral and (other.dtype, other.ndim) == (made.dtype, made.ndim):
            return 1 - place
    return None


_NEUTRAL = {ps.Add: {0: 0, 1: 0}, ps.Sub: {1: 0}, ps.Mul: {0: 1, 1: 1}, ps.TrueDiv: {1: 1}}
"""The constant that changes nothing, by its place among the inputs."""


def constant_of(variable: Any) -> Array | None:
    """The value of a shape that the graph knows before it is run, or None."""
    node = variable.owner
    if isinstance(node.op, Shape) and None not in (shape := node.inputs[0].type.shape):
        return np.array(shape, dtype="int64")
    if isinstance(node.op, Shape_i) and (length := node.inputs[0].type.shape[node.op.i]) is not None:
        return np.array(length, dtype="int64")
    return None
