"""One registry: Pint's units, the counted ones as dimensions, and a study's own."""

import math
import subprocess
import sys
from functools import reduce

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from estimates.errors import StudyError, UnitError
from estimates.units import _COMMON, COUNTED, DATE, Dimension, Units, units_of

PLAIN = units_of()
GALLON_IN_CUBIC_METRES = 231 * 0.0254**3  # 231 cubic inches, by definition


@pytest.mark.parametrize(
    ("unit", "base"),
    [
        ("tonne", 1000.0),
        ("short_ton", 2000 * 0.45359237),
        ("long_ton", 2240 * 0.45359237),
        ("tonne/container", 1000.0),
        ("round/container", 1.0),
        ("container/day", 1 / 86_400),
        ("1/day", 1 / 86_400),
        ("1/week", 1 / 604_800),
        ("barrel", 42 * GALLON_IN_CUBIC_METRES),
        ("bbl", 42 * GALLON_IN_CUBIC_METRES),
        ("kg*m^2/s**2", 1.0),
        ("kg·km", 1000.0),
        ("g/cm^3", 1000.0),
        ("percent", 0.01),
        ("dimensionless", 1.0),
        ("1", 1.0),
        (DATE, 1.0),
    ],
)
def test_a_unit_has_its_textbook_size_in_base_units(unit, base):
    assert PLAIN.factor(unit) == pytest.approx(base, rel=1e-12)


@pytest.mark.parametrize("below", ["", *(f"/{word}" for word in _COMMON)])
def test_common_units_are_what_pint_says(below):
    for above in [*_COMMON, "1"] if below else _COMMON:
        unit = PLAIN._parse(above + below)
        base = float(PLAIN._registry.Quantity(1, unit).to_base_units().magnitude)
        assert PLAIN.factor(above + below) == pytest.approx(base, rel=5e-16)
        assert PLAIN.dimension(above + below) == Dimension(dict(unit.dimensionality))


@pytest.mark.parametrize("unit", ["kg/", "/kg", "kg//day", "kg/day/", "1/", "kg/tons"])
def test_what_begins_like_a_common_unit_is_still_refused(unit):
    with pytest.raises(UnitError):
        PLAIN.factor(unit)


def test_a_study_of_common_units_does_without_pint():
    code = "import sys; from estimates import read; read(); print('pint' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
        == "False\n"
    )


@pytest.mark.parametrize("name", COUNTED)
def test_every_counted_thing_is_a_dimension_of_its_own(name):
    assert PLAIN.dimension(name).powers == {f"[{name}]": 1}


def test_a_plural_is_the_same_unit():
    assert PLAIN.dimension("containers") == PLAIN.dimension("container")


@pytest.mark.parametrize("unit", ["ton", "ton/container", "tons", "kg/ton"])
def test_a_bare_ton_is_refused_with_the_three_it_could_be(unit):
    for word in ("mt", "kg/MT", "kilos", "kilo/container"):
        with pytest.raises(UnitError, match="ambiguous\n.*Did you mean (tonne|kg)"):
            Units().factor(word)
    with pytest.raises(UnitError, match="ambiguous\n.*tonne, short_ton or long_ton"):
        PLAIN.factor(unit)


@pytest.mark.parametrize(
    ("unit", "words"),
    [
        ("tonn", "unknown unit 'tonn'\n.*Did you mean 'tonne'"),
        ("contaner/day", "unknown unit 'contaner'\n.*Did you mean 'container'"),
        ("qwzrtk", r'unknown unit \'qwzrtk\'\n.*\[units\] qwzrtk = "new"'),
        ("degC", "has an offset\n.*kelvin"),
        ("5 kg", "is not a unit\n.*written like"),
        ("", "is not a unit"),
        ("kg/", "is not a unit"),
        ("kg**0", "is not a unit"),
        ("kg**12", "is not a unit"),
        ("nan", "is not a unit"),
        ("_x", "is not a unit"),
        ("__class__", "is not a unit"),
        ("kg*" * 100 + "kg", "is not a unit"),
    ],
)
def test_what_is_no_unit_is_refused_with_what_would_be(unit, words):
    with pytest.raises(UnitError, match=words):
        PLAIN.factor(unit)


def test_the_place_of_a_wrong_unit_is_passed_on():
    with pytest.raises(UnitError, match="^assumption.payload · unit: unknown unit"):
        PLAIN.factor("qwzrtk", "assumption.payload · unit")


@given(st.text(max_size=30) | st.from_regex(r"[a-z%°_/*^ 0-9-]{1,15}", fullmatch=True))
def test_any_text_is_a_unit_or_a_unit_error(text):
    try:
        factor = PLAIN.factor(text)
        PLAIN.dimension(text)
    except UnitError:
        return
    assert factor > 0
    assert math.isfinite(factor)


@settings(max_examples=30)  # each makes a registry
@given(st.text(max_size=12), st.just("new") | st.text(max_size=15) | st.just("2.5 kg"))
def test_any_definition_is_usable_or_a_unit_error(name, definition):
    try:
        units = Units(((name, definition),))
    except UnitError:
        return
    assert units.knows(name)
    assert units.factor(name) > 0


def test_a_new_unit_is_a_dimension_that_nothing_else_has():
    units = Units((("crate", "new"),))
    assert units.dimension("crate").powers == {"[crate]": 1}
    assert units.factor("crate/container") == 1.0


def test_a_multiple_converts_and_may_rest_on_an_earlier_one():
    units = Units((("crate", "20.5 kg"), ("stack", "6 crate")))
    assert units.factor("stack") == pytest.approx(123.0, rel=1e-12)
    assert units.dimension("stack") == units.dimension("tonne")


@pytest.mark.parametrize("name", ["kg", "container", "tonnes", "barrel", "ton"])
def test_an_existing_unit_is_never_redefined(name):
    with pytest.raises(UnitError, match=f"units.{name}: the unit '{name}' exists already"):
        Units(((name, "3 kg"),))


@pytest.mark.parametrize("name", ["two words", "", "5kg", DATE, "a-b", "_", "_x", "nan", "°x", "x²", "x\n"])
def test_a_unit_is_named_by_one_plain_word(name):
    with pytest.raises(UnitError, match="cannot name a unit\n.*one plain word"):
        Units(((name, "new"),))


@pytest.mark.parametrize("definition", ["", "20", "kg", "20 kg + 1 kg", "NEW", "0 kg", "0.0 kg", "-3 kg"])
def test_a_definition_is_new_or_a_positive_multiple(definition):
    with pytest.raises(UnitError, match='does not define a unit\n.*Write "new" or'):
        Units((("crate", definition),))


@pytest.mark.parametrize(
    ("definition", "words"), [("20 ton", "'ton' is ambiguous"), ("20 qwzrtk", "unknown unit 'qwzrtk'")]
)
def test_a_definition_in_terms_of_no_unit_is_refused(definition, words):
    with pytest.raises(UnitError, match=f"units.crate: {words}"):
        Units((("crate", definition),))


def test_one_study_s_units_stay_out_of_another():
    Units((("crate", "new"),))
    assert not Units().knows("crate")


# ---- dimensions --------------------------------------------------------------------------------------

POWERS = st.dictionaries(st.sampled_from(["[mass]", "[time]", "[round]"]), st.integers(-3, 3))
DIMENSIONS = st.builds(Dimension, POWERS)
NONE = Dimension({})


@given(DIMENSIONS, DIMENSIONS, DIMENSIONS)
def test_dimensions_multiply_like_numbers(a, b, c):
    assert a * b == b * a
    assert (a * b) * c == a * (b * c)
    assert (a * b) / b == a
    assert a / a == NONE == a**0


@given(DIMENSIONS, st.integers(1, 5))
def test_a_power_is_repeated_multiplication(a, n):
    assert a**n == reduce(lambda left, right: left * right, [a] * n)
    assert a**-n == NONE / a**n


@given(DIMENSIONS, DIMENSIONS)
def test_only_equal_dimensions_add_and_subtract(a, b):
    if a == b:
        assert a + b == a - b == -a == a
        assert hash(a) == hash(b)
    else:
        with pytest.raises(UnitError, match="cannot add or subtract"):
            _ = a + b
        with pytest.raises(UnitError, match="cannot add or subtract"):
            _ = a - b


@pytest.mark.parametrize(
    ("unit", "spoken"),
    [
        ("round/container", "round/container"),
        ("tonne*km/day^2", "length * mass/time^2"),
        ("1/day", "1/time"),
        ("1", "dimensionless"),
        (DATE, "a date"),
    ],
)
def test_a_dimension_prints_as_a_person_writes_it(unit, spoken):
    assert str(PLAIN.dimension(unit)) == spoken


@pytest.mark.parametrize(
    "attempt",
    [
        lambda date, mass: date + mass,
        lambda date, mass: mass - date,
        lambda date, mass: date * mass,
        lambda date, mass: mass / date,
        lambda date, mass: date**2,
        lambda date, mass: -date,
        lambda date, mass: date - date,
    ],
)
def test_a_date_takes_part_in_no_arithmetic(attempt):
    with pytest.raises(StudyError, match="a date takes part in no arithmetic"):
        attempt(PLAIN.dimension(DATE), PLAIN.dimension("kg"))


def test_a_date_is_not_a_pure_number():
    assert PLAIN.dimension(DATE) != NONE
