"""Models of one shape: the same graph with other numbers in it, compiled once.

Sweeps and rereadings refit one model many times with other priors and other reported values. Those are
shared variables of the graph (`pm.Data`), so the compiled code of the first serves them all. Whether two
models are of one shape is read off their graphs, operation by operation, so that what a model file wrote
into its graph as a constant is a difference like any other.
"""

import threading
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from types import FunctionType
from typing import Any, cast

import pymc as pm
from pymc.distributions.custom import CustomSymbolicDistRV
from pymc.distributions.shape_utils import _change_dist_size
from pymc.logprob.abstract import _logprob
from pymc.logprob.transforms import Transform
from pytensor.compile.builders import OpFromGraph
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Constant
from pytensor.graph.traversal import toposort
from pytensor.tensor.random.type import RandomType

from estimates.inference.density import Density, compile_density, fitted_unknowns
from estimates.inference.forward import Forward, compile_forward
from estimates.inference.ordered import orders_of
from estimates.lately import Lately

_MOST_KEPT = 32


@dataclass(frozen=True)
class Compiled:
    """The density of a model and the prior of what is fitted."""

    density: Density
    prior: Forward


@dataclass(frozen=True)
class Shape:
    """What a fit is compiled from: `key` is equal for models of one shape, `numbers` are what may differ."""

    key: Hashable
    numbers: tuple[Any, ...]


def compile_model(model: pm.Model) -> Compiled:
    """The density and the prior of `model`, compiled now."""
    return Compiled(compile_density(model), compile_forward(model, [], fitted_unknowns(model)))


@dataclass(frozen=True, eq=False)
class Slot[Code]:
    """Compiled code, and the shared variables that it reads its numbers from."""

    code: Code
    numbers: tuple[Any, ...]

    def holding(self, numbers: Sequence[Any]) -> Code:
        """The code with these numbers in it, to be used before others are put there."""
        for kept, new in zip(self.numbers, numbers, strict=True):
            if kept is not new:
                kept.set_value(new.get_value(borrow=True))
        return self.code


class CompiledShapes(threading.local):
    """What was compiled lately, by shape; each thread has its own, because the numbers are set in place."""

    def __init__(self) -> None:
        self._densities: Lately[Slot[Compiled]] = Lately(_MOST_KEPT)
        self._forwards: Lately[Slot[Forward]] = Lately(_MOST_KEPT)

    def slot(self, model: pm.Model, shape: Shape) -> Slot[Compiled]:
        """The density and the prior of `model`, which has that shape."""
        return self._densities.get(shape.key, lambda: Slot(compile_model(model), shape.numbers))

    def compiled(self, model: pm.Model) -> Compiled:
        """The density and the prior of `model`, to be used before the next is asked for."""
        shape = shape_of(model)
        return self.slot(model, shape).holding(shape.numbers)

    def forward(self, model: pm.Model, given: list[Any], wanted: list[Any]) -> Forward:
        """What `compile_forward` gives, to be used before the next is asked for."""
        shape = shape_of(model, wanted)
        slot = self._forwards.get(
            shape.key, lambda: Slot(compile_forward(model, given, wanted), shape.numbers)
        )
        return slot.holding(shape.numbers)

    def __len__(self) -> int:
        """How many densities are kept."""
        return len(self._densities)


def shape_of(model: pm.Model, wanted: Sequence[Any] = ()) -> Shape:
    """The shape of what is fitted in a model, its unknowns and what is observed, and of what is wanted."""
    unknowns = fitted_unknowns(model)
    observed = [*model.observed_RVs, *model.potentials]
    values = [model.rvs_to_values[variable] for variable in model.observed_RVs]
    reader = _Reader()
    graph = reader.read([*unknowns, *observed, *values, *wanted])
    fitted = tuple(
        (v.name, model.rvs_to_values[v].type, _likeness(model.rvs_to_transforms[v])) for v in unknowns
    )
    names = tuple(v.name for v in (*observed, *wanted))
    return Shape((graph, fitted, names, orders_of(model), len(wanted)), tuple(reader.numbers))


class _Reader:
    """A graph as nested tuples, and the shared variables in it in the order in which they are met."""

    def __init__(self) -> None:
        self.numbers: dict[Any, int] = {}

    def read(self, outputs: Sequence[Any], inputs: Sequence[Any] = ()) -> Hashable:
        """The operations in order, each with where its inputs come from; then where the outputs come from."""
        place: dict[Any, Hashable] = {variable: ("input", index) for index, variable in enumerate(inputs)}
        steps = []
        for number, node in enumerate(toposort(outputs, blockers=list(inputs))):
            steps.append((self._operation(node.op), tuple(self._source(v, place) for v in node.inputs)))
            place.update({variable: (number, index) for index, variable in enumerate(node.outputs)})
        return tuple(steps), tuple((self._source(v, place), v.type) for v in outputs)

    def _source(self, variable: Any, place: dict[Any, Hashable]) -> Hashable:
        if variable in place:
            return place[variable]
        if isinstance(variable, Constant):
            return "constant", variable.type, variable.signature()
        if not isinstance(variable, SharedVariable):
            return "unknown", variable  # equal to nothing but itself
        if isinstance(variable.type, RandomType):
            return "chance"
        number = self.numbers.setdefault(variable, len(self.numbers))
        return "number", number, variable.type, variable.get_value(borrow=True).shape

    def _operation(self, op: Any) -> Hashable:
        """What tells an operation from others; one with a graph inside is told by that graph."""
        if not isinstance(op, OpFromGraph):
            return cast(Hashable, op)
        kind = type(op)
        properties = tuple((name, getattr(op, name)) for name in getattr(kind, "__props__", ()))
        return _kind(kind), properties, self.read(op.inner_outputs, op.inner_inputs)


def _kind(kind: type) -> Hashable:
    """A class of operations; of those that PyMC makes anew for every CustomDist, what it was made of."""
    if not issubclass(kind, CustomSymbolicDistRV):
        return kind
    made_of = {**_held(_logprob.dispatch(kind)), **_held(_change_dist_size.dispatch(kind))}
    return CustomSymbolicDistRV, tuple(_likeness(made_of.get(word)) for word in ("logp", "dist"))


def _held(function: Any) -> dict[str, Any]:
    """What a function holds on to from where it was made, by name."""
    cells = [cell.cell_contents for cell in function.__closure__ or ()]
    return dict(zip(function.__code__.co_freevars, cells, strict=True))


def _likeness(thing: Any, depth: int = 4) -> Hashable:
    """What tells a function or a transform from others: its code, and what it holds on to, to a depth.

    Whatever cannot be looked into is equal to nothing but itself.
    """
    if depth and isinstance(thing, FunctionType):
        held = (*_held(thing).values(), *(thing.__defaults__ or ()), *(thing.__kwdefaults__ or {}).items())
        return thing.__code__, id(thing.__globals__), tuple(_likeness(each, depth - 1) for each in held)
    if depth and isinstance(thing, Transform):
        return type(thing), tuple((k, _likeness(v, depth - 1)) for k, v in sorted(vars(thing).items()))
    if isinstance(thing, Constant):
        return thing.type, thing.signature()
    if depth and isinstance(thing, list):  # as it is now
        return tuple(_likeness(each, depth - 1) for each in thing)
    return thing if isinstance(thing, Hashable) else object()
