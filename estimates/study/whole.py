"""The frozen whole: reports, assumptions, quantities, claims and variants of one TOML file.

A `Study` never changes. `Study.without`, `Study.assuming` and `Study.variant` give new ones.
"""

import datetime as dt
import hashlib
import json
import re
from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PrivateAttr,
    Strict,
    ValidationError,
    model_validator,
)

from estimates.assumptions import MODEL_ASSUMPTIONS, Assumption, Distribution, Prior, Real
from estimates.claims import Claim
from estimates.correlations import Correlation
from estimates.errors import EstimatesError, StudyError, choices
from estimates.quantities import Quantity, dependencies
from estimates.reports import Identifier, Noun, Report, Words, fitted_reports, predecessors, relays
from estimates.study.checks import check
from estimates.study.refusals import translated
from estimates.study.shown import as_html
from estimates.units import DATE, Units, units_of

type Frozen[T] = Annotated[Mapping[Identifier, T], AfterValidator(MappingProxyType), PlainSerializer(dict)]


def _several(tables: Any) -> Any:
    if isinstance(tables, Mapping):
        raise StudyError("[correlation] is one table", remedy="Write [[correlation]], with two brackets.")
    return tables


class Carriers(Noun):
    """What somebody counted."""

    name: Identifier = Field(description="Their name in formulas: containers.")
    unit: str = Field(description="Their unit: container. An unknown word becomes a new unit.")


class Change(Noun):
    """What a variant says of one assumption; a prior is replaced whole."""

    prior: Prior | None = Field(default=None, description="The prior in its place, whole.")
    basis: str | None = Field(default=None, description="Why this prior.")
    source: str | None = Field(default=None, description="The address of the main source.")
    judgement: bool | None = Field(default=None, description="True where no source exists.")


class Variant(Noun):
    """A named alternative reading of the study."""

    basis: str = Field(description="Why one might read it so.", min_length=1)
    without: Words = Field(default=(), description="Ids of reports to leave out.")
    from_reports: bool = Field(
        default=False, description="True where the reading was chosen after seeing the reports."
    )
    assumption: Frozen[Change] = Field(
        default_factory=lambda: MappingProxyType({}), description="Assumptions replaced."
    )


class Headline(Noun):
    """The quantity the study is about, and the reading it is held against."""

    quantity: str = Field(description="The quantity people ask for.")
    stated: str | None = Field(default=None, description="The quantity as its issuer would reckon it.")


class Study(Noun):
    """Public reports, assumptions, quantities and claims: everything an estimate rests on.

    Attributes
    ----------
    reports : tuple of Report
    assumptions, quantities, claims, variants : mapping by name
    correlations : tuple of Correlation
        Which assumptions go together.
    epoch, horizon : date
        The day 0 of the clock and the last day looked at.
    knot : date, optional
        The day on which models of two parts turn.
    """

    # Pydantic's own engine takes longer to read the pattern of a name than Python to read the whole study.
    model_config = ConfigDict(regex_engine="python-re")

    format: Literal[1] = Field(description="The format of this file: 1.")
    name: str = Field(
        description="A short name, used for folders.",
        pattern=r"^[\w][\w.-]{0,79}\Z",
        json_schema_extra={"pattern": r"^[^ -/:-@\[-^`{-~][^ -,/:-@\[-^`{-~]{0,79}$"},
    )
    title: str = Field(description="One line that says what is estimated.", min_length=1)
    about: str = Field(default="", description="What a reader should know first.")
    epoch: dt.date = Field(description="Day 0 of the clock, before anything was shipped.")
    horizon: dt.date = Field(description="The last day looked at.")
    knot: dt.date | None = Field(default=None, description="The day on which two-part models turn.")
    errors: Literal["count", "increment"] = Field(
        default="count",
        description="Whether each count errs by itself, or an issuer's counts carry earlier errors along.",
    )
    carriers: Carriers
    headline: Headline | None = Field(default=None, description="What the pictures lead with.")
    units: Annotated[Mapping[str, str], AfterValidator(MappingProxyType), PlainSerializer(dict)] = Field(
        default_factory=lambda: MappingProxyType({}), description='New units: crate = "new" or "20 kg".'
    )
    reports: Annotated[tuple[Report, ...], Strict(False)] = Field(default=(), alias="report")
    assumptions: Frozen[Assumption] = Field(default_factory=lambda: MappingProxyType({}), alias="assumption")
    correlations: Annotated[tuple[Correlation, ...], Strict(False), BeforeValidator(_several)] = Field(
        default=(), alias="correlation"
    )
    quantities: Frozen[Quantity] = Field(default_factory=lambda: MappingProxyType({}), alias="quantity")
    claims: Frozen[Claim] = Field(default_factory=lambda: MappingProxyType({}), alias="claim")
    variants: Frozen[Variant] = Field(default_factory=lambda: MappingProxyType({}), alias="variant")

    _variant: str | None = PrivateAttr(default=None)
    _asked: tuple[dt.date, ...] = PrivateAttr(default=())
    _weekly: bool = PrivateAttr(default=True)
    _hypothetical: tuple[Report, ...] = PrivateAttr(default=())
    _base_fingerprint: str | None = PrivateAttr(default=None)

    # ---- what the file must satisfy ------------------------------------------------------------

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        check(self)
        for name in self.variants:
            try:
                self._read_as(name)
            except ValidationError as error:
                raise translated(error, Study).at(f"variant.{name}") from None
            except EstimatesError as error:
                raise error.at(f"variant.{name}") from None
        return self

    # ---- what it says --------------------------------------------------------------------------

    @cached_property
    def registry(self) -> Units:
        """The units of this study."""
        own = tuple(self.units.items())
        plain = units_of(own)
        unit = self.carriers.unit
        is_new_word = re.fullmatch(r"[^\W\d]\w*", unit) and unit != DATE and not plain.knows(unit)
        return units_of((*own, (unit, "new"))) if is_new_word else plain

    @cached_property
    def fitted(self) -> tuple[Report, ...]:
        """The reports that enter the likelihood, by day of publication."""
        return tuple(sorted(fitted_reports(self.reports), key=lambda report: (report.published, report.id)))

    @cached_property
    def predicted(self) -> tuple[Report, ...]:
        """The reports that models predict without being shown: held out, or added by `predicting`."""
        held_out = (r for r in self.reports if r.held_out and r.derived_from is None)
        return tuple(
            sorted((*held_out, *self._hypothetical), key=lambda report: (report.published, report.id))
        )

    @cached_property
    def predecessors(self) -> Mapping[str, str]:
        """The fitted report that a report carries on from, where errors go by increments: id -> id."""
        if self.errors == "count":
            return MappingProxyType({})
        return MappingProxyType(predecessors([*self.fitted, *self.predicted], self.fitted))

    @cached_property
    def days(self) -> tuple[dt.date, ...]:
        """The days on which carriers are kept: a weekly grid, published days, and those asked for."""
        length = (self.horizon - self.epoch).days
        steps = (*range(0, length, 7), length) if self._weekly else ()
        grid = {self.epoch + dt.timedelta(days=step) for step in steps}
        named = {self.date_of(leaf.at) for c in self.claims.values() for leaf in c.parsed.names() if leaf.at}
        return tuple(sorted(grid | named | {report.published for report in self.reports} | {*self._asked}))

    @property
    def needed(self) -> tuple[str, ...]:
        """The assumptions that its reports ask for: scatter, bias, and lag where a day is not given."""
        names = ["report_scatter", "issuer_bias"]
        asked = [*self.fitted, *self.predicted]
        if any(report.as_of is None for report in asked):
            names.append("reporting_lag")
        if self.shared_quantities:
            names.append("common_bias")
        return tuple(names)

    @property
    def shared_quantities(self) -> tuple[str, ...]:
        """What more than one issuer reports on, held-out reports included: those issuers share a bias."""
        issuers: dict[str, set[str]] = {}
        for report in (*self.fitted, *self.predicted):
            issuers.setdefault(report.measures, set()).add(report.issuer)
        return tuple(measured for measured, said in issuers.items() if len(said) > 1)

    @property
    def leading(self) -> tuple[str, ...]:
        """What it leads with: the headline and what was stated; else the first quantity, or the carriers."""
        if self.headline:
            return tuple(filter(None, (self.headline.quantity, self.headline.stated)))
        return (next(iter(self.quantities), self.carriers.name),)

    @cached_property
    def claimed_assumptions(self) -> tuple[str, ...]:
        """Assumptions that claims name and that belong to no model."""
        leaves = (leaf.name for claim in self.claims.values() for leaf in claim.parsed.names())
        return tuple(dict.fromkeys(n for n in leaves if n in self.assumptions and n not in MODEL_ASSUMPTIONS))

    @property
    def asked_days(self) -> tuple[dt.date, ...]:
        """The days added by `asking`."""
        return self._asked

    @property
    def made_up(self) -> tuple[Report, ...]:
        """The reports added by `predicting`."""
        return self._hypothetical

    @property
    def variant_name(self) -> str | None:
        """The variant this study was read as, if any."""
        return self._variant

    def _repr_html_(self) -> str:
        return as_html(self)

    @cached_property
    def fingerprint(self) -> str:
        """A digest of everything in the study; a variant keeps the one of its base."""
        return self._base_fingerprint or _digest(self.document())

    @cached_property
    def data_digest(self) -> str:
        """A digest of the fitted reports and the intervals they are read as."""
        return _digest(
            sorted(
                [
                    r.measures,
                    r.issuer,
                    [*r.says.seen],
                    r.says.printing.name,
                    *map(str, (r.published, r.as_of, r.since)),
                    *([r.bridge] if r.bridge else []),
                ]
                for r in self.fitted
            )
            + ([self.errors] if self.errors != "count" else [])
        )

    def document(self) -> dict[str, Any]:
        """The study as plain data, as it would stand in a file."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)

    def unit_of(self, name: str) -> str:
        """The unit in which ``name`` is computed: that of models for their assumptions."""
        if name == self.carriers.name:
            return self.carriers.unit
        if name in self.quantities:
            return self.quantities[name].unit
        if name in MODEL_ASSUMPTIONS:
            return MODEL_ASSUMPTIONS[name].unit.format(carrier=self.carriers.unit)
        return self.assumption(name).unit

    def factor(self, name: str) -> float:
        """How many base units one unit of ``name`` is."""
        return self.registry.factor(self.unit_of(name))

    def assumption(self, name: str) -> Assumption:
        """The assumption of this name.

        Raises
        ------
        StudyError
            When the study has none, with a TOML block to paste.
        """
        if name in self.assumptions:
            return self.assumptions[name]
        prior = 'prior = { family = "lognormal", q05 = 1, q95 = 10 }'
        block = f'[assumption.{name}]\nunit = "..."\n{prior}\nbasis = "..."'
        if name in MODEL_ASSUMPTIONS:
            last = max(r.published for r in self.fitted) - dt.timedelta(days=1)
            early = min(self.epoch + dt.timedelta(days=1), last)
            block = MODEL_ASSUMPTIONS[name].block(name, self.carriers.unit, (early, last))
        if name == "later_rate" and "daily_rate" in self.assumptions:  # no view on which is larger
            like = self.assumptions["daily_rate"]
            block = (
                f'[assumption.{name}]\nunit = "{like.unit}"\nprior = {{ {like.prior.toml()} }}\n'
                f'basis = "{MODEL_ASSUMPTIONS[name].meaning} The prior of daily_rate."\njudgement = true'
            )
        raise StudyError(
            f"the study has no assumption {name!r}",
            where=self.name,
            remedy=f"Paste this and make it yours:\n\n{block}\n",
        )

    def distribution(self, name: str) -> Distribution:
        """The solved prior of an assumption, in the unit of `unit_of`; dates in days since the epoch."""
        assumption = self.assumption(name)
        scale = self.registry.factor(assumption.unit) / self.factor(name)

        def number(stated: Real) -> float:
            return self.day_number(stated) if isinstance(stated, dt.date) else stated * scale

        return assumption.prior.solve(number)

    def implied(self, name: str) -> tuple[Any, Any, Any]:
        """The 5 %, 50 % and 95 % quantiles that a prior implies: numbers in its unit, or dates."""
        quantiles = [float(q) for q in self.distribution(name).quantile([0.05, 0.5, 0.95])]
        if self.unit_of(name) == DATE:
            days = [self.epoch + dt.timedelta(days=round(q)) for q in quantiles]
            return days[0], days[1], days[2]
        # The middle of a symmetric prior about 0 comes out of the solver as a rounding error.
        low, median, high = (q if abs(q) > 1e-12 * (quantiles[2] - quantiles[0]) else 0.0 for q in quantiles)
        return low, median, high

    def day_number(self, date: dt.date) -> float:
        """Days from the epoch to `date`."""
        return float((date - self.epoch).days)

    def date_of(self, at: str | dt.date) -> dt.date:
        """The day that `at` means: a report's publication, the knot, or an ISO date.

        Raises
        ------
        StudyError
            For an unknown report or a day outside the study.
        """
        published = {report.id: report.published for report in self.reports}
        if isinstance(at, str) and at in published:
            return published[at]
        if at == "knot":
            if self.knot is None:
                raise StudyError(
                    "the study names no knot",
                    where=self.name,
                    remedy="Add the day a two-part model turns: knot = 2024-02-26",
                )
            return self.knot
        try:
            date = at if isinstance(at, dt.date) else dt.date.fromisoformat(at)
        except ValueError:
            raise StudyError(f"unknown report {at!r}", remedy=choices(str(at), published)) from None
        if not self.epoch <= date <= self.horizon:
            raise StudyError(f"{date} is outside the study", remedy=f"From {self.epoch} to {self.horizon}.")
        return date

    def needs_day(self, name: str) -> bool:
        """Whether ``name`` rests on the carriers, and so changes from day to day."""
        return name == self.carriers.name or self.carriers.name in dependencies(name, self.quantities)

    @property
    def leaf_units(self) -> dict[str, str]:
        """The units of the carriers and of every assumption."""
        return {name: self.unit_of(name) for name in (self.carriers.name, *self.assumptions)}

    # ---- other studies made from it ------------------------------------------------------------

    def without(self, *report_ids: str) -> "Study":
        """This study without some reports, and without the numbers derived from them.

        Claims that name a report left out keep its day; variants that would have none left fall away.
        """
        return self._made(self._raw_without(report_ids))

    def _raw_without(self, report_ids: tuple[str, ...]) -> dict[str, Any]:
        known = [report.id for report in self.reports]
        for report_id in report_ids:
            if report_id not in known:
                raise StudyError(f"unknown report {report_id!r}", remedy=choices(report_id, known))
        gone = set(report_ids)
        while more := {r.id for r in self.reports if r.derived_from in gone} - gone:
            gone |= more
        document = self._raw()
        document["report"] = [r for r in document["report"] if r["id"] not in gone]
        for claim in document["claim"].values():
            for report in self.reports:
                if report.id in gone:
                    pattern = rf"\[\s*{re.escape(report.id)}\s*\]"
                    claim["statement"] = re.sub(pattern, f"[{report.published}]", claim["statement"])
        for name, variant in self.variants.items():
            if not fitted_reports([r for r in self.reports if r.id not in gone.union(variant.without)]):
                del document["variant"][name]
        for variant in document["variant"].values():
            variant["without"] = tuple(kept for kept in variant.get("without", ()) if kept not in gone)
        return document

    def asking(self, *days: str | dt.date) -> "Study":
        """This study with more days on which carriers are kept; everything else is the same."""
        study = self.model_copy()
        study.__dict__.pop("days", None)  # the cached answer of the study it was copied from
        study._asked = tuple(sorted({*self._asked, *(self.date_of(day) for day in days)}))
        return study

    def alone(self) -> "Study":
        """This study without its variants; the fingerprint stays, and so does the variant it was read as."""
        study = self._made(self._raw() | {"variant": {}})
        study._base_fingerprint = self.fingerprint
        return study

    def on_named_days(self) -> "Study":
        """This study with carriers kept on days of reports and claims and those asked for, on no grid."""
        study = self.model_copy()
        study.__dict__.pop("days", None)
        study._weekly = False
        return study

    def holding_out(self, *report_ids: str) -> "Study":
        """This study with some fitted reports kept from the fit, for its models to predict.

        Other than `without`, the report stays in view: its issuer, its days and its wording are known.
        Its relays are held out with it; variants that would have no report left fall away.
        """
        document = self._raw()
        known = [report.id for report in self.fitted]
        for report_id in report_ids:
            if report_id not in known:
                raise StudyError(f"{report_id!r} is no fitted report", remedy=choices(report_id, known))
        # A release that was told again would otherwise take its place in the fit.
        told_again = {later for later, earlier in relays(self.reports).items() if earlier in report_ids}
        gone = told_again.union(report_ids)
        for report in document["report"]:
            if report["id"] in gone:
                report["held_out"] = "left out to be predicted"
        for name, variant in self.variants.items():
            if not fitted_reports([r for r in self.fitted if r.id not in gone.union(variant.without)]):
                del document["variant"][name]
        return self._made(document)

    def predicting(self, *reports: Report) -> "Study":
        """This study with more reports for its models to predict, such as the next one of an issuer.

        Raises
        ------
        StudyError
            For an issuer that has not reported on the quantity, a day outside the study, or an id taken.
        """
        voices = {report.issuer for report in self.fitted}
        taken = [report.id for report in self.predicted]
        for report in reports:
            if report.id in taken:
                raise StudyError(f"two predicted reports with the id {report.id!r}", remedy="Rename one.")
            taken.append(report.id)
            if report.issuer not in voices:
                raise StudyError(
                    f"unknown issuer {report.issuer!r}",
                    remedy=f"Only one of fitted reports can be predicted. {choices(report.issuer, voices)}",
                )
            if report.measures not in {r.measures for r in self.fitted if r.issuer == report.issuer}:
                raise StudyError(
                    f"{report.issuer} has not reported on {report.measures!r}",
                    remedy="Its bias on that is unknown; name what it has reported on.",
                )
            self.date_of(report.published)
        study = self.model_copy()
        for cached in ("predicted", "predecessors"):
            study.__dict__.pop(cached, None)
        study._hypothetical = (*self._hypothetical, *reports)
        return study

    def assuming(self, changes: Mapping[str, Any] | None = None, **more: Any) -> "Study":
        """This study with other priors: a `Prior`, its fields as a mapping, or a value to fix.

        >>> import estimates as est
        >>> est.read("dprk-shells-2024").assuming(payload=15).distribution("payload").parameters
        (15.0,)
        """
        document = self._raw()
        for name, change in {**(changes or {}), **more}.items():
            if name not in self.assumptions:
                raise StudyError(f"unknown assumption {name!r}", remedy=choices(name, self.assumptions))
            if isinstance(change, Prior):
                prior = change.model_dump(exclude_none=True)
            elif isinstance(change, Mapping):
                prior = dict(change)
            else:
                prior = {"family": "fixed", "value": change}
            document["assumption"][name]["prior"] = prior
        return self._made(document)

    def variant(self, name: str) -> "Study":
        """This study read as one of its variants; the fingerprint stays that of the base."""
        if name not in self.variants:
            raise StudyError(f"unknown variant {name!r}", remedy=choices(name, self.variants))
        if self._variant is not None:
            raise StudyError(
                f"already read as {self._variant!r}",
                remedy="Variants do not stack: start from the base study.",
            )
        study = self._read_as(name)
        study._variant = name
        study._base_fingerprint = self.fingerprint
        return study

    def _read_as(self, name: str) -> "Study":
        variant = self.variants[name]
        document = self._raw_without(variant.without)
        for assumption, change in variant.assumption.items():
            if assumption not in self.assumptions:
                raise StudyError(
                    f"unknown assumption {assumption!r}", remedy=choices(assumption, self.assumptions)
                )
            document["assumption"][assumption].update(change.model_dump(exclude_none=True))
        document["variant"] = {}  # the others are not read again: each is read once, by itself
        return self._made(document)

    def _raw(self) -> dict[str, Any]:
        raw = self.model_dump(mode="python", by_alias=True, exclude_defaults=True)
        return {"report": [], "assumption": {}, "quantity": {}, "claim": {}, "variant": {}} | raw

    def _made(self, document: dict[str, Any]) -> "Study":
        try:
            study = Study.model_validate(document)
        except ValidationError as error:
            raise translated(error, Study, document) from None
        study._variant, study._base_fingerprint = self._variant, None
        study._asked, study._hypothetical = self._asked, self._hypothetical
        return study

    def __reduce__(self) -> tuple[Any, ...]:
        asked = tuple(map(str, self._asked))
        made_up = tuple(report.model_dump_json(exclude_defaults=True) for report in self._hypothetical)
        return (restore, (json.dumps(self.document()), self._variant, self._base_fingerprint, asked, made_up))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Study) and self.__reduce__() == other.__reduce__()

    def __hash__(self) -> int:
        return hash(self.fingerprint)


def _digest(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def restore(
    document: str,
    variant: str | None = None,
    base: str | None = None,
    asked: tuple[str, ...] = (),
    made_up: tuple[str, ...] = (),
) -> Study:
    """A study from its `Study.document` as JSON, read as the variant it was, with what else was asked for."""
    study = Study.model_validate_json(document)
    study._variant, study._base_fingerprint = variant, base
    study._asked = tuple(map(dt.date.fromisoformat, asked))
    study._hypothetical = tuple(map(Report.model_validate_json, made_up))
    return study
