"""What few points teach: proposals of easy posteriors, and refusals where few points do not do."""

import math

import numpy as np
import pytest
from montecarlo import assert_within
from scipy import integrate, special, stats

from estimates.inference import brisk
from estimates.inference.mixture import apart
from estimates.inference.moves import _nearest, climb, evaluated
from estimates.inference.proposal import Bent, Blend, Scored, Target, batch_of
from estimates.inference.scores import Scores
from estimates.inference.weights import effective_size

POINTS = 2048


def normal_prior(dimension):
    return lambda count, rng: rng.normal(size=(count, dimension))


def bent_ridge(points):
    """x + y^2 known to a hundredth of what is known of either."""
    log_prior = stats.norm.logpdf(points).sum(axis=1)
    return log_prior, stats.norm.logpdf(points[:, 0] + points[:, 1] ** 2, 0.5, 0.02)


def ridge_evidence():
    """ln of the integral over y of Normal(0.5 - y^2; 0, 1 + 0.02^2) Normal(y; 0, 1)."""
    width = math.hypot(1.0, 0.02)
    found, _ = integrate.quad(
        lambda y: stats.norm.pdf(0.5 - y**2, 0, width) * stats.norm.pdf(y), -8, 8, limit=200
    )
    return math.log(found)


def learnt(evaluate, dimension, seed=1):
    return brisk.learnt(Target(evaluate, normal_prior(dimension)), POINTS, np.random.default_rng(seed))


def weighed(blend, evaluate, dimension, count=16_384, seed=2):
    batch, log_proposal = batch_of(
        blend, evaluate, normal_prior(dimension), count, np.random.default_rng(seed)
    )
    return batch, batch.log_weights(log_proposal)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_bent_ridge_is_learnt_and_its_evidence_is_that_of_quadrature(seed):
    pupil = learnt(bent_ridge, 2, seed)
    assert pupil is not None
    _, log_weights = weighed(pupil.proposal, bent_ridge, 2)
    share = effective_size(log_weights) / len(log_weights)
    assert share > 0.4
    error = math.sqrt((1 / share - 1) / len(log_weights))
    found = special.logsumexp(log_weights) - math.log(len(log_weights))
    assert_within(found, ridge_evidence(), error)


def test_the_proposal_has_the_density_that_its_draws_have():
    pupil = learnt(bent_ridge, 2)
    (points,) = pupil.proposal.draw(20_000, np.random.default_rng(3))
    inside = np.exp(pupil.proposal.log_density(points))
    grid = np.stack(np.meshgrid(np.linspace(-12, 6, 1500), np.linspace(-4, 4, 1200)), axis=-1)
    density = np.exp(pupil.proposal.log_density(grid.reshape(-1, 2)))
    total = density.sum() * (18 / 1499) * (8 / 1199)
    np.testing.assert_allclose(total, 1.0, atol=0.03)
    # The mean of a density over its own draws is the integral of its square.
    square = np.sum(density**2) * (18 / 1499) * (8 / 1199)
    assert_within(inside.mean(), square, inside.std() / math.sqrt(len(inside)), multiples=6)


def test_a_lesson_makes_a_proposal_better():
    pupil = learnt(bent_ridge, 2)
    scores = pupil.scores
    flat = Blend(
        (Bent.of(np.random.default_rng(1).normal(size=(400, 2)), 1, np.random.default_rng(1)),) * 2,
        np.full(2, 0.5),
    )
    worse = brisk.Pupil(Target(bent_ridge, normal_prior(2)), POINTS, scores, flat)
    batch, log_weights = weighed(worse.proposal, bent_ridge, 2)
    better = worse.taught(batch, log_weights, np.random.default_rng(4))
    _, after = weighed(better.proposal, bent_ridge, 2)
    assert effective_size(after) > 3 * effective_size(log_weights)


def nearly_the_prior(points):
    """A normal in three dimensions with half the prior's width, a little way off."""
    log_prior = stats.norm.logpdf(points).sum(axis=1)
    return log_prior, stats.norm.logpdf(points, 0.4, 1 / math.sqrt(3)).sum(axis=1)


@pytest.mark.parametrize(
    ("evaluate", "dimension", "is_gathered"), [(nearly_the_prior, 3, 0), (bent_ridge, 2, 1)]
)
def test_what_the_first_batch_knows_is_not_gathered_once_more(monkeypatch, evaluate, dimension, is_gathered):
    calls, gathered = [], brisk.Pupil.gathered
    monkeypatch.setattr(
        brisk.Pupil, "gathered", lambda pupil, *args: calls.append(1) or gathered(pupil, *args)
    )
    pupil = learnt(evaluate, dimension)
    assert len(calls) == is_gathered
    _, log_weights = weighed(pupil.proposal, evaluate, dimension)
    share = effective_size(log_weights) / len(log_weights)
    assert abs(share / pupil.share - 1) < 0.15
    assert share > brisk._SHARE_CLEAR - 0.05
    if evaluate is nearly_the_prior:
        exact = 3 * stats.norm.logpdf(0.4, 0.0, math.hypot(1.0, 1 / math.sqrt(3)))
        error = math.sqrt((1 / share - 1) / len(log_weights))
        assert_within(special.logsumexp(log_weights) - math.log(len(log_weights)), exact, error)


def test_what_was_found_besides_has_a_share_of_a_proposal_that_was_clear_at_once():
    pupil = learnt(nearly_the_prior, 3)
    rng = np.random.default_rng(5)
    found = Bent.of(rng.normal(9.0, 0.1, size=(50, 3)), 1, rng)
    batch, log_proposal = batch_of(pupil.blend, pupil._evaluate, pupil._draw_prior, POINTS, rng)
    ready = pupil.ready(batch, batch.log_weights(log_proposal), found)
    assert ready.blend.parts == (*pupil.blend.parts, found)
    assert 0.02 < ready.blend.shares[-1] < 0.04


def nowhere(points):
    return stats.norm.logpdf(points).sum(axis=1), np.full(len(points), -np.inf)


def test_reports_that_no_draw_could_have_given_teach_nothing():
    assert learnt(nowhere, 2) is None
    batch = evaluated(np.random.default_rng(1).normal(size=(500, 2)), nowhere)
    none = np.full(len(batch), -np.inf)
    rng = np.random.default_rng(2)
    assert brisk.learnt_from(batch, none, Target(nowhere, normal_prior(2)), POINTS, rng) is None


@pytest.mark.parametrize("width", [0.3, 0.1])  # with about 1,000 effective points, and with about 10
def test_points_of_another_posterior_teach_the_ridge_though_few_of_them_lie_on_it(width):
    rng = np.random.default_rng(1)
    points = np.array([0.5, 0.5]) * 0.3 + width * rng.normal(size=(16_384, 2))
    batch = evaluated(points, bent_ridge)
    log_weights = batch.log_weights(stats.norm.logpdf(points, 0.15, width).sum(axis=1))
    pupil = brisk.learnt_from(batch, log_weights, Target(bent_ridge, normal_prior(2)), POINTS, rng)
    assert pupil is not None
    _, after = weighed(pupil.proposal, bent_ridge, 2)
    share = effective_size(after) / len(after)
    assert share > 0.2 > 2 * effective_size(log_weights) / len(log_weights)
    error = math.sqrt((1 / share - 1) / len(after))
    assert_within(special.logsumexp(after) - math.log(len(after)), ridge_evidence(), error)


def hills(*of_each):
    """A posterior of normal hills, each with its share, its place on the first axis, and its width."""

    def evaluate(points):
        log_prior = stats.norm.logpdf(points).sum(axis=1)
        heights = [
            math.log(share) + stats.norm.logpdf(points, [place, 0.0], width).sum(axis=1)
            for share, place, width in of_each
        ]
        return log_prior, special.logsumexp(heights, axis=0) - log_prior

    return evaluate


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_narrow_hill_on_a_low_slope_is_found_above_the_top_and_a_single_hill_adds_nothing(seed):
    main, slope, narrow = (0.94, 0.0, 0.4), (0.05, 2.5, 0.5), (0.01, 2.5, 0.03)
    for evaluate, is_found in ((hills(main, slope, narrow), True), (hills((1.0, 0.0, 0.4)), False)):
        rng = np.random.default_rng(seed)
        prior = normal_prior(2)(4096, rng)
        pupil = brisk.Pupil(Target(evaluate, normal_prior(2)), POINTS, Scores.of(prior))
        batch = brisk._scored(evaluated(prior, evaluate), pupil.scores)
        parts = brisk._loudest(batch, batch.log_weights(batch.log_prior), pupil, rng)
        assert len(parts) == is_found
        for part in parts:
            # Wherever the hill is high, the part is not much lower: nothing of it is thin.
            there = pupil.scores.score(rng.normal([2.5, 0.0], 0.03, size=(1000, 2)))[0]
            log_weights = sum(pupil._evaluate(there)) - math.log(0.1) - part.log_density(there)
            assert np.quantile(log_weights, 0.9) < math.log(5.0)


def test_hills_that_few_points_lose_are_not_called_learnt():
    """Nine unknowns, each far out on either side: 512 hills."""

    def evaluate(points):
        log_likelihood = np.logaddexp(
            stats.norm.logpdf(points, -3, 0.01), stats.norm.logpdf(points, 3, 0.01)
        ).sum(axis=1)
        return stats.norm.logpdf(points).sum(axis=1), log_likelihood

    assert learnt(evaluate, 9) is None


def test_draws_of_the_prior_outside_its_support_are_no_matter():
    def draw_prior(count, rng):
        points = rng.normal(size=(count, 2))
        points[0] = np.nan
        return points

    pupil = brisk.learnt(Target(bent_ridge, draw_prior), POINTS, np.random.default_rng(1))
    assert pupil is not None


def test_a_scored_blend_draws_from_every_part_by_its_share():
    rng = np.random.default_rng(1)
    parts = tuple(Bent.of(rng.normal(place, 0.1, size=(400, 2)), 1, rng) for place in (-3.0, 0.0, 3.0))
    scores = Scores.of(rng.normal(size=(2000, 2)))
    part = Scored(Blend(parts, np.array([0.2, 0.5, 0.3])), scores)
    drawn = scores.score(part.draw(np.random.default_rng(2).random((10_000, 4))))[0][:, 0]
    for place, share in zip((-3.0, 0.0, 3.0), (0.2, 0.5, 0.3), strict=True):
        near = np.mean(np.abs(drawn - place) < 1.5)
        assert_within(near, share, math.sqrt(share * (1 - share) / 10_000))


def test_a_population_in_scores_has_the_same_weights():
    rng = np.random.default_rng(1)
    scores = Scores.of(np.log(rng.gamma(0.5, size=(2000, 2))))
    batch = evaluated(rng.normal(size=(50, 2)), bent_ridge)
    moved = brisk._scored(batch, scores)
    _, log_jacobian = scores.score(batch.points)
    np.testing.assert_allclose(moved.log_prior + log_jacobian, batch.log_prior)
    np.testing.assert_array_equal(moved.log_likelihood, batch.log_likelihood)


# ---- several hills -------------------------------------------------------------------------------------


def two_hills(points):
    """A wide hill with 30 % of the posterior, and a narrow one with 70 %, twelve widths apart in each of four."""
    each = [
        math.log(share) + stats.norm.logpdf(points, at, scale).sum(axis=1)
        for share, at, scale in ((0.3, -0.6, 0.1), (0.7, 0.6, 0.05))
    ]
    log_prior = stats.norm.logpdf(points).sum(axis=1)
    return log_prior, np.logaddexp(*each) - log_prior


def test_no_hill_is_lost_with_any_of_many_seeds():
    """The evidence is 1; without the narrow hill it is 0.3, and the weights look as good."""
    for seed in range(1, 16):
        pupil = learnt(two_hills, 4, seed)
        assert pupil is not None
        _, log_weights = weighed(pupil.proposal, two_hills, 4)
        assert abs(special.logsumexp(log_weights) - math.log(len(log_weights))) < 0.1, seed


def test_explorers_climb_each_hill_and_stay_on_it():
    rng = np.random.default_rng(3)
    start = evaluated(rng.normal(size=(128, 4)), two_hills)
    arrived = climb(start, two_hills, 60, rng)
    assert np.mean(arrived.log_likelihood + arrived.log_prior) > np.mean(
        start.log_likelihood + start.log_prior
    )
    for at, width in ((-0.6, 0.1), (0.6, 0.05)):
        on_it = arrived.points[np.sign(arrived.points.sum(axis=1)) == np.sign(at)]
        assert len(on_it) > 5
        # They have its place, and its width within a factor, for few stand on it.
        assert np.all(np.abs(np.median(on_it, axis=0) - at) < width)
        assert 0.2 < np.median(np.abs(on_it - at)) / (0.674 * width) < 3


def test_the_nearest_are_those_of_all_distances():
    points = 1e4 + np.random.default_rng(1).normal(size=(40, 3))
    apart = np.linalg.norm(points[:, None] - points, axis=2) + np.diag(np.full(40, np.inf))
    assert [set(row) for row in _nearest(points, 4)] == [set(row) for row in np.argsort(apart)[:, :4]]


def test_parts_that_share_their_coordinates_have_the_density_that_each_has_alone():
    rng = np.random.default_rng(1)
    points, others = rng.normal(size=(200, 2)), 3 * rng.normal(size=(200, 2))
    main = Bent.of(points, 2, rng)
    parts = main, Bent.of(others, 1, rng, transport=main.transport), Bent.of(others, 2, rng), main.mixture
    blend = Blend.of(parts)
    alone = np.stack([part.log_density(points) for part in parts]) + np.log(0.25)
    np.testing.assert_allclose(blend.log_parts(points), alone, rtol=1e-13)


@pytest.mark.parametrize("count", [1, 2])
def test_fewer_explorers_than_make_a_difference_stay_where_they_are(count):
    rng = np.random.default_rng(4)
    start = evaluated(rng.normal(size=(count, 4)), two_hills)
    assert climb(start, two_hills, 5, rng) is start


def test_a_few_points_far_from_the_rest_have_a_component_of_their_own():
    rng = np.random.default_rng(5)
    points = np.concatenate([rng.normal(size=(200, 3)), 30 + 0.1 * rng.normal(size=(2, 3))])
    found = apart(points, 4, least=0.1)
    assert len(found.weights) == 4
    far = np.flatnonzero(found.means.sum(axis=1) > 60)
    assert len(far) == 1
    assert np.all(found.weights >= 0.1 / 1.4)
    assert np.all(np.diagonal(found.factors[far[0]]) > 0.05)  # two points alone would be flat


def test_points_that_are_all_one_make_one_component():
    found = apart(np.ones((5, 2)), 4, least=0.1)
    assert found.means.tolist() == [[1.0, 1.0]]
    assert np.all(np.isfinite(found.log_density(np.ones((3, 2)))))
