"""What carries the answer of the flagship: against brute force written apart, and what the command writes."""

import dataclasses
import json
import math
import re
from itertools import pairwise

import numpy as np
import pytest
from command import estimates
from montecarlo import assert_within
from scipy import stats
from small import OIL, changed
from test_inference import prior_draws
from test_terms import PRIORS

import estimates as est
from estimates.assumptions import Prior
from estimates.attribution import log_density, sensitivity
from estimates.errors import QuestionError
from estimates.study import read_text
from estimates.study.rereading import counted_twice

STUDY = est.read()


@pytest.fixture(scope="module")
def found():
    return sensitivity(STUDY, "steady", seed=1)


# ---- brute force: Var(E[ln y | x]) over pieces of x ----------------------------------------------------


def share_of(x, y, weight, pieces):
    """Var(E[y | x]) / Var(y) over pieces of x of equal weight, each mean less what chance adds."""
    order = np.argsort(x)
    x, y, weight = x[order], y[order], weight[order]
    piece = np.minimum((pieces * np.cumsum(weight) / weight.sum()).astype(int), pieces - 1)
    mass = np.bincount(piece, weight, pieces)
    means = np.bincount(piece, weight * y, pieces) / mass
    squares = np.bincount(piece, weight * y**2, pieces) / mass - means**2
    worth = mass**2 / np.bincount(piece, weight**2, pieces)
    mean = np.average(y, weights=weight)
    total = np.average((y - mean) ** 2, weights=weight)
    between = np.average((means - mean) ** 2 - squares / worth, weights=mass)
    return max(between / total, 0.0)


@pytest.fixture(scope="module")
def brute():
    """The shares of every assumption, and their errors from the spread of independent batches."""
    rng = np.random.default_rng(77)
    rows = []
    for _ in range(30):
        weight, fitted = prior_draws(rng, 100_000)
        keep = weight > 1e-12 * weight.max()
        weight, size = weight[keep], int(keep.sum())
        ranks = np.array([[1, -0.3, -0.3], [-0.3, 1, 0.8], [-0.3, 0.8, 1]])
        factor = np.linalg.cholesky(2 * np.sin(np.pi * ranks / 6))
        scores = factor @ rng.normal(size=(3, size))
        loads = {
            name: STUDY.distribution(name).quantile(stats.norm.cdf(z))
            for name, z in zip(("payload", "packed_mass_152", "packed_mass_122"), scores, strict=True)
        }
        for name in ("shell_share", "share_122"):
            loads[name] = STUDY.distribution(name).quantile(rng.random(size))
        inputs = {
            name: fitted[name][keep]
            for name in ("first_shipment", "daily_rate", "reporting_lag", "report_scatter", "issuer_bias")
        } | loads
        answer = np.log(fitted["containers_aug"][keep] * loads["shell_share"] * (1 - loads["share_122"]))
        answer += np.log(loads["payload"] / loads["packed_mass_152"])
        rows.append({name: share_of(x, answer, weight, 15) for name, x in inputs.items()})
    table = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return {name: (v.mean(), v.std(ddof=1) / math.sqrt(len(v))) for name, v in table.items()}


def test_first_order_shares_are_those_of_brute_force(found, brute):
    for driver in found.drivers:
        truth, noise = brute[driver.name]
        # Fifteen pieces leave about one part in two hundred of a share inside them.
        assert_within(driver.share.value, truth, math.hypot(driver.share.mcse, noise) + 0.005 * truth + 0.002)


def test_the_assumptions_are_ranked_as_brute_force_ranks_them(found, brute):
    mine = sorted(found.drivers, key=lambda driver: -driver.share.value)
    for better, worse in pairwise(mine):
        apart = math.hypot(brute[better.name][1], brute[worse.name][1])
        assert brute[better.name][0] > brute[worse.name][0] - 3 * apart - 0.005
    assert mine[0].name == max(brute, key=lambda name: brute[name][0]) == "share_122"


# ---- what is said --------------------------------------------------------------------------------------


def test_the_drivers_are_what_the_quantity_rests_on(found):
    assert {driver.name for driver in found.drivers} == {
        *("first_shipment", "daily_rate", "reporting_lag", "report_scatter", "issuer_bias"),
        *("payload", "packed_mass_152", "shell_share", "share_122"),
    }
    groups = {driver.name: driver.group for driver in found.drivers}
    assert (groups["issuer_bias"], groups["daily_rate"], groups["payload"]) == ("level", "trend", "load")


def test_the_groups_share_the_whole_spread(found):
    assert sum(found.groups.values()) == pytest.approx(1.0)
    assert max(found.groups, key=found.groups.get) == "load"
    assert 0.5 < found.judgement < 0.9


def test_knowing_anything_narrows_the_interval(found):
    lower, _, upper = found.spread
    assert found.width == upper - lower
    assert all(driver.width <= 1.01 * found.width for driver in found.drivers)
    assert [driver.width for driver in found.drivers] == sorted(driver.width for driver in found.drivers)


def test_the_start_settles_the_twofold_claim_and_the_bias_the_count(found):
    falls = {driver.name: driver.falls for driver in found.drivers}
    assert falls["first_shipment"]["twofold"] > 0.8
    assert falls["issuer_bias"]["over_13000"] > 0.5
    assert falls["payload"]["twofold"] < 0.02


def test_a_uniform_prior_has_no_strength_and_others_do(found):
    scaling = {driver.name: driver.prior_scaling for driver in found.drivers}
    assert scaling["first_shipment"] is None
    assert all(value >= 0 for name, value in scaling.items() if name != "first_shipment")
    assert found.likelihood_scaling >= 0


@pytest.mark.parametrize(
    ("family", "fields", "reference"),
    [
        ("normal", {"q05": -1.0, "q95": 3.0}, lambda p: stats.norm(*p)),
        ("lognormal", {"q05": 1.0, "q95": 3.0}, lambda p: stats.lognorm(p[1], scale=math.exp(p[0]))),
        ("halfnormal", {"q95": 1.0}, lambda p: stats.halfnorm(scale=p[0])),
        ("beta", {"q05": 0.2, "q95": 0.7}, lambda p: stats.beta(*p)),
        ("gamma", {"q05": 1.0, "q95": 4.0}, lambda p: stats.gamma(p[0], scale=1 / p[1])),
        ("student_t", {"q05": -1.0, "q95": 3.0, "df": 4.0}, lambda p: stats.t(p[0], p[1], p[2])),
        ("uniform", {"lower": 0.0, "upper": 1.0}, lambda p: stats.uniform(p[0], p[1] - p[0])),
    ],
)
def test_log_densities_differ_from_scipys_by_a_constant(family, fields, reference):
    prior = Prior(family=family, **fields).solve(float)
    values = prior.quantile([0.1, 0.4, 0.9])
    off = log_density(prior, values) - reference(prior.parameters).logpdf(values)
    assert off == pytest.approx(np.full(3, off[0]), abs=1e-9)


# ---- counting twice ------------------------------------------------------------------------------------


def test_counting_twice_fits_what_is_derived(found):
    again = counted_twice(STUDY)
    assert {r.id for r in again.fitted} - {r.id for r in STUDY.fitted} == {
        "feb_2024_shells",
        "aug_2024_shells",
    }
    once, twice = found.width, found.twice[2] - found.twice[0]
    assert twice < once  # two more numbers that say what is known already


def test_a_derived_number_that_is_counted_speaks_of_the_day_of_its_parent():
    dated = OIL.replace("published = 2024-03-01", "published = 2024-03-01\nas_of = 2024-02-20")
    dated = dated.replace(
        "published = 2024-09-01\nissuer", "published = 2024-09-01\nas_of = 2024-08-20\nissuer", 1
    )
    study = read_text(
        dated
        + PRIORS[: PRIORS.index("[assumption.reporting_lag]")]
        + PRIORS[PRIORS.index("[assumption.issuer_bias]") :]
    )
    assert "reporting_lag" not in study.needed
    again = counted_twice(study)
    assert "reporting_lag" not in again.needed
    assert {str(report.as_of[0]) for report in again.fitted if report.id == "autumn_oil"} == {"2024-08-20"}


def test_a_derived_number_of_another_issuer_brings_a_common_bias_along():
    text = (OIL + PRIORS).replace(
        'measures = "oil"\nsays = { value = 200_000_000', 'measures = "voyages"\nsays = { value = 310'
    )
    before, _, after = text.rpartition('issuer = "port"\nderived_from')
    without = (before + 'issuer = "paper"\nderived_from' + after).split("[assumption.common_bias]")
    study = read_text(without[0] + without[1][without[1].index("[assumption.report_scatter]") :])
    assert "common_bias" in counted_twice(study).needed
    assert sensitivity(study, seed=1).twice is not None


def test_shares_are_of_the_quantity_itself_where_a_draw_is_not_above_zero():
    found = sensitivity(STUDY, quantity="containers", at="2023-08-01", seed=1)
    assert found.document()["scale"] == "linear"
    assert not found.is_log


def test_two_intervals_that_print_alike_are_told_as_one(found):
    alike = dataclasses.replace(found, twice=tuple(1.0001 * end for end in found.spread))
    apart = dataclasses.replace(found, twice=tuple(2.0 * end for end in found.spread))
    *_, same = alike.sentences()
    *_, other = apart.sentences()

    assert "in place of" not in same
    assert re.search(r"it would still have been \S+ to .+\.$", same)
    assert re.search(r"it would have been (\S+) to .+ in place of (?!\1 )\S+ to .+\.$", other)


def test_a_width_that_prints_as_it_was_is_not_said_to_be_narrowed(found):
    idle = dataclasses.replace(found.drivers[0], width=0.9999 * found.width)
    first, *_ = dataclasses.replace(found, drivers=(idle,)).sentences()

    assert first.startswith("No one assumption, once known, would narrow the 89 % interval of ")
    assert next(iter(found.sentences())).startswith(f"Knowing {found.drivers[0].label} would narrow")


def test_a_study_with_nothing_derived_has_nothing_to_count_twice():
    assert counted_twice(read_text(changed('derived_from = "autumn"', 'held_out = "to see"'))) is None


# ---- a study whose answer is linear and normal ---------------------------------------------------------

FILLED = """
[assumption.filled]
unit = "dimensionless"
prior = { family = "lognormal", q05 = 0.5, q95 = 0.9 }
basis = "A guess."

[quantity.in_tanks]
unit = "barrel"
formula = "voyages * cargo * filled"
"""


@pytest.mark.parametrize("rank", [0.0, 0.7, -0.5])
def test_shares_of_a_linear_normal_study_are_the_closed_form_with_and_without_correlation(rank):
    pair = f'\n[[correlation]]\nbetween = ["cargo", "filled"]\nrank_correlation = {rank}\nbasis = "."\n'
    study = read_text(OIL + PRIORS + FILLED + pair * bool(rank))
    found = sensitivity(study, quantity="in_tanks", seed=3)
    voyages = np.log(np.ravel(found.estimate.quantity("voyages", "autumn")))
    r = 2 * math.sin(math.pi * rank / 6)
    cargo, filled = (math.log(b / a) / 2 / stats.norm.ppf(0.95) for a, b in ((3e5, 9e5), (0.5, 0.9)))
    total = cargo**2 + filled**2 + 2 * r * cargo * filled + voyages.var()
    truth = {"cargo": (cargo + r * filled) ** 2 / total, "filled": (filled + r * cargo) ** 2 / total}
    for driver in found.drivers:
        if driver.name in truth:
            assert_within(driver.share.value, truth[driver.name], driver.share.mcse)


# ---- the command ---------------------------------------------------------------------------------------


def test_the_command_writes_what_it_prints_and_a_picture(tmp_path):
    path, out = tmp_path / "oil.toml", tmp_path / "out"
    path.write_text(OIL + PRIORS, encoding="utf-8")
    shown = estimates("sensitivity", path, "--out", out)
    assert (shown.code, shown.err) == (0, "")
    document = json.loads((out / "sensitivity.json").read_text(encoding="utf-8"))
    for sentence in document["says"].split(". ")[:1]:
        assert sentence in shown.out
    assert (out / "sensitivity.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads(estimates("sensitivity", path, "--json").out) == document
    assert document["drivers"][0]["assumption"] == "cargo"


def test_what_cannot_be_asked_is_refused():
    with pytest.raises(QuestionError, match="unknown quantity 'shels'\n.*Did you mean 'shells'"):
        sensitivity(STUDY, quantity="shels")
