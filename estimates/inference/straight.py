"""A PyTensor graph over NumPy, run as a straight line of calls.

On a few thousand points, PyTensor's plain virtual machine spends more time between the operations of a
graph than NumPy spends in them, and rewriting a graph for it takes longer than a fit. Here the operations
are listed once, each as the NumPy call it stands for (`estimates.inference.calls`), and then called one
after the other. On the way, what is the same twice is listed once, and what hangs on constants alone is
computed at once.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
import pytensor
from pytensor.compile.builders import OpFromGraph
from pytensor.compile.rewriting import inline_ofg_node
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Constant
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.traversal import graph_inputs
from pytensor.tensor.random.op import RandomVariable

from estimates.inference.calls import call_of, constant_of, performed, same_as
from estimates.inference.columns import Columns

type Step = tuple[Callable[..., Any], tuple[int, ...], tuple[int, ...]]

# A few unknowns and thousands of points: PyTensor's plain VM over NumPy starts in a fraction of a
# second and keeps up with compiled code. The checks of parameters are left out because one bad row
# would turn the whole batch into minus infinity.
FAST_START = pytensor.compile.mode.get_mode("FAST_COMPILE").including("local_remove_check_parameter")


class Straight:
    """The same outputs as a function that PyTensor compiled, for the same inputs.

    Parameters
    ----------
    inputs, outputs : sequence of variables
        Shared variables among the ancestors of the outputs are read at every call.

    Notes
    -----
    Checks of parameters are left out. Chance leaves the generators as they were: each call draws the same.
    """

    def __init__(self, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        line = _Line(inputs)
        try:
            found = [line.place(variable) for variable in outputs]
        except _LoopError:
            line, outputs = _rewritten(inputs, outputs)
            found = [line.place(variable) for variable in outputs]
        self._steps = line.steps
        self._values = line.values
        self._count = len(inputs)
        self._read = tuple((place, variable.container.storage) for variable, place in line.shared.items())
        self._outputs = found
        # What was put in must not be changed by whoever changes what came out.
        made = {target for _, _, targets in line.steps for target in targets}
        self._kept = frozenset(index for index, place in enumerate(found) if place not in made)
        self._spent = self._last_uses()

    def __call__(self, *inputs: Any) -> list[Any]:
        """The outputs, as the compiled function would give them."""
        values = self._values.copy()
        values[: self._count] = inputs
        for place, storage in self._read:
            values[place] = storage[0]
        with np.errstate(all="ignore"):
            for (call, sources, targets), spent in zip(self._steps, self._spent, strict=True):
                result = call(*[values[source] for source in sources])
                if len(targets) == 1:
                    values[targets[0]] = result
                else:
                    for target, part in zip(targets, result, strict=True):
                        values[target] = part
                for place in spent:
                    values[place] = None
        outputs = [np.asarray(values[place]) for place in self._outputs]
        return [
            output.copy() if index in self._kept or not output.flags.writeable else output
            for index, output in enumerate(outputs)
        ]

    def _last_uses(self) -> list[list[int]]:
        """What nobody wants any more after each step: its memory is still in the cache for the next."""
        last: dict[int, int] = {}
        for number, (_, sources, targets) in enumerate(self._steps):
            last |= dict.fromkeys((*sources, *targets), number)
        for kept in self._outputs:
            last.pop(kept, None)
        spent: list[list[int]] = [[] for _ in self._steps]
        for place, number in last.items():
            if self._values[place] is None:
                spent[number].append(place)
        return spent


class _LoopError(Exception):
    """An operation that would loop over points in Python."""


class _Line:
    """The steps so far, and where each variable is found among the values.

    Parameters
    ----------
    inputs : sequence of variables
    rewritten : dict, optional
        Shared variables, by what stands for them in a graph that PyTensor has rewritten. What it left to
        loop over points does so.
    """

    def __init__(self, inputs: Sequence[Any], rewritten: dict[Any, Any] | None = None) -> None:
        self.steps: list[Step] = []
        self.values: list[Any] = [None] * len(inputs)
        self.shared: dict[Any, int] = {}
        self._places: dict[Any, int] = {variable: index for index, variable in enumerate(inputs)}
        self._stands_for = rewritten or {}
        self._may_loop = rewritten is not None
        self._constants: dict[Hashable, int] = {}
        self._made: dict[Hashable, tuple[int, ...]] = {}
        self._is_constant: set[int] = set()
        self._instead: dict[Any, Any] = {}
        self._columns = Columns()

    def place(self, output: Any) -> int:
        """Where `output` will be found; lists the steps that it takes, those it needs first."""
        waiting = [output]
        while waiting:
            variable = waiting[-1]
            if variable in self._places:
                waiting.pop()
                continue
            needed = [one for one in self._needed(variable) if one not in self._places]
            if needed:
                waiting.extend(reversed(needed))
                continue
            waiting.pop()
            self._list(variable)
        return self._places[output]

    def _needed(self, variable: Any) -> Sequence[Any]:
        if variable.owner is None:
            return ()
        if (same := self._same(variable)) is not None:
            return (same,)
        return () if constant_of(variable) is not None else variable.owner.inputs

    def _same(self, variable: Any) -> Any:
        """A variable with the same value whose operation is to be listed instead."""
        node = variable.owner
        if node not in self._instead:
            if isinstance(node.op, OpFromGraph):
                self._instead[node] = inline_ofg_node(node)
            else:
                same = same_as(node)
                self._instead[node] = [self._columns.before(node) if same is None else same]
        found = self._instead[node]
        return found[node.outputs.index(variable)] if len(found) > 1 else found[0]

    def _list(self, variable: Any) -> None:
        node = variable.owner
        if node is None:
            self._places[variable] = self._of_leaf(variable)
        elif (same := self._same(variable)) is not None:
            self._places[variable] = self._places[same]
        elif (constant := constant_of(variable)) is not None:
            self._places[variable] = self._of_constant(constant)
        else:
            self._places.update(zip(node.outputs, self._of_node(node), strict=True))

    def _of_leaf(self, variable: Any) -> int:
        if isinstance(variable, Constant):
            return self._of_constant(variable.data)
        shared = self._stands_for.get(variable, variable)
        if not isinstance(shared, SharedVariable):
            raise ValueError(f"{variable} is neither given nor known")
        if shared not in self.shared:
            self.shared[shared] = self._new()
        return self.shared[shared]

    def _of_constant(self, value: Any) -> int:
        key: Hashable = id(value)
        if isinstance(value, np.ndarray | np.generic):
            key = type(value), value.dtype.str, value.shape, value.tobytes()
        if key not in self._constants:
            self._constants[key] = self._new(value)
            self._is_constant.add(self._constants[key])
        return self._constants[key]

    def _of_node(self, node: Any) -> tuple[int, ...]:
        sources = tuple(self._places[variable] for variable in node.inputs)
        key = node.op, sources
        if key not in self._made:
            call = call_of(node)
            if call is None and not self._may_loop:
                raise _LoopError
            call = call or performed(node)
            self._made[key] = self._known(node, call, sources) or self._step(node, call, sources)
        return self._made[key]

    def _step(self, node: Any, call: Callable[..., Any], sources: tuple[int, ...]) -> tuple[int, ...]:
        targets = tuple(self._new() for _ in node.outputs)
        self.steps.append((call, sources, targets))
        return targets

    def _known(self, node: Any, call: Callable[..., Any], sources: tuple[int, ...]) -> tuple[int, ...] | None:
        """The place of what hangs on constants alone, computed now."""
        if len(node.outputs) != 1 or not self._is_constant.issuperset(sources):
            return None
        if isinstance(node.op, RandomVariable):
            return None
        try:
            with np.errstate(all="ignore"):
                value = call(*[self.values[source] for source in sources])
        except Exception:  # it will be raised where the graph is run, as in a compiled function
            return None
        return (self._of_constant(np.asarray(value) if isinstance(value, np.generic) else value),)

    def _new(self, value: Any = None) -> int:
        self.values.append(value)
        return len(self.values) - 1


def _rewritten(inputs: Sequence[Any], outputs: Sequence[Any]) -> tuple[_Line, Sequence[Any]]:
    """The graph as PyTensor would compile it: it knows how to do without many a loop over points."""
    shared = [one for one in graph_inputs(outputs, blockers=inputs) if isinstance(one, SharedVariable)]
    memo: dict[Any, Any] = {}
    graph = FunctionGraph([*inputs, *shared], outputs, clone=True, memo=memo)
    FAST_START.optimizer.rewrite(graph)
    stands_for = {memo[one]: one for one in shared}
    return _Line([memo[one] for one in inputs], stands_for), graph.outputs
