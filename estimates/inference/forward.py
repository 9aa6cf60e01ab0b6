"""Drawing what is not fitted: priors, forward unknowns, quantities and predicted reports, in batches."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray
from pymc.distributions.distribution import SymbolicRandomVariable
from pymc.distributions.shape_utils import change_dist_size
from pymc.pytensorf import reseed_rngs
from pytensor.compile.ops import ViewOp
from pytensor.compile.rewriting import inline_ofg_node
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.replace import graph_replace, vectorize_graph
from pytensor.graph.traversal import ancestors, walk_toposort
from pytensor.tensor import get_vector_length
from pytensor.tensor.random.op import RandomVariable
from pytensor.tensor.random.type import RandomType
from pytensor.tensor.type_other import NoneTypeT

from estimates.inference.ordered import in_order
from estimates.inference.straight import Straight, lots_of

type Draws = dict[str, NDArray[Any]]

_AT_ONCE = 2048
"""Draws at a time: what is made on the way is not much larger than the cache. The same for all models, since
each lot has a chance of its own, and what is drawn of one thing must not hang on what else is asked."""


@dataclass(frozen=True)
class Forward:
    """A model run forwards, for many draws of some of its unknowns at once.

    Attributes
    ----------
    names : tuple of str
        What `run` gives.
    inputs : tuple of str
        The unknowns it is run from.
    """

    names: tuple[str, ...]
    inputs: tuple[str, ...]
    _dtypes: tuple[str, ...]
    _line: Straight
    _generators: tuple[Any, ...]

    def run(self, given: Draws, count: int, rng: np.random.Generator) -> Draws:
        """Everything that follows from `count` draws (count, ...) of the inputs."""
        inputs = [
            np.asarray(given[name], dtype) for name, dtype in zip(self.inputs, self._dtypes, strict=True)
        ]
        lots = [
            self._lot([values[lot] for values in inputs], lot.stop - lot.start, rng)
            for lot in lots_of(count, _AT_ONCE)
        ]
        values = lots[0] if len(lots) == 1 else map(np.concatenate, zip(*lots, strict=True))
        return dict(zip(self.names, values, strict=True))

    def but(self, names: Collection[str]) -> "Forward":
        """The same without the last of what `run` gives, which are these."""
        kept = tuple(name for name in self.names if name not in names)
        return replace(self, names=kept, _line=self._line.only(slice(0, len(kept))))

    def _lot(self, inputs: list[NDArray[Any]], count: int, rng: np.random.Generator) -> list[NDArray[Any]]:
        """The same for so many draws as stay in the cache, with a chance of their own."""
        reseed_rngs(self._generators, rng.integers(2**31))
        return self._line(np.asarray(count), *inputs)


def compile_forward(model: pm.Model, given: list[Any], wanted: list[Any]) -> Forward:
    """Compile `model` to be run forwards from draws of `given`.

    A random variable downstream of `given` is drawn once for each draw of it; one that depends on
    none of them is drawn independently for every draw. With ``given=[]`` this samples the prior.

    Parameters
    ----------
    given, wanted : list of model variables
    """
    count = pt.lscalar("count")
    inputs = [pt.tensor(shape=(None, *v.type.shape), dtype=v.dtype, name=v.name) for v in given]
    drawn = dict(zip(given, inputs, strict=True))
    for variable in _parents_first(model, wanted, given):
        drawn[variable] = in_order(model, variable, _per_draw(variable, drawn, count))
    # The rest in one go, so that what they share is vectorised, and later computed, once.
    rest = [v for v in map(_unwrapped, wanted) if v not in drawn]
    drawn.update(zip(rest, vectorize_graph(rest, drawn) if drawn and rest else rest, strict=True))
    outputs = [_with_draws(drawn[v], v, count) for v in map(_unwrapped, wanted)]
    # Every run reseeds them and draws once, so they need no updates.
    generators = [
        v for v in ancestors(outputs) if isinstance(v, SharedVariable) and isinstance(v.type, RandomType)
    ]
    return Forward(
        names=tuple(variable.name for variable in wanted),
        inputs=tuple(variable.name for variable in given),
        _dtypes=tuple(variable.dtype for variable in given),
        _line=Straight([count, *inputs], outputs),
        _generators=tuple(generators),
    )


def _parents_first(model: pm.Model, wanted: list[Any], given: list[Any]) -> list[Any]:
    """The random variables that `wanted` depends on and that have to be drawn, parents first."""
    random = set(model.basic_RVs) - set(given)
    stop = set(given)
    order = walk_toposort(wanted, lambda v: v.owner.inputs if v.owner and v not in stop else [])
    return [variable for variable in order if variable in random]


def _per_draw(variable: Any, drawn: dict[Any, Any], count: Any) -> Any:
    """A random variable with a leading axis of draws, each with a chance of its own."""
    if not set(ancestors([variable])).intersection(drawn):
        return change_dist_size(variable, (count,), expand=True)
    node = variable.owner
    if isinstance(node.op, RandomVariable):
        return _drawn_again(node, drawn, count)
    # Chance inside a CustomDist or a mixture would be drawn once for all by vectorize_graph.
    inlined = inline_ofg_node(node)[node.outputs.index(variable)]
    inside = dict(drawn)
    for inner in walk_toposort([inlined], lambda v: v.owner.inputs if v.owner and v not in drawn else []):
        if _is_random(inner) and inner not in drawn:
            inside[inner] = _per_draw(inner, inside, count)
    return vectorize_graph(inlined, inside)


def _drawn_again(node: Any, drawn: dict[Any, Any], count: Any) -> Any:
    """A node of one distribution, with the axis of draws on each parameter and on its size.

    By hand, because PyTensor looks at the first parameter only to see whether there is a new axis.
    """
    generator, size, *parameters = node.inputs
    batched = [
        after if after.ndim > before.ndim else pt.shape_padleft(after)
        for before, after in zip(parameters, vectorize_graph(parameters, drawn), strict=True)
    ]
    if not isinstance(size.type, NoneTypeT):
        of_one = graph_replace([size], {v: one[0] for v, one in drawn.items()}, strict=False)[0]
        size = pt.stack([count, *(of_one[i] for i in range(get_vector_length(size)))])
    return node.op.make_node(generator, size, *batched).outputs[1]


def _is_random(variable: Any) -> bool:
    kinds = (RandomVariable, SymbolicRandomVariable)
    is_draw = variable.owner is not None and isinstance(variable.owner.op, kinds)
    return is_draw and not isinstance(variable.type, RandomType)


def _with_draws(batched: Any, variable: Any, count: Any) -> Any:
    """The value with a leading axis of draws, also where it is the same for all."""
    if batched.ndim > variable.ndim:
        return batched
    return pt.broadcast_to(batched, (count, *tuple(batched.shape)))


def _unwrapped(variable: Any) -> Any:
    """A Deterministic without its ViewOp, which would become a loop over draws in Python."""
    is_view = variable.owner is not None and isinstance(variable.owner.op, ViewOp)
    return variable.owner.inputs[0] if is_view else variable
