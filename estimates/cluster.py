"""Many fits on many machines: the same work by the workers of a Dask cluster."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Self

from estimates.errors import QuestionError
from estimates.workers import take_one_core


class Cluster:
    """The workers of a Dask cluster, with the face of `estimates.workers.Workers`.

    What a worker was at when it was lost is given to another.

    Parameters
    ----------
    address : str
        Of the scheduler: ``tcp://host:8786``.

    Raises
    ------
    QuestionError
        On entering, when Dask is not installed, or nothing answers at the address.
    """

    def __init__(self, address: str) -> None:
        self.address = address

    def __enter__(self) -> Self:
        try:
            from distributed import Client
        except ImportError:
            raise QuestionError(
                "Dask is not installed", remedy="Install the extra: pip install 'estimates[dask]'."
            ) from None
        try:
            self.client = Client(self.address, timeout="10s", set_as_default=False)
        except (OSError, ValueError) as error:
            raise QuestionError(
                f"no Dask scheduler answers at {self.address!r}: {error}",
                remedy="Start one (dask scheduler), and workers (dask worker ADDRESS --nthreads 1).",
            ) from None
        self.client.register_worker_callbacks(take_one_core)  # of those that join later, too
        return self

    def share[Value](self, value: Value) -> Value:
        """A value that many tasks are given, sent once to every worker."""
        shared: Value = self.client.scatter([value], broadcast=True)[0]
        return shared

    def as_done[Answer](
        self, work: Callable[..., Answer], tasks: Iterable[tuple[Any, ...]]
    ) -> Iterator[Answer]:
        """The answers as they come, in any order; the first tasks are begun first."""
        from distributed import as_completed

        futures = [
            self.client.submit(work, *task, pure=False, retries=3, priority=-number)
            for number, task in enumerate(tasks)
        ]
        for future in as_completed(futures, loop=self.client.loop):
            yield future.result()
            future.release()

    def __exit__(self, *_: object) -> None:
        self.client.close()
