"""From diagnostics to a verdict, at and beside every limit."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estimates.trust import (
    BAD,
    CAUTION,
    GOOD,
    LIMIT_ESS,
    LIMIT_EVIDENCE_ERROR,
    LIMIT_K,
    LIMIT_K_BAD,
    LIMIT_MOVED,
    LIMIT_POOR,
    LIMIT_R_HAT,
    LIMIT_R_HAT_BAD,
    LIMIT_SPREAD_ERROR,
    Finding,
    of_chains,
    of_forward,
    of_importance,
)

ORDER = [GOOD, CAUTION, BAD]


@pytest.mark.parametrize(
    ("pareto_k", "ess", "error", "verdict", "findings"),
    [
        (0.3, 9000.0, 0.01, GOOD, []),
        (0.699, LIMIT_ESS, LIMIT_EVIDENCE_ERROR, GOOD, []),
        (LIMIT_K, 9000.0, 0.01, CAUTION, [Finding.HEAVY_WEIGHTS]),
        (LIMIT_K_BAD, 9000.0, 0.01, BAD, [Finding.BROKEN_WEIGHTS]),
        (math.inf, 9000.0, 0.01, BAD, [Finding.BROKEN_WEIGHTS]),
        (math.nan, 9000.0, 0.01, BAD, [Finding.BROKEN_WEIGHTS]),
        (0.3, 399.0, 0.01, CAUTION, [Finding.FEW_WEIGHTED]),
        (0.3, 99.0, 0.01, BAD, [Finding.FEW_WEIGHTED]),
        (0.3, math.nan, 0.01, BAD, [Finding.FEW_WEIGHTED]),
        (0.3, 9000.0, 0.051, CAUTION, [Finding.ROUGH_EVIDENCE]),
        (0.3, 9000.0, math.nan, CAUTION, [Finding.ROUGH_EVIDENCE]),
        (0.8, 399.0, 0.2, CAUTION, [Finding.HEAVY_WEIGHTS, Finding.FEW_WEIGHTED, Finding.ROUGH_EVIDENCE]),
    ],
)
def test_the_verdict_on_weights(pareto_k, ess, error, verdict, findings):
    trust = of_importance(pareto_k, ess, error)
    assert trust.verdict == verdict
    assert trust.notes == tuple(finding.value for finding in findings)
    assert trust.r_hat is None


@pytest.mark.parametrize(
    ("moved", "poor", "findings"),
    [
        (0.0, 0, []),
        (LIMIT_MOVED - 0.01, LIMIT_POOR, []),
        (LIMIT_MOVED, LIMIT_POOR, [Finding.UNSETTLED]),
        (math.nan, 0, [Finding.UNSETTLED]),
        (0.0, LIMIT_POOR + 1, [Finding.LABOURED]),
    ],
)
def test_a_good_batch_after_a_long_search_is_taken_with_caution(moved, poor, findings):
    trust = of_importance(0.3, 9000.0, 0.01, moved, poor)
    assert trust.verdict == (CAUTION if findings else GOOD)
    assert trust.notes == tuple(finding.value for finding in findings)


@pytest.mark.parametrize(
    ("r_hat", "ess", "divergences", "verdict", "findings"),
    [
        (1.002, 2000.0, 0, GOOD, []),
        (1.0099, LIMIT_ESS, 0, GOOD, []),
        (LIMIT_R_HAT, 2000.0, 0, CAUTION, [Finding.CHAINS_DISAGREE]),
        (LIMIT_R_HAT_BAD, 2000.0, 0, BAD, [Finding.CHAINS_DISAGREE]),
        (math.nan, 2000.0, 0, BAD, [Finding.CHAINS_DISAGREE]),
        (1.002, 399.0, 0, CAUTION, [Finding.FEW_DRAWS]),
        (1.002, 99.0, 0, BAD, [Finding.FEW_DRAWS]),
        (1.002, 2000.0, 1, CAUTION, [Finding.DIVERGENT]),
        (1.002, 2000.0, 79, CAUTION, [Finding.DIVERGENT]),
        (1.002, 2000.0, 80, BAD, [Finding.DIVERGENT]),
        (1.02, 399.0, 1, CAUTION, [Finding.CHAINS_DISAGREE, Finding.FEW_DRAWS, Finding.DIVERGENT]),
    ],
)
def test_the_verdict_on_chains(r_hat, ess, divergences, verdict, findings):
    trust = of_chains(r_hat, ess, divergences, draws=8000)
    assert trust.verdict == verdict
    assert trust.notes == tuple(finding.value for finding in findings)
    assert trust.pareto_k is None


def test_draws_of_the_prior_are_good_as_they_are():
    trust = of_forward(4096)
    assert (trust.verdict, trust.ess, trust.notes) == (GOOD, 4096.0, ())


def test_what_is_not_finite_is_no_number_in_a_document():
    assert of_importance(math.inf, 500.0, 0.01).pareto_k is None
    assert of_chains(math.nan, 500.0, 0, 1000).r_hat is None


@pytest.mark.parametrize("error", [0.0, LIMIT_SPREAD_ERROR, 1.01 * LIMIT_SPREAD_ERROR, math.nan])
def test_a_spread_that_hangs_on_a_few_draws_is_taken_with_caution(error):
    trust = of_importance(0.3, 9000.0, 0.01, spread_error=error)
    assert trust.verdict == (GOOD if error <= LIMIT_SPREAD_ERROR else CAUTION)
    assert trust.notes == (() if error <= LIMIT_SPREAD_ERROR else (Finding.ROUGH_SPREAD.value,))


worse = st.floats(0, 2), st.floats(0, 20_000), st.floats(0, 1)


@given(*worse, *worse)
def test_no_diagnostic_that_gets_worse_makes_the_verdict_better(k, ess, error, more_k, less_ess, more_error):
    before = of_importance(k, ess, error)
    after = of_importance(k + more_k, ess - min(ess, less_ess), error + more_error)
    assert ORDER.index(after.verdict) >= ORDER.index(before.verdict)


@pytest.mark.parametrize("finding", Finding)
def test_every_finding_is_a_sentence_with_its_remedy(finding):
    assert finding.value.endswith(".")
    assert any(mark in finding.value for mark in (":", ";"))
