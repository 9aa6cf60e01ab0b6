"""Results of every kind made by hand in milliseconds, for tests of what is shown: nothing was fitted."""

import json
from types import SimpleNamespace

import pandas as pd
from drawn import GOOD, drawn

from estimates.attribution import Driver, Sensitivity
from estimates.calibrating import Calibration
from estimates.comparison import Comparison, Story
from estimates.dials import Dial
from estimates.estimate import Measured
from estimates.falsification import Falsification, Overturned
from estimates.judging import Answer, Judged, Trusted, Verdict, Verdicts
from estimates.sweeping import Sweep


def sensitivity(study, name=None, drivers=(("cargo", False, 0.8), ("first_shipment", True, 0.9))):
    """Widths are given as parts of the width as it is, 4 million."""
    made = tuple(
        Driver(known, known, "load", judged, Measured(0.4, 0.01), part * 4e6, {}, None)
        for known, judged, part in drivers
    )
    return Sensitivity(
        estimate=drawn(study),
        quantity=name or study.leading[0],
        at=study.fitted[-1].id,
        spread=(1e6, 2.5e6, 5e6),
        drivers=made,
        groups={"load": 0.7, "level": 0.2, "trend": 0.1},
        judgement=0.3,
        likelihood_scaling=None,
        is_log=True,
        twice=None,
        not_twice="",
    )


def comparison(study, **trusts):
    """A story for each trust that is named; all of them have the same draws."""
    given = trusts or {"steady": GOOD, "stepped": GOOD}
    stories = tuple(Story(name, None, drawn(study, trust=trust, model=name)) for name, trust in given.items())
    return Comparison(study, stories, {}, (), ())


def sweep(study, medians=((1.0, 2.0, 4.0), (2.0, 3.0, 5.0), (1.5, 2.5, 4.5))):
    """A reading of each spread (lower, median, upper), in millions; models and reports vary."""
    name = f"{study.leading[0]}[{study.fitted[-1].id}]"
    rows = [
        {
            "model": "steady" if number % 2 == 0 else "stepped",
            "variant": "as read",
            "verdict": "good",
            f"{name}.lower": 1e6 * lower,
            f"{name}.median": 1e6 * median,
            f"{name}.upper": 1e6 * upper,
            f"{name}.mean": 1e6 * median,
            f"{name}.sd": 1e6,
        }
        for number, (lower, median, upper) in enumerate(medians)
    ]
    axes = {"model": ["steady", "stepped"], "variant": ["as read"]}
    plan = {"schema": 1, "axes": axes, "seed": 1, "fingerprint": study.fingerprint, "digest": "0"}
    table = pd.DataFrame(rows)
    table.attrs = {"plan": json.dumps(plan), "study": json.dumps(study.document())}
    return Sweep(study, plan, table)


def falsification(study):
    """The cargo alone overturns the first claim; the first shipment does not."""
    turned = Overturned({"cargo": 2.0}, {"cargo": 900_000.0}, Measured(0.51, 0.01), 2.0, 0.02, 0.0)
    return Falsification(
        study=study,
        claim=next(iter(study.claims)),
        model="steady",
        seed=3,
        tries=10,
        prior=Measured(0.5, 0.01),
        posterior=Measured(0.2, 0.01),
        opened=None,
        dials=(Dial(study, "cargo"), Dial(study, "first_shipment", is_fitted=True)),
        alone={"cargo": turned, "first_shipment": None},
        together=turned,
        unfitted=None,
    )


def verdicts(study):
    """The first claim, which fails in the only story; another could not be asked."""
    name = next(iter(study.claims))
    answer = Answer("steady", None, Measured(0.5, 0.01), Measured(0.02, 0.01), None)
    judged = Judged(name, study.claims[name], (answer,), Verdict.FAILS, "does not hold in steady (2 %).")
    left_out = (("stepped", "the study has no knot"),)
    return Verdicts(study, 4, (judged,), (Trusted("steady", "caution"),), left_out)


def calibration(study, pits):
    """Of one model, with the PITs of each quantity."""
    count = len(next(iter(pits.values())))
    found = tuple(
        SimpleNamespace(pits={name: of[number] for name, of in pits.items()}) for number in range(count)
    )
    return Calibration(study, {"steady": "0"}, None, 1, {}, (), {"steady": found}, None)
