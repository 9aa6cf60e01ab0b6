"""How many readings of the flagship are fitted in a second on two processes, every prior of other widths.

Prints rows a second with and without the scouting, verdicts, effective draws and memory.
"""

import argparse
import resource
import time

import estimates as est
from estimates.multiverse import AS_READ, Multiverse, widths


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=10_000)
    parser.add_argument("--models", default="steady,stepped,accelerating,lumpy")
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    study, marks = est.read(), []
    grid = Multiverse(asked.models.split(","), [AS_READ], settings=widths(study), sample=asked.cells)
    started = time.perf_counter()

    def mark(share, words):
        if words.startswith("0 of"):
            marks.append(time.perf_counter() - started)

    found = est.sweep(study, grid, workers=asked.workers, progress=mark)
    whole = time.perf_counter() - started
    rows = len(found.table)
    print(f"{rows:,} readings of {asked.models} in {whole:.0f} s: {rows / whole:.1f} a second")
    print(f"scouting {marks[-1]:.0f} s, then {rows / (whole - marks[-1]):.1f} a second")
    print(f"verdicts {found.verdicts()}, median effective draws {found.table['ess'].median():,.0f}")
    for who, of in ((resource.RUSAGE_SELF, "parent"), (resource.RUSAGE_CHILDREN, "largest worker")):
        print(f"{of}: {resource.getrusage(who).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
