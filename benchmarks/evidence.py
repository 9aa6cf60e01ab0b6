"""Whether the stated error of the log evidence is honest; writes benchmarks/results/evidence.md.

Twenty seeds of each cell by importance sampling, against brute_force.json: z is the distance in combined errors.
An honest error has |z| < 1 in two thirds of all fits, < 2 in 95 % and < 3 in nearly all, and is 0.05 at most.

Exits with 1 when more than one fit in a hundred is 3 errors off, or an error is above 0.05.
"""

import argparse
import math
import sys
import warnings

import numpy as np
from cells import CELLS, label, study_of
from measuring import keep, stamp, table

import estimates as est

MOST_ERROR, FURTHEST_SHARE = 0.05, 0.01


def distances(cell, seeds):
    """z and the stated error of each seed, and how many verdicts were good."""
    truth, found, good = cell["log_evidence"], [], 0
    for seed in range(1, seeds + 1):
        fit = est.infer(study_of(cell), cell["model"], engine="importance", seed=seed)
        (value, error), good = fit.log_evidence, good + (fit.trust.verdict == "good")
        found.append(
            ((value - truth["value"]) / math.hypot(error, truth["mcse"]), error, value - truth["value"])
        )
    return np.array(found).T, good


def row_of(name, z, error, off, good):
    """One line of the table."""
    shares = [f"{np.mean(np.abs(z) < k):.0%}" for k in (1, 2, 3)]
    numbers = (
        f"{z.min():+.1f} to {z.max():+.1f}",
        f"{error.max():.4f}",
        f"{off.mean():+.4f}",
        f"{np.abs(off).max():.4f}",
    )
    return [name, len(z), *shares, *numbers, f"{good}/{len(z)}"]


HEAD = [
    *("model", "fits", "z within 1", "within 2", "within 3", "z from to", "largest stated error"),
    *("mean distance", "largest distance", "good"),
]


def main():
    """Fit all, keep the table, and fail where the errors are too small or too large."""
    warnings.simplefilter("error")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    seeds = parser.parse_args().seeds
    rows, columns, goods = [], [], 0
    for cell in CELLS:
        found, good = distances(cell, seeds)
        rows.append(row_of(label(cell), *found, good))
        columns.append(found)
        goods += good
        print(*rows[-1], sep=" | ", flush=True)
    z, error, off = np.concatenate(columns, axis=1)
    rows.append(row_of("all", z, error, off, goods))
    honest = np.mean(np.abs(z) > 3) <= FURTHEST_SHARE and error.max() <= MOST_ERROR
    verdict = "The stated errors are honest." if honest else "The stated errors are NOT honest."
    keep("evidence.md", f"# Errors of the log evidence\n\n{table(HEAD, rows)}\n\n{verdict}\n\n{stamp()}")
    sys.exit(0 if honest else 1)


if __name__ == "__main__":
    main()
