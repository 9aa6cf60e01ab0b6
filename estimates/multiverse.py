"""The readings of a study: every combination of choices that could have been made, or a sample of them.

Each choice is an *axis*: the model, the variant, how reports are taken, and one for each assumption that is
set. A *cell* takes one option on every axis. See Steegen et al. (2016), doi:10.1177/1745691616658637.
"""

import datetime as dt
import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from scipy import special

from estimates.dials import Dial
from estimates.errors import QuestionError, StudyError, choices
from estimates.seeds import generator
from estimates.study import Study
from estimates.study.rereading import has_over, issued, opened, scaled

AS_READ = "as read"
"""The option that changes nothing: no variant, reports as worded, a prior as the study has it."""

WIDEST = "twice as wide"

WIDTHS = {"half as wide": 0.5, WIDEST: 2.0}
"""Options of an assumption: its prior with another spread about its median."""

OPEN, SPLIT, MERGED, WITHOUT = "every 'over' open", "issuers split", "issuers merged", "without "
"""Options of the reports."""

type Option = str | float | dt.date


@dataclass(frozen=True)
class Cell:
    """One reading: an option on every axis.

    Attributes
    ----------
    number : int
        Its place in the multiverse.
    model, variant, reports : str
    settings : tuple of (assumption, option)
    """

    number: int
    model: str
    variant: str
    reports: str
    settings: tuple[tuple[str, Option], ...]

    @property
    def options(self) -> dict[str, str]:
        """The option on every axis, in words."""
        own = {name: in_words(option) for name, option in self.settings}
        return {"model": self.model, "variant": self.variant, "reports": self.reports, **own}

    @property
    def typical(self) -> "Cell":
        """The cell that stands for all that differ from this one in numbers only.

        Widths are as read, values are the medians of the priors, and no 'over' is opened.
        """
        settings = tuple((name, "50%" if _is_value(option) else AS_READ) for name, option in self.settings)
        return replace(
            self, number=0, reports=AS_READ if self.reports == OPEN else self.reports, settings=settings
        )

    def like(self, other: "Cell", axis: str) -> "Cell":
        """This cell with the option that another takes on one axis, which is not the model's."""
        if axis in ("variant", "reports"):
            return replace(self, **{axis: getattr(other, axis)})
        theirs = dict(other.settings)
        own = tuple((name, theirs[name] if name == axis else option) for name, option in self.settings)
        return replace(self, settings=own)

    def read(self, study: Study) -> Study:
        """The study read so.

        Raises
        ------
        StudyError
            Where the options cannot be taken, or not together.
        """
        base = _without_settings(study, self.variant, self.reports)
        changes = {name: _prior(base, name, option) for name, option in self.settings if option != AS_READ}
        return base.assuming(changes) if changes else base


@dataclass(frozen=True)
class Multiverse:
    """The axes of a multiverse, and how many of its cells are looked at.

    Parameters
    ----------
    models : sequence of str
        Names on the shelf, or paths.
    variants : sequence of str, optional
        Names of variants; ``"as read"`` is the study's own. Without it, that and all variants, but for those
        that change only what the settings replace by values.
    reports : sequence of str, optional
        ``"as read"``, ``"every 'over' open"``, ``"issuers split"``, ``"issuers merged"``, ``"without ID"``.
        Without it, the first and, where a report says "over", the second.
    settings : mapping of assumption to options
        ``"as read"``, ``"half as wide"``, ``"twice as wide"``, a quantile of its prior such as ``"10%"``,
        or a value in the assumption's own unit; the last two fix it.
    sample : int, optional
        Look at so many cells, drawn without repetition, in place of all.

    Examples
    --------
    >>> import estimates as est
    >>> grid = est.Multiverse(["steady"], settings={"payload": ["as read", 18, 22]})
    >>> len(grid.cells(est.read()))
    18
    """

    models: Sequence[str] = ("steady",)
    variants: Sequence[str] | None = None
    reports: Sequence[str] | None = None
    settings: Mapping[str, Sequence[Option]] | None = None
    sample: int | None = None

    def axes(self, study: Study) -> dict[str, tuple[Option, ...]]:
        """The options on every axis of this study.

        Raises
        ------
        QuestionError
            For an unknown name or option, an empty or repeated one, or one that the study cannot take.
        """
        variants = self._variants(study)
        reports = (
            self.reports if self.reports is not None else (AS_READ, *([OPEN] if has_over(study) else []))
        )
        axes = {"model": tuple(self.models), "variant": tuple(variants), "reports": tuple(reports)}
        return _checked(study, axes | {name: tuple(o) for name, o in (self.settings or {}).items()})

    def _variants(self, study: Study) -> tuple[str, ...]:
        """Those named, or all of which something is left where the settings replace what they change."""
        replaced = {
            name
            for name, options in (self.settings or {}).items()
            if not any(isinstance(option, str) for option in options)
        }
        idle = {
            name: changed.assumption
            for name, changed in study.variants.items()
            if not changed.without and changed.assumption.keys() <= replaced
        }
        if self.variants is None:
            return AS_READ, *(name for name in study.variants if name not in idle)
        for name in idle.keys() & set(self.variants):
            raise QuestionError(
                f"the variant {name!r} changes only {', '.join(idle[name])}, which the settings replace",
                remedy=f"Leave the variant out, or give the setting the option {AS_READ!r} too.",
            )
        return tuple(self.variants)

    def cells(self, study: Study) -> tuple[Cell, ...]:
        """The cells that are looked at, those alike in structure next to one another.

        Raises
        ------
        QuestionError
            As `axes`; also for a sample below 1 or larger than the multiverse.
        """
        axes = self.axes(study)
        shape = [len(options) for options in axes.values()]
        names = list(axes)
        found = []
        for places in _places(shape, self.sample):
            model, variant, reports, *own = (axes[n][i] for n, i in zip(names, places, strict=True))
            settings = tuple(zip(names[3:], own, strict=True))
            found.append(Cell(0, str(model), str(variant), str(reports), settings))
        found.sort(key=lambda cell: str(cell.typical))  # stable: each group stays in the order of its places
        return tuple(replace(cell, number=number) for number, cell in enumerate(found))


def widths(study: Study) -> dict[str, tuple[Option, ...]]:
    """The settings in which every prior is as read, half and twice as wide, where its bounds leave room."""
    options = (AS_READ, *WIDTHS)
    return {
        name: kept
        for name in study.assumptions
        if len(kept := tuple(o for o in options if _refusal(study, name, o) is None)) > 1
    }


def options_of(settings: Sequence[str]) -> dict[str, tuple[Option, ...]]:
    """Settings as they are written on a command line: ``payload=as read,18,22``.

    Raises
    ------
    QuestionError
        For something else.
    """
    found: dict[str, tuple[Option, ...]] = {}
    for setting in settings:
        name, is_set, options = (part.strip() for part in setting.partition("="))
        if not is_set or not options:
            raise QuestionError(f"--set {setting}", remedy="NAME=A,B, such as payload=18,20,22.")
        if name in found:
            raise QuestionError(f"{name} is set twice", remedy="Put all its options into one --set.")
        found[name] = tuple(_read_option(option.strip()) for option in options.split(","))
    return found


def _read_option(text: str) -> Option:
    """A number, a date, or words."""
    try:
        number = float(text)
    except ValueError:
        try:
            return dt.date.fromisoformat(text)
        except ValueError:
            return text
    if not math.isfinite(number):
        raise QuestionError(f"the value {text}", remedy="A finite number.")
    return number


def _places(shape: Sequence[int], sample: int | None) -> Iterator[tuple[int, ...]]:
    """The places on the axes of all cells, or of a sample of them, in order."""
    total = math.prod(shape)
    if sample is None:
        yield from itertools.product(*map(range, shape))
        return
    if not 0 < sample <= total:
        raise QuestionError(f"a sample of {sample:,} cells", remedy=f"The multiverse has {total:,}.")
    rng = generator(0, "cells")
    if sample > total // 2:
        chosen = np.sort(rng.permutation(total)[:sample]).tolist()
        yield from (tuple(int(i) for i in np.unravel_index(number, shape)) for number in chosen)
        return
    drawn: set[tuple[int, ...]] = set()
    while len(drawn) < sample:
        more = rng.integers(0, shape, size=(sample, len(shape))).tolist()
        for places in more[: sample - len(drawn)]:
            drawn.add(tuple(places))
    yield from sorted(drawn)


def _checked(study: Study, axes: dict[str, tuple[Option, ...]]) -> dict[str, tuple[Option, ...]]:
    """The axes, when every option of them can be taken by itself."""
    for name, options in axes.items():
        if name not in ("model", "variant", "reports") and name not in study.assumptions:
            raise QuestionError(f"unknown assumption {name!r}", remedy=choices(name, study.assumptions))
        if not options:
            raise QuestionError(f"no options for {name}", remedy=f"Name at least one, such as {AS_READ!r}.")
        if len(set(map(in_words, options))) < len(options):
            raise QuestionError(f"options of {name} are repeated", remedy="Name each once.")
        for option in options:
            refused = _refusal(study, name, option)
            if refused is not None:
                raise refused
    return axes


def _refusal(study: Study, axis: str, option: Option) -> QuestionError | None:
    """Why an option cannot be taken by itself."""
    try:
        if axis == "variant":
            _without_settings(study, str(option), AS_READ)
        elif axis == "reports":
            _without_settings(study, AS_READ, str(option))
        elif axis != "model" and option != AS_READ:
            study.assuming({axis: _prior(study, axis, option)})
    except StudyError as error:
        return QuestionError(f"{in_words(option)!r} cannot be: {error.what}", where=axis, remedy=error.remedy)
    except QuestionError as error:
        return error.at(axis)
    return None


@lru_cache(maxsize=64)
def _without_settings(study: Study, variant: str, reports: str) -> Study:
    """The study as a variant, its reports taken so, without the other variants.

    These would be checked whenever a study is made of it.
    """
    return _with_reports((study if variant == AS_READ else study.variant(variant)).alone(), reports)


def _with_reports(study: Study, option: str) -> Study:
    match option:
        case "as read":
            return study
        case "every 'over' open":
            return opened(study)
        case "issuers split":
            return issued(study, lambda issuer, report: f"{issuer}: {report}")
        case "issuers merged":
            return issued(study, lambda issuer, report: "all issuers")
    if option.startswith(WITHOUT):
        return study.without(option.removeprefix(WITHOUT).strip())
    known = [AS_READ, OPEN, SPLIT, MERGED, *(f"{WITHOUT}{report.id}" for report in study.fitted)]
    raise QuestionError(f"unknown option {option!r}", remedy=choices(option, known))


def _prior(study: Study, name: str, option: Option) -> Any:
    """What `Study.assuming` takes for an option of an assumption."""
    if option in WIDTHS:
        prior = study.assumption(name).prior
        if prior.family in ("uniform", "fixed"):
            raise QuestionError(
                f"{name} is {prior.family} and has no width to change",
                remedy="Set it to values or quantiles; a window is changed by a variant.",
            )
        return scaled(prior, WIDTHS[str(option)])
    if not isinstance(option, str):
        return option
    share = _share(option)
    if share is None:
        known = [AS_READ, *WIDTHS, "10%"]
        raise QuestionError(f"unknown option {option!r}", remedy=choices(option, known) + " Or a value.")
    return Dial(study, name).stated(float(special.ndtri(share)))


def _share(option: str) -> float | None:
    """The probability that a quantile such as "10%" stands for."""
    found = re.fullmatch(r"(\d{1,2}(?:\.\d+)?)\s?%", option)
    share = float(found[1]) / 100 if found else 0.0
    return share if 0 < share < 1 else None


def _is_value(option: Option) -> bool:
    """Whether an option fixes an assumption."""
    return not isinstance(option, str) or _share(option) is not None


def in_words(option: Option) -> str:
    """An option as it stands in a row."""
    return (
        option if isinstance(option, str) else f"{option:.6g}" if isinstance(option, float) else str(option)
    )
