"""Every public report at once, under every model of the shelf; writes benchmarks/results/all_reports.md and .png.

What each model makes of the study `dprk-shells-all-reports-2024`, how long that takes on this machine, and how the
reports that each model would have printed lie about those that were printed. One fit after the other.

Exits with 1 when `wandering` takes more than two minutes, or chains of any model disagree or are too short.
"""

import datetime
import os
import sys
import time
import warnings

import matplotlib
import numpy as np
from measuring import RESULTS, keep, stamp, table

import estimates as est

matplotlib.use("Agg")
import matplotlib.pyplot as plt

MODELS = ("steady", "stepped", "accelerating", "lumpy", "wandering")
MOST_SECONDS, MOST_R_HAT, LEAST_ESS = 120.0, 1.01, 400.0
AT, INNER, OUTER = "aug_2024", (0.25, 0.75), (0.055, 0.945)
ENDS = (OUTER[0], 0.5, OUTER[1])
ISSUERS = {
    "rok_military": "ROK military",
    "rok_nis": "ROK NIS",
    "us_government": "US government",
    "ua_hur": "UA HUR",
    "rusi": "RUSI",
    "voa": "VOA",
    "nk_pro": "NK Pro",
    "c4ads": "C4ADS",
}
INK, QUIET, BLUE, PALE, RED = "#1a1a1a", "#6b6b6b", "#2b6ca3", "#a9c8e2", "#c2452d"


def spread(draws):
    """A median and the 89 % interval in words; draws are numbers."""
    low, middle, high = np.quantile(draws, ENDS)
    return f"{middle:,.3g} ({low:,.3g} to {high:,.3g})" if high < 1000 else _large(low, middle, high)


def _large(*numbers):
    if numbers[-1] < 1e5:
        low, middle, high = (f"{n:,.0f}" for n in numbers)
        return f"{middle} ({low} to {high})"
    low, middle, high = (f"{n / 1e6:.2f}" for n in numbers)
    return f"{middle} M ({low} to {high})"


def dates(study, draws):
    """The same for days since the epoch."""
    low, middle, high = (study.epoch + datetime.timedelta(days=round(q)) for q in np.quantile(draws, ENDS))
    return f"{middle} ({low} to {high})"


def fitted(study, model):
    """A fit and the seconds it took."""
    began = time.perf_counter()
    fit = est.infer(study, model, seed=1)
    return fit, time.perf_counter() - began


def rows(study, fits):
    """Two tables: how the fits went, and what they say."""
    went, say = [], []
    for model, (fit, seconds) in fits.items():
        trust = fit.trust
        went.append(
            [
                *(model, f"{seconds:.0f}", fit.conditions.engine, trust.verdict),
                *(f"{trust.r_hat:.4f}" if trust.r_hat else "", f"{trust.ess:,.0f}"),
                fit.data["sample_stats"].attrs.get("divergences", ""),
            ]
        )
        say.append(
            [
                model,
                dates(study, fit.quantity("first_shipment").values),
                *(spread(fit.quantity(name, AT).values) for name in ("containers", "shells_152", "shells")),
            ]
        )
    return went, say


def picture(study, fits, path):
    """One panel a model: what it would have printed, relative to what was."""
    reports = study.fitted[::-1]
    figure, panels = plt.subplots(
        1, len(fits), figsize=(3.0 * len(fits) + 2.4, 0.36 * len(reports) + 1.9), sharex=True, sharey=True
    )
    for panel, (model, (fit, _)) in zip(panels, fits.items(), strict=True):
        drawn = fit.data["posterior_predictive"]["reports"]
        for y, report in enumerate(reports):
            printed, seen = report.says.printed, report.says.seen
            values = drawn.sel(report=report.id).values.ravel()
            outer, inner = (_stood_for(report.says, *np.quantile(values, q)) for q in (OUTER, INNER))
            panel.plot(outer, [y + 0.14] * 2, color=PALE, lw=5, solid_capstyle="butt")
            panel.plot(inner, [y + 0.14] * 2, color=BLUE, lw=5, solid_capstyle="butt")
            low, high = max(seen.low / printed, 1e-3), seen.high / printed
            panel.plot([low, high if np.isfinite(high) else 1e3], [y - 0.2] * 2, color=RED, lw=2)
            panel.plot([low], [y - 0.2], "|", color=RED, ms=6, mew=2)
        panel.axvline(1.0, color=INK, lw=0.8, zorder=0)
        panel.set_title(model, loc="left", fontsize=11, fontweight="bold", color=INK)
        panel.tick_params(axis="y", length=0)
        panel.tick_params(axis="x", colors=QUIET, labelsize=9)
        panel.grid(axis="x", color="#e4e4e4", lw=0.7, zorder=0)
        panel.set_axisbelow(True)
        for side in ("top", "right", "left"):
            panel.spines[side].set_visible(False)
        panel.spines["bottom"].set_color("#bdbdbd")
    first = panels[0]
    first.set_xscale("log")
    first.set_xlim(0.24, 5.2)
    first.set_xticks([0.25, 0.5, 1, 2, 4], ["¼", "½", "1", "2", "4"])
    first.xaxis.set_minor_locator(plt.NullLocator())
    first.set_ylim(-0.7, len(reports) - 0.3)
    first.set_yticks(range(len(reports)), [_label(report) for report in reports], fontsize=9, color=INK)
    figure.suptitle(
        "What each model would have had printed, relative to what was printed",
        x=0.012,
        y=0.99,
        ha="left",
        va="top",
        fontsize=13,
        color=INK,
    )
    for x, colour, words in (
        (0.012, BLUE, "Dark: half of what the model would have had printed; pale: 89 %."),
        (0.30, RED, "What the printed words stand for; without an end where the line leaves the panel."),
        (
            0.64,
            QUIET,
            "Bars reach over all that a rounded number stands for; floors show the unrounded count.",
        ),
    ):
        figure.text(x, 0.015, words, fontsize=9.5, color=colour)
    figure.tight_layout(rect=(0, 0.035, 1, 0.985), w_pad=1.2)
    figure.savefig(path, dpi=130, facecolor="white")


def _stood_for(says, low, high):
    """From the least that the lower printed number stands for to the most that the upper one does, relative."""
    below, above = {"NEAREST": (0.5, 0.5), "FLOOR": (0.0, 1.0)}.get(says.printing.name, (0.0, 0.0))
    ends = (low - below * says.grid) / says.printed, (high + above * says.grid) / says.printed
    return np.maximum(ends, 1e-3)


def _label(report):
    issuer = ISSUERS.get(report.issuer, report.issuer.replace("_", " "))
    return f"{issuer}, {report.measures}, {report.published.day} {report.published:%b %Y}"


def main():
    """Fit all, keep the tables and the picture, and fail where a promise is broken."""
    warnings.simplefilter("error")
    study = est.read("dprk-shells-all-reports-2024")
    fits = {}
    for model in MODELS:
        fits[model] = fitted(study, model)
        print(model, f"{fits[model][1]:.0f} s", fits[model][0].trust, flush=True)
    went, say = rows(study, fits)
    picture(study, fits, RESULTS / "all_reports.png")
    wrong = [f"wandering took {fits['wandering'][1]:.0f} s"] * (fits["wandering"][1] > MOST_SECONDS)
    for model, (fit, _) in fits.items():
        short = fit.trust.ess <= LEAST_ESS or (fit.trust.r_hat or 1.0) >= MOST_R_HAT
        wrong += [f"{model}: R-hat {fit.trust.r_hat}, ESS {fit.trust.ess:.0f}"] * short
    notes = dict.fromkeys(note for fit, _ in fits.values() for note in fit.trust.notes)
    keep(
        "all_reports.md",
        "\n\n".join(
            [
                "# Every public report, under every model of the shelf",
                f"{len(study.fitted)} fitted reports of `{study.name}`; times on {os.cpu_count()} cores that others may use too.",
                table(["model", "seconds", "engine", "verdict", "R-hat", "ESS", "divergences"], went),
                *(f"- {note}" for note in notes),
                f"Medians and 89 % intervals; counts on the day of `{AT}`.",
                table(["model", "first_shipment", "containers", "shells_152", "shells"], say),
                "![What each model would have had printed](all_reports.png)",
                "All promises kept." if not wrong else "Broken: " + "; ".join(wrong) + ".",
                stamp(),
            ]
        ),
    )
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
