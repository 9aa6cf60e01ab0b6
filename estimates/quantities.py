"""Named formulas over the carriers and the assumptions, checked for dimensions when read."""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from pydantic import Field, field_validator

from estimates.errors import FormulaError, UnitError, choices
from estimates.formula import Formula, Name, parse_formula
from estimates.reports import Noun
from estimates.units import Dimension, Units


class Quantity(Noun):
    """What is asked for: a formula with the unit of its result."""

    unit: str = Field(description="The unit of the result, such as round or tonne.")
    formula: str = Field(description="Carriers, assumptions and other quantities, with + - * / and powers.")
    says: str = Field(default="", description="What it means, in words.")

    @field_validator("formula")
    @classmethod
    def _parses(cls, text: str) -> str:
        parse_formula(text)
        return text

    @cached_property
    def parsed(self) -> Formula:
        """The formula as a tree."""
        return parse_formula(self.formula)


def dependencies(name: str, quantities: Mapping[str, Quantity]) -> tuple[str, ...]:
    """Every name that ``name`` rests on, directly or through other quantities.

    Raises
    ------
    FormulaError
        For a cycle, naming its members in order.
    """
    found: dict[str, None] = {}

    def visit(current: str, path: tuple[str, ...]) -> None:
        if current in path:
            circle = " -> ".join([*path[path.index(current) :], current])
            raise FormulaError(f"a cycle: {circle}", remedy="No quantity can rest on itself.")
        found[current] = None
        if current in quantities:
            for leaf in quantities[current].parsed.names():
                visit(leaf.name, (*path, current))

    visit(name, ())
    del found[name]
    return tuple(found)


def check_dimensions(quantities: Mapping[str, Quantity], leaf_units: Mapping[str, str], units: Units) -> None:
    """Refuse a quantity that names something unknown or whose dimension is not that of its unit.

    Parameters
    ----------
    quantities : mapping
        All of the study's.
    leaf_units : mapping
        The unit of the carriers and of every assumption.

    Raises
    ------
    FormulaError, UnitError
        With the quantity and its formula named.
    """
    for name, quantity in quantities.items():
        where = f"quantity.{name}"
        try:
            dependencies(name, quantities)
            for leaf in quantity.parsed.names():
                if leaf.name not in leaf_units and leaf.name not in quantities:
                    raise FormulaError(
                        f"unknown name {leaf.name!r}", remedy=choices(leaf.name, [*leaf_units, *quantities])
                    )
            stated = units.dimension(quantity.unit, "unit")
            found = quantity.parsed.evaluate(
                lambda leaf: units.dimension(
                    quantities[leaf.name].unit if leaf.name in quantities else leaf_units[leaf.name]
                ),
                number=lambda _: Dimension({}),
            )
        except (FormulaError, UnitError) as error:
            raise error.at(where) from None
        if found != stated:
            raise UnitError(
                f"the formula gives {found}, the unit {quantity.unit!r} is {stated}",
                where=f"{where} · formula",
                remedy=f"Change the unit or the formula: {quantity.formula}",
            )


def evaluate(
    name: str,
    quantities: Mapping[str, Quantity],
    leaf: Callable[[str], Any],
    factor: Callable[[str], float],
) -> Any:
    """The value of ``name`` in its own unit.

    Every name enters the formula in base units and the result leaves it in the unit of ``name``, so
    tonnes and kilogrammes meet without a stray factor of a thousand.

    Parameters
    ----------
    name : str
        A quantity, an assumption or the carriers.
    leaf : callable
        Gives carriers and assumptions in their own units: an array, a graph, an xarray.
    factor : callable
        Base units in one unit of a name.
    """
    if name not in quantities:
        return leaf(name)

    def in_base(inner: Name) -> Any:
        value, base_units = evaluate(inner.name, quantities, leaf, factor), factor(inner.name)
        return value if base_units == 1.0 else value * base_units

    value, base_units = quantities[name].parsed.evaluate(in_base), factor(name)
    return value if base_units == 1.0 else value / base_units
