"""Whether the engines agree, and the evidence is that of brute force; writes benchmarks/results/agreement.md.

Steady, stepped and accelerating, read plainly and as mid_2022: the median of every quantity and every fitted unknown, and
the probability of every claim, by importance sampling and by NUTS, in combined Monte Carlo standard errors (4 at most);
the log evidence against brute_force.json in its errors (3 at most, and none above 0.05); no verdict bad.

Exits with 1 when anything is further apart. Takes some minutes.
"""

import math
import sys
import warnings

import numpy as np
from cells import CELLS, label, study_of
from measuring import keep, stamp, table

import estimates as est

MOST, MOST_EVIDENCE, MOST_ERROR = 4.0, 3.0, 0.05


def numbers(fit):
    """Every number of a fit with its error: medians of quantities and unknowns, probabilities of claims."""
    found = {
        f"{r['name']} {r['at'] or ''}".strip(): (r["median"], r["mcse_median"]) for r in fit.quantities()
    }
    for name in fit.parameters:
        draws = fit.quantity(name)
        found[name] = (float(draws.median()), fit._mcse_median(draws))
    return found | {f"P({claim})": tuple(fit.probability(claim)) for claim in fit.study.claims}


def distance(one, other):
    """How many combined errors two numbers are apart; equal numbers without an error are not."""
    error = math.hypot(one[1], other[1])
    return abs(one[0] - other[0]) / error if error > 0 else 0.0 if one[0] == other[0] else math.inf


def compared(cell):
    """One row of the table, what is wrong, and the distances."""
    fit, check = (
        est.infer(study_of(cell), cell["model"], engine=engine, seed=1) for engine in ("importance", "nuts")
    )
    by_weights, by_chains = numbers(fit), numbers(check)
    distances = {name: distance(by_weights[name], by_chains[name]) for name in by_weights}
    furthest = max(distances, key=distances.get)
    (value, error), truth = fit.log_evidence, cell["log_evidence"]
    off = (value - truth["value"]) / math.hypot(error, truth["mcse"])
    wrong = [f"{name}: {d:.1f} errors" for name, d in distances.items() if d > MOST]
    wrong += [f"log evidence: {off:+.1f} errors"] * (abs(off) > MOST_EVIDENCE)
    wrong += [f"log evidence: error {error:.3f}"] * (error > MOST_ERROR)
    wrong += [f"{one.conditions.engine} is bad" for one in (fit, check) if one.trust.verdict == "bad"]
    row = [
        *(label(cell), len(distances), f"{distances[furthest]:.1f} ({furthest})"),
        *(f"{np.mean([d <= 1 for d in distances.values()]):.0%}", f"{value:.4f} ± {error:.4f}"),
        *(f"{truth['value']:.4f}", f"{off:+.1f}"),
        f"{fit.trust.verdict}, k-hat {fit.trust.pareto_k:.2f}, ESS {fit.trust.ess:,.0f}",
        f"{check.trust.verdict}, R-hat {check.trust.r_hat:.3f}, ESS {check.trust.ess:,.0f}",
    ]
    return row, [f"{label(cell)}: {words}" for words in wrong]


HEAD = [
    *(
        "model",
        "numbers",
        "furthest apart, in errors",
        "within 1",
        "log evidence",
        "brute force",
        "in errors",
    ),
    *("importance", "NUTS"),
]


def main():
    """Compare all cells, keep the table, and fail where they disagree."""
    warnings.simplefilter("error")
    rows, wrong = [], []
    for cell in CELLS:
        row, complaints = compared(cell)
        print(*row, *complaints, sep=" | ", flush=True)
        rows.append(row)
        wrong += complaints
    verdict = "All agree." if not wrong else "Not agreed:\n\n" + "\n".join(f"- {words}" for words in wrong)
    keep("agreement.md", f"# Agreement of the engines\n\n{table(HEAD, rows)}\n\n{verdict}\n\n{stamp()}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
