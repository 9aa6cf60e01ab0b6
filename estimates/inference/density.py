"""PyMC's own log density of the fitted unknowns, compiled for many points at once.

Only what an observed variable or a potential depends on is *fitted*; everything else is drawn from
its prior afterwards (`estimates.inference.forward`). The graph tells which is which.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from numpy.typing import NDArray
from pytensor.compile.sharedvalue import SharedVariable
from pytensor.graph.basic import Constant
from pytensor.graph.replace import vectorize_graph
from pytensor.graph.traversal import ancestors

from estimates.errors import EngineError
from estimates.inference.conditional import log_terms
from estimates.inference.ordered import log_orders
from estimates.inference.straight import Straight, lots_of
from estimates.terms.likelihood import by_numpy, summed
from estimates.workers import in_threads

type Points = NDArray[np.float64]

_NUMBERS_AT_ONCE = 2**19
"""How many numbers an array may have, over all the points that are computed at once."""

_WORTH_TWO = 0.5
"""Of as many: what is more is shared out to two threads."""


def fitted_unknowns(model: pm.Model) -> list[Any]:
    """The free random variables that something observed depends on, in the order of the model."""
    above = set(ancestors([*model.observed_RVs, *model.potentials]))
    return [variable for variable in model.free_RVs if variable in above]


def observed_values(model: pm.Model, variable: Any) -> NDArray[Any]:
    """What an observed variable was observed to be."""
    value = model.rvs_to_values[variable]
    if isinstance(value, SharedVariable):
        return np.asarray(value.get_value())
    return np.asarray(value.data if isinstance(value, Constant) else value.eval())


def side_by_side(draws: dict[str, Points]) -> Points:
    """All values (n, m) of draws (n, ...) of some unknowns."""
    return np.concatenate([value.reshape(len(value), -1) for value in draws.values()], axis=1)


@dataclass(frozen=True)
class Density:
    """The log density of a model's fitted unknowns on their unconstrained space.

    Attributes
    ----------
    names : tuple of str
        The fitted unknowns.
    shapes : tuple of tuple of int
        Their shapes on the unconstrained space.
    observed : tuple of str
        The observed variables and potentials, in the order of `pointwise`.
    width : int
        How many observed values a point is held against, at least 1.
    """

    names: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    observed: tuple[str, ...]
    width: int
    _log_terms: Any
    _to_constrain: Callable[[], Any]
    _unconstrain: Any

    @cached_property
    def _constrain(self) -> Any:
        """Compiled when it is first asked for: the evidence alone does without."""
        return self._to_constrain()

    @property
    def dimension(self) -> int:
        """The number of unconstrained coordinates."""
        return sum(int(np.prod(shape)) for shape in self.shapes)

    def evaluate(self, points: Points) -> tuple[Points, Points]:
        """The log prior with its Jacobian (n,) and the log likelihood (n,) at points (n, dimension)."""
        if not len(points):
            return np.empty(0), np.empty(0)
        points = np.asfortranarray(points)  # each coordinate by itself, so that loops over points are long
        lots = self._lots(points)
        if len(lots) == 1:
            log_prior, log_likelihood = self._both(points)
            return log_prior, log_likelihood
        # The prior, of which there is one number a point, takes fewer and longer steps for all at once.
        log_likelihood = self._of_lots(lambda lot: self._log_likelihood(lot)[0], lots)
        return self.log_prior(points), np.concatenate(log_likelihood)

    def log_prior(self, points: Points) -> Points:
        """The log prior with its Jacobian (n,) alone."""
        found: Points = self._log_prior(points)[0]
        return found

    def _of_lots[Answer](self, work: Callable[[Points], Answer], lots: list[Points]) -> list[Answer]:
        """The answers to all lots, in threads where the operations allow it."""
        return in_threads(work, lots) if self._log_terms.is_free else [work(lot) for lot in lots]

    @cached_property
    def _both(self) -> Any:
        return self._log_terms.only(slice(0, 2))

    @cached_property
    def _log_prior(self) -> Any:
        return self._log_terms.only(slice(0, 1))

    @cached_property
    def _log_likelihood(self) -> Any:
        return self._log_terms.only(slice(1, 2))

    @cached_property
    def _pointwise(self) -> Any:
        return self._log_terms.only(slice(2, None))

    def _lots(self, points: Points) -> list[Points]:
        """The points, few enough at a time for what is computed of them to stay in the cache."""
        # Of covariances it is a matrix for each point.
        each = max(self.width, self._both.numbers_a_point(points[:1])) if len(points) else self.width
        whole = len(points) * each / _NUMBERS_AT_ONCE
        # Two threads, or four, are done at the same time.
        count = 2 * math.ceil(whole / 2) if whole > _WORTH_TWO else 1
        return [points[lot] for lot in lots_of(len(points), math.ceil(len(points) / count) or 1)]

    def pointwise(self, points: Points) -> dict[str, Points]:
        """The log likelihood of every observed value (n, ...), by observed variable."""
        lots = self._of_lots(self._pointwise, self._lots(points))
        return dict(zip(self.observed, map(np.concatenate, zip(*lots, strict=True)), strict=True))

    def constrain(self, points: Points) -> dict[str, Points]:
        """The fitted unknowns in the user's own space (n, ...)."""
        return dict(zip(self.names, self._constrain(points), strict=True))

    def values(self, points: Points) -> Points:
        """All values (n, m) of the fitted unknowns in the user's own space, side by side."""
        return side_by_side(self.constrain(points))

    def unconstrain(self, draws: dict[str, Points]) -> Points:
        """The points (n, dimension) of draws in the user's own space."""
        moved = self._unconstrain(*[np.asarray(draws[name], dtype=float) for name in self.names])
        return side_by_side(dict(zip(self.names, moved, strict=True)))


def compile_density(model: pm.Model) -> Density:
    """Compile the density of `model` for batches of points.

    Raises
    ------
    EngineError
        For discrete unknowns.
    """
    unknowns = fitted_unknowns(model)
    if not unknowns:
        raise EngineError("nothing observed depends on an unknown", remedy="Draw from the prior instead.")
    values = [model.rvs_to_values[unknown] for unknown in unknowns]
    for unknown in unknowns:
        if unknown.dtype.startswith(("int", "bool", "uint")):
            raise EngineError(
                f"{unknown.name} is discrete", remedy="The importance engine takes continuous unknowns only."
            )
    shapes = _static_shapes(model, unknowns, values)
    observed = [*model.observed_RVs, *model.potentials]
    points = pt.matrix("points", shape=(None, sum(int(np.prod(shape)) for shape in shapes)))
    slices = _slices(points, values, shapes)
    with by_numpy():
        terms, batched = log_terms(model, [*unknowns, *observed], slices)
    log_prior = reduce(pt.add, map(summed, batched[: len(unknowns)]))
    if orders := log_orders(model, unknowns, shapes):
        log_prior += np.float64(orders)  # a bare number would become float32
    pointwise = [
        pt.broadcast_to(after, (points.shape[0], *tuple(after.shape))) if after.ndim == before.ndim else after
        for before, after in zip(terms[len(unknowns) :], batched[len(unknowns) :], strict=True)
    ]
    return Density(
        names=tuple(unknown.name for unknown in unknowns),
        shapes=shapes,
        observed=tuple(variable.name for variable in observed),
        width=max(1, sum(observed_values(model, v).size for v in model.observed_RVs) + len(model.potentials)),
        _log_terms=Straight([points], [log_prior, reduce(pt.add, map(summed, pointwise)), *pointwise]),
        _to_constrain=lambda: Straight(
            [points], vectorize_graph(model.replace_rvs_by_values(unknowns), slices)
        ),
        _unconstrain=_compile_unconstrain(model, unknowns),
    )


def _compile_unconstrain(model: pm.Model, unknowns: list[Any]) -> Any:
    inputs = [pt.tensor(shape=(None, *v.type.shape), dtype=v.dtype) for v in unknowns]
    batched = dict(zip(unknowns, inputs, strict=True))
    return Straight(inputs, [_unconstrained(model, variable, batched) for variable in unknowns])


def _unconstrained(model: pm.Model, variable: Any, batched: dict[Any, Any]) -> Any:
    transform = model.rvs_to_transforms[variable]
    if transform is None:
        return batched[variable]
    # The parameters of the transform (bounds, say) may hang on other unknowns of the same draw.
    placeholder = variable.type(name=variable.name)
    moved = transform.forward(placeholder, *variable.owner.inputs)
    others = {v: b for v, b in batched.items() if v is not variable}
    return vectorize_graph(moved, {placeholder: batched[variable], **others})


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
