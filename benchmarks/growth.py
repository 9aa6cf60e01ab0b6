"""How time and memory of a fit grow with reports and assumptions; writes benchmarks/results/growth.json.

Each size runs in a process of its own, which tells its memory: one fit that compiles, then one that is timed. Studies
are made up (`grown.py`), the model is steady. The exponent is that of a power law between the last two sizes.

Exits with 1 when the largest takes longer than its target.
"""

import argparse
import json
import math
import resource
import subprocess
import sys
import time

from grown import study_of
from measuring import keep_json, machine

REPORTS, ASSUMPTIONS = (2, 10, 100, 1000), (6, 10, 20, 50)
MOST_SECONDS = 2.0


def one(reports, assumptions):
    """A warm fit of one size, as plain data."""
    import estimates as est

    started = time.perf_counter()
    study = study_of(reports, assumptions)
    reading = time.perf_counter() - started
    for seed in (1, 2):
        started = time.perf_counter()
        fit = est.infer(study, "steady", seed=seed, engine="importance")
        seconds = time.perf_counter() - started
    return {
        "reports": reports,
        "assumptions": assumptions,
        "reading": reading,
        "seconds": seconds,
        "ess": fit.trust.ess,
        "verdict": fit.trust.verdict,
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def apart(reports, assumptions):
    """The same in a process of its own."""
    command = [sys.executable, __file__, "--one", str(reports), str(assumptions)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    row = json.loads(done.stdout.splitlines()[-1])
    print(row, flush=True)
    return row


def exponent(rows, along):
    """b of seconds ~ size^b between the last two sizes."""
    before, last = rows[-2:]
    return math.log(last["seconds"] / before["seconds"]) / math.log(last[along] / before[along])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--one", nargs=2, type=int, metavar=("REPORTS", "ASSUMPTIONS"))
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(one(*asked.one)))
        return
    by_reports = [apart(reports, 10) for reports in REPORTS]
    by_assumptions = [apart(2, assumptions) for assumptions in ASSUMPTIONS]
    largest = apart(REPORTS[-1], ASSUMPTIONS[-1])
    document = {
        "by_reports": by_reports,
        "by_assumptions": by_assumptions,
        "largest": largest,
        "exponent_of_reports": exponent(by_reports, "reports"),
        "exponent_of_assumptions": exponent(by_assumptions, "assumptions"),
    }
    print({key: value for key, value in document.items() if key.startswith("exponent")})
    keep_json("growth.json", machine() | document)
    sys.exit(largest["seconds"] > MOST_SECONDS)


if __name__ == "__main__":
    main()
