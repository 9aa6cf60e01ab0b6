"""What the benchmarks share: where they ran, timing in turn, tables, and keeping a result."""

import datetime
import json
import os
import platform
import statistics
import subprocess
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parent.parent
RESULTS = Path(__file__).parent / "results"
LIBRARIES = ("pymc", "pytensor", "nutpie", "numpy")


# ---- where it ran ------------------------------------------------------------------------------


def git(*words):
    """What git says, or nothing where there is none."""
    ran = subprocess.run(["git", "-C", ROOT, *words], capture_output=True, text=True, check=False)
    return ran.stdout.strip()


def commit():
    """The short name of the commit, and whether the library differs from it."""
    changed = " with changes" if git("status", "--porcelain", "--", "estimates", "models") else ""
    return git("rev-parse", "--short", "HEAD") + changed


def machine(*libraries):
    """The machine, date, commit and versions of a result, as plain data."""
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} CPUs, {platform.machine()}",
        "python": platform.python_version(),
        "commit": commit(),
        "versions": {name: version(name) for name in (*LIBRARIES, *libraries)},
    }


def stamp(*libraries):
    """The same in one line."""
    ran = machine(*libraries)
    versions = ", ".join(f"{name} {number}" for name, number in ran["versions"].items())
    return f"{ran['date']}, {ran['machine']}, Python {ran['python']}, commit {ran['commit']}, {versions}."


# ---- timing ------------------------------------------------------------------------------------


def timed(call, keep=None):
    """A task that gives the seconds that `call` takes, and keeps what it gave."""

    def task():
        started = time.perf_counter()
        given = call()
        taken = time.perf_counter() - started
        if keep is not None:
            keep.append(given)
        return taken

    return task


def in_turn(tasks, repetitions):
    """The median seconds of each task, over repetitions in which all take turns.

    A busy machine so slows all sides alike.
    """
    taken = {name: [] for name in tasks}
    for _ in range(repetitions):
        for name, task in tasks.items():
            taken[name].append(task())
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


# ---- effective draws ---------------------------------------------------------------------------


def effective(draws):
    """The bulk effective size of draws (chain, draw), by ArviZ."""
    import arviz as az
    import numpy as np

    return float(az.ess(np.asarray(draws), method="bulk"))


def effective_of(fit, quantity, at):
    """The effective draws of a quantity of an estimate.

    Equally weighted draws hide the weights that they came from: the lesser of the two counts is taken.
    """
    draws = fit.quantity(quantity, at)
    return min(effective(draws), 1 / (1 / fit.trust.ess + 1 / draws.size))


# ---- keeping -----------------------------------------------------------------------------------


def table(head, rows):
    """Rows of words as a Markdown table, the first column to the left."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in (head, rule, *rows))


def write(path, text):
    """Replace a file as a whole: who reads it meanwhile sees the old one, not half of the new."""
    path.parent.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", dir=path.parent, prefix=path.name, delete=False, encoding="utf-8"
    ) as file:
        file.write(text)
    os.chmod(file.name, 0o644)
    Path(file.name).replace(path)


def keep(name, text):
    """Print a result and store it in benchmarks/results/."""
    print(text)
    write(RESULTS / name, text + "\n")


def stored(name):
    """What `keep_json` stored, or None."""
    path = RESULTS / name
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def keep_json(name, document):
    """Store plain data in benchmarks/results/."""
    write(RESULTS / name, json.dumps(document, indent=1, allow_nan=False) + "\n")
