"""What every refusal says, and how it keeps saying it."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estimates import errors
from estimates.errors import EstimatesError, StudyError, choices

FAMILY = [
    kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, EstimatesError)
]
WORDS = st.text(min_size=1, max_size=20)


def test_the_message_reads_place_then_fault_then_remedy():
    error = StudyError("hedge 'abuot'", where="a.toml:12", remedy="Did you mean 'about'?")
    assert str(error) == "a.toml:12: hedge 'abuot'\n  Did you mean 'about'?"


def test_without_place_and_remedy_the_message_is_the_fault_alone():
    assert str(EstimatesError("no reports")) == "no reports"


@pytest.mark.parametrize("kind", FAMILY)
def test_every_kind_is_caught_as_the_one_family(kind):
    with pytest.raises(EstimatesError, match="^here: wrong\n  mend it$"):
        raise kind("wrong", where="here", remedy="mend it")


@pytest.mark.parametrize("kind", FAMILY)
def test_every_kind_travels_between_processes_whole(kind):
    error = pickle.loads(pickle.dumps(kind("wrong", where="here", remedy="mend it")))
    assert (type(error), str(error)) == (kind, "here: wrong\n  mend it")


def test_a_place_further_out_goes_in_front_and_the_kind_stays():
    outer = StudyError("wrong", where="says.hedge", remedy="mend it").at("report 'feb'").at("a.toml:3")
    assert type(outer) is StudyError
    assert str(outer) == "a.toml:3 · report 'feb' · says.hedge: wrong\n  mend it"


def test_a_place_is_not_invented_where_there_is_none():
    assert EstimatesError("wrong").at("").where == ""
    assert EstimatesError("wrong").at("a.toml").where == "a.toml"


def test_a_fault_in_a_study_is_a_value_error_for_pydantic_to_place():
    assert issubclass(StudyError, ValueError)


@pytest.mark.parametrize(
    ("word", "options", "sentence"),
    [
        ("steddy", ["stepped", "steady"], "Did you mean 'steady'? Known: steady, stepped."),
        ("zebra", ["steady", "stepped"], "Known: steady, stepped."),
        ("zebra", [], "There are none."),
        ("x", ["b", "a", "b"], "Known: a, b."),
    ],
)
def test_choices_suggest_a_near_miss_and_list_what_is_known(word, options, sentence):
    assert choices(word, options) == sentence


def test_a_long_list_of_choices_is_cut_with_the_number_left_out():
    listed = choices("zebra", [f"name_{index:03d}" for index in range(43)])
    assert "name_039" in listed
    assert "name_040" not in listed
    assert listed.endswith("and 3 more.")


@given(st.lists(WORDS, min_size=1, max_size=6), st.data())
def test_a_name_that_exists_is_its_own_nearest(options, data):
    word = data.draw(st.sampled_from(options))
    assert choices(word, options).startswith(f"Did you mean {word!r}?")


@given(WORDS, WORDS, WORDS)
def test_no_part_of_an_error_is_lost_in_print_or_pickle(what, where, remedy):
    error = pickle.loads(pickle.dumps(EstimatesError(what, where=where, remedy=remedy)))
    assert (error.what, error.where, error.remedy) == (what, where, remedy)
    assert all(part in str(error) for part in (what, where, remedy))
