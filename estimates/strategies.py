"""Hypothesis strategies: worded numbers, reports, assumptions, whole studies, and settings of a given study.

All that they draw is valid by construction, and shrinks to what is small and plain: one report of about a
hundred, every assumption where it was.

>>> from hypothesis import given
>>> import estimates as est
>>> from estimates import strategies
>>> study = est.read("dprk-shells-2024")
>>> @given(settings=strategies.settings(study, ["payload", "packed_mass_152"]))
... def test_a_payload_is_never_negative(settings):
...     assert study.assuming(settings).distribution("payload").quantile(0.0) >= 0
>>> test_a_payload_is_never_negative()
"""

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, find
from hypothesis import settings as quiet_settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from estimates.assumptions import Assumption, Prior
from estimates.dials import Dial
from estimates.errors import StudyError, choices
from estimates.reports import Report, Says
from estimates.study import Study

NAME = "drawn"
"""What the studies that are drawn are called."""

EPOCH, HORIZON = dt.date(2020, 1, 1), dt.date(2023, 12, 31)
"""The clock of the studies that are drawn."""


def smallest[Drawn](
    strategy: st.SearchStrategy[Drawn],
    condition: Callable[[Drawn], bool],
    *,
    tries: int,
    seed: int,
    shrinks: bool = True,
) -> Drawn | None:
    """The smallest that is found to meet a condition in so many tries; None where none does.

    The same seed finds the same. Nothing is kept from one call to the next.
    """
    quiet = quiet_settings(
        max_examples=tries,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink) if shrinks else (Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    chance = Random(seed)  # noqa: S311 - Hypothesis takes no other
    try:
        return find(strategy, condition, settings=quiet, random=chance)
    except NoSuchExample:
        return None


def round_numbers(least: int = 1, most: int = 1_000_000) -> st.SearchStrategy[float]:
    """Whole numbers as people print them: up to three digits and zeros; smaller and rounder ones first."""
    longest = len(str(most)) - 1

    def shaped(digits: int, zeros: int) -> int:
        return int(digits * 10**zeros)

    drawn = st.builds(shaped, st.integers(1, 999), st.integers(0, longest))
    return drawn.filter(lambda value: least <= value <= most).map(float)


def hedged(least: int = 1, most: int = 1_000_000) -> st.SearchStrategy[Says]:
    """Numbers as they are worded: every hedge, with what each needs, between `least` and `most`."""
    numbers = round_numbers(least, most)
    ending_in_zero = numbers.filter(lambda value: value % 10 == 0)
    words = ("about", "exactly", "some", "nearly", "up to", "as many as", "at least")
    return st.one_of(
        st.builds(_worded, st.sampled_from(words), numbers),
        st.builds(Says, hedge=st.sampled_from(("over", "more than", "at least")), value=ending_in_zero),
        st.builds(_between, numbers, st.floats(1.05, 3.0)),
        st.builds(_handful, st.sampled_from(("dozens of", "hundreds of", "thousands of")), numbers),
    )


def _worded(words: str, value: float) -> Says:
    """Any number; an "at least" without a zero at its end has no upper end."""
    return Says(hedge=words, value=value, open=words == "at least")


def _between(low: float, ratio: float) -> Says:
    return Says(hedge="between", low=low, high=math.ceil(low * ratio) + 1.0)


def _handful(words: str, _: float) -> Says:
    """The words are the number. That one is drawn all the same keeps them from being the simplest of all."""
    return Says(hedge=words)


def reports(
    measures: str = "loads",
    issuers: Sequence[str] = ("port",),
    *,
    first: dt.date = EPOCH + dt.timedelta(days=200),
    last: dt.date = HORIZON,
    says: st.SearchStrategy[Says] | None = None,
) -> st.SearchStrategy[Report]:
    """Reports on one quantity by some issuers, published from `first` to `last`."""
    return st.builds(
        Report,
        id=st.from_regex(r"r[a-z0-9_]{0,8}", fullmatch=True),
        measures=st.just(measures),
        says=says or hedged(),
        published=st.dates(first, last),
        issuer=st.sampled_from(list(issuers)),
    )


def priors(least: float = 0.01, most: float = 1e6) -> st.SearchStrategy[Prior]:
    """Priors of positive quantities by their quantiles, between `least` and `most`, of several families."""
    low = st.floats(math.log(least), math.log(most) - 1.0).map(lambda x: float(f"{math.exp(x):.3g}"))
    return st.builds(
        _prior,
        st.sampled_from(("lognormal", "gamma", "normal", "uniform", "fixed")),
        low,
        st.floats(1.2, 2.7),
    )


def _prior(family: str, low: float, ratio: float) -> Prior:
    high = float(f"{low * ratio:.4g}")
    match family:
        case "uniform":
            return Prior(family="uniform", lower=low, upper=high)
        case "fixed":
            return Prior(family="fixed", value=low)
        case "normal":
            return Prior(family="normal", q05=low, q95=high, lower=low / 10)
    return Prior.model_validate({"family": family, "q05": low, "q95": high})


def assumptions(
    unit: str = "dimensionless", least: float = 0.01, most: float = 1e6
) -> st.SearchStrategy[Assumption]:
    """Assumptions in a unit, sourced or judged."""
    return st.builds(
        Assumption,
        unit=st.just(unit),
        prior=priors(least, most),
        basis=st.just("Drawn for a test."),
        judgement=st.booleans(),
    )


@st.composite
def studies(draw: st.DrawFn, most_reports: int = 4) -> Study:
    """Studies that every model of the shelf can read: counts of loads by one or two issuers, and a cargo.

    Counts do not fall from report to report; priors are wide about what the counts say, so that no draw
    contradicts its own assumptions by construction.

    Parameters
    ----------
    most_reports : int
        At most so many reports; one report of about a hundred is the smallest.
    """
    told = st.tuples(
        st.integers(20, 200),  # days since the one before
        st.integers(0, 60),  # hundreds more than the one before
        st.sampled_from(("about", "over", "at least", "exactly")),
        st.sampled_from(("port", "customs")),
    )
    said: list[dict[str, Any]] = []
    day, value, days = 150, 100.0, []
    for number, (gap, more, hedge, issuer) in enumerate(
        draw(st.lists(told, min_size=1, max_size=most_reports)), start=1
    ):
        day, value = day + gap, value + 100.0 * more
        days.append(day)
        said.append(
            {
                "id": f"r{number}",
                "measures": "loads",
                "says": {"hedge": hedge, "value": value} | ({"open": True} if hedge == "at least" else {}),
                "published": EPOCH + dt.timedelta(days=day),
                "issuer": issuer,
                "independent": "drawn as a count of its own",
            }
        )
    cargo = draw(assumptions("tonne/load", 0.1, 100.0))
    return Study.model_validate(_document(said, value, days, cargo))


def _document(
    said: list[dict[str, Any]], most: float, days: Sequence[int], cargo: Assumption
) -> dict[str, Any]:
    pace = most / days[-1]
    spread = {"family": "lognormal", "q05": pace / 8, "q95": pace * 8}
    start = {
        "family": "uniform",
        "lower": EPOCH + dt.timedelta(days=1),
        "upper": EPOCH + dt.timedelta(days=days[0] - 10),
    }
    growth = {"family": "normal", "q05": -0.005, "q95": 0.005}
    stated: dict[str, tuple[str, dict[str, Any]]] = {
        "first_shipment": ("date", start),
        "daily_rate": ("load/day", spread),
        "later_rate": ("load/day", spread),
        "growth_rate": ("1/day", growth),
        "containers_per_voyage": ("load", {"family": "lognormal", "q05": most / 200, "q95": most / 20}),
        "reporting_lag": ("day", {"family": "lognormal", "q05": 1.0, "q95": 20.0}),
        "issuer_bias": ("dimensionless", {"family": "normal", "q05": -0.3, "q95": 0.3}),
        "common_bias": ("dimensionless", {"family": "normal", "q05": -0.2, "q95": 0.2}),
        "report_scatter": ("dimensionless", {"family": "halfnormal", "q95": 0.1}),
    }
    return {
        "format": 1,
        "name": NAME,
        "title": "Loads, drawn for a test",
        "epoch": EPOCH,
        "horizon": HORIZON,
        "knot": EPOCH + dt.timedelta(days=days[0] + 1),
        "carriers": {"name": "loads", "unit": "load"},
        "report": said,
        "assumption": {
            **{n: {"unit": u, "prior": p, "basis": "Drawn for a test."} for n, (u, p) in stated.items()},
            "cargo": cargo.model_dump(exclude_none=True),
        },
        "quantity": {"freight": {"unit": "tonne", "formula": "loads * cargo"}},
        "claim": {"much": {"says": "as much as that", "statement": f"loads[{said[-1]['id']}] >= {most:.0f}"}},
    }


def settings(
    study: Study, names: Sequence[str] | None = None, *, farthest: float = 3.0
) -> st.SearchStrategy[Mapping[str, Any]]:
    """Settings of some assumptions of a study, for `Study.assuming`: name -> value, in the study's own unit.

    Each value is a quantile of its prior, at most `farthest` standard deviations from its middle on the
    normal scale. They shrink to fewer assumptions, nearer to their middles; the least is none at all.

    Parameters
    ----------
    names : sequence of str, optional
        The assumptions that may be set; without it all that are not fixed.

    Raises
    ------
    StudyError
        For an unknown assumption, or a fixed one.
    """
    free = [name for name, stated in study.assumptions.items() if stated.prior.family != "fixed"]
    for name in names or ():
        if name not in free:
            raise StudyError(f"{name!r} cannot be set", remedy=choices(name, free))
    dials = [Dial(study, name) for name in free if names is None or name in names]
    # A list and not a dictionary of optional keys: Hypothesis shrinks it to fewer.
    turned = st.tuples(st.sampled_from(dials), st.floats(-farthest, farthest)) if dials else st.nothing()
    some = st.lists(turned, max_size=len(dials), unique_by=lambda one: one[0].name)
    return some.map(lambda turns: {dial.name: dial.stated(z) for dial, z in turns})
