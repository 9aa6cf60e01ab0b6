"""Brute-force oracle for the flagship study: NumPy, SciPy's special functions, one root finder for the priors.

Two reports of one issuer, 'about 6,700' containers (2024-02-26) and 'over 13,000' (2024-08-27), under four trend
models and two readings of the first shipment. The script imports nothing of the library that it is meant to check.

Main method: exact conditional sampling. Given the first shipment, the lag, the scatter and the shape of the trend, all
drawn from their priors, the logarithms of the two seen counts are jointly normal, because the log level v of the flow
and the bias b are normal and enter only as v + b. The weight of a draw is then P(Y1 in I1) P(Y2 in I2 | Y1), with Y1,
Y2, v and b drawn from their exact conditional distributions. The evidence is the mean weight. Under lumpy the shape
of the trend is the number of voyages a day and the two increments in units of containers_per_voyage, whose logarithm
is then v: given the voyages a day (the ratio of two lognormals) it is normal too.

Check: every unknown is drawn from its prior and weighted by the two interval probabilities as they are defined.
"""

import argparse
import datetime
import json
from pathlib import Path

import numpy as np
from scipy.optimize import root
from scipy.special import betainc, ndtr, ndtri


def day(text):
    """Days from the epoch, 2022-01-01, to an ISO date."""
    return float((datetime.date.fromisoformat(text) - datetime.date(2022, 1, 1)).days)


# The two reports (data/reports.csv, C05 and C11): published day and the interval that the wording stands for.
FEB, AUG = day("2024-02-26"), day("2024-08-27")  # the first is also the knot day
ABOUT_6700, OVER_13000 = np.log([6650.0, 6750.0]), np.log([13000.0, 14000.0])

# Priors (data/assumptions.csv): 5 % and 95 % quantiles after truncation to the bounds, where there are bounds.
DAILY_RATE = (5.0, 180.0)  # lognormal; later_rate has the same prior
GROWTH_RATE = (-0.006334, 0.006334)  # normal
CONTAINERS_PER_VOYAGE = (120.0, 480.0)  # lognormal
REPORTING_LAG = (1.0, 30.0)  # lognormal
ISSUER_BIAS = (-0.329, 0.329)  # normal
SCATTER_SCALE = 0.098 / ndtri(0.975)  # report_scatter, half-normal with 95 % below 0.098
STATED_CAPACITY = (430.0, 480.0)  # lognormal
TRUNCATED = {"payload": (9.5, 20.0, 5.0, 21.75)}  # normal; the masses, on log scale, too
TRUNCATED |= {"mass_152": np.log([47.0, 93.0, 43.5, np.inf]), "mass_122": np.log([24.0, 46.0, 21.76, np.inf])}
BETA = {"shell_share": (0.65, 0.97), "share_122": (0.10, 0.70)}
# Spearman's rank correlations of the truncated ones, in their order (data/correlations.csv).
RANKS = np.array([[1, -0.3, -0.3], [-0.3, 1, 0.8], [-0.3, 0.8, 1]])
# First shipment, uniform (data/assumptions.csv, data/variants.csv)
STARTS = {None: (day("2022-06-01"), day("2024-02-01")), "mid_2022": (day("2022-06-01"), day("2022-08-31"))}
MODELS = ("steady", "stepped", "accelerating", "lumpy")
SHAPES = {"stepped": "later_rate", "accelerating": "growth_rate", "lumpy": "containers_per_voyage"}
# The place of a cell decides its random numbers, so the model that came later stands last under both variants.
CELLS = [(model, variant) for models in (MODELS[:3], MODELS[3:]) for variant in STARTS for model in models]
BATCH = 500_000  # draws held in memory at once; also the batches of the Monte Carlo errors


def normal_from(q05, q95):
    """Mean and sd of the normal distribution with these 5 % and 95 % quantiles."""
    return (q05 + q95) / 2, (q95 - q05) / (2 * ndtri(0.95))


def solve_quantiles(cdf, start):
    """The two parameters for which cdf(parameters), at a pair of numbers, is 5 % and 95 %."""
    point = root(lambda p: cdf(p) - [0.05, 0.95], start, tol=1e-13).x
    if not np.abs(cdf(point) - [0.05, 0.95]).max() < 1e-10:
        raise ArithmeticError("no distribution with these quantiles was found")
    return point


def truncated_normal_from(q05, q95, lower, upper):
    """Mean and log sd, before truncation to [lower, upper], that give these quantiles after truncation."""

    def cdf(point):
        a, b, low, high = ndtr((np.array([q05, q95, lower, upper]) - point[0]) / np.exp(point[1]))
        return (np.array([a, b]) - low) / (high - low)

    mean, sd = normal_from(q05, q95)
    return solve_quantiles(cdf, (mean, np.log(sd)))


def beta_from(q05, q95):
    """The two shapes of the beta distribution with these 5 % and 95 % quantiles, sought from matching moments."""
    mean, sd = normal_from(q05, q95)
    start = np.log((mean * (1 - mean) / sd**2 - 1) * np.array([mean, 1 - mean]))
    return np.exp(solve_quantiles(lambda p: betainc(*np.exp(p), np.array([q05, q95])), start))


NORMALS = {name: truncated_normal_from(*prior) for name, prior in TRUNCATED.items()}
BETAS = {name: beta_from(*prior) for name, prior in BETA.items()}


def draw_loads(rng, size):
    """Prior draws of the load assumptions: tonnes, kilograms, shares and rounds."""
    draws = {name: rng.beta(*shapes, size) for name, shapes in BETAS.items()}
    # Normals whose own correlation is 2 sin(pi rho / 6) have the rank correlation rho, and so has what rises with them.
    factor = np.linalg.cholesky(2 * np.sin(np.pi * RANKS / 6))
    together = ndtr(factor @ rng.standard_normal((len(NORMALS), size)))
    for (name, (mean, log_sd)), share in zip(NORMALS.items(), together, strict=True):
        low, high = ndtr((np.array(TRUNCATED[name][2:]) - mean) / np.exp(log_sd))
        normal = mean + np.exp(log_sd) * ndtri(low + (high - low) * share)
        draws[name] = normal if name == "payload" else np.exp(normal)
    return draws | {"capacity": np.exp(rng.normal(*normal_from(*np.log(STATED_CAPACITY)), size))}


def carriers(model, t, start, rate, shape):
    """C(t), and its mean under lumpy; shape is the unknown that SHAPES names."""
    if model in ("steady", "lumpy"):
        return rate * np.maximum(t - start, 0)
    if model == "stepped":
        return rate * np.maximum(np.minimum(t, FEB) - start, 0) + shape * np.maximum(t - FEB, 0)
    return rate * np.exp(shape * (start - FEB)) * np.expm1(shape * np.maximum(t - start, 0)) / shape


def draw_counts(rng, model, days, start, rate, shape):
    """C on days in ascending order; under lumpy a sum of independent gamma increments of scale shape."""
    counts = np.array([carriers(model, t, start, rate, shape) for t in days])
    if model == "lumpy":
        counts = (shape * rng.standard_gamma(np.diff(counts, axis=0, prepend=0) / shape)).cumsum(axis=0)
    return counts


def draw_published(rng, model, as_of, unknowns):
    """C on the two published days; under lumpy given C on the two as-of days."""
    start, rate, shape, lag = (
        unknowns[name] for name in ("first_shipment", "daily_rate", "shape", "reporting_lag")
    )
    if model != "lumpy":
        return draw_counts(rng, model, (FEB, AUG), start, rate, shape)
    # After the last as-of day the process begins anew. The share of an increment gained by a day within it is beta.
    last, between = AUG - lag, lag < AUG - FEB
    counts = as_of[1] + draw_counts(rng, model, (np.maximum(last, FEB), AUG), last, rate, shape)
    share = rng.beta(lag * rate / shape, np.where(between, last - FEB, 1) * rate / shape)
    counts[0] = np.where(between, as_of[0] + share * (as_of[1] - as_of[0]), counts[0])
    return counts


def draw_inside(rng, mean, sd, interval):
    """Probability of the interval under normal(mean, sd), and one draw inside it; reflected into the lower tail."""
    low, high = (interval[0] - mean) / sd, (interval[1] - mean) / sd
    flip = low + high > 0
    low, high = np.where(flip, -high, low), np.where(flip, -low, high)
    below, share = ndtr(low), ndtr(high) - ndtr(low)
    z = np.clip(ndtri(below + share * rng.random(mean.size)), -40, 40)
    return share, mean + sd * np.where(flip, -z, z)


def draw_trend(rng, model, size):
    """Mean and sd of the log level given the rest of the trend, and that rest: rate and shape at level 1."""
    mean, sd = normal_from(*np.log(DAILY_RATE))
    rate, shape = np.ones(size), rng.normal(*normal_from(*GROWTH_RATE), size)
    if model == "stepped":
        # Half sum and difference of the two log rates are independent; the half sum is the level.
        difference = rng.normal(0, np.sqrt(2) * sd, size)
        return mean, sd / np.sqrt(2), np.exp(-difference / 2), np.exp(difference / 2)
    if model == "lumpy":
        # The level is containers_per_voyage, whose logarithm is normal given log(daily_rate / containers_per_voyage).
        scale_mean, scale_sd = normal_from(*np.log(CONTAINERS_PER_VOYAGE))
        both = np.hypot(sd, scale_sd)
        voyages = rng.normal(0, both, size)
        level_mean = scale_mean - scale_sd**2 / both**2 * voyages
        return level_mean, sd * scale_sd / both, np.exp(mean - scale_mean + voyages), np.ones(size)
    return mean, sd, rate, shape


def conditional_batch(rng, model, variant, size):
    """Weights, counts on the two as-of days and unknowns of one batch of the main method."""
    start = rng.uniform(*STARTS[variant], size)
    scatter = np.abs(rng.normal(0, SCATTER_SCALE, size))
    # Half of the lags come from twice the sd, corrected by the ratio of the densities.
    z = rng.standard_normal(size) * np.where(rng.random(size) < 0.5, 1, 2)
    weight = 1 / (0.5 + 0.25 * np.exp(0.375 * z**2))
    lag_mean, lag_sd = normal_from(*np.log(REPORTING_LAG))
    lag = np.exp(lag_mean + lag_sd * z)
    level_mean, level_sd, unit_rate, unit_shape = draw_trend(rng, model, size)
    _, bias_sd = normal_from(*ISSUER_BIAS)
    counts = draw_counts(rng, model, (FEB - lag, AUG - lag), start, unit_rate, unit_shape)
    begun = counts.min(axis=0) > 0  # a count of 0 has probability 0
    x1, x2 = np.log(np.where(begun, counts, 1))

    common, noise = level_sd**2 + bias_sd**2, scatter**2  # variances of v + b, and of one report about it
    p1, y1 = draw_inside(rng, level_mean + x1, np.sqrt(common + noise), ABOUT_6700)
    mean2 = level_mean + x2 + common / (common + noise) * (y1 - level_mean - x1)
    p2, y2 = draw_inside(rng, mean2, np.sqrt(noise * (2 * common + noise) / (common + noise)), OVER_13000)
    both = (level_mean * noise + common * (y1 - x1 + y2 - x2)) / (noise + 2 * common)
    both += np.sqrt(common * noise / (noise + 2 * common)) * rng.standard_normal(size)
    level = level_mean + level_sd**2 / common * (both - level_mean)
    level += level_sd * bias_sd / np.sqrt(common) * rng.standard_normal(size)
    shape = unit_shape * np.exp(level) if model in ("stepped", "lumpy") else unit_shape
    unknowns = {"first_shipment": start, "daily_rate": unit_rate * np.exp(level), "shape": shape}
    unknowns |= {"reporting_lag": lag, "report_scatter": scatter, "issuer_bias": both - level}
    return np.where(begun, weight * p1 * p2, 0), counts * np.exp(level), unknowns


def prior_batch(rng, model, variant, size):
    """Weights of one batch of the check: all from the prior, times the two interval probabilities."""
    start = rng.uniform(*STARTS[variant], size)
    lag = np.exp(rng.normal(*normal_from(*np.log(REPORTING_LAG)), size))
    rate, shape = np.exp(rng.normal(*normal_from(*np.log(DAILY_RATE)), (2, size)))
    if model == "accelerating":
        shape = rng.normal(*normal_from(*GROWTH_RATE), size)
    if model == "lumpy":
        shape = np.exp(rng.normal(*normal_from(*np.log(CONTAINERS_PER_VOYAGE)), size))
    bias, scatter = rng.normal(*normal_from(*ISSUER_BIAS), size), np.abs(rng.normal(0, SCATTER_SCALE, size))
    weight = np.ones(size)
    counts = draw_counts(rng, model, (FEB - lag, AUG - lag), start, rate, shape)
    for count, interval in zip(counts, (ABOUT_6700, OVER_13000), strict=True):
        low, high = ((end - np.log(np.where(count > 0, count, 1)) - bias) / scatter for end in interval)
        weight *= np.where(count > 0, ndtr(high) - ndtr(low), 0)
    return weight


def derived(rng, model, as_of, unknowns):
    """All quantities of interest, and the claims as arrays of true and false."""
    q, load = dict(unknowns), draw_loads(rng, unknowns["daily_rate"].size)
    feb, aug = draw_published(rng, model, as_of, unknowns)
    shape = q.pop("shape")
    q |= {SHAPES[model]: shape} if model in SHAPES else {}
    tonnes = aug * load["shell_share"] * load["payload"]
    q.update(
        containers_feb_2024=feb, containers_aug_2024=aug, pace=(aug - feb) / (AUG - FEB), ratio=aug / feb
    )
    q.update(shells_152=1000 * tonnes * (1 - load["share_122"]) / load["mass_152"])
    q.update(shells_122=1000 * tonnes * load["share_122"] / load["mass_122"])
    q.update(shells=q["shells_152"] + q["shells_122"], shells_stated=aug * load["capacity"], tonnage=tonnes)
    claims = {f"six_million_{name}": q[name] >= 6e6 for name in ("shells_152", "shells", "shells_stated")}
    return q, {"twofold": q["ratio"] >= 2, **claims, "over_13000": aug >= 13000}


def summarise(weight, values):
    """Weighted mean and 5.5 %, 50 % and 94.5 % quantiles."""
    order, weight = np.argsort(values), weight / weight.sum()
    midpoints = weight[order].cumsum() - weight[order] / 2
    return np.append((weight * values).sum(), np.interp([0.055, 0.5, 0.945], midpoints, values[order]))


def log_mean(weights_sum, squares_sum, draws):
    """Logarithm of the mean weight and its Monte Carlo standard error."""
    mean = weights_sum / draws
    return {"value": float(np.log(mean)), "mcse": float(np.sqrt((squares_sum / mean**2 / draws - 1) / draws))}


def pool(masses, rows):
    """Mean over batches, each in proportion to its evidence, and the standard error from their spread."""
    share, rows = (np.array(masses) / np.sum(masses))[:, None], np.array(rows)
    value = (share * rows).sum(axis=0)
    error = np.sqrt((share**2 * (rows - value) ** 2).sum(axis=0) * len(rows) / (len(rows) - 1))
    return [[float(v), float(e)] for v, e in zip(value, error, strict=True)]


def run_cell(rng, model, variant, draws):
    """Evidence by both methods, posterior summaries and claims of one model under one variant."""
    masses, quantities, claims, sums, check = [], {}, {}, np.zeros(2), np.zeros(2)
    for _ in range(draws // BATCH):
        weight, as_of, unknowns = conditional_batch(rng, model, variant, BATCH)
        sums += weight.sum(), (weight**2).sum()
        masses.append(weight.sum())
        keep = weight > 1e-10 * weight.max()  # what is dropped weighs far less than the Monte Carlo error
        values, truths = derived(rng, model, as_of[:, keep], {k: v[keep] for k, v in unknowns.items()})
        for name, v in values.items():
            quantities.setdefault(name, []).append(summarise(weight[keep], v))
        for name, v in truths.items():
            claims.setdefault(name, []).append([weight[keep][v].sum() / weight[keep].sum()])
    for _ in range(2 * draws // BATCH):
        weight = prior_batch(rng, model, variant, BATCH)
        check += weight.sum(), (weight**2).sum()
    evidence = {
        "log_evidence": log_mean(*sums, draws),
        "log_evidence_prior_sampling": log_mean(*check, 2 * draws),
    }
    keys = ("mean", "q055", "median", "q945")
    quantities = {name: dict(zip(keys, pool(masses, rows), strict=True)) for name, rows in quantities.items()}
    claims = {name: pool(masses, rows)[0] for name, rows in claims.items()}
    return {"model": model, "variant": variant, **evidence, "quantities": quantities, "claims": claims}


def print_cell(cell):
    """One cell as a table of values with their Monte Carlo errors."""
    print(f"\n{cell['model']}, variant {cell['variant']}")
    evidence = (cell["log_evidence"], cell["log_evidence_prior_sampling"])
    print(
        "  log evidence, and by prior sampling",
        *(f" {row['value']:.4f} +- {row['mcse']:.4f}" for row in evidence),
    )
    for name, row in cell["quantities"].items():
        print(f"  {name:20s}", *(f"{k} {v:.5g} +- {e:.1g} " for k, (v, e) in row.items()))
    for name, (p, e) in cell["claims"].items():
        print(f"  P({name}) = {p:.5f} +- {e:.5f}")


def merged(path, result):
    """The result, with the cells of the file that it does not hold anew; both must be of one run length and seed."""
    stored = json.loads(path.read_text(encoding="utf-8"))
    if any(stored[name] != result[name] for name in ("draws", "seed")):
        raise ValueError(
            f"{path} was run with {stored['draws']} draws and seed {stored['seed']}: use these, or all models"
        )
    cells = {(cell["model"], cell["variant"]): cell for cell in stored["cells"] + result["cells"]}
    return result | {"cells": [cells[key] for key in CELLS if key in cells]}


def main():
    """Run the cells of the chosen models, print the tables and perhaps store them."""
    parser = argparse.ArgumentParser(description="Brute-force oracle for the flagship study.")
    parser.add_argument(
        "--draws", type=int, default=50_000_000, help="draws per cell; the check takes twice as many"
    )
    parser.add_argument("--seed", type=int, default=20240827)
    parser.add_argument("--models", nargs="+", choices=MODELS, default=MODELS, help="only these")
    parser.add_argument("--out", type=Path, help="JSON file for the result; its cells of other models stay")
    options = parser.parse_args()
    draws = max(2, options.draws // BATCH) * BATCH
    result = {"draws": draws, "seed": options.seed, "date": datetime.date.today().isoformat(), "cells": []}
    keeps = options.out and options.out.exists() and set(options.models) != set(MODELS)
    if keeps:
        merged(options.out, result)  # a mismatch is an error before the work, not after it
    seeds = np.random.SeedSequence(options.seed).spawn(len(CELLS))
    for seed, (model, variant) in zip(seeds, CELLS, strict=True):
        if model in options.models:
            result["cells"].append(run_cell(np.random.default_rng(seed), model, variant, draws))
            print_cell(result["cells"][-1])
    if options.out:
        result = merged(options.out, result) if keeps else result
        options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
