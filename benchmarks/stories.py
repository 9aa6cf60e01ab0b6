"""The flagship's rival stories compared, with only the public face; writes benchmarks/results/stories.md.

Four models under two readings: evidence, rereadings, exact leave-one-out, and the time it took on this machine.

Exits with 1 when it took more than a minute on two cores.
"""

import os
import sys
import time

from measuring import keep, stamp, table

import estimates as est

MOST_SECONDS = 60.0
MODELS, VARIANTS = ("steady", "stepped", "accelerating", "lumpy"), (None, "mid_2022")


def spread(row, form="{:,.0f}"):
    """An interval in words."""
    return f"{form.format(row['lower'])} to {form.format(row['upper'])}" if row else ""


def main():
    """Compare, keep the tables, and fail where it took too long."""
    began = time.perf_counter()
    found = est.compare(est.read(), MODELS, VARIANTS, seed=1, workers=os.cpu_count() or 1)
    seconds = time.perf_counter() - began
    document = found.document()
    fits = len(found.stories) + sum(len(read) for read in found.readings.values()) + 2 * len(found.stories)
    stories = [
        [
            story["label"],
            "{value:.3f} ± {mcse:.3f}".format(**story["log_evidence"]),
            f"{story['start']['lower']} to {story['start']['upper']}",
            ", then ".join(spread(pace, "{:.0f}") for pace in story["paces"]),
            " ".join(story["fails"]),
        ]
        for story in document["stories"]
    ]
    cases = [
        [c["story"], c["kind"], c["report"], f"{c['log_score']['value']:.2f}"] for c in document["cases"]
    ]
    keep(
        "stories.md",
        "\n\n".join(
            [
                "# Rival stories of the flagship",
                table(["story", "log evidence", "first shipment", "a day", "fails"], stories),
                "\n".join(f"- {pair['says']}" for pair in document["pairs"]),
                table(["story", "kind", "report", "log score"], cases),
                f"{fits} fits in {seconds:.0f} s on {os.cpu_count()} cores (at most {MOST_SECONDS:.0f}).",
                stamp(),
            ]
        ),
    )
    sys.exit(seconds > MOST_SECONDS)


if __name__ == "__main__":
    main()
