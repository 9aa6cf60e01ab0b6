"""A sweep by local processes and through a local Dask cluster of two workers; writes benchmarks/results/cluster.json.

Once as it is, which is timed, and once with a worker killed on the way. The rows must be the same to the last digit.
Needs the extra estimates[dask]. Exits with 1 when rows differ or the cluster is slower than its target.
"""

import argparse
import os
import signal
import sys
import time

from measuring import keep_json, machine

import estimates as est
from estimates.multiverse import AS_READ, Multiverse, widths

LEAST_SHARE = 0.85


def through_dask(study, grid, *, kill):
    """The sweep through two new workers, its seconds, and at what words one of them was killed."""
    from distributed import LocalCluster

    words_then = []
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        pids = [worker.pid for worker in cluster.workers.values()]

        def kill_one(share, words):
            if kill and share > 0.3 and not words_then:
                os.kill(pids[0], signal.SIGKILL)
                words_then.append(words)

        started = time.perf_counter()
        found = est.sweep(study, grid, workers=cluster.scheduler_address, progress=kill_one)
        return found, time.perf_counter() - started, "".join(words_then)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=2000)
    parser.add_argument("--models", default="steady")
    asked = parser.parse_args()
    study = est.read()
    grid = Multiverse(asked.models.split(","), [AS_READ], settings=widths(study), sample=asked.cells)
    started = time.perf_counter()
    local = est.sweep(study, grid, workers=2)
    seconds = time.perf_counter() - started
    whole, seconds_whole, _ = through_dask(study, grid, kill=False)
    killed, seconds_killed, then = through_dask(study, grid, kill=True)
    row = {
        "cells": asked.cells,
        "models": asked.models,
        "seconds_local": seconds,
        "seconds_dask": seconds_whole,
        "seconds_killed": seconds_killed,
        "killed_at": then,
        "share_of_local": seconds / seconds_whole,
        "same_rows": bool(local.table.equals(whole.table)),
        "same_rows_killed": bool(then and local.table.equals(killed.table)),
    }
    for name, value in row.items():
        print(f"{name}: {value}")
    keep_json("cluster.json", machine("distributed") | row)
    sys.exit(not (row["same_rows"] and row["same_rows_killed"] and row["share_of_local"] >= LEAST_SHARE))


if __name__ == "__main__":
    main()
