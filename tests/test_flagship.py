"""The flagship study, to the digit of the public facts and the stated assumptions."""

import datetime as dt
import math

import pytest

from estimates.reports import Printing
from estimates.study import FLAGSHIP, read

STUDY = read(FLAGSHIP)


def date(text):
    return dt.date.fromisoformat(text)


# ---- the frame ------------------------------------------------------------------------------------------


def test_the_flagship_is_what_is_read_by_default():
    assert read() == STUDY
    assert STUDY.name == "dprk-shells-2024"


def test_the_clock_and_the_carriers():
    assert (STUDY.epoch, STUDY.horizon, STUDY.knot) == (
        date("2022-01-01"),
        date("2025-02-28"),
        date("2024-02-26"),
    )
    assert (STUDY.carriers.name, STUDY.carriers.unit) == ("containers", "container")
    assert (STUDY.headline.quantity, STUDY.headline.stated) == ("shells_152", "shells_stated")


# ---- the reports ----------------------------------------------------------------------------------------

REPORTS = [
    ("feb_2024", "containers", "about", 6700, "2024-02-26", None, (6650, 6750)),
    (
        "feb_2024_shells",
        "shells_stated",
        "about",
        3_000_000,
        "2024-02-26",
        "feb_2024",
        (2_750_000, 3_250_000),
    ),
    ("aug_2024", "containers", "over", 13_000, "2024-08-27", None, (13_000, 14_000)),
    (
        "aug_2024_shells",
        "shells_stated",
        "about",
        6_000_000,
        "2024-08-27",
        "aug_2024",
        (5_750_000, 6_250_000),
    ),
    ("nov_2023", "containers", "about", 2000, "2023-11-02", None, (1750, 2250)),
    ("dec_2023", "containers", "about", 5000, "2023-12-29", None, (4750, 5250)),
    ("mar_2024", "containers", "about", 7000, "2024-03-18", None, (6750, 7250)),
    ("jun_2024", "containers", "at least", 10_000, "2024-06-14", None, (10_000, 15_000)),
    ("early_aug_2024", "containers", "more than", 12_000, "2024-08-08", None, (12_000, 13_000)),
]
HELD_OUT = [name for name, *_ in REPORTS[4:]]


@pytest.mark.parametrize(("index", "expected"), list(enumerate(REPORTS)), ids=[r[0] for r in REPORTS])
def test_each_report_says_what_was_published(index, expected):
    report = STUDY.reports[index]
    says = report.says
    found = (
        report.id,
        report.measures,
        says.hedge,
        says.value,
        str(report.published),
        report.derived_from,
        tuple(says.seen),
    )
    assert found == expected


def test_there_are_no_reports_but_these():
    assert len(STUDY.reports) == len(REPORTS)


def test_only_the_two_container_counts_are_data():
    assert [(r.id, r.says.printing) for r in STUDY.fitted] == [
        ("feb_2024", Printing.NEAREST),
        ("aug_2024", Printing.FLOOR),
    ]


@pytest.mark.parametrize("report", STUDY.reports, ids=lambda report: report.id)
def test_every_report_has_one_issuer_relays_and_an_address(report):
    assert report.issuer == "rok_military"
    assert report.relayed_by
    assert report.source.startswith("https://")


@pytest.mark.parametrize("report", STUDY.reports, ids=lambda report: report.id)
def test_the_start_that_relays_disagree_about_is_no_data(report):
    assert report.since is None
    interview = (date("2024-08-04"), date("2024-08-04"))
    assert report.as_of == (interview if report.id == "early_aug_2024" else None)


def test_other_counts_of_the_ministry_are_held_out_and_predicted():
    assert sorted(report.id for report in STUDY.predicted) == sorted(HELD_OUT)
    assert [report.id for report in STUDY.reports if report.held_out] == HELD_OUT


@pytest.mark.parametrize("name", ["feb_2024", "aug_2024", *HELD_OUT])
def test_the_study_of_all_reports_says_the_same_of_the_same_count(name):
    every = read("dprk-shells-all-reports-2024")
    ours, theirs = (next(r for r in study.reports if r.id == name) for study in (STUDY, every))
    for field in ("measures", "issuer", "says", "published", "as_of", "since", "source"):
        assert getattr(ours, field) == getattr(theirs, field)


def test_the_wordings_of_the_start_are_kept_to_be_shown():
    assert "mid-2022" in STUDY.reports[2].since_words
    assert "2023" in STUDY.reports[0].since_words


def test_the_ministry_and_its_agency_are_said_to_be_one_issuer():
    assert "Defense Intelligence Agency" in STUDY.about
    assert "one issuer, rok_military" in STUDY.about.replace("\n", " ")


# ---- the assumptions ------------------------------------------------------------------------------------

ASSUMPTIONS = {
    "first_shipment": ("date", "uniform", {"lower": date("2022-06-01"), "upper": date("2024-02-01")}),
    "daily_rate": ("container/day", "lognormal", {"q05": 5, "q95": 180}),
    "later_rate": ("container/day", "lognormal", {"q05": 5, "q95": 180}),
    "growth_rate": ("1/day", "normal", {"q05": -0.006334, "q95": 0.006334}),
    "containers_per_voyage": ("container", "lognormal", {"q05": 120, "q95": 480}),
    "reporting_lag": ("day", "lognormal", {"q05": 1, "q95": 30}),
    "issuer_bias": ("dimensionless", "normal", {"q05": -0.329, "q95": 0.329}),
    "report_scatter": ("dimensionless", "halfnormal", {"q95": 0.098}),
    "payload": ("tonne/container", "normal", {"q05": 9.5, "q95": 20, "lower": 5, "upper": 21.75}),
    "packed_mass_152": ("kg/round", "lognormal", {"q05": 47, "q95": 93, "lower": 43.5}),
    "packed_mass_122": ("kg/round", "lognormal", {"q05": 24, "q95": 46, "lower": 21.76}),
    "shell_share": ("dimensionless", "beta", {"q05": 0.65, "q95": 0.97}),
    "share_122": ("dimensionless", "beta", {"q05": 0.10, "q95": 0.70}),
    "stated_capacity": ("round/container", "lognormal", {"q05": 430, "q95": 480}),
}
JUDGEMENTS = {
    "growth_rate", "issuer_bias", "report_scatter", "packed_mass_152", "packed_mass_122", "shell_share", "share_122",
}  # fmt: skip


@pytest.mark.parametrize("name", ASSUMPTIONS)
def test_each_assumption_has_the_stated_unit_family_and_numbers(name):
    unit, family, numbers = ASSUMPTIONS[name]
    assumption = STUDY.assumptions[name]
    assert (assumption.unit, assumption.prior.family) == (unit, family)
    assert assumption.prior.model_dump(exclude_none=True, exclude={"family"}) == numbers
    assert len(assumption.basis) > 20


def test_there_are_no_assumptions_but_these():
    assert set(STUDY.assumptions) == set(ASSUMPTIONS)


@pytest.mark.parametrize("name", ASSUMPTIONS)
def test_each_assumption_s_quantiles_hold_after_truncation(name):
    numbers = ASSUMPTIONS[name][2]
    solved = STUDY.distribution(name)
    for field, share in (("q05", 0.05), ("q95", 0.95)):
        if field in numbers:
            assert float(solved.cumulative(numbers[field])) == pytest.approx(share, abs=1e-8)
            assert float(solved.quantile(share)) == pytest.approx(numbers[field], rel=1e-8)


@pytest.mark.parametrize("name", sorted(JUDGEMENTS))
def test_where_the_basis_is_judgement_the_study_says_so(name):
    assert STUDY.assumptions[name].judgement


@pytest.mark.parametrize("name", sorted(set(ASSUMPTIONS) - JUDGEMENTS))
def test_what_rests_on_a_source_is_not_called_judgement(name):
    assert not STUDY.assumptions[name].judgement


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("growth_rate", (0, math.log(2) / 180)),
        ("issuer_bias", (0, 0.20)),
        ("report_scatter", (0.05,)),
        ("first_shipment", (151, 761)),
    ],
)
def test_the_basis_agrees_with_the_numbers(name, parameters):
    assert STUDY.distribution(name).parameters == pytest.approx(parameters, rel=1e-3, abs=1e-12)


def test_what_goes_together_is_stated_with_its_reason():
    assert [(c.between, c.rank_correlation, c.basis, c.judgement) for c in STUDY.correlations] == [
        (
            ("packed_mass_152", "packed_mass_122"),
            0.8,
            "Both calibres travel packed alike. Judgement.",
            True,
        ),
        (
            ("payload", "packed_mass_152"),
            -0.3,
            "Dense, bare stowage reaches the mass limit sooner. Judgement.",
            True,
        ),
        (("payload", "packed_mass_122"), -0.3, "The same for 122 mm. Judgement.", True),
    ]


# ---- quantities -----------------------------------------------------------------------------------------

QUANTITIES = {
    "shells_152": ("round", "containers * shell_share * (1 - share_122) * payload / packed_mass_152"),
    "shells_122": ("round", "containers * shell_share * share_122 * payload / packed_mass_122"),
    "shells": ("round", "shells_152 + shells_122"),
    "shells_stated": ("round", "containers * stated_capacity"),
    "tonnage": ("tonne", "containers * shell_share * payload"),
}


def test_the_quantities_are_those_of_the_design():
    assert {name: (q.unit, q.formula) for name, q in STUDY.quantities.items()} == QUANTITIES


# ---- claims ---------------------------------------------------------------------------------------------

CLAIMS = {
    "six_million": "shells_152[aug_2024] >= 6_000_000",
    "six_million_all_calibres": "shells[aug_2024] >= 6_000_000",
    "six_million_stated": "shells_stated[aug_2024] >= 6_000_000",
    "three_million": "shells_152[feb_2024] >= 3_000_000",
    "three_million_all_calibres": "shells[feb_2024] >= 3_000_000",
    "three_million_stated": "shells_stated[feb_2024] >= 3_000_000",
    "twofold": "containers[aug_2024] / containers[feb_2024] >= 2",
    "over_13000": "containers[aug_2024] >= 13_000",
    "since_mid_2022": "first_shipment <= 2022-08-31",
}


def test_the_claims_are_those_of_the_article():
    assert {name: claim.statement for name, claim in STUDY.claims.items()} == CLAIMS


# ---- variants -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "lower", "upper", "basis"),
    [
        ("mid_2022", "2022-06-01", "2022-08-31", "Taking the article's 'since mid-2022' at its word."),
        (
            "sea_route",
            "2023-08-01",
            "2023-09-30",
            "The sea route's first documented voyages (August to September 2023, RUSI and White House imagery).",
        ),
    ],
)
def test_each_variant_moves_the_first_shipment_alone(name, lower, upper, basis):
    variant = STUDY.variants[name]
    prior = STUDY.variant(name).assumptions["first_shipment"].prior
    assert (prior.family, prior.lower, prior.upper, variant.basis) == (
        "uniform",
        date(lower),
        date(upper),
        basis,
    )
    assert list(variant.assumption) == ["first_shipment"]
    assert variant.without == ()


def test_there_are_no_variants_but_these():
    assert set(STUDY.variants) == {"mid_2022", "sea_route"}


def test_the_stated_capacity_covers_the_ministry_s_own_conversions():
    low, high = STUDY.distribution("stated_capacity").quantile([0.05, 0.95])
    for shells, containers in ((3_000_000, 6700), (6_000_000, 13_000)):
        assert low < shells / containers < high
