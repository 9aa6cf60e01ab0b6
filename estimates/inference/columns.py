"""Some columns of a batch without computing the others.

A flow is asked for many days at once, and what is fitted wants a few of them. A slice of the result of an
operation is the operation on slices, so it can be handed on to where the columns come from.
"""

from typing import Any

import numpy as np
import pytensor.tensor as pt
from numpy.typing import NDArray
from pytensor.graph.basic import Constant
from pytensor.tensor.blockwise import Blockwise
from pytensor.tensor.elemwise import DimShuffle, Elemwise
from pytensor.tensor.shape import SpecifyShape
from pytensor.tensor.subtensor import AdvancedIncSubtensor, Subtensor

type Ends = tuple[int, int]


class Columns:
    """Slices handed on to where the columns come from; what many want of one variable is made once."""

    def __init__(self) -> None:
        self._taken: dict[tuple[Any, Ends], Any] = {}

    def before(self, node: Any) -> Any:
        """The columns that `node` takes, taken before what is done to them; None where they cannot be."""
        ends = _ends(node)
        source = node.inputs[0].owner if ends else None
        if ends is None or source is None or len(source.outputs) != 1:
            return None
        if isinstance(source.op, Elemwise):
            return source.op.make_node(*[self._of(one, ends) for one in source.inputs]).outputs[0]
        if isinstance(source.op, SpecifyShape):
            return self._of(source.inputs[0], ends)
        if isinstance(source.op, DimShuffle):
            kept = tuple(axis for axis in source.op.new_order if axis != "x")
            if source.op.drop or kept != tuple(range(len(kept))) or source.op.new_order[-1:] == ("x",):
                return None
            return source.op.make_node(self._of(source.inputs[0], ends)).outputs[0]
        if isinstance(source.op, Blockwise) and isinstance(source.op.core_op, AdvancedIncSubtensor):
            return self._of_some_set(source, ends)
        return None

    def _of(self, variable: Any, ends: Ends) -> Any:
        """These columns; of what is the same in all columns, itself."""
        if variable.type.broadcastable[-1]:
            return variable
        if (variable, ends) not in self._taken:
            self._taken[variable, ends] = variable[..., ends[0] : ends[1]]
        return self._taken[variable, ends]

    def _of_some_set(self, source: Any, ends: Ends) -> Any:
        """Of columns some of which were set, or added to."""
        whole, new, *places = source.inputs
        index = known_array(places[0]) if source.op.core_op.idx_list == (0,) else None
        if index is None or index.ndim != 1 or index.dtype == bool or np.any(index < 0):
            return None
        inside = (index >= ends[0]) & (index < ends[1])
        if not inside.any() or whole.type.broadcastable[-1]:
            return None
        each = source.op.inputs_sig[1] and not new.type.broadcastable[-1]
        if each and not inside.all():
            new = new[..., np.flatnonzero(inside)]
        lead = (None,) * (source.outputs[0].type.ndim - 1)
        moved = pt.constant(index[inside] - ends[0])[lead]
        return source.op.make_node(self._of(whole, ends), new, moved).outputs[0]


def _ends(node: Any) -> Ends | None:
    """Which columns an operation takes, if it takes all rows of some adjacent ones."""
    if not isinstance(node.op, Subtensor):
        return None
    *rows, columns = node.op.idx_list
    if len(rows) + 1 != node.inputs[0].type.ndim or any(rows_of != slice(None) for rows_of in rows):
        return None
    if not isinstance(columns, slice) or columns.step is not None or columns.stop is None:
        return None
    found = [known_array(one) for one in node.inputs[1:]]
    if any(one is None for one in found):
        return None
    numbers = [int(one) for one in found if one is not None]
    first, last = numbers if columns.start is not None else (0, *numbers)
    return (first, last) if 0 <= first <= last else None


def known_array(variable: Any) -> NDArray[Any] | None:
    """A constant, however wrapped it is."""
    while variable.owner is not None and len(variable.owner.inputs) == 1:
        if not isinstance(
            variable.owner.op, DimShuffle | pt.basic.ScalarFromTensor | pt.basic.TensorFromScalar
        ):
            return None
        variable = variable.owner.inputs[0]
    return np.asarray(variable.data) if isinstance(variable, Constant) else None
