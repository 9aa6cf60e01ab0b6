"""What somebody said, and which true values would have been reported so.

The interval rules are the table of `docs/method.md`; every one is a row of `HEDGES`.
"""

import datetime as dt
import math
import re
import unicodedata
from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum
from functools import cached_property
from typing import Annotated, Any, NamedTuple, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)

from estimates.errors import StudyError, choices


class Printing(Enum):
    """How a seen count becomes a printed one; the value is the sentence that says so."""

    NEAREST = "rounded to the nearest multiple of the grid"
    FLOOR = "rounded down to a multiple of the grid"
    UNROUNDED = "known only to lie in the interval; simulated values stay unrounded"


class Interval(NamedTuple):
    """The half-open set ``[low, high)`` of seen values that would have been printed so."""

    low: float
    high: float

    def __str__(self) -> str:
        high = "infinity" if math.isinf(self.high) else f"{self.high:,.10g}"
        return f"[{self.low:,.10g}, {high})"

    def meets(self, other: "Interval") -> bool:
        """Whether the two share a point."""
        return self.low < other.high and other.low < self.high


HEDGES: dict[str, str] = {
    **dict.fromkeys(("exactly",), "exactly"),
    **dict.fromkeys(("about", "around", "some", "approximately", "roughly"), "about"),
    **dict.fromkeys(("over", "more than", "at least", "exceeding", "odd", "-odd"), "over"),
    **dict.fromkeys(("nearly", "almost", "close to"), "nearly"),
    **dict.fromkeys(("up to", "at most", "as many as"), "up to"),
    **dict.fromkeys(("between",), "between"),
    **dict.fromkeys(("dozens of", "dozens"), "dozens of"),
    **dict.fromkeys(("hundreds of", "hundreds"), "hundreds of"),
    **dict.fromkeys(("thousands of", "thousands"), "thousands of"),
}
"""Every accepted wording and the hedge it belongs to."""

_NEAREST = {
    **dict.fromkeys(("under", "below", "less than", "fewer than", "no more than"), "at most"),
    **dict.fromkeys(("upwards of", "no less than", "no fewer than", "not less than"), "at least"),
    **dict.fromkeys(("just over", "well over", "above"), "over"),
}
"""Wordings of newspapers that are on no list; by their letters they are near to the opposite of some."""

HANDFULS = {"dozens of": 12, "hundreds of": 100, "thousands of": 1000}
"""Hedges that stand for a number of their own, and what they count in."""


def known_hedge(word: str) -> str:
    """The word itself, if it is on the list.

    Raises
    ------
    StudyError
        Naming the list, and the nearest word on it.
    """
    if word in _NEAREST:
        raise StudyError(
            f"unknown hedge {word!r}",
            remedy=f"The nearest is {_NEAREST[word]!r}; or say which numbers are meant: "
            "hedge = 'about' with interval = [low, high].",
        )
    if word not in HEDGES:
        raise StudyError(f"unknown hedge {word!r}", remedy=choices(word, HEDGES))
    return word


def place_of_last_digit(value: float) -> float:
    """The place of the last non-zero digit: 6,700 -> 100; 13,000 -> 1,000; 2.5 -> 0.1.

    >>> place_of_last_digit(6700), place_of_last_digit(43), place_of_last_digit(2.5)
    (100.0, 1.0, 0.1)
    """
    _, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    return float(Decimal(1).scaleb(int(exponent))) if any(digits) else 1.0


def grid_of(value: float) -> float:
    """The grid on which `value` was rounded: the place of its last non-zero digit, sometimes half of it.

    Half of it when only the leading digit is non-zero: 2,000 may stand for 2,100, hardly for 2,400. A
    whole number below ten keeps the grid 1: nobody counts in half carriers.

    >>> [grid_of(v) for v in (6700, 13_000, 2000, 10_000, 5)]
    [100.0, 1000.0, 500.0, 5000.0, 1.0]
    """
    place = place_of_last_digit(value)
    only_leading_digit = round(value / place) < 10
    halved = place / 2 if only_leading_digit else place
    return 1.0 if place == 1.0 else halved


_IDENTIFIER = re.compile(r"[^\W\d]\w{0,59}")


def identifier(name: str) -> str:
    """The name, if formulas and claims can use it: a letter, then letters, digits and underscores.

    Raises
    ------
    StudyError
        For anything else, and for the word ``and`` of the grammar.
    """
    if not _IDENTIFIER.fullmatch(name) or name == "and":
        raise StudyError(
            f"{name!r} cannot be a name",
            remedy="A letter, then letters, digits and underscores; at most 60: feb_2024.",
        )
    return unicodedata.normalize("NFC", name)


# What \w means in a schema hangs on who reads it: an editor looks at the ASCII characters alone.
_IN_EDITORS = {"type": "string", "pattern": r"^[^ -@\[-^`{-~][^ -/:-@\[-^`{-~]{0,59}$"}

type Identifier = Annotated[str, AfterValidator(identifier), WithJsonSchema(_IN_EDITORS)]


def _positive(value: float) -> float:
    if not (math.isfinite(value) and value > 0):
        raise StudyError(f"the value {value:g}", remedy="A reported value is finite and greater than 0.")
    return value


type PositiveNumber = Annotated[
    float, AfterValidator(_positive), WithJsonSchema({"type": "number", "exclusiveMinimum": 0})
]


class Noun(BaseModel):
    """The base of everything read from a study: frozen, and refusing fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Says(Noun):
    """A number as it was worded."""

    hedge: Annotated[str, AfterValidator(known_hedge), WithJsonSchema({"enum": [*HEDGES]})] | None = Field(
        default=None, description="The wording class: about, over, at least, up to, nearly, exactly, ..."
    )
    value: PositiveNumber | None = Field(default=None, description="The printed number.")
    low: PositiveNumber | None = Field(default=None, description="Lower end, for 'between'.")
    high: PositiveNumber | None = Field(default=None, description="Upper end, for 'between'.")
    precision: PositiveNumber | None = Field(
        default=None, description="The grid, where the digits of the value do not tell it."
    )
    open: bool = Field(default=False, description="For 'over': no upper end at all.")
    interval: Annotated[tuple[float, float], Strict(False)] | None = Field(
        default=None, description="The interval by hand, instead of the rule of the hedge."
    )

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.hedge is None:
            raise StudyError("no hedge", remedy=f"Say how the number was worded. {choices('', HEDGES)}")
        if self.kind == "between":
            if self.low is not None and self.high is not None and self.low >= self.high:
                raise StudyError(
                    f"'between' with low {self.low:,.10g} and high {self.high:,.10g}",
                    remedy="The low end comes first and is below the high one.",
                )
            if self.low is None or self.high is None or self.value is not None:
                raise StudyError(
                    "'between' with other ends than low < high", remedy="Give low and high, no value."
                )
        elif self.kind in HANDFULS:
            if self.value is not None or self.low is not None or self.high is not None:
                raise StudyError(
                    f"{self.hedge!r} with a number", remedy="The words are the number; leave it out."
                )
        elif self.value is None or self.low is not None or self.high is not None:
            raise StudyError(f"{self.hedge!r} needs a value", remedy="Give value, and neither low nor high.")
        if self.open and self.kind != "over":
            raise StudyError(f"open with {self.hedge!r}", remedy="Only an 'over' can be open.")
        self._check_grid()
        low, high = self.seen
        if math.isfinite(high) and high - low < 1e-12 * high:
            raise StudyError(
                f"{self} is finer than numbers can tell", remedy="Give a coarser precision or interval."
            )
        return self

    def _check_grid(self) -> None:
        if self.interval is not None:
            low, high = self.interval
            if not (math.isfinite(low) and 0 <= low < high) or self.open:
                raise StudyError(
                    f"the interval [{low:g}, {high:g}]", remedy="Give 0 <= low < high, without open."
                )
            return
        if self.value is None:
            return
        if self.kind == "exactly" and self.precision is None and self.value != round(self.value):
            raise StudyError(
                f"exactly {self.value:g}", remedy="Give precision: what is the last digit worth?"
            )
        if self.precision and self.printing is not Printing.UNROUNDED and self._off_grid:
            raise StudyError(
                f"{self.value:,g} is no multiple of the precision {self.precision:g}",
                remedy="Give a precision that divides it, or interval = [low, high].",
            )
        no_zero = self.precision is None and place_of_last_digit(self.value) <= 1
        if self.kind == "over" and not self.open and no_zero:
            raise StudyError(
                f"over {self.value:g}: no trailing zero tells how far above",
                remedy="Give precision (the grid, such as 1), interval = [low, high], or open = true.",
            )

    @property
    def _off_grid(self) -> bool:
        steps = (self.value or 0.0) / (self.precision or 1.0)
        return not math.isclose(steps, round(steps), rel_tol=1e-9)

    @property
    def kind(self) -> str:
        """The hedge's class, of which its wording is a synonym."""
        return HEDGES[self.hedge or ""]

    @cached_property
    def grid(self) -> float:
        """The grid g, fixed when the report is read; 1 where the wording has none."""
        if self.precision is not None:
            return self.precision
        return 1.0 if self.value is None or self.kind == "exactly" else grid_of(self.value)

    @property
    def printing(self) -> Printing:
        """How simulated reports of this wording are printed."""
        if self.interval is not None or self.open:
            return Printing.UNROUNDED
        rules = {"exactly": Printing.NEAREST, "about": Printing.NEAREST, "over": Printing.FLOOR}
        return rules.get(self.kind, Printing.UNROUNDED)

    @cached_property
    def seen(self) -> Interval:
        """The interval of the value as seen by the issuer."""
        if self.interval is not None:
            return Interval(*map(float, self.interval))
        if self.kind in HANDFULS:
            return Interval(2.0 * HANDFULS[self.kind], 10.0 * HANDFULS[self.kind])
        if self.value is None:
            return Interval(float(self.low or 0), float(self.high or 0))
        value, grid = self.value, self.grid
        match self.kind:
            case "exactly" | "about":
                return Interval(max(value - grid / 2, 0.0), value + grid / 2)
            case "over":
                return Interval(value, math.inf if self.open else value + grid)
            case "nearly":
                return Interval(max(value - grid / 2, 0.0), value)
            case _:
                return Interval(0.0, value)

    @property
    def printed(self) -> float:
        """One number that stands for the wording: the value, else a point inside the interval."""
        if self.value is not None:
            return self.value
        return math.sqrt(max(self.seen.low, 1e-300) * self.seen.high) if self.seen.low else self.seen.high / 2

    def __str__(self) -> str:
        if self.kind == "between":
            return f"between {self.low:,.10g} and {self.high:,.10g}"
        return f"{self.hedge} {self.value:,.10g}" if self.value is not None else str(self.hedge)


def _window(value: Any, info: ValidationInfo) -> Any:
    if info.mode == "json" and isinstance(value, list):  # a stored study, where dates are written out
        return tuple(dt.date.fromisoformat(end) for end in value)
    if not isinstance(value, dt.date) and not (isinstance(value, list | tuple) and len(value) == 2):
        raise StudyError(f"as_of = {value!r}", remedy="Write a date, or [from, to].")
    return (value, value) if isinstance(value, dt.date) else value


_DAY = {"type": "string", "format": "date"}
_DAY_OR_TWO = {"anyOf": [_DAY, {"type": "array", "items": _DAY, "minItems": 2, "maxItems": 2}]}

type Window = Annotated[
    tuple[dt.date, dt.date], Strict(False), BeforeValidator(_window), WithJsonSchema(_DAY_OR_TWO)
]
type Words = Annotated[tuple[str, ...], Strict(False)]


class Report(Noun):
    """What somebody said: who, when, of what, in which words, and where it stands."""

    id: Identifier = Field(description="A short name of its own, used in claims: feb_2024.")
    measures: str = Field(description="The carriers, or a quantity of the study.")
    says: Says
    published: dt.date = Field(description="The day it was published.")
    as_of: Window | None = Field(
        default=None,
        description="The day the count was current, or [from, to]; without it the reporting lag.",
    )
    since: dt.date | None = Field(
        default=None, description="The flow from this day on; without it, everything from the start."
    )
    since_words: str = Field(
        default="", description="Wording such as 'since mid-2022' that is shown, not used."
    )
    issuer: str = Field(description="Who said it; one issuer carries one bias.", min_length=1)
    relayed_by: Words = Field(default=(), description="Who passed it on.")
    source: str = Field(default="", description="The address where it stands.")
    derived_from: str | None = Field(
        default=None, description="The id of the report of which this number is arithmetic."
    )
    independent: str = Field(
        default="", description="Why this is a count of its own, where the audit suspects it is not."
    )
    counts: str = Field(
        default="",
        description="What the issuer counts, in its words; other words on one quantity need a bridge.",
    )
    bridge: Identifier | None = Field(
        default=None,
        description="The dimensionless assumption that turns the quantity into what this issuer counts.",
    )
    held_out: str = Field(
        default="", description="Why it is only compared with what the models predict, and not fitted."
    )
    note: str = Field(default="", description="Anything a reader should know.")

    @property
    def current(self) -> dt.date:
        """The last day it can speak of: its as-of day, or its publication."""
        return self.as_of[1] if self.as_of else self.published

    @model_validator(mode="after")
    def _dates_in_order(self) -> Self:
        if self.as_of is not None:
            first, last = self.as_of
            if first > last:
                raise StudyError(
                    f"as_of from {first} to {last}", remedy="The window runs backwards: swap its ends."
                )
            if last > self.published:
                raise StudyError(
                    f"as of {last}, published {self.published}",
                    remedy="A count cannot be current after the day it was published.",
                )
        if self.since is not None and self.since >= (self.as_of[0] if self.as_of else self.published):
            raise StudyError(
                f"since {self.since}", remedy="A flow is counted from a day before its as-of day."
            )
        return self


RELEASE_DAYS = 7
"""Two reports of one issuer, quantity and wording this many days apart are relays of one release."""


def relays(reports: Sequence[Report]) -> dict[str, str]:
    """Reports that only repeat another one: id -> id of the release, which is the earliest.

    The same issuer saying the same words of the same quantity within a week has been quoted twice;
    it has not counted twice. A report that says why it is ``independent`` is taken at its word.
    """
    found: dict[str, str] = {}
    releases: dict[tuple[object, ...], deque[Report]] = defaultdict(deque)
    for report in sorted(reports, key=lambda report: report.published):
        if report.derived_from or report.held_out:
            continue
        alike = releases[report.issuer, report.measures, report.says.seen, report.since]
        while alike and (report.published - alike[0].published).days > RELEASE_DAYS:
            alike.popleft()
        first = next((one for one in alike if _as_of_agrees(one, report)), None)
        if first is not None and not report.independent:
            found[report.id] = first.id
        else:
            alike.append(report)
    return found


def _as_of_agrees(one: Report, other: Report) -> bool:
    return one.as_of == other.as_of or None in (one.as_of, other.as_of)


def fitted_reports(reports: Sequence[Report]) -> tuple[Report, ...]:
    """The reports that enter the likelihood: not held out, not derived from another, not a relay of it."""
    repeated = relays(reports)
    return tuple(r for r in reports if not r.held_out and r.derived_from is None and r.id not in repeated)


def predecessors(reports: Sequence[Report], known: Sequence[Report]) -> dict[str, str]:
    """The report of `known` that each of `reports` carries on from: id -> id.

    A series is one issuer's cumulative counts of one thing, which is a quantity and a bridge, from one
    start. Each carries on from the count before it; the first of a series from none.
    """
    series = defaultdict(list)
    for one in sorted(known, key=_in_series):
        series[_series(one)].append(one)
    found = {}
    for report in reports:
        own = series[_series(report)]
        place = bisect_left(own, _in_series(report), key=_in_series)
        if place:
            found[report.id] = own[place - 1].id
    return found


def _in_series(report: Report) -> tuple[dt.date, str]:
    return (report.current, report.id)


def _series(report: Report) -> tuple[object, ...]:
    return (report.issuer, report.measures, report.bridge, report.since)
