"""An estimate answers what has an answer, refuses what has none, and is kept whole in a file."""

import datetime as dt
import json
import math

import numpy as np
import pytest
import xarray as xr
from drawn import drawn
from montecarlo import assert_within
from scipy import stats
from small import OIL, changed
from test_terms import PRIORS

import estimates as est
from estimates.errors import OutputError, QuestionError
from estimates.estimate import Conditions, Estimate, Measured
from estimates.study import read, read_text, restore
from estimates.trust import of_chains, of_importance

STUDY = read()
SHOWN = drawn(STUDY)
UNBIASED = (
    OIL
    + '\n[assumption.daily_rate]\nunit = "voyage/day"\nprior = { family = "lognormal", q05 = 1, q95 = 3 }\nbasis = "."\n'
)


def of(study, values, *, engine="importance", trust=None):
    """An estimate whose carriers are the given draws (chain, draw) on every day."""
    values = np.asarray(values, dtype=float)
    days = np.array(study.days, dtype="datetime64[ns]")
    carriers = np.repeat(values[..., None], len(days), axis=2)
    names = list(study.assumptions)
    flat = {
        name: (("chain", "draw"), np.full(values.shape, study.distribution(name).quantile(0.5)))
        for name in names
    }
    dataset = xr.Dataset(
        flat | {study.carriers.name: (("chain", "draw", "day"), carriers)},
        coords={"chain": np.arange(len(values)), "draw": np.arange(values.shape[1]), "day": days},
    )
    dataset.attrs["unknowns"] = ",".join(names)
    conditions = Conditions(
        "m", "d", engine, "asked for", 1, {}, None, trust or of_importance(0.1, 1e9, 0.01)
    )
    return Estimate(study, xr.DataTree.from_dict({"posterior": dataset, "prior": dataset}), conditions)


# ---- questions ------------------------------------------------------------------------------------------


def test_a_quantity_follows_its_formula_draw_by_draw():
    found = SHOWN.quantity("shells_152", at="aug_2024")
    boxes, share, other, payload, mass = (
        SHOWN.quantity(name, at).values
        for name, at in [
            ("containers", "aug_2024"),
            ("shell_share", None),
            ("share_122", None),
            ("payload", None),
            ("packed_mass_152", None),
        ]
    )
    np.testing.assert_allclose(found, boxes * share * (1 - other) * payload * 1000 / mass, rtol=1e-9)
    assert found.attrs["units"] == "round"
    assert found.dims == ("chain", "draw")


@pytest.mark.parametrize("at", ["aug_2024", "2024-08-27", dt.date(2024, 8, 27)])
def test_a_day_is_named_by_report_or_by_date(at):
    np.testing.assert_array_equal(SHOWN.quantity("containers", at), SHOWN.quantity("containers", "aug_2024"))


def test_the_draws_of_the_model_and_of_the_question_are_the_same(flagship_fit):
    stored = flagship_fit.data["posterior"]["shells_152"].sel(report="aug_2024")
    np.testing.assert_allclose(flagship_fit.quantity("shells_152", "aug_2024"), stored, rtol=1e-9)


def test_a_date_is_days_since_the_epoch():
    assert SHOWN.quantity("first_shipment").attrs["units"] == "days since 2022-01-01"


@pytest.mark.parametrize(
    ("ask", "complaint"),
    [
        (lambda e: e.quantity("shells_15"), r"unknown quantity 'shells_15'[\s\S]*Did you mean 'shells_152'"),
        (lambda e: e.quantity("shells_152"), r"changes from day to day[\s\S]*at="),
        (lambda e: e.quantity("payload", at="aug_2024"), r"the same on every day[\s\S]*Leave out at"),
        (
            lambda e: e.quantity("containers", at="agu_2024"),
            r"unknown report 'agu_2024'[\s\S]*Did you mean 'aug_2024'",
        ),
        (lambda e: e.quantity("containers", at="2021-05-05"), r"2021-05-05 is outside the study"),
        (
            lambda e: e.quantity("containers", at="2024-06-04"),
            r"no draws were kept for 2024-06-04[\s\S]*at=\[",
        ),
        (lambda e: e.probability("shells_152"), r"unknown claim 'shells_152'[\s\S]*draws, not a probability"),
        (lambda e: e.probability("two_fold"), r"unknown claim 'two_fold'[\s\S]*Did you mean 'twofold'"),
        (lambda e: e.quantity("later_rate"), r"later_rate is no part of the model 'steady'"),
        (float, r"a distribution, not a number[\s\S]*\.median\(\)"),
    ],
)
def test_what_has_no_answer_is_refused_with_what_to_ask(ask, complaint):
    with pytest.raises(QuestionError, match=complaint):
        ask(SHOWN)


def test_a_fixed_assumption_can_be_asked_for_like_any_other():
    fixed = est.infer(read_text(FULL).assuming(cargo=4e5), "steady", engine="importance")
    assert np.all(fixed.quantity("cargo") == 4e5)
    voyages = fixed.quantity("voyages", "spring")
    np.testing.assert_allclose(fixed.quantity("oil", "spring"), 4e5 * voyages, rtol=1e-12)


def test_an_unknown_that_only_the_model_knows_can_be_asked_for(tmp_path):
    study = read_text(FULL.replace('id = "spring"', 'id = "spring"\nas_of = [2024-02-10, 2024-02-20]'))
    fit = est.infer(study, "steady", engine="importance")
    place = fit.quantity("as_of_place")
    assert place.attrs["units"] == "dimensionless"
    assert place.shape == (*fit.data["posterior"]["daily_rate"].shape, 1)
    assert "as_of_place[spring]" in [row["name"] for row in fit.parameter_rows()]
    assert est.load(fit.save(tmp_path / "one.nc")).document() == fit.document()


@pytest.mark.parametrize("claim", STUDY.claims)
def test_the_probability_of_a_claim_is_the_share_of_draws_in_which_it_holds(claim):
    feb, aug = (
        {n: SHOWN.quantity(n, at) for n in ("containers", "shells_152", "shells", "shells_stated")}
        for at in ("feb_2024", "aug_2024")
    )
    holds = {
        "six_million": aug["shells_152"] >= 6e6,
        "six_million_all_calibres": aug["shells"] >= 6e6,
        "six_million_stated": aug["shells_stated"] >= 6e6,
        "three_million": feb["shells_152"] >= 3e6,
        "three_million_all_calibres": feb["shells"] >= 3e6,
        "three_million_stated": feb["shells_stated"] >= 3e6,
        "twofold": aug["containers"] / feb["containers"] >= 2,
        "over_13000": aug["containers"] >= 13_000,
        "since_mid_2022": SHOWN.quantity("first_shipment") <= 242,
    }[claim]
    assert SHOWN.probability(claim).value == float(holds.mean())


def test_a_measured_number_is_a_number_with_its_error():
    measured = SHOWN.probability("twofold")
    assert float(measured) == measured.value
    assert tuple(measured) == (measured.value, measured.mcse)


# ---- Monte Carlo errors ---------------------------------------------------------------------------------

SMALL = read_text(OIL)


def spread_and_error(estimates, number):
    rows = [number(one) for one in estimates]
    values, errors = np.array(rows).T
    return values.std(ddof=1), math.sqrt(np.mean(errors**2)), len(rows)


def median_of(one):
    row = one.quantities()[0]
    return row["median"], row["mcse_median"]


def test_the_error_of_a_median_is_how_far_medians_scatter():
    rng = np.random.default_rng(1)
    estimates = [of(SMALL, rng.lognormal(5, 0.5, size=(2, 250))) for _ in range(150)]
    scatter, error, count = spread_and_error(estimates, median_of)
    assert_within(error, scatter, scatter / math.sqrt(2 * count))


def test_the_error_of_a_probability_is_how_far_probabilities_scatter():
    rng = np.random.default_rng(2)
    study = read_text(changed("voyages[autumn] / voyages[spring] >= 2", "voyages[autumn] >= 180"))
    estimates = [of(study, rng.lognormal(5, 0.5, size=(2, 250))) for _ in range(150)]
    scatter, error, count = spread_and_error(estimates, lambda one: one.probability("doubled"))
    assert_within(error, scatter, scatter / math.sqrt(2 * count))


def walk(rng, memory, shape):
    steps = rng.normal(size=shape)
    for i in range(1, shape[1]):
        steps[:, i] = memory * steps[:, i - 1] + math.sqrt(1 - memory**2) * steps[:, i]
    return np.exp(5 + 0.5 * steps)


def test_the_error_of_chains_knows_that_draws_hang_together():
    rng = np.random.default_rng(3)
    trust = of_chains(1.0, 500.0, 0, 2000)
    estimates = [of(SMALL, walk(rng, 0.7, (4, 500)), engine="nuts", trust=trust) for _ in range(80)]
    scatter, error, count = spread_and_error(estimates, median_of)
    assert_within(error, scatter, scatter / math.sqrt(2 * count))


def test_few_effective_weights_are_a_larger_error():
    rng = np.random.default_rng(4)
    ratios = []
    for _ in range(30):
        values = rng.lognormal(5, 0.5, size=(2, 500))
        many, few = (
            median_of(of(SMALL, values, trust=of_importance(0.1, ess, 0.01)))[1] for ess in (1e9, 50.0)
        )
        ratios.append(few / many)
    assert_within(
        np.median(ratios), math.sqrt(1000 * (1 / 1000 + 1 / 50)), np.std(ratios) / math.sqrt(30) * 1.25
    )


def test_a_claim_that_holds_in_every_draw_is_not_known_to_the_last_digit():
    study = read_text(changed("voyages[autumn] / voyages[spring] >= 2", "voyages[autumn] >= 1"))
    probability = of(study, np.full((2, 250), 100.0)).probability("doubled")
    assert probability.value == 1.0
    assert probability.mcse >= 0.0


# ---- tables ---------------------------------------------------------------------------------------------


def test_the_summary_holds_every_quantity_at_every_fitted_report():
    table = SHOWN.summary()
    names = ["containers", *STUDY.quantities]
    assert list(table.index) == [(name, at) for name in names for at in ("feb_2024", "aug_2024")]
    row, draws = table.loc[("tonnage", "aug_2024")], SHOWN.quantity("tonnage", "aug_2024")
    assert row["unit"] == "tonne"
    assert row["median"] == float(draws.median())
    assert (row["lower"], row["upper"]) == tuple(np.quantile(draws, [0.055, 0.945]))


def test_bands_on_one_day_and_on_every_day_agree():
    every, one = SHOWN.bands("shells"), SHOWN.bands("shells", "aug_2024")
    np.testing.assert_allclose(every.sel(day="2024-08-27"), one, rtol=1e-12)
    assert every.sizes["day"] == len(STUDY.days)
    np.testing.assert_allclose(
        one, np.quantile(SHOWN.quantity("shells", "aug_2024"), one["quantile"]), rtol=1e-12
    )


def test_the_trend_is_the_pace_and_the_ratio_between_two_reports():
    (row,) = SHOWN.trend()
    feb, aug = (SHOWN.quantity("containers", at) for at in ("feb_2024", "aug_2024"))
    assert (row["from"], row["to"]) == ("feb_2024", "aug_2024")
    assert row["per_day"]["median"] == pytest.approx(float(np.median((aug - feb) / 183)), rel=1e-12)
    assert row["per_day"]["unit"] == "container/day"
    assert row["ratio"]["upper"] == pytest.approx(float(np.quantile(aug / feb, 0.945)), rel=1e-12)


def kept_from_the_fit(errors):
    """The flagship with its August count held out, and a count of its issuer in November made up."""
    document = STUDY.document() | {"errors": errors}
    (august,) = [report for report in STUDY.reports if report.id == "aug_2024"]
    november = august.model_copy(update={"id": "november", "published": dt.date(2024, 11, 20)})
    return restore(json.dumps(document)).holding_out("aug_2024").predicting(november)


@pytest.mark.parametrize("errors", ["count", "increment"])
@pytest.mark.parametrize("report", ["aug_2024", "early_aug_2024", "november"])
def test_a_report_kept_from_the_fit_is_predicted_by_level_and_bias_of_each_draw(predictions, errors, report):
    """Seen = before + (what was shipped since) exp(bias + scatter e), with what was seen by February."""
    fit = predictions[errors]
    study, draws = fit.study, fit.data["posterior"].to_dataset()
    start, rate, lag, bias, scatter = (
        draws[name].values.ravel()
        for name in ("first_shipment", "daily_rate", "reporting_lag", "issuer_bias", "report_scatter")
    )

    def shipped(name):
        (one,) = [one for one in (*study.reports, *study.made_up) if one.id == name]
        day = study.day_number(one.as_of[0]) if one.as_of else study.day_number(one.published) - lag
        return rate * np.maximum(day - start, 0.0)

    before, level = np.zeros(len(rate)), shipped(report)
    if errors == "increment":
        place = draws["seen_place"].values.ravel()
        february = shipped("feb_2024")
        ends = (np.log([[6650.0], [6750.0]]) - np.log(february) - bias) / scatter
        level = level - february
        before = february * np.exp(bias + scatter * stats.truncnorm(*ends).ppf(place))
    found = fit.predicted(report)
    np.testing.assert_allclose(found.centre, np.log(level) + bias, rtol=1e-9)
    # Where February lies beyond 37 deviations, all of it is taken to be seen at the nearer end.
    near = np.ones(len(rate), dtype=bool) if errors == "count" else np.abs(ends).min(axis=0) < 36
    assert near.mean() > 0.99
    np.testing.assert_allclose(found.before[near], before[near], rtol=1e-8)
    np.testing.assert_array_equal(found.scatter, scatter)


@pytest.fixture(scope="module")
def predictions():
    return {
        errors: est.infer(kept_from_the_fit(errors), "steady", seed=1) for errors in ("count", "increment")
    }


def test_what_was_predicted_is_kept_in_the_file(predictions, tmp_path):
    fit = predictions["increment"]
    again = est.load(fit.save(tmp_path / "estimate.nc"))
    assert again.study == fit.study
    assert [report.id for report in again.study.predicted][-1] == "november"
    np.testing.assert_array_equal(again.predicted("november").centre, fit.predicted("november").centre)


def test_only_a_report_that_was_not_fitted_is_predicted(predictions):
    with pytest.raises(QuestionError, match="'feb_2024' was not predicted"):
        predictions["count"].predicted("feb_2024")


def test_unknown_days_are_printed_as_dates():
    row = next(row for row in SHOWN.parameter_rows() if row["name"] == "first_shipment")
    day = STUDY.epoch + dt.timedelta(days=round(float(SHOWN.quantity("first_shipment").median())))
    assert row["median"] == str(day)
    assert row["unit"] == "date"


def test_the_document_is_json_of_the_contract(flagship_fit):
    document = json.loads(json.dumps(flagship_fit.document(), allow_nan=False))
    assert list(document) == [
        *("schema", "study", "fingerprint", "data_digest", "model", "model_digest", "variant", "engine"),
        *("engine_reason", "seed", "versions", "interval", "log_evidence", "trust", "sources", "quantities"),
        *("trend", "parameters", "claims"),
    ]
    assert document["interval"] == {"kind": "eti", "prob": 0.89}
    assert {row["id"] for row in document["claims"]} == set(STUDY.claims)


def test_an_estimate_says_what_it_is():
    assert repr(SHOWN) == "<Estimate of dprk-shells-2024 by steady, importance, seed 7, good>"
    assert "read as mid_2022" in repr(drawn(STUDY.variant("mid_2022")))


# ---- files ----------------------------------------------------------------------------------------------


def test_an_estimate_comes_back_as_it_was_saved(flagship_fit, tmp_path):
    again = est.load(flagship_fit.save(tmp_path / "new" / "estimate.nc"))
    assert again.document() == flagship_fit.document()
    assert again.conditions == flagship_fit.conditions
    assert again.study == flagship_fit.study
    assert set(again.data.children) == set(flagship_fit.data.children)
    for group in flagship_fit.data.children:
        xr.testing.assert_equal(again.data[group].to_dataset(), flagship_fit.data[group].to_dataset())


def test_saving_leaves_the_estimate_as_it_was(tmp_path):
    before = dict(SHOWN.data.attrs)
    SHOWN.save(tmp_path / "one.nc")
    assert SHOWN.data.attrs == before


def test_a_variant_comes_back_as_that_variant(tmp_path):
    one = drawn(STUDY.variant("mid_2022").asking("2024-06-04"))
    again = est.load(one.save(tmp_path / "one.nc"))
    assert again.study.variant_name == "mid_2022"
    assert again.study.fingerprint == STUDY.fingerprint
    assert again.document() == one.document()
    np.testing.assert_array_equal(
        again.quantity("containers", "2024-06-04"), one.quantity("containers", "2024-06-04")
    )


FULL = UNBIASED + "".join(
    f'\n[assumption.{name}]\nunit = "{unit}"\nprior = {{ {prior} }}\nbasis = "."\n'
    for name, unit, prior in [
        ("reporting_lag", "day", 'family = "lognormal", q05 = 1, q95 = 30'),
        ("issuer_bias", "dimensionless", 'family = "normal", q05 = -0.3, q95 = 0.3'),
        ("report_scatter", "dimensionless", 'family = "halfnormal", q95 = 0.1'),
    ]
)


def test_names_in_any_script_are_kept(tmp_path):
    text = FULL.replace("assumption.cargo", 'assumption."größe"').replace("* cargo", "* größe")
    text = text.replace("spring", "весна").replace('"port"', '"港"')
    one = drawn(read_text(text.replace("Oil carried", "石油 carried")))
    again = est.load(one.save(tmp_path / "оценка.nc"))
    assert again.document() == one.document()
    assert again.quantity("größe").attrs["units"] == "barrel/voyage"
    assert again.study.title == one.study.title


def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = SHOWN.save(tmp_path / "estimate.nc")
    before = path.read_bytes()

    def half_written(tree, target, **options):
        with open(target, "wb") as file:
            file.write(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(xr.DataTree, "to_netcdf", half_written)
    with pytest.raises(OutputError, match="cannot be written: no space left"):
        SHOWN.save(path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["estimate.nc"]


def test_a_folder_that_cannot_be_made_is_an_error_that_names_it(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="cannot be written"):
        SHOWN.save(tmp_path / "file" / "estimate.nc")


@pytest.mark.parametrize("content", [None, b"", b"not netCDF at all", b"\x89HDF\r\n\x1a\n broken"])
def test_what_is_no_estimate_is_refused(tmp_path, content):
    path = tmp_path / "estimate.nc"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(OutputError, match=r"estimate.nc: (no such file|is no estimate)"):
        est.load(path)


def test_netcdf_of_something_else_is_refused(tmp_path):
    path = tmp_path / "other.nc"
    xr.Dataset({"x": ("i", [1.0, 2.0])}).to_netcdf(path)
    with pytest.raises(OutputError, match="is no estimate"):
        est.load(path)


def test_an_estimate_without_evidence_comes_back_without(tmp_path):
    one = of(SMALL, np.full((2, 50), 100.0), engine="nuts", trust=of_chains(math.nan, 500.0, 0, 100))
    again = est.load(one.save(tmp_path / "one.nc"))
    assert again.log_evidence is None
    assert again.trust == one.trust
    assert SHOWN.log_evidence == Measured(-8.3456, 0.0042)


def test_a_claim_on_what_there_is_one_of_for_each_issuer_is_refused():
    study = read_text(
        OIL + PRIORS + '\n[claim.unbiased]\nsays = "nobody exaggerates"\nstatement = "issuer_bias <= 0.05"\n'
    )
    shown = drawn(study)
    posterior = shown.data["posterior"].to_dataset()
    posterior["issuer_bias"] = posterior["issuer_bias"].expand_dims(voice=["a", "b"], axis=2)
    data = shown.data.copy()
    data["posterior"] = posterior
    estimate = Estimate(study, data, shown.conditions)
    with pytest.raises(
        QuestionError, match="the claim 'unbiased' speaks of what there is one of for each voice"
    ):
        estimate.probability("unbiased")
    assert next(row for row in estimate.claim_rows() if row["id"] == "unbiased")["probability"] is None
