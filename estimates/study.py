"""The frozen whole: reports, assumptions, quantities, claims and variants of one TOML file.

A `Study` never changes. `Study.without`, `Study.assuming` and `Study.variant` give new ones.
"""

import datetime as dt
import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    PlainSerializer,
    PrivateAttr,
    Strict,
    ValidationError,
    model_validator,
)

from estimates.assumptions import MODEL_ASSUMPTIONS, Assumption, Distribution, Prior, Real
from estimates.claims import Claim, check_claim
from estimates.errors import EstimatesError, FormulaError, StudyError, choices
from estimates.quantities import Quantity, check_dimensions, dependencies
from estimates.reports import Identifier, Noun, Report, Words, fitted_reports
from estimates.units import DATE, Units, units_of

LARGEST_FILE = 2_000_000
PACKAGED = Path(__file__).parent / "studies"
FLAGSHIP = "dprk-shells-2024"
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
    | {"windowed", "undated_issuer", "shared_quantity"}
)

type Frozen[T] = Annotated[Mapping[Identifier, T], AfterValidator(MappingProxyType), PlainSerializer(dict)]


class Carriers(Noun):
    """What somebody counted."""

    name: Identifier = Field(description="Their name in formulas: containers.")
    unit: str = Field(description="Their unit: container. An unknown word becomes a new unit.")


class Change(Noun):
    """What a variant says of one assumption; a prior is replaced whole."""

    prior: Prior | None = None
    basis: str | None = None
    source: str | None = None
    judgement: bool | None = None


class Variant(Noun):
    """A named alternative reading of the study."""

    basis: str = Field(description="Why one might read it so.", min_length=1)
    without: Words = Field(default=(), description="Ids of reports to leave out.")
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
    epoch, horizon : date
        The day 0 of the clock and the last day looked at.
    knot : date, optional
        The day on which models of two parts turn.
    """

    format: Literal[1] = Field(description="The format of this file: 1.")
    name: str = Field(description="A short name, used for folders.", pattern=r"^[\w][\w.-]{0,79}$")
    title: str = Field(description="One line that says what is estimated.", min_length=1)
    about: str = Field(default="", description="What a reader should know first.")
    epoch: dt.date = Field(description="Day 0 of the clock, before anything was shipped.")
    horizon: dt.date = Field(description="The last day looked at.")
    knot: dt.date | None = Field(default=None, description="The day on which two-part models turn.")
    carriers: Carriers
    headline: Headline | None = Field(default=None, description="What the pictures lead with.")
    units: Annotated[Mapping[str, str], AfterValidator(MappingProxyType), PlainSerializer(dict)] = Field(
        default_factory=lambda: MappingProxyType({}), description='New units: crate = "new" or "20 kg".'
    )
    reports: Annotated[tuple[Report, ...], Strict(False)] = Field(default=(), alias="report")
    assumptions: Frozen[Assumption] = Field(default_factory=lambda: MappingProxyType({}), alias="assumption")
    quantities: Frozen[Quantity] = Field(default_factory=lambda: MappingProxyType({}), alias="quantity")
    claims: Frozen[Claim] = Field(default_factory=lambda: MappingProxyType({}), alias="claim")
    variants: Frozen[Variant] = Field(default_factory=lambda: MappingProxyType({}), alias="variant")

    _variant: str | None = PrivateAttr(default=None)
    _asked: tuple[dt.date, ...] = PrivateAttr(default=())
    _base_fingerprint: str | None = PrivateAttr(default=None)

    # ---- what the file must satisfy ------------------------------------------------------------

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.horizon <= self.epoch:
            raise StudyError(f"horizon {self.horizon} is not after epoch {self.epoch}", where="horizon")
        if self.epoch.year < 1700 or self.horizon.year > 2200:  # days are kept as nanoseconds
            raise StudyError(
                f"from {self.epoch} to {self.horizon}", where="epoch", remedy="Days lie from 1700 to 2200."
            )
        if (self.horizon - self.epoch).days > 36_525:
            raise StudyError(
                "more than a century from epoch to horizon", where="horizon", remedy="Shorten it."
            )
        if self.knot is not None and not self.epoch < self.knot < self.horizon:
            raise StudyError(
                f"knot {self.knot}", where="knot", remedy=f"Between {self.epoch} and {self.horizon}."
            )
        self._check_names()
        self._check_reports()
        self._check_priors()
        check_dimensions(self.quantities, self._leaf_units, self.registry)
        self._check_headline()
        self._check_claims()
        for name in self.variants:
            try:
                self._read_as(name)
            except ValidationError as error:
                raise _translated(error).at(f"variant.{name}") from None
            except EstimatesError as error:
                raise error.at(f"variant.{name}") from None
        return self

    def _check_names(self) -> None:
        owner = {self.carriers.name: "carriers"}
        for kind, names in (("assumption", self.assumptions), ("quantity", self.quantities)):
            for name in names:
                if name in owner:
                    raise StudyError(
                        f"{name!r} is {owner[name]} already", where=f"{kind}.{name}", remedy="Rename one."
                    )
                owner[name] = kind
        beside = {f"{name}_{part}" for name in self.assumptions for part in ("prior", "lower", "upper")}
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
        self.registry.factor(self.carriers.unit, "carriers.unit")
        if not self.registry.dimension(self.carriers.unit).powers:
            raise StudyError(
                f"{self.carriers.unit!r} is dimensionless",
                where="carriers.unit",
                remedy="Take a word of its own, such as container or voyage: it becomes a unit.",
            )

    def _check_reports(self) -> None:
        seen: set[str] = set()
        known = [self.carriers.name, *self.quantities]
        for report in self.reports:
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
            if first <= self.epoch or report.published > self.horizon:
                raise StudyError(
                    f"{first if first <= self.epoch else report.published} is outside the study",
                    where=where,
                    remedy=f"Dates lie after the epoch {self.epoch} and up to the horizon {self.horizon}; move one.",
                )
            if report.since and not self._rests_on_carriers(report.measures):
                raise StudyError(
                    "since, for a quantity without carriers", where=where, remedy="Leave since out."
                )
        self._check_derivations()
        if not fitted_reports(self.reports):
            raise StudyError(
                "no report at all to learn from",
                where="report",
                remedy="Give at least one [[report]] that is not derived from another.",
            )

    def _check_derivations(self) -> None:
        parents = {report.id: report.derived_from for report in self.reports}
        for child, parent in parents.items():
            where = f"report {child!r} · derived_from"
            if parent is not None and parent not in parents:
                raise StudyError(f"unknown report {parent!r}", where=where, remedy=choices(parent, parents))
            line = [child]
            while parent is not None:
                if parent in line:
                    raise StudyError(f"a circle: {' -> '.join([*line, parent])}", where=where)
                line.append(parent)
                parent = parents[parent]

    def _check_priors(self) -> None:
        for name, assumption in self.assumptions.items():
            where = f"assumption.{name}"
            self.registry.factor(assumption.unit, f"{where} · unit")
            if name in MODEL_ASSUMPTIONS:
                meant = MODEL_ASSUMPTIONS[name].unit.format(carrier=self.carriers.unit)
                if self.registry.dimension(assumption.unit) != self.registry.dimension(meant):
                    raise StudyError(
                        f"unit {assumption.unit!r}",
                        where=f"{where} · unit",
                        remedy=f"Models take {name} in {meant}.",
                    )
            try:
                self.distribution(name)
            except StudyError as error:
                raise error.at(f"{where} · prior") from None

    def _check_headline(self) -> None:
        if self.headline is None:
            return
        for name in filter(None, (self.headline.quantity, self.headline.stated)):
            if name not in self.quantities:
                raise StudyError(
                    f"unknown quantity {name!r}", where="headline", remedy=choices(name, self.quantities)
                )

    def _check_claims(self) -> None:
        known = [self.carriers.name, *self.assumptions, *self.quantities]
        for name, claim in self.claims.items():
            where = f"claim.{name} · statement"
            try:
                for leaf in claim.parsed.names():
                    if leaf.name not in known:
                        raise FormulaError(f"unknown name {leaf.name!r}", remedy=choices(leaf.name, known))
                    self._check_at(leaf.name, leaf.at)
                check_claim(claim, lambda name: self.registry.dimension(self.unit_of(name)))
            except StudyError as error:
                raise error.at(where) from None

    def _check_at(self, name: str, at: str | None) -> None:
        depends = self._rests_on_carriers(name)
        if depends and at is None:
            raise FormulaError(
                f"{name} without a day", remedy=f"Write {name}[report_id] or {name}[2024-02-26]."
            )
        if at is not None and not depends:
            raise FormulaError(f"{name}[{at}]", remedy=f"{name} is the same on every day: leave out [{at}].")
        if at is not None:
            self.date_of(at)

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
    def days(self) -> tuple[dt.date, ...]:
        """The days on which carriers are kept: a weekly grid, published days, and those asked for."""
        length = (self.horizon - self.epoch).days
        grid = {self.epoch + dt.timedelta(days=step) for step in (*range(0, length, 7), length)}
        named = {self.date_of(leaf.at) for c in self.claims.values() for leaf in c.parsed.names() if leaf.at}
        return tuple(sorted(grid | named | {report.published for report in self.reports} | {*self._asked}))

    @property
    def needed(self) -> tuple[str, ...]:
        """The assumptions that its reports ask for: scatter, bias, and lag where a day is not given."""
        names = ["report_scatter", "issuer_bias"]
        if any(report.as_of is None for report in self.fitted):
            names.append("reporting_lag")
        voices = [(report.measures, report.issuer) for report in self.fitted]
        if len({measured for measured, _ in voices}) < len(set(voices)):
            names.append("common_bias")
        return tuple(names)

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
    def variant_name(self) -> str | None:
        """The variant this study was read as, if any."""
        return self._variant

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
                ]
                for r in self.fitted
            )
        )

    def document(self) -> dict[str, Any]:
        """The study as plain data, as it would stand in a file."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)

    def unit_of(self, name: str) -> str:
        """The unit in which `name` is computed: that of models for their assumptions."""
        if name == self.carriers.name:
            return self.carriers.unit
        if name in self.quantities:
            return self.quantities[name].unit
        if name in MODEL_ASSUMPTIONS:
            return MODEL_ASSUMPTIONS[name].unit.format(carrier=self.carriers.unit)
        return self.assumption(name).unit

    def factor(self, name: str) -> float:
        """How many base units one unit of `name` is."""
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
        block = f'[assumption.{name}]\nunit = "..."\nprior = {{ family = "lognormal", q05 = 1, q95 = 10 }}\nbasis = "..."'
        if name in MODEL_ASSUMPTIONS:
            last = max(r.published for r in self.fitted) - dt.timedelta(days=1)
            early = min(self.epoch + dt.timedelta(days=1), last)
            block = MODEL_ASSUMPTIONS[name].block(name, self.carriers.unit, (early, last))
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

    def _rests_on_carriers(self, name: str) -> bool:
        return name == self.carriers.name or self.carriers.name in dependencies(name, self.quantities)

    def needs_day(self, name: str) -> bool:
        """Whether `name` changes from day to day."""
        return self._rests_on_carriers(name)

    @property
    def _leaf_units(self) -> dict[str, str]:
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
            raise _translated(error, document) from None
        study._variant, study._base_fingerprint = self._variant, None
        study._asked = self._asked
        return study

    def __reduce__(self) -> tuple[Any, ...]:
        asked = tuple(map(str, self._asked))
        return (restore, (json.dumps(self.document()), self._variant, self._base_fingerprint, asked))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Study) and self.__reduce__() == other.__reduce__()

    def __hash__(self) -> int:
        return hash(self.fingerprint)


def _digest(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def restore(
    document: str, variant: str | None = None, base: str | None = None, asked: tuple[str, ...] = ()
) -> Study:
    """A study from its `Study.document` as JSON, read as the variant it was, with the days asked for."""
    study = Study.model_validate_json(document)
    study._variant, study._base_fingerprint = variant, base
    study._asked = tuple(map(dt.date.fromisoformat, asked))
    return study


# ---- reading files -----------------------------------------------------------------------------


def packaged() -> dict[str, Path]:
    """The studies that come with the library, by name."""
    return {path.stem: path for path in sorted(PACKAGED.glob("*.toml"))}


def read(source: str | Path = FLAGSHIP) -> Study:
    """Read a study: a path to a TOML file, or the name of a packaged one.

    Raises
    ------
    StudyError
        With the file, line and field, what is allowed, and the remedy.

    Examples
    --------
    >>> read("dprk-shells-2024").fitted[0].says.seen
    Interval(low=6650.0, high=6750.0)
    """
    known = packaged()
    if isinstance(source, str) and source in known:
        return read_text(known[source].read_text(encoding="utf-8"), known[source].name)
    path = Path(source)
    if not (path.suffix or "/" in str(source)) and not path.exists():
        raise StudyError(
            f"unknown study {str(source)!r}",
            remedy=f"Give a path to a TOML file, or a packaged study. {choices(str(source), known)}",
        )
    return read_text(_text_of(path), str(path))


def _text_of(path: Path) -> str:
    try:
        if not path.is_file():
            missing = "is no file" if path.exists() else "does not exist"
            raise StudyError(missing, where=str(path), remedy="Give the path of a TOML study file.")
        if path.stat().st_size > LARGEST_FILE:
            raise StudyError(
                f"{path.stat().st_size:,} bytes",
                where=str(path),
                remedy=f"A study has at most {LARGEST_FILE:,}.",
            )
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise StudyError("not a text file", where=str(path), remedy="A study is TOML in UTF-8.") from None
    except OSError as error:
        raise StudyError(f"cannot be read: {error.strerror}", where=str(path)) from None


def read_text(text: str, name: str = "study") -> Study:
    """The study written in a TOML text; `name` stands for the file in errors."""
    if not text.strip():
        raise StudyError("the file is empty", where=name, remedy="Start one with: estimates new NAME")
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # an integer of 5,000 digits is a bare ValueError
        raise StudyError(f"not valid TOML: {error}", where=name) from None
    try:
        return Study.model_validate(document)
    except ValidationError as error:
        field = tuple(_foremost(error)["loc"])
        refused = _translated(error, document)
    except EstimatesError as error:
        field, refused = (), error
    line = _line_of(text, field or _field_named(refused.where, document))
    raise refused.at(f"{name}:{line}" if line else name)


def _foremost(error: ValidationError) -> Any:
    """The finding to report: a misspelt field rather than the one that is missing because of it."""
    found = error.errors()
    return next((one for one in found if one["type"] == "extra_forbidden"), found[0])


def _translated(error: ValidationError, document: Mapping[str, Any] | None = None) -> StudyError:
    """Pydantic's foremost finding as one of our errors, with near misses suggested."""
    found = _foremost(error)
    loc = tuple(part for part in found["loc"])
    where = _spoken(loc, document or {})
    match found["type"]:
        case "value_error":
            inner = found["ctx"]["error"]
            return inner.at(where) if isinstance(inner, StudyError) else StudyError(str(inner), where=where)
        case "extra_forbidden":
            fields = _fields_at(loc[:-1])
            return StudyError(f"unknown field {loc[-1]!r}", where=where, remedy=choices(str(loc[-1]), fields))
        case "missing":
            return StudyError(f"{loc[-1]!r} is missing", where=where, remedy=_meaning(loc))
        case "literal_error" if loc[-1] == "family":
            families = [str(word) for word in Prior.model_fields["family"].annotation.__args__]  # type: ignore[union-attr]
            return StudyError(
                f"unknown family {found['input']!r}",
                where=where,
                remedy=choices(str(found["input"]), families),
            )
        case _:
            shown = repr(found["input"])
            shown = shown if len(shown) < 80 else shown[:77] + "..."
            return StudyError(f"{found['msg'].lower()}, not {shown}", where=where, remedy=_meaning(loc))


def _spoken(loc: tuple[int | str, ...], document: Mapping[str, Any]) -> str:
    """A place in the file as a person names it: report 'feb_2024' · says.hedge."""
    if len(loc) > 1 and loc[0] == "report" and isinstance(loc[1], int):
        entry = document.get("report", [])
        entry = entry[loc[1]] if isinstance(entry, list) and loc[1] < len(entry) else {}
        label = repr(entry["id"]) if isinstance(entry, dict) and "id" in entry else f"number {loc[1] + 1}"
        rest = ".".join(map(str, loc[2:]))
        return f"report {label} · {rest}" if rest else f"report {label}"
    return ".".join(str(part) for part in loc if part not in ("float", "date", "[key]"))


def _model_at(loc: tuple[int | str, ...]) -> type[Noun] | None:
    """The Pydantic model that a place in the file belongs to."""
    model: type[Noun] = Study
    for part in loc:
        for name, field in model.model_fields.items():
            if part in (name, field.alias):
                inner = [kind for kind in _nouns_in(field.annotation)]
                if not inner:
                    return None
                model = inner[0]
                break
    return model


def _nouns_in(annotation: Any) -> Iterator[type[Noun]]:
    if isinstance(annotation, type) and issubclass(annotation, Noun):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _nouns_in(argument)


def _fields_at(loc: tuple[int | str, ...]) -> list[str]:
    model = _model_at(loc)
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _meaning(loc: tuple[int | str, ...]) -> str:
    model = _model_at(loc[:-1])
    for name, field in (model.model_fields if model else {}).items():
        if loc and loc[-1] in (name, field.alias) and field.description:
            return field.description
    return ""


def _field_named(where: str, document: Mapping[str, Any]) -> tuple[int | str, ...]:
    """The place in the file that an error of ours names in words."""
    head, _, field = where.partition(" · ")
    if head.startswith("report '"):
        names = [r.get("id") for r in document.get("report", []) if isinstance(r, dict)]
        wanted = head.removeprefix("report ").strip("'")
        start: tuple[int | str, ...] = (
            ("report", len(names) - 1 - names[::-1].index(wanted)) if wanted in names else ("report",)
        )
    else:
        start = tuple(head.split("."))
    return (*start, *(field.split(" · ")[0].split(".") if field else ()))


def _line_of(text: str, loc: tuple[int | str, ...]) -> int | None:
    """The line (from 1) whose table and key share the longest beginning with `loc`."""
    table: tuple[int | str, ...] = ()
    counts: dict[str, int] = {}
    best, line_of_best = 0, None
    for number, line in enumerate(text.splitlines(), start=1):
        if array := re.match(r"\s*\[\[\s*([^\]]+?)\s*\]\]", line):
            counts[array[1]] = counts.get(array[1], -1) + 1
            table = here = (array[1], counts[array[1]])
        elif header := re.match(r"\s*\[\s*([^\[\]]+?)\s*\]\s*(?:#|$)", line):
            table = here = tuple(part.strip("\"' ") for part in header[1].split("."))
        elif key := re.match(r"\s*([\w.\"'-]+)\s*=", line):
            here = (*table, *(part.strip("\"' ") for part in key[1].split(".")))
        else:
            continue
        shared = next(
            (i for i, (a, b) in enumerate(zip(here, loc, strict=False)) if a != b), min(len(here), len(loc))
        )
        if shared > best:
            best, line_of_best = shared, number
    return line_of_best
