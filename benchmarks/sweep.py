"""A sweep of many readings of the flagship on two processes; writes benchmarks/results/sweep.json.

Every prior as read, half and twice as wide, "over" as read and open. The sweep is made once without a pause, which is
timed; then once more, killed in the middle and gone on with: the two tables must be the same.
Readings that differ in the load alone share a posterior, so both are counted.

Exits with 1 when a target is missed or the tables differ.
"""

import argparse
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measuring import keep_json, machine

import estimates as est
from estimates.inference.brief import DRAWS
from estimates.inference.proposal import SCRAMBLES
from estimates.multiverse import AS_READ, Multiverse, widths
from estimates.shelf import RIVALS
from estimates.sweeping import JOURNAL

LEAST_A_SECOND = 25


def swept(asked, out, progress=None):
    """The sweep in a folder."""
    study = est.read()
    grid = Multiverse(asked.models.split(","), [AS_READ], settings=widths(study), sample=asked.cells)
    return est.sweep(study, grid, out=out, workers=asked.workers, progress=progress)


def killed_at(share, out, asked):
    """Begin the sweep in a process of its own, and kill that and its workers when so many rows are there."""
    command = [sys.executable, __file__, *sys.argv[1:], "--into", out]
    child = subprocess.Popen(command, start_new_session=True)
    journal = Path(out) / JOURNAL
    while child.poll() is None:
        rows = journal.read_bytes().count(b"\n") - 1 if journal.exists() else 0
        if rows >= share * asked.cells:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            return rows
        time.sleep(0.1)
    sys.exit("the sweep ended before it could be killed")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=10_000)
    parser.add_argument("--models", default=",".join(RIVALS))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--into", help="only make the sweep, in this folder")
    asked = parser.parse_args()
    if asked.into:
        swept(asked, asked.into)
        return
    marks = []

    def mark(share, words):
        if words.startswith("0 of"):
            marks.append(time.perf_counter() - started)

    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        found = swept(asked, f"{folder}/whole", mark)
        seconds = time.perf_counter() - started
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        rows = killed_at(0.5, f"{folder}/killed", asked)
        print(f"killed with {rows:,} rows", flush=True)
        again = swept(asked, f"{folder}/killed")
    table = found.table
    posteriors = table.groupby("model", observed=True)["log_evidence"].nunique()
    ess = 1 / (1 / table["ess"] + 1 / (SCRAMBLES * DRAWS))  # less what resampling adds
    row = {
        "cells": len(table),
        "models": asked.models,
        "workers": asked.workers,
        "seconds": seconds,
        "scouting": marks[-1],
        "rows_a_second": len(table) / seconds,
        "posteriors": int(posteriors.sum()),
        "posteriors_a_second": float(posteriors.sum() / seconds),
        "effective_a_second": float(ess.sum() / seconds),
        "effective_of_posteriors_a_second": float(
            ess[~table[["model", "log_evidence"]].duplicated()].sum() / seconds
        ),
        "median_ess": float(ess.median()),
        "verdicts": found.verdicts(),
        "worker_mb": peak,
        "parent_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "killed_with": rows,
        "same_after_kill": bool(again.table.equals(table)),
    }
    for name, value in row.items():
        print(f"{name}: {value:,.1f}" if isinstance(value, float) else f"{name}: {value}")
    if asked.cells == 10_000:
        keep_json("sweep.json", machine() | row)
    sys.exit(not (row["same_after_kill"] and row["rows_a_second"] >= LEAST_A_SECOND))


if __name__ == "__main__":
    main()
