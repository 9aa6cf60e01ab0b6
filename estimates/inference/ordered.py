"""Vectors that a transform keeps in order, as the means of a mixture, which tell what is alike apart.

PyMC gives such a vector the density of one without an order, and draws it without. Where its values are
exchangeable, draws that are put in order are draws of the prior that is meant, whose density is as many times
higher as there are orders, n!. Where the rest of the model treats the values alike, the evidence is then that
of the same model without an order.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pymc.distributions.transforms import LogExpM1, Ordered
from pymc.logprob.transforms import (
    ChainedTransform,
    IntervalTransform,
    LogOddsTransform,
    LogTransform,
    Transform,
)
from pytensor.graph.basic import Constant
from pytensor.tensor.random.op import RandomVariable


def in_order(model: pm.Model, variable: Any, drawn: Any) -> Any:
    """Draws (..., n) of a variable as its prior has them: put in order, where it is an ordered vector."""
    order = _order_of(model, variable)
    if order is None:
        return drawn
    found = pt.sort(drawn, axis=-1)
    return found if order.ascending else found[..., ::-1]


def log_orders(model: pm.Model, unknowns: Sequence[Any], shapes: Sequence[tuple[int, ...]]) -> float:
    """The log of how many orders the unknowns, of these shapes, could have: what PyMC's density lacks."""
    return sum(
        math.prod(shape[:-1]) * math.lgamma(shape[-1] + 1)
        for unknown, shape in zip(unknowns, shapes, strict=True)
        if _order_of(model, unknown)
    )


def orders_of(model: pm.Model) -> frozenset[tuple[str, bool]]:
    """The unknowns of a model that are kept in order, and whether it is ascending."""
    orders = ((variable.name, _order_of(model, variable)) for variable in model.free_RVs)
    return frozenset((name, order.ascending) for name, order in orders if order)


def _order_of(model: pm.Model, variable: Any) -> Ordered | None:
    """What keeps a variable in order, if its values are independent and have the same prior."""
    transform, node = model.rvs_to_transforms.get(variable), variable.owner
    if isinstance(transform, ChainedTransform):
        *before, transform = transform.transform_list
        if not all(_is_increasing(one, node) for one in before):
            return None
    if not isinstance(transform, Ordered) or not isinstance(node.op, RandomVariable) or node.op.ndim_supp > 0:
        return None
    return transform if all(map(_is_one_for_all, node.op.dist_params(node))) else None


def _is_increasing(transform: Transform, node: Any) -> bool:
    """Whether a transform keeps an order as it is; one of an interval that is open below turns it round."""
    if isinstance(transform, IntervalTransform):
        _, _, is_bounded_below, _ = transform.get_a_and_b(node.inputs)
        return bool(is_bounded_below)
    return isinstance(transform, LogTransform | LogOddsTransform | LogExpM1)


def _is_one_for_all(parameter: Any) -> bool:
    """Whether a parameter is the same along the last axis."""
    if parameter.type.ndim == 0 or parameter.type.broadcastable[-1]:
        return True
    return isinstance(parameter, Constant) and bool(np.all(parameter.data == parameter.data[..., :1]))
