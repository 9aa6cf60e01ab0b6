"""From diagnostics to a verdict: good, caution or bad, with the reasons in words."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from estimates.files import finite

GOOD, CAUTION, BAD = "good", "caution", "bad"


class Finding(Enum):
    """What diagnostics can say; each value is a sentence with the remedy."""

    HEAVY_WEIGHTS = "The importance weights have a heavy tail: fit with --engine nuts and compare."
    BROKEN_WEIGHTS = "The importance weights cannot be averaged: fit with --engine nuts."
    FEW_WEIGHTED = "Few effective draws carry the result: fit with --engine nuts."
    UNSETTLED = "Each batch of points found more than the one before: fit with --engine nuts and compare."
    LABOURED = (
        "Many batches were needed, as where a neck is found little by little: compare with --engine nuts."
    )
    ROUGH_SPREAD = "A spread hangs on a few draws far out in a long tail: fit with --engine nuts and compare."
    ROUGH_EVIDENCE = "The log evidence has an error above 0.05: do not compare models by it."
    CHAINS_DISAGREE = "The chains disagree: the sampler has not converged; look for modes or narrow priors."
    FEW_DRAWS = "The chains mix slowly: few effective draws; tighten the priors or sample longer."
    DIVERGENT = "Some trajectories diverged: part of the posterior may be missed; tighten the priors."


LIMIT_K = 0.7
LIMIT_K_BAD = 1.0
LIMIT_ESS = 400.0
LIMIT_R_HAT = 1.01
LIMIT_R_HAT_BAD = 1.05
LIMIT_EVIDENCE_ERROR = 0.05
LIMIT_SPREAD_ERROR = 0.04
LIMIT_MOVED = 3.0
LIMIT_POOR = 2


@dataclass(frozen=True)
class Trust:
    """How far a result can be relied upon.

    Attributes
    ----------
    verdict : str
        ``"good"``, ``"caution"`` or ``"bad"``.
    pareto_k : float or None
        Shape of the tail of the importance weights; None under NUTS.
    ess : float
        Effective number of draws: of the weights, or the least over unknowns under NUTS.
    r_hat : float or None
        The largest over unknowns; None under importance sampling.
    notes : tuple of str
        What was found, as sentences.
    """

    verdict: str
    pareto_k: float | None
    ess: float
    r_hat: float | None
    notes: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """The same as plain data."""
        return asdict(self) | {"notes": list(self.notes)}

    @classmethod
    def restored(cls, document: Mapping[str, Any]) -> "Trust":
        """What `document` gave, or JSON of it."""
        return cls(**{**document, "notes": tuple(document["notes"])})


def of_importance(
    pareto_k: float,
    ess: float,
    evidence_error: float,
    moved: float = 0.0,
    poor: int = 0,
    spread_error: float = 0.0,
) -> Trust:
    """The verdict on an importance sample.

    Parameters
    ----------
    moved : float
        How far the log evidence lies from that of an earlier batch, in their combined errors.
    poor : int
        How many earlier batches were not good, each a lesson for the next.
    spread_error : float
        The largest relative Monte Carlo error of a standard deviation that was asked for.

    References
    ----------
    Vehtari et al. (2024), Pareto smoothed importance sampling, jmlr.org/papers/v25/19-556.html: averages
    are reliable below k-hat 0.7.
    """
    found: list[tuple[str, Finding]] = []
    if not pareto_k < LIMIT_K:
        broken = not pareto_k < LIMIT_K_BAD
        found.append((BAD, Finding.BROKEN_WEIGHTS) if broken else (CAUTION, Finding.HEAVY_WEIGHTS))
    if not ess >= LIMIT_ESS:
        found.append((CAUTION if ess >= LIMIT_ESS / 4 else BAD, Finding.FEW_WEIGHTED))
    if not moved < LIMIT_MOVED:
        found.append((CAUTION, Finding.UNSETTLED))
    if poor > LIMIT_POOR:
        found.append((CAUTION, Finding.LABOURED))
    if not spread_error <= LIMIT_SPREAD_ERROR:
        found.append((CAUTION, Finding.ROUGH_SPREAD))
    if not evidence_error <= LIMIT_EVIDENCE_ERROR:
        found.append((CAUTION, Finding.ROUGH_EVIDENCE))
    return Trust(_worst(found), finite(pareto_k), ess, None, _sentences(found))


def of_chains(r_hat: float, ess: float, divergences: int, draws: int) -> Trust:
    """The verdict on Markov chains.

    References
    ----------
    Vehtari et al. (2021), doi:10.1214/20-BA1221: R-hat below 1.01 and 400 effective draws.
    """
    found: list[tuple[str, Finding]] = []
    if not r_hat < LIMIT_R_HAT:
        found.append((CAUTION if r_hat < LIMIT_R_HAT_BAD else BAD, Finding.CHAINS_DISAGREE))
    if not ess >= LIMIT_ESS:
        found.append((CAUTION if ess >= LIMIT_ESS / 4 else BAD, Finding.FEW_DRAWS))
    if divergences:
        found.append((CAUTION if divergences < 0.01 * draws else BAD, Finding.DIVERGENT))
    return Trust(_worst(found), None, ess, finite(r_hat), _sentences(found))


def of_forward(draws: int) -> Trust:
    """The verdict where nothing was fitted: independent draws of the prior."""
    return Trust(GOOD, None, float(draws), None)


def _worst(found: list[tuple[str, Finding]]) -> str:
    grades = {grade for grade, _ in found}
    return BAD if BAD in grades else CAUTION if CAUTION in grades else GOOD


def _sentences(found: list[tuple[str, Finding]]) -> tuple[str, ...]:
    return tuple(finding.value for _, finding in found)
