"""Drawing what is not fitted: priors, forward unknowns, quantities and predicted reports, in batches."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from numpy.typing import NDArray
from pymc.distributions.custom import CustomSymbolicDistRV
from pymc.distributions.shape_utils import change_dist_size
from pymc.pytensorf import collect_default_updates, reseed_rngs
from pytensor.compile.ops import ViewOp
from pytensor.compile.rewriting import inline_ofg_node
from pytensor.graph.replace import vectorize_graph
from pytensor.graph.traversal import walk_toposort

from estimates.inference.density import FAST_START, Density, fitted_unknowns

type Draws = dict[str, NDArray[Any]]


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
    _function: Any
    _generators: tuple[Any, ...]

    def run(self, given: Draws, count: int, rng: np.random.Generator) -> Draws:
        """Everything that follows from `count` draws (count, \\*shape) of the inputs."""
        reseed_rngs(self._generators, rng.integers(2**31))
        values = self._function(count, *[given[name] for name in self.inputs])
        return dict(zip(self.names, values, strict=True))


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
        drawn[variable] = _per_draw(variable, drawn, count)
    outputs = [drawn[v] if v in drawn else _per_draw(v, drawn, count) for v in map(_unwrapped, wanted)]
    updates = collect_default_updates(inputs=[count, *inputs], outputs=outputs)
    mode = FAST_START.including("random_make_inplace")
    function = pytensor.function([count, *inputs], outputs, mode=mode, updates=updates, on_unused_input="ignore")
    names = tuple(variable.name for variable in wanted)
    return Forward(names, tuple(v.name for v in given), function, tuple(updates))


def _parents_first(model: pm.Model, wanted: list[Any], given: list[Any]) -> list[Any]:
    """The random variables that `wanted` depends on and that have to be drawn, parents first."""
    random = set(model.basic_RVs) - set(given)
    stop = set(given)
    order = walk_toposort(wanted, lambda v: v.owner.inputs if v.owner and v not in stop else [])
    return [variable for variable in order if variable in random]


def _per_draw(variable: Any, drawn: dict[Any, Any], count: Any) -> Any:
    """The variable with a leading axis of draws."""
    variable = _inlined(variable)
    batched = vectorize_graph(variable, drawn) if drawn else variable
    if batched.ndim > variable.ndim:
        return batched
    try:
        return change_dist_size(batched, (count,), expand=True)
    except (NotImplementedError, TypeError):  # not a distribution: a value that is the same for all
        return pt.broadcast_to(batched, (count, *tuple(batched.shape)))


def _inlined(variable: Any) -> Any:
    """A CustomDist as the graph that draws it: PyTensor cannot vectorise the closed node."""
    if variable.owner is None or not isinstance(variable.owner.op, CustomSymbolicDistRV):
        return variable
    return inline_ofg_node(variable.owner)[variable.owner.outputs.index(variable)]


def _unwrapped(variable: Any) -> Any:
    """A Deterministic without its ViewOp, which would become a loop over draws in Python."""
    is_view = variable.owner is not None and isinstance(variable.owner.op, ViewOp)
    return variable.owner.inputs[0] if is_view else variable


def compile_prior(model: pm.Model, density: Density) -> Any:
    """Draws from the prior of the fitted unknowns, as unconstrained points.

    Returns
    -------
    callable
        (count, generator) -> points (count, dimension).
    """
    unknowns = fitted_unknowns(model)
    names = [v.name for v in unknowns]
    forward = compile_forward(model, [], unknowns)
    values = [pt.tensor(shape=(None, *v.type.shape), dtype=v.dtype) for v in unknowns]
    batched = dict(zip(unknowns, values, strict=True))
    moved = [_unconstrained(model, variable, batched) for variable in unknowns]
    transform = pytensor.function(values, moved, mode=FAST_START, on_unused_input="ignore")

    def draw(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        draws = forward.run({}, count, rng)
        return density.flatten(transform(*[draws[name] for name in names]))

    return draw


def _unconstrained(model: pm.Model, variable: Any, batched: dict[Any, Any]) -> Any:
    transform = model.rvs_to_transforms[variable]
    if transform is None:
        return batched[variable]
    # The parameters of the transform (bounds, say) may hang on other unknowns of the same draw.
    placeholder = variable.type(name=variable.name)
    moved = transform.forward(placeholder, *variable.owner.inputs)
    others = {v: b for v, b in batched.items() if v is not variable}
    return vectorize_graph(moved, {placeholder: batched[variable], **others})
