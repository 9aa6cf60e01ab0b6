"""A graph run as a straight line gives what PyTensor's compiled function gives."""

from functools import partial

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.graph.replace import vectorize_graph
from pytensor.tensor.blockwise import Blockwise

from estimates import read, shelf, workers
from estimates.inference import density
from estimates.inference.density import compile_density
from estimates.inference.line import FAST_START
from estimates.inference.straight import Straight


class Compiled:
    """The same by PyTensor's own machine, with its own rewriting."""

    def __init__(self, inputs, outputs):
        self.run = pytensor.function(
            inputs, outputs, mode=FAST_START, trust_input=True, on_unused_input="ignore"
        )

    def __call__(self, *inputs):
        return self.run(*inputs)

    def numbers_a_point(self, *inputs):
        return 1


@pytest.fixture(scope="module", params=["steady", "stepped", "accelerating", "lumpy"])
def twins(request):
    """The density of a shelf model by PyTensor's own machine, and by the straight line."""
    model = shelf.find(request.param).build(read())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(density, "Straight", Compiled)
        machine = compile_density(model)
    return model, machine, compile_density(model)


def points(dimension):
    return np.random.default_rng(3).normal(0.4, 1.7, size=(501, dimension))


def test_every_output_is_the_same_but_for_rounding(twins):
    _, machine, straight = twins
    z = points(machine.dimension)
    for one, other in zip(machine._log_terms(z), straight._log_terms(z), strict=True):
        assert one.shape == other.shape
        assert one.dtype == other.dtype
        assert np.allclose(one, other, rtol=1e-9, atol=1e-12, equal_nan=True)


def test_changed_data_are_seen(twins):
    model, machine, straight = twins
    z = points(machine.dimension)
    before = straight.evaluate(z)[1]
    stored = model["report_value"].get_value()
    pm.set_data({"report_value": stored * 1.5}, model=model)
    after, expected = straight.evaluate(z)[1], machine._log_terms(z)[1]
    pm.set_data({"report_value": stored}, model=model)
    assert not np.array_equal(before, after)
    assert np.allclose(after, expected, rtol=1e-9, atol=1e-12, equal_nan=True)


def test_operations_of_many_kinds_come_out_as_compiled():
    x = pt.matrix("x")
    outputs = [
        pt.switch(x > 0, x + 2 * x + pt.sqr(x), pt.erfc(x)),
        pt.concatenate([x, -x], axis=1).sum(axis=0),
        x[:, 1:].T,
        pt.as_tensor(np.array([1.0, 2.0])),
        pt.cast(x, "int64"),
        pt.clip(x, -1.0, 2.0),
        pt.clip(x, pt.constant(np.int8(-1)), 2),
        pt.constant(np.int8(3)) / pt.constant(np.int8(7)) + pt.log(pt.constant(np.int8(5))),
        x**2 + x**3 + pt.abs(x) ** 0.5,
        pt.softplus(x) + pt.log1mexp(-pt.abs(x)),
        pt.log(pt.sigmoid(150 * x)) + pt.sigmoid(x),  # to a chance of exp(-675)
        pt.sigmoid(x[0, 1]),
        pt.fill(x, 2.0),
        pt.zeros_like(x),
        x.max(axis=1) + x.prod(axis=-1) + (x > 0).sum(),
        (x > 0).sum(axis=1) + pt.all(x > -2, axis=1) + x.sum(axis=1),
        pt.repeat(x, 7, axis=1).max(axis=1),
        x.dimshuffle(1, "x", 0),
        x[:1].squeeze(0),
        pt.shape(x)[1] * x,
        (x > 0) & (x < 2) & ~pt.isnan(x),
        pt.cumsum(x, axis=1),
        pt.eq(x, 0.5) + pt.constant(True),
        pt.mean(x, axis=0),
        x,
    ]
    value = np.array([[0.5, -1.25, 3.0], [2.0, 0.75, -4.5]])
    for one, other in zip(Compiled([x], outputs)(value), Straight([x], outputs)(value), strict=True):
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        assert np.allclose(one, other, rtol=1e-14)


def test_what_changes_nothing_takes_no_step():
    x, one, zero = pt.matrix("x"), pt.constant(np.int8(1)), pt.log(pt.constant(np.float32(1)))
    value = np.array([[0.5, -1.25], [np.inf, np.nan]])
    nothing = [x + 0, zero + x, x - zero, x * one, one * x, x / one, x + pt.zeros((1, 1))]
    line = Straight([x], nothing)
    assert not line._steps
    for found in line(value):
        assert np.array_equal(found, value, equal_nan=True)
        assert not np.shares_memory(found, value)


def test_what_looks_like_nothing_is_done():
    x, row, count = pt.matrix("x"), pt.vector("row"), pt.lscalar("count")
    something = [
        *(zero - x for zero in (0, pt.zeros((1, 1)))),
        *(
            1 / x,
            x + pt.zeros((2, 1)),
            x * np.ones(2),
            x + 1,
            x * 0,
            row - pt.zeros((1, 1)),
            row * pt.ones((3, 1)),
        ),
        *(count / 1, count + np.float32(0), count * 1.0),
    ]
    inputs, values = (
        [x, row, count],
        [np.array([[0.5, -1.25], [3.0, 2.0]]), np.array([1.0, 2.0]), np.int64(7)],
    )
    for one, other in zip(
        Compiled(inputs, something)(*values), Straight(inputs, something)(*values), strict=True
    ):
        assert one.dtype == other.dtype
        assert one.shape == other.shape
        assert np.array_equal(one, other)


def test_parts_of_an_array_and_its_lengths_come_out_as_compiled():
    x, place = pt.matrix("x"), pt.lscalar("place")
    outputs = [
        x[1],
        x[:, -1],
        x[place],
        x[::-1, 1:],
        x[..., None, :2],
        x[1, 2],
        x.shape,
        x.reshape((-1,)),
        x.shape[1],
    ]
    outputs += [x[x.shape[0] - 2 :], x.reshape((x.shape[1], 1, -1)), x[0, 1].reshape((1, 1))]
    values = np.arange(6.0).reshape(2, 3), np.asarray(1)
    for one, other in zip(
        Compiled([x, place], outputs)(*values), Straight([x, place], outputs)(*values), strict=True
    ):
        assert one.dtype == other.dtype
        assert np.array_equal(one, other)


@pytest.mark.parametrize("length", [1, 2, 16, 17])
def test_arrays_laid_out_along_each_other_come_out_as_compiled(length):
    x, y = pt.tensor3("x", shape=(None, 1, None)), pt.tensor3("y", shape=(1, None, 1))
    spread = (y - x) / (1 + pt.sqr(x))
    outputs = [
        spread,
        spread.sum(axis=2),
        pt.max(spread, axis=-1),
        pt.exp(spread) * y,
        x > y,
        pt.maximum(x, y),
        spread[:, 1:, 0],
    ]
    rng = np.random.default_rng(length)
    for order in "CF":
        values = rng.normal(size=(5, 1, length)).copy(order), rng.normal(size=(1, 7, 1))
        for one, other in zip(
            Compiled([x, y], outputs)(*values), Straight([x, y], outputs)(*values), strict=True
        ):
            assert one.dtype == other.dtype
            assert one.shape == other.shape
            np.testing.assert_allclose(one, other, rtol=1e-13)


def test_sums_of_more_terms_than_a_ufunc_takes_are_summed():
    x = pt.vector("x")
    value = np.array([1.0, -2.0])
    (found,) = Straight([x], [pt.add(*[x * i for i in range(40)])])(value)
    assert found.tolist() == [780.0, -1560.0]


def columns(x, days):
    """What models do to the days of a flow, many rows of which are wanted for some columns only."""
    start = x[0]
    lagged = pt.inc_subtensor(days[np.array([0, 3, 4])], -x[1])
    twice = pt.inc_subtensor(lagged[np.array([1, 1, 4])], x[:3])
    flow = pt.specify_shape(x[2] * pt.maximum(twice - start, 0.0), 6)
    parted = pt.set_subtensor(pt.zeros(6)[np.array([2, 0])], flow[1:3])
    sliced = pt.set_subtensor(flow[1:3], x[1])
    joined = pt.concatenate([pt.zeros(1), pt.cumsum(flow)])
    return [flow[:2], flow[2:5], flow[5:], flow, parted, parted[:2], sliced, sliced[2:], joined, joined[1:4]]


def test_arrays_of_many_points_are_set_sliced_and_joined_as_compiled():
    x, z = pt.vector("x", shape=(3,)), pt.matrix("z", shape=(None, 3))
    days = pytensor.shared(np.array([1.0, 4.0, 2.0, 8.0, 5.0, 7.0]))
    outputs = vectorize_graph(columns(x, days), {x: z})
    value = np.random.default_rng(5).normal(1.0, 2.0, size=(11, 3))
    straight = Straight([z], outputs)
    for one, other in zip(Compiled([z], outputs)(value), straight(value), strict=True):
        assert np.allclose(one, other, rtol=1e-14)
        assert one.shape == other.shape
    few = Straight([z], outputs[:1])
    assert all(np.shape(part)[-1] <= 2 for part in columns_of(few, value))


def columns_of(straight, value):
    """The arrays of many points that a line makes on its way."""
    made = []

    def noted(call):
        def noting(*inputs):
            result = call(*inputs)
            made.extend(part for part in [result] if np.ndim(part) == 2 and len(part) == len(value))
            return result

        return noting

    acts = [(noted(call), *rest) for call, *rest in straight._plan.acts]
    straight._plan = straight._plan._replace(acts=acts)
    straight(value)
    return [part for part in made if np.shape(part)[-1] != 3]


def test_an_operation_that_would_loop_over_points_is_rewritten_by_pytensor():
    x, z = pt.vector("x", shape=(3,)), pt.matrix("z", shape=(None, 3))
    factor = pytensor.shared(np.array([[2.0, 0.5, 0.0], [0.5, 1.0, 0.3], [0.0, 0.3, 4.0]]))
    outputs = vectorize_graph([factor @ x, x[::-1], x[pt.argsort(x)]], {x: z})
    value = np.random.default_rng(6).normal(size=(5, 3))
    straight = Straight([z], outputs)
    for _ in range(2):
        for one, other in zip(Compiled([z], outputs)(value), straight(value), strict=True):
            assert np.allclose(one, other, rtol=1e-13)
        factor.set_value(3.0 * factor.get_value())


def covariances(x):
    """Of a process at four places, with its noise; where that is far below zero they have no factor."""
    places = np.array([0.0, 0.7, 1.1, 2.5])
    size = pt.as_tensor(places).shape[0]
    distance = (places[:, None] - places[None, :]) / x[0]
    return pt.exp(-0.5 * distance**2) + x[1] * pt.eye(size) + 0.1 * pt.diag(pt.arange(size) + pt.zeros(size))


def test_factors_and_triangular_systems_of_many_points_come_out_as_compiled(monkeypatch):
    x, z = pt.vector("x", shape=(2,)), pt.matrix("z", shape=(None, 2))
    side = pt.as_tensor(np.array([1.0, -2.0, 0.5, 3.0])) * x[0]
    outputs = []
    for lower in (True, False):
        factor = pt.linalg.cholesky(covariances(x), lower=lower)
        outputs.append(factor)
        for unit in (True, False):
            solve = partial(pt.linalg.solve_triangular, lower=lower, unit_diagonal=unit, b_ndim=1)
            outputs.append(solve(factor, side))
    outputs = vectorize_graph(outputs, {x: z})
    straight, machine = Straight([z], outputs), Compiled([z], outputs)
    value = np.random.default_rng(7).uniform(0.3, 2.0, size=(11, 2))
    for noise in (value[3, 1], -5.0):  # with the second, one of the matrices has no factor
        value[3, 1] = noise
        expected = machine(value)
        with monkeypatch.context() as patch:
            patch.setattr(Blockwise, "perform", None)  # by which PyTensor would loop over points
            found = straight(value)
        for one, other in zip(expected, found, strict=True):
            assert one.shape == other.shape
            assert np.allclose(one, other, rtol=1e-10, equal_nan=True)
            assert np.isnan(other[3]).any() == (noise < 0)


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize(("of_matrix", "of_side"), [(7, 1), (1, 7), (7, 7)])
def test_triangular_systems_share_a_matrix_or_a_side_and_may_have_no_solution(size, of_matrix, of_side):
    matrices = pt.tensor3("matrices", shape=(1 if of_matrix == 1 else None, None, None))
    sides = pt.matrix("sides", shape=(1 if of_side == 1 else None, None))
    rng = np.random.default_rng(8)
    of_one = pt.matrix(), pt.vector()
    output = pt.linalg.solve_triangular(*of_one, lower=True, b_ndim=1)
    outputs = vectorize_graph([output], dict(zip(of_one, (matrices, sides), strict=True)))
    values = rng.normal(size=(of_matrix, size, size)), rng.normal(size=(of_side, size))
    values[0][0, 0, 0] = 0.0
    (expected,), (found,) = (make([matrices, sides], outputs)(*values) for make in (Compiled, Straight))
    assert np.isnan(found[0]).all()
    assert np.allclose(found, expected, rtol=1e-10, equal_nan=True)


def test_arrays_filled_and_numbered_differ_from_point_to_point():
    x, start, z = pt.scalar("x"), pt.lscalar("start"), pt.vector("z")
    starts, lengths = pt.lvector("starts"), pt.lvector("lengths")
    length = pt.lscalar("length")
    outputs = [pt.full((length,), x), pt.arange(start, start + 3, 1)]
    many = vectorize_graph(outputs, {x: z, start: starts, length: lengths})
    filled, numbered = Straight([z, starts, lengths], many)(
        np.array([1.0, 2.0, 3.0]), np.array([0, 5, 2]), np.array([2, 2, 2])
    )
    np.testing.assert_array_equal(filled, [[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]])
    np.testing.assert_array_equal(numbered, [[0, 1, 2], [5, 6, 7], [2, 3, 4]])


def test_a_gaussian_process_comes_out_as_compiled_and_fewer_points_are_taken_at_a_time(monkeypatch):
    with pm.Model() as model:
        length, noise = pm.LogNormal("length", 0.0, 1.0), pm.HalfNormal("noise", 1.0)
        process = pm.gp.Marginal(cov_func=pm.gp.cov.ExpQuad(1, ls=length))
        process.marginal_likelihood("y", X=np.arange(20.0)[:, None], y=np.ones(20), sigma=noise)
    built = compile_density(model)
    assert len(built._lots(np.zeros((1000, 2)))) > 1000 * 20**2 / 2 / density._NUMBERS_AT_ONCE
    assert [len(part) for part in built.evaluate(np.empty((0, 2)))] == [0, 0]
    monkeypatch.setattr(density, "Straight", Compiled)
    z = points(2)
    for one, other in zip(compile_density(model)._log_terms(z), built._log_terms(z), strict=True):
        assert np.allclose(one, other, rtol=1e-9, equal_nan=True)


def test_what_went_in_is_not_changed_through_what_came_out():
    x = pt.vector("x")
    kept = pytensor.shared(np.array([4.0, 5.0]))
    straight = Straight(
        [x], [x, kept, pt.constant(np.array([1.0, 2.0])), pt.zeros(2) + 0.0, pt.alloc(x[0], 3)]
    )
    value = np.array([7.0, 8.0])
    for output in straight(value):
        np.add(output, 1.0, out=output)
    assert np.array_equal(value, [7.0, 8.0])
    assert [output.tolist() for output in straight(value)] == [[7, 8], [4, 5], [1, 2], [0, 0], [7, 7, 7]]


def test_chance_is_drawn_as_compiled_and_again_at_every_call():
    generator = pytensor.shared(np.random.default_rng(4))
    mean = pt.vector("mean")
    after, first = pt.random.normal(mean, 2.0, rng=generator, return_next_rng=True)
    _, second = pt.random.gamma(2.0, scale=3.0, size=(4,), rng=after, return_next_rng=True)
    outputs = [first, second]
    straight, value = Straight([mean], outputs), np.array([1.0, -5.0])
    for _ in range(2):
        for one, other in zip(Compiled([mean], outputs)(value), straight(value), strict=True):
            assert np.array_equal(one, other)


def test_points_taken_a_few_at_a_time_are_the_same(twins, monkeypatch):
    _, _, straight = twins
    z = points(straight.dimension)
    whole, by_value = straight.evaluate(z), straight.pointwise(z)
    monkeypatch.setattr(density, "_NUMBERS_AT_ONCE", 7 * straight.width)
    for one, other in zip(whole, straight.evaluate(z), strict=True):
        np.testing.assert_array_equal(one, other)
    for name, values in straight.pointwise(z).items():
        np.testing.assert_array_equal(values, by_value[name])
    assert straight.width == 2
    assert [len(part) for part in straight.evaluate(z[:0])] == [0, 0]


def test_however_many_threads_there_are_the_numbers_are_the_same(twins, monkeypatch):
    _, _, straight = twins
    z = points(straight.dimension)
    monkeypatch.setattr(density, "_NUMBERS_AT_ONCE", 20 * straight.width)
    answers = []
    for count in (1, 2, 5):
        monkeypatch.setattr(workers.os, "process_cpu_count", lambda count=count: count)
        workers._threads.cache_clear()
        answers.append((*straight.evaluate(z), *straight.pointwise(z).values()))
    workers._threads.cache_clear()
    for other in answers[1:]:
        for one, again in zip(answers[0], other, strict=True):
            assert np.array_equal(one, again, equal_nan=True)


def test_what_keeps_values_between_calls_is_not_given_to_several_threads(twins):
    _, _, straight = twins
    assert straight._log_terms.is_free
    with pm.Model() as model:
        scale = pm.HalfNormal("scale")
        pm.Potential("y", pt.linalg.det(scale * np.array([[2.0, 0.3], [0.3, 1.0]])))
    assert not compile_density(model)._log_terms.is_free


def test_a_part_of_the_outputs_takes_the_steps_that_lead_to_it():
    x, shared = pt.matrix("x"), pytensor.shared(np.array([1.5, -2.0, 0.25]))
    outputs = [pt.exp(x).sum(), pt.exp(x) * pt.log1p(pt.sqr(shared)), pt.erfc(x)]
    line = Straight([x], outputs)
    value = np.array([[0.5, -1.25, 3.0], [2.0, 0.75, -4.5]])
    part = line.only(slice(1, 2))
    assert len(part._steps) < len(line._steps)
    for number in (np.array([1.5, -2.0, 0.25]), np.array([0.1, 7.0, -3.0])):
        shared.set_value(number)
        (found,) = part(value)
        np.testing.assert_array_equal(found, line(value)[1])
        np.testing.assert_allclose(found, np.exp(value) * np.log1p(number**2), rtol=1e-14)


def test_nothing_loops_over_points_in_python():
    """Mixtures sum exponentials, in an operation with a graph inside that PyTensor would vectorise by a loop."""
    with pm.Model() as model:
        mean = pm.Normal("mean", 0.0, 1.0, shape=2)
        pm.NormalMixture("y", np.array([0.3, 0.7]), mean, 1.0, observed=np.array([0.1, -2.0, 1.5]))
    built = compile_density(model)
    operations = [
        str(call) + str(getattr(call, "__closure__", "")) for call, *_ in built._log_terms._plan.acts
    ]
    assert not [words for words in operations if "LogSumExp" in words and "Blockwise" in words]
    z = points(2)
    each = np.concatenate([built.evaluate(z[i : i + 1])[1] for i in range(20)])
    assert np.allclose(built.evaluate(z[:20])[1], each, rtol=1e-12)
