"""Calibration: uniform ranks of exact posteriors, the engine's own ranks, and what is refused or found out."""

import json
from dataclasses import replace

import numpy as np
import pytest
from montecarlo import assert_within, share_error
from scipy import stats
from small import OIL
from test_terms import PRIORS

import estimates as est
from estimates import calibrating, ranks, simulating
from estimates.errors import ContradictionError, EngineError, QuestionError
from estimates.estimate import Measured
from estimates.inference.weighted import Weighted
from estimates.ranks import ModelIndex, Ranked, weighted_pit
from estimates.study import read_text

RNG = np.random.default_rng

# ---- ranks: closed forms and brute force ------------------------------------------------------------------


def test_a_weighted_pit_is_the_weight_below_the_truth():
    values, weights = np.array([3.0, -1.0, 2.0, 7.0]), np.array([1.0, 5.0, 2.0, 2.0])
    brute = sum(w for x, w in zip(values, weights, strict=True) if x < 2.5) / sum(weights)
    assert weighted_pit(values, np.log(weights) + 700.0, 2.5, RNG(1)) == pytest.approx(brute, rel=1e-12)
    assert weighted_pit(values, np.log(weights), 8.0, RNG(1)) == 1.0


def test_an_atom_is_divided_at_random():
    values, log_weights = np.array([0.0, 0.0, 4.0]), np.log([1.0, 2.0, 2.0])
    found = [weighted_pit(values, log_weights, 0.0, RNG(seed)) for seed in range(400)]
    assert stats.kstest(found, stats.uniform(0, 0.6).cdf).pvalue > 1e-4


def test_points_of_no_weight_do_not_count():
    values, log_weights = np.array([1.0, 5.0, np.nan]), np.array([0.0, 0.0, -np.inf])
    assert weighted_pit(values, log_weights, 2.0, RNG(1)) == pytest.approx(0.5)


def conjugate(believed, simulations=200, points=3000, spread=0.7):
    """PITs of truths ~ N(0, 1) seen with N(0, spread), fitted by weighting the prior with a believed spread."""
    rng, pits, errors = RNG(3), {"exact": [], "weighted": [], "log likelihood": []}, []
    for _ in range(simulations):
        truth, prior = rng.normal(), rng.normal(size=points)
        seen = truth + spread * rng.normal()
        precision = 1 + believed**-2
        pits["exact"].append(stats.norm.cdf(truth, seen / believed**2 / precision, precision**-0.5))
        log_weights = -0.5 * ((seen - prior) / believed) ** 2
        pits["weighted"].append(weighted_pit(prior, log_weights, truth, rng))
        weights = np.exp(log_weights) / np.exp(log_weights).sum()
        errors.append(np.sqrt(np.sum((weights * ((prior < truth) - pits["weighted"][-1])) ** 2)))
        own = -0.5 * ((seen - truth) / believed) ** 2
        pits["log likelihood"].append(weighted_pit(log_weights, log_weights, own, rng))
    return {name: Ranked("conjugate", name, tuple(found)) for name, found in pits.items()}, np.array(errors)


def test_ranks_in_a_conjugate_posterior_are_uniform_and_the_weights_give_the_same_ranks():
    found, errors = conjugate(believed=0.7)
    assert all(one.is_inside and one.reach < 1 for one in found.values())
    # A truth beyond all but a handful of points has an error that they cannot tell.
    assert_within(found["weighted"].pits, found["exact"].pits, np.maximum(errors, 0.002))


def test_a_spread_believed_too_small_leaves_the_band():
    found, _ = conjugate(believed=0.35)
    assert not any(one.is_inside for one in found.values())
    assert all(one.reach >= 1 for one in found.values())


def test_a_posterior_that_ignores_the_data_is_seen_by_the_log_likelihood_alone():
    found, _ = conjugate(believed=1000.0)
    assert found["exact"].is_inside
    assert found["weighted"].is_inside
    assert not found["log likelihood"].is_inside


@pytest.mark.parametrize("count", [20, 200])
def test_the_band_holds_uniform_numbers_in_99_of_100_cases(count):
    rng, cases = RNG(5), 2000
    inside = [Ranked("none", "uniform", tuple(rng.random(count))).is_inside for _ in range(cases)]
    # The band is itself found by 10,000 simulations.
    error = np.hypot(share_error(0.99, cases), share_error(0.99, 10_000))
    assert_within(np.mean(inside), 0.99, error)


def test_the_reach_is_below_one_just_where_the_line_is_inside():
    rng = RNG(8)
    rows = [Ranked("m", "q", tuple(rng.random(100) ** power)) for power in np.linspace(0.5, 2.0, 200)]
    assert 20 < sum(one.is_inside for one in rows) < 180
    assert all(one.is_inside == (one.reach < 1 - 1e-9) for one in rows)


def test_the_largest_deviation_is_told_with_the_band_there():
    found = Ranked("m", "q", tuple(np.linspace(0.0, 0.6, 50))).document()
    assert not found["inside"]
    assert found["deviation"] > found["band"][1] > 0 > found["band"][0]
    assert sum(found["counts"]) == 50


# ---- which model it was: two normals of known evidence ------------------------------------------------------


def two_normals(shift=0.0, simulations=200):
    """One of N(0, 1) and N(1, 2) draws a number; `shift` is added to the log evidence of the second."""
    rng, models = RNG(11), (stats.norm(0, 1), stats.norm(1, 2))
    drawn = tuple(int(k) for k in rng.integers(2, size=simulations))
    seen = [models[k].rvs(random_state=rng) for k in drawn]
    evidences = tuple((models[0].logpdf(y), models[1].logpdf(y) + shift) for y in seen)
    p = ranks.model_probabilities(evidences)
    pits = tuple(p[i, :k].sum() + rng.random() * p[i, k] for i, k in enumerate(drawn))
    return ModelIndex(("narrow", "wide"), drawn, evidences, Ranked("all", "model", pits))


def test_true_evidences_give_models_their_shares_and_keep_their_promises():
    index = two_normals()
    assert index.is_inside
    assert sum(row["came_true"] for row in index.reliability()) == len(index.drawn)
    assert sum(row["cases"] for row in index.reliability()) == 2 * len(index.drawn)
    first, second = index.shares()
    assert first["mean"] + second["mean"] == pytest.approx(1.0)
    assert json.loads(json.dumps(index.document()))["drawn"] == list(np.bincount(index.drawn))


def test_an_evidence_that_is_off_is_found_out_by_shares_and_by_reliability():
    index = two_normals(shift=1.5)
    assert not all(row["inside"] for row in index.shares())
    assert not all(row["inside"] for row in index.reliability())
    assert not index.is_inside


def test_the_band_of_a_bin_is_that_of_a_binomial_where_all_chances_are_equal():
    assert ranks._central(np.full(40, 0.3), 0.99) == stats.binom(40, 0.3).interval(0.99)
    assert ranks._central(np.array([]), 0.99) == (0, 0)


def test_bands_of_many_checks_hold_together_as_often_as_said():
    rng = np.random.default_rng(5)
    cases, checks, count = 400, 20, 60
    together = [
        all(Ranked("none", "uniform", tuple(rng.random(count)), checks).is_inside for _ in range(checks))
        for _ in range(cases)
    ]
    assert_within(np.mean(together), ranks.LEVEL, share_error(ranks.LEVEL, cases), multiples=3)
    alone, one_of_many = ranks.band(count), ranks.band(count, checks)
    assert np.all(one_of_many.upper >= alone.upper)
    assert np.all(one_of_many.lower <= alone.lower)


# ---- the engine's own posteriors ---------------------------------------------------------------------------

LATER_RATE = """
[assumption.later_rate]
unit = "voyage/day"
prior = { family = "lognormal", q05 = 2, q95 = 9 }
basis = "as the daily rate"
"""

STUDY = read_text(OIL + PRIORS + LATER_RATE)


@pytest.fixture(scope="module")
def found():
    return est.calibrate(STUDY, simulations=4, seed=3)


def test_what_is_ranked_is_every_unknown_the_headline_the_carriers_and_the_log_likelihood(found):
    unknowns = ["first_shipment", "daily_rate", "reporting_lag", "issuer_bias", "report_scatter"]
    assert [one.quantity for one in found.ranked] == [*unknowns, "oil", "voyages", "log likelihood"]
    assert all(len(one.pits) == 4 and 0 <= min(one.pits) <= max(one.pits) <= 1 for one in found.ranked)
    assert found.row("voyages").by == "steady"


def test_reports_are_printed_as_they_are_worded(found):
    spring, autumn = np.array([one.reports for one in found.simulated["steady"]]).T
    assert np.all(spring % 10 == 0)
    assert np.all(autumn % 50 == 0)
    assert len(set(autumn)) > 1


def test_a_pit_is_that_of_an_ordinary_fit_to_the_printed_numbers(found):
    one = found.simulated["steady"][1]
    spring, autumn = one.reports
    printed = (
        (OIL + PRIORS)
        .replace("value = 120, hedge", f"precision = 10, value = {spring:.0f}, hedge")
        .replace("value = 300, hedge", f"precision = 50, value = {autumn:.0f}, hedge")
    )
    fit = est.infer(read_text(printed), "steady", engine="importance", seed=9)
    # As many draws as know the difference of both fits.
    draws = 1 / (1 / fit.trust.ess + 1 / simulating.EFFORT.effective)
    for name, at in (
        ("daily_rate", None),
        ("first_shipment", None),
        ("voyages", "autumn"),
        ("oil", "autumn"),
    ):
        share = float((fit.quantity(name, at) < one.truths[name]).mean())
        error = share_error(max(min(one.pits[name], 0.99), 0.01), draws)
        assert_within(share, one.pits[name], error)
    assert_within(fit.log_evidence.value, one.log_evidence.value, 2 * one.log_evidence.mcse)


def test_the_result_tells_its_conditions_and_fits_into_json(found):
    document = json.loads(json.dumps(found.document()))
    assert document["fingerprint"] == STUDY.fingerprint
    assert document["models"][0]["model"] == "steady"
    assert (document["simulations"], document["seed"], document["level"]) == (4, 3, 0.99)
    assert len(document["quantities"]) == 8
    assert sum(document["verdicts"]["steady"].values()) == 4
    assert document["index"] is None
    assert document["says"].startswith("4 simulations of steady on oil: ")


def test_more_simulations_begin_with_the_same_ones(found):
    fewer = est.calibrate(STUDY, simulations=2, seed=3)
    assert fewer.simulated["steady"] == found.simulated["steady"][:2]


@pytest.mark.slow
def test_neither_workers_nor_other_models_change_what_is_simulated(found):
    both = est.calibrate(STUDY, ["steady", "stepped"], simulations=2, seed=3, workers=2)
    assert both.simulated["steady"] == found.simulated["steady"][:2]
    index = both.index
    assert index.probabilities.shape == (2, 2)
    for number, which in enumerate(index.drawn):
        own = both.simulated[index.models[which]][number].log_evidence.value
        assert index.log_evidences[number][which] == own
    assert json.dumps(both.document())


def test_the_model_of_a_simulation_is_drawn_and_all_models_weigh_what_it_printed(found):
    """With evidences made up so that each names the model, who printed, and the simulation."""
    files = [calibrating.shelf.find(name) for name in ("steady", "stepped", "lumpy")]
    (one, *_) = found.simulated["steady"]
    simulated = {
        file.name: tuple(
            replace(one, number=n, reports=(1000.0 * k, n), log_evidence=Measured(-k, 0.0)) for n in range(60)
        )
        for k, file in enumerate(files)
    }

    class Pool:
        def run(self, words, work, tasks, *, share):
            assert work is calibrating.evidences
            return [
                [-ord(file.name[2]) - reports[0] - number for _, number, reports in printed]
                for _, file, _, printed in tasks
            ]

    index = calibrating._model_index(STUDY, files, simulated, 1, Pool())
    assert set(index.drawn) == {0, 1, 2}
    for number, (which, row) in enumerate(zip(index.drawn, index.log_evidences, strict=True)):
        others = [-ord(file.name[2]) - 1000.0 * which - number for file in files]
        assert row == tuple(-which if k == which else value for k, value in enumerate(others))
    assert index.ranked.pits == calibrating._model_index(STUDY, files, simulated, 1, Pool()).ranked.pits


# ---- what is left out, refused, or fails -------------------------------------------------------------------


def test_reports_whose_wording_cannot_be_printed_are_left_out_by_name(monkeypatch):
    shown = []
    monkeypatch.setattr(calibrating, "simulated", lambda study, *_: shown.append(study) or [])
    study = read_text((OIL + PRIORS).replace('value = 120, hedge = "about"', 'value = 120, hedge = "nearly"'))
    assert est.calibrate(study, simulations=2).left_out == (("spring", "nearly 120"),)
    assert [report.id for report in shown[0].fitted] == ["autumn"]


def test_what_was_left_out_is_said(found):
    without = replace(found, left_out=(("spring", "nearly 120"),))
    assert "Left out, because no simulation reproduces their wording: spring (nearly 120)." in " ".join(
        without.sentences()
    )


def test_a_study_of_wordings_that_cannot_be_printed_is_refused_with_their_names():
    text = (OIL + PRIORS).replace('value = 120, hedge = "about"', 'value = 120, hedge = "nearly"')
    study = read_text(text.replace('value = 300, hedge = "over"', 'value = 300, hedge = "over", open = true'))
    with pytest.raises(QuestionError, match=r"spring \(nearly 120\), autumn \(over 300\)"):
        est.calibrate(study)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"models": "wandering", "simulations": 2}, "fitted unknowns here; calibration fits by importance"),
        ({"models": ["steady", "steady"]}, "two models called 'steady'"),
        ({"models": []}, "no model"),
        ({"models": ["steady", "lumpy"], "simulated_by": "steady"}, "simulated_by with several models"),
        ({"simulations": 1}, "1 simulations"),
    ],
)
def test_what_cannot_be_asked_is_refused(asked, words):
    with pytest.raises(QuestionError, match=words):
        est.calibrate(est.read(), **asked)


def test_errors_that_are_carried_along_are_refused():
    with pytest.raises(QuestionError, match="errors are carried along"):
        est.calibrate(est.read("dprk-shells-all-reports-2024"))


def test_a_model_that_prints_must_have_the_unknowns_of_the_one_that_is_fitted():
    with pytest.raises(QuestionError, match="steady has no 'later_rate', which stepped fits"):
        est.calibrate(est.read(), "stepped", simulated_by="steady", simulations=2)


def test_a_simulation_that_fails_is_an_error_with_its_number_seed_and_values(monkeypatch):
    real, calls = simulating.importance.sample, []

    def fails(*args, **more):
        calls.append(more["seed"])
        if len(calls) == 2:
            raise ContradictionError("no draw from the prior could have given the reports")
        return real(*args, **more)

    monkeypatch.setattr(simulating.importance, "sample", fails)
    words = (
        r"steady · simulation 1 · seed 3 · spring [\d,]+, autumn [\d,]+ · from .*daily_rate [\d.]+.*: no draw"
    )
    with pytest.raises(ContradictionError, match=words):
        est.calibrate(STUDY, simulations=3, seed=3)


@pytest.mark.parametrize("error", [FloatingPointError("overflow"), np.linalg.LinAlgError("singular")])
def test_a_fault_of_the_engine_is_told_like_any_other(monkeypatch, error):
    def fails(*_, **__):
        raise error

    monkeypatch.setattr(simulating.importance, "sample", fails)
    with pytest.raises(EngineError, match=f"simulation 0 · seed 1 .*{type(error).__name__}: {error}"):
        est.calibrate(STUDY, simulations=2)


def test_an_evidence_that_is_no_number_is_an_error(monkeypatch):
    monkeypatch.setattr(Weighted, "log_evidence", property(lambda _: np.nan))
    with pytest.raises(EngineError, match="simulation 0 .*log evidence is nan"):
        est.calibrate(STUDY, simulations=2)


# ---- a wrong likelihood is found out -----------------------------------------------------------------------

OVER_AS_ABOUT = '''
"""Steady, with every "over" taken as "about"."""
import numpy as np
from estimates import shelf

def build(study):
    model = shelf.find("steady").build(study)
    model.set_data("report_rule", np.zeros(len(study.fitted), dtype=int))
    return model
'''


@pytest.mark.slow
def test_a_fit_that_takes_over_as_about_is_found_out(tmp_path):
    path = tmp_path / "over_as_about.py"
    path.write_text(OVER_AS_ABOUT, encoding="utf-8")
    sharp = STUDY.assuming(issuer_bias={"family": "normal", "q05": -0.03, "q95": 0.03})
    right = est.calibrate(sharp, "steady", simulations=12, seed=9)
    wrong = est.calibrate(sharp, path, simulated_by="steady", simulations=16, seed=9)
    assert right.is_calibrated
    assert "voyages" in [one.quantity for one in wrong.outside]
    assert wrong.simulated_by == "steady"
    # The same truths printed the same reports: only the reading differs.
    assert [one.reports for one in wrong.simulated["over_as_about"]][:12] == [
        one.reports for one in right.simulated["steady"]
    ]
