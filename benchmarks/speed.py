"""How fast it is, as ratios of things timed in turn on one machine; writes benchmarks/results/speed.md.

Cold: a new Python each time, with bytecode compiled beforehand, against ``python -c "import pymc"``. Warm: in this
process, against ``pm.sample()`` with its defaults on the same model; the first call of each is not timed. Every number is
the median over repetitions that take turns, so that a busy machine slows both sides.

Exits with 1 when a target is missed.
"""

import argparse
import compileall
import statistics
import subprocess
import sys
import time
import warnings

from measuring import ROOT, effective, effective_of, in_turn, keep, keep_json, machine, stamp, timed

HEADLINE, AT = "shells_152", "aug_2024"


def program(*words):
    """A Python program that is `estimates WORDS`."""
    return f"import sys; sys.argv[1:] = {list(words)!r}; from estimates.cli import main; main()"


PYMC = "import pymc"
IMPORT, CHECK, RUN = "import estimates", program("check"), program("run", "--json")


def cold(code):
    """Seconds that a new Python takes to run `code`."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def loads_pymc(code):
    """Whether PyMC is loaded when `code` has run."""
    asked = (
        f"import atexit, sys; atexit.register(lambda: print('pymc' in sys.modules, file=sys.stderr)); {code}"
    )
    ran = subprocess.run([sys.executable, "-c", asked], check=True, capture_output=True, text=True)
    return ran.stderr.strip() == "True"


def warm(repetitions):
    """Seconds and effective draws of the headline quantity, for `est.infer` and for `pm.sample`."""
    import pymc as pm

    import estimates as est
    from estimates import shelf

    study = est.read()
    model = shelf.find("steady").build(study)
    ours, theirs = [], []

    def by_nuts():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # divergences, and few draws: the defaults are what is asked for
            return pm.sample(model=model, progressbar=False, quiet=True)

    tasks = {
        "infer": timed(lambda: est.infer(study, "steady", seed=len(ours) + 1), ours),
        "sample": timed(by_nuts, theirs),
    }
    for task in tasks.values():
        task()
    seconds = in_turn(tasks, repetitions)

    mine = [effective_of(fit, HEADLINE, AT) for fit in ours[1:]]
    yours = [effective(trace["posterior"][HEADLINE].sel(report=AT)) for trace in theirs[1:]]
    verdicts = ", ".join(sorted({f"{fit.conditions.engine}, {fit.trust.verdict}" for fit in ours[1:]}))
    return seconds, {"infer": statistics.median(mine), "sample": statistics.median(yours)}, verdicts


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=5, help="At least 5 for a result to keep.")
    repetitions = parser.parse_args().repetitions

    for folder in ("estimates", "models"):
        compileall.compile_dir(ROOT / folder, quiet=1)
    light = not loads_pymc(IMPORT) and not loads_pymc(CHECK)
    codes = {"pymc": PYMC, "import": IMPORT, "check": CHECK, "run": RUN}
    for code in codes.values():
        cold(code)  # so that every file was read once
    spent = in_turn({name: lambda code=code: cold(code) for name, code in codes.items()}, repetitions)
    seconds, effective, verdicts = warm(repetitions)

    speedup = seconds["sample"] / seconds["infer"]
    rows = [
        (
            "`import estimates` / `import pymc`",
            spent["import"],
            spent["pymc"],
            spent["import"] / spent["pymc"],
            "<=",
            0.5,
        ),
        (
            "`estimates check` / `import pymc`",
            spent["check"],
            spent["pymc"],
            spent["check"] / spent["pymc"],
            "<=",
            0.5,
        ),
        (
            "`estimates run --json` / `import pymc`",
            spent["run"],
            spent["pymc"],
            spent["run"] / spent["pymc"],
            "<=",
            2,
        ),
        ("`pm.sample()` / `est.infer`, warm", seconds["sample"], seconds["infer"], speedup, ">=", 5),
    ]
    gain = effective["infer"] / effective["sample"]
    draws = (
        "effective draws, `est.infer` / `pm.sample()`",
        effective["infer"],
        effective["sample"],
        gain,
        ">",
        1,
    )
    lines = ["| what | first | second | ratio | target | |", "|---|---:|---:|---:|---:|---|"]
    missed = [] if light else ["`import estimates` or `estimates check` loads PyMC"]
    for (what, first, second, ratio, sign, target), unit in [*((row, " s") for row in rows), (draws, "")]:
        met = {"<=": ratio <= target, ">=": ratio >= target, ">": ratio > target}[sign]
        form = ".2f" if unit else ",.0f"
        lines.append(
            f"| {what} | {first:{form}}{unit} | {second:{form}}{unit} | {ratio:.2f} | {sign} {target} | {'met' if met else 'missed'} |"
        )
        missed += [] if met else [what]
    notes = [
        f"Medians of {repetitions} repetitions in turn. {stamp()}",
        f"Effective draws are those of `{HEADLINE}` at `{AT}`, model steady. Engine and verdict of `est.infer`: {verdicts}.",
        f"PyMC is {'not ' if light else ''}loaded by `import estimates` and `estimates check`.",
    ]
    keep("speed.md", "\n".join(["# Speed", "", *lines, "", *notes]))
    keep_json("speed.json", machine() | spent | {f"warm_{name}": taken for name, taken in seconds.items()})
    if missed:
        sys.exit(f"missed: {'; '.join(missed)}")


if __name__ == "__main__":
    main()
