"""A PyTensor graph over NumPy, run as a straight line of calls.

On a few thousand points, PyTensor's plain virtual machine spends more time between the operations of a
graph than NumPy spends in them, and rewriting a graph for it takes longer than a fit. Here the operations
are listed once (`estimates.inference.line`), each as the NumPy call it stands for
(`estimates.inference.calls`), and then called one after the other.
"""

from collections.abc import Sequence
from copy import copy
from typing import Any

import numpy as np

from estimates.inference.line import listed
from estimates.inference.reuse import Step, planned

type Values = list[Any]

# The C library of Linux gives large arrays back to the kernel, and each page of the next costs a fault, until
# it has seen an array of that size freed; then it keeps twice as much. From larger ones it does not learn.
_ = np.empty(2**22 - 2**10)
del _


def lots_of(count: int, size: int) -> list[slice]:
    """So many points in lots of a size; one lot of none."""
    return [slice(first, min(first + size, count)) for first in range(0, max(count, 1), size)]


class Straight:
    """The same outputs as a function that PyTensor compiled, for the same inputs.

    Parameters
    ----------
    inputs, outputs : sequence of variables
        Shared variables among the ancestors of the outputs are read at every call. What hangs on them alone
        is computed when one was set anew, not when an array in one was changed in place.

    Attributes
    ----------
    is_free : bool
        Whether several threads may call it at once. A call has its values to itself, but some operations,
        those that loop in Python among them, keep theirs from one call to the next.

    Notes
    -----
    Checks of parameters are left out. Chance leaves the generators as they were: each call draws the same.
    """

    def __init__(self, inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        line, found = listed(inputs, outputs)
        self.is_free = line.is_free
        self._values = line.values
        self._count = len(inputs)
        self._read = tuple((place, variable.container.storage) for variable, place in line.shared.items())
        self._outputs = found
        moving = {*range(self._count), *line.chance}
        self._fixed: list[Step] = []
        self._steps: list[Step] = []
        for step in line.steps:
            moves = not moving.isdisjoint((*step.sources, *step.targets))
            (self._steps if moves else self._fixed).append(step)
            moving.update(step.targets if moves else ())
        self._plan = planned(self._steps, found)
        self._settled: tuple[Values, Values] | None = None
        self._numbers: int | None = None

    def only(self, outputs: slice) -> "Straight":
        """The same line as far as it leads to some of the outputs."""
        part = copy(self)
        part._outputs = self._outputs[outputs]
        wanted, part._steps = set(part._outputs), []
        for step in reversed(self._steps):
            if not wanted.isdisjoint(step.targets):
                wanted.update(step.sources)
                part._steps.insert(0, step)
        part._plan, part._numbers = planned(part._steps, part._outputs), None
        return part

    def __call__(self, *inputs: Any) -> list[Any]:
        """The outputs, as the compiled function would give them."""
        with np.errstate(all="ignore"):
            values = self._begun(inputs)
            for call, sources, targets, spent in self._plan.acts:
                result = call(*[values[source] for source in sources])
                _put(result, targets, values)
                for place in spent:
                    values[place] = None
        outputs = [np.asarray(values[place]) for place in self._outputs]
        # What was put in must not be changed by whoever changes what came out.
        return [
            output.copy() if place in self._plan.borrowed or not output.flags.writeable else output
            for place, output in zip(self._outputs, outputs, strict=True)
        ]

    def numbers_a_point(self, *inputs: Any) -> int:
        """How many numbers an array has on the way, of inputs with one point; remembered from the first.

        The mean over all arrays, each weighted by its own size, so that the largest count most.
        """
        if self._numbers is None:
            sizes: list[int] = []
            with np.errstate(all="ignore"):
                values = self._begun(inputs)
                for step in self._steps:
                    _take(step, values)
                    sizes += [np.size(values[target]) for target in step.targets]
            self._numbers = sum(size * size for size in sizes) // max(sum(sizes), 1)
        return self._numbers

    def _begun(self, inputs: tuple[Any, ...]) -> Values:
        """What is known before the first step."""
        values = self._with_numbers().copy()
        values[: self._count] = inputs
        return values

    def _with_numbers(self) -> Values:
        """All that hangs on no input: constants, shared variables, and what follows from them."""
        numbers = [storage[0] for _, storage in self._read]
        settled = self._settled
        if settled and all(old is new for old, new in zip(settled[0], numbers, strict=True)):
            return settled[1]
        values = self._values.copy()
        for (place, _), number in zip(self._read, numbers, strict=True):
            values[place] = number
        for step in self._fixed:
            _take(step, values)
        self._settled = numbers, values
        return values


def _take(step: Step, values: Values) -> None:
    _put(step.call.make(*[values[source] for source in step.sources]), step.targets, values)


def _put(result: Any, targets: Sequence[int], values: Values) -> None:
    if len(targets) == 1:
        values[targets[0]] = result
    else:
        for target, part in zip(targets, result, strict=True):
            values[target] = part
