"""The importance engine against posteriors and evidences that are known: closed forms and quadrature."""

import dataclasses
import json
import math

import numpy as np
import pymc as pm
import pytensor.tensor as pt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from montecarlo import assert_within, share_error
from scipy import integrate, special, stats

import estimates as est
from estimates import workers
from estimates.errors import EngineError
from estimates.inference import brisk, importance, learning, mixture, moves, proposal, weights
from estimates.inference.mixture import DEGREES, StudentMixture
from estimates.inference.moves import Population
from estimates.inference.proposal import Bent, Blend, Target
from estimates.inference.weighted import Weighted
from estimates.inference.weights import CLEAR
from estimates.seeds import generator
from estimates.trust import GOOD

# ---- what a fit says, with the error it should have -----------------------------------------------------


def fitted(model, *, seed=1):
    return est.sample(model, seed=seed, engine="importance")


def trust_of(tree):
    return json.loads(tree.attrs["trust"])


def effective(tree):
    """The effective number of draws behind an average: of the weights, less what resampling adds."""
    posterior = tree["posterior"]
    return 1 / (1 / trust_of(tree)["ess"] + 1 / (posterior.sizes["chain"] * posterior.sizes["draw"]))


def flat(tree, name):
    values = tree["posterior"][name].values
    return values.reshape(-1, *values.shape[2:])


def assert_evidence(tree, truth):
    assert_within(tree.attrs["log_evidence"], truth, tree.attrs["log_evidence_mcse"], multiples=3)


# ---- conjugate normal models ----------------------------------------------------------------------------


class Conjugate:
    """x ~ Normal(m, S), y ~ Normal(A x, R): the posterior and the evidence are normal in closed form."""

    def __init__(self, dimension):
        rng = np.random.default_rng(100 + dimension)
        root = rng.normal(size=(dimension, dimension))
        self.mean = rng.normal(size=dimension)
        self.covariance = root @ root.T / dimension + 0.5 * np.eye(dimension)
        self.design = rng.normal(size=(dimension + 1, dimension))
        noise = rng.normal(size=(dimension + 1, dimension + 1))
        self.noise = noise @ noise.T / dimension + 0.3 * np.eye(dimension + 1)
        self.seen = self.design @ rng.multivariate_normal(self.mean, self.covariance) + 0.7

    def model(self):
        with pm.Model() as model:
            x = pm.MvNormal("x", self.mean, cov=self.covariance)
            pm.MvNormal("y", pt.dot(self.design, x), cov=self.noise, observed=self.seen)
        return model

    @property
    def evidence(self):
        predicted = self.design @ self.covariance @ self.design.T + self.noise
        return stats.multivariate_normal.logpdf(self.seen, self.design @ self.mean, predicted)

    @property
    def posterior(self):
        precision = np.linalg.inv(self.covariance) + self.design.T @ np.linalg.solve(self.noise, self.design)
        covariance = np.linalg.inv(precision)
        pull = np.linalg.solve(self.covariance, self.mean) + self.design.T @ np.linalg.solve(
            self.noise, self.seen
        )
        return covariance @ pull, covariance


@pytest.fixture(scope="module", params=[1, 5, 10], ids=lambda dimension: f"{dimension}d")
def conjugate(request):
    truth = Conjugate(request.param)
    return truth, fitted(truth.model())


def test_a_conjugate_normal_model_has_its_posterior_means(conjugate):
    truth, tree = conjugate
    mean, covariance = truth.posterior
    assert_within(flat(tree, "x").mean(axis=0), mean, np.sqrt(np.diag(covariance) / effective(tree)))


def test_a_conjugate_normal_model_has_its_posterior_sds(conjugate):
    truth, tree = conjugate
    sd = np.sqrt(np.diag(truth.posterior[1]))
    assert_within(flat(tree, "x").std(axis=0, ddof=1), sd, sd / math.sqrt(2 * effective(tree)))


def test_a_conjugate_normal_model_has_its_posterior_correlations(conjugate):
    truth, tree = conjugate
    covariance = truth.posterior[1]
    if len(covariance) == 1:
        return  # one unknown correlates with nothing
    sd = np.sqrt(np.diag(covariance))
    above = np.triu_indices(len(sd), 1)
    exact = (covariance / np.outer(sd, sd))[above]
    assert_within(np.corrcoef(flat(tree, "x").T)[above], exact, (1 - exact**2) / math.sqrt(effective(tree)))


def test_a_conjugate_normal_model_has_its_evidence(conjugate):
    truth, tree = conjugate
    assert_evidence(tree, truth.evidence)


def test_a_conjugate_normal_model_is_called_good_with_many_effective_draws(conjugate):
    _, tree = conjugate
    assert trust_of(tree)["verdict"] == "good"
    assert trust_of(tree)["ess"] > 10_000
    assert tree.attrs["log_evidence_mcse"] < 0.02


# ---- bounds ---------------------------------------------------------------------------------------------

HEIGHTS = np.array([1.7, 1.2, 2.4])


def bounded_model():
    with pm.Model() as model:
        centre = pm.Uniform("centre", 0.5, 2.0)
        spread = pm.HalfNormal("spread", 0.8)
        pm.Normal("height", centre, spread, observed=HEIGHTS)
    return model


@pytest.fixture(scope="module")
def bounded():
    return fitted(bounded_model())


def legendre(low, high, count=300):
    place, weight = special.roots_legendre(count)
    return low + (high - low) * (place + 1) / 2, weight * (high - low) / 2


CENTRES, CENTRE_WEIGHTS = legendre(0.5, 2.0)
SPREADS, SPREAD_WEIGHTS = legendre(0.0, 8.0)
BOUNDED = stats.norm.pdf(HEIGHTS, CENTRES[:, None, None], SPREADS[:, None]).prod(axis=2) / 1.5
BOUNDED *= stats.halfnorm.pdf(SPREADS, scale=0.8) * CENTRE_WEIGHTS[:, None] * SPREAD_WEIGHTS


def moment(power_of_centre, power_of_spread):
    """The integral of centre^i spread^j prior likelihood, by Gauss and Legendre."""
    return float(np.sum(CENTRES[:, None] ** power_of_centre * SPREADS**power_of_spread * BOUNDED))


def test_the_evidence_of_a_bounded_model_is_that_of_quadrature(bounded):
    assert_evidence(bounded, math.log(moment(0, 0)))


def test_the_moments_of_a_bounded_model_are_those_of_quadrature(bounded):
    total = moment(0, 0)
    for name, powers in (("centre", (1, 0)), ("spread", (0, 1))):
        mean = moment(*powers) / total
        sd = math.sqrt(moment(*(2 * p for p in powers)) / total - mean**2)
        assert_within(flat(bounded, name).mean(), mean, sd / math.sqrt(effective(bounded)))


def test_draws_stay_inside_their_bounds(bounded):
    assert np.all((flat(bounded, "centre") > 0.5) & (flat(bounded, "centre") < 2.0))
    assert np.all(flat(bounded, "spread") > 0)


# ---- shapes that are hard -------------------------------------------------------------------------------

MODES = ((0.85, -6.0, 0.2), (0.15, 7.0, 0.5))  # weight, place and sd, the same in each of two directions


@pytest.fixture(scope="module")
def bimodal():
    with pm.Model() as model:
        x = pm.Normal("x", 0.0, 10.0, shape=2)
        hills = [math.log(w) + pm.logp(pm.Normal.dist(place, sd), x).sum() for w, place, sd in MODES]
        pm.Potential("hills", pt.logaddexp(*hills))
    return fitted(model)


def masses():
    """Each hill times the prior, integrated: w N(place; 0, 10^2 + sd^2)^2."""
    return np.array([w * stats.norm.pdf(place, 0, math.hypot(10, sd)) ** 2 for w, place, sd in MODES])


def test_two_hills_far_apart_have_their_evidence(bimodal):
    assert_evidence(bimodal, math.log(masses().sum()))


def test_two_hills_far_apart_share_the_draws_by_their_mass(bimodal):
    left = (flat(bimodal, "x")[:, 0] < 0).mean()
    share = masses()[0] / masses().sum()
    assert_within(left, share, share_error(share, effective(bimodal)))


def test_no_draw_lies_between_two_hills_far_apart(bimodal):
    x = flat(bimodal, "x")
    near = [np.all(np.abs(x - place) < 8 * sd, axis=1) for _, place, sd in MODES]
    assert np.all(near[0] | near[1])


DEPTH = np.array([0.02, -0.05, 0.01, 0.04, -0.03, 0.0, 0.02, -0.01, 0.03])


def funnel(sd=0.02):
    with pm.Model() as model:
        depth = pm.Normal("depth", 0.0, 3.0)
        x = pm.Normal("x", 0.0, pt.exp(depth / 2), shape=len(DEPTH))
        pm.Normal("y", x, sd, observed=DEPTH)
    return model


def funnel_moment(power, sd=0.02):
    """The integral of depth^k over the funnel, in which the x integrate out: y ~ Normal(0, e^depth + sd^2)."""

    def integrand(depth):
        width = math.sqrt(math.exp(depth) + sd**2)
        log_density = stats.norm.logpdf(depth, 0, 3) + stats.norm.logpdf(DEPTH, 0, width).sum()
        return depth**power * math.exp(log_density)

    return integrate.quad(integrand, -25, 15, limit=500, points=[-8, -6])[0]


def test_a_deep_funnel_is_never_called_good_while_wrong():
    tree = fitted(funnel())
    if trust_of(tree)["verdict"] != "good":
        return
    total = funnel_moment(0)
    mean = funnel_moment(1) / total
    sd = math.sqrt(funnel_moment(2) / total - mean**2)
    assert_evidence(tree, math.log(total))
    assert_within(flat(tree, "depth").mean(), mean, sd / math.sqrt(effective(tree)))


def neals(points):
    """Neal's funnel (2003): v ~ N(0, 3), nine x ~ N(0, e^(v/2)); its log prior here, and what makes it that."""
    v, x = points[:, 0], points[:, 1:]
    log_prior = stats.norm.logpdf(v, 0, 6) + stats.t.logpdf(x, 1, scale=5).sum(axis=1)
    log_funnel = stats.norm.logpdf(v, 0, 3) + stats.norm.logpdf(x, 0, np.exp(v / 2)[:, None]).sum(axis=1)
    return log_prior, log_funnel - log_prior


def prior_of_neals(count, rng):
    return np.column_stack([rng.normal(0, 6, count), 5 * rng.standard_t(1, size=(count, 9))])


@pytest.mark.parametrize("seed", [1, 2, 6, 12, 20])
def test_neals_funnel_is_never_called_good_while_wrong(seed):
    found = importance.sample(Target(neals, prior_of_neals), seed=seed)
    weights = np.exp(found.log_weights - special.logsumexp(found.log_weights))
    v = found.population.points[:, 0].reshape(weights.shape)
    mean = np.sum(weights * v)
    sd = math.sqrt(np.sum(weights * (v - mean) ** 2))
    is_right = abs(mean) < 0.05 * 3 and abs(sd / 3 - 1) < 0.05
    assert is_right or found.trust.verdict != "good"


# ---- a few points first ----------------------------------------------------------------------------------


def counted(evaluate, counts):
    def evaluate_and_count(points):
        counts.append(len(points))
        return evaluate(points)

    return evaluate_and_count


def near_normal(points):
    return stats.norm.logpdf(points, 0, 2).sum(axis=1), stats.norm.logpdf(points, 1, 1).sum(axis=1)


def prior_near_normal(count, rng):
    return rng.normal(0, 2, size=(count, 3))


def test_a_nearly_normal_posterior_is_settled_by_few_points():
    counts = []
    found = importance.sample(Target(counted(near_normal, counts), prior_near_normal), seed=1)
    assert isinstance(found.proposal.parts[0], proposal.Scored)
    assert importance.DRAWS.is_met(found)
    assert found.effective_size > CLEAR.share * found.log_weights.size
    assert found.pareto_k < CLEAR.pareto_k
    assert sum(counts) < 75_000
    assert_within(
        found.log_evidence, 3 * stats.norm.logpdf(1, 0, math.sqrt(5)), found.log_evidence_error, multiples=3
    )


def test_what_few_points_leave_in_doubt_is_learnt_thoroughly():
    counts = []
    found = importance.sample(Target(counted(neals, counts), prior_of_neals), seed=1)
    assert isinstance(found.proposal.parts[0], StudentMixture)  # a brisk proposal is one of scores
    assert sum(counts) > 300_000


def test_a_likelihood_that_few_draws_of_the_prior_can_explain_is_still_found():
    """One draw in 6,000: the brisk start sees none of it, as a rule, the thorough one some."""

    def evaluate(points):
        inside = np.all(np.abs(points - 2.5) < 0.2, axis=1)
        return stats.norm.logpdf(points).sum(axis=1), np.where(inside, 0.0, -np.inf)

    found = importance.sample(Target(evaluate, lambda count, rng: rng.normal(size=(count, 2))), seed=1)
    share = (stats.norm.cdf(2.7) - stats.norm.cdf(2.3)) ** 2
    assert_within(found.log_evidence, math.log(share), found.log_evidence_error, multiples=3)


def test_a_start_that_does_not_do_is_told_by_its_weights_and_mended():
    """The proposal of another posterior, far from this one: what comes out is right all the same."""
    elsewhere = proposal.Blend.of([StudentMixture(np.ones(1), np.full((1, 3), -4.0), 0.1 * np.eye(3)[None])])
    found = importance.sample(Target(near_normal, prior_near_normal), seed=1, start=elsewhere)
    assert importance.DRAWS.is_met(found)
    evidence = 3 * stats.norm.logpdf(1, 0, math.sqrt(5))  # N(z; 0, 2) N(z; 1, 1) in each coordinate
    assert_within(found.log_evidence, evidence, found.log_evidence_error)


# ---- randomness and data --------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_numbers(bounded):
    again = fitted(bounded_model())
    assert again.identical(bounded)


def test_another_seed_gives_other_numbers(bounded):
    other = fitted(bounded_model(), seed=2)
    assert not np.any(np.isin(flat(other, "centre"), flat(bounded, "centre")))
    assert other.attrs["log_evidence"] != bounded.attrs["log_evidence"]


def test_changing_the_data_of_a_model_changes_the_fit():
    with pm.Model() as model:
        y = pm.Data("y_seen", np.array([0.5, 1.0]))
        level = pm.Normal("level", 0.0, 2.0)
        pm.Normal("y", level, 1.0, observed=y)
    for seen in ([0.5, 1.0], [4.0, 6.0]):
        with model:
            pm.set_data({"y_seen": np.array(seen)})
        tree = fitted(model)
        precision = 1 / 4 + 2
        assert_within(
            flat(tree, "level").mean(), sum(seen) / precision, 1 / math.sqrt(precision * effective(tree))
        )
        predicted = np.eye(2) + 4.0
        assert_evidence(tree, stats.multivariate_normal.logpdf(seen, [0, 0], predicted))


def test_priors_that_contradict_the_data_are_an_error_that_says_so():
    with pm.Model() as model:
        x = pm.Uniform("x", 0.0, 1.0)
        pm.Potential("beyond", pt.switch(x > 2.0, 0.0, -np.inf))
    with pytest.raises(EngineError, match="contradict the reports"):
        fitted(model)


def test_a_discrete_unknown_is_refused_by_name():
    with pm.Model() as model:
        count = pm.Poisson("ships", 3.0)
        pm.Normal("y", count, 1.0, observed=2.5)
    with pytest.raises(EngineError, match="ships is discrete"):
        fitted(model)


def test_what_is_no_model_is_refused():
    with pytest.raises(EngineError, match="dict is no pm.Model"):
        est.sample({}, seed=1)


def test_a_model_without_data_is_its_prior():
    with pm.Model() as model:
        pm.Normal("x", 3.0, 2.0)
    tree = est.sample(model, seed=1)
    draws = flat(tree, "x")
    assert tree.attrs["engine"] == "forward"
    assert "log_evidence" not in tree.attrs
    assert stats.kstest(draws, stats.norm(3.0, 2.0).cdf).pvalue > 1e-4


# ---- weights --------------------------------------------------------------------------------------------

finite = st.floats(-20, 20, allow_nan=False)
log_weights_of = arrays(float, (4, 16), elements=finite)


def weighted(log_weights):
    return of_points(np.arange(log_weights.size, dtype=float).reshape(*log_weights.shape, 1), log_weights)


def of_points(points, log_weights):
    flat = points.reshape(log_weights.size, -1)
    population = moves.Population(flat, np.zeros(len(flat)), np.zeros(len(flat)))
    return Weighted(population, log_weights, pareto_k=0.1, proposal=proposal.Blend((), np.empty(0)))


def relative(found, exact):
    assert found == pytest.approx(exact, rel=1e-9)


def test_equal_weights_are_all_effective_and_have_no_error_but_their_own():
    equal = weighted(np.full((4, 16), -3.0))
    relative(equal.effective_size, 64)
    relative(equal.log_evidence, -3.0)
    assert equal.log_evidence_error < 1e-6


def test_one_weight_above_all_others_is_one_effective_draw():
    log_weights = np.full((4, 16), -1000.0)
    log_weights[2, 5] = 0.0
    relative(weighted(log_weights).effective_size, 1.0)
    relative(weighted(log_weights).log_evidence, -math.log(64))


@given(log_weights_of)
def test_the_evidence_is_the_mean_weight_and_the_effective_size_is_kishs(log_weights):
    weights = np.exp(log_weights)
    relative(weighted(log_weights).log_evidence, math.log(weights.mean()) or 0.0)
    relative(weighted(log_weights).effective_size, weights.sum() ** 2 / (weights**2).sum())


@given(log_weights_of, st.floats(-500, 500))
def test_a_common_factor_moves_the_evidence_and_nothing_else(log_weights, factor):
    one, other = weighted(log_weights), weighted(log_weights + factor)
    assert other.log_evidence - one.log_evidence == pytest.approx(factor, rel=1e-9, abs=1e-9)
    relative(other.effective_size, one.effective_size)
    assert other.log_evidence_error == pytest.approx(one.log_evidence_error, rel=1e-6, abs=1e-6)


def test_the_error_of_the_evidence_counts_scrambles_that_disagree():
    agreeing = np.log(np.tile([1.0, 3.0], (4, 8)))
    disagreeing = agreeing + np.log([[1.0], [2.0], [3.0], [4.0]])
    means = np.exp(disagreeing).mean(axis=1)
    exact = means.std(ddof=1) / means.mean() / math.sqrt(4)
    assert weighted(disagreeing).log_evidence_error >= exact * (1 - 1e-9)
    assert weighted(disagreeing).log_evidence_error > weighted(agreeing).log_evidence_error


@settings(max_examples=50)
@given(log_weights_of, st.integers(0, 1000))
def test_resampling_takes_each_point_within_one_of_its_share(log_weights, seed):
    sample = weighted(log_weights)
    draws = 100
    resampled = sample.population.points[sample.resample(draws, generator(seed))]
    of_scrambles = sample.population.points.reshape(*log_weights.shape, 1)
    for row, points, chosen in zip(log_weights, of_scrambles, resampled, strict=True):
        share = np.exp(row - special.logsumexp(row))
        times = np.array([(chosen == point).sum() for point in points[:, 0]])
        assert times.sum() == draws
        assert np.all(np.abs(times - draws * share) <= 1 + 1e-9)


def test_what_lies_far_out_is_taken_as_often_as_its_weight_says_however_many_points_share_it():
    rng = np.random.default_rng(6)
    points = rng.standard_t(3, size=(4, 500, 2))
    points[0, 0] = np.inf  # outside, and of no weight
    log_weights = rng.normal(size=(4, 500))
    log_weights[0, 0] = -np.inf
    sample = of_points(points, log_weights)
    draws = 250
    resampled = points.reshape(-1, 2)[sample.resample(draws, generator(6))]
    share = special.softmax(log_weights)
    flat = np.where(share[:, :, None] > 0, points, 0.0)
    middle = np.einsum("sn,snd->d", share, flat)
    spread = np.sqrt(np.einsum("sn,snd->d", share, (flat - middle) ** 2))

    def distance(of):
        return np.sum(((of - middle) / spread) ** 2, axis=-1)

    for row, before, after in zip(log_weights, flat, resampled, strict=True):
        for far in (1.0, 3.0, 10.0, 20.0):
            expected = draws * special.softmax(row)[distance(before) > far].sum()
            assert abs(np.count_nonzero(distance(after) > far) - expected) <= 1 + 1e-6


def test_a_long_tail_keeps_its_spread_where_one_draw_more_or_less_of_it_would_not(monkeypatch):
    """The spread of 1,000 draws of a Student-t with 3 degrees of freedom, beside that of the weighted points."""
    rng = np.random.default_rng(7)
    points = rng.standard_t(3, size=(4, 3000, 1))
    log_weights = rng.normal(0, 0.5, size=(4, 3000))
    sample = of_points(points, log_weights)
    share = special.softmax(log_weights, axis=1).ravel() / 4
    spread = np.sqrt(share @ points.ravel() ** 2 - (share @ points.ravel()) ** 2)

    def off():
        drawn = [points.ravel()[sample.resample(250, generator(seed))] for seed in range(20)]
        return np.sqrt(np.mean([(one.std() / spread - 1) ** 2 for one in drawn]))

    chosen_well = off()
    monkeypatch.setattr(weights, "_BEGINNINGS", 1)
    assert chosen_well < off() / 2.5


def test_a_proposal_that_lacks_draws_is_drawn_from_again_and_not_learnt_anew(monkeypatch):
    """The posterior of four normals in closed form; too much is thought of what was learnt, so that few come."""
    monkeypatch.setattr(importance, "_LEAST_POINTS", 64)
    asked = []
    batches = importance._batches

    def counted(blend, target, points, seed, *stream):
        asked.append((blend, points, stream[:2]))
        return batches(blend, target, points, seed, *stream)

    monkeypatch.setattr(importance, "_batches", counted)

    def evaluate(points):
        log_prior = stats.norm.logpdf(points).sum(axis=1)
        return log_prior, stats.norm.logpdf(points, 1.0, 0.5).sum(axis=1)

    learnt = brisk.learnt
    monkeypatch.setattr(brisk, "learnt", lambda *args: dataclasses.replace(learnt(*args), share=6.0))
    found = importance.sample(Target(evaluate, lambda count, rng: rng.normal(size=(count, 4))), seed=1)
    (first, few, _), (second, more, stream) = asked
    assert first.parts == second.parts
    assert stream == ("brisk", "more")
    assert found.log_weights.shape == (proposal.SCRAMBLES, few + more)
    assert found.effective_size > 0.9 * importance.DRAWS.effective
    exact = 4 * stats.norm.logpdf(1.0, 0.0, math.hypot(1.0, 0.5))
    assert_within(found.log_evidence, exact, found.log_evidence_error)


def test_however_many_threads_draw_a_batch_the_numbers_are_the_same(monkeypatch):
    rng = np.random.default_rng(3)
    blend = Blend.of([Bent.of(rng.normal(size=(500, 3)), 3, rng), Bent.of(rng.normal(size=(90, 3)), 1, rng)])
    answers = []
    for count in (1, 2, 5):
        monkeypatch.setattr(workers.os, "process_cpu_count", lambda count=count: count)
        workers._threads.cache_clear()
        rngs = [np.random.default_rng(number) for number in range(8)]
        answers.append(proposal.batch_of(blend, near_normal, prior_near_normal, 300, *rngs))
    workers._threads.cache_clear()
    for population, log_proposal in answers[1:]:
        assert np.array_equal(population.points, answers[0][0].points)
        assert np.array_equal(log_proposal, answers[0][1])
    for number in range(8):  # each generator gives what it gives alone
        mine = slice(300 * number, 300 * (number + 1))
        alone, density = proposal.batch_of(
            blend, near_normal, prior_near_normal, 300, np.random.default_rng(number)
        )
        np.testing.assert_allclose(answers[0][0].points[mine], alone.points, rtol=1e-12)
        np.testing.assert_allclose(answers[0][1][mine], density, rtol=1e-10)


def test_a_thorough_start_has_no_more_rounds_than_it_needs(monkeypatch):
    rounds = []
    batch_of = learning.weighted_batch_of

    def counted(*args):
        rounds.append(args)
        return batch_of(*args)

    monkeypatch.setattr(learning, "weighted_batch_of", counted)
    learner = learning.Learner(Target(near_normal, prior_near_normal), generator(1))
    learner.from_prior(lambda share, words: None)
    assert len(rounds) == 1
    monkeypatch.setattr(learning, "CLEAR", CLEAR._replace(share=1.0))
    learning.Learner(Target(near_normal, prior_near_normal), generator(1)).from_prior(
        lambda share, words: None
    )
    assert len(rounds) == 1 + learner.budget.rounds


RARE, FAR = 0.01, 8.0


def rarely_wide(points):
    """A normal in three dimensions, and one time in a hundred one that is eight times as wide."""
    log_prior = stats.norm.logpdf(points, 0, 20.0).sum(axis=1)
    narrow, wide = (stats.norm.logpdf(points, 0, scale).sum(axis=1) for scale in (1.0, FAR))
    return log_prior, np.logaddexp(math.log(1 - RARE) + narrow, math.log(RARE) + wide) - log_prior


def prior_rarely_wide(count, rng):
    return rng.normal(0, 20.0, size=(count, 3))


def test_spreads_that_are_not_known_as_well_as_was_asked_take_lessons_and_then_more_points(monkeypatch):
    """Of a variance of which two fifths are a hundredth of the draws."""
    asked = []
    batches = importance._batches

    def counted(blend, target, points, seed, *stream):
        asked.append((stream, points))
        return batches(blend, target, points, seed, *stream)

    monkeypatch.setattr(importance, "_batches", counted)
    target = Target(rarely_wide, prior_rarely_wide, lambda points: points)
    exact = math.sqrt(1 - RARE + RARE * FAR**2)
    errors = []
    for spread in (1.0, 0.004):
        asked.clear()
        found = importance.sample(target, seed=1, effort=dataclasses.replace(importance.DRAWS, spread=spread))
        flat, share = found.population.points, special.softmax(found.log_weights.ravel())
        deviation = np.sqrt(share @ flat**2 - (share @ flat) ** 2)
        errors.append(weights.spread_error(found.log_weights.ravel(), found.population.points))
        assert np.all(np.abs(deviation / exact - 1) < 4 * errors[-1])
        assert found.trust.verdict == GOOD
        assert found.log_weights.shape[1] == sum(points for _, points in asked)  # all batches were good
        if spread == 1.0:
            assert [stream for stream, _ in asked] == [("brisk", "final", 0), ("brisk", "more", 0)]
    assert errors[0] > 0.004
    assert errors[1] < 1.25 * 0.004
    *lessons, more = [stream for stream, _ in asked]
    assert lessons == [("brisk", "final", number) for number in range(len(lessons))]
    assert more == ("brisk", "more", len(lessons) - 1)
    assert 1 < len(lessons) <= importance._TAUGHT_FOR_SPREADS + 1


def test_good_batches_in_a_row_count_together_and_what_came_before_a_bad_one_does_not(monkeypatch):
    rng = np.random.default_rng(8)
    qualities = iter(["even", "even", "heavy", "even", "even"])

    def batches(*_):
        quality, found = next(qualities), []
        for _ in range(8):
            log_weights = 0.1 * rng.normal(size=500) if quality == "even" else -3 * np.log(rng.random(500))
            population = moves.Population(rng.normal(size=(500, 2)), np.zeros(500), np.zeros(500))
            found.append((population, log_weights))
        return found

    monkeypatch.setattr(importance, "_batches", batches)
    effort = dataclasses.replace(importance.DRAWS, effective=1, error=0.0)  # never met
    rounds = importance._Rounds(Target(near_normal, prior_near_normal), 1, effort, is_brisk=False)
    sizes = []
    for _ in range(5):
        population, log_weights = rounds.drawn(proposal.Blend((), np.empty(0)), 500)
        assert len(population) == len(log_weights) == 8 * 500
        sizes.append(rounds.result.log_weights.size // 4000)
        assert len(rounds.result.population) == rounds.result.log_weights.size
    assert sizes == [1, 2, 1, 1, 2]
    assert not rounds.are_done


def test_points_that_spreads_take_are_no_more_than_three_times_the_most():
    sample = of_points(np.zeros((8, 4096, 1)), np.zeros((8, 4096)))
    effort = importance.DRAWS
    assert effort.lacking(sample, 0.0) == effort.lacking(sample, 1.0) == 0
    assert effort.lacking(sample, 2.0) == 3 * 4096 == effort.lacking(sample, 50.0)
    assert effort.lacking(sample, 1.5) == 1.25 * 4096
    assert effort.lacking(sample, math.sqrt(1.04)) == 0


# ---- mixtures -------------------------------------------------------------------------------------------


def example_mixture():
    weights = np.array([0.6, 0.3, 0.1])
    means = np.array([[0.0, 1.0], [-4.0, 2.0], [5.0, -3.0]])
    factors = np.array([[[1.0, 0.0], [0.7, 0.5]], [[0.3, 0.0], [-0.2, 0.9]], [[2.0, 0.0], [1.0, 0.1]]])
    return StudentMixture(weights, means, factors)


def test_the_density_of_a_mixture_is_that_of_its_student_parts():
    parts = example_mixture()
    points = np.random.default_rng(3).normal(0, 6, size=(500, 2))
    exact = sum(
        weight * stats.multivariate_t.pdf(points, mean, factor @ factor.T, df=DEGREES)
        for weight, mean, factor in zip(parts.weights, parts.means, parts.factors, strict=True)
    )
    np.testing.assert_allclose(parts.log_density(points), np.log(exact), rtol=1e-9)


def test_the_density_of_a_mixture_integrates_to_one():
    parts = StudentMixture(np.array([0.7, 0.3]), np.array([[1.0], [-6.0]]), np.array([[[0.5]], [[2.0]]]))
    total, error = integrate.quad(
        lambda x: math.exp(parts.log_density(np.array([[x]]))[0]), -np.inf, np.inf, limit=400
    )
    assert_within(total, 1.0, max(error, 1e-10))


def test_the_draws_of_a_mixture_follow_it():
    parts = StudentMixture(np.array([0.7, 0.3]), np.array([[1.0], [-6.0]]), np.array([[[0.5]], [[2.0]]]))
    draws = parts.draw(np.random.default_rng(4).random((4000, 3)))[:, 0]

    def cumulative(x):
        return 0.7 * stats.t.cdf((x - 1.0) / 0.5, DEGREES) + 0.3 * stats.t.cdf((x + 6.0) / 2.0, DEGREES)

    assert stats.kstest(draws, cumulative).pvalue > 1e-4


def test_the_draws_of_a_mixture_have_its_correlations():
    one = StudentMixture(np.ones(1), np.array([[2.0, -1.0]]), np.array([[[1.0, 0.0], [-0.8, 0.6]]]))
    draws = one.draw(np.random.default_rng(5).random((20_000, 4)))
    # The correlation of ranks is hardly touched by the tails, and for an ellipse it is known (Kruskal).
    found = stats.kendalltau(draws[:4000, 0], draws[:4000, 1]).statistic
    assert_within(found, 2 / math.pi * math.asin(-0.8), math.sqrt(4 / (9 * 4000)))
    assert_within(draws.mean(axis=0), [2.0, -1.0], math.sqrt(DEGREES / (DEGREES - 2) / len(draws)))


def test_normal_quantiles_become_those_of_student():
    """sqrt(v / x) at the quantile x of a chi-squared of v degrees that a normal quantile stands for."""
    normals = np.random.default_rng(2).uniform(-7.1, 7.1, 5_000)
    lower, upper = (
        stats.chi2(DEGREES).ppf(special.ndtr(normals)),
        stats.chi2(DEGREES).isf(special.ndtr(-normals)),
    )
    expected = np.sqrt(DEGREES / np.where(normals < 0, lower, upper))
    assert np.allclose(mixture._lengthening(normals[:, None])[:, 0], expected, rtol=2e-9)


def test_a_fitted_mixture_comes_as_near_the_truth_as_its_points_allow():
    truth = example_mixture()
    rng = np.random.default_rng(6)
    points, fresh = truth.draw(rng.random((8000, 4))), truth.draw(rng.random((40_000, 4)))
    found = mixture.fit(points, 3, rng, start=truth)
    assert found.log_density(points).mean() > truth.log_density(points).mean()
    lost = truth.log_density(fresh) - found.log_density(fresh)
    error = lost.std() / math.sqrt(len(lost))
    parameters = 3 * (2 + 3) + 2
    # What is lost by estimating p parameters from n points is p / 2n on average, with half that as its sd.
    assert -4 * error < lost.mean() < 4 * error + 3 * parameters / (2 * len(points))


def test_components_find_hills_that_nobody_told_them_of():
    truth = example_mixture()
    rng = np.random.default_rng(6)
    points, fresh = truth.draw(rng.random((8000, 4))), truth.draw(rng.random((40_000, 4)))
    one, many = (mixture.fit(points, components, rng) for components in (1, 12))
    gain = many.log_density(fresh) - one.log_density(fresh)
    lost = truth.log_density(fresh) - many.log_density(fresh)
    assert gain.mean() > 10 * lost.mean()
    assert gain.mean() > 4 * gain.std() / math.sqrt(len(gain))


def test_a_better_start_is_only_improved_upon():
    truth = example_mixture()
    rng = np.random.default_rng(7)
    points = truth.draw(rng.random((4000, 4)))
    rough = StudentMixture(np.full(3, 1 / 3), truth.means + 1.0, np.repeat(2 * np.eye(2)[None], 3, axis=0))
    heights = [rough.log_density(points).mean()]
    for _ in range(3):
        rough = mixture.fit(points, 3, rng, start=rough)
        heights.append(rough.log_density(points).mean())
    assert heights == sorted(heights)
    assert heights[-1] > heights[0]


def test_no_component_falls_below_the_least_weight_asked_for():
    rng = np.random.default_rng(8)
    points = np.concatenate([rng.normal(0, 1, (3990, 2)), rng.normal(9, 0.1, (10, 2))])
    found = mixture.fit(points, 6, rng, least=0.02)
    assert np.all(found.weights >= 0.02 / (1 + 6 * 0.02))
    assert found.weights.sum() == pytest.approx(1.0, rel=1e-12)


def test_points_on_a_line_still_give_a_mixture():
    x = np.linspace(-1, 1, 400)
    found = mixture.fit(np.column_stack([x, 3 * x]), 3, np.random.default_rng(9))
    assert np.all(np.isfinite(found.log_density(np.column_stack([x, 3 * x]))))


# ---- moves ----------------------------------------------------------------------------------------------


def correlated(points):
    """Prior Normal(0, I); likelihood that makes the posterior Normal(0, S) with a correlation of 0.9."""
    posterior = stats.multivariate_normal.logpdf(points, [0, 0], [[1, 0.9], [0.9, 1]])
    prior = stats.norm.logpdf(points).sum(axis=1)
    return prior, posterior - prior


def test_moves_leave_a_population_that_follows_the_target_following_it():
    rng = np.random.default_rng(10)
    start = moves.evaluated(rng.multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]], 6000), correlated)
    moved = moves.move(start, correlated, 1.0, 10, rng)
    assert_within(moved.points.mean(axis=0), 0.0, 1 / math.sqrt(6000))
    assert_within(moved.points.std(axis=0), 1.0, 1 / math.sqrt(2 * 6000))
    assert_within(np.corrcoef(moved.points.T)[0, 1], 0.9, (1 - 0.81) / math.sqrt(6000))


def test_moves_with_power_nought_follow_the_prior():
    rng = np.random.default_rng(11)
    start = moves.evaluated(0.3 * rng.normal(size=(6000, 2)) + 1.0, correlated)
    moved = moves.move(start, correlated, 0.0, 60, rng)
    assert_within(np.corrcoef(moved.points.T)[0, 1], 0.0, 1 / math.sqrt(6000))
    assert_within(moved.points.std(axis=0), 1.0, 1 / math.sqrt(2 * 6000))


def test_moves_keep_each_point_with_its_own_density():
    rng = np.random.default_rng(12)
    moved = moves.move(moves.evaluated(rng.normal(size=(200, 2)), correlated), correlated, 0.5, 5, rng)
    prior, likelihood = correlated(moved.points)
    np.testing.assert_allclose(moved.log_prior, prior, rtol=1e-12)
    np.testing.assert_allclose(moved.log_likelihood, likelihood, rtol=1e-12)


def test_moves_never_leave_the_support():
    def on_the_right(points):
        return stats.norm.logpdf(points).sum(axis=1), np.where(points[:, 0] > 0, 0.0, -np.inf)

    rng = np.random.default_rng(13)
    start = moves.evaluated(np.abs(rng.normal(size=(500, 2))), on_the_right)
    assert np.all(moves.move(start, on_the_right, 1.0, 20, rng).points[:, 0] > 0)


def test_a_density_that_is_not_a_number_is_outside():
    points = np.array([[0.0], [1.0], [2.0]])
    found = moves.evaluated(points, lambda p: (np.array([0.0, np.nan, 0.0]), np.array([0.0, 0.0, np.nan])))
    assert [*np.isfinite(found.log_prior + found.log_likelihood)] == [True, False, False]


def test_populations_join_in_order_and_give_their_members():
    one = Population(np.array([[1.0], [2.0]]), np.array([0.1, 0.2]), np.array([0.3, 0.4]))
    both = moves.joined(one, one.take(np.array([1])))
    assert both.points[:, 0].tolist() == [1.0, 2.0, 2.0]
    assert both.log_likelihood.tolist() == [0.3, 0.4, 0.4]
    assert len(both) == 3


# ---- seeds ----------------------------------------------------------------------------------------------


def test_a_stream_is_told_by_its_seed_and_all_its_names():
    streams = [(1, "a"), (1, "b"), (2, "a"), (1, "a", 2), (1, "a", 1), (1, "ab", "c"), (1, "a", "bc"), (1,)]
    firsts = [generator(*keys).random() for keys in streams]
    assert len(set(firsts)) == len(streams)
    assert firsts == [generator(*keys).random() for keys in streams]


def test_data_that_pymc_converts_are_read_as_what_was_observed():
    with pm.Model() as model:
        counts = pm.Data("counts", np.array([1, 2, 4]))
        pm.Normal("y", pm.Normal("mu", 0.0, 5.0), 1.0, observed=counts)
    np.testing.assert_array_equal(fitted(model)["observed_data"]["y"], [1.0, 2.0, 4.0])
