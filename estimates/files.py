"""Writing files so that nobody ever reads half of one."""

import os
import tempfile
from pathlib import Path

from estimates.errors import OutputError


class replacing:  # noqa: N801 - reads as a verb: with replacing(path) as temporary
    """A temporary name beside `path`, renamed to it when all went well and removed when not."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Path:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.", suffix=".part")
            os.close(handle)
        except OSError as error:
            raise OutputError(
                f"cannot be written: {error.strerror}", where=str(self.path.parent), remedy="Choose another --out."
            ) from None
        self.temporary = Path(name)
        return self.temporary

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.temporary.chmod(0o644)
            self.temporary.replace(self.path)
        else:
            self.temporary.unlink(missing_ok=True)
