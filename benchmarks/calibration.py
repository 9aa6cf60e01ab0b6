"""Whether posteriors and evidences say what they should; writes docs/calibration.{json,md} and the picture.

Simulation-based calibration of the shelf on the flagship: truths from the prior, reports printed through their hedges,
fits by importance sampling, ranks in simultaneous bands that all hold with 99 %; and which model it was. The same with
two wrong likelihoods (benchmarks/wrong), which must be found out. The page is made of the JSON alone: `--page` makes it
anew.

Exits with 1 when anything of a shelf model is outside, or a wrong likelihood stays inside.
"""

import argparse
import json
import platform
import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path

from measuring import ROOT, stamp, table

import estimates as est
from estimates.files import replacing
from estimates.plots.ecdfs import ecdfs
from estimates.plots.paper import canvas, png, style
from estimates.shelf import RIVALS

DOCS, HERE = ROOT / "docs", ROOT / "benchmarks"
JSON, PAGE, PICTURE = "calibration.json", "calibration.md", "calibration.png"
WRONG = {
    "over_as_about": "fits every “over” as if it were “about”",
    "half_scatter": "takes the scatter of reports for half of what it is",
}


def told(words):
    """Progress of one run, printed when it goes on by a twentieth."""
    last = [-1.0]

    def tell(share, doing):
        if share - last[0] >= 0.05:
            last[0] = share
            print(f"{words}: {share:.0%} {doing}", flush=True)

    return tell


def timed(words, **asked):
    """A calibration, and the seconds it took."""
    began = time.perf_counter()
    found = est.calibrate(est.read(), progress=told(words), **asked)
    return found, time.perf_counter() - began


def outside_alone(shelf):
    """What would be outside if each band held with 99 % by itself: one in a hundred of those that are sound."""
    return [f"{one.by}: {one.quantity}" for one in shelf.ranked if not replace(one, checks=1).is_inside]


def measured(options):
    """The runs as one document, and the calibration of the shelf for its picture."""
    asked = {"seed": options.seed, "workers": options.workers}
    shelf, seconds = timed("shelf", models=options.models, simulations=options.simulations, **asked)
    print(*shelf.sentences(), sep="\n", flush=True)
    document = {
        "schema": 1,
        "stamp": stamp(),
        "machine": f"{platform.system()} {platform.machine()}, {options.workers} processes",
        "seconds": seconds,
        "shelf": shelf.document(),
        "outside_alone": outside_alone(shelf),
        "wrong": [],
    }
    for name in WRONG:
        path = HERE / "wrong" / f"{name}.py"
        wrong, seconds = timed(name, models=path, simulated_by="steady", simulations=options.wrong, **asked)
        print(*wrong.sentences(), sep="\n", flush=True)
        document["wrong"].append(wrong.document() | {"seconds": seconds})
    return document, shelf


def picture(shelf):
    """One panel for each model, and one for the model itself."""
    panels = [(model, [one for one in shelf.ranked if one.by == model]) for model in shelf.models]
    if shelf.index:
        panels.append(("which model it was", [shelf.index.ranked]))
    rows = -(-len(panels) // 2)
    with style():
        figure, places = canvas(3.0, panels=min(2, len(panels)), rows=rows)
        for axes, (title, ranked) in zip(places, panels, strict=False):
            ecdfs(axes, ranked, title=title)
        for axes in places[len(panels) :]:
            axes.set_axis_off()
        return png(figure, 130)


# ---- the page, from the JSON alone ---------------------------------------------------------------------------


def verdict(inside):
    """A cell of a table."""
    return "inside" if inside else "**OUTSIDE**"


def ranks_of(quantities):
    """A table of ranked quantities."""
    head = ["quantity", "largest deviation", "at", "band there", "share of the way out", "verdict"]
    rows = [
        [
            f"{one['model']}: {one['quantity']}",
            f"{one['deviation']:+.3f}",
            f"{one['at']:.2f}",
            "{:+.3f} to {:+.3f}".format(*one["band"]),
            f"{one['reach']:.2f}",
            verdict(one["inside"]),
        ]
        for one in quantities
    ]
    return table(head, rows)


def index_of(index):
    """Which model it was: ranks, shares and reliability."""
    shares = [
        [
            row["model"],
            f"{row['share']:.3f}",
            f"{row['mean']:.4f}",
            "{:.4f} to {:.4f}".format(*row["band"]),
            verdict(row["inside"]),
        ]
        for row in index["shares"]
    ]
    bins = [
        [
            f"{row['from']:.1f} to {row['to']:.1f}",
            row["cases"],
            f"{row['expected']:.1f}",
            row["came_true"],
            "{} to {}".format(*row["band"]),
            verdict(row["inside"]),
        ]
        for row in index["reliability"]
    ]
    return "\n\n".join(
        [
            "## Which model it was",
            "For each simulation a model is drawn with equal chances, and the evidence of every model on what that one "
            "printed becomes a posterior probability. Its mean must be the share of the model, and models must come true "
            "as often as they are probable.",
            ranks_of([index["ranked"]]),
            table(["model", "share", "mean posterior probability", "band", "verdict"], shares),
            table(
                [
                    "posterior probability",
                    "cases",
                    "expected to come true",
                    "came true",
                    "band",
                    "verdict",
                ],
                bins,
            ),
        ]
    )


def page(document):
    """The certificate as Markdown."""
    shelf, wrong, alone = document["shelf"], document["wrong"], document["outside_alone"]
    index = shelf["index"]
    count = len(shelf["quantities"])
    checks = count + (1 + len(index["shares"]) + len(index["reliability"]) if index else 0)
    verdicts = "; ".join(
        f"{model}: " + ", ".join(f"{number:,} {name}" for name, number in sorted(found.items(), reverse=True))
        for model, found in shelf["verdicts"].items()
    )
    left = ", ".join(f"{one['report']} ({one['wording']})" for one in shelf["left_out"]) or "none"
    parts = [
        "# Calibration",
        "<!-- Written by benchmarks/calibration.py from calibration.json; do not edit. -->",
        "Can the posteriors be taken at their word, where the world is as a model says? Truths were drawn from the prior, "
        f"the reports of `{shelf['study']}` were printed from them through their hedges, and the model was fitted to what "
        "was printed, by importance sampling with the targets of a fit on its own. Each truth then has a rank in its "
        "posterior; if prior, "
        "printing, likelihood and engine belong together, the ranks are uniform. This says nothing of whether the world "
        "is like the models.",
        f"**{'Calibrated' if shelf['calibrated'] else 'NOT calibrated'}.** {shelf['says']}",
        f"{checks} checks of the shelf stand on this page; where all is sound, all of them hold with 99 %. Quantities of "
        "one model are ranked on the same simulations and go together.",
        "![Ranks of each model, less uniform ones, with the band in which uniform ranks stay](_static/calibration.png)",
        "## Ranked quantities",
        "The deviation is that of the empirical distribution of the ranks from the uniform one. The band holds the whole "
        "line as often as that asks for; it is compared at every point, and the last number says how far of the way out "
        "the line goes where it goes farthest: 1 is outside.",
        ranks_of(shelf["quantities"]),
        f"If each band held with 99 % by itself, {count - len(alone)} of {count} "
        f"would be inside{': not ' + ' and '.join(alone) if alone else ''}.",
        f"Verdicts on the fits, all of which are among the ranks: {verdicts}. Reports left out because no simulation "
        f"reproduces their wording: {left}.",
        *([index_of(index)] if index else []),
        "## Wrong likelihoods",
        "The same check of fits that are wrong on purpose, to reports that `steady` printed. It must find them out.",
        *(
            f"{one['models'][0]['model']}, which {WRONG[one['models'][0]['model']]}: "
            + ("**NOT found out**" if one["calibrated"] else "found out")
            + f" in {one['simulations']:,} simulations.\n\n{ranks_of(one['quantities'])}"
            for one in wrong
        ),
        "## Conditions",
        f"Study {shelf['study']} `{shelf['fingerprint']}`; models "
        + ", ".join(f"{one['model']} `{one['model_digest']}`" for one in shelf["models"])
        + f". {shelf['simulations']:,} simulations of each, seed {shelf['seed']}. {document['machine']}, "
        f"{document['seconds'] / 60:.0f} minutes for the shelf. {document['stamp']}",
        "Talts et al. (2018), arXiv:1804.06788; Modrak et al. (2023), doi:10.1214/23-BA1404; Säilynoja et al. (2022), "
        "doi:10.1007/s11222-022-10090-6; Schad et al. (2023), doi:10.1037/met0000472.",
    ]
    return "\n\n".join(parts) + "\n"


def passed(document):
    """Whether everything right is inside and everything wrong is found out."""
    return document["shelf"]["calibrated"] and not any(one["calibrated"] for one in document["wrong"])


def keep(path, content):
    """Replace a file as a whole."""
    with replacing(path) as temporary:
        temporary.write_bytes(content if isinstance(content, bytes) else content.encode())


def main():
    """Measure, keep, and fail where something is not as it should be."""
    warnings.simplefilter("error")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulations", type=int, default=1000, help="of each model")
    parser.add_argument("--wrong", type=int, default=300, help="of each wrong likelihood")
    parser.add_argument("--models", type=lambda names: names.split(","), default=list(RIVALS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--page", action="store_true", help="only make the page anew from the JSON")
    parser.add_argument("--out", type=Path, help="a folder to write to instead of docs/")
    options = parser.parse_args()
    folder = options.out or DOCS
    if options.page:
        document = json.loads((folder / JSON).read_text(encoding="utf-8"))
    else:
        document, shelf = measured(options)
        keep(folder / JSON, json.dumps(document, indent=1, ensure_ascii=False) + "\n")
        keep(folder / "_static" / PICTURE, picture(shelf))
    keep(folder / PAGE, page(document))
    sys.exit(0 if passed(document) else 1)


if __name__ == "__main__":
    main()
