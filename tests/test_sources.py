"""How many independent sources voices are worth: against closed forms, and within its bounds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small import OIL

from estimates.sources import Sources, effective_number, independent_sources
from estimates.study import read, read_text

OWN, COMMON = 0.23, 0.11
SD_AT_95 = 1.6448536269514722

BIASES = f"""
[assumption.issuer_bias]
unit = "dimensionless"
prior = {{ family = "normal", q05 = {-OWN * SD_AT_95}, q95 = {OWN * SD_AT_95} }}
basis = "."

[assumption.common_bias]
unit = "dimensionless"
prior = {{ family = "normal", q05 = {-COMMON * SD_AT_95}, q95 = {COMMON * SD_AT_95} }}
basis = "."

[assumption.scope]
unit = "dimensionless"
prior = {{ family = "lognormal", q05 = {np.exp(-0.3 * SD_AT_95)}, q95 = {np.exp(0.3 * SD_AT_95)} }}
basis = "."

[assumption.reporting_lag]
unit = "day"
prior = {{ family = "lognormal", q05 = 1, q95 = 30 }}
basis = "."
"""


def study_of(*reports):
    """The small study with its two counts by the port, and other reports: (issuer, fields) each."""
    text = OIL + BIASES
    for number, (issuer, fields) in enumerate(reports):
        given_fields = {"measures": '"voyages"', "says": '{ value = 310, hedge = "about" }'} | fields
        lines = "".join(f"{name} = {value}\n" for name, value in given_fields.items())
        text += f'\n[[report]]\nid = "r{number}"\npublished = 2024-10-{number + 1:02}\nissuer = "{issuer}"\n{lines}'
    return read_text(text)


def found(*reports):
    return independent_sources(study_of(*reports))


# ---- studies --------------------------------------------------------------------------------------------


def test_one_voice_is_one_source_however_often_it_speaks():
    assert found() == Sources(issuers=1, voices=1, reports=2, bounds=0, effective=1.0)
    assert found(("port", {}), ("port", {})).effective == 1.0


@pytest.mark.parametrize("count", [2, 3, 7])
def test_issuers_of_one_quantity_are_worth_what_their_common_error_leaves(count):
    """k statements of variance c^2 + d^2 and covariance c^2: (c^2 + d^2) / (c^2 + d^2 / k)."""
    sources = found(*((f"other{n}", {}) for n in range(count - 1)))
    assert (sources.issuers, sources.voices, sources.reports) == (count, count, count + 1)
    expected = (COMMON**2 + OWN**2) / (COMMON**2 + OWN**2 / count)
    assert sources.effective == pytest.approx(expected, rel=1e-9)


def test_a_second_issuer_of_another_quantity_errs_with_its_load_and_alone():
    """Independent statements of variances v and w weigh in by 1/v + 1/w; the best of them counts as one."""
    sources = found(("bourse", {"measures": '"oil"', "says": '{ value = 2e8, hedge = "about" }'}))
    load = np.log(3) / (2 * SD_AT_95)  # of the cargo: 300,000 to 900,000
    best, other = OWN**2, OWN**2 + load**2
    # The load is drawn, 4,096 points of a sequence that fills its range evenly.
    assert sources.effective == pytest.approx(1 + best / other, rel=2e-3)


def test_voices_on_one_load_share_its_error():
    oil = {"measures": '"oil"', "says": '{ value = 2e8, hedge = "about" }'}
    sources = found(("bourse", oil), ("bank", oil))
    load = np.log(3) / (2 * SD_AT_95)
    covariance = np.diag([OWN**2] * 3)
    covariance[1:, 1:] += COMMON**2 + load**2
    weights = np.linalg.solve(covariance, np.ones(3))
    assert sources.effective == pytest.approx(weights.sum() * covariance[0, 0], rel=2e-3)
    assert sources.effective < 1 + 2 * OWN**2 / (OWN**2 + load**2 + COMMON**2)


def test_a_voice_over_a_bridge_errs_with_it_too():
    bridged = {"counts": '"tankers"', "bridge": '"scope"'}
    sources = found(("navy", bridged))
    covariance = OWN**2 * np.eye(2) + COMMON**2
    covariance[1, 1] += 0.3**2
    expected = np.linalg.inv(covariance).sum() * covariance[0, 0]
    assert sources.effective == pytest.approx(expected, rel=2e-3)
    assert sources.effective < found(("navy", {})).effective


def test_a_voice_that_gives_only_a_lower_bound_is_left_out_and_counted_as_that():
    bound = {"says": '{ value = 310, hedge = "over", open = true }'}
    assert found(("navy", bound)) == Sources(issuers=1, voices=1, reports=2, bounds=1, effective=1.0)
    assert found(("navy", bound), ("navy", {})).voices == 2


def test_a_report_on_a_load_says_nothing_of_the_level():
    loads = '\n[quantity.twice]\nunit = "barrel/voyage"\nformula = "2 * cargo"\n'
    loads += '[[report]]\nid = "load"\nmeasures = "twice"\nsays = { value = 1_200_000, hedge = "about" }\n'
    loads += 'published = 2024-03-01\nissuer = "bourse"\n'
    sources = independent_sources(read_text(OIL + BIASES + loads))
    assert (sources.issuers, sources.voices) == (1, 1)


def test_numbers_that_are_not_fitted_are_no_sources():
    assert found(("navy", {"derived_from": '"autumn"'})) == found()
    assert found(("port", {"held_out": '"for comparison"'})) == found()


def test_without_priors_of_the_biases_or_a_statement_there_is_no_number():
    assert independent_sources(read_text(OIL)) is None
    open_counts = (OIL + BIASES).replace('hedge = "over"', 'hedge = "over", open = true')
    open_counts = open_counts.replace(
        'value = 120, hedge = "about"', 'value = 120, hedge = "over", open = true'
    )
    assert independent_sources(read_text(open_counts)) is None


def test_the_packaged_studies_have_as_many_sources_as_they_could():
    assert independent_sources(read()).effective == 1.0
    every = independent_sources(read("dprk-shells-all-reports-2024"))
    assert 1 < every.effective < every.voices


def test_the_number_is_the_same_each_time_and_in_any_order_of_reports():
    oil = ("bourse", {"measures": '"oil"', "says": '{ value = 2e8, hedge = "about" }'})
    assert found(oil, ("navy", {})) == found(oil, ("navy", {}))
    assert found(oil, ("navy", {})).effective == pytest.approx(found(("navy", {}), oil).effective, rel=1e-9)


# ---- its bounds -----------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.floats(0.01, 3), st.floats(-2, 2), st.floats(-2, 2)), min_size=1, max_size=6))
def test_it_lies_between_one_and_the_number_of_statements_whatever_they_share(parts):
    own, *shared = np.array(parts).T
    covariance = np.diag(own**2) + sum(np.outer(one, one) for one in shared)
    assert 1 <= effective_number(covariance) <= len(own)


@given(st.lists(st.floats(0.01, 3), min_size=2, max_size=6), st.floats(0, 3))
def test_an_error_in_common_lowers_it_and_its_scale_does_not_matter(own, common):
    alone = np.diag(np.square(own))
    together = effective_number(alone + common**2)
    assert together <= effective_number(alone) * (1 + 1e-9)
    assert together == pytest.approx(effective_number(7 * (alone + common**2)), rel=1e-9)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_alike_and_independent_statements_count_each_and_the_same_statement_once(count):
    assert effective_number(0.3 * np.eye(count)) == pytest.approx(count)
    assert effective_number(np.full((count, count), 0.3)) == pytest.approx(1)
    assert effective_number(np.zeros((count, count))) == 1


def test_statements_that_err_against_each_other_count_as_their_number():
    assert effective_number(np.array([[1.0, -0.9], [-0.9, 1.0]])) == 2


def test_loads_that_go_together_make_voices_err_together():
    more = """
[assumption.weight]
unit = "tonne/voyage"
prior = { family = "lognormal", q05 = 40_000, q95 = 200_000 }
basis = "."

[quantity.mass]
unit = "tonne"
formula = "voyages * weight"

[[report]]
id = "customs_mass"
measures = "mass"
says = { value = 30_000_000, hedge = "about" }
published = 2024-10-01
issuer = "customs"

[[report]]
id = "broker_oil"
measures = "oil"
says = { value = 200_000_000, hedge = "about" }
published = 2024-10-02
issuer = "broker"
"""
    pair = '\n[[correlation]]\nbetween = ["cargo", "weight"]\nrank_correlation = 0.7\nbasis = "."\n'
    cargo, weight = (np.log(high / low) / 2 / SD_AT_95 for low, high in ((3e5, 9e5), (4e4, 2e5)))
    for text, r in ((more, 0.0), (more + pair, 2 * np.sin(np.pi * 0.7 / 6))):
        together = r * cargo * weight
        loads = np.array([[0, 0, 0], [0, cargo**2, together], [0, together, weight**2]])
        covariance = np.diag([OWN**2] * 3) + loads
        answer = independent_sources(read_text(OIL + BIASES + text)).effective
        assert answer == pytest.approx(effective_number(covariance), rel=0.005)
