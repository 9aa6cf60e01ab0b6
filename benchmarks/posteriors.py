"""Posteriors that everybody knows, as plain PyMC models; `known.py` fits them.

Data are made here from fixed seeds, or are the published ones. A posterior that is a formula rather than data
has wide proper priors and a potential, log target minus log prior, so that its density is the target, its
evidence is 1, and draws of its prior know nothing of it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pymc as pm
import pytensor.tensor as pt
from pymc.distributions.transforms import ordered

ONE = np.float64(1.0)  # a bare 2.0 becomes float32 in a graph; so it is a float64 wherever it matters


@dataclass(frozen=True)
class Posterior:
    """One posterior to be found.

    Attributes
    ----------
    build : callable
        Gives the pm.Model.
    compared : tuple of str
        The variables whose moments are compared.
    exact : dict of str to (mean, sd)
        Moments known in closed form; without them the reference is a long run of NUTS.
    log_evidence : float, optional
        Where it is known exactly.
    reference : callable, optional
        The same posterior as a model that NUTS finds easier.
    note : str
        What is hard about it, and where its moments come from.
    """

    build: Callable[[], pm.Model]
    compared: tuple[str, ...]
    exact: dict = field(default_factory=dict)
    log_evidence: float | None = None
    reference: Callable[[], pm.Model] | None = None
    note: str = ""


# ---- eight schools: Rubin (1981), doi:10.3102/10769986006004377 ---------------------------------

EFFECT = np.array([28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0])
ERROR = np.array([15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0])


def eight_schools_centred():
    """Effects around a mean, written as they are told: a funnel towards no scatter."""
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 5)
        tau = pm.HalfCauchy("tau", 5)
        theta = pm.Normal("theta", mu, tau, shape=8)
        pm.Normal("effect", theta, ERROR, observed=EFFECT)
    return model


def eight_schools_non_centred():
    """The same with standardised effects, which the few data hardly tie to the scatter."""
    with pm.Model() as model:
        mu = pm.Normal("mu", 0, 5)
        tau = pm.HalfCauchy("tau", 5)
        standard = pm.Normal("standard", 0, 1, shape=8)
        theta = pm.Deterministic("theta", mu + tau * standard)
        pm.Normal("effect", theta, ERROR, observed=EFFECT)
    return model


# ---- regressions -------------------------------------------------------------------------------


def _design(seed, count, columns):
    rng = np.random.default_rng(seed)
    return np.column_stack([np.ones(count), rng.normal(size=(count, columns - 1))]), rng


LINEAR_X, _rng = _design(101, 40, 5)
LINEAR_Y = LINEAR_X @ [1.5, -0.7, 0.3, 2.0, 0.0] + _rng.normal(0, 0.8, 40)
PRIOR_SD, SHAPE, RATE = 5.0, 3.0, 2.0


def linear_regression():
    """Normal noise with the conjugate prior: b ~ N(0, v PRIOR_SD^2), v ~ InverseGamma(SHAPE, RATE)."""
    with pm.Model() as model:
        variance = pm.InverseGamma("variance", SHAPE, RATE)
        slopes = pm.Normal("slopes", 0, PRIOR_SD * pt.sqrt(variance), shape=5)
        pm.Normal("y", pt.dot(LINEAR_X, slopes), pt.sqrt(variance), observed=LINEAR_Y)
    return model


def linear_exactly():
    """Moments and log evidence of the conjugate regression: Gelman et al., Bayesian Data Analysis, ch. 14."""
    from scipy.special import gammaln

    count, columns = LINEAR_X.shape
    precision = LINEAR_X.T @ LINEAR_X + np.eye(columns) / PRIOR_SD**2
    mean = np.linalg.solve(precision, LINEAR_X.T @ LINEAR_Y)
    shape = SHAPE + count / 2
    rate = RATE + (LINEAR_Y @ LINEAR_Y - mean @ precision @ mean) / 2
    variance = rate / (shape - 1)
    log_evidence = (
        gammaln(shape)
        - gammaln(SHAPE)
        + SHAPE * np.log(RATE)
        - shape * np.log(rate)
        - count / 2 * np.log(2 * np.pi)
        - np.linalg.slogdet(precision)[1] / 2
        - columns * np.log(PRIOR_SD)
    )
    moments = {
        "slopes": (mean, np.sqrt(variance * np.diag(np.linalg.inv(precision)))),
        "variance": (variance, variance / np.sqrt(shape - 2)),
    }
    return moments, float(log_evidence)


LINEAR_MOMENTS, LINEAR_EVIDENCE = linear_exactly()

ROBUST_X, _rng = _design(102, 50, 3)
ROBUST_Y = ROBUST_X @ [0.5, 1.2, -0.8] + 0.4 * _rng.standard_t(2.5, 50)


def robust_regression():
    """Student-t noise whose degrees of freedom are unknown: a long tail towards the normal."""
    with pm.Model() as model:
        slopes = pm.Normal("slopes", 0, 3, shape=3)
        scale = pm.HalfNormal("scale", 2)
        freedom = pm.Gamma("freedom", 2, 0.1)
        pm.StudentT("y", freedom, pt.dot(ROBUST_X, slopes), sigma=scale, observed=ROBUST_Y)
    return model


LOGISTIC_X, _rng = _design(103, 80, 5)
LOGISTIC_Y = (_rng.random(80) < 1 / (1 + np.exp(-(LOGISTIC_X @ [0.3, 1.5, -1.0, 0.5, 0.0])))).astype(int)


def logistic_regression():
    """Chances of yes or no."""
    with pm.Model() as model:
        slopes = pm.Normal("slopes", 0, 2.5, shape=5)
        pm.Bernoulli("y", logit_p=pt.dot(LOGISTIC_X, slopes), observed=LOGISTIC_Y)
    return model


POISSON_X, _rng = _design(104, 60, 4)
POISSON_Y = _rng.poisson(np.exp(POISSON_X @ [1.0, 0.5, -0.4, 0.2]))


def poisson_regression():
    """Counts."""
    with pm.Model() as model:
        slopes = pm.Normal("slopes", 0, 2.5, shape=4)
        pm.Poisson("y", pt.exp(pt.dot(POISSON_X, slopes)), observed=POISSON_Y)
    return model


def _autoregression(seed, count):
    rng, series = np.random.default_rng(seed), [0.0, 0.0]
    for _ in range(count):
        series.append(0.5 + 1.1 * series[-1] - 0.4 * series[-2] + rng.normal(0, 0.6))
    return np.array(series[2:])


SERIES = _autoregression(105, 60)


def autoregression():
    """AR(2), given its first two values."""
    with pm.Model() as model:
        level = pm.Normal("level", 0, 2)
        memory = pm.Normal("memory", 0, 1, shape=2)
        scale = pm.HalfNormal("scale", 1)
        expected = level + memory[0] * SERIES[1:-1] + memory[1] * SERIES[:-2]
        pm.Normal("y", expected, scale, observed=SERIES[2:])
    return model


# ---- mixtures ----------------------------------------------------------------------------------


def _clusters(seed, sizes, means, scales):
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.normal(m, s, n) for n, m, s in zip(sizes, means, scales, strict=True)])


PAIR = _clusters(106, (24, 16), (-1.5, 1.5), (0.8, 0.6))
TRIPLE = _clusters(107, (20, 25, 15), (-4.0, 0.0, 3.5), (0.8, 1.0, 0.6))


def _mixture(data, count):
    with pm.Model() as model:
        share = pm.Dirichlet("share", np.full(count, 2.0))
        mean = pm.Normal("mean", 0, 5, shape=count, transform=ordered, initval=np.linspace(-1, 1, count))
        scale = pm.HalfNormal("scale", 2, shape=count)
        pm.NormalMixture("y", share, mean, scale, observed=data)
    return model


def _mixture_without_order(data, count):
    with pm.Model() as model:
        unordered = {
            "share": pm.Dirichlet("any_share", np.full(count, 2.0)),
            "mean": pm.Normal("any_mean", 0, 5, shape=count),
            "scale": pm.HalfNormal("any_scale", 2, shape=count),
        }
        pm.NormalMixture("y", *unordered.values(), observed=data)
        order = pt.argsort(unordered["mean"])
        for name, values in unordered.items():
            pm.Deterministic(name, values[order])
    return model


def mixture_of_two():
    """Two normals with ordered means, marginalised, which overlap."""
    return _mixture(PAIR, 2)


def mixture_of_two_without_order():
    """The same put in order afterwards: chains pass from one cluster to the other where they overlap."""
    return _mixture_without_order(PAIR, 2)


def mixture_of_three():
    """Three normals with ordered means, marginalised."""
    return _mixture(TRIPLE, 3)


def mixture_of_three_without_order():
    """The same put in order afterwards."""
    return _mixture_without_order(TRIPLE, 3)


# ---- Gaussian process --------------------------------------------------------------------------

PROCESS_X = np.linspace(0, 10, 30)[:, None]
PROCESS_Y = np.sin(PROCESS_X[:, 0]) + 0.3 * np.random.default_rng(108).normal(size=30)


def gaussian_process():
    """A smooth curve with noise: length, height and noise are unknown, the curve is marginalised."""
    with pm.Model() as model:
        length = pm.InverseGamma("length", 5, 5)
        height = pm.HalfNormal("height", 2)
        noise = pm.HalfNormal("noise", 1)
        process = pm.gp.Marginal(cov_func=height**2 * pm.gp.cov.ExpQuad(1, ls=length))
        process.marginal_likelihood("y", X=PROCESS_X, y=PROCESS_Y, sigma=noise)
    return model


# ---- formulas ----------------------------------------------------------------------------------


def towards(log_target, unknowns, priors):
    """The potential that turns the priors of the unknowns into the target."""
    log_prior = sum(pt.sum(pm.logp(prior, value)) for prior, value in zip(priors, unknowns, strict=True))
    pm.Potential("target", log_target - log_prior)


def _log_normal(value, mean, sd):
    """The log density of a normal, in float64 throughout."""
    return -0.5 * ((value - mean) / sd) ** 2 - pt.log(sd * ONE) - 0.5 * np.log(2 * np.pi)


BANANA_SPREAD, BANANA_WIDTH = np.sqrt(10.0), np.sqrt(0.1)


def banana():
    """Rosenbrock's valley as a density: x ~ N(1, 10), y given x ~ N(x^2, 0.1); Goodman and Weare (2010)."""
    with pm.Model() as model:
        priors = [pm.Normal.dist(0, 10 * ONE), pm.StudentT.dist(3, 0, sigma=30 * ONE)]
        x, y = pm.Normal("x", 0, 10 * ONE), pm.StudentT("y", 3, 0, sigma=30 * ONE)
        target = _log_normal(x, 1.0, BANANA_SPREAD) + _log_normal(y, x**2, BANANA_WIDTH)
        towards(target, [x, y], priors)
    return model


BANANA_MOMENTS = {
    "x": (1.0, BANANA_SPREAD),
    "y": (11.0, np.sqrt(2 * 10.0**2 + 4 * 10.0 + 0.1)),  # x^2 has variance 2 s^4 + 4 m^2 s^2
}


def funnel():
    """Neal's funnel (2003), doi:10.1214/aos/1056562461: v ~ N(0, 3), nine x ~ N(0, exp(v / 2))."""
    with pm.Model() as model:
        priors = [pm.Normal.dist(0, 6 * ONE), pm.StudentT.dist(1, 0, sigma=5 * ONE, shape=9)]
        v, x = pm.Normal("v", 0, 6 * ONE), pm.StudentT("x", 1, 0, sigma=5 * ONE, shape=9)
        pm.Deterministic("standard", x * pt.exp(-v / 2))
        target = _log_normal(v, 0.0, 3.0) + pt.sum(_log_normal(x, 0.0, pt.exp(v / 2)))
        towards(target, [v, x], priors)
    return model


MODE_SHARE, MODE_AT, MODE_SCALE = (0.3, 0.7), (-6.0, 6.0), (1.0, 0.5)


def two_modes():
    """Two normals in four dimensions, twelve standard deviations apart in each, 30 % and 70 %."""
    with pm.Model() as model:
        x = pm.Normal("x", 0, 10 * ONE, shape=4)
        each = [
            np.log(share) + pt.sum(_log_normal(x, at, scale))
            for share, at, scale in zip(MODE_SHARE, MODE_AT, MODE_SCALE, strict=True)
        ]
        towards(pt.logaddexp(*each), [x], [pm.Normal.dist(0, 10 * ONE, shape=4)])
    return model


def _modes_exactly():
    share, at, scale = map(np.array, (MODE_SHARE, MODE_AT, MODE_SCALE))
    mean = share @ at
    return {"x": (np.full(4, mean), np.full(4, np.sqrt(share @ (scale**2 + at**2) - mean**2)))}


UNORDERED = "reference: NUTS without the order, put in order afterwards, which is the same posterior"

POSTERIORS = {
    "eight schools, centred": Posterior(
        eight_schools_centred,
        ("mu", "tau", "theta"),
        reference=eight_schools_non_centred,
        note="reference: NUTS on the non-centred form, which is the same posterior",
    ),
    "eight schools, non-centred": Posterior(eight_schools_non_centred, ("mu", "tau", "standard", "theta")),
    "linear regression": Posterior(
        linear_regression,
        ("slopes", "variance"),
        exact=LINEAR_MOMENTS,
        log_evidence=LINEAR_EVIDENCE,
        note="exact: conjugate",
    ),
    "robust regression": Posterior(robust_regression, ("slopes", "scale", "freedom")),
    "logistic regression": Posterior(logistic_regression, ("slopes",)),
    "poisson regression": Posterior(poisson_regression, ("slopes",)),
    "autoregression": Posterior(autoregression, ("level", "memory", "scale")),
    "mixture of two": Posterior(
        mixture_of_two, ("share", "mean", "scale"), reference=mixture_of_two_without_order, note=UNORDERED
    ),
    "mixture of three": Posterior(
        mixture_of_three, ("share", "mean", "scale"), reference=mixture_of_three_without_order, note=UNORDERED
    ),
    "gaussian process": Posterior(gaussian_process, ("length", "height", "noise")),
    "banana": Posterior(banana, ("x", "y"), exact=BANANA_MOMENTS, log_evidence=0.0, note="exact: a formula"),
    "funnel": Posterior(
        funnel,
        ("v", "standard"),
        exact={"v": (0.0, 3.0), "standard": (np.zeros(9), np.ones(9))},
        log_evidence=0.0,
        note="exact: a formula; x as x exp(-v / 2), for its own fourth moment is beyond any sample",
    ),
    "two modes": Posterior(
        two_modes,
        ("x",),
        exact=_modes_exactly(),
        log_evidence=0.0,
        note="exact: a formula; NUTS cannot do it",
    ),
}
