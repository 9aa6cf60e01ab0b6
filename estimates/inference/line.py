"""The steps that a PyTensor graph takes, listed once.

On the way, what is the same twice is listed once, what hangs on constants alone is computed at once, and
what makes the line shorter is listed in place of what makes it longer.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pytensor
from pytensor.compile.builders import OpFromGraph
from pytensor.compile.rewriting import inline_ofg_node
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Constant
from pytensor.graph.fg import FunctionGraph
from pytensor.graph.traversal import apply_ancestors, graph_inputs
from pytensor.tensor.random.op import RandomVariable
from pytensor.tensor.shape import Shape, Shape_i

from estimates.inference.axes import is_sum, small_first
from estimates.inference.calls import Call, call_of, keeps_nothing, performed
from estimates.inference.columns import Columns
from estimates.inference.identities import changes_nothing, constant_of, same_as
from estimates.inference.reuse import Step

# How PyTensor rewrites a graph that would loop over points. Checks of parameters are left out because one bad
# row would turn the whole batch into minus infinity; the rewriting that is excluded fails on batches of
# identity matrices, and says so at length.
FAST_START = (
    pytensor.compile.mode.get_mode("FAST_COMPILE")
    .including("local_remove_check_parameter")
    .excluding("orthogonal_solve_to_transpose_matmul")
)


class LoopingError(Exception):
    """An operation that would loop over points in Python."""


class Line:
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
        self.chance: set[int] = set()
        self.is_free = True
        self._places: dict[Any, int] = {variable: index for index, variable in enumerate(inputs)}
        self._stands_for = rewritten or {}
        self._may_loop = rewritten is not None
        self._constants: dict[Hashable, int] = {}
        self._made: dict[Hashable, tuple[int, ...]] = {}
        self._is_constant: set[int] = set()
        self._instead: dict[Any, Any] = {}
        self._columns = Columns()
        self._wanted: Counter[Any] = Counter()
        self._counted: set[Any] = set()

    def places(self, outputs: Sequence[Any]) -> list[int]:
        """Where each of the outputs will be found; lists the steps that they take."""
        self._count(outputs)
        return [self._place(output) for output in outputs]

    def _place(self, output: Any) -> int:
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
                self._count(self._instead[node])
            else:
                self._instead[node] = [self._other(node)]
        found = self._instead[node]
        return found[node.outputs.index(variable)] if len(found) > 1 else found[0]

    def _other(self, node: Any) -> Any:
        """What is computed in place of a node of one output, because it is less."""
        if (same := same_as(node)) is not None or (same := self._columns.before(node)) is not None:
            return same
        return small_first(node, self._inner_sum)

    def _inner_sum(self, variable: Any) -> Any:
        """The operation that adds a variable up, if that is wanted once and not known already."""
        while self._wanted[variable] == 1 and variable not in self._places and variable.owner is not None:
            if is_sum(variable.owner):
                return variable.owner
            variable = self._same(variable)
            if variable is None:
                break
        return None

    def _count(self, outputs: Sequence[Any]) -> None:
        """Note how often each variable is wanted on the way to these, for more than its shape."""
        self._wanted.update(outputs)
        for node in apply_ancestors(outputs):
            if node not in self._counted:
                self._counted.add(node)
                self._wanted.update(() if isinstance(node.op, Shape | Shape_i) else node.inputs)

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
            self._made[key] = self._handed_on(node, sources) or self._computed(node, sources)
        return self._made[key]

    def _handed_on(self, node: Any, sources: tuple[int, ...]) -> tuple[int, ...] | None:
        """The place of the input that is the output too, given what the others are."""
        known = [self.values[place] if place in self._is_constant else None for place in sources]
        kept = changes_nothing(node, known)
        return None if kept is None else (sources[kept],)

    def _computed(self, node: Any, sources: tuple[int, ...]) -> tuple[int, ...]:
        call = call_of(node)
        if call is None and not self._may_loop:
            raise LoopingError
        # One on each of many arrays keeps values where it loops.
        self.is_free &= call is not None and keeps_nothing(node)
        call = call or Call(performed(node))
        return self._known(node, call, sources) or self._step(node, call, sources)

    def _step(self, node: Any, call: Call, sources: tuple[int, ...]) -> tuple[int, ...]:
        targets = tuple(self._new() for _ in node.outputs)
        over: tuple[int, ...] = ()
        if call.into is not None or call.make is np.where:
            sources = self._by_numbers(sources)
        if call.into is not None:
            over = _over(node, sources)
        self.steps.append(Step(call, sources, targets, over))
        if isinstance(node.op, RandomVariable):
            self.chance.update(targets)
        return targets

    def _known(self, node: Any, call: Call, sources: tuple[int, ...]) -> tuple[int, ...] | None:
        """The place of what hangs on constants alone, computed now."""
        if len(node.outputs) != 1 or not self._is_constant.issuperset(sources):
            return None
        if isinstance(node.op, RandomVariable):
            return None
        try:
            with np.errstate(all="ignore"):
                value = call.make(*[self.values[source] for source in sources])
        except Exception:  # it will be raised where the graph is run, as in a compiled function
            return None
        return (self._of_constant(np.asarray(value) if isinstance(value, np.generic) else value),)

    def _by_numbers(self, sources: tuple[int, ...]) -> tuple[int, ...]:
        """The places of arguments; constants of one value without axes, along which NumPy would loop."""
        if self._is_constant.issuperset(sources):
            return sources
        return tuple(
            self._of_constant(self.values[place].reshape(()))
            if place in self._is_constant and np.size(self.values[place]) == 1
            else place
            for place in sources
        )

    def _new(self, value: Any = None) -> int:
        self.values.append(value)
        return len(self.values) - 1


def _over(node: Any, sources: tuple[int, ...]) -> tuple[int, ...]:
    """Which of the first two arguments have the shape and the type of the result."""
    made = node.outputs[0].type
    return tuple(
        place
        for place, variable in zip(sources[:2], node.inputs, strict=False)
        if made.ndim > 0
        and (variable.type.dtype, variable.type.broadcastable) == (made.dtype, made.broadcastable)
        and place not in sources[2:]
    )


def listed(inputs: Sequence[Any], outputs: Sequence[Any]) -> tuple[Line, list[int]]:
    """The steps from inputs to outputs, and where each output will be found."""
    line = Line(inputs)
    try:
        return line, line.places(outputs)
    except LoopingError:
        line, outputs = _rewritten(inputs, outputs)
        return line, line.places(outputs)


def _rewritten(inputs: Sequence[Any], outputs: Sequence[Any]) -> tuple[Line, Sequence[Any]]:
    """The graph as PyTensor would compile it: it knows how to do without many a loop over points."""
    shared = [one for one in graph_inputs(outputs, blockers=inputs) if isinstance(one, SharedVariable)]
    memo: dict[Any, Any] = {}
    graph = FunctionGraph([*inputs, *shared], outputs, clone=True, memo=memo)
    FAST_START.optimizer.rewrite(graph)
    stands_for = {memo[one]: one for one in shared}
    return Line([memo[one] for one in inputs], stands_for), graph.outputs
