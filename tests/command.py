"""The command line called from tests, as a user would: words in; exit code, output and messages out."""

import contextlib
import io
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from estimates import cli


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


def estimates(*words: str | Path) -> Outcome:
    """What ``estimates WORDS`` prints, and its exit code, without starting another Python."""
    out, err = io.StringIO(), io.StringIO()
    argv = ["estimates", *map(str, words)]
    with mock.patch("sys.argv", argv), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli._exit_code()
    return Outcome(code, out.getvalue(), err.getvalue())
