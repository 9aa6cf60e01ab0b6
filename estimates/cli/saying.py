"""Printing: tables, sentences, JSON, bars, and what to do next."""

import json
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from estimates.cli.options import RIVALS

NEXT = {
    "run": ("rival stories of the same reports", "compare"),
    "run, without rivals": ("which assumption carries the answer", "sensitivity"),
    "run, bad": ("what the model breaks", "check --laws"),
    "check": ("fit it", "run"),
    "check, incomplete": ("with what is missing pasted in", "check"),
    "compare": ("which claims hold, and under which stories", "claims"),
    "compare, no claims": ("which assumption carries the answer", "sensitivity"),
    "claims": ("what it would take to overturn one", "falsify"),
    "falsify": ("which assumption carries the answer", "sensitivity"),
    "sensitivity": ("which of all choices move the answer", "sweep --widths --cells 500"),
    "sweep": ("a count that is still to come", "forecast"),
    "forecast": ("keep it, to be scored when the report comes", "forecast"),
    "resolve": ("every past report, forecast and scored", "forecast --scorecard"),
    "scorecard": ("a count that is still to come", "forecast"),
}
"""After each command, what a person may ask next, and the command that answers it."""

_LEFT_OUT = {"model": "steady", "models": RIVALS, "seed": 1, "engine": "auto"}
"""Options that need not be said."""


def say(*parts: Any) -> None:
    """Print tables, sentences, and texts that stay as they are.

    Sentences are broken between words on a terminal, and stay whole lines elsewhere, for grep.
    """
    from rich.console import Console
    from rich.text import Text

    from estimates.tables import plain, wrapped

    on_terminal = sys.stdout.isatty()
    console = Console(highlight=False, markup=False, emoji=False, width=None if on_terminal else 120)
    for part in parts:
        sentence = isinstance(part, str)
        text = plain(part) if sentence else part
        console.print(
            wrapped(text, console.width) if sentence and on_terminal else text,
            soft_wrap=isinstance(part, str | Text),
        )


def say_json(document: dict[str, Any]) -> None:
    """Print a document, in letters that the output can show."""
    print(json_text(document, plain=(sys.stdout.encoding or "ascii").lower() != "utf-8"))


def json_text(document: dict[str, Any], *, plain: bool = False) -> str:
    """A document as JSON; plain is ASCII alone."""
    return json.dumps(document, indent=1, ensure_ascii=plain, allow_nan=False)


def say_next(done: str, *words: str, **options: object) -> None:
    """One line of what to do next, to people alone: a command with the words and options of the last one."""
    if not sys.stdout.isatty():
        return
    from rich.text import Text

    from estimates.tables import plain

    why, command = NEXT[done]
    said = {name: value for name, value in options.items() if value not in (None, _LEFT_OUT.get(name))}
    pairs = [word for name, value in said.items() for word in (f"--{name}", str(value))]
    line = shlex.join(["estimates", *command.split(), *words, *pairs])
    say(Text(plain(f"Next, {why}: {line}")))  # a text is not broken into lines, so that it can be copied


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[float, str], None] | None]:
    """A bar on stderr while something takes long; nothing where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[doing]}"),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    console.width -= 3  # room for the ^C that a terminal shows: on a line of its own the bar would stay
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(escape(what), total=1.0, doing="building the model")
        yield lambda share, doing: bar.update(task, completed=share, doing=doing)
