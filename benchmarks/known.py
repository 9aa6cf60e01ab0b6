"""Well-known posteriors by the engines of this library; writes benchmarks/results/known.json.

Every posterior of `posteriors.py` by `est.sample` with engine auto and importance, against exact moments or a
long run of NUTS (`--reference` makes it anew), and beside `pm.sample()` with its defaults. A mean is off by
so many posterior standard deviations, a standard deviation by so large a part of itself; the worst unknown
counts. A row passes when both are below 0.05, the effective draws are 10,000 or more, and it took a tenth of
the time that `pm.sample()` takes to as many or less; or when the verdict is not good, which is an answer too.
A good verdict with a wrong answer is never one, with any of some further seeds either: of two hills one may be
missed now and then.

Times are warm: the first call of each in the process is not timed. `pm.sample()` gets all its defaults but the
draws, which are those that its default run says it needs for 10,000 effective draws of the worst unknown;
where that is more than `MOST_TIMES` its default, the time is extrapolated from the run with so many.
Exits with 1 when a row fails.
"""

import argparse
import json
import logging
import math
import sys
import warnings

import numpy as np
import pymc as pm
from measuring import in_turn, keep_json, machine, stamp, stored, table, timed
from posteriors import POSTERIORS

import estimates as est
from estimates.errors import EngineError
from estimates.inference.density import compile_density

MOST_TIMES = 10
FURTHER_SEEDS = range(2, 13)
"""Of importance sampling; NUTS would take hours."""

MOST_ERROR, LEAST_EFFECTIVE, LEAST_FASTER = 0.05, 10_000, 10
ENGINES = ("auto", "importance")
REFERENCE = "known_reference.json"
NUTS = {"draws": 10_000, "tune": 2_000, "chains": 4, "cores": 2, "target_accept": 0.95, "seed": 1}
SHARP, MOST_DRAWS = 0.01, 160_000
"""A reference knows each mean, and each standard deviation, to this part of the latter; its chains are made longer
until then."""


# ---- the truth ---------------------------------------------------------------------------------


def fingerprint(model):
    """The log density of a model at a few fixed points, which tells whether a reference is still of it."""
    density = compile_density(model)
    points = 0.3 * np.random.default_rng(1).normal(size=(3, density.dimension))
    return [float(value) for value in sum(density.evaluate(points))]


def is_of(reference, posterior):
    """Whether a stored reference is of this posterior as it is now."""
    known = reference.get("log_density", [])
    return len(known) > 0 and np.allclose(known, fingerprint(posterior.build()), rtol=1e-6)


def moments(draws):
    """Mean and standard deviation of every element of draws (chain, draw, ...)."""
    values = np.asarray(draws, dtype=float)
    return values.mean(axis=(0, 1)), values.std(axis=(0, 1), ddof=1)


def referenced(posterior):
    """Moments by a long run of NUTS, their Monte Carlo errors in standard deviations, and its settings."""
    import arviz as az
    import nutpie

    model = nutpie.compile_pymc_model((posterior.reference or posterior.build)())
    draws = NUTS["draws"]
    while True:
        trace = nutpie.sample(model, progress_bar=False, save_warmup=False, **NUTS | {"draws": draws})
        chains = {name: np.asarray(trace["posterior"][name]) for name in posterior.compared}
        flat = np.concatenate([value.reshape(*value.shape[:2], -1) for value in chains.values()], axis=2)
        columns = [flat[:, :, i] for i in range(flat.shape[2])]
        error = {
            kind: max(float(az.mcse(column, method=kind)) / column.std() for column in columns)
            for kind in ("mean", "sd")
        }
        if max(error.values()) < SHARP or 2 * draws > MOST_DRAWS:
            break
        draws *= 2
    found = {name: [part.tolist() for part in moments(value)] for name, value in chains.items()}
    return {
        "moments": found,
        **{f"mcse_{kind}_in_sd": value for kind, value in error.items()},
        "r_hat": max(float(az.rhat(column)) for column in columns),
        "divergences": int(trace["sample_stats"]["diverging"].sum()),
        "settings": {"sampler": "nutpie", "model": (posterior.reference or posterior.build).__name__}
        | NUTS
        | {"draws": draws},
        "log_density": fingerprint(posterior.build()),
    }


def references_so_far():
    """The references made so far, by name."""
    return (stored(REFERENCE) or {"posteriors": {}})["posteriors"]


def truth_of(name, references):
    """The moments to compare with, from closed form or the stored reference."""
    posterior = POSTERIORS[name]
    if posterior.exact:
        return posterior.exact
    if not is_of(references.get(name, {}), posterior):
        sys.exit(
            f"no reference of {name} as it is now: python benchmarks/known.py --reference --only '{name}'"
        )
    return references[name]["moments"]


# ---- our own -----------------------------------------------------------------------------------


def fitted(model, engine, seed=1):
    """The tree that `est.sample` gives, or why it gives none: a refusal, or a defect of ours.

    With the groups that `pm.sample` gives: neither draws data.
    """
    try:
        return est.sample(model, seed=seed, engine=engine, predictive=False)
    except Exception as error:  # one that is no EngineError fails its row below
        return error


def errors(tree, truth):
    """The worst error of a mean in standard deviations and of a standard deviation, each with its unknown."""
    worst = {"mean": (0.0, ""), "sd": (0.0, "")}
    for name, (mean, sd) in truth.items():
        found_mean, found_sd = moments(tree["posterior"][name])
        off = {
            "mean": np.max(np.abs(found_mean - mean) / sd),
            "sd": np.max(np.abs(found_sd / sd - 1)),
        }
        worst = {
            kind: max(worst[kind], (float(off[kind]), name), key=lambda pair: np.nan_to_num(pair[0], nan=9e9))
            for kind in worst
        }
    return worst


def is_wrong(verdict, mean_error, sd_error):
    """Whether a good verdict was given to a wrong answer."""
    return verdict == "good" and not max(mean_error, sd_error) < MOST_ERROR


def wrong_seeds(model, truth):
    """Those of the further seeds whose answer is wrong and whose verdict is good."""
    trees = {seed: fitted(model, "importance", seed) for seed in FURTHER_SEEDS}
    return [
        seed
        for seed, tree in trees.items()
        if not isinstance(tree, EngineError)
        and is_wrong(
            json.loads(tree.attrs["trust"])["verdict"], *(off for off, _ in errors(tree, truth).values())
        )
    ]


def evidence_off(tree, posterior):
    """How many of its errors the log evidence is from the exact one; None where either is not known."""
    if posterior.log_evidence is None or "log_evidence" not in tree.attrs:
        return None
    return (tree.attrs["log_evidence"] - posterior.log_evidence) / tree.attrs["log_evidence_mcse"]


def failures(row):
    """What keeps a row from passing, in words."""
    seeds = [1] * is_wrong(row["verdict"], row["mean_error"], row["sd_error"]) + row["wrong_seeds"]
    found = [f"WRONG with a good verdict, seeds {', '.join(map(str, seeds))}"] if seeds else []
    if row["verdict"] != "good":
        return found
    return (
        found
        + ["few effective draws"] * (row["ess"] < LEAST_EFFECTIVE)
        + ["slow"] * (row["ratio"] < LEAST_FASTER)
    )


def row_of(name, engine, tree, truth, seconds, theirs, wrong):
    """One engine on one posterior, as plain data."""
    row = {
        "name": name,
        "engine": engine,
        "unknowns": None,
        "seconds": seconds[engine],
        "seconds_pm_sample": theirs["seconds"],
        "is_extrapolated": theirs["is_extrapolated"],
        "ess_of_default_pm_sample": theirs["ess_of_default"],
        "seconds_of_default_pm_sample": theirs["seconds_of_default"],
        "ratio": theirs["seconds"] / seconds[engine],
        "wrong_seeds": wrong,
        "note": POSTERIORS[name].note,
    }
    if isinstance(tree, Exception):
        nothing = ("mean_error", "sd_error", "worst", "ess", "pareto_k", "r_hat", "evidence_off", "used")
        refused = isinstance(tree, EngineError)
        return (
            row
            | dict.fromkeys(nothing)
            | {
                "verdict": "refused" if refused else "crashed",
                "reason": f"{type(tree).__name__}: {tree}",
                "failures": [] if refused else [f"CRASHED with {type(tree).__name__}: {tree}"],
            }
        )
    trust, worst = json.loads(tree.attrs["trust"]), errors(tree, truth)
    row |= {
        "unknowns": sum(
            tree["posterior"][each][0, 0].size for each in tree["posterior"].attrs["fitted"].split(",")
        ),
        "used": tree.attrs["engine"],
        "mean_error": worst["mean"][0],
        "sd_error": worst["sd"][0],
        "worst": f"{worst['mean'][1]}, {worst['sd'][1]}",
        "ess": trust["ess"],
        "pareto_k": trust["pareto_k"],
        "r_hat": trust["r_hat"],
        "verdict": trust["verdict"],
        "evidence_off": evidence_off(tree, POSTERIORS[name]),
        "reason": tree.attrs["engine_reason"],
    }
    return row | {"failures": failures(row)}


# ---- side by side ------------------------------------------------------------------------------


def by_default(model, draws=1000):
    """`pm.sample()` as a user calls it, with its complaints left out; 1000 draws a chain are its default."""
    return pm.sample(draws, model=model, progressbar=False, quiet=True, random_seed=1)


def least_effective(trace, names):
    """The effective draws of the unknown that has the fewest."""
    import arviz as az

    found = az.ess(trace["posterior"].to_dataset()[list(names)], method="bulk")
    return min(float(found[name].min()) for name in names)


def draws_to_as_many(model, names):
    """A run of `pm.sample()` with its defaults, and the draws a chain that it says `LEAST_EFFECTIVE` take."""
    kept = []
    seconds = timed(lambda: by_default(model), kept)()
    ess = least_effective(kept[0], names)
    draws = math.ceil(min(max(1.1 * 1000 * LEAST_EFFECTIVE / ess, 1000), MOST_TIMES * 1000))
    return {"seconds_of_default": seconds, "ess_of_default": ess}, draws


def compared(name, truth, repetitions):
    """The rows of one posterior."""
    model, names = POSTERIORS[name].build(), list(truth)
    kept = {engine: [] for engine in (*ENGINES, "pm.sample")}
    tasks = {engine: timed(lambda e=engine: fitted(model, e), kept[engine]) for engine in ENGINES}
    by_default(model)
    for task in tasks.values():
        task()
    theirs, draws = draws_to_as_many(model, names)
    tasks["pm.sample"] = timed(lambda: by_default(model, draws), kept["pm.sample"])
    seconds = in_turn(tasks, repetitions)
    reached = least_effective(kept["pm.sample"][-1], names)
    theirs["seconds"] = seconds["pm.sample"] * max(1.0, LEAST_EFFECTIVE / reached)
    theirs["is_extrapolated"] = reached < LEAST_EFFECTIVE
    wrong = {"auto": [], "importance": wrong_seeds(model, truth)}
    return [
        row_of(name, engine, kept[engine][-1], truth, seconds, theirs, wrong[engine]) for engine in ENGINES
    ]


HEAD = (
    *("posterior", "unknowns", "engine", "mean off", "sd off", "worst", "ESS", "k-hat", "R-hat", "verdict"),
    *("evidence off", "seconds", "pm.sample to as many", "ratio", "its default: seconds", "ESS", ""),
)


def words(row):
    """A row of the table."""

    def shown(key, form):
        value = row[key]
        return "-" if value is None or not math.isfinite(value) else f"{value:{form}}"

    used = row["engine"] if row["used"] in (None, row["engine"]) else f"{row['engine']}: {row['used']}"
    return [
        *(row["name"], shown("unknowns", "d"), used, shown("mean_error", ".3f"), shown("sd_error", ".3f")),
        *(row["worst"] or "-", shown("ess", ",.0f"), shown("pareto_k", ".2f"), shown("r_hat", ".3f")),
        *(row["verdict"], shown("evidence_off", "+.1f"), shown("seconds", ".2f")),
        shown("seconds_pm_sample", ".2f") + " (extrapolated)" * row["is_extrapolated"],
        *(shown("ratio", ".1f"), shown("seconds_of_default_pm_sample", ".2f")),
        shown("ess_of_default_pm_sample", ",.0f"),
        "; ".join(row["failures"]) or "passes",
    ]


def finite(row):
    """A row as JSON can hold it: what is not finite becomes null."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in row.items()
    }


def make_references(names):
    """Make the references of these posteriors anew, keeping the others."""
    references = references_so_far()
    for name in names:
        if POSTERIORS[name].exact:
            continue
        references[name] = referenced(POSTERIORS[name])
        found = references[name]
        print(
            f"{name}: errors {found['mcse_mean_in_sd']:.4f} and {found['mcse_sd_in_sd']:.4f} sd, "
            f"R-hat {found['r_hat']:.4f}, {found['divergences']} divergent, {found['settings']['draws']} draws a chain",
            flush=True,
        )
        keep_json(REFERENCE, {**machine(), "posteriors": references})


def main():
    """Fit all, keep the rows, and fail where one does not pass."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only", action="append", choices=list(POSTERIORS), help="this posterior; may be given again"
    )
    parser.add_argument("--reference", action="store_true", help="make the long runs of NUTS anew, and stop")
    parser.add_argument("--repetitions", type=int, default=5, help="of all in turn; medians are told")
    asked = parser.parse_args()
    logging.getLogger("pymc").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")  # the defaults of pm.sample are what is asked for, warnings and all
    names = asked.only or list(POSTERIORS)
    if asked.reference:
        make_references(names)
        return
    references, rows = references_so_far(), []
    print("| " + " | ".join(HEAD) + " |", flush=True)
    for name in names:
        for row in compared(name, truth_of(name, references), asked.repetitions):
            rows.append(row)
            print("| " + " | ".join(words(row)) + " |", flush=True)
    failed = [
        f"{row['name']}, {row['engine']}: {', '.join(row['failures'])}" for row in rows if row["failures"]
    ]
    print("", table(HEAD, map(words, rows)), stamp(), sep="\n\n")
    if not asked.only:  # a part is not the whole
        keep_json("known.json", {**machine(), "rows": list(map(finite, rows))})
    if failed:
        sys.exit("\n".join(["", *failed]))


if __name__ == "__main__":
    main()
