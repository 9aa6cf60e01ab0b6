"""A compiled PyTensor function over NumPy, run as a straight line of calls.

On a few thousand points, PyTensor's plain virtual machine spends more time between the operations of a
graph than NumPy spends in them. Here the operations of the compiled graph are listed once, each
elementwise one as the ufunc it stands for, and then called one after the other.
"""

import importlib
from collections.abc import Callable
from copy import copy
from functools import reduce
from typing import Any

import numpy as np
import pytensor.scalar as ps
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Constant
from pytensor.raise_op import CheckAndRaise
from pytensor.tensor.basic import Alloc, Join, MakeVector, ScalarFromTensor, TensorFromScalar
from pytensor.tensor.elemwise import CAReduce, DimShuffle, Elemwise
from pytensor.tensor.shape import Reshape, Shape, Shape_i, SpecifyShape
from pytensor.tensor.subtensor import AdvancedIncSubtensor, AdvancedSubtensor, IncSubtensor, Subtensor

_STATELESS = (
    Elemwise,
    CAReduce,
    DimShuffle,
    Alloc,
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
)

type Values = list[Any]
type Step = tuple[Callable[..., Any], tuple[int, ...], tuple[int, ...]]


class Straight:
    """The same outputs as a compiled function, for the same inputs.

    Parameters
    ----------
    function : pytensor function
        Compiled for the Python linker, without operations that work in place. Shared variables keep
        being read when it is called; what hangs on them alone is computed when one was set anew, not
        when an array in one was changed in place.

    Attributes
    ----------
    is_free : bool
        Whether several threads may call it at once. A call has its values to itself, but some operations,
        those that loop in Python among them, keep theirs from one call to the next.
    """

    def __init__(self, function: Any) -> None:
        graph = function.maker.fgraph
        places: dict[Any, int] = {variable: index for index, variable in enumerate(graph.inputs)}
        self._storage = [container.storage for container in function.input_storage]
        constants: dict[int, Any] = {}

        def place(variable: Any) -> int:
            if variable not in places:
                places[variable] = len(places)
                if isinstance(variable, Constant):
                    constants[places[variable]] = variable.data
            return places[variable]

        steps: list[Step] = [
            (_call(node), tuple(map(place, node.inputs)), tuple(map(place, node.outputs)))
            for node in graph.toposort()
        ]
        self.is_free = all(isinstance(node.op, _STATELESS) for node in graph.apply_nodes)
        self._outputs = [place(variable) for variable in graph.outputs]
        self._values = [constants.get(index) for index in range(len(places))]
        self._count = sum(not isinstance(given.variable, SharedVariable) for given in function.maker.inputs)
        moving = set(range(self._count))
        self._fixed: list[Step] = []
        self._steps: list[Step] = []
        for step in steps:
            moves = not moving.isdisjoint(step[1])
            (self._steps if moves else self._fixed).append(step)
            moving.update(step[2] if moves else ())
        self._spent = self._last_uses()
        self._settled: tuple[Values, Values] | None = None

    def only(self, outputs: slice) -> "Straight":
        """The same line as far as it leads to some of the outputs."""
        part = copy(self)
        part._outputs = self._outputs[outputs]
        wanted, part._steps = set(part._outputs), []
        for step in reversed(self._steps):
            if not wanted.isdisjoint(step[2]):
                wanted.update(step[1])
                part._steps.insert(0, step)
        part._spent = part._last_uses()
        return part

    def __call__(self, *inputs: Any) -> list[Any]:
        """The outputs, as the compiled function would give them."""
        with np.errstate(all="ignore"):
            values = self._with_numbers().copy()
            values[: len(inputs)] = inputs
            for step, spent in zip(self._steps, self._spent, strict=True):
                _take(step, values)
                for place in spent:
                    values[place] = None
        return [values[index] for index in self._outputs]

    def _with_numbers(self) -> Values:
        """All that hangs on no input: constants, shared variables, and what follows from them."""
        numbers = [storage[0] for storage in self._storage[self._count :]]
        settled = self._settled
        if settled and all(old is new for old, new in zip(settled[0], numbers, strict=True)):
            return settled[1]
        values = self._values.copy()
        values[self._count : self._count + len(numbers)] = numbers
        for step in self._fixed:
            _take(step, values)
        self._settled = numbers, values
        return values

    def _last_uses(self) -> list[list[int]]:
        """What nobody wants any more after each step: its memory is still in the cache for the next."""
        last: dict[int, int] = {}
        for number, (_, sources, targets) in enumerate(self._steps):
            last |= dict.fromkeys((*sources, *targets), number)
        for kept in self._outputs:
            last.pop(kept, None)
        spent: list[list[int]] = [[] for _ in self._steps]
        for place, number in last.items():
            spent[number].append(place)
        return spent


def _take(step: Step, values: Values) -> None:
    call, sources, targets = step
    result = call(*[values[source] for source in sources])
    if len(targets) == 1:
        values[targets[0]] = result
    else:
        for target, part in zip(targets, result, strict=True):
            values[target] = part


def _call(node: Any) -> Callable[..., Any]:
    """What computes a node: a ufunc where it is one, else the operation's own Python."""
    if isinstance(node.op, Elemwise):
        scalar = node.op.scalar_op
        if isinstance(scalar, ps.Switch | ps.Clip):
            return np.where if isinstance(scalar, ps.Switch) else np.clip  # type: ignore[return-value]
        if isinstance(scalar, ps.Add | ps.Mul):
            ufunc = np.add if isinstance(scalar, ps.Add) else np.multiply
            return ufunc if len(node.inputs) == 2 else lambda *terms: reduce(ufunc, terms)
        named = getattr(scalar, "nfunc_spec", None)
        if named and named[1] == len(node.inputs):
            module, _, name = named[0].rpartition(".")
            return getattr(importlib.import_module(module or "numpy"), name)  # type: ignore[no-any-return]
    return lambda *inputs: _performed(node, inputs)


def _performed(node: Any, inputs: tuple[Any, ...]) -> Any:
    storage: list[list[Any]] = [[None] for _ in node.outputs]
    node.op.perform(node, list(inputs), storage)
    return storage[0][0] if len(storage) == 1 else [cell[0] for cell in storage]
