"""The command line called from tests, as a user would: words in; exit code, output and messages out."""

import contextlib
import io
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from estimates.cli.program import _exit_code


class Outcome(NamedTuple):
    code: int
    out: str
    err: str


def estimates(*words: str | Path) -> Outcome:
    """What ``estimates WORDS`` prints, and its exit code, without starting another Python."""
    return _called(words, io.StringIO(), io.StringIO())


class _Screen(io.StringIO):
    """What is taken for a terminal of 80 columns."""

    def isatty(self) -> bool:
        return True


def in_terminal(*words: str | Path, typed: str = "") -> Outcome:
    """The same for a person, who sees 80 columns and has typed some lines."""
    settings = {"COLUMNS": "80", "TERM": "dumb"}
    with mock.patch.dict("os.environ", settings), mock.patch("sys.stdin", _Screen(typed)):
        return _called(words, _Screen(), io.StringIO())


def _called(words: tuple[str | Path, ...], out: io.StringIO, err: io.StringIO) -> Outcome:
    argv = ["estimates", *map(str, words)]
    with mock.patch("sys.argv", argv), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = _exit_code()
    return Outcome(code, out.getvalue(), err.getvalue())


class Terminal:
    """``estimates WORDS`` in another Python, at the keyboard and screen of a real terminal."""

    def __init__(self, *words: str, folder: Path) -> None:
        # A shell that runs the tests in the background has them, and whom they start, ignore an interrupt.
        heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
        program = f"{heard}; import os; os.login_tty(0); from estimates.cli import main; main()"
        self.keyboard, screen = os.openpty()
        self.running = subprocess.Popen(
            [sys.executable, "-c", program, *words], stdin=screen, stdout=screen, stderr=screen, cwd=folder
        )
        os.close(screen)
        self.shown = ""

    def waits_for(self, text: str, seconds: float = 60.0) -> None:
        """Until a text is shown that was not before."""
        end = time.monotonic() + seconds
        before = len(self.shown)
        while text not in self.shown[before:]:
            assert self._reads(end - time.monotonic()), f"{text!r} never came: {self.shown!r}"

    def types(self, keys: str) -> None:
        os.write(self.keyboard, keys.encode())

    def leaves_by(self, key: str) -> int:
        """The exit code after a key that ends the program, pressed again where it went unheard.

        Between showing a prompt and reading the answer Python has a moment in which it loses an interrupt:
        too short for a person, but not for a program.
        """
        for _ in range(5):
            time.sleep(0.3)
            self.types(key)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.running.wait(5.0)
                break
        return self.ends()

    def ends(self, seconds: float = 60.0) -> int:
        """The exit code, once all is shown."""
        while self._reads(seconds):
            pass
        os.close(self.keyboard)
        return self.running.wait(seconds)

    def _reads(self, seconds: float) -> bool:
        if seconds <= 0 or not select.select([self.keyboard], [], [], seconds)[0]:
            return False
        try:
            self.shown += os.read(self.keyboard, 4096).decode().replace("\r\n", "\n")
        except OSError:  # the other end was closed
            return False
        return True
