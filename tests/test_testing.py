"""Laws: the shelf keeps them, and each of a dozen broken models and studies breaks the one that names its fault."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from command import estimates
from small import OIL, changed
from test_terms import PRIORS

import estimates as est
from estimates import shelf, terms, testing
from estimates.errors import ModelError
from estimates.study import read_text

EXAMPLES = Path(__file__).parent.parent / "docs" / "examples"


def broken_by(checks):
    """The laws that are broken, with what is said of each."""
    found = {}
    for check in checks:
        try:
            check()
        except testing.BrokenLawError as error:
            found[check.law.name] = str(error)
    return found


def cheap(build):
    return [check for check in testing.model_checks(build, examples=4) if check.law.cost == "cheap"]


# ---- the shelf keeps them ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", shelf.models())
def test_every_model_of_the_shelf_keeps_the_cheap_laws(name):
    checks = [c for c in testing.model_checks(name, examples=1) if c.law.cost == "cheap"]
    assert len(checks) == 8
    assert broken_by(checks) == {}


def test_a_model_of_the_shelf_keeps_the_laws_that_need_fits():
    checks = [check for check in testing.model_checks("steady", examples=1) if check.law.cost == "fit"]
    assert len(checks) == 2
    assert broken_by(checks) == {}


def test_a_law_that_cannot_be_tried_says_why():
    checks = {check.law.name: check for check in testing.model_checks("wandering", examples=1)}
    assert "unknowns; fits by importance sampling take 12" in checks["follows_its_reports"]()
    assert checks["never_ships_back"]() is None
    pooled = testing.model_checks("steady", est.read("dprk-shells-all-reports-2024"))
    reasons = {check.law.name: check() for check in pooled if check.law.name == "carries_its_scale"}
    assert "errors are carried along" in reasons["carries_its_scale"]


def test_the_slow_laws_are_tried_only_when_asked_for():
    costs = {check.law.cost for check in testing.model_checks("steady", slow=True)}
    assert costs == {"cheap", "fit", "slow"}


@pytest.mark.parametrize("name", ["dprk-shells-2024", "dprk-shells-all-reports-2024"])
def test_the_packaged_studies_keep_the_laws(name):
    checks = testing.study_checks(est.read(name))
    quick = checks if name == "dprk-shells-2024" else [c for c in checks if c.law.cost == "cheap"]
    assert broken_by(quick) == {}


# ---- broken models -------------------------------------------------------------------------------------


def flow_of(function):
    """A model with this flow of start, rate and days."""

    def build(study):
        with terms.frame(study) as model:
            start, rate = terms.assumption("first_shipment"), terms.assumption("daily_rate")
            terms.flow(lambda day: function(study, start, rate, day))
        return model

    return build


def steady(study, start, rate, day):
    return rate * pt.maximum(day - start, 0.0)


def ignoring_its_hedges(study):
    """A likelihood that takes the printed number for the seen one."""
    with terms.frame(study) as model:
        start, rate = terms.assumption("first_shipment"), terms.assumption("daily_rate")
        days = np.array([study.day_number(day) for day in study.days])
        pm.Deterministic(study.carriers.name, rate * pt.maximum(days - start, 0.0), dims="day")
        published = np.array([study.day_number(report.published) for report in study.fitted])
        level = rate * pt.maximum(published - start, 0.0)
        said = np.array([report.says.printed for report in study.fitted])
        pm.Normal("reports", level, 0.1 * level + 1.0, observed=said, dims="report")
    return model


def no_number(study):
    """A potential whose logarithm is of something negative."""
    model = flow_of(steady)(study)
    with model:
        pm.Potential("more", pt.log(-model["daily_rate"]))
    return model


BROKEN = {
    "a flow that decreases": (
        flow_of(lambda *given: steady(*given) * pt.exp(-given[3] / 400.0)),
        "never_ships_back",
        "Carriers fall by",
    ),
    "a flow below zero": (
        flow_of(lambda *given: steady(*given) - 5.0),
        "never_ships_back",
        "Carriers of -5 in a draw of the prior",
    ),
    "a likelihood that ignores its hedge": (
        ignoring_its_hedges,
        "reads_its_hedges",
        "r1 is as likely whatever interval it is read as",
    ),
    "a hard-coded scale": (
        flow_of(lambda *given: 3000.0 * pt.tanh(steady(*given) / 3000.0)),
        "carries_its_scale",
        "r1 and every prior times 10 is not as likely as before",
    ),
    "a flow that hangs on the first report in the file": (
        flow_of(lambda study, *given: steady(study, *given) * (1 + len(str(study.reports[0].says)))),
        "does_not_mind_the_order",
        "Their order in the file changes the density",
    ),
    "a flow that grows with every quotation": (
        flow_of(lambda study, *given: steady(study, *given) * len(study.reports)),
        "does_not_count_relays",
        "Telling r1 again changes the density",
    ),
    "a root of what is below zero": (
        flow_of(lambda study, start, rate, day: rate * pt.sqrt(day - start)),
        "never_ships_back",
        "Carriers of nan in a draw of the prior",
    ),
    "a density that is no number": (
        no_number,
        "has_a_finite_density",
        "The log likelihood is nan",
    ),
    "reports that nobody would print": (
        ignoring_its_hedges,
        "prints_what_can_be_printed",
        "a simulated r1 says",
    ),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_model_is_caught_by_the_law_that_names_its_fault(fault):
    build, law, says = BROKEN[fault]
    found = broken_by([check for check in cheap(build) if check.law.name == law])
    assert list(found) == [law]
    assert says.casefold() in found[law].casefold()
    assert "Found on drawn (port" in found[law] or "Found on drawn (customs" in found[law]


def test_the_example_is_the_smallest_that_shows_it():
    (check,) = [c for c in cheap(BROKEN["a flow below zero"][0]) if c.law.name == "never_ships_back"]
    with pytest.raises(testing.BrokenLawError, match=r"Found on drawn \(port, 2020-06-19: about 100\)\.$"):
        check()


def test_a_model_without_a_flow_is_out_of_contract():
    def build(study):
        with terms.frame(study) as model:
            terms.assumption("daily_rate")
        return model

    found = broken_by([check for check in cheap(build) if check.law.name == "keeps_the_contract"])
    assert "the model has no reports in it" in found["keeps_the_contract"].casefold()


def test_check_model_tells_of_everything_that_is_broken():
    study = read_text(OIL + PRIORS)
    with pytest.raises(testing.BrokenLawError) as told:
        testing.check_model(ignoring_its_hedges, study)
    assert "reads_its_hedges" in str(told.value)
    assert "prints_what_can_be_printed" in str(told.value)
    assert isinstance(told.value, AssertionError)


def test_a_model_that_asks_for_something_of_its_own_is_tried_on_a_study_that_has_it():
    build = flow_of(lambda study, *given: steady(study, *given) * terms.assumption("cargo") / 5e5)
    (check,) = [c for c in testing.model_checks(build, examples=1) if c.law.name == "never_ships_back"]
    assert check() is None  # drawn studies have a cargo too
    own = flow_of(lambda study, *given: steady(study, *given) * terms.assumption("share"))
    (check,) = [c for c in testing.model_checks(own, examples=1) if c.law.name == "never_ships_back"]
    assert "the study has no assumption 'share'; try it on a study of yours" in check()


def test_a_function_can_be_fitted_like_a_file():
    build = flow_of(steady)
    fit = est.infer(est.read(), shelf.of(build), seed=1)
    assert fit.conditions.model == "build"
    assert fit.log_evidence.value == est.infer(est.read(), "steady", seed=1).log_evidence.value


def test_a_function_that_fails_is_told_like_a_file():
    with pytest.raises(ModelError, match="build.study. failed: ZeroDivisionError"):
        shelf.of(lambda study: 1 / 0).build(est.read())


# ---- broken studies ------------------------------------------------------------------------------------

SAME = """
[[report]]
id = "wire"
measures = "voyages"
says = { value = 120, hedge = "about" }
published = 2024-03-04
issuer = "a wire"

[[report]]
id = "autumn"
"""
BROKEN_STUDIES = {
    "a swapped unit": (
        (OIL + PRIORS).replace('unit = "barrel/voyage"', 'unit = "kilobarrel/voyage"'),
        "agrees_with_its_own_arithmetic",
        "autumn_oil says about 200,000,000, and oil of over 300 gives",
    ),
    "a double-counted relay": (
        (OIL + PRIORS)
        .replace('[[report]]\nid = "autumn"\n', SAME.lstrip(), 1)
        .replace('issuer = "port"\n', 'issuer = "port"\nrelayed_by = ["A Wire"]\n', 1),
        "counts_nothing_twice",
        "wire (about 120) says what spring said 3 days before",
    ),
    "a conversion that was not declared": (
        changed('derived_from = "autumn"\n', "").replace(
            '[[report]]\nid = "autumn_oil"',
            '[[report]]\nid = "spring_oil"\nmeasures = "oil"\nsays = { value = 80_000_000, hedge = "about" }\n'
            'published = 2024-03-01\nissuer = "port"\n\n[[report]]\nid = "autumn_oil"',
        )
        + PRIORS,
        "counts_nothing_twice",
        "port keeps one ratio of oil to voyages",
    ),
    "a pace that cannot be": (
        (OIL + PRIORS).replace('unit = "voyage/day"', 'unit = "voyage/year"'),
        "could_have_been_said",
        "spring says about 120, and its assumptions alone would have had",
    ),
    "a claim that nothing can change": (
        (OIL + PRIORS).replace(
            "voyages[autumn] / voyages[spring] >= 2", "voyages[autumn] / voyages[spring] >= 1"
        ),
        "leaves_its_claims_open",
        "doubled is true in every draw of the prior",
    ),
}


@pytest.mark.parametrize("fault", BROKEN_STUDIES)
def test_a_broken_study_is_caught_by_the_law_that_names_its_fault(fault):
    text, law, says = BROKEN_STUDIES[fault]
    found = broken_by(testing.study_checks(read_text(text)))
    assert law in found
    assert says.casefold() in found[law].casefold()
    assert found[law].startswith("oil · ")


def test_a_whole_study_breaks_no_law():
    assert broken_by(testing.study_checks(read_text(OIL + PRIORS))) == {}
    testing.check_study(read_text(OIL + PRIORS))


# ---- the command and the plugin ------------------------------------------------------------------------


def test_check_with_laws_prints_them_and_exits_with_1_where_one_is_broken(tmp_path, monkeypatch):
    monkeypatch.setattr(testing, "model_checks", lambda *_, **__: ())
    path = tmp_path / "oil.toml"
    path.write_text(OIL + PRIORS, encoding="utf-8")
    kept = estimates("check", path, "--laws")
    assert (kept.code, kept.err) == (0, "")
    assert "All laws are kept." in kept.out
    path.write_text(BROKEN_STUDIES["a swapped unit"][0], encoding="utf-8")
    broken = estimates("check", path, "--laws")
    assert broken.code == 1
    assert (
        "oil · agrees_with_its_own_arithmetic: A derived number lies where its formula puts it." in broken.out
    )


def test_the_test_file_of_the_documentation_passes_under_pytest(tmp_path):
    for name in ("grain-trucks.toml", "test_grain_trucks.py"):
        (tmp_path / name).write_text((EXAMPLES / name).read_text(encoding="utf-8"), encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert ran.returncode == 0, ran.stdout
    assert "9 passed" in ran.stdout


@pytest.mark.parametrize(
    ("marker", "argument", "says"),
    [
        ('estimates_model("steady")', "", "takes an argument law"),
        ("estimates_study", "law", "write estimates_study(study, model='steady')"),
        ('estimates_model("stedy")', "law", "unknown model 'stedy'"),
    ],
)
def test_a_marker_that_cannot_be_meant_is_told_so(tmp_path, marker, argument, says):
    text = f"import pytest\n\n\n@pytest.mark.{marker}\ndef test_it({argument}):\n    pass\n"
    (tmp_path / "test_it.py").write_text(text, encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert ran.returncode != 0
    assert says in ran.stdout + ran.stderr
