"""The study that `estimates new` writes: commented, valid as it stands, in the words of its author."""

import re

import pytest

from estimates.assumptions import MODEL_ASSUMPTIONS
from estimates.audit import audit, unused
from estimates.errors import StudyError, UnitError
from estimates.shelf import find
from estimates.starter import starter
from estimates.study import read_text

WORDS = [
    ("barrels", "voyages", "voyage", "barrel"),
    ("grain-2024", "trucks", "truck", "tonne"),
    ("нефть", "рейсы", "рейс", "barrel"),
    ("油", "船", "艘", "m^3"),
    ("a.b-c_1", "Züge", "Zug", "short_ton"),
    ("boxes", "boxes", "tonne", "kg"),
    ("flour", "trucks", "truck", "pallet"),
]


@pytest.mark.parametrize("words", WORDS, ids=[words[0] for words in WORDS])
def test_a_new_study_is_read_and_speaks_the_words_of_its_author(words):
    name, carriers, unit, load = words
    study = read_text(starter(*words))

    assert study.name == name
    assert (study.carriers.name, study.carriers.unit) == (carriers, unit)
    assert study.unit_of("cargo") == load
    assert study.unit_of("load") == f"{load}/{unit}"


def test_a_new_study_lacks_nothing_that_the_model_steady_or_its_reports_ask_for():
    study = read_text(starter("oil", "voyages", "voyage", "barrel"))
    asked = {*find("steady").assumptions, *study.needed}

    assert asked <= set(study.assumptions)
    assert unused(study, find("steady").assumptions) == ()


def test_a_new_study_names_a_headline_a_claim_and_a_variant_to_copy():
    study = read_text(starter("oil", "voyages", "voyage", "barrel"))

    assert study.headline.quantity == "cargo"
    assert list(study.claims) == ["doubled"]
    assert study.variant("heavy").implied("load")[1] > study.implied("load")[1]


def test_everything_made_up_in_a_new_study_is_marked_as_judgement():
    study = read_text(starter("oil", "voyages", "voyage", "barrel"))

    assert all(assumption.judgement for assumption in study.assumptions.values())
    assert not any(finding.is_warning for finding in audit(study))


def test_a_new_study_tells_every_family_and_every_command_it_needs():
    text = starter("oil", "voyages", "voyage", "barrel")

    for family in ("uniform", "normal", "lognormal", "gamma", "student_t", "halfnormal", "beta", "fixed"):
        assert re.search(rf"\b{family}\b", text), family
    assert "estimates check oil.toml" in text
    assert "estimates run oil.toml" in text


@pytest.mark.parametrize("name", ["", "a b", "a/b", "..", ".a", "-a", 'a"b', "a\nb", "a" * 81])
def test_what_cannot_name_a_study_is_refused(name):
    with pytest.raises(StudyError, match="cannot name a study"):
        starter(name, "voyages", "voyage", "barrel")


@pytest.mark.parametrize(
    ("carriers", "unit", "told"),
    [
        ("oil tankers", "tanker", "--carriers: 'oil tankers' cannot be a name"),
        ('a" b', "tanker", "--carriers"),
        ("tankers", "1st", "--unit: '1st' cannot be a name"),
        ("tankers", "and", "--unit: 'and' cannot be a name"),
        ("tanker", "tanker", "the carriers are called 'tanker'"),
        ("load", "tanker", "the carriers are called 'load'"),
        ("cargo", "tanker", "the carriers are called 'cargo'"),
    ],
)
def test_words_that_cannot_name_the_carriers_are_refused(carriers, unit, told):
    with pytest.raises(StudyError, match=re.escape(told)):
        starter("oil", carriers, unit, "barrel")


@pytest.mark.parametrize(
    ("load", "told"),
    [
        ("barel", "unknown unit 'barel'"),
        ("ton", "'ton' is ambiguous"),
        ('b"', "is not a unit"),
        ("", "is not a unit"),
    ],
)
def test_a_load_that_is_no_unit_is_refused(load, told):
    with pytest.raises(UnitError, match=re.escape(told)) as refused:
        starter("oil", "voyages", "voyage", load)
    assert refused.value.where == "--load"


@pytest.mark.parametrize("name", MODEL_ASSUMPTIONS)
def test_carriers_called_like_an_assumption_of_models_are_refused_when_read(name):
    with pytest.raises(StudyError, match=f"'{name}' is"):
        read_text(starter("oil", name, "voyage", "barrel"))
