"""Every law on every model of the shelf, and on both packaged studies; writes benchmarks/results/laws.md.

Also the slow ones: NUTS beside importance sampling, and a small calibration run. On studies that Hypothesis draws.

Exits with 1 when a law is broken.
"""

import argparse
import sys
import time

from measuring import keep, stamp, table

import estimates as est
from estimates import shelf, testing


def tried(checks, rows):
    """Try the checks; give what is broken."""
    broken = []
    for check in checks:
        began = time.perf_counter()
        try:
            answer = check() or "kept"
        except testing.BrokenLawError as error:
            broken.append(str(error))
            answer = "broken"
        rows.append(
            [check.subject, check.law.name, check.law.cost, answer, f"{time.perf_counter() - began:.0f}"]
        )
        print(*rows[-1], flush=True)
    return broken


def main():
    """All laws, kept as one page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--examples", type=int, default=5, help="studies drawn for each law")
    options = parser.parse_args()
    rows, broken = [], []
    for name in shelf.models():
        broken += tried(testing.model_checks(name, slow=True, examples=options.examples), rows)
    for name in ("dprk-shells-2024", "dprk-shells-all-reports-2024"):
        broken += tried(testing.study_checks(est.read(name)), rows)
    keep(
        "laws.md",
        "\n\n".join(
            [
                "# The laws, tried",
                f"{options.examples} drawn studies for each cheap law of models, one for each that needs fits.",
                table(["of", "law", "cost", "", "seconds"], rows),
                "\n".join(f"- {one}" for one in broken) or "All laws are kept.",
                stamp(),
            ]
        ),
    )
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
