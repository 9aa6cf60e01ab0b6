"""The one table of benchmarks/README.md, made of the results that are kept; measures nothing.

Every line says what was found, what was aimed at, and on which day and commit; a result that is not there says so.
"""

import cluster
import growth
import rivals
import sweep
from measuring import ROOT, stored, table, write

README = ROOT / "benchmarks" / "README.md"
START, END = "<!-- summary -->", "<!-- end of summary -->"
MET, MISSED, NOT_RUN = "met", "**missed**", "not run"


def when(result):
    """Day and commit."""
    return f"{result['date']}, {result['commit']}"


def line(what, result, told, target, holds):
    """A row of the table; `told` and `holds` take the result."""
    if result is None:
        return [what, "-", target, NOT_RUN, "-"]
    return [what, told(result), target, MET if holds(result) else MISSED, when(result)]


def by_name(result, name):
    """The row of a contender."""
    return next(row for row in result["rows"] if row["name"] == name)


def beside(result, name):
    """A contender's seconds beside ours."""
    row = by_name(result, name)
    if row["seconds"] is None:
        return "did not run"
    told = " (extrapolated)" if row.get("extrapolated") else ""
    return f"{row['ratio']:.0f} times; {row['seconds']:.1f} s{told}"


def against_nutpie(result, rivals):
    """Effective draws a second of the sweep over those of nutpie at its best; both have two cores."""
    row = by_name(rivals, "nutpie")
    best = max(row["ess"] / row["seconds"], row["ess_default"] / row["seconds_default"])
    return result["effective_of_posteriors_a_second"] / best


def good_and_wrong(result):
    """How many of the well-known posteriors are called good, and how many are so with any seed and wrong."""
    good = [row for row in result["rows"] if row["verdict"] == "good"]
    return len(good), sum(any(said.startswith("WRONG") for said in row["failures"]) for row in result["rows"])


def lines():
    """All rows."""
    beside_others, swept, clustered, grown, known, cold = (
        stored(f"{name}.json") for name in ("rivals", "sweep", "cluster", "growth", "known", "speed")
    )
    yield line(
        "cold `estimates run --json` / `import pymc`",
        cold,
        lambda r: f"{r['run'] / r['pymc']:.2f}; {r['run']:.1f} s",
        "<= 2",
        lambda r: r["run"] <= 2 * r["pymc"],
    )
    for name, words in (
        ("pm.sample", "warm fit to 4,000 effective draws of shells_152: `pm.sample()` / `est.infer`"),
        ("dynesty", "log evidence: dynesty to 0.1 / this engine to 0.02"),
        ("nautilus", "log evidence: nautilus to 0.1 / this engine to 0.02"),
    ):
        yield line(
            words,
            beside_others,
            lambda r, n=name: beside(r, n),
            f">= {rivals.TARGETS[name]}",
            lambda r, n=name: bool(by_name(r, n)["holds"]),
        )
    yield line(
        "readings a second in a sweep of 10,000, 2 processes",
        swept,
        lambda r: (
            f"{r['rows_a_second']:.1f}; {r['posteriors']:,} posteriors, {r['posteriors_a_second']:.1f} a second"
        ),
        f">= {sweep.LEAST_A_SECOND}",
        lambda r: r["rows_a_second"] >= sweep.LEAST_A_SECOND,
    )
    both = swept and beside_others and {**swept, "nutpie": against_nutpie(swept, beside_others)}
    yield line(
        "effective draws a second of the sweep's posteriors, each counted once / nutpie compiled before, on the same cores",
        both,
        lambda r: f"{r['nutpie']:.1f} times",
        ">= 3",
        lambda r: r["nutpie"] >= 3,
    )
    yield line(
        "the same table when the sweep is killed in the middle",
        swept,
        lambda r: f"killed with {r['killed_with']:,} rows; largest worker {r['worker_mb']:.0f} MB",
        "same",
        lambda r: r["same_after_kill"],
    )
    yield line(
        "throughput through a local Dask cluster of 2 workers / 2 processes",
        clustered,
        lambda r: f"{r['share_of_local']:.2f}; {r['cells']:,} readings",
        f">= {cluster.LEAST_SHARE}",
        lambda r: r["share_of_local"] >= cluster.LEAST_SHARE,
    )
    yield line(
        "the same rows when a Dask worker is killed",
        clustered,
        lambda r: f"killed at {r['killed_at']}",
        "same",
        lambda r: r["same_rows"] and r["same_rows_killed"],
    )
    yield line(
        "1,000 reports and 50 assumptions, warm fit",
        grown,
        lambda r: f"{r['largest']['seconds']:.1f} s",
        f"< {growth.MOST_SECONDS:g} s",
        lambda r: r["largest"]["seconds"] < growth.MOST_SECONDS,
    )
    yield line(
        "time grows with reports and assumptions to the power",
        grown,
        lambda r: f"{r['exponent_of_reports']:.2f} and {r['exponent_of_assumptions']:.2f}",
        "<= 1.1",
        lambda r: max(r["exponent_of_reports"], r["exponent_of_assumptions"]) <= 1.1,
    )
    yield line(
        "well-known posteriors: never wrong with a good verdict",
        known,
        lambda r: "{} good, {} of them wrong".format(*good_and_wrong(r)) + f", of {len(r['rows'])}",
        "none wrong",
        lambda r: good_and_wrong(r)[1] == 0,
    )
    yield line(
        "well-known posteriors within 0.05 sd, 10,000 effective draws, 10 times faster than `pm.sample()` to as many",
        known,
        lambda r: f"{sum(not row['failures'] for row in r['rows'])} of {len(r['rows'])}",
        "all",
        lambda r: not any(row["failures"] for row in r["rows"]),
    )


def main():
    """Put the table into the README."""
    text = README.read_text(encoding="utf-8")
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    made = table(["what", "found", "target", "", "when"], lines())
    write(README, f"{before}{START}\n\n{made}\n\n{END}{after}")
    print(made)


if __name__ == "__main__":
    main()
