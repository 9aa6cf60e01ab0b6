"""Assumptions that go together: what is refused, and the joint prior against SciPy's normal distribution."""

import itertools
import math
import re

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from montecarlo import assert_within
from scipy import stats
from small import OIL
from test_terms import PRIORS

import estimates as est
from estimates import terms
from estimates.assumptions import Prior
from estimates.correlations import Correlation, given_others, group_of, score_correlations
from estimates.errors import ModelError, StudyError
from estimates.inference.forward import compile_forward
from estimates.study import read_text
from estimates.terms.marginal import Marginal

LOADS = """
[assumption.size]
unit = "dimensionless"
prior = { family = "normal", q05 = 1.2, q95 = 3, lower = 1 }
basis = "A guess."

[assumption.filled]
unit = "dimensionless"
prior = { family = "beta", q05 = 0.1, q95 = 0.7 }
basis = "A guess."

[assumption.stops]
unit = "dimensionless"
prior = { family = "gamma", q05 = 1, q95 = 4, upper = 6 }
basis = "A guess."
"""


def stated(one, other, rank, name="correlation"):
    return f'[[{name}]]\nbetween = ["{one}", "{other}"]\nrank_correlation = {rank}\nbasis = "A guess."\n'


PAIRS = stated("size", "filled", 0.8) + stated("filled", "stops", -0.5)
STUDY = read_text(OIL + PRIORS + LOADS + PAIRS)
NAMES = ("size", "filled", "stops")


def pair(one, other, rank):
    return Correlation(between=(one, other), rank_correlation=rank, basis="A guess.")


# ---- what a study may say ------------------------------------------------------------------------------


def test_a_study_keeps_its_correlations_and_its_fingerprint_knows_them():
    assert [(c.between, c.rank_correlation) for c in STUDY.correlations] == [
        (("size", "filled"), 0.8),
        (("filled", "stops"), -0.5),
    ]
    assert STUDY.fingerprint != read_text(OIL + PRIORS + LOADS).fingerprint
    assert STUDY.variant("late").correlations == STUDY.correlations


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            stated("size", "fill", 0.5),
            "study:\\d+ · correlation 1 · between: unknown assumption 'fill'\n.*mean 'filled'",
        ),
        (stated("size", "size", 0.5), "'size' with itself\n.*two assumptions"),
        (
            stated("size", "filled", 1),
            "study:\\d+ · correlation 1 · rank_correlation: a rank correlation of 1\n.*below 1",
        ),
        (stated("size", '", "filled', 0.5), "correlation 1 · between: 3 names\n.*Name two assumptions"),
        (
            stated("size", "filled", 0.5).replace("[[correlation]]", "[correlation]"),
            "is one table\n.*two brackets",
        ),
        (stated("size", "issuer_bias", 0.5), "'issuer_bias' may be one for each issuer\n.*one number"),
        (
            stated("size", "filled", 0.5) + stated("filled", "size", 0.4),
            "correlation 2 · between: filled and size twice\n.*State it once",
        ),
        (
            stated("size", "filled", 0.9) + stated("filled", "stops", 0.9) + stated("size", "stops", -0.9),
            "no joint distribution has these: size and filled 0.9, .*\n.*all of them times 0.5",
        ),
    ],
)
def test_what_cannot_be_is_refused(text, message):
    with pytest.raises(StudyError, match=f"(?s){message}"):
        read_text(OIL + PRIORS + LOADS + text)


def test_the_remedy_of_impossible_correlations_is_the_largest_that_is_possible():
    def text(share):
        ranks = zip(itertools.combinations(NAMES, 2), (0.9, -0.9, 0.9), strict=True)
        return OIL + PRIORS + LOADS + "".join(stated(*names, rank * share) for names, rank in ranks)

    with pytest.raises(StudyError) as refused:
        read_text(text(1.0))
    share = float(re.search(r"times (0\.\d+)", str(refused.value))[1])
    assert read_text(text(share)).correlations
    with pytest.raises(StudyError, match="no joint distribution"):
        read_text(text(share + 0.01))


# ---- scores --------------------------------------------------------------------------------------------


def test_a_group_reaches_over_a_chain_of_pairs():
    chain = [pair("a", "b", 0.1), pair("c", "b", 0.1), pair("x", "y", 0.1)]
    assert group_of("a", chain) == {"a", "b", "c"}
    assert group_of("y", chain) == {"x", "y"}
    assert group_of("z", chain) == {"z"}


@given(st.lists(st.floats(-0.45, 0.45), min_size=3, max_size=3))
def test_a_score_given_others_is_that_of_the_joint_normal(ranks):
    pairs = [pair(*names, rank) for names, rank in zip(itertools.combinations("abc", 2), ranks, strict=True)]
    matrix = score_correlations("abc", pairs)
    weights, spread = given_others("c", ["a", "b"], pairs)
    z = np.array([0.7, -1.3, 0.4])
    joint = stats.multivariate_normal(cov=matrix).logpdf(z)
    others = stats.multivariate_normal(cov=matrix[:2, :2]).logpdf(z[:2])
    assert stats.norm(weights @ z[:2], spread).logpdf(z[2]) == pytest.approx(joint - others, rel=1e-9)


DISTRIBUTIONS = [
    ("uniform", {"lower": 2.0, "upper": 5.0}),
    ("normal", {"q05": -1.0, "q95": 3.0}),
    ("normal", {"q05": 1.2, "q95": 3.0, "lower": 1.0}),
    ("normal", {"q05": 1.2, "q95": 3.0, "lower": 1.0, "upper": 3.1}),
    ("lognormal", {"q05": 1.0, "q95": 30.0}),
    ("lognormal", {"q05": 47.0, "q95": 93.0, "lower": 43.5}),
    ("halfnormal", {"q95": 0.098}),
    ("halfnormal", {"q95": 0.098, "upper": 0.11}),
    ("beta", {"q05": 0.1, "q95": 0.7}),
    ("gamma", {"q05": 1.0, "q95": 4.0}),
    ("gamma", {"q05": 1.0, "q95": 4.0, "upper": 6.0}),
    ("student_t", {"q05": -1.0, "q95": 3.0, "df": 4.0}),
]


@pytest.mark.parametrize(("family", "fields"), DISTRIBUTIONS)
def test_scores_and_values_are_those_of_the_prior(family, fields):
    solved = Prior(family=family, **fields).solve(float)
    ends = [bound if math.isfinite(bound) else None for bound in (solved.lower, solved.upper)]
    marginal = Marginal(family, solved.parameters, *ends)
    scores = np.array([-3.0, -1.2, 0.0, 0.4, 2.5])
    values = solved.quantile(stats.norm.cdf(scores))
    # Not closer: a constant in PyMC's own distribution functions is in single precision.
    assert marginal.value(pt.constant(scores)).eval() == pytest.approx(values, rel=1e-6, abs=1e-8)
    assert marginal.score(pt.constant(values)).eval() == pytest.approx(scores, rel=1e-6, abs=2e-6)


# ---- the joint prior -----------------------------------------------------------------------------------


def model_of(study, names):
    with terms.frame(study) as model:
        for name in names:
            terms.assumption(name)
    return model


def drawn(names, count=40_000):
    model = model_of(STUDY, names)
    wanted = [model[name] for name in NAMES]
    return compile_forward(model, [], wanted).run({}, count, np.random.default_rng(3))


def test_draws_have_the_stated_rank_correlations_and_keep_their_priors():
    draws = drawn(("stops", "size", "filled"))
    ranks = stats.spearmanr(np.array([draws[name] for name in NAMES]).T).statistic
    # The error of a rank correlation is at most 1 / sqrt(n - 1), and less where it is not 0.
    for (i, j), truth in {(0, 1): 0.8, (1, 2): -0.5, (0, 2): 0.0}.items():
        assert_within(ranks[i, j], truth, 1 / math.sqrt(40_000))
    for name in NAMES:
        assert stats.kstest(draws[name], STUDY.distribution(name).cumulative).pvalue > 1e-4


def log_density(values):
    """The joint prior of the three, by SciPy."""
    priors = [STUDY.distribution(name) for name in NAMES]
    scores = np.array([stats.norm.ppf(p.cumulative(x)) for p, x in zip(priors, values, strict=True)])
    matrix = score_correlations(NAMES, STUDY.correlations)
    step = 1e-6
    own = [
        math.log((p.cumulative(x + step) - p.cumulative(x - step)) / (2 * step))
        for p, x in zip(priors, values, strict=True)
    ]
    joint = stats.multivariate_normal(cov=matrix).logpdf(scores) - stats.norm.logpdf(scores).sum()
    return joint + sum(own)


@pytest.mark.parametrize("order", list(itertools.permutations(NAMES)))
def test_the_joint_density_is_the_copulas_in_whatever_order_it_is_asked_for(order):
    model = model_of(STUDY, order)
    values = dict(zip(NAMES, (1.7, 0.45, 2.9), strict=True))
    terms_ = model.logp(jacobian=False, sum=False)
    inputs = {model.rvs_to_values[model[name]]: model.rvs_to_transforms[model[name]] for name in NAMES}
    point = {
        value.name: float(
            transform.forward(np.float64(values[name]), *model[name].owner.inputs).eval()
            if transform
            else values[name]
        )
        for name, (value, transform) in zip(NAMES, inputs.items(), strict=True)
    }
    found = model.compile_fn(sum(term.sum() for term in terms_), inputs=model.value_vars)(point)
    assert found == pytest.approx(log_density(values.values()), rel=1e-6)


def test_one_that_is_fixed_leaves_the_others_as_they_are():
    study = STUDY.assuming(filled=0.3)
    model = model_of(study, NAMES)
    size, stops = (
        compile_forward(model, [], [model["size"], model["stops"]])
        .run({}, 40_000, np.random.default_rng(3))
        .values()
    )
    assert_within(stats.spearmanr(size, stops).statistic, 0.0, 1 / math.sqrt(40_000))


def test_one_that_goes_together_with_others_is_refused_for_several():
    with (
        terms.frame(STUDY),
        pytest.raises(ModelError, match="'size' goes together with others.*one for each report"),
    ):
        terms.assumption("size", dims="report")


# ---- what is fitted ------------------------------------------------------------------------------------

NORMALS = """
[assumption.size]
unit = "dimensionless"
prior = { family = "normal", q05 = -1, q95 = 3 }
basis = "A guess."

[assumption.filled]
unit = "dimensionless"
prior = { family = "normal", q05 = 0, q95 = 2 }
basis = "A guess."

"""


def test_the_posterior_of_two_that_go_together_is_the_conjugate_one():
    study = read_text(OIL + PRIORS + NORMALS + stated("size", "filled", 0.6))
    with terms.frame(study) as model:
        size, filled = terms.assumption("size"), terms.assumption("filled")
        pm.Normal("seen", size + 2 * filled, 0.5, observed=4.5)
    z95 = stats.norm.ppf(0.95)
    mean, sd = np.array([1.0, 1.0]), np.array([2.0, 1.0]) / z95
    r = 2 * math.sin(math.pi * 0.6 / 6)
    prior = np.diag(sd) @ [[1, r], [r, 1]] @ np.diag(sd)
    a = np.array([1.0, 2.0])
    variance = a @ prior @ a + 0.25
    gain = prior @ a / variance
    after, left = mean + gain * (4.5 - a @ mean), prior - np.outer(gain, a @ prior)
    tree = est.sample(model, seed=1, engine="importance")
    truth = stats.norm(a @ mean, math.sqrt(variance)).logpdf(4.5)
    assert_within(tree.attrs["log_evidence"], truth, tree.attrs["log_evidence_mcse"], multiples=3)
    draws = np.array([tree["posterior"][name].values.ravel() for name in ("size", "filled")])
    error = np.sqrt(np.diag(left) / 4000)  # thousands of effective draws
    assert_within(draws.mean(axis=1), after, error)
    found = np.corrcoef(draws)[0, 1]
    wanted = left[0, 1] / math.sqrt(left[0, 0] * left[1, 1])
    assert_within(found, wanted, 1 / math.sqrt(4000))
