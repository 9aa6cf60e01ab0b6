"""Named formulas: what they rest on, their dimensions, and their value in their own unit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from estimates.errors import FormulaError, UnitError
from estimates.quantities import Quantity, check_dimensions, dependencies, evaluate
from estimates.units import units_of

UNITS = units_of()
LEAVES = {
    "containers": "container",
    "payload": "tonne/container",
    "mass": "kg/round",
    "share": "percent",
    "start": "date",
}


def quantities(**formulas):
    """Quantities from ``name=(unit, formula)``."""
    return {name: Quantity(unit=unit, formula=formula) for name, (unit, formula) in formulas.items()}


def value_of(name, study_quantities, values):
    def factor(leaf):
        return UNITS.factor(study_quantities[leaf].unit if leaf in study_quantities else LEAVES[leaf])

    return evaluate(name, study_quantities, values.__getitem__, factor)


CHAIN = quantities(
    tonnage=("tonne", "containers * payload"),
    shells=("round", "tonnage / mass"),
    twice=("round", "2 * shells"),
)


def test_a_quantity_rests_on_everything_its_quantities_rest_on():
    assert set(dependencies("twice", CHAIN)) == {"shells", "tonnage", "mass", "containers", "payload"}
    assert dependencies("payload", CHAIN) == ()


@pytest.mark.parametrize(
    ("formulas", "circle"),
    [
        ({"a": ("kg", "2 * a")}, "a -> a"),
        ({"a": ("kg", "b"), "b": ("kg", "c + 0 * c"), "c": ("kg", "a")}, "a -> b -> c -> a"),
        ({"a": ("kg", "b"), "b": ("kg", "c"), "c": ("kg", "b")}, "b -> c -> b"),
    ],
)
def test_a_cycle_is_refused_with_its_members_in_order(formulas, circle):
    with pytest.raises(FormulaError, match=f"a cycle: {circle}"):
        dependencies("a", quantities(**formulas))


def test_two_ways_to_one_leaf_are_no_cycle():
    diamond = quantities(
        top=("tonne", "left + right"),
        left=("tonne", "base"),
        right=("tonne", "base"),
        base=("tonne", "containers * payload"),
    )
    check_dimensions(diamond, LEAVES, UNITS)
    assert value_of("top", diamond, {"containers": 3, "payload": 7}) == pytest.approx(42)


# ---- dimensions -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unit", "formula"),
    [
        ("tonne", "containers * payload"),
        ("kg", "containers * payload"),
        ("round", "containers * payload / mass"),
        ("round", "containers * (1 - share) * payload / mass"),
        ("tonne^2/container^2", "payload ** 2"),
        ("1/container", "payload * (containers * payload) ** -1"),
        ("dimensionless", "share * 3"),
        ("container", "-containers + 2 * containers"),
    ],
)
def test_a_formula_of_the_right_dimension_is_accepted(unit, formula):
    check_dimensions(quantities(answer=(unit, formula)), LEAVES, UNITS)


@pytest.mark.parametrize(
    ("unit", "formula", "words"),
    [
        (
            "round",
            "containers * payload",
            "quantity.answer · formula: the formula gives mass, the unit 'round' is round",
        ),
        ("round", "containers", "gives container, the unit 'round' is round"),
        ("container", "containers * payload / mass", "gives round, the unit 'container' is container"),
        (
            "tonne",
            "payload + containers",
            "quantity.answer: cannot add or subtract mass/container and container",
        ),
        ("tonne", "containers * payload + 3", "cannot add or subtract mass and dimensionless"),
        ("dimensionless", "1 - containers", "cannot add or subtract dimensionless and container"),
        ("date", "start + 1", "quantity.answer: a date takes part in no arithmetic"),
        (
            "tonn",
            "containers * payload",
            "quantity.answer · unit: unknown unit 'tonn'\n.*Did you mean 'tonne'",
        ),
        ("ton", "containers * payload", "quantity.answer · unit: 'ton' is ambiguous"),
    ],
)
def test_a_wrong_dimension_is_refused_and_named(unit, formula, words):
    with pytest.raises(UnitError, match=words):
        check_dimensions(quantities(answer=(unit, formula)), LEAVES, UNITS)


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(
        FormulaError, match="quantity.answer: unknown name 'paylod'\n.*Did you mean 'payload'"
    ):
        check_dimensions(quantities(answer=("tonne", "containers * paylod")), LEAVES, UNITS)


def test_the_faulty_one_of_several_is_named():
    with pytest.raises(UnitError, match="quantity.second · formula"):
        check_dimensions(
            quantities(first=("kg", "containers * payload"), second=("kg", "mass")), LEAVES, UNITS
        )


@pytest.mark.parametrize("formula", ["exp(mass)", "containers[feb]", "mass >= 2", ""])
def test_a_quantity_whose_formula_does_not_parse_never_exists(formula):
    with pytest.raises(ValidationError, match="formula"):
        Quantity(unit="kg", formula=formula)


# ---- values ---------------------------------------------------------------------------------------------

COUNTS = st.floats(0.5, 1e5)


@given(containers=COUNTS, payload=st.floats(0.5, 30), mass=st.floats(20, 95), share=st.floats(0, 99))
def test_tonnes_meet_kilogrammes_and_per_cent_without_a_stray_factor(containers, payload, mass, share):
    chain = quantities(shells=("round", "containers * (1 - share) * payload / mass"))
    answer = value_of(
        "shells", chain, {"containers": containers, "payload": payload, "mass": mass, "share": share}
    )
    assert answer == pytest.approx(containers * (1 - share / 100) * payload * 1000 / mass, rel=1e-12)


def test_quantities_of_quantities_pass_through_their_own_units():
    assert value_of("twice", CHAIN, {"containers": 30, "payload": 14, "mass": 70}) == pytest.approx(12_000)


@given(containers=COUNTS, payload=st.floats(0.5, 30))
def test_the_unit_of_a_result_only_scales_it(containers, payload):
    weights = quantities(kilos=("kg", "containers * payload"), tonnes=("tonne", "containers * payload"))
    values = {"containers": containers, "payload": payload}
    assert value_of("kilos", weights, values) == pytest.approx(
        1000 * value_of("tonnes", weights, values), rel=1e-12
    )


def test_an_assumption_or_the_carriers_are_their_own_value():
    assert value_of("payload", CHAIN, {"payload": 14.5}) == 14.5


def test_arrays_go_through_element_by_element():
    values = {"containers": np.array([[30.0], [60.0]]), "payload": np.array([14.0, 7.0, 3.5]), "mass": 70.0}
    np.testing.assert_allclose(
        value_of("shells", CHAIN, values), [[6000, 3000, 1500], [12_000, 6000, 3000]], rtol=1e-12
    )
