"""The log density of each variable of a model given the others, as graphs for many points at once.

PyMC finds it for anything that it can derive a density of, which takes it several rewritings of the
graph. Where every variable is a distribution by itself, as it is in nearly all models, its own log density
at its own value is all there is to find.
"""

from collections.abc import Sequence
from typing import Any

import pymc as pm
from pymc.distributions.custom import CustomSymbolicDistRV
from pymc.distributions.truncated import TruncatedRV
from pymc.logprob.abstract import MeasurableOp, _logprob
from pytensor.compile.builders import OpFromGraph
from pytensor.compile.rewriting import inline_ofg_node
from pytensor.graph.replace import graph_replace, vectorize_graph
from pytensor.graph.traversal import ancestors, apply_ancestors
from pytensor.tensor.random.op import RandomVariable
from pytensor.tensor.random.type import RandomType

type Terms = list[Any]


def log_terms(model: pm.Model, variables: Sequence[Any], points: dict[Any, Any]) -> tuple[Terms, Terms]:
    """The log density of each of some variables, for one point and for many.

    Parameters
    ----------
    variables : sequence of model variables
        Free ones in the order of the model, of which each that another depends on is here; then
        observed ones, then potentials.
    points : dict
        Many values (n, ...) of each free one on the unconstrained space, by its value variable.

    Returns
    -------
    tuple of list
        Those of one point, and those of many, which have an axis of points in front where they depend
        on the point.
    """
    if are_distributions(model, variables):
        terms, known = _own_terms(model, variables, points)
    else:
        terms, known = model.logp(vars=list(variables), sum=False), points
    terms = _flat(terms, known)
    return terms, list(vectorize_graph(terms, known))


def are_distributions(model: pm.Model, variables: Sequence[Any]) -> bool:
    """Whether each of the variables is a distribution by itself, whose parameters are its inputs."""
    potentials, observed = set(model.potentials), set(model.observed_RVs)
    drawn = [variable for variable in variables if variable not in potentials]
    if observed.intersection(ancestors([v for one in drawn if one.owner for v in one.owner.inputs])):
        return False
    if potentials and observed.intersection(ancestors(list(potentials))):
        return False
    return all(_is_distribution(variable, model.rvs_to_transforms[variable]) for variable in drawn)


def _is_distribution(variable: Any, transform: Any) -> bool:
    node = variable.owner
    if node is None or not isinstance(node.op, MeasurableOp):
        return False
    if not isinstance(node.op, RandomVariable | TruncatedRV | CustomSymbolicDistRV):
        return False
    if getattr(node.op, "inline_logprob", False):  # found from how it is drawn
        return False
    if sum(not isinstance(output.type, RandomType) for output in node.outputs) != 1:
        return False
    return transform is None or (node.op.ndim_supp == 0 and transform.ndim_supp == 0)


def _own_terms(
    model: pm.Model, variables: Sequence[Any], points: dict[Any, Any]
) -> tuple[Terms, dict[Any, Any]]:
    """The log densities in terms of the variables themselves, and what these are at many points."""
    potentials, known, terms = set(model.potentials), dict(points), []
    for variable in variables:
        if variable in potentials:
            terms.append(variable)
            continue
        value, transform = model.rvs_to_values[variable], model.rvs_to_transforms[variable]
        node = variable.owner
        if value not in points:
            terms.append(_log_density(node, value))
            continue
        # A name for the value in the user's own space: what hangs on the variable asks for it as well.
        own = variable.type()
        term, moved = _log_density(node, own), value
        if transform is not None:
            term = term + transform.log_jac_det(value, *node.inputs)
            moved = transform.backward(value, *node.inputs)
        known[variable] = known[own] = vectorize_graph(moved, known) if moved is not value else known[value]
        terms.append(term)
    return terms, known


def _log_density(node: Any, value: Any) -> Any:
    found = _logprob(node.op, [value], *node.inputs)
    return found[0] if isinstance(found, list | tuple) else found


def _flat(terms: Terms, known: dict[Any, Any]) -> Terms:
    """Terms without operations that have a graph inside: vectorised as one, they would loop in Python."""
    while inside := [
        node for node in apply_ancestors(terms, blockers=known) if isinstance(node.op, OpFromGraph)
    ]:
        node = inside[0]
        instead = dict(zip(node.outputs, inline_ofg_node(node), strict=True))
        terms = list(graph_replace(terms, instead, strict=False))
    return terms
