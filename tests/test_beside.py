"""A page shows what other commands found of the same study, and of no other."""

import json

import pytest
from drawn import drawn
from small import OIL

from estimates import page
from estimates.beside import Beside, beside
from estimates.study import read_text

SCRIPT = "<script>alert('x')</script>"


@pytest.fixture(scope="module")
def estimate():
    return drawn(read_text(OIL))


@pytest.fixture
def folder(tmp_path):
    """The folder of an estimate, in that of its study."""
    near = tmp_path / "oil" / "steady"
    near.mkdir(parents=True)
    return near


def claims(estimate, **changes):
    """What ``estimates claims`` would have written."""
    return {
        "schema": 1,
        "fingerprint": estimate.study.fingerprint,
        "stories": [{"label": "steady"}, {"label": f"steady {SCRIPT}"}],
        "left_out": [{"label": "lumpy", "reason": f"the study lacks {SCRIPT}"}],
        "claims": [
            {
                "id": "doubled",
                "claim": "twice as many",
                "says": "holds in 1 of 2 stories.",
                "answers": [{"variant": None}, {"variant": "late"}],
            }
        ],
        **changes,
    }


def put(document, path):
    path.write_text(json.dumps(document), encoding="utf-8")


def test_nothing_beside_an_estimate_is_nothing_to_show(estimate, folder):
    assert beside(estimate, folder) == Beside()


@pytest.mark.parametrize("above", [True, False], ids=["above", "near"])
def test_what_is_of_the_whole_study_may_lie_above(estimate, folder, above):
    put(claims(estimate), (folder.parent if above else folder) / "claims.json")
    assert beside(estimate, folder) == Beside(claims=claims(estimate))


def test_the_nearer_of_two_is_shown(estimate, folder):
    put(claims(estimate, claims=[]), folder.parent / "claims.json")
    put(claims(estimate), folder / "claims.json")
    assert beside(estimate, folder).claims == claims(estimate)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", "null", '{"schema": 2}', '{"schema": 1}', '{"schema": 1, "fingerprint": "other"}'],
)
def test_what_belongs_to_another_study_or_to_none_is_named_not_shown(estimate, folder, text):
    (folder / "claims.json").write_text(text, encoding="utf-8")
    assert beside(estimate, folder) == Beside(outdated=("claims.json",))


def test_what_is_no_text_is_named_not_shown(estimate, folder):
    (folder / "claims.json").write_bytes(b"\xff\xfe")
    assert beside(estimate, folder) == Beside(outdated=("claims.json",))


@pytest.mark.parametrize(
    ("changes", "shown"), [({}, True), ({"model": "other"}, False), ({"variant": "late"}, False)]
)
def test_what_is_of_one_model_and_variant_is_shown_with_the_same(estimate, folder, changes, shown):
    document = {
        "schema": 1,
        "fingerprint": estimate.study.fingerprint,
        "model": estimate.conditions.model,
        "variant": None,
        **changes,
    }
    put(document, folder / "sensitivity.json")
    put(document, folder / "falsify_doubled.json")
    found = beside(estimate, folder)
    assert found.sensitivity == (document if shown else None)
    assert found.falsified == ((document,) if shown else ())
    assert found.outdated == ()


def test_the_page_shows_the_claims_and_escapes_them(estimate, folder):
    put(claims(estimate), folder.parent / "claims.json")
    text = page.write(estimate, estimate.document(), folder / "page.html").read_text(encoding="utf-8")
    assert "Under rival stories" in text
    assert "holds in 1 of 2 stories." in text
    assert "Left out: lumpy, the study lacks " in text
    assert "<dt>late</dt><dd>The second sighting taken as the first.</dd>" in text
    assert "<dt>one_count" not in text
    assert "Not shown" not in text
    assert SCRIPT not in text
    assert "&lt;script&gt;" in text


def test_the_page_says_what_it_does_not_show(estimate, folder):
    put(claims(estimate, fingerprint="other"), folder / "claims.json")
    text = page.write(estimate, estimate.document(), folder / "page.html").read_text(encoding="utf-8")
    assert "Under rival stories" not in text
    assert "claims.json: made from another version of this study" in text
