"""The laws of studies."""

import numpy as np

from estimates.audit import audit
from estimates.errors import QuestionError
from estimates.quantities import evaluate
from estimates.reports import Report
from estimates.seeds import generator
from estimates.study import Study
from estimates.testing.law import Law
from estimates.testing.model_laws import ORDER, RELAYS
from estimates.testing.subjects import Array, Subject, estimated


def _states_its_priors(subject: Subject) -> str | None:
    study = subject.study
    for name, stated in study.assumptions.items():
        prior = stated.prior
        if prior.q05 is None or prior.is_dated:
            continue
        scale = study.registry.factor(stated.unit) / study.factor(name)
        found = study.distribution(name).quantile([0.05, 0.95]) / scale
        wanted = np.array([prior.q05, prior.q95], dtype=float)
        if not np.allclose(found, wanted, rtol=1e-6, atol=1e-9 * np.ptp(wanted)):
            return (
                f"{name} has its 5 % and 95 % at {found[0]:.6g} and {found[1]:.6g}, not where they are stated"
            )
    return None


def _counts_nothing_twice(subject: Subject) -> str | None:
    doubts = [finding.words for finding in audit(subject.study) if finding.is_doubt]
    return " ".join(doubts) or None


def _keeps_derived_numbers_out(subject: Subject) -> str | None:
    study = subject.study
    derived = [report.id for report in study.reports if report.derived_from]
    kept = [report.id for report in study.fitted if report.id in derived]
    if kept:
        return f"{kept[0]} is derived and fitted"
    if derived and study.without(*derived).data_digest != study.data_digest:
        return f"without {derived[0]}, which is derived, the data are others"
    return None


def _agrees_with_its_own_arithmetic(subject: Subject) -> str | None:
    """Every derived number lies where its formula puts it, given the report that it is derived from."""
    study = subject.study
    known = {report.id: report for report in study.reports}
    for report in study.reports:
        parent = known.get(report.derived_from or "")
        if parent is None or parent.measures != study.carriers.name or report.measures == parent.measures:
            continue
        low, high = _reach(_derived(study, report, parent.says.printed, subject.seed))
        if not low <= report.says.printed <= high:
            return (
                f"{report.id} says {report.says}, and {report.measures} of {parent.says} gives {low:,.3g} to "
                f"{high:,.3g}: a unit, or the formula, is another"
            )
    return None


def _derived(study: Study, report: Report, carriers: float, seed: int) -> Array:
    rng = generator(seed, "laws", report.id)

    def leaf(name: str) -> Array:
        if name == study.carriers.name:
            return np.full(2000, carriers)
        return study.distribution(name).quantile(rng.random(2000))

    return np.asarray(evaluate(report.measures, study.quantities, leaf, study.factor))


def _reach(draws: Array) -> tuple[float, float]:
    """All but a thousandth on either side, and half as far again."""
    low, high = np.quantile(draws, [0.001, 0.999])
    return float(low) / 1.5, float(high) * 1.5


def _could_have_been_said(subject: Subject) -> str | None:
    """Every fitted report lies within what its own assumptions would have had printed."""
    printed = subject.draws["reports"]
    for place, report in enumerate(subject.study.fitted):
        low, high = _reach(printed[:, place])
        seen = report.says.seen
        if seen.high < low or seen.low > high:
            given = f"{low:,.3g} to {high:,.3g}"
            return f"{report.id} says {report.says}, and its assumptions alone would have had {given} printed"
    return None


def _leaves_its_claims_open(subject: Subject) -> str | None:
    study = subject.study
    estimate = estimated(subject, study)
    for name in study.claims:
        try:
            share = float(estimate.holds(name, group="prior").mean())
        except QuestionError:  # on an unknown that this model does not have
            continue
        if share in (0.0, 1.0):
            always = "true" if share else "false"
            return f"{name} is {always} in every draw of the prior: no report can change it"
    return None


STUDY_LAWS = (
    Law(
        "states_its_priors",
        "Every prior has the quantiles that it states.",
        _states_its_priors,
    ),
    ORDER,
    RELAYS,
    Law(
        "counts_nothing_twice",
        "No number is, unanswered, another one told again or turned into other units.",
        _counts_nothing_twice,
    ),
    Law(
        "keeps_derived_numbers_out",
        "Numbers that are arithmetic on others are not data.",
        _keeps_derived_numbers_out,
    ),
    Law(
        "agrees_with_its_own_arithmetic",
        "A derived number lies where its formula puts it.",
        _agrees_with_its_own_arithmetic,
    ),
    Law(
        "could_have_been_said",
        "Every report is possible under its assumptions.",
        _could_have_been_said,
    ),
    Law(
        "leaves_its_claims_open",
        "Every claim can be true, and can be false, before the reports.",
        _leaves_its_claims_open,
        "fit",
    ),
)
"""The laws of studies."""
