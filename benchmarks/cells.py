"""What agreement.py and evidence.py share: the cells, the stored brute force, and keeping a result."""

import datetime
import json
import subprocess
from importlib.metadata import version
from pathlib import Path

import estimates as est

HERE = Path(__file__).parent
STUDY = est.read()
CELLS = json.loads((HERE / "brute_force.json").read_text(encoding="utf-8"))["cells"]


def study_of(cell):
    """The flagship as the cell reads it."""
    return STUDY.variant(cell["variant"]) if cell["variant"] else STUDY


def label(cell):
    """The cell in words: steady, mid_2022."""
    return ", ".join(filter(None, (cell["model"], cell["variant"])))


def git(*words):
    """What git says, or nothing where there is none."""
    ran = subprocess.run(["git", "-C", HERE, *words], capture_output=True, text=True, check=False)
    return ran.stdout.strip()


def stamp():
    """Date, commit and the versions that a result depends on."""
    changed = " with changes" if git("status", "--porcelain", "--", "../estimates", "../models") else ""
    versions = ", ".join(f"{name} {version(name)}" for name in ("pymc", "pytensor", "nutpie", "numpy"))
    return f"{datetime.date.today().isoformat()}, commit {git('rev-parse', '--short', 'HEAD')}{changed}, {versions}."


def keep(name, text):
    """Print a result and store it in benchmarks/results/."""
    print(text)
    path = HERE / "results" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")


def table(head, rows):
    """Rows of words as a Markdown table, the first column to the left."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in (head, rule, *rows))
