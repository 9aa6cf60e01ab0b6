"""Results as small tables of HTML, for notebooks. It arranges texts and escapes every one of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any

from estimates import words

MOST_ROWS = 12
"""A table shows at most so many rows; what is left out is counted."""

# Colours come from the notebook, light or dark: only lines and spaces are set.
_LINE = "1px solid rgba(128, 128, 128, .35)"
_BOX = "max-width: 60em; line-height: 1.45; margin: .4em 0"
_TITLE = "font-weight: 600; font-size: 1.08em; margin-bottom: .35em"
_TABLE = "border-collapse: collapse; margin: 0 0 .5em 0; background: transparent"
_CELL = f"padding: .15em .7em .15em 0; border: 0; border-bottom: {_LINE}; vertical-align: top"
_NOTE = "opacity: .8; font-size: .92em; margin: .1em 0"

type Rows = Sequence[Sequence[str]]


def table(columns: Sequence[str], rows: Rows, *, right: Sequence[str] = ()) -> str:
    """A table of texts.

    Parameters
    ----------
    columns : sequence of str
    rows : sequence of rows
        A text for each column. From `MOST_ROWS` on they are counted instead of shown.
    right : sequence of str
        The columns of numbers, set to the right.

    Examples
    --------
    >>> "<td" in table(["name"], [["<b>"]]), "<b>" in table(["name"], [["<b>"]])
    (True, False)
    """
    sides = ["right" if column in right else "left" for column in columns]
    head = "".join(_cell("th", column, side) for column, side in zip(columns, sides, strict=True))
    body = "".join(
        f"<tr>{''.join(_cell('td', text, side) for text, side in zip(row, sides, strict=True))}</tr>"
        for row in rows[:MOST_ROWS]
    )
    more = len(rows) - MOST_ROWS
    left_out = note(f"and {more} more") if more > 0 else ""
    return f'<table style="{_TABLE}"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{left_out}'


def _cell(tag: str, text: str, side: str) -> str:
    scope = ' scope="col"' if tag == "th" else ""
    return f'<{tag}{scope} style="{_CELL}; text-align: {side}">{escape(text)}</{tag}>'


def note(text: str) -> str:
    """A line under a table."""
    return f'<div style="{_NOTE}">{escape(text)}</div>'


def shown(title: str, parts: Iterable[str]) -> str:
    """A title over tables and notes, as one block.

    Parameters
    ----------
    title : str
    parts : iterable of str
        What `table` and `note` gave.
    """
    return f'<div style="{_BOX}"><div style="{_TITLE}">{escape(title)}</div>{"".join(parts)}</div>'


def numbers(row: Mapping[str, Any], unit: str, error: float = 0.0) -> list[str]:
    """Median, interval and unit of a row with ``lower``, ``median`` and ``upper``, in words."""
    half = (row["upper"] - row["lower"]) / 2
    return [
        words.number(row["median"], half, error),
        words.interval(row["lower"], row["upper"], error),
        words.units(unit),
    ]


def day(date: str | None) -> str:
    """A day in words; nothing for what is the same on every day."""
    return words.date_words(date, short=True) if date else ""


def conditions(document: Mapping[str, Any]) -> Iterator[str]:
    """Notes of what a fit rests on: its verdict with the reasons, and what makes it again.

    Parameters
    ----------
    document : mapping
        With ``trust``, ``log_evidence``, ``model``, ``variant``, ``engine``, ``seed`` and ``fingerprint``.
    """
    yield note(words.trusted(document["trust"], document["log_evidence"]))
    yield from (note(found) for found in document["trust"]["notes"])
    reading = f", variant {document['variant']}" if document["variant"] else ""
    yield note(
        f"Model {document['model']}{reading}, {document['engine']}, seed {document['seed']}, "
        f"study {document['fingerprint']}."
    )
