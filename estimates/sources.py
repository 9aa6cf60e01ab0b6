"""How many independent sources of the level the voices of a study are worth."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from estimates.assumptions import Distribution
from estimates.correlations import score_correlations
from estimates.quantities import dependencies, evaluate
from estimates.reports import Report
from estimates.study import Study

type Array = NDArray[np.float64]

_DRAWS = 4096


@dataclass(frozen=True)
class Sources:
    """What the voices that state the level are worth together.

    Attributes
    ----------
    issuers, voices, reports : int
        Of those that state it; a voice is an issuer on a quantity.
    bounds : int
        Voices that only bound it, and are not counted.
    effective : float
        So many independent voices, each as good as the best one, would fix the level as well.
    """

    issuers: int
    voices: int
    reports: int
    bounds: int
    effective: float


def independent_sources(study: Study) -> Sources | None:
    """The effective number of independent sources of the level.

    Each voice i gives one statement of the log of the carriers, whose error has the covariance

        S_ij = [i = j] Var(issuer_bias) + [same shared quantity] Var(common_bias) + Cov(ln h_i, ln h_j),

    with h the quantity per carrier, times the bridge of the voice if it has one. What is in h is unknown
    in common: voices that rest on one load assumption err together. The best weighted mean of the
    statements has the variance 1 / (1' S^-1 1), so that

        effective = (1' S^-1 1) min_i S_ii,

    Kish's effective size for statements that are correlated (Kish 1965, *Survey Sampling*, ch. 8). It is
    at least 1, the best voice alone. Statements that err together are worth no more than their number;
    those that err against each other could be, and are counted as their number.

    Scatter is left out: a voice that says more has less of it, and it is small beside a bias. Voices all
    of whose reports are open upwards bound the level on one side and state none: they are left out. So
    are reports on quantities without carriers. A quantity is taken as proportional to the carriers.

    Parameters
    ----------
    study : Study
        Its fitted reports are looked at.

    Returns
    -------
    Sources or None
        None where the study has no prior of the biases that its reports ask for, and where every
        voice only bounds the level.
    """
    asked = {"issuer_bias", "common_bias"} & set(study.needed)
    if not asked <= set(study.assumptions):
        return None
    voices: dict[tuple[str, str], list[Report]] = {}
    for report in study.fitted:
        if study.needs_day(report.measures):
            voices.setdefault((report.issuer, report.measures), []).append(report)
    stating = {
        voice: said for voice, said in voices.items() if any(math.isfinite(r.says.seen.high) for r in said)
    }
    if not stating:
        return None
    covariance = _covariance(study, list(stating.values()))
    return Sources(
        issuers=len({issuer for issuer, _ in stating}),
        voices=len(stating),
        reports=sum(map(len, stating.values())),
        bounds=len(voices) - len(stating),
        effective=effective_number(covariance),
    )


def effective_number(covariance: Array) -> float:
    """`(1' S^-1 1) min_i S_ii`, from 1 to the number of statements.

    Parameters
    ----------
    covariance : array (statement, statement)
        Of the errors of the statements. A statement without an error is worth one, and no other adds to it.

    Examples
    --------
    >>> effective_number(np.array([[0.05, 0.01], [0.01, 0.05]]))
    1.6666...
    """
    best = float(np.min(np.diag(covariance)))
    if best <= 0:
        return 1.0
    precision = float(np.linalg.pinv(covariance / best, hermitian=True).sum())
    return min(max(precision, 1.0), float(len(covariance)))


def _covariance(study: Study, voices: Sequence[list[Report]]) -> Array:
    """The covariance of the statements (voice, voice)."""
    measured = [said[0].measures for said in voices]
    covariance = _load_covariance(study, voices) + np.eye(len(voices)) * _variance(study, "issuer_bias")
    for name in set(measured).intersection(study.shared_quantities):
        same = np.array([one == name for one in measured])
        covariance += np.outer(same, same) * _variance(study, "common_bias")
    return np.asarray(covariance)


def _load_covariance(study: Study, voices: Sequence[list[Report]]) -> Array:
    """The covariance of the logs of the quantity per carrier, times its bridge (voice, voice)."""
    names = {report.bridge for said in voices for report in said if report.bridge}
    for said in voices:
        names |= set(dependencies(said[0].measures, study.quantities)) & set(study.assumptions)
    if not names:
        return np.zeros((len(voices), len(voices)))
    from scipy.stats import qmc  # slow to import, and of no use to a study of counts alone

    ordered = sorted(names)
    points = qmc.Sobol(len(names), rng=0).random(_DRAWS).T
    if study.correlations:
        factor = np.linalg.cholesky(score_correlations(ordered, study.correlations))
        points = special.ndtr(factor @ special.ndtri(points))
    draws = {
        name: study.distribution(name).quantile(point) for name, point in zip(ordered, points, strict=True)
    }
    level = max((r.says.printed for r in study.fitted if r.measures == study.carriers.name), default=1.0)

    def leaf(name: str) -> Array:
        return np.full(_DRAWS, level) if name == study.carriers.name else draws[name]

    rows = []
    for said in voices:
        value = evaluate(said[0].measures, study.quantities, leaf, study.factor)
        bridge = next((report.bridge for report in said if report.bridge), None)
        with np.errstate(divide="ignore", invalid="ignore"):
            rows.append(np.log(value * (draws[bridge] if bridge else 1.0)))
    logs = np.array(rows)
    return np.atleast_2d(np.cov(logs[:, np.isfinite(logs).all(axis=0)]))


def _variance(study: Study, name: str) -> float:
    """The variance of a prior, by the trapezoid rule over the standard normal scale of its quantiles."""
    distribution: Distribution = study.distribution(name)
    z = np.linspace(-8.0, 8.0, 2001)
    weight = np.exp(-z * z / 2)
    weight /= weight.sum()
    values = distribution.quantile(special.ndtr(z))
    return float(weight @ np.square(values - weight @ values))
