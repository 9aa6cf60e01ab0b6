"""The flagship fitted: against prior sampling written apart from the library, and one engine against another."""

import datetime as dt
import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pymc as pm
import pytest
import xarray as xr
from montecarlo import assert_within, share_error
from scipy import special, stats
from small import OIL

import estimates as est
from estimates.errors import EngineError, QuestionError, StudyError
from estimates.inference import fit as fitting
from estimates.inference import nuts
from estimates.study import read_text, restore

STUDY = est.read()
CELLS = json.loads(
    (Path(__file__).parents[1] / "benchmarks" / "brute_force.json").read_text(encoding="utf-8")
)["cells"]
FORWARD = ("payload", "packed_mass_152", "packed_mass_122", "shell_share", "share_122", "stated_capacity")
FITTED = ("first_shipment", "daily_rate", "reporting_lag", "issuer_bias", "report_scatter")


def draws_of(fit, name, at=None, group="posterior"):
    return fit.quantity(name, at, group=group).values.ravel()


def effective(fit):
    return 1 / (1 / fit.trust.ess + 1 / fit.data["posterior"]["daily_rate"].size)


def median_error(fit, values):
    """The Monte Carlo error of a median: half the distance of the order statistics one error either side."""
    half = 0.5 / math.sqrt(effective(fit))
    low, high = np.quantile(values, [0.5 - half, 0.5 + half])
    return (high - low) / 2


# ---- prior sampling, written apart from the library -----------------------------------------------------

FEB, AUG = 786.0, 969.0  # days from 1 January 2022 to the two publications
EARLIEST, LATEST = 151.0, 761.0  # 1 June 2022, 1 February 2024
BATCHES, DRAWS = 20, 100_000
Z95 = stats.norm.ppf(0.95)


def lognormal(rng, q05, q95, size):
    low, high = math.log(q05), math.log(q95)
    return np.exp(rng.normal((low + high) / 2, (high - low) / 2 / Z95, size))


def prior_draws(rng, size):
    start = rng.uniform(EARLIEST, LATEST, size)
    rate, lag = lognormal(rng, 5, 180, size), lognormal(rng, 1, 30, size)
    bias = rng.normal(0, 0.329 / Z95, size)
    scatter = np.abs(rng.normal(0, 0.098 / stats.norm.ppf(0.975), size))
    weight = np.ones(size)
    for day, low, high in ((FEB, 6650, 6750), (AUG, 13_000, 14_000)):
        count = rate * np.maximum(day - lag - start, 0)
        with np.errstate(divide="ignore"):
            ends = [(math.log(end) - np.log(count) - bias) / scatter for end in (low, high)]
        weight *= np.where(count > 0, stats.norm.cdf(ends[1]) - stats.norm.cdf(ends[0]), 0)
    feb, aug = rate * (FEB - start), rate * (AUG - start)
    stated = aug * lognormal(rng, 430, 480, size)
    return weight, {
        "first_shipment": start,
        "daily_rate": rate,
        "reporting_lag": lag,
        "report_scatter": scatter,
        "issuer_bias": bias,
        "containers_feb": feb,
        "containers_aug": aug,
        "stated_aug": stated,
        "twofold": aug >= 2 * feb,
        "over_13000": aug >= 13_000,
        "six_million_stated": stated >= 6e6,
        "since_mid_2022": start <= 242.0,
    }


def weighted_median(weight, values):
    order = np.argsort(values)
    total = np.cumsum(weight[order])
    return values[order][np.searchsorted(total, total[-1] / 2)]


@pytest.fixture(scope="module")
def oracle():
    """Evidence, medians and probabilities with their errors from the spread of independent batches."""
    rng = np.random.default_rng(20_240_827)
    evidence, rows = [], []
    for _ in range(BATCHES):
        weight, values = prior_draws(rng, DRAWS)
        evidence.append(weight.mean())
        rows.append(
            {
                name: float((weight * v).sum() / weight.sum())
                if v.dtype == bool
                else weighted_median(weight, v)
                for name, v in values.items()
            }
        )
    spread = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    found = {name: (v.mean(), v.std(ddof=1) / math.sqrt(BATCHES)) for name, v in spread.items()}
    mean = np.mean(evidence)
    return found | {"evidence": (math.log(mean), np.std(evidence, ddof=1) / mean / math.sqrt(BATCHES))}


def test_the_evidence_is_that_of_prior_sampling(flagship_fit, oracle):
    (value, error), (truth, noise) = flagship_fit.log_evidence, oracle["evidence"]
    assert_within(value, truth, math.hypot(error, noise), multiples=3)


def test_the_evidence_is_that_of_the_stored_oracle(flagship_fit):
    cell = CELLS[0]
    assert (cell["model"], cell["variant"]) == ("steady", None)
    truth, (value, error) = cell["log_evidence"], flagship_fit.log_evidence
    assert_within(value, truth["value"], math.hypot(error, truth["mcse"]), multiples=3)
    assert error <= 0.05


@pytest.mark.parametrize(
    ("name", "at", "column"),
    [
        *((name, None, name) for name in FITTED),
        ("containers", "feb_2024", "containers_feb"),
        ("containers", "aug_2024", "containers_aug"),
        ("shells_stated", "aug_2024", "stated_aug"),
    ],
)
def test_medians_are_those_of_prior_sampling(flagship_fit, oracle, name, at, column):
    values, (truth, noise) = draws_of(flagship_fit, name, at), oracle[column]
    assert_within(np.median(values), truth, math.hypot(median_error(flagship_fit, values), noise))


@pytest.mark.parametrize("claim", ["twofold", "over_13000", "six_million_stated", "since_mid_2022"])
def test_probabilities_of_claims_are_those_of_prior_sampling(flagship_fit, oracle, claim):
    (value, error), (truth, noise) = flagship_fit.probability(claim), oracle[claim]
    assert_within(value, truth, math.hypot(error, noise))


@pytest.mark.parametrize("name", ["shells_152", "shells_122", "shells", "shells_stated", "tonnage"])
def test_quantiles_of_every_quantity_are_those_of_the_stored_oracle(flagship_fit, name):
    values, stored = draws_of(flagship_fit, name, "aug_2024"), CELLS[0]["quantities"][name]
    for p, key in ((0.055, "q055"), (0.5, "median"), (0.945, "q945")):
        half = math.sqrt(p * (1 - p) / effective(flagship_fit))
        low, found, high = np.quantile(values, [p - half, p, p + half])
        truth, noise = stored[key]
        assert_within(found, truth, math.hypot((high - low) / 2, noise))


# ---- the other engine -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def nuts_fit():
    return est.infer(STUDY, "steady", seed=1, engine="nuts")


def test_nuts_agrees_on_every_quantity(flagship_fit, nuts_fit):
    rows, others = flagship_fit.quantities(), nuts_fit.quantities()
    assert [(r["name"], r["at"]) for r in rows] == [(r["name"], r["at"]) for r in others]
    for row, other in zip(rows, others, strict=True):
        assert_within(row["median"], other["median"], math.hypot(row["mcse_median"], other["mcse_median"]))


def test_nuts_agrees_on_every_claim(flagship_fit, nuts_fit):
    for claim in STUDY.claims:
        (value, error), (other, noise) = flagship_fit.probability(claim), nuts_fit.probability(claim)
        assert_within(value, other, math.hypot(error, noise))


def test_nuts_is_not_called_bad_here_and_has_no_evidence(nuts_fit):
    assert nuts_fit.trust.verdict != "bad"
    assert nuts_fit.trust.r_hat < 1.01
    assert nuts_fit.trust.ess > 400
    assert nuts_fit.log_evidence is None
    assert nuts_fit.document()["log_evidence"] is None


# ---- choosing an engine ---------------------------------------------------------------------------------


def test_auto_takes_importance_sampling_where_it_is_good_and_says_so(flagship_fit):
    assert flagship_fit.conditions.engine == "importance"
    assert flagship_fit.trust.verdict == "good"
    assert "importance sampling is good here (k-hat 0." in flagship_fit.conditions.engine_reason


@pytest.fixture
def quick_nuts(monkeypatch):
    """In place of the sampler, which takes its time to compile: normal draws."""

    def sample(model, names, *, seed, **options):
        rng = np.random.default_rng(seed)
        shapes = {name: model[name].type.shape for name in names}
        draws = {name: rng.normal(size=(nuts.CHAINS, nuts.DRAWS, *shape)) for name, shape in shapes.items()}
        return nuts.Chains(draws, 1.001, 5000.0, 0)

    monkeypatch.setattr(nuts, "sample", sample)


def test_auto_takes_nuts_beyond_a_dozen_unknowns_and_says_so(quick_nuts):
    with pm.Model() as model:
        x = pm.Normal("x", 0.0, 1.0, shape=13)
        pm.Normal("y", x, 1.0, observed=np.zeros(13))
    tree = est.sample(model, seed=1)
    assert tree.attrs["engine"] == "nuts"
    assert "13 fitted unknowns" in tree.attrs["engine_reason"]


def test_auto_takes_nuts_where_importance_sampling_is_not_good_and_says_so(quick_nuts, monkeypatch):
    monkeypatch.setattr(fitting.trust, "LIMIT_ESS", 1e9)
    with pm.Model() as model:
        x = pm.Normal("x", 0.0, 1.0)
        pm.Normal("y", x, 1.0, observed=0.5)
    tree = est.sample(model, seed=1)
    assert tree.attrs["engine"] == "nuts"
    assert "importance sampling was not good here (k-hat " in tree.attrs["engine_reason"]
    assert "log_evidence" not in tree.attrs


def test_an_engine_asked_for_is_the_engine_used(quick_nuts):
    with pm.Model() as model:
        x = pm.Normal("x", 0.0, 1.0)
        pm.Normal("y", x, 1.0, observed=0.5)
    for engine in ("importance", "nuts"):
        assert est.sample(model, seed=1, engine=engine).attrs["engine"] == engine
        assert est.sample(model, seed=1, engine=engine).attrs["engine_reason"] == "asked for"


@pytest.mark.parametrize("engine", ["importance", "nuts"])
def test_without_replicated_data_the_posterior_is_the_same(quick_nuts, engine):
    with pm.Model() as model:
        x = pm.Normal("x", 0.0, 1.0)
        free = pm.Normal("free", x, 1.0)
        pm.Deterministic("sum", x + free)
        pm.Normal("y", x, 1.0, observed=[0.5, 1.5])
    whole = est.sample(model, seed=1, engine=engine)
    bare = est.sample(model, seed=1, engine=engine, predictive=False)
    assert set(whole.children) - set(bare.children) == {
        *("posterior_predictive", "prior", "prior_predictive", "log_likelihood")
    }
    assert set(bare["posterior"].data_vars) == {"x", "free", "sum"}
    xr.testing.assert_identical(bare["posterior"].to_dataset(), whole["posterior"].to_dataset())
    xr.testing.assert_allclose(
        bare["sample_stats"].to_dataset(), whole["sample_stats"].to_dataset(), rtol=1e-12
    )
    assert bare.attrs == whole.attrs


def test_without_replicated_data_a_model_of_nothing_but_unknowns_is_drawn():
    with pm.Model() as model:
        pm.Normal("x", 0.0, 1.0)
        pm.Potential("low", -5.0 * model["x"])
    assert set(est.sample(model, seed=1, predictive=False)["posterior"].data_vars) == {"x"}


def test_an_unknown_engine_is_refused_with_the_nearest():
    with pytest.raises(EngineError, match="unknown engine 'nut'.*[\n].*Did you mean 'nuts'"):
        est.infer(STUDY, "steady", engine="nut")


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, True, None, "1"])
def test_a_seed_that_is_no_whole_number_is_refused(seed):
    with pytest.raises(QuestionError, match="the seed"):
        est.infer(STUDY, "steady", seed=seed)


def test_a_start_after_both_reports_is_an_error_not_a_result():
    late = {"family": "uniform", "lower": dt.date(2024, 9, 1), "upper": dt.date(2024, 12, 31)}
    with pytest.raises(EngineError, match="contradict the reports"):
        est.infer(STUDY.assuming(first_shipment=late), "steady", engine="importance")


def test_what_neither_engine_can_start_on_is_an_error_not_a_result():
    with pm.Model() as model:
        x = pm.Uniform("x", 0.0, 1.0)
        pm.Potential("beyond", pm.math.switch(x > 2.0, 0.0, -np.inf))
    with pytest.raises(EngineError, match="no draw from the prior could have given the reports"):
        est.sample(model, seed=1)


def test_a_study_that_lacks_an_assumption_is_told_what_to_paste():
    with pytest.raises(StudyError, match=r"no assumption 'daily_rate'[\s\S]*\[assumption.daily_rate\]"):
        est.infer(read_text(OIL), "steady")


def test_progress_never_runs_backwards():
    told = []
    with pm.Model() as model:
        x = pm.Normal("x", 0.0, 1.0)
        pm.Normal("y", x, 1.0, observed=0.5)
    est.sample(model, seed=1, progress=lambda share, words: told.append((share, words)))
    shares = [share for share, _ in told]
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] <= 1
    assert all(words for _, words in told)


# ---- conditions that must matter ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def with_june():
    """The same seed, and one more day to keep."""
    return est.infer(STUDY, "steady", seed=1, at=["2024-06-04"])


def test_the_same_seed_gives_the_same_numbers_whatever_days_are_kept(flagship_fit, with_june):
    assert with_june.document() == flagship_fit.document()


def test_another_seed_gives_other_numbers(flagship_fit):
    other = est.infer(STUDY, "steady", seed=2)
    assert not np.any(np.isin(draws_of(other, "daily_rate"), draws_of(flagship_fit, "daily_rate")))
    assert not np.any(np.isin(draws_of(other, "payload"), draws_of(flagship_fit, "payload")))


def test_days_asked_for_are_kept(with_june):
    june = draws_of(with_june, "containers", "2024-06-04")
    rate, start = draws_of(with_june, "daily_rate"), draws_of(with_june, "first_shipment")
    np.testing.assert_allclose(june, rate * np.maximum(885 - start, 0), rtol=1e-9)


def test_days_not_asked_for_are_refused_with_what_to_ask(flagship_fit):
    with pytest.raises(QuestionError, match=r"no draws were kept for 2024-06-04[\s\S]*at=\['2024-06-04'\]"):
        flagship_fit.quantity("containers", "2024-06-04")


def moved(days):
    document = json.loads(json.dumps(STUDY.document()))
    later = dt.date(2024, 8, 27) + dt.timedelta(days=days)
    document["report"] = [
        report | {"published": str(later)} if report["id"].startswith("aug") else report
        for report in document["report"]
    ]
    return restore(json.dumps(document))


def test_moving_one_report_by_a_month_slows_the_pace(flagship_fit):
    later = est.infer(moved(30), "steady", seed=1)
    before, after = draws_of(flagship_fit, "daily_rate"), draws_of(later, "daily_rate")
    error = math.hypot(median_error(flagship_fit, before), median_error(later, after))
    assert np.median(before) - np.median(after) > 10 * error
    # The same rise, at a level and a start that are hardly known, over 213 days for 183.
    assert np.median(after) / np.median(before) == pytest.approx(183 / 213, rel=0.05)


def test_a_variant_keeps_to_its_window_and_has_its_own_evidence():
    fit = est.infer(STUDY.variant("mid_2022"), "steady", seed=1, engine="importance")
    cell = next(c for c in CELLS if (c["model"], c["variant"]) == ("steady", "mid_2022"))
    start = draws_of(fit, "first_shipment")
    assert start.min() >= EARLIEST
    assert start.max() <= 242.0
    assert fit.document()["variant"] == "mid_2022"
    (value, error), truth = fit.log_evidence, cell["log_evidence"]
    assert_within(value, truth["value"], math.hypot(error, truth["mcse"]), multiples=3)
    for name in FITTED:
        values, (median, noise) = draws_of(fit, name), cell["quantities"][name]["median"]
        assert_within(np.median(values), median, math.hypot(median_error(fit, values), noise))


@pytest.mark.parametrize(
    ("reports", "points", "pareto_k"), [(2, 4096, 0.5), (256, 2048, 0.7), (9999, 1024, 0.7)]
)
def test_where_each_point_is_held_against_many_reports_fewer_are_drawn(
    monkeypatch, reports, points, pareto_k
):
    asked = {}
    monkeypatch.setattr(
        fitting.importance, "sample", lambda *args, effort, **others: asked.update(effort=effort)
    )
    density = SimpleNamespace(width=reports, evaluate=None, values=None)
    fitting.sample_importance(SimpleNamespace(density=density), seed=1)
    effort = asked["effort"]
    assert (effort.points, effort.pareto_k, effort.clear.pareto_k) == (points, pareto_k, pareto_k)


def test_a_narrow_hill_with_a_hundredth_of_the_posterior_is_found():
    """A lag of four deviations of its prior explains both reports, and then their scatter is small."""
    study, seeds = STUDY.variant("mid_2022"), range(1, 9)
    fits = [est.infer(study, "steady", seed=seed, engine="importance") for seed in seeds]
    value, error = np.mean([fit.log_evidence for fit in fits], axis=0)
    cell = next(c for c in CELLS if (c["model"], c["variant"]) == ("steady", "mid_2022"))
    truth = cell["log_evidence"]
    assert_within(value, truth["value"], math.hypot(error / math.sqrt(len(seeds)), truth["mcse"]))


# ---- the groups of draws --------------------------------------------------------------------------------


def test_every_group_is_there_in_the_same_draws(flagship_fit):
    groups = set(flagship_fit.data.children)
    drawn = {"posterior", "posterior_predictive", "log_likelihood", "sample_stats"}
    assert groups >= drawn | {"prior", "prior_predictive", "observed_data"}
    shapes = {(flagship_fit.data[g].sizes["chain"], flagship_fit.data[g].sizes["draw"]) for g in drawn}
    assert len(shapes) == 1


@pytest.mark.parametrize("name", FORWARD)
def test_what_no_report_measures_keeps_its_prior(flagship_fit, name):
    cdf = STUDY.distribution(name).cumulative
    for group in ("posterior", "prior"):
        assert stats.kstest(draws_of(flagship_fit, name, group=group), cdf).pvalue > 1e-4


@pytest.mark.parametrize("name", [*FITTED, *FORWARD])
def test_quantiles_of_the_prior_are_those_stated(flagship_fit, name):
    draws, probabilities = draws_of(flagship_fit, name, group="prior"), np.array([0.05, 0.5, 0.95])
    below = (draws[:, None] <= STUDY.distribution(name).quantile(probabilities)).mean(axis=0)
    assert_within(below, probabilities, share_error(probabilities, draws.size))


@pytest.mark.parametrize("group", ["prior_predictive", "posterior_predictive"])
def test_predicted_reports_are_printed_on_their_grids(flagship_fit, group):
    reports = flagship_fit.data[group]["reports"]
    feb, aug = (reports.sel(report=name).values for name in ("feb_2024", "aug_2024"))
    np.testing.assert_array_equal(feb, 100 * np.round(feb / 100))
    np.testing.assert_array_equal(aug, 1000 * np.round(aug / 1000))
    assert np.any(feb % 1000 != 0)


def test_predicted_reports_scatter_about_what_was_reported(flagship_fit):
    reports = flagship_fit.data["posterior_predictive"]["reports"]
    for name, low, high in (("feb_2024", 6700, 6700), ("aug_2024", 13_000, 13_000)):
        lower, upper = np.quantile(reports.sel(report=name), [0.055, 0.945])
        assert lower <= low <= high <= upper
        assert lower < upper


def scipy_log_likelihood(fit):
    start, rate, lag, bias, scatter = (draws_of(fit, name) for name in FITTED)
    columns = []
    for day, low, high in ((FEB, 6650, 6750), (AUG, 13_000, 14_000)):
        centre = np.log(rate * (day - lag - start)) + bias
        below, above = (math.log(low) - centre) / scatter, (math.log(high) - centre) / scatter
        flip = below + above > 0
        below, above = np.where(flip, -above, below), np.where(flip, -below, above)
        both = np.stack([special.log_ndtr(above), special.log_ndtr(below)])
        columns.append(special.logsumexp(both, axis=0, b=np.array([[1.0], [-1.0]])))
    return np.stack(columns, axis=1)


def test_the_log_likelihood_is_that_of_scipy_report_by_report(flagship_fit):
    found = flagship_fit.data["log_likelihood"]["reports"].values.reshape(-1, 2)
    exact = scipy_log_likelihood(flagship_fit)
    # SciPy's difference of two logarithms loses what the widths of the intervals in scatters leave.
    np.testing.assert_allclose(np.exp(found), np.exp(exact), rtol=1e-6)


def test_the_log_density_of_a_draw_is_its_prior_and_its_likelihood(flagship_fit):
    stats_of = flagship_fit.data["sample_stats"]
    both = stats_of["log_prior"] + stats_of["log_likelihood"]
    np.testing.assert_allclose(stats_of["lp"], both, rtol=1e-12)
    pointwise = flagship_fit.data["log_likelihood"]["reports"].sum("report")
    # The draws went to the space of the user and back, which costs the narrowest intervals a few digits.
    np.testing.assert_allclose(stats_of["log_likelihood"], pointwise, rtol=1e-9)
    np.testing.assert_allclose(stats_of["lp"], stats_of["log_prior"] + pointwise, rtol=1e-9)


def test_what_was_observed_is_kept(flagship_fit):
    observed = flagship_fit.data["observed_data"]["reports"]
    assert observed.sel(report="feb_2024") == 6700
    assert observed.sel(report="aug_2024") == 13_000


def test_units_stand_beside_the_draws(flagship_fit):
    posterior = flagship_fit.data["posterior"]
    assert posterior["containers"].attrs["units"] == "container"
    assert posterior["daily_rate"].attrs["units"] == "container/day"
    assert posterior["shells_152"].attrs["units"] == "round"
