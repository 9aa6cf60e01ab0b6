"""The NumPy call that an operation of a PyTensor graph stands for."""

import importlib
from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np
import pytensor.scalar as ps
from numpy.typing import NDArray
from pymc.logprob.utils import CheckParameterValue
from pytensor.compile.ops import ViewOp
from pytensor.graph.basic import Constant
from pytensor.scalar.math import Log1mexp, Sigmoid, Softplus
from pytensor.tensor.basic import Alloc, ARange, Eye, Join, MakeVector
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import CAReduce, DimShuffle, Elemwise
from pytensor.tensor.linalg.decomposition.cholesky import Cholesky
from pytensor.tensor.linalg.solvers.triangular import SolveTriangular
from pytensor.tensor.random.op import RandomVariable
from pytensor.tensor.random.utils import custom_rng_deepcopy
from pytensor.tensor.shape import Shape, Shape_i
from pytensor.tensor.subtensor import (
    AdvancedIncSubtensor,
    IncSubtensor,
    unflatten_index_variables,
)

from estimates.inference.chance import DRAWN_BY_NUMPY
from estimates.inference.columns import known_array
from estimates.terms.likelihood import IntervalMass
from estimates.terms.mass import log_interval_mass

type Array = NDArray[Any]
type Call = Callable[..., Any]


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
        if isinstance(op.scalar_op, ps.Second) and all(node.inputs[0].type.broadcastable):
            return node.inputs[1]
    return None


def constant_of(variable: Any) -> Array | None:
    """The value of a shape that the graph knows before it is run, or None."""
    node = variable.owner
    if isinstance(node.op, Shape) and None not in (shape := node.inputs[0].type.shape):
        return np.array(shape, dtype="int64")
    if isinstance(node.op, Shape_i) and (length := node.inputs[0].type.shape[node.op.i]) is not None:
        return np.array(length, dtype="int64")
    return None


def call_of(node: Any) -> Call | None:
    """What computes a node: NumPy where it can, else the operation's own Python.

    None where that would be a loop over the points of a batch.
    """
    op = node.op
    if isinstance(op, Elemwise):
        return _of_elemwise(node)
    if isinstance(op, DimShuffle):
        return _of_dimshuffle(op)
    if isinstance(op, CAReduce):
        return _of_reduction(node)
    if isinstance(op, RandomVariable):
        return _of_chance(op)
    if isinstance(op, Alloc):
        return lambda value, *shape: np.broadcast_to(value, tuple(map(int, shape)))
    if isinstance(op, MakeVector):
        return lambda *values: np.array(values, dtype=op.dtype)
    if isinstance(op, Blockwise):
        return _of_blockwise(node)
    return performed(node)


# ---- one number at a time ----------------------------------------------------------------------


def _of_elemwise(node: Any) -> Call:
    scalar, dtype = node.op.scalar_op, np.dtype(node.outputs[0].type.dtype)
    inputs = [np.dtype(variable.type.dtype) for variable in node.inputs]
    if type(scalar) in _BY_HAND:
        return _BY_HAND[type(scalar)]
    if isinstance(scalar, ps.Cast):
        return lambda x: np.asarray(x).astype(dtype, copy=False)
    if isinstance(scalar, ps.Switch) and np.result_type(*inputs[1:]) == dtype:
        return np.where
    if isinstance(scalar, ps.Clip) and np.result_type(*inputs) == dtype:
        return np.clip
    if isinstance(scalar, ps.Pow) and inputs[0] == dtype and (power := _power(node.inputs[1])):
        return power
    named = node.op.nfunc_spec or getattr(scalar, "nfunc_spec", None)
    return _of_ufunc(scalar, named, inputs, dtype) or performed(node)


def _of_ufunc(scalar: Any, named: Any, inputs: list[Any], dtype: Any) -> Call | None:
    """The ufunc that PyTensor names for an operation, if there is one."""
    name, count, _ = named or ("", 0, 0)
    module, _, name = name.rpartition(".")
    ufunc = getattr(importlib.import_module(module or "numpy"), name) if name else None
    if not isinstance(ufunc, np.ufunc):
        return None
    if count == len(inputs) and ufunc.resolve_dtypes((*inputs, None))[-1] == dtype:
        return ufunc
    if isinstance(scalar, _FOLDED) and np.result_type(*inputs) == dtype:
        return lambda *terms: reduce(ufunc, terms)
    if count == len(inputs) and dtype.kind == "f":
        # NumPy by itself would make the ratio of two small integers a half-precision number.
        return lambda *values: ufunc(*values, dtype=dtype)
    return None


_FOLDED = (ps.Add, ps.Mul, ps.AND, ps.OR, ps.XOR)


def _power(exponent: Any) -> Call | None:
    """The call for a constant power that is faster, and no less exact, than a power in general."""
    while exponent.owner is not None and isinstance(exponent.owner.op, DimShuffle):
        exponent = exponent.owner.inputs[0]
    if not isinstance(exponent, Constant) or exponent.data.size != 1 or exponent.data.item() != 2:
        return None
    return (lambda x, _: np.square(x)) if all(exponent.type.broadcastable) else None


def _softplus(x: Any) -> Any:
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def _sigmoid(x: Any) -> Any:
    e = np.exp(np.minimum(x, 0.0))
    return e / (e + np.exp(-np.maximum(x, 0.0)))


def _log1mexp(x: Any) -> Any:
    return np.where(x > -np.log(2.0), np.log(-np.expm1(x)), np.log1p(-np.exp(x)))


def _second(shape: Any, value: Any) -> Any:
    return np.broadcast_to(value, np.broadcast_shapes(np.shape(shape), np.shape(value)))


_BY_HAND: dict[type, Call] = {
    Softplus: _softplus,
    Sigmoid: _sigmoid,
    Log1mexp: _log1mexp,
    ps.Second: _second,
    IntervalMass: log_interval_mass,
}
"""Those that have no ufunc, and would loop in Python, or one that takes several times as long."""


# ---- whole arrays ------------------------------------------------------------------------------


def _of_dimshuffle(op: Any) -> Call:
    axes = (*op.shuffle, *op.drop)
    places = tuple(None if axis == "x" else slice(None) for axis in op.new_order) + (0,) * len(op.drop)
    if axes == tuple(range(len(axes))):
        return lambda x: np.asarray(x)[places]
    return lambda x: np.transpose(x, axes)[places]


def _of_reduction(node: Any) -> Call:
    op, of, dtype = node.op, node.inputs[0].type, node.outputs[0].type.dtype
    accumulate = op.acc_dtype or dtype
    is_over_last = of.ndim > 1 and op.axis == (of.ndim - 1,)
    if is_over_last and op.ufunc is np.add and {of.dtype, accumulate, dtype} == {"float64"}:
        return sum_of_last

    def reduced(x: Any) -> Any:
        if is_over_last and 0 < x.shape[-1] <= _SHORT:  # NumPy is made for long axes
            found = x[..., 0].astype(accumulate)
            for i in range(1, x.shape[-1]):
                op.ufunc(found, x[..., i], out=found)
            return found.astype(dtype, copy=False)
        return np.asarray(op.ufunc.reduce(x, axis=op.axis, dtype=accumulate), dtype=dtype)

    return reduced


_SHORT = 16


def sum_of_last(x: Array) -> Array:
    """The sum over the last axis, as a product with ones: several times as fast where that axis is short."""
    return np.asarray(x @ np.ones(x.shape[-1]))


def _of_chance(op: Any) -> Call:
    draw = DRAWN_BY_NUMPY.get(type(op), op.rng_fn)

    def drawn(generator: Any, size: Any, *parameters: Any) -> tuple[Any, Any]:
        generator = custom_rng_deepcopy(generator)
        shape = None if size is None else tuple(map(int, size))
        return generator, np.asarray(draw(generator, *parameters, shape), dtype=op.dtype)

    return drawn


def performed(node: Any) -> Call:
    """The operation's own Python."""

    def call(*inputs: Any) -> Any:
        storage: list[list[Any]] = [[None] for _ in node.outputs]
        node.op.perform(node, list(map(_as_array, inputs)), storage)
        return storage[0][0] if len(storage) == 1 else [cell[0] for cell in storage]

    return call


def _as_array(value: Any) -> Any:
    return np.asarray(value) if isinstance(value, np.generic) else value


# ---- an operation on each of many arrays ---------------------------------------------------------


def _of_blockwise(node: Any) -> Call | None:
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


def _of_alloc(lead: int) -> Call:
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


_MADE_OF_NUMBERS: dict[type, Callable[[Any], Call]] = {
    ARange: lambda op: lambda start, stop, step: np.arange(start, stop, step, dtype=op.dtype),
    Eye: lambda op: lambda rows, columns, diagonal: np.eye(rows, columns, int(diagonal), op.dtype),
}


def _of_numbers(node: Any) -> Call:
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


def _of_joins(axis: int, lead: int) -> Call:
    """Arrays (..., n) one after the other, for each of the leading places."""
    axis = axis + lead if axis >= 0 else axis

    def joined(*parts: Any) -> Any:
        batch = np.broadcast_shapes(*(part.shape[:lead] for part in parts))
        whole = [np.broadcast_to(part, batch + part.shape[lead:]) for part in parts]
        return np.concatenate(whole, axis=axis)

    return joined


def _of_settings(node: Any, lead: int) -> Call | None:
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


def _of_cholesky(lower: bool) -> Call:
    """The factors of many matrices at once; where some have none, those are not numbers."""

    def factors(matrices: Any) -> Any:
        try:
            return np.linalg.cholesky(matrices, upper=not lower)
        except np.linalg.LinAlgError:
            if matrices.ndim == 2:
                return np.full_like(matrices, np.nan)
            return np.stack([factors(some) for some in matrices])

    return factors


def _of_triangular(node: Any) -> Call:
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
