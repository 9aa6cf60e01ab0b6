"""Memory that the steps of a straight line may use again.

An operation that writes over an array which nobody wants any more leaves one array in the cache, where one
that makes a new array leaves two. Which may be written over is known before anything is computed: from what
is wanted after each step, and from what may lie in the same memory.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

from estimates.inference.calls import Call, Work

type Places = tuple[int, ...]


class Step(NamedTuple):
    """One operation of a line, with the places of its arguments and results among the values.

    Attributes
    ----------
    over : tuple of int
        Those arguments that have the shape and the type of the result.
    """

    call: Call
    sources: Places
    targets: Places
    over: Places = ()


class Act(NamedTuple):
    """What is done for a step, and the places that nobody wants after it."""

    work: Work
    sources: Places
    targets: Places
    spent: Places


class Plan(NamedTuple):
    """What is done for all steps, and those outputs that may lie in memory which no step made."""

    acts: list[Act]
    borrowed: frozenset[int]


def planned(steps: Sequence[Step], outputs: Collection[int]) -> Plan:
    """The steps, each written over one of its arguments where nothing else wants that any more.

    What no step made is left as it is, and so are the outputs.
    """
    last = _last_uses(steps, outputs)
    made = {place for step in steps for place in step.targets}
    own: dict[int, frozenset[int]] = {}  # each place in memory that a step made: all that may lie there
    acts: list[Act] = []
    for number, (call, sources, targets, over) in enumerate(steps):
        into = next((place for place in over if _is_free(place, own, last, number)), None)
        if into is not None and call.into is not None:
            work, arguments, shared = call.into, (*sources, into), {into}
        else:
            work, arguments, shared = call.make, sources, _shared(call, sources)
        together = frozenset(targets).union(*(own.get(place, ()) for place in shared))
        if call.shares is not None and shared <= own.keys():
            own |= dict.fromkeys(together, together)
        else:
            for place in together:
                own.pop(place, None)
        spent = tuple({place for place in (*sources, *targets) if place in made and last[place] == number})
        acts.append(Act(work, arguments, targets, spent))
    return Plan(acts, frozenset(outputs) - own.keys())


def _last_uses(steps: Sequence[Step], outputs: Collection[int]) -> dict[int, int]:
    """The number of the last step that has to do with each place; beyond all of them for outputs."""
    last: dict[int, int] = {}
    for number, step in enumerate(steps):
        last |= dict.fromkeys((*step.sources, *step.targets), number)
    return last | dict.fromkeys(outputs, len(steps))


def _is_free(place: int, own: dict[int, frozenset[int]], last: dict[int, int], number: int) -> bool:
    """Whether nothing but this argument of the step of that number wants the memory that it lies in."""
    there = own.get(place, frozenset())
    return place in there and all(last[one] < number for one in there - {place}) and last[place] == number


def _shared(call: Call, sources: Places) -> set[int]:
    """The arguments in whose memory the result may lie."""
    return {*sources} if call.shares is None else {sources[number] for number in call.shares}
