"""The journal of a sweep: rows that outlive the process that computed them."""

import json
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from estimates.errors import OutputError

if TYPE_CHECKING:
    import pandas as pd

type Row = dict[str, Any]


class Journal:
    """The rows so far, in a file: a line of JSON each, after a line that says of which sweep they are.

    A last line that was cut off by a kill is no row yet. Rows are not kept in memory.
    """

    def __init__(self, path: Path, plan: dict[str, Any]) -> None:
        self.path, self.plan = path, plan
        self.done: set[int] = set()

    def __enter__(self) -> Self:
        try:
            end = self._read() if self.path.exists() else 0
            self.file = self.path.open("r+" if end else "w", encoding="utf-8", newline="\n")
        except OSError as error:
            raise not_written(self.path, error) from None
        self.file.seek(end)
        self.file.truncate()
        if not end:
            self._write({"digest": self.plan["digest"]})
        return self

    def add(self, rows: Sequence[Row]) -> None:
        """Keep rows: they outlive this process from here on."""
        for row in rows:
            self._write(row)
            self.done.add(row["cell"])

    def table(self) -> "pd.DataFrame":
        """All rows, in the order of the cells."""
        import pandas as pd

        axes, lots = ["verdict", *self.plan["axes"]], []
        with self.path.open(encoding="utf-8") as lines:
            next(lines)
            while lot := [json.loads(line) for line in islice(lines, 500)]:
                frame = pd.DataFrame(lot).set_index("cell")
                lots.append(frame.astype(dict.fromkeys(frame.columns.difference(axes), float)))
        return pd.concat(lots).sort_index()

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def _write(self, line: Row) -> None:
        self.file.write(json.dumps(line, ensure_ascii=False) + "\n")
        self.file.flush()

    def _read(self) -> int:
        """Note the rows that are there; gives where the last whole line ends."""
        end = 0
        with self.path.open("rb") as lines:
            for number, line in enumerate(lines):
                if not line.endswith(b"\n"):
                    break
                row = json.loads(line)
                if number == 0:
                    refuse_another(row.get("digest"), self.plan, self.path)
                else:
                    self.done.add(row["cell"])
                end += len(line)
        return end


def refuse_another(digest: object, plan: Mapping[str, Any], path: Path) -> None:
    """Refuse a file that is of another plan."""
    if digest != plan["digest"]:
        raise OutputError(
            "is of another sweep: other options, another study, model, seed or version",
            where=str(path),
            remedy="Choose another --out, or remove this file.",
        )


def not_written(path: Path, error: OSError) -> OutputError:
    """The refusal of a place that cannot be written."""
    return OutputError(
        f"cannot be written: {error.strerror}", where=str(path), remedy="Choose another --out."
    )
