"""Memory that is used again changes nothing but the memory that is used."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from estimates.inference.calls import Call
from estimates.inference.reuse import Step, planned

SUM = Call(np.add, np.add, shares=())
DOUBLE = Call(lambda x: 2.0 * x, lambda x, out: np.multiply(2.0, x, out), shares=())
NEW = Call(lambda x: x + 1.0, shares=())
TURNED = Call(lambda x: x[::-1], shares=(0,))
HANDED_ON = Call(lambda x: x)
FIRST = Call(lambda one, other: one[::-1], shares=(0,))
SPREAD = Call(lambda x: np.broadcast_to(x[:1], x.shape))
"""Of one element many times: what is written over it is none of them."""

OF_ONE, OF_TWO = (DOUBLE, NEW, TURNED, HANDED_ON, SPREAD), (SUM, FIRST)
INPUTS = 2


@st.composite
def lines(draw):
    """Steps from two inputs, each from any places there are, and some of the places as outputs."""
    steps = []
    for target in range(INPUTS, INPUTS + draw(st.integers(1, 12))):
        call = draw(st.sampled_from(OF_ONE + OF_TWO))
        # Mostly what came last, so that there are long chains.
        some = st.integers(0, target - 1) | st.integers(max(target - 2, 0), target - 1)
        sources = tuple(draw(some) for _ in range(2 if call in OF_TWO else 1))
        steps.append(Step(call, sources, (target,), sources if call.into else ()))
    outputs = draw(st.lists(st.integers(0, INPUTS + len(steps) - 1), min_size=1, max_size=3))
    return steps, outputs


def inputs():
    return [np.array([1.0, 2.0, 4.0]), np.array([0.5, 8.0, -3.0])]


def taken(steps):
    """All values when each step makes its own."""
    values = inputs()
    for step in steps:
        values.append(np.array(step.call.make(*[values[source] for source in step.sources])))
    return values


def done(plan, given_values):
    values = [*given_values, *[None] * len(plan.acts)]
    for work, sources, targets, spent in plan.acts:
        values[targets[0]] = work(*[values[source] for source in sources])
        for place in spent:
            values[place] = None
    return values


@given(lines())
def test_outputs_are_the_same_and_inputs_are_not_changed(line):
    steps, outputs = line
    expected, first = taken(steps), inputs()
    values = done(planned(steps, outputs), first)
    for place in outputs:
        np.testing.assert_array_equal(values[place], expected[place])
    for one, other in zip(first, inputs(), strict=True):
        np.testing.assert_array_equal(one, other)


@given(lines())
def test_an_output_in_the_memory_of_an_input_is_known(line):
    steps, outputs = line
    plan, first = planned(steps, outputs), inputs()
    values = done(plan, first)
    for place in outputs:
        if any(np.shares_memory(values[place], one) for one in first):
            assert place in plan.borrowed


@given(lines())
def test_nothing_is_kept_that_no_step_wants(line):
    steps, outputs = line
    values = done(planned(steps, outputs), inputs())
    assert {place for place in range(INPUTS, len(values)) if values[place] is not None} <= set(outputs)


def written_over(steps, outputs):
    """For each step whether it writes over an argument."""
    acts = planned(steps, outputs).acts
    return [len(act.sources) > len(step.sources) for act, step in zip(acts, steps, strict=True)]


def chain(*calls, start=NEW):
    """One call after the other, each of the result before; the first of the input 0."""
    steps = [Step(start, (0,), (1,))]
    for number, call in enumerate(calls, start=1):
        steps.append(Step(call, (number,), (number + 1,), (number,) if call.into else ()))
    return steps


def test_a_chain_takes_one_array():
    steps = chain(DOUBLE, DOUBLE, TURNED, DOUBLE)
    assert written_over(steps, [5]) == [False, True, True, False, True]


@pytest.mark.parametrize(
    ("steps", "outputs"),
    [
        ([Step(DOUBLE, (0,), (1,), (0,))], [1]),  # an input
        (chain(DOUBLE), [1, 2]),  # an output
        ([*chain(DOUBLE), Step(SUM, (1, 2), (3,))], [3]),  # what a later step wants
        ([*chain(TURNED), Step(DOUBLE, (1,), (3,), (1,)), Step(NEW, (2,), (4,))], [3, 4]),  # in other order
        ([*chain(TURNED), Step(SUM, (1, 2), (3,), (1, 2))], [3]),  # in other order, by the same step
        (chain(DOUBLE, start=HANDED_ON), [2]),  # perhaps an input
        (chain(SPREAD, DOUBLE), [3]),  # one element many times
    ],
)
def test_what_is_wanted_still_or_is_not_ours_is_not_written_over(steps, outputs):
    assert not any(written_over(steps, outputs))


def test_either_argument_is_written_over():
    steps = [Step(NEW, (0,), (1,)), Step(NEW, (0,), (2,)), Step(SUM, (1, 2), (3,), (1, 2))]
    assert written_over(steps, [3, 1]) == [False, False, True]
    assert planned(steps, [3, 1]).acts[-1].sources == (1, 2, 2)
    assert written_over(steps, [3, 1, 2]) == [False, False, False]
