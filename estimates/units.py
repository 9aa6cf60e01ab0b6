"""One Pint registry, with the units of counting as dimensions of their own.

Pint's own ``count`` is dimensionless, its ``barrel`` is 31.5 gallons and its ``ton`` is the short
ton; here counted things keep their dimension, ``barrel`` is the 42 US gallons of the oil trade, and
a bare ``ton`` is refused because nobody can know which one was meant, and so are a few abbreviations that
mean something else to Pint than to those who write them.
"""

import re
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from estimates.errors import UnitError, choices

if TYPE_CHECKING:
    import pint

DATE = "date"
"""The unit of a point in time. It compares with dates; it takes part in no arithmetic."""

COUNTED = ("container", "round", "visit", "voyage", "ship", "truck", "railcar", "person", "item")
_AMBIGUOUS = {
    "ton": "tonne, short_ton or long_ton",
    "tons": "tonne, short_ton or long_ton",
    "mt": "tonne",  # to Pint a thousandth of one
    "MT": "tonne, or Mt for a million of them",  # to Pint a megatesla
    "kilo": "kg",
    "kilos": "kg",  # to Pint a thousand seconds
}
_BARREL = "barrel = 42 * gallon = bbl = oil_bbl = oil_barrel"
_WORD = re.compile(r"(?!(?:nan|inf|infinity)\b)[^\W\d_]\w*", re.IGNORECASE)
_NAME = re.compile(r"[^\W\d_]\w*|%|°\w+")
_POWERED = rf"(?:{_NAME.pattern})(?:\s*(?:\*\*|\^)\s*-?[1-9])?"
_UNIT = re.compile(rf"(?:1|{_POWERED})(?:\s*[*/·]\s*{_POWERED}|\s+{_POWERED})*")
_MULTIPLE = re.compile(rf"(?P<number>\d+(?:\.\d+)?(?:e-?\d{{1,2}})?)\s*(?P<unit>{_UNIT.pattern})")
_HELP = "A unit is written like tonne/container, kg/round, 1/day or dimensionless."


_COMMON: dict[str, tuple[float, str | None]] = {
    "dimensionless": (1.0, None),
    **dict.fromkeys(("percent", "%"), (0.01, None)),
    **dict.fromkeys(("g", "gram"), (0.001, "[mass]")),
    **dict.fromkeys(("kg", "kilogram"), (1.0, "[mass]")),
    **dict.fromkeys(("t", "tonne", "tonnes"), (1000.0, "[mass]")),
    **dict.fromkeys(("s", "second", "seconds"), (1.0, "[time]")),
    **dict.fromkeys(("hour", "hours"), (3600.0, "[time]")),
    **dict.fromkeys(("day", "days"), (86400.0, "[time]")),
    **dict.fromkeys(("week", "weeks"), (604800.0, "[time]")),
    **dict.fromkeys(("m", "meter", "metre"), (1.0, "[length]")),
    **dict.fromkeys(("km", "kilometer", "kilometre"), (1000.0, "[length]")),
    **{name: (1.0, f"[{name}]") for name in COUNTED},
}
"""What most studies get by with: Pint's base units in one, and the dimension.

Importing Pint and reading its definitions takes as long as all else that is done with a small study.
"""


def _new_registry() -> "pint.UnitRegistry[Any]":
    import pint

    try:
        return pint.UnitRegistry(cache_folder=":auto:", on_redefinition="ignore")
    except OSError:  # a home that cannot be written: slower, not wrong
        return pint.UnitRegistry(on_redefinition="ignore")


class Units:
    """The units of one study: Pint's, the counted ones, and those the study defines.

    Parameters
    ----------
    definitions : tuple of pairs of str
        ``("crate", "new")`` makes a dimension of its own, ``("crate", "20 kg")`` a multiple of
        known units. An existing unit is never redefined.

    Raises
    ------
    UnitError
        For a name that exists already, or a definition that Pint cannot read.
    """

    def __init__(self, definitions: tuple[tuple[str, str], ...] = ()) -> None:
        self._factors: dict[str, float] = {}
        for name, definition in definitions:
            self._define(name, definition)

    @cached_property
    def _registry(self) -> "pint.UnitRegistry[Any]":
        registry = _new_registry()
        registry.define(_BARREL)
        for name in COUNTED:
            registry.define(f"{name} = [{name}]")
        return registry

    def knows(self, name: str) -> bool:
        """Whether ``name`` alone is a unit already."""
        return name in _COMMON or name in self._registry

    def _define(self, name: str, definition: str) -> None:
        where = f"units.{name}"
        if not (_WORD.fullmatch(name) and name.isidentifier()) or name == DATE:
            raise UnitError(f"{name!r} cannot name a unit", where=where, remedy="Use one plain word.")
        if self.knows(name):
            raise UnitError(
                f"the unit {name!r} exists already and is never redefined",
                where=where,
                remedy="Choose another name.",
            )
        if definition == "new":
            self._registry.define(f"{name} = [{name}]")
        elif (multiple := _MULTIPLE.fullmatch(definition.strip())) and float(multiple["number"]) > 0:
            self._parse(multiple["unit"], where)
            self._registry.define(f"{name} = {multiple['number']} * {multiple['unit'].replace('·', '*')}")
        else:
            raise UnitError(
                f"{definition!r} does not define a unit", where=where, remedy='Write "new" or, say, "20 kg".'
            )

    def _parse(self, text: str, where: str = "") -> Any:
        """The Pint unit written in `text`; only names and small powers ever reach Pint's parser."""
        import pint

        for word in _NAME.findall(text):
            if word in _AMBIGUOUS:
                raise UnitError(
                    f"{word!r} is ambiguous", where=where, remedy=f"Did you mean {_AMBIGUOUS[word]}?"
                )
        if len(text) > 200 or not _UNIT.fullmatch(text.strip()):
            raise UnitError(f"{text[:60]!r} is not a unit", where=where, remedy=_HELP)
        if text.strip() == "1":
            return self._registry.dimensionless
        try:
            unit = self._registry.Unit(text.strip().replace("·", "*"))
        except pint.UndefinedUnitError as error:
            word = error.unit_names if isinstance(error.unit_names, str) else next(iter(error.unit_names))
            raise UnitError(f"unknown unit {word!r}", where=where, remedy=self._help_for(word)) from None
        except (pint.PintError, ValueError):  # "nan" is a number to Pint, and some powers overflow
            raise UnitError(f"{text[:60]!r} is not a unit", where=where, remedy=_HELP) from None
        if not self._registry.Quantity(1, unit)._is_multiplicative:
            raise UnitError(
                f"{text!r} has an offset", where=where, remedy="Use a unit that scales, such as kelvin."
            )
        return unit

    def _help_for(self, word: str) -> str:
        near = choices(word, [str(name) for name in self._registry._units], near=0.8).split(" Known:")[0]
        suggestion = near + " " if near.startswith("Did") else ""
        return f'{suggestion}A new unit is declared in the study: [units] {word} = "new".'

    def factor(self, unit: str, where: str = "") -> float:
        """How many base units one `unit` is, so that ``value * factor`` is in base units.

        >>> Units().factor("tonne/container")
        1000.0
        """
        if unit == DATE:
            return 1.0
        if (common := _common(unit)) is not None:
            return common[0]
        if unit not in self._factors:
            whole = self._registry.Quantity(1, self._parse(unit, where))
            self._factors[unit] = float(whole.to_base_units().magnitude)
        return self._factors[unit]

    def dimension(self, unit: str, where: str = "") -> "Dimension":
        """The dimension of `unit`, to be carried through a formula."""
        if unit == DATE:
            return Dimension({}, is_date=True)
        if (common := _common(unit)) is not None:
            return common[1]
        return Dimension(dict(self._parse(unit, where).dimensionality))


@lru_cache(maxsize=256)
def _common(unit: str) -> "tuple[float, Dimension] | None":
    """Factor and dimension of common units alone, or of one per another; None where Pint is to be asked."""
    above, slash, below = unit.partition("/")
    if above not in _COMMON and not (above == "1" and slash):
        return None
    if slash and below not in _COMMON:
        return None
    (over, of), (under, per) = _COMMON.get(above, (1.0, None)), _COMMON.get(below, (1.0, None))
    own, other = Dimension({of: 1} if of else {}), Dimension({per: 1} if per else {})
    return over / under, own / other


@lru_cache(maxsize=32)
def units_of(definitions: tuple[tuple[str, str], ...] = ()) -> Units:
    """The `Units` for a study's definitions, made once for each set of them."""
    return Units(definitions)


class Dimension:
    """A product of base dimensions with powers; the values that a unit check computes with.

    Multiplying and dividing combine powers; adding, subtracting and comparing need equal dimensions.
    """

    def __init__(self, powers: dict[str, float], *, is_date: bool = False) -> None:
        self.powers = {name: power for name, power in powers.items() if power}
        self.is_date = is_date

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dimension) and (self.powers, self.is_date) == (other.powers, other.is_date)

    def __hash__(self) -> int:
        return hash((frozenset(self.powers.items()), self.is_date))

    def __str__(self) -> str:
        if self.is_date:
            return "a date"
        above = [_power(name, power) for name, power in sorted(self.powers.items()) if power > 0]
        below = [_power(name, -power) for name, power in sorted(self.powers.items()) if power < 0]
        if not above and not below:
            return "dimensionless"
        return "/".join([" * ".join(above) or "1", *below])

    def __mul__(self, other: "Dimension") -> "Dimension":
        return self._combine(other, +1)

    def __truediv__(self, other: "Dimension") -> "Dimension":
        return self._combine(other, -1)

    def __add__(self, other: "Dimension") -> "Dimension":
        self._refuse_dates(other)
        if self != other:
            raise UnitError(f"cannot add or subtract {self} and {other}")
        return self

    __sub__ = __add__

    def __neg__(self) -> "Dimension":
        self._refuse_dates(self)
        return self

    def __pow__(self, exponent: int) -> "Dimension":
        self._refuse_dates(self)
        return Dimension({name: power * exponent for name, power in self.powers.items()})

    def _combine(self, other: "Dimension", sign: int) -> "Dimension":
        self._refuse_dates(other)
        names = {*self.powers, *other.powers}
        return Dimension({n: self.powers.get(n, 0) + sign * other.powers.get(n, 0) for n in names})

    def _refuse_dates(self, other: "Dimension") -> None:
        if self.is_date or other.is_date:
            raise UnitError(
                "a date takes part in no arithmetic", remedy="Compare it: first_shipment <= 2022-08-31."
            )


def _power(name: str, power: float) -> str:
    word = name.strip("[]")
    return word if power == 1 else f"{word}^{power:g}"
