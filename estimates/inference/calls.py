"""The NumPy call that an operation of a PyTensor graph stands for."""

import importlib
from collections.abc import Callable
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
import pytensor.scalar as ps
from numpy.typing import NDArray
from pytensor.raise_op import CheckAndRaise
from pytensor.scalar.math import Log1mexp, Sigmoid, Softplus
from pytensor.tensor.basic import (
    Alloc,
    ARange,
    ExtractDiag,
    Join,
    MakeVector,
    ScalarFromTensor,
    TensorFromScalar,
)
from pytensor.tensor.blas.gemm import Dot22
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import CAReduce, DimShuffle, Elemwise
from pytensor.tensor.extra_ops import CumOp
from pytensor.tensor.linalg.decomposition.cholesky import Cholesky
from pytensor.tensor.linalg.solvers.triangular import SolveTriangular
from pytensor.tensor.random.op import RandomVariable
from pytensor.tensor.random.utils import custom_rng_deepcopy
from pytensor.tensor.shape import Reshape, Shape, Shape_i, SpecifyShape
from pytensor.tensor.subtensor import (
    AdvancedIncSubtensor,
    AdvancedSubtensor,
    IncSubtensor,
    Subtensor,
    unflatten_index_variables,
)

from estimates.inference.blocks import of_blockwise
from estimates.inference.chance import DRAWN_BY_NUMPY
from estimates.inference.columns import known_array
from estimates.terms.likelihood import IntervalMass, MassOfAll
from estimates.terms.mass import log_interval_mass, log_mass_of_all, sum_of_last

_STATELESS = (
    Elemwise,
    CAReduce,
    DimShuffle,
    Alloc,
    ARange,
    Dot22,
    ExtractDiag,
    Join,
    MakeVector,
    ScalarFromTensor,
    TensorFromScalar,
    Reshape,
    Shape,
    Shape_i,
    SpecifyShape,
    Subtensor,
    IncSubtensor,
    AdvancedSubtensor,
    AdvancedIncSubtensor,
    CheckAndRaise,
    CumOp,
    MassOfAll,
    Blockwise,
)

type Array = NDArray[Any]
type Work = Callable[..., Any]


class Call(NamedTuple):
    """What computes the result of an operation from its arguments.

    Attributes
    ----------
    make : callable
    into : callable, optional
        The same, written into the array that is its last argument: one of the shape and the type of the
        result, which may be one of the first two arguments.
    shares : tuple of int, optional
        The arguments in whose memory the result may lie, with a place for each of its elements. Where it is
        None the result may lie in that of any, and several elements in one place.
    """

    make: Work
    into: Work | None = None
    shares: tuple[int, ...] | None = None


_VIEWS = (DimShuffle, Reshape, Subtensor)
_MAKES_NEW = (CAReduce, Join, MakeVector, Dot22, Cholesky, SolveTriangular, MassOfAll)

_SHORT = 16  # axes, which NumPy is slow to reduce over one by one
_QUICK = (np.add, np.multiply, np.maximum, np.minimum, np.logical_and, np.logical_or)


def keeps_nothing(node: Any) -> bool:
    """Whether what `call_of` gives keeps nothing from one call to the next, so that threads may share it."""
    return isinstance(node.op, _STATELESS)


def call_of(node: Any) -> Call | None:
    """What computes a node: NumPy where it can, else the operation's own Python.

    None where that would be a loop over the points of a batch.
    """
    of = next((of for kind, of in _OF.items() if isinstance(node.op, kind)), performed)
    call = of(node)
    return call if call is None or isinstance(call, Call) else Call(call, shares=_shares(node))


def _shares(node: Any) -> tuple[int, ...] | None:
    op = getattr(node.op, "core_op", node.op)  # of many arrays as of one
    if isinstance(op, _MAKES_NEW):
        return ()
    return (0,) if isinstance(op, _VIEWS) else None


# ---- one number at a time ----------------------------------------------------------------------


def _of_elemwise(node: Any) -> Call:
    scalar, dtype = node.op.scalar_op, np.dtype(node.outputs[0].type.dtype)
    inputs = [np.dtype(variable.type.dtype) for variable in node.inputs]
    if type(scalar) in _BY_HAND:
        return Call(_BY_HAND[type(scalar)], shares=None if isinstance(scalar, ps.Second) else ())
    if isinstance(scalar, ps.Cast):
        return Call(lambda x: np.asarray(x).astype(dtype, copy=False))
    if isinstance(scalar, ps.Switch) and np.result_type(*inputs[1:]) == dtype:
        return Call(np.where, shares=())
    if isinstance(scalar, ps.Clip) and np.result_type(*inputs) == dtype:
        return Call(np.clip, np.clip, shares=())
    if isinstance(scalar, ps.Pow) and inputs[0] == dtype and _is_two(node.inputs[1]):
        return Call(_square, _square, shares=())
    named = node.op.nfunc_spec or getattr(scalar, "nfunc_spec", None)
    call = _of_ufunc(scalar, named, inputs, dtype) or Call(performed(node), shares=())
    if isinstance(call.make, np.ufunc) and _spreads_out(node):
        return call._replace(make=_in_planes(call.make, dtype))
    return call


def _of_ufunc(scalar: Any, named: Any, inputs: list[Any], dtype: Any) -> Call | None:
    """The ufunc that PyTensor names for an operation, if there is one."""
    name, count, _ = named or ("", 0, 0)
    module, _, name = name.rpartition(".")
    ufunc = getattr(importlib.import_module(module or "numpy"), name) if name else None
    if not isinstance(ufunc, np.ufunc):
        return None
    if count == len(inputs) and ufunc.resolve_dtypes((*inputs, None))[-1] == dtype:
        return Call(ufunc, _INTO.get(ufunc, ufunc), shares=())
    if isinstance(scalar, _FOLDED) and np.result_type(*inputs) == dtype:
        return _of_folded(ufunc)
    if count == len(inputs) and dtype.kind == "f":
        # NumPy by itself would make the ratio of two small integers a half-precision number.
        return Call(lambda *values: ufunc(*values, dtype=dtype), shares=())
    return None


def _of_folded(ufunc: np.ufunc) -> Call:
    """A sum, or a product, of many terms."""

    def folded(*terms: Any) -> Any:
        return reduce(ufunc, terms)

    def into(first: Any, second: Any, *others: Any) -> Any:
        *rest, out = others
        ufunc(first, second, out)
        for term in rest:
            ufunc(out, term, out)
        return out

    return Call(folded, into, shares=())


def _spreads_out(node: Any) -> bool:
    """Whether two arrays of three axes or more lie along each other, as (n, 1, k) and (1, m, 1) do."""
    made, given = node.outputs[0].type, [variable.type for variable in node.inputs]
    if len(given) != 2 or made.ndim < 3:
        return False
    return given[0].broadcastable != given[1].broadcastable and not any(
        all(one.broadcastable) for one in given
    )


def _in_planes(ufunc: np.ufunc, dtype: Any) -> Work:
    """A ufunc whose result, if its last axis is short, is one plane after the other in memory.

    NumPy loops over the last axis innermost, a few numbers at a time; over planes its loops are long, here
    and in all that follows.
    """

    def call(one: Any, other: Any) -> Any:
        shape = np.broadcast(one, other).shape
        if not 1 < shape[-1] <= _SHORT:
            return ufunc(one, other)
        return ufunc(one, other, out=np.moveaxis(np.empty((shape[-1], *shape[:-1]), dtype), 0, -1))

    return call


_INTO: dict[np.ufunc, Work] = {  # those that want the array by name
    np.maximum: lambda one, other, out: np.maximum(one, other, out=out),
    np.minimum: lambda one, other, out: np.minimum(one, other, out=out),
}

_FOLDED = (ps.Add, ps.Mul, ps.AND, ps.OR, ps.XOR)


def _is_two(exponent: Any) -> bool:
    """Whether a power is a square, which is faster, and no less exact, than a power in general."""
    number = known_array(exponent)
    return number is not None and number.size == 1 and number.item() == 2 and all(exponent.type.broadcastable)


def _square(x: Any, exponent: Any, out: Any = None) -> Any:
    return np.square(x, out)


def _softplus(x: Any) -> Any:
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def _sigmoid(x: Any) -> Any:
    below, whole = np.asarray(np.minimum(x, 0.0)), np.asarray(np.minimum(-x, 0.0))
    np.exp(below, below)
    np.exp(whole, whole)
    whole += below
    return np.divide(below, whole, below)


def _log1mexp(x: Any) -> Any:
    return np.where(x > -np.log(2.0), np.log(-np.expm1(x)), np.log1p(-np.exp(x)))


def _second(shape: Any, value: Any) -> Any:
    return np.broadcast_to(value, np.broadcast_shapes(np.shape(shape), np.shape(value)))


_BY_HAND: dict[type, Work] = {
    Softplus: _softplus,
    Sigmoid: _sigmoid,
    Log1mexp: _log1mexp,
    ps.Second: _second,
    IntervalMass: log_interval_mass,
}
"""Those that have no ufunc, and would loop in Python, or one that takes several times as long."""


# ---- whole arrays ------------------------------------------------------------------------------


def _of_dimshuffle(node: Any) -> Work:
    op = node.op
    axes = (*op.shuffle, *op.drop)
    places = tuple(None if axis == "x" else slice(None) for axis in op.new_order) + (0,) * len(op.drop)
    if axes == tuple(range(len(axes))):
        return lambda x: np.asarray(x)[places]
    return lambda x: np.transpose(x, axes)[places]


def _of_subtensor(node: Any) -> Work:
    """A part of an array, looked up once where the graph knows which."""
    places = [known_array(place) for place in node.inputs[1:]]
    if any(place is None for place in places):
        return performed(node)
    index = unflatten_index_variables([int(place) for place in places if place is not None], node.op.idx_list)
    return lambda x, *_: np.asarray(x[index])


def _of_reduction(node: Any) -> Work:
    op, of, dtype = node.op, node.inputs[0].type, node.outputs[0].type.dtype
    accumulate = op.acc_dtype or dtype
    is_over_last = of.ndim > 1 and op.axis == (of.ndim - 1,) and op.ufunc in _QUICK
    if is_over_last and op.ufunc is np.add and {of.dtype, accumulate, dtype} == {"float64"}:
        return sum_of_last

    def reduced(x: Any) -> Any:
        if is_over_last and 0 < x.shape[-1] <= _SHORT:
            found = x[..., 0].astype(accumulate)
            for i in range(1, x.shape[-1]):
                op.ufunc(found, x[..., i], out=found)
            return found.astype(dtype, copy=False)
        return np.asarray(op.ufunc.reduce(x, axis=op.axis, dtype=accumulate), dtype=dtype)

    return reduced


def _of_chance(node: Any) -> Work:
    op = node.op
    draw = DRAWN_BY_NUMPY.get(type(op), op.rng_fn)

    def drawn(generator: Any, size: Any, *parameters: Any) -> tuple[Any, Any]:
        generator = custom_rng_deepcopy(generator)
        shape = None if size is None else tuple(map(int, size))
        return generator, np.asarray(draw(generator, *parameters, shape), dtype=op.dtype)

    return drawn


def performed(node: Any) -> Work:
    """The operation's own Python."""

    def call(*inputs: Any) -> Any:
        storage: list[list[Any]] = [[None] for _ in node.outputs]
        node.op.perform(node, list(map(_as_array, inputs)), storage)
        return storage[0][0] if len(storage) == 1 else [cell[0] for cell in storage]

    return call


def _as_array(value: Any) -> Any:
    return np.asarray(value) if isinstance(value, np.generic) else value


def _of_reshape(node: Any) -> Work:
    shape = known_array(node.inputs[1])
    if shape is None:
        return lambda x, shape: np.reshape(x, shape.tolist())
    lengths = tuple(shape.tolist())
    return lambda x, shape: np.reshape(x, lengths)


_OF: dict[type, Callable[[Any], Work | Call | None]] = {
    Elemwise: _of_elemwise,
    DimShuffle: _of_dimshuffle,
    CAReduce: _of_reduction,
    RandomVariable: _of_chance,
    Reshape: _of_reshape,
    Shape: lambda node: lambda x: np.array(np.shape(x), dtype="int64"),
    Subtensor: _of_subtensor,
    Alloc: lambda node: lambda value, *shape: np.broadcast_to(value, tuple(map(int, shape))),
    MakeVector: lambda node: lambda *values: np.array(values, dtype=node.op.dtype),
    Blockwise: of_blockwise,
    MassOfAll: lambda node: log_mass_of_all,
}
