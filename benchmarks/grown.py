"""Studies of any size, for the benchmarks: so many reports of one flow, so many assumptions of one load."""

import datetime as dt

import numpy as np

import estimates as est

FIRST, LAST = dt.date(2023, 1, 1), dt.date(2025, 12, 31)


def study_of(reports, assumptions, *, seed=1):
    """A study whose reports were printed from steady truths, and whose load is a product of shares.

    Parameters
    ----------
    reports : int
        Fitted, of one issuer, spread evenly over three years; every third says "over".
    assumptions : int
        Five of them are the flow's and the issuers', the others make up the load.
    """
    rng = np.random.default_rng(seed)
    span = (LAST - FIRST).days
    bias = rng.normal(0.0, 0.1)
    document = {
        "format": 1,
        "name": f"grown-{reports}-{assumptions}",
        "title": f"{reports} reports, {assumptions} assumptions",
        "about": "Made up, to measure how cost grows.",
        "epoch": FIRST,
        "horizon": LAST,
        "knot": FIRST + dt.timedelta(days=span // 2),
        "carriers": {"name": "containers", "unit": "container"},
        "headline": {"quantity": "load"},
        "report": [],
        "assumption": {
            "first_shipment": _assumed(
                "date", family="uniform", lower=FIRST, upper=FIRST + dt.timedelta(days=60)
            ),
            "daily_rate": _assumed("container/day", family="lognormal", q05=5, q95=180),
            "reporting_lag": _assumed("day", family="lognormal", q05=1, q95=30),
            "issuer_bias": _assumed("dimensionless", family="normal", q05=-0.329, q95=0.329),
            "report_scatter": _assumed("dimensionless", family="halfnormal", q95=0.098),
        },
        "quantity": {},
    }
    for number in range(reports):
        day = FIRST + dt.timedelta(days=100 + round((span - 100) * number / max(reports - 1, 1)))
        seen = 40.0 * ((day - FIRST).days - 40) * np.exp(bias + rng.normal(0.0, 0.05))
        over = number % 3 == 2
        value = 10 * (np.floor(seen / 10) if over else np.round(seen / 10))
        document["report"].append(
            {
                "id": f"r{number:04d}",
                "measures": "containers",
                "says": {"value": int(value), "hedge": "over" if over else "about"},
                "published": day,
                "issuer": "an issuer",
            }
        )
    shares = [f"share_{number:02d}" for number in range(assumptions - 5)]
    for name in shares:
        document["assumption"][name] = _assumed("dimensionless", family="beta", q05=0.9, q95=0.99)
    document["quantity"]["load"] = {"unit": "container", "formula": " * ".join(["containers", *shares])}
    return est.Study.model_validate(document)


def _assumed(unit, **prior):
    return {"unit": unit, "prior": prior, "basis": "made up", "judgement": True}
