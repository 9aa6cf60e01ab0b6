"""This engine beside others on the flagship study; writes benchmarks/results/rivals.json.

The same model, steady, to the same effective draws of the headline quantity, or to each one's error of the
log evidence. Every contender runs alone in a process of its own, which tells the memory it takes, warm and
one after the other, all in turn; medians over `--repetitions` rounds. `contenders.py` says how each is run.
Needs the bench group: `make rivals`.

Exits with 1 when a target is missed or the log evidences disagree.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
from pathlib import Path

from measuring import keep_json, machine, stamp, table

CONTENDERS = Path(__file__).parent / "contenders.py"
RIVALS = ("numpyro", "jax", "dynesty", "nautilus-sampler", "squigglepy")
LEAST_FASTER, LEAST_FASTER_EVIDENCE, MOST_APART = 40, 100, 3.0

FIT, EVIDENCE, DRAWS = "fit", "log evidence", "a million draws of the load"
WHAT = {
    "infer": (FIT, "est.infer"),
    "pm.sample": (FIT, "pm.sample()"),
    "nutpie": (FIT, "nutpie, compiled before, refitted with new data"),
    "numpyro": (FIT, 'pm.sample(nuts_sampler="numpyro")'),
    "smc": (FIT, "pm.sample_smc()"),
    "log_evidence": (EVIDENCE, "inference.log_evidence, error 0.02"),
    "dynesty": (EVIDENCE, "dynesty, error 0.1"),
    "nautilus": (EVIDENCE, "nautilus, error 0.1"),
    "forward": (DRAWS, "draws of this library"),
    "squigglepy": (DRAWS, "squigglepy"),
}
OURS = {FIT: "infer", EVIDENCE: "log_evidence", DRAWS: "forward"}
TARGETS = {"pm.sample": LEAST_FASTER, "dynesty": LEAST_FASTER_EVIDENCE, "nautilus": LEAST_FASTER_EVIDENCE}


def ran(name, effective, limit):
    """What a contender says of its run, or why there is nothing to say."""
    command = [sys.executable, CONTENDERS, name, "--effective", str(effective), "--limit", str(limit)]
    one_thread = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | one_thread)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        return {"failed": lines[-1]}
    return json.loads(done.stdout.splitlines()[-1])


def median_of(runs):
    """One run for many: medians of the numbers, and the words of the last."""
    good = [run for run in runs if "failed" not in run]
    if not good:
        return runs[-1]
    numbers = {
        key: statistics.median(run[key] for run in good)
        for key, value in good[-1].items()
        if isinstance(value, float | int) and not isinstance(value, bool)
    }
    failures = f"; {len(runs) - len(good)} of {len(runs)} runs failed" * (len(good) < len(runs))
    return good[-1] | numbers | {"note": good[-1]["note"] + failures}


def apart(one, other):
    """How many combined errors two log evidences are apart."""
    return (one[0] - other[0]) / math.hypot(one[1], other[1])


def row_of(name, runs):
    """A contender as plain data, with its ratio to ours and whether its target holds."""
    kind, what = WHAT[name]
    run, ours = runs[name], runs[OURS[kind]]
    target = TARGETS.get(name)
    row = {"name": name, "kind": kind, "what": what, "target": target}
    if "failed" in run or "failed" in ours:
        nothing = dict.fromkeys(("seconds", "ess", "ratio"))
        note = f"did not run: {run.get('failed', ours.get('failed'))}"
        return (
            row
            | nothing
            | {"holds": None if target is None and name not in OURS.values() else False, "note": note}
        )
    row |= run | {"ess": run.get("ess"), "ratio": run["seconds"] / ours["seconds"]}
    holds = None if target is None else row["ratio"] >= target
    if kind == EVIDENCE:
        (value, error), off = run["log_evidence"], apart(run["log_evidence"], ours["log_evidence"])
        row["note"] = f"{value:.3f} ± {error:.3f}; {row['note']}"
        if run is not ours:
            row["evidence_apart"] = off
            row["note"] = f"{off:+.1f} errors from ours; {row['note']}"
            holds = holds and abs(off) < MOST_APART
    return row | {"holds": holds}


HEAD = (
    *(
        "what",
        "seconds",
        "fixed",
        "ESS",
        "ratio",
        "target",
        "",
        "default: seconds",
        "ESS of them",
        "memory, MB",
    ),
    "note",
)


def words(row):
    """A row of the table."""

    def shown(key, form):
        return "-" if row.get(key) is None else f"{row[key]:{form}}"

    seconds = shown("seconds", ".2f") + " (extrapolated)" * bool(row.get("extrapolated"))
    target = "-" if row["target"] is None else f">= {row['target']}"
    return [
        *(row["what"], seconds, shown("fixed", ".2f"), shown("ess", ",.0f"), shown("ratio", ".1f"), target),
        {None: "", True: "met", False: "missed"}[row["holds"]],
        *(shown("seconds_default", ".2f"), shown("ess_default", ",.0f"), shown("memory_mb", ",.0f")),
        row["note"].replace("|", "/"),
    ]


def main():
    """Run all, keep the rows, and fail where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--quick", action="store_true", help="400 effective draws, 20 s at most; keeps nothing"
    )
    parser.add_argument(
        "--only", action="append", choices=list(WHAT), help="this contender beside ours; keeps nothing"
    )
    parser.add_argument("--repetitions", type=int, default=1)
    asked = parser.parse_args()
    effective, limit = (400, 20.0) if asked.quick else (4000, 300.0)
    names = list(WHAT)
    if asked.only:
        wanted = {*asked.only, *(OURS[WHAT[name][0]] for name in asked.only)}
        names = [name for name in WHAT if name in wanted]
    runs = {name: [] for name in names}
    for _ in range(asked.repetitions):
        for name in names:
            runs[name].append(ran(name, effective, limit))
            print(name, json.dumps(runs[name][-1]), flush=True)
    together = {name: median_of(each) for name, each in runs.items()}
    rows = [row_of(name, together) for name in names]
    print("", table(HEAD, map(words, rows)), stamp(*RIVALS), sep="\n\n")
    if not asked.quick and not asked.only:
        settings = {"effective": effective, "limit": limit, "repetitions": asked.repetitions}
        keep_json("rivals.json", {**machine(*RIVALS), **settings, "rows": rows})
    missed = [f"{row['what']}: {row['note']}" for row in rows if row["holds"] is False]
    if missed:
        sys.exit("\n".join(["", "missed:", *missed]))


if __name__ == "__main__":
    main()
