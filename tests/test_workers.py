"""Work in several processes: the same answers in the same order, and nobody left behind."""

import math
import time
from multiprocessing import active_children, get_context

import pytest

from estimates.workers import Workers


@pytest.mark.parametrize("count", [1, 2])
def test_answers_come_in_the_order_of_the_tasks_and_progress_ends_at_the_whole(count):
    told = []
    with Workers(count, lambda share, words: told.append((share, words))) as pool:
        pool.tell("starting", 0.5)
        found = pool.run("taking roots", math.sqrt, [(n,) for n in (16, 9, 4, 1)], share=0.5)
    assert found == [4, 3, 2, 1]
    assert told[0] == (0.5, "starting")
    assert max(share for share, _ in told) == pytest.approx(1.0)


def test_no_tasks_have_no_answers():
    with Workers(1) as pool:
        assert pool.run("nothing", math.sqrt, [], share=1.0) == []


@pytest.mark.parametrize("count", [1, 2])
def test_what_a_task_raises_is_raised(count):
    with pytest.raises(ValueError, match="math domain error"), Workers(count) as pool:
        pool.run("taking roots", math.sqrt, [(4,), (-1,)], share=1.0)


def _interrupted():
    with Workers(2) as pool:
        pool.executor.submit(time.sleep, 60)
        raise KeyboardInterrupt


def test_after_an_interrupt_no_worker_is_left_and_children_of_others_live_on():
    other = get_context("spawn").Process(target=time.sleep, args=(60,))
    other.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            _interrupted()
        assert active_children() == [other]
        assert other.is_alive()
    finally:
        other.terminate()
        other.join()
