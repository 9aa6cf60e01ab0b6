"""What the parts of a study must satisfy together."""

from typing import TYPE_CHECKING

from estimates.assumptions import MODEL_ASSUMPTIONS
from estimates.claims import check_claim
from estimates.correlations import check_possible
from estimates.errors import FormulaError, StudyError, choices
from estimates.quantities import check_dimensions
from estimates.reports import fitted_reports

if TYPE_CHECKING:
    from estimates.study.whole import Study

_RESERVED = frozenset(
    {
        "day",
        "days",
        "report",
        "reports",
        "issuer",
        "voice",
        "counted",
        "chain",
        "draw",
        "date",
        "epoch",
        "knot",
    }
    | {
        "report_value",
        "report_grid",
        "report_rule",
        "report_low",
        "report_high",
        "as_of_place",
        "as_of_width",
    }
    | {"windowed", "undated_issuer", "shared_quantity", "carried", "predicted"}
    | {"seen_place", "seen_before", "seen_centre"}
)


def check(study: "Study") -> None:
    """Refuse a study whose parts do not fit together.

    Raises
    ------
    StudyError
        With the field, what is allowed, and the remedy.
    """
    _clock(study)
    _names(study)
    _reports(study)
    _priors(study)
    _correlations(study)
    check_dimensions(study.quantities, study.leaf_units, study.registry)
    _headline(study)
    _claims(study)


def _clock(study: "Study") -> None:
    if study.horizon <= study.epoch:
        raise StudyError(f"horizon {study.horizon} is not after epoch {study.epoch}", where="horizon")
    if study.epoch.year < 1700 or study.horizon.year > 2200:  # days are kept as nanoseconds
        raise StudyError(
            f"from {study.epoch} to {study.horizon}", where="epoch", remedy="Days lie from 1700 to 2200."
        )
    if (study.horizon - study.epoch).days > 36_525:
        raise StudyError("more than a century from epoch to horizon", where="horizon", remedy="Shorten it.")
    if study.knot is not None and not study.epoch < study.knot < study.horizon:
        raise StudyError(
            f"knot {study.knot}", where="knot", remedy=f"Between {study.epoch} and {study.horizon}."
        )


def _names(study: "Study") -> None:
    owner = {study.carriers.name: "carriers"}
    for kind, names in (("assumption", study.assumptions), ("quantity", study.quantities)):
        for name in names:
            if name in owner:
                raise StudyError(
                    f"{name!r} is {owner[name]} already", where=f"{kind}.{name}", remedy="Rename one."
                )
            owner[name] = kind
    beside = {f"{name}_{part}" for name in study.assumptions for part in ("prior", "lower", "upper", "given")}
    for name, kind in owner.items():
        where = f"{kind}.{'name' if kind == 'carriers' else name}"
        if name in MODEL_ASSUMPTIONS and kind != "assumption":
            raise StudyError(
                f"{name!r} is an assumption that models ask for", where=where, remedy="Rename it."
            )
        if name in beside or name.startswith("day_"):
            raise StudyError(
                f"{name!r} is what models keep beside an assumption", where=where, remedy="Rename it."
            )
        if name in _RESERVED:
            raise StudyError(
                f"{name!r} is reserved", where=where, remedy=f"Reserved: {', '.join(sorted(_RESERVED))}."
            )
    study.registry.factor(study.carriers.unit, "carriers.unit")
    if not study.registry.dimension(study.carriers.unit).powers:
        raise StudyError(
            f"{study.carriers.unit!r} is dimensionless",
            where="carriers.unit",
            remedy="Take a word of its own, such as container or voyage: it becomes a unit.",
        )


def _reports(study: "Study") -> None:
    seen: set[str] = set()
    known = [study.carriers.name, *study.quantities]
    for report in study.reports:
        where = f"report {report.id!r}"
        if report.id in seen:
            raise StudyError(f"two reports with the id {report.id!r}", where=where, remedy="Rename one.")
        seen.add(report.id)
        if report.measures not in known:
            raise StudyError(
                f"measures {report.measures!r}, which is no quantity",
                where=f"{where} · measures",
                remedy=choices(report.measures, known),
            )
        first = min(filter(None, (report.since, report.as_of and report.as_of[0], report.published)))
        if first <= study.epoch or report.published > study.horizon:
            raise StudyError(
                f"{first if first <= study.epoch else report.published} is outside the study",
                where=where,
                remedy=f"Dates lie after the epoch {study.epoch}, up to the horizon {study.horizon}.",
            )
        if report.since and not study.needs_day(report.measures):
            raise StudyError("since, for a quantity without carriers", where=where, remedy="Leave since out.")
    _derivations(study)
    _bridges(study)
    if not fitted_reports(study.reports):
        raise StudyError(
            "no report at all to learn from",
            where="report",
            remedy="Give at least one [[report]] that is not derived from another.",
        )


def _bridges(study: "Study") -> None:
    """Two different counts of one quantity are pooled only over a named assumption."""
    wordings: dict[str, dict[str, str | None]] = {}
    fitted = {report.id for report in fitted_reports(study.reports)}
    for report in study.reports:
        where = f"report {report.id!r} · bridge"
        if report.bridge is not None:
            if report.bridge not in study.assumptions:
                known = study.assumptions
                raise StudyError(
                    f"unknown assumption {report.bridge!r}", where=where, remedy=choices(report.bridge, known)
                )
            if study.registry.dimension(study.assumptions[report.bridge].unit).powers:
                raise StudyError(
                    f"{report.bridge!r} is in {study.assumptions[report.bridge].unit}",
                    where=where,
                    remedy="A bridge is a ratio: dimensionless.",
                )
        if report.id in fitted:
            bridges = wordings.setdefault(report.measures, {})
            if bridges.setdefault(report.counts, report.bridge) != report.bridge:
                raise StudyError(
                    f"the same count with and without the bridge {report.bridge or bridges[report.counts]!r}",
                    where=where,
                    remedy="Reports with the same words in counts take the same bridge.",
                )
    for measured, bridges in wordings.items():
        plain = [words for words, bridge in bridges.items() if bridge is None]
        if len(plain) > 1:
            told = " and ".join(repr(words or "(not said)") for words in plain[:3])
            raise StudyError(
                f"reports on {measured} count different things: {told}",
                where="report · counts",
                remedy="Give all but one a bridge: the assumption that turns one count into the other.",
            )


def _derivations(study: "Study") -> None:
    parents = {report.id: report.derived_from for report in study.reports}
    for child, parent in parents.items():
        if parent is not None and parent not in parents:
            where = f"report {child!r} · derived_from"
            raise StudyError(f"unknown report {parent!r}", where=where, remedy=choices(parent, parents))
    for child in parents:
        line = [child]
        while (above := parents[line[-1]]) is not None:
            if above in line:
                circle = " -> ".join([*line, above])
                raise StudyError(f"a circle: {circle}", where=f"report {child!r} · derived_from")
            line.append(above)


def _priors(study: "Study") -> None:
    for name, assumption in study.assumptions.items():
        where = f"assumption.{name}"
        study.registry.factor(assumption.unit, f"{where} · unit")
        if name in MODEL_ASSUMPTIONS:
            meant = MODEL_ASSUMPTIONS[name].unit.format(carrier=study.carriers.unit)
            if study.registry.dimension(assumption.unit) != study.registry.dimension(meant):
                raise StudyError(
                    f"unit {assumption.unit!r}",
                    where=f"{where} · unit",
                    remedy=f"Models take {name} in {meant}.",
                )
        try:
            study.distribution(name)
        except StudyError as error:
            raise error.at(f"{where} · prior") from None


_ONE_EACH = ("reporting_lag", "issuer_bias", "common_bias")
"""Assumptions of which there may be one for each issuer."""


def _correlations(study: "Study") -> None:
    pairs: set[frozenset[str]] = set()
    for number, correlation in enumerate(study.correlations, start=1):
        where = f"correlation {number} · between"
        for name in correlation.between:
            if name not in study.assumptions:
                known = study.assumptions
                raise StudyError(f"unknown assumption {name!r}", where=where, remedy=choices(name, known))
            if name in _ONE_EACH:
                raise StudyError(
                    f"{name!r} may be one for each issuer",
                    where=where,
                    remedy="Only assumptions that are one number can go together.",
                )
        pair = frozenset(correlation.between)
        if pair in pairs:
            raise StudyError(
                f"{' and '.join(correlation.between)} twice", where=where, remedy="State it once."
            )
        pairs.add(pair)
    check_possible(study.correlations)


def _headline(study: "Study") -> None:
    if study.headline is None:
        return
    for name in filter(None, (study.headline.quantity, study.headline.stated)):
        if name not in study.quantities:
            raise StudyError(
                f"unknown quantity {name!r}", where="headline", remedy=choices(name, study.quantities)
            )


def _claims(study: "Study") -> None:
    known = [study.carriers.name, *study.assumptions, *study.quantities]
    for name, claim in study.claims.items():
        where = f"claim.{name} · statement"
        try:
            for leaf in claim.parsed.names():
                if leaf.name not in known:
                    raise FormulaError(f"unknown name {leaf.name!r}", remedy=choices(leaf.name, known))
                _at(study, leaf.name, leaf.at)
            check_claim(claim, lambda name: study.registry.dimension(study.unit_of(name)))
        except StudyError as error:
            raise error.at(where) from None


def _at(study: "Study", name: str, at: str | None) -> None:
    depends = study.needs_day(name)
    if depends and at is None:
        raise FormulaError(f"{name} without a day", remedy=f"Write {name}[report_id] or {name}[2024-02-26].")
    if at is not None and not depends:
        raise FormulaError(f"{name}[{at}]", remedy=f"{name} is the same on every day: leave out [{at}].")
    if at is not None:
        study.date_of(at)
