"""The hedge table: which true values would have been reported so."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from estimates.reports import HEDGES, Interval, Printing, Says, grid_of, place_of_last_digit

# ---- grids ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "place", "grid"),
    [
        (6700, 100, 100),
        (13_000, 1000, 1000),
        (2000, 1000, 500),
        (10_000, 10_000, 5000),
        (3_000_000, 1_000_000, 500_000),
        (1_050, 10, 10),
        (43, 1, 1),
        (5, 1, 1),
        (50, 10, 5),
        (2.5, 0.1, 0.1),
        (0.5, 0.1, 0.05),
        (1e22, 1e22, 5e21),
    ],
)
def test_the_grid_is_the_last_digit_s_place_and_half_of_it_for_a_lone_digit(value, place, grid):
    assert place_of_last_digit(value) == place
    assert grid_of(value) == grid


@given(st.integers(1, 10**9))
def test_a_value_always_lies_on_its_own_grid(value):
    assert (value / grid_of(float(value))).is_integer()


@given(st.integers(10, 10**7), st.integers(0, 4))
def test_the_grid_scales_with_the_value(value, zeros):
    assert grid_of(float(value * 10**zeros)) == pytest.approx(grid_of(float(value)) * 10**zeros)


# ---- the table ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("says", "low", "high"),
    [
        ({"hedge": "exactly", "value": 43}, 42.5, 43.5),
        ({"hedge": "exactly", "value": 6700}, 6699.5, 6700.5),
        ({"hedge": "about", "value": 6700}, 6650, 6750),
        ({"hedge": "about", "value": 2000}, 1750, 2250),
        ({"hedge": "some", "value": 6700, "precision": 50}, 6675, 6725),
        ({"hedge": "about", "value": 43}, 42.5, 43.5),
        ({"hedge": "over", "value": 13_000}, 13_000, 14_000),
        ({"hedge": "over", "value": 10_000}, 10_000, 15_000),
        ({"hedge": "over", "value": 13_000, "precision": 500}, 13_000, 13_500),
        ({"hedge": "over", "value": 13_000, "open": True}, 13_000, math.inf),
        ({"hedge": "over", "value": 43, "open": True}, 43, math.inf),
        ({"hedge": "over", "value": 43, "precision": 1}, 43, 44),
        ({"hedge": "nearly", "value": 6700}, 6650, 6700),
        ({"hedge": "up to", "value": 6700}, 0, 6700),
        ({"hedge": "between", "low": 300, "high": 500}, 300, 500),
        ({"hedge": "dozens of"}, 24, 120),
        ({"hedge": "hundreds of"}, 200, 1000),
        ({"hedge": "thousands of"}, 2000, 10_000),
        ({"hedge": "about", "value": 6700, "interval": [6000, 7000]}, 6000, 7000),
        ({"hedge": "up to", "value": 6700, "interval": [0, math.inf]}, 0, math.inf),
    ],
)
def test_every_wording_has_its_interval(says, low, high):
    assert Says.model_validate(says).seen == Interval(low, high)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("about", ["about", "around", "some", "approximately", "roughly"]),
        ("over", ["over", "more than", "at least", "exceeding", "odd", "-odd"]),
        ("nearly", ["nearly", "almost", "close to"]),
        ("up to", ["up to", "at most", "as many as"]),
    ],
)
def test_synonyms_have_one_interval(kind, words):
    assert [word for word in HEDGES if HEDGES[word] == kind] == words
    assert len({Says(hedge=word, value=6700).seen for word in words}) == 1


VALUES = st.integers(1, 99_999).flatmap(lambda n: st.integers(0, 3).map(lambda zeros: float(n * 10**zeros)))
FRACTIONS = st.floats(0.001, 0.999)


def printed(says, seen):
    """What an issuer with this wording prints for a seen count: the rule, written a second time."""
    match says.printing:
        case Printing.NEAREST:
            return says.grid * math.floor(seen / says.grid + 0.5)
        case Printing.FLOOR:
            return says.grid * math.floor(seen / says.grid)
    raise AssertionError(says.printing)


@given(st.sampled_from(["exactly", "about", "over"]), VALUES, FRACTIONS)
def test_every_point_of_the_interval_is_printed_as_the_value(hedge, value, fraction):
    assume(hedge != "over" or value % 10 == 0)
    says = Says(hedge=hedge, value=value)
    low, high = says.seen
    assert printed(says, low + fraction * (high - low)) == value


@given(st.sampled_from(["exactly", "about", "over"]), VALUES, FRACTIONS)
def test_no_point_outside_the_interval_is_printed_as_the_value(hedge, value, fraction):
    assume(hedge != "over" or value % 10 == 0)
    says = Says(hedge=hedge, value=value)
    low, high = says.seen
    assert printed(says, low - fraction * says.grid) != value
    assert printed(says, high + fraction * says.grid) != value


@given(st.sampled_from(["about", "nearly", "up to", "over"]), VALUES)
def test_every_interval_is_a_non_empty_stretch_of_counts(hedge, value):
    says = Says(hedge=hedge, value=value, precision=value if hedge == "over" else None)
    assert 0 <= says.seen.low < says.seen.high
    assert says.seen.low <= value <= says.seen.high


@given(VALUES)
def test_nearly_and_over_lie_on_their_sides_of_about(value):
    about, nearly = Says(hedge="about", value=value).seen, Says(hedge="nearly", value=value).seen
    over = Says(hedge="over", value=value, open=True).seen
    assert nearly == (about.low, value)
    assert over.low == nearly.high


@pytest.mark.parametrize(
    ("says", "printing"),
    [
        ({"hedge": "exactly", "value": 43}, Printing.NEAREST),
        ({"hedge": "about", "value": 6700}, Printing.NEAREST),
        ({"hedge": "at least", "value": 6700}, Printing.FLOOR),
        ({"hedge": "over", "value": 6700, "open": True}, Printing.UNROUNDED),
        ({"hedge": "about", "value": 6700, "interval": [6000, 7000]}, Printing.UNROUNDED),
        ({"hedge": "nearly", "value": 6700}, Printing.UNROUNDED),
        ({"hedge": "hundreds of"}, Printing.UNROUNDED),
    ],
)
def test_only_rounded_wordings_are_simulated_rounded(says, printing):
    assert Says.model_validate(says).printing is printing


@pytest.mark.parametrize(
    ("says", "printed_value"),
    [
        ({"hedge": "about", "value": 6700}, 6700),
        ({"hedge": "between", "low": 400, "high": 900}, 600),
        ({"hedge": "hundreds of"}, math.sqrt(200 * 1000)),
    ],
)
def test_one_number_stands_for_a_wording_and_lies_in_its_interval(says, printed_value):
    says = Says.model_validate(says)
    assert says.printed == pytest.approx(printed_value)
    assert says.seen.low <= says.printed <= says.seen.high


@pytest.mark.parametrize(
    ("interval", "spoken"), [((6650, 6750.5), "[6,650, 6,750.5)"), ((13_000, math.inf), "[13,000, infinity)")]
)
def test_an_interval_prints_with_the_end_it_leaves_out(interval, spoken):
    assert str(Interval(*interval)) == spoken


def test_intervals_meet_when_they_share_a_point_and_not_when_they_touch():
    assert Interval(2, 5).meets(Interval(4, 9))
    assert Interval(2, 5).meets(Interval(3, 4))
    assert not Interval(2, 5).meets(Interval(5, 9))
    assert not Interval(5, 9).meets(Interval(2, 5))


# ---- wordings that cannot be meant ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("says", "words"),
    [
        ({"value": 6700}, "no hedge\n.*Known: .*about"),
        ({"value": 6700, "hedge": "abuot"}, "unknown hedge 'abuot'\n.*Did you mean 'about'"),
        ({"value": 6700, "hedge": "About"}, "unknown hedge 'About'\n.*Did you mean 'about'"),
        ({"hedge": "about"}, "'about' needs a value"),
        ({"hedge": "about", "value": 0}, "the value 0\n.*greater than 0"),
        ({"hedge": "about", "value": -3.5}, "the value -3.5\n.*greater than 0"),
        ({"hedge": "about", "value": math.nan}, "the value nan\n.*finite"),
        ({"hedge": "about", "value": math.inf}, "the value inf\n.*finite"),
        ({"hedge": "about", "value": "6700"}, "valid number"),
        ({"hedge": "about", "value": True}, "valid number"),
        ({"hedge": "about", "value": 6700, "low": 6000}, "neither low nor high"),
        ({"hedge": "between", "low": 500, "high": 300}, "with low 500 and high 300\n.*comes first"),
        ({"hedge": "fewer than", "value": 400}, "The nearest is 'at most'"),
        ({"hedge": "upwards of", "value": 400}, "The nearest is 'at least'"),
        ({"hedge": "between", "low": 500}, "low < high"),
        ({"hedge": "between", "low": 3, "high": 5, "value": 4}, "low and high, no value"),
        ({"hedge": "dozens of", "value": 40}, "The words are the number"),
        ({"hedge": "about", "value": 6700, "open": True}, "Only an 'over' can be open"),
        ({"hedge": "over", "value": 43}, "over 43: no trailing zero.*\n.*precision.*open = true"),
        ({"hedge": "at least", "value": 2.5}, "no trailing zero"),
        ({"hedge": "exactly", "value": 2.5}, "exactly 2.5\n.*precision"),
        ({"hedge": "about", "value": 6700, "precision": 1000}, "6,700 is no multiple of the precision 1000"),
        ({"hedge": "about", "value": 6700, "precision": 0}, "greater than 0"),
        ({"hedge": "over", "value": 2**50, "precision": 2**-6}, "finer than numbers can tell"),
        ({"hedge": "exactly", "value": 1e17}, "finer than numbers can tell"),
        ({"hedge": "about", "value": 6700, "interval": [7000, 6000]}, "0 <= low < high"),
        ({"hedge": "about", "value": 6700, "interval": [-1, 6000]}, "0 <= low < high"),
        ({"hedge": "about", "value": 6700, "interval": [math.nan, 6000]}, "0 <= low < high"),
        ({"hedge": "over", "value": 6700, "interval": [6000, 7000], "open": True}, "without open"),
        ({"hedge": "about", "value": 6700, "interval": [6000]}, "interval"),
    ],
)
def test_a_wording_that_cannot_be_meant_is_refused_with_the_remedy(says, words):
    with pytest.raises(ValidationError, match=words):
        Says.model_validate(says)


NUMBERS = st.none() | st.floats() | st.integers() | st.booleans() | st.text(max_size=3)


@given(
    st.fixed_dictionaries(
        {"hedge": st.sampled_from(sorted(HEDGES)) | st.text(max_size=6)},
        optional={
            **dict.fromkeys(("value", "low", "high", "precision"), NUMBERS),
            "open": st.booleans(),
            "interval": st.none() | st.lists(NUMBERS, max_size=3),
        },
    )
)
def test_any_wording_is_refused_or_gives_an_interval_of_counts(fields):
    try:
        says = Says.model_validate(fields)
    except ValidationError:
        return
    assert 0 <= says.seen.low < says.seen.high
    assert says.grid > 0
    assert says.printed > 0
    assert str(says)
