"""PyMC's own log density of the fitted unknowns, compiled for many points at once.

Only what an observed variable or a potential depends on is *fitted*; everything else is drawn from
its prior afterwards (`estimates.inference.forward`). The graph tells which is which.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
from numpy.typing import NDArray
from pytensor.graph.replace import vectorize_graph
from pytensor.graph.rewriting.basic import node_rewriter, out2in
from pytensor.graph.rewriting.utils import rewrite_graph
from pytensor.graph.traversal import ancestors
from pytensor.scalar.math import Softplus
from pytensor.tensor.elemwise import Elemwise

from estimates.errors import EngineError

type Points = NDArray[np.float64]

# A few unknowns and thousands of points: PyTensor's plain VM over NumPy starts in a fraction of a
# second and keeps up with compiled code. The checks of parameters are left out because one bad row
# would turn the whole batch into minus infinity.
FAST_START = pytensor.compile.mode.get_mode("FAST_COMPILE").including("local_remove_check_parameter")


def fitted_unknowns(model: pm.Model) -> list[Any]:
    """The free random variables that something observed depends on, in the order of the model."""
    above = set(ancestors([*model.observed_RVs, *model.potentials]))
    return [variable for variable in model.free_RVs if variable in above]


@dataclass(frozen=True)
class Density:
    """The log density of a model's fitted unknowns on their unconstrained space.

    Attributes
    ----------
    names : tuple of str
        The fitted unknowns.
    shapes : tuple of tuple of int
        Their shapes on the unconstrained space.
    evaluate : callable
        Points (n, dimension) -> log prior (n,) with the Jacobian, log likelihood (n,).
    constrain : callable
        Points (n, dimension) -> one array (n, \\*shape) per unknown, in the user's own space.
    """

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    evaluate: Any
    constrain: Any

    @property
    def dimension(self) -> int:
        """The number of unconstrained coordinates."""
        return sum(int(np.prod(shape)) for shape in self.shapes)

    def flatten(self, values: list[Points]) -> Points:
        """Unconstrained values of each unknown (n, \\*shape) as points (n, dimension)."""
        return np.concatenate([value.reshape(len(value), -1) for value in values], axis=1)


def compile_density(model: pm.Model) -> Density:
    """Compile the density of `model` for batches of points.

    Raises
    ------
    EngineError
        For discrete unknowns, or a shape that is not known beforehand.
    """
    unknowns = fitted_unknowns(model)
    values = [model.rvs_to_values[unknown] for unknown in unknowns]
    for unknown in unknowns:
        if unknown.dtype.startswith(("int", "bool", "uint")):
            raise EngineError(f"{unknown.name} is discrete", remedy="The importance engine takes continuous unknowns.")
    shapes = _static_shapes(model, unknowns, values)
    terms = model.logp(vars=[*unknowns, *model.observed_RVs, *model.potentials], sum=False)
    log_prior, log_likelihood = _total(terms[: len(unknowns)]), _total(terms[len(unknowns) :])
    constrained = model.replace_rvs_by_values(unknowns) if unknowns else []
    points = pt.matrix("points", shape=(None, sum(int(np.prod(shape)) for shape in shapes)))
    slices = _slices(points, values, shapes)
    rewritten = [rewrite_graph(part, include=(), custom_rewrite=_AS_UFUNCS) for part in (log_prior, log_likelihood)]
    densities = [pt.broadcast_to(part, (points.shape[0],)) for part in vectorize_graph(rewritten, slices)]
    spaces = vectorize_graph(constrained, slices) if constrained else []
    return Density(
        names=tuple(unknown.name for unknown in unknowns),
        shapes=shapes,
        evaluate=pytensor.function([points], densities, mode=FAST_START, trust_input=True, on_unused_input="ignore"),
        constrain=pytensor.function([points], spaces, mode=FAST_START, trust_input=True, on_unused_input="ignore"),
    )


def _total(terms: list[Any]) -> Any:
    return sum((pt.sum(term) for term in terms), start=pt.constant(np.float64(0.0)))


def _static_shapes(model: pm.Model, unknowns: list[Any], values: list[Any]) -> tuple[tuple[int, ...], ...]:
    shapes = [value.type.shape for value in values]
    if any(None in shape for shape in shapes):
        start = model.initial_point(random_seed=0)
        shapes = [np.shape(start[value.name]) for value in values]
    return tuple(tuple(int(length) for length in shape) for shape in shapes)


def _slices(points: Any, values: list[Any], shapes: tuple[tuple[int, ...], ...]) -> dict[Any, Any]:
    slices, at = {}, 0
    for value, shape in zip(values, shapes, strict=True):
        length = int(np.prod(shape))
        part = points[:, at : at + length].reshape((-1, *shape))
        slices[value] = part.astype(value.dtype)
        at += length
    return slices


@node_rewriter([Elemwise])
def _softplus_by_ufuncs(fgraph: Any, node: Any) -> list[Any] | None:
    """Softplus has no NumPy ufunc; PyMC's interval transform uses it, and it would loop in Python."""
    if not isinstance(node.op.scalar_op, Softplus):
        return None
    (x,) = node.inputs
    return [pt.maximum(x, 0.0) + pt.log1p(pt.exp(-pt.abs(x)))]


_AS_UFUNCS = out2in(_softplus_by_ufuncs)
