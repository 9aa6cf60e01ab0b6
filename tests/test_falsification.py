"""What overturns a claim: against closed forms, a brute-force scan, and fits of the values that are printed."""

import dataclasses
import datetime as dt
import itertools
import json
import math

import numpy as np
import pytest
from command import estimates
from drawn import drawn
from hypothesis import given, settings
from hypothesis import strategies as st
from montecarlo import assert_within, share_error
from scipy import stats
from small import OIL
from test_terms import PRIORS

import estimates as est
from estimates.dials import FARTHEST, Dial
from estimates.errors import QuestionError
from estimates.estimate import Estimate, Measured
from estimates.falsification import Overturned, _followed, _Ray, falsify, joint_chance
from estimates.overturning import Search
from estimates.study import read_text
from estimates.turned import Turned, dials_of

LOADS = """
[assumption.filled]
unit = "dimensionless"
prior = { family = "lognormal", q05 = 0.5, q95 = 0.9 }
basis = "A guess."

[quantity.oil_in_tanks]
unit = "barrel"
formula = "voyages * cargo * filled"

[claim.much]
says = "so much oil by September"
statement = "oil_in_tanks[autumn] >= 300_000_000"

[claim.early]
says = "shipping since last summer"
statement = "first_shipment <= 2023-06-30"

[claim.impossible]
says = "a thousand times as much"
statement = "oil_in_tanks[autumn] >= 400_000_000_000"
"""
STUDY = read_text(OIL + PRIORS + LOADS)
CARGO, FILLED = (math.log(b / a) / 2 / stats.norm.ppf(0.95) for a, b in ((3e5, 9e5), (0.5, 0.9)))


def estimate_of(study=STUDY, *, draws=20_000, level=300.0, spread=0.2, slope=0.0, loads="prior"):
    """Carriers that are lognormal about a level, hanging on the score of daily_rate; loads as their priors."""
    shown = drawn(study, draws=draws)
    posterior = shown.data["posterior"].to_dataset()
    rng = np.random.default_rng(5)
    shape = (2, draws)
    rate = rng.normal(size=shape)
    noise = spread * rng.normal(size=shape)
    logs = math.log(level) + slope * rate + noise
    posterior["voyages"] = posterior["voyages"] * 0 + np.exp(logs)[..., None]
    for name in ("cargo", "filled"):
        values = study.distribution(name).quantile(stats.norm.cdf(rng.normal(size=shape)))
        posterior[name] = (("chain", "draw"), values)
    posterior["daily_rate"] = (
        ("chain", "draw"),
        study.distribution("daily_rate").quantile(stats.norm.cdf(rate)),
    )
    posterior.attrs["fitted"] = "first_shipment,daily_rate,reporting_lag,issuer_bias,report_scatter"
    data = shown.data.copy()
    data["posterior"] = posterior
    return Estimate(study, data, shown.conditions)


GAP = math.log(3e8 / (300 * math.sqrt(3e5 * 9e5) * math.sqrt(0.5 * 0.9)))
"""How far the log of the claim lies above the middle of all."""


# ---- dials ----------------------------------------------------------------------------------------------


def test_the_dials_of_a_claim_are_what_it_rests_on():
    names = [(dial.name, dial.is_fitted) for dial in dials_of(estimate_of(), "much")]
    assert names == [
        *((name, True) for name in ("first_shipment", "daily_rate", "reporting_lag")),
        *((name, True) for name in ("issuer_bias", "report_scatter")),
        ("cargo", False),
        ("filled", False),
    ]
    assert [dial.name for dial in dials_of(estimate_of(), "early")] == [
        name for name, fitted in names if fitted
    ]


def test_a_dial_stands_at_the_quantile_of_its_prior():
    dial = Dial(STUDY, "cargo", is_fitted=False)
    assert dial.at(stats.norm.ppf(0.95)) == pytest.approx(9e5)
    assert dial.stated(stats.norm.ppf(0.95)) == 9e5
    assert dial.score(9e5) == pytest.approx(stats.norm.ppf(0.95))
    assert Dial(STUDY, "first_shipment", is_fitted=True).stated(0.0) == dt.date(2023, 8, 2)


def test_nothing_turned_is_the_estimate_itself():
    estimate = estimate_of()
    for claim in STUDY.claims:
        assert Turned(estimate, claim).probability({}) == pytest.approx(estimate.probability(claim).value)


def test_what_is_not_fitted_is_replaced_by_its_value():
    estimate = estimate_of()
    voyages, filled = (np.asarray(estimate.quantity(*at)) for at in (("voyages", "autumn"), ("filled",)))
    expected = np.mean(voyages * filled * 7e5 >= 3e8)
    z = Dial(STUDY, "cargo", is_fitted=False).score(7e5)
    assert Turned(estimate, "much").probability({"cargo": z}) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("z", [-2.0, 0.3, 1.5, 3.5])
def test_what_is_fitted_takes_what_hangs_on_it_along(z):
    turned = Turned(estimate_of(slope=0.5), "much")
    spread = math.hypot(0.2, CARGO, FILLED)
    truth = stats.norm.sf((GAP - 0.5 * z) / spread)
    # A tenth of the draws, with the weights of Epanechnikov's kernel, are worth about 0.8 of their number.
    error = math.hypot(share_error(truth, 0.8 * 0.1 * 40_000), 0.01)
    assert_within(turned.probability({"daily_rate": z}), truth, error)


# ---- searching ------------------------------------------------------------------------------------------


def test_the_least_that_overturns_a_claim_is_the_design_point():
    search = Search(estimate_of(), "much", ("cargo", "filled"), 500)
    alone = dict(search.alone())
    assert alone.keys() == {"cargo"}
    assert alone["cargo"]["cargo"] == pytest.approx(GAP / CARGO, abs=0.03)
    two = search.together(search.dials)
    assert math.hypot(*two.values()) == pytest.approx(GAP / math.hypot(CARGO, FILLED), abs=0.08)


def test_where_one_dial_does_not_do_two_share_the_way_by_their_spread():
    gap, total = 1.6, CARGO**2 + FILLED**2
    search = Search(estimate_of(level=300 * math.exp(GAP - gap)), "much", ("cargo", "filled"), 500)
    assert gap / CARGO > FARTHEST
    found = search.together(search.dials)
    assert math.hypot(*found.values()) == pytest.approx(gap / math.sqrt(total), abs=0.08)
    assert found["cargo"] == pytest.approx(gap * CARGO / total, abs=0.3)
    assert found["filled"] == pytest.approx(gap * FILLED / total, abs=0.3)


def test_a_fitted_dial_is_turned_from_where_it_stands():
    """Its posterior lies above its prior: the crossing is between the two, and not at the prior's middle."""
    estimate = estimate_of(level=300 * math.exp(GAP), slope=0.5)
    data = estimate.data["posterior"].to_dataset()
    up = STUDY.distribution("daily_rate").quantile(
        stats.norm.cdf(stats.norm.ppf(STUDY.distribution("daily_rate").cumulative(data["daily_rate"])) + 1.0)
    )
    data["daily_rate"] = (("chain", "draw"), up)
    data["voyages"] = data["voyages"] * math.exp(0.2)
    estimate.data["posterior"] = data
    search = Search(estimate, "much", ["daily_rate"], 50)
    (dial,) = search.dials
    assert dial.origin == pytest.approx(1.0, abs=0.05)
    (below, above) = [setting["daily_rate"] for _, setting in search.alone()]
    assert below == pytest.approx(1.0 - 0.2 / 0.5, abs=0.15)
    assert above == FARTHEST  # tried at its end, where the draws are few


def test_a_claim_with_two_ends_keeps_the_setting_that_was_found(monkeypatch):
    search = Search(estimate_of(), "much", ("cargo", "filled"), 500)

    def inside(setting):
        both = [setting.get(name, 0.0) for name in ("cargo", "filled")]
        return 0.7 if all(0.5 <= z <= 1.5 for z in both) else 0.1

    monkeypatch.setattr(search.turned, "probability", inside)
    found = search.together(search.dials)
    assert inside(found) == 0.7


def test_a_claim_out_of_reach_is_not_found():
    search = Search(estimate_of(), "impossible", ("cargo", "filled"), 200)
    assert search.together(search.dials) is None
    assert list(search.alone()) == []


def test_the_search_agrees_with_a_brute_force_scan_of_the_flagship(flagship_fit):
    loads = ("shell_share", "share_122", "payload", "packed_mass_152")
    search = Search(flagship_fit, "six_million", loads, 500)
    found = search.together(search.dials)
    assert set(found) == set(loads)
    for three in itertools.combinations(loads, 3):
        for signs in itertools.product((-FARTHEST, FARTHEST), repeat=3):
            assert not search.overturns(dict(zip(three, signs, strict=True)))
    steps = np.arange(0.0, FARTHEST + 0.1, 0.5)
    signs = (1, -1, 1, -1)
    least = min(
        math.hypot(*z)
        for z in itertools.product(steps, repeat=4)
        if search.overturns({name: s * x for name, s, x in zip(loads, signs, z, strict=True)})
    )
    assert math.hypot(*found.values()) <= least
    assert math.hypot(*found.values()) >= least - 0.5 * math.sqrt(4)


# ---- following a ray with fits --------------------------------------------------------------------------


@given(st.floats(0.3, 3.8), st.floats(0.3, 3.0), st.floats(0.5, 4.0), st.booleans())
@settings(max_examples=200)
def test_a_ray_is_followed_to_just_beyond_the_crossing(crossing, steep, start, rising):
    fits = []

    def fitted(scale):
        fits.append(scale)
        p = 1 / (1 + math.exp(-steep * (scale - crossing) * (1 if rising else -1)))
        return Overturned({"x": scale}, {"x": scale}, Measured(p, 0.005), scale, 0.1, None)

    before = 1 / (1 + math.exp(steep * crossing * (1 if rising else -1)))
    found = _followed(fitted, start, FARTHEST, before)
    assert len(fits) <= 8
    assert all(scale <= FARTHEST for scale in fits)
    if found is None:
        assert crossing > FARTHEST * 0.9
        return
    assert (found.probability.value - 0.5) * (before - 0.5) <= 0
    assert crossing <= found.setting["x"] <= max(1.6 * crossing, crossing + 1.0 / steep)


def test_a_ray_that_runs_into_what_is_impossible_turns_back():
    fits = []

    def fitted(scale):
        fits.append(scale)
        if scale > 1.5:
            return None
        p = 1 / (1 + math.exp(-2 * (scale - 1.0)))
        return Overturned({"x": scale}, {"x": scale}, Measured(p, 0.005), scale, 0.1, None)

    found = _followed(fitted, FARTHEST, FARTHEST, 1 / (1 + math.exp(2.0)))
    assert 1.0 <= found.setting["x"] <= 1.2
    assert _followed(lambda scale: None, FARTHEST, FARTHEST, 0.1) is None


def test_a_ray_that_never_crosses_ends_at_the_last_stop():
    def fitted(scale):
        return Overturned({"x": scale}, {"x": scale}, Measured(0.2, 0.005), scale, 0.1, None)

    assert _followed(fitted, 1.0, FARTHEST, 0.1) is None
    assert _followed(fitted, FARTHEST, FARTHEST, 0.1) is None


# ---- the joint chance -----------------------------------------------------------------------------------


def chance_of(study, setting, *, origin=0.0, entries=None):
    ray = _Ray(dict.fromkeys(setting, origin), setting, dict.fromkeys(setting, 1) | (entries or {}))
    return joint_chance(study, setting, ray)


def test_independent_dials_multiply_their_chances():
    chance = chance_of(STUDY, {"cargo": 1.3, "filled": -2.1})
    assert chance == pytest.approx(stats.norm.sf(1.3) * stats.norm.sf(2.1), rel=1e-12)


@pytest.mark.parametrize(("one", "other"), [(1.0, 1.2), (1.0, -1.2), (-0.5, -0.5)])
def test_dials_that_go_together_have_the_chance_of_their_quadrant(one, other):
    pair = '\n[[correlation]]\nbetween = ["cargo", "filled"]\nrank_correlation = 0.6\nbasis = "."\n'
    study = read_text(OIL + PRIORS + LOADS + pair)
    r = 2 * math.sin(math.pi * 0.6 / 6)
    z = np.random.default_rng(2).multivariate_normal([0, 0], [[1, r], [r, 1]], size=400_000)
    beyond = (z[:, 0] * np.sign(one) >= abs(one)) & (z[:, 1] * np.sign(other) >= abs(other))
    chance = chance_of(study, {"cargo": one, "filled": other})
    assert_within(beyond.mean(), chance, share_error(chance, 400_000))


def test_a_dial_of_several_entries_has_all_of_them_out_there():
    chance = chance_of(STUDY, {"issuer_bias": 0.6, "cargo": 1.0}, entries={"issuer_bias": 3})
    assert chance == pytest.approx(stats.norm.sf(0.6) ** 3 * stats.norm.sf(1.0), rel=1e-12)


def test_the_side_is_that_to_which_a_dial_is_moved():
    assert chance_of(STUDY, {"daily_rate": 0.3}, origin=1.2) == pytest.approx(stats.norm.cdf(0.3), rel=1e-12)


# ---- the whole, fitted ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted_loads():
    return falsify(STUDY, "much", dials=("cargo", "filled"), tries=300, seed=2)


def test_a_probability_that_prints_as_it_did_before_the_reports_is_said_once(fitted_loads):
    alike, *_ = dataclasses.replace(fitted_loads, prior=fitted_loads.posterior).sentences()
    apart, *_ = dataclasses.replace(fitted_loads, prior=Measured(0.5, 0.0)).sentences()

    assert alike.endswith("under steady, as before the reports.")
    assert apart.endswith("under steady; before the reports, 50 %.")


def test_what_is_printed_was_fitted_at_the_values_printed(fitted_loads):
    found = fitted_loads.together
    (name,), (value,) = found.values.keys(), found.values.values()
    again = est.infer(STUDY.assuming({name: value}), "steady", seed=2).probability("much")
    assert again == found.probability
    assert again.value > 0.5 > fitted_loads.posterior.value


def test_the_break_even_of_a_factor_is_the_median_of_the_rest(fitted_loads):
    value = fitted_loads.alone["cargo"].values["cargo"]
    fit = est.infer(STUDY, "steady", seed=2)
    rest = np.asarray(fit.quantity("voyages", "autumn") * fit.quantity("filled")).ravel()
    near = [3e8 / q for q in np.quantile(rest, [0.53, 0.47])]
    assert near[0] * 0.97 <= value <= near[1] * 1.06


def test_reports_do_not_bear_on_loads(fitted_loads):
    assert fitted_loads.alone["cargo"].evidence_change == pytest.approx(0.0, abs=0.05)
    assert fitted_loads.unfitted is None


def test_the_sentence_names_the_value_with_its_unit_and_the_chance(fitted_loads):
    _, says = list(fitted_loads.sentences())[-2:]
    assert "It would take cargo at " in says
    assert "barrels/voyage to make it more likely than not (5" in says
    assert "that, or more, a chance of 1 in " in says


def test_the_command_prints_what_it_writes(tmp_path):
    path = tmp_path / "oil.toml"
    path.write_text(OIL + PRIORS + LOADS, encoding="utf-8")
    words = ["falsify", "impossible", path, "--dials", "cargo", "--tries", "50", "--workers", "1"]
    shown = estimates(*words, "--out", tmp_path / "out")
    assert shown.code == 0
    assert "No setting of cargo was found in 50 tries that overturns it" in shown.out
    document = json.loads((tmp_path / "out" / "falsify_impossible.json").read_text(encoding="utf-8"))
    assert document["together"] is None
    assert document["says"] in shown.out.replace("\n", " ")


@pytest.mark.parametrize(
    ("claim", "dials", "message"),
    [
        ("mutch", None, "unknown claim 'mutch'\n.*Did you mean 'much'"),
        ("early", ["cargo"], "'early' does not rest on 'cargo'\n.*Known: daily_rate, first_shipment"),
    ],
)
def test_what_cannot_be_asked_is_refused(claim, dials, message):
    with pytest.raises(QuestionError, match=message):
        falsify(STUDY, claim, dials=dials)
