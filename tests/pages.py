"""The pages of the documentation, taken apart into blocks of code, and what comes of running them.

A block of `sh` or `console` holds commands; one of `console` marks them with a dollar and may show what they
print. A block of `python` is run, one of `toml` parsed. A comment directly above a block changes that:

    <!-- not run: REASON -->      only what can be checked without running it is checked
    <!-- edit: FILE -->           the tables of this TOML take the place of those in FILE, or are added to it
"""

import datetime as dt
import re
import shlex
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from command import estimates

ROOT = Path(__file__).parent.parent
CODE = ("sh", "console", "python", "toml")

_BLOCK = re.compile(r"^(?P<indent> *)```(?P<language>[^\n`]*)\n(?P<text>.*?)^(?P=indent)``` *$", re.M | re.S)
_MARK = re.compile(r"<!-- (not run|edit): ([^\n]+?) -->\n *\Z")


class Block(NamedTuple):
    """A block of code of a page, with the mark above it; start and end are places in the page's text."""

    line: int
    language: str
    text: str
    mark: str
    says: str
    start: int
    end: int


class Step(NamedTuple):
    """A command with what the page shows of its output; None where it shows nothing."""

    command: str
    shown: str | None


def blocks(page: str) -> Iterator[Block]:
    """Every block of code in the text of a page, in order."""
    for found in _BLOCK.finditer(page):
        if found["language"] in CODE:
            mark = _MARK.search(page[: found.start()])
            what, says = (mark[1], mark[2]) if mark else ("", "")
            line = page.count("\n", 0, found.start()) + 1
            text = textwrap.dedent(found["text"])
            yield Block(line, found["language"], text, what, says, found.start("text"), found.end("text"))


def steps(block: Block) -> Iterator[Step]:
    """The commands of a block of `sh` or `console`."""
    if block.language == "sh":
        yield from (Step(line, None) for line in block.text.splitlines() if line.strip())
        return
    for part in re.split(r"^\$ ", block.text, flags=re.M)[1:]:
        command, _, shown = part.partition("\n")
        yield Step(command, shown if shown.strip() else None)


def words_of(command: str) -> list[str]:
    """The words of a command as a shell would give them, without what follows a # or a |."""
    return shlex.split(command.partition(" | ")[0], comments=True)


class Shell:
    """Runs the commands of a page one after another, and keeps the last exit code."""

    def __init__(self) -> None:
        self.code = 0

    def __call__(self, command: str) -> str:
        """What a command prints; one that is no command of estimates must be marked as not run."""
        if command == "echo $?":
            said, self.code = f"{self.code}\n", 0
            return said
        name, *words = words_of(command)
        assert name == "estimates", (
            f"{command!r} cannot be run here: mark its block with <!-- not run: why -->"
        )
        assert self.code == 0, f"the command before {command!r} failed, and the page does not say so"
        done = estimates(*words)
        self.code = done.code
        return done.out + done.err


def edited(study: str, change: str) -> str:
    """A study with the tables of `change` in the place of its own of that name, or after them.

    What stands before the first table of `change` takes the place of the lines that set the same fields.
    """
    head, *tables = re.split(r"(?m)^(?=\[)", change)
    for line in filter(None, head.splitlines()):
        field = line.partition("=")[0]
        old = re.compile(rf"(?m)^{re.escape(field.rstrip())} *=.*\n|(?=^carriers =)")
        study = old.sub(lambda _, line=line: f"{line}\n", study, count=1)
    for table in tables:
        name = re.match(r'\[\[report\]\]\nid = "\w+"|\[[\w.]+\]', table)
        old = re.compile(rf"(?m)^{re.escape(name[0])}\n(?:(?!\[|#).*\n)*")
        whole = table.rstrip() + "\n\n"
        found = old.search(study)
        study = study[: found.start()] + whole + study[found.end() :] if found else _added(study, whole)
    return study.rstrip() + "\n"


def _added(study: str, table: str) -> str:
    """With a table more, after the last of its kind."""
    kind = re.match(r"\[+\w+", table)[0]
    last = [found.end() for found in re.finditer(rf"(?m)^{re.escape(kind)}.*\n(?:(?!\[|#).*\n)*", study)][-1]
    return study[:last] + table + study[last:]


# ---- what is shown beside what is printed ------------------------------------------------------------

# Of these only that they are there: they tell of one run, and the last digits of a machine move them.
_OF_A_RUN = re.compile(
    r"(?<=k-hat )-?[\d.]+|[\d,]+(?= effective draws)|(?<=log evidence )-[\d.]+ ± [\d.]+"
    r"|(?<=made )\d+ \w+ \d{4}|\b[0-9a-f]{16}\b"
)
# Monte Carlo errors, which are rough themselves.
_LAST_IN_ROW = re.compile(r"(?m)(?<= {2})[\d.,]+ *$")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TOKEN = re.compile(
    rf"(?P<day>\d{{1,2}}) (?P<month>{'|'.join(_MONTHS)})[a-z]* (?P<year>\d{{4}})|(?P<iso>\d{{4}}-\d\d-\d\d)"
    r"|(?P<number>(?<![\w.])[-+]?\d+(?:,\d{{3}})*(?:\.\d+)?(?:e[-+]?\d+)?(?![\w]))|[^\W\d]\w*|\S"
)
_SHARE, _STEPS, _DAYS = 0.1, 2, 6


def difference(shown: str, printed: str, *, exact: bool) -> str:
    """Where a page shows something else than is printed, or nothing; a line of three dots stands for any lines.

    Words must be the same. So must numbers where `exact`; else they may differ as those of two seeds
    do: by a tenth, by two steps of their last digit that is not 0, dates by six days.
    """
    parts = [_tokens(part) for part in re.split(r"(?m)^ *\.\.\. *$", shown)]
    rest, alike = _tokens(printed), str.__eq__ if exact else _alike
    if len(parts) == 1 and len(parts[0]) != len(rest):
        return f"{len(parts[0])} words are shown and {len(rest)} printed"
    for number, part in enumerate(parts):
        furthest = 0 if number == 0 else len(rest) - len(part)
        nearest = furthest if number == len(parts) - 1 and part and number else 0
        misses = []
        for start in range(nearest, max(furthest, 0) + 1):
            pairs = zip(part, rest[start:], strict=False)
            misses = [f"{one} is shown and {other} printed" for one, other in pairs if not alike(one, other)]
            if not misses and len(rest) - start >= len(part):
                rest = rest[start + len(part) :]
                break
        else:
            return "; ".join(misses) or "more is shown than printed"
    return ""


def _tokens(text: str) -> list[str]:
    text = re.sub(r"\s+", " ", _LAST_IN_ROW.sub("<error>", text))
    return [found[0] for found in _TOKEN.finditer(_OF_A_RUN.sub("<of a run>", text))]


def _alike(shown: str, printed: str) -> bool:
    if shown == printed:
        return True
    days = _day(shown), _day(printed)
    if None not in days:
        return abs((days[0] - days[1]).days) <= _DAYS
    one, other = _number(shown), _number(printed)
    if one is None or other is None:
        return False
    return abs(one - other) <= max(_SHARE * abs(one), _STEPS * _step(shown))


def _day(token: str) -> dt.date | None:
    found = _TOKEN.fullmatch(token)
    if found and found["iso"]:
        return dt.date.fromisoformat(token)
    if found and found["day"]:
        return dt.date(int(found["year"]), _MONTHS.index(found["month"]) + 1, int(found["day"]))
    return None


def _number(token: str) -> float | None:
    found = _TOKEN.fullmatch(token)
    return float(token.replace(",", "")) if found and found["number"] else None


def _step(number: str) -> float:
    """The place of the last digit that is not 0, or of the last digit after a point."""
    digits = number.replace(",", "")
    if "." in digits:
        return 10.0 ** -len(digits.partition(".")[2])
    return 10.0 ** (len(digits) - len(digits.rstrip("0"))) if digits.strip("-+0") else 1.0
