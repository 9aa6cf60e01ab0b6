"""Writing files so that nobody ever reads half of one."""

import math
import os
import tempfile
from pathlib import Path

from estimates.errors import OutputError

RESULTS = Path("results")
"""Where the commands write unless they are told otherwise."""

CLAIMS, COMPARISON, SENSITIVITY, FALSIFIED = (
    "claims.json",
    "compare.json",
    "sensitivity.json",
    "falsify_{claim}.json",
)
"""What the commands of these names find, beside the estimates of the same study."""


def finite(number: float) -> float | None:
    """The number as JSON can hold it, which knows no infinity: null stands for one, and for an open end."""
    return number if math.isfinite(number) else None


class replacing:  # noqa: N801 - reads as a verb: with replacing(path) as temporary
    """A temporary name beside `path`, renamed to it when all went well and removed when not."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Path:
        if self.path.is_dir():
            raise OutputError(
                "is a folder", where=str(self.path), remedy="Move it away, or choose another --out."
            )
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(
                dir=self.path.parent, prefix=f".{self.path.name}.", suffix=".part"
            )
            os.close(handle)
        except OSError as error:
            raise self._refused(error, self.path.parent) from None
        self.temporary = Path(name)
        return self.temporary

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, *_: object) -> None:
        try:
            if kind is None:
                self.temporary.chmod(0o644)
                self.temporary.replace(self.path)
        except OSError as refused:
            raise self._refused(refused, self.path) from None
        finally:
            self.temporary.unlink(missing_ok=True)
        if isinstance(error, OSError):  # a full disk, say
            raise self._refused(error, self.path) from error

    def _refused(self, error: OSError, where: Path) -> OutputError:
        return OutputError(
            f"cannot be written: {error.strerror or error}", where=str(where), remedy="Choose another --out."
        )
