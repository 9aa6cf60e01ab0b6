"""Many fits at once: the same work in several processes."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextvars import copy_context
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Self

from estimates.errors import EngineError

if TYPE_CHECKING:
    from concurrent.futures import Executor

type Progress = Callable[[float, str], None]

_MOST_THREADS = 8
"""More than so many wait for each other's turn in Python, and for memory."""


class Workers:
    """Work done one after another, or by several processes, with the same answers.

    Parameters
    ----------
    count : int
        Processes. More than one starts Python anew in each, so a script that asks for it needs the usual
        ``if __name__ == "__main__":``.
    progress : callable, optional
        Told the share done and what is being done.
    """

    def __init__(self, count: int, progress: Progress | None = None) -> None:
        self.count, self.progress, self.done = count, progress or (lambda share, words: None), 0.0

    def __enter__(self) -> Self:
        self.executor = None
        if self.count > 1:
            from concurrent.futures import ProcessPoolExecutor
            from multiprocessing import active_children, get_context

            self.others = set(active_children())
            self.executor = ProcessPoolExecutor(self.count, get_context("spawn"), initializer=_prepare)
        return self

    def tell(self, words: str, done: float) -> None:
        """Say what is being done outside of the tasks, and the share of the whole that is done."""
        self.done = done
        self.progress(done, words)

    def run[Answer](
        self, words: str, work: Callable[..., Answer], tasks: Sequence[tuple[Any, ...]], *, share: float
    ) -> list[Answer]:
        """The answers to all tasks, in their order.

        Parameters
        ----------
        words : str
            What is being done, for the progress.
        work : callable
            Of a module, so that another process finds it.
        tasks : sequence of tuple
            The arguments of each call.
        share : float
            The part of the whole that these tasks are.
        """
        step = share / max(len(tasks), 1)

        def step_on(*_: Any) -> None:
            self.tell(words, self.done + step)

        if self.executor is None:
            answers = []
            for task in tasks:
                answers.append(work(*task))
                step_on()
            return answers
        futures = [self.executor.submit(work, *task) for task in tasks]
        for future in futures:
            future.add_done_callback(step_on)
        return [future.result() for future in futures]

    def share[Value](self, value: Value) -> Value:
        """A value that many tasks are given; here it is sent with each."""
        return value

    def as_done[Answer](
        self, work: Callable[..., Answer], tasks: Iterable[tuple[Any, ...]]
    ) -> Iterator[Answer]:
        """The answers as they come, in any order, with few tasks waiting and none kept.

        Raises
        ------
        EngineError
            When a process was killed.
        """
        if self.executor is None:
            yield from (work(*task) for task in tasks)
            return
        from concurrent.futures import FIRST_COMPLETED, Future, wait
        from concurrent.futures.process import BrokenProcessPool

        left = iter(tasks)
        waiting: set[Future[Answer]] = set()
        try:
            while True:
                for task in islice(left, 2 * self.count - len(waiting)):
                    waiting.add(self.executor.submit(work, *task))
                if not waiting:
                    return
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
        except BrokenProcessPool:
            raise EngineError(
                "a worker process was killed", remedy="For want of memory, perhaps: take fewer workers."
            ) from None

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self.executor is None:
            return
        if kind is not None:  # nobody waits for what they are at, and an interrupt does not reach them
            from multiprocessing import active_children

            for child in set(active_children()) - self.others:
                child.terminate()
        self.executor.shutdown(wait=True, cancel_futures=True)


def in_threads[Lot, Answer](work: Callable[[Lot], Answer], lots: Sequence[Lot]) -> list[Answer]:
    """The answers to lots of work in NumPy, in their order, on all cores that this process may use.

    The answers are the same whatever the number of threads: each lot is done by one, in the caller's context
    (what NumPy does about invalid numbers is a part of it). In a worker process they are done one after the
    other, because the other cores are taken by other workers.
    """
    executor = _threads() if len(lots) > 1 else None
    if executor is None:
        return [work(lot) for lot in lots]
    contexts = [copy_context() for _ in lots]
    return list(executor.map(lambda context, lot: context.run(work, lot), contexts, lots))


@cache
def _threads() -> "Executor | None":
    """The threads of this process; none where it has one core, or is one of several workers."""
    from concurrent.futures import ThreadPoolExecutor

    count = min(os.process_cpu_count() or 1, _MOST_THREADS)
    return ThreadPoolExecutor(count, "estimates") if _Share.is_whole and count > 1 else None


class _Share:
    """How much of the machine this process may use."""

    is_whole = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_threads.cache_clear)  # threads do not live on in a fork


def take_one_core() -> None:
    """Leave the other cores to other processes, and keep memory."""
    keep_memory()
    _Share.is_whole = False
    _threads.cache_clear()


def _prepare() -> None:
    """What a worker does first: leave interrupts to its parent, garbage to the end, one core to itself."""
    import gc
    import signal

    from threadpoolctl import threadpool_limits

    take_one_core()
    _end_with_parent()
    # Small matrices that every worker shares out over all cores take several times longer.
    threadpool_limits(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()


def _end_with_parent() -> None:
    """Stop when the parent is no more: one that was killed cannot tell its workers, who would work on."""
    from multiprocessing import parent_process
    from multiprocessing.connection import wait
    from threading import Thread

    parent = parent_process()
    if parent is None:
        return

    def stop() -> None:
        wait([parent.sentinel])
        os._exit(1)

    Thread(target=stop, daemon=True).start()


def keep_memory() -> None:
    """Keep freed memory for the next array, where the C library can be told so.

    It would give arrays of a few hundred kilobytes back to the system at once, and clearing pages for the
    next ones took a quarter of the time.
    """
    import ctypes

    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another system
        return
    trim_threshold, map_threshold = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h
    mallopt(trim_threshold, 1 << 30)
    mallopt(map_threshold, 1 << 28)
