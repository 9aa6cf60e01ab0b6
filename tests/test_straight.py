"""A compiled function run as a straight line gives what the compiled function gives."""

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest

from estimates import read, shelf, workers
from estimates.inference import density
from estimates.inference.density import FAST_START, compile_density
from estimates.inference.straight import Straight


@pytest.fixture(scope="module", params=["steady", "stepped", "accelerating"])
def twins(request):
    """The density of a shelf model by PyTensor's own machine, and by the straight line."""
    model = shelf.find(request.param).build(read())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(density, "Straight", lambda function: function)
        machine = compile_density(model)
    return model, machine, compile_density(model)


def points(dimension):
    return np.random.default_rng(3).normal(0.4, 1.7, size=(501, dimension))


def test_every_output_is_the_same_to_the_last_bit(twins):
    _, machine, straight = twins
    z = points(machine.dimension)
    for one, other in zip(machine._log_terms(z), straight._log_terms(z), strict=True):
        assert one.shape == other.shape
        assert np.array_equal(one, other, equal_nan=True)


def test_changed_data_are_seen(twins):
    model, machine, straight = twins
    z = points(machine.dimension)
    before = straight.evaluate(z)[1]
    stored = model["report_value"].get_value()
    pm.set_data({"report_value": stored * 1.5}, model=model)
    after, expected = straight.evaluate(z)[1], machine.evaluate(z)[1]
    pm.set_data({"report_value": stored}, model=model)
    assert not np.array_equal(before, after)
    assert np.array_equal(after, expected)


def test_operations_of_many_kinds_come_out_as_compiled():
    x = pt.matrix("x")
    outputs = [
        pt.switch(x > 0, x + 2 * x + pt.sqr(x), pt.erfc(x)),
        pt.concatenate([x, -x], axis=1).sum(axis=0),
        x[:, 1:].T,
        pt.as_tensor(np.array([1.0, 2.0])),
        pt.cast(x, "int64"),
        pt.clip(x, -1.0, 2.0),
    ]
    function = pytensor.function([x], outputs, mode=FAST_START)
    value = np.array([[0.5, -1.25, 3.0], [2.0, 0.75, -4.5]])
    for one, other in zip(function(value), Straight(function)(value), strict=True):
        assert one.dtype == other.dtype
        assert np.array_equal(one, other)


def test_points_taken_a_few_at_a_time_are_the_same(twins, monkeypatch):
    _, _, straight = twins
    z = points(straight.dimension)
    whole, by_value = straight.evaluate(z), straight.pointwise(z)
    monkeypatch.setattr(density, "_CELLS", 7 * straight.width)
    for one, other in zip(whole, straight.evaluate(z), strict=True):
        np.testing.assert_array_equal(one, other)
    for name, values in straight.pointwise(z).items():
        np.testing.assert_array_equal(values, by_value[name])
    assert straight.width == 2
    assert [len(part) for part in straight.evaluate(z[:0])] == [0, 0]


def test_however_many_threads_there_are_the_numbers_are_the_same(twins, monkeypatch):
    _, _, straight = twins
    z = points(straight.dimension)
    monkeypatch.setattr(density, "_CELLS", 20 * straight.width)
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
        mean = pm.Normal("mean", 0.0, 1.0)
        pm.MvNormal("y", mean, np.array([[2.0, 0.3], [0.3, 1.0]]), observed=np.array([[0.1, -2.0]]))
    assert not compile_density(model)._log_terms.is_free


def test_a_part_of_the_outputs_takes_the_steps_that_lead_to_it():
    x, shared = pt.matrix("x"), pytensor.shared(np.array([1.5, -2.0, 0.25]))
    outputs = [pt.exp(x).sum(), pt.exp(x) * pt.log1p(pt.sqr(shared)), pt.erfc(x)]
    line = Straight(pytensor.function([x], outputs, mode=FAST_START))
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
    operations = [str(call) + str(getattr(call, "__closure__", "")) for call, _, _ in built._log_terms._steps]
    assert not [words for words in operations if "LogSumExp" in words and "Blockwise" in words]
    z = points(2)
    each = np.concatenate([built.evaluate(z[i : i + 1])[1] for i in range(20)])
    assert np.allclose(built.evaluate(z[:20])[1], each, rtol=1e-12)
