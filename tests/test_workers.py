"""Work in several processes: the same answers in the same order, and nobody left behind."""

import math
import os
import subprocess
import sys
import threading
import time
from multiprocessing import active_children, get_context

import numpy as np
import pytest

from estimates import workers
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


PATIENT = """
import os, time
from estimates.workers import Workers
if __name__ == "__main__":
    with Workers(2) as pool:
        print(*pool.run("asking", os.getpid, [()] * 2, share=1.0), flush=True)
        pool.run("waiting", time.sleep, [(60,)] * 4, share=1.0)
"""


@pytest.mark.skipif(os.name != "posix", reason="a kill that nothing can answer")
def test_workers_of_a_process_that_was_killed_do_not_work_on(tmp_path):
    script = tmp_path / "patient.py"
    script.write_text(PATIENT)
    parent = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    children = {int(pid) for pid in parent.stdout.readline().split()}
    assert children
    parent.kill()
    parent.wait()
    parent.stdout.close()
    last = time.monotonic() + 30
    while any(map(_is_alive, children)):
        assert time.monotonic() < last, "a worker outlived its parent"
        time.sleep(0.05)


def _is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


# ---- threads ----------------------------------------------------------------------------------------------


def _name_of_thread(_):
    time.sleep(0.01)
    return threading.current_thread().name


def test_lots_are_shared_out_to_threads_and_their_answers_keep_the_order(monkeypatch):
    monkeypatch.setattr(workers.os, "process_cpu_count", lambda: 2)
    workers._threads.cache_clear()
    assert workers.in_threads(math.sqrt, [float(n * n) for n in range(50)]) == list(range(50))
    with np.errstate(divide="ignore", invalid="raise"):
        assert {np.geterr()["divide"]} == set(workers.in_threads(lambda _: np.geterr()["divide"], range(8)))
        assert {"raise"} == set(workers.in_threads(lambda _: np.geterr()["invalid"], range(8)))
    assert len(set(workers.in_threads(_name_of_thread, range(8)))) == 2
    assert workers.in_threads(_name_of_thread, range(1)) == [threading.current_thread().name]
    workers._threads.cache_clear()


def _names_of_threads(count):
    return set(workers.in_threads(_name_of_thread, range(count)))


def test_a_worker_process_has_one_thread():
    with Workers(2) as pool:
        assert [len(names) for names in pool.run("lots", _names_of_threads, [(5,), (5,)], share=1.0)] == [
            1,
            1,
        ]
