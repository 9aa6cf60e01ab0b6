"""Writes what commands print into the pages: python docs/transcripts.py [PAGE ...].

Every block of `console` that shows some output gets what is printed now. Blocks that the tests do not run for
the time they take are run here. An output that is cut by a line of three dots stays as it was written.
"""

import os
import shutil
import sys
import tempfile
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

import pages  # noqa: E402 - it lies beside the tests

WIDTH = 86
SLOW = "takes a minute"


def written(text: str) -> str:
    """A page with what its commands print now."""
    shell, made, last = pages.Shell(), [], 0
    for block in pages.blocks(text):
        if block.mark == "edit":
            study = Path(block.says)
            study.write_text(pages.edited(study.read_text(encoding="utf-8"), block.text), encoding="utf-8")
        elif block.language in ("sh", "console") and block.mark in ("", SLOW, "not run"):
            if block.mark == "not run" and block.says != SLOW:
                continue
            parts = [
                f"$ {step.command}\n{_shown(shell(step.command), step.shown)}" for step in pages.steps(block)
            ]
            if block.language == "console" and block.text.startswith("$ "):
                made += [text[last : block.start], "".join(parts)]
                last = block.end
    return "".join([*made, text[last:]])


def _shown(printed: str, before: str | None) -> str:
    if before is None or "\n...\n" in f"\n{before}":
        return before or ""
    lines = (line.rstrip() for line in printed.rstrip("\n").splitlines())
    return "".join(f"{line}\n" for long in lines for line in _wrapped(long))


def _wrapped(line: str) -> list[str]:
    """A sentence in lines, as a terminal would break it; a row of a table stays one."""
    if len(line) <= WIDTH or "  " in line.strip():
        return [line]
    indent = line[: len(line) - len(line.lstrip())]
    return textwrap.wrap(
        line, WIDTH, break_long_words=False, break_on_hyphens=False, subsequent_indent=indent * 2
    )


def main() -> None:
    """Write the pages that show output, or those that are named."""
    named = [Path(name).resolve() for name in sys.argv[1:]]
    for page in named or [ROOT / "docs/first-hour.md", ROOT / "docs/compare.md"]:
        text = page.read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(ROOT / "docs/examples", Path(folder) / "docs/examples")
            os.chdir(folder)
            text = written(text)
            os.chdir(ROOT)
        page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
