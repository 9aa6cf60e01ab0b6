"""Every report predicted without being shown: hindcasts and leave-one-out; writes benchmarks/results/scorecard.md.

The study with all reports under one model. A hindcast sees only what was published before; leave-one-out sees all
others. Both list every case, the share inside the 89 % interval with its own uncertainty, and the log scores.
"""

import argparse
import time

from measuring import keep, stamp, table

import estimates as est
from estimates.scores import BASELINES

STUDY, KINDS = "dprk-shells-all-reports-2024", ("hindcast", "leave-one-out")


def number(value, form="{:.2f}"):
    """A number, or a dash where there is none."""
    return "-" if value is None else form.format(value)


def section(card, seconds):
    """One kind of scorecard as text."""
    document = card.document()
    baselines = list(BASELINES)
    rows = [
        [
            case["report"],
            case["says"],
            "{:,.0f} ({:,.0f} to {:,.0f})".format(
                *(case["predicted"][k] for k in ("median", "lower", "upper"))
            ),
            f"{case['inside89']:.2f}",
            number(case["scores"]["model"]["log_score"]),
            *(number(case["scores"].get(name, {}).get("log_score")) for name in baselines),
            f"{case['engine']}, {case['trust']}",
        ]
        for case in document["cases"]
    ]
    inside = document["inside89"]
    head = ["report", "said", "predicted", "89 %", "log score", *baselines, "fit"]
    means = "; ".join(f"{name} {number(score['log_score'])}" for name, score in document["means"].items())
    left = "\n".join(f"- {one['report']}: {one['reason']}." for one in document["left_out"]) or "- none"
    return "\n\n".join(
        [
            f"## {card.kind} ({card.model})",
            table(head, rows),
            f"Inside the 89 % interval: {inside['count']:.2f} of {inside['of']}, a share of {inside['share']:.2f} "
            f"({inside['lower']:.2f} to {inside['upper']:.2f}); a report that is only a bound counts by the part of "
            f"it that lies inside. Mean log score over the {document['compared']} cases with both baselines: {means}.",
            f"Not predicted:\n\n{left}",
            f"{seconds:.0f} s.",
        ]
    )


def main():
    """Both kinds, kept as one page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="steady")
    parser.add_argument("--kind", action="append", choices=KINDS, help="one of them, or both without it")
    options = parser.parse_args()
    model, study, parts = options.model, est.read(STUDY), []
    for kind in options.kind or KINDS:
        began = time.perf_counter()
        card = est.scorecard(
            study,
            model,
            kind=kind,
            seed=1,
            progress=lambda share, words: print(f"{share:.2f} {words}", flush=True),
        )
        parts.append(section(card, time.perf_counter() - began))
        print(parts[-1], flush=True)
    keep(
        "scorecard.md", "\n\n".join([f"# Reports predicted without being shown\n\n{STUDY}", *parts, stamp()])
    )


if __name__ == "__main__":
    main()
