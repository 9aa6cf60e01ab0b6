"""Small arrays that are worked on before they meet a large one: the same numbers, with fewer steps."""

import numpy as np
import pytensor.tensor as pt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from estimates.inference.straight import Straight

POINTS, VALUES = 5, 4
SHAPES = [(POINTS, VALUES), (POINTS, 1), (1, VALUES), (1, 1)]


def variables():
    """A large array, one number a point, one number a value, and a number."""
    return [pt.matrix(shape=tuple(1 if length == 1 else None for length in shape)) for shape in SHAPES]


def values(seed=1):
    rng = np.random.default_rng(seed)
    return [rng.normal(1.0, 2.0, size=shape) for shape in SHAPES]


def trees():
    """Sums, differences and products of four arrays, as expressions of `a`, the list of them."""
    leaves = st.sampled_from([f"a[{number}]" for number in range(len(SHAPES))])
    return st.recursive(
        leaves,
        lambda parts: st.tuples(parts, st.sampled_from("++--*"), parts).map(
            lambda three: f"({' '.join(three)})"
        ),
        max_leaves=10,
    )


@given(trees(), arrays(float, (POINTS, VALUES), elements=st.floats(-5, 5)))
def test_what_is_added_in_another_order_comes_out_the_same_but_for_rounding(tree, large):
    inputs, given_values = variables(), [large, *values()[1:]]
    (found,) = Straight(inputs, [eval(tree, {"a": inputs})])(*given_values)
    expected = eval(tree, {"a": given_values})
    size = eval(tree.replace("-", "+"), {"a": [np.abs(value) for value in given_values]})
    assert found.shape == expected.shape
    assert np.all(np.abs(found - expected) <= 1e-13 * size)


def large_steps(output, inputs, given_values):
    """How many steps make an array as large as the output."""
    line = Straight(inputs, [output])
    (found,) = line(*given_values)
    held = line._begun(tuple(given_values))
    count = 0
    for step in line._steps:
        held[step.targets[0]] = step.call.make(*[held[source] for source in step.sources])
        count += np.shape(held[step.targets[0]]) == found.shape
    return count


@pytest.mark.parametrize(
    ("expression", "steps"),
    [
        ("a[0] - a[1] - a[3]", 1),
        ("a[3] + (a[1] - a[0])", 1),
        ("(a[0] + a[0] * a[0]) - a[1] - (2 - a[3])", 3),
        ("a[0] - a[1] - a[2]", 2),  # what is small together is as large as all
        ("a[0] - a[1] - a[2] - a[3] - a[1]", 2),
        ("a[0] - a[1]", 1),
        ("-0.5 * ((a[0] - a[1]) / a[3]) ** 2 - 0.9 - pt.log(a[1] ** 2)", 5),
    ],
)
def test_a_large_array_is_gone_through_no_more_often_than_it_must(expression, steps):
    inputs, given_values = variables(), values()
    made = eval(expression, {"a": inputs, "pt": pt})
    assert large_steps(made, inputs, given_values) == steps
    (found,) = Straight(inputs, [made])(*given_values)
    np.testing.assert_allclose(found, eval(expression, {"a": given_values, "pt": np}), rtol=1e-12)


@pytest.mark.parametrize("times", ["in itself", "from the left", "from the right"])
def test_sums_without_end_are_left_as_they_are(times):
    """Of 2^30 terms, and of more than Python has room for on its stack."""
    (large, small), (value, number) = variables()[:2], values()[:2]
    made, expected = large - small, value - number
    for _ in range(30 if times == "in itself" else 3000):
        if times == "in itself":
            made, expected = made + made, expected + expected
        elif times == "from the left":
            made, expected = made - small, expected - number
        else:
            made, expected = small - made, number - expected
    (found,) = Straight([large, small], [made])(value, number)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_a_sum_that_is_wanted_more_than_once_is_computed_once():
    x, v = pt.matrix("x"), pt.vector("v")
    total, outputs = x * 0.5, []
    for k in range(20):
        total = total + v * (k + 2.0) + pt.exp(x * k)
        outputs.append(total)
    line = Straight([x, v], outputs)
    assert len(line._steps) < 8 * 20
    value, number = values()[0], values()[1].ravel()[:VALUES]
    expected = value * 0.5
    for k, found in enumerate(line(value, number)):
        expected = expected + number * (k + 2.0) + np.exp(value * k)
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_a_sum_that_is_asked_for_as_well_is_not_opened_whichever_comes_first():
    (large, by_point, *_), given_values = variables(), values()
    inner = large - by_point
    for outputs in ([inner - by_point[:1], inner], [inner, inner - by_point[:1]]):
        line = Straight([large, by_point], outputs)
        assert sum(step.call.make is np.subtract for step in line._steps) == 2
        assert not any(step.call.make is np.add for step in line._steps)  # of small terms
        expected = given_values[0] - given_values[1]
        for found, output in zip(line(*given_values[:2]), outputs, strict=True):
            np.testing.assert_allclose(
                found, expected if output is inner else expected - given_values[1][:1], rtol=1e-13
            )


def test_a_sum_that_is_given_is_not_looked_into():
    x, y, u, w = pt.matrix("x"), pt.matrix("y"), pt.vector("u"), pt.vector("w")
    given = x + y
    (found,) = Straight([given, u, w], [(given + u) + w])(np.full((2, 3), 7.0), np.arange(3.0), np.ones(3))
    np.testing.assert_array_equal(found, [[8.0, 9.0, 10.0]] * 2)


def test_infinities_come_out_as_they_do_one_after_the_other():
    inputs, infinite = variables(), np.array([[np.inf], [-np.inf], [np.nan], [0.0], [2.0]])
    given_values = [values()[0], infinite, values()[2], np.array([[0.0]])]
    for expression in (
        "a[0] - a[1] - a[3]",
        "a[0] - a[3] + a[1]",
        "a[0] / a[1]",
        "a[0] / a[3]",
        "a[3] / a[0]",
    ):
        (found,) = Straight(inputs, [eval(expression, {"a": inputs})])(*given_values)
        with np.errstate(all="ignore"):
            np.testing.assert_allclose(found, eval(expression, {"a": given_values}), rtol=1e-14)


def test_whole_numbers_are_left_as_they_are():
    x, y, z = pt.lmatrix("x"), pt.lmatrix("y"), pt.matrix("z")
    b = pt.tensor("b", shape=(None, 1), dtype="int8")
    given_values = np.array([[7, -3], [2, 9]]), np.array([[2, 5], [3, -4]])
    (found,) = Straight([x, y], [x - y[:, :1] - 1])(*given_values)
    assert found.dtype == "int64"
    np.testing.assert_array_equal(found, given_values[0] - given_values[1][:, :1] - 1)
    many = np.full((2, 1), 100, dtype="int8")
    (sum_of_all,) = Straight([z, b], [(z + b + b) + z[:, :1]])(np.ones((2, 3)), many)  # 200 is none of them
    np.testing.assert_array_equal(sum_of_all, np.full((2, 3), 202.0))
