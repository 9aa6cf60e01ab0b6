"""A sweep by local processes and through a local Dask cluster of two workers, one of which is killed on the way.

Needs the extra estimates[dask]. The rows must be the same to the last digit; exits with 1 where they are not.
"""

import argparse
import os
import signal
import sys
import time

import estimates as est
from estimates.multiverse import AS_READ, Multiverse, widths


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=120)
    from distributed import LocalCluster

    study, seconds = est.read(), {}
    grid = Multiverse(["steady"], [AS_READ], settings=widths(study), sample=parser.parse_args().cells)
    started = time.perf_counter()
    by_processes = est.sweep(study, grid, workers=2)
    seconds["two processes"] = time.perf_counter() - started
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        workers = [worker.pid for worker in cluster.workers.values()]

        def kill_one(share, words):
            if share > 0.2 and len(workers) == 2:
                os.kill(workers.pop(), signal.SIGKILL)
                print(f"killed a worker at: {words}")

        started = time.perf_counter()
        by_cluster = est.sweep(study, grid, workers=cluster.scheduler_address, progress=kill_one)
        seconds["Dask, one worker of two killed"] = time.perf_counter() - started
    for name, taken in seconds.items():
        print(f"{name}: {taken:.1f} s for {len(by_processes.table)} readings")
    same = by_processes.table.equals(by_cluster.table)
    print("the rows are the same" if same else "THE ROWS DIFFER")
    sys.exit(not same)


if __name__ == "__main__":
    main()
