"""Where truths lie in their posteriors, and whether that is anywhere alike.

A posterior is calibrated when the probability integral transform (PIT) of the truth is uniform over draws
of truth and reports. Everything here is arithmetic on numbers between 0 and 1; where they come from is the
business of `estimates.calibrating`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from estimates.seeds import generator

type Array = NDArray[np.float64]

LEVEL = 0.99
"""The probability that everything checked together lies in its band, where all is as it should be."""

BINS = 10
"""Into so many equal bins posterior probabilities of models are sorted."""

_TRIALS = 10_000  # uniform samples by which the simultaneous band is found
_TRIALS_EACH = 500  # for each of many checks, because their bands lie farther out
_COUNTS = 20  # bins in which PITs are told in documents


def weighted_pit(values: Array, log_weights: Array, truth: float, rng: np.random.Generator) -> float:
    """The share of a weighted posterior below the truth, ties divided at random.

    PIT = (sum of w over x < truth) + u (sum of w over x = truth), u ~ Uniform(0, 1), weights adding up to 1.

    Parameters
    ----------
    values, log_weights : array (n,)
        Draws and the logs of their weights, which need not be normalised.
    truth : float
    rng : Generator
        For u. An atom (nothing shipped yet) then gives a uniform PIT too.
    """
    weights = np.exp(log_weights - special.logsumexp(log_weights))
    below, tied = weights[values < truth].sum(), weights[values == truth].sum()
    return float(min(below + rng.random() * tied, 1.0))


def level_of_each(checks: int) -> float:
    """The probability of each of so many bands, so that all of them hold with `LEVEL`.

    LEVEL^(1 / checks): exact where checks are independent (Sidak), and on the safe side of a sound model
    where they go together, as quantities ranked on the same simulations do.
    """
    return float(LEVEL ** (1 / checks))


class Band(NamedTuple):
    """Between which heights the ECDF of uniform numbers stays at all points at once; arrays (point,)."""

    points: Array
    lower: Array
    upper: Array


@cache
def band(count: int, checks: int = 1) -> Band:
    """The simultaneous band for the ECDF of `count` independent uniform numbers, one of so many checked.

    From ArviZ, by simulation; the same every time.

    References
    ----------
    Saeilynoja, Buerkner and Vehtari (2022), doi:10.1007/s11222-022-10090-6.
    """
    from arviz_stats.ecdf_utils import ecdf_pit

    # It takes PITs to rank, but the band knows only how many they are.
    trials = max(_TRIALS, _TRIALS_EACH * checks)
    points, _, lower, upper = ecdf_pit(
        np.zeros(count), level_of_each(checks), trials, rng=generator(1, "band")
    )
    return Band(points, lower, upper)


@dataclass(frozen=True)
class Ranked:
    """A quantity, and where its truths lay in their posteriors.

    Attributes
    ----------
    by : str
        The model by which it was fitted.
    quantity : str
    pits : tuple of float
        One for each simulation, in their order.
    checks : int
        How many bands are to hold together, this one among them.
    """

    by: str
    quantity: str
    pits: tuple[float, ...]
    checks: int = 1

    @property
    def band(self) -> Band:
        """What uniform PITs would stay within."""
        return band(len(self.pits), self.checks)

    @cached_property
    def ecdf(self) -> Array:
        """The share of PITs up to each point of the band (point,); 0 and 1 at its ends."""
        heights = np.searchsorted(np.sort(self.pits), self.band.points, side="right") / len(self.pits)
        return np.array([0.0, *heights[1:-1], 1.0])

    @property
    def above(self) -> Array:
        """The ECDF less that of the uniform distribution (point,): what is drawn."""
        return self.ecdf - self.band.points

    @property
    def is_inside(self) -> bool:
        """Whether the ECDF stays within the band everywhere."""
        _, lower, upper = self.band
        return bool(np.all((lower <= self.ecdf) & (self.ecdf <= upper)))

    @property
    def reach(self) -> float:
        """How far it goes, in parts of the way to where it would be outside; 1 and above is outside.

        Outside begins one step beyond the band: near the ends of the scale, where hardly a rank is expected,
        the band is a step or two wide, and none at all is at its very edge.
        """
        points, lower, upper = (part[1:-1] for part in self.band)
        above = self.above[1:-1]
        room = np.where(above > 0, upper - points, points - lower)
        return float(np.max(np.abs(above) / (room + 1 / len(self.pits)), initial=0.0))

    def document(self) -> dict[str, Any]:
        """The same as plain data: the largest deviation, the band at that point, and PITs counted in bins."""
        points, lower, upper = self.band
        at = int(np.argmax(np.abs(self.above)))
        return {
            "model": self.by,
            "quantity": self.quantity,
            "inside": self.is_inside,
            "reach": self.reach,
            "deviation": float(self.above[at]),
            "at": float(points[at]),
            "band": [float(lower[at] - points[at]), float(upper[at] - points[at])],
            "counts": np.histogram(self.pits, bins=_COUNTS, range=(0.0, 1.0))[0].tolist(),
        }


@dataclass(frozen=True)
class ModelIndex:
    """Which model printed the reports, and how probable each became by their evidence.

    Attributes
    ----------
    models : tuple of str
        Each drawn with the same probability.
    drawn : tuple of int
        The place in `models` of the one that printed, for each simulation.
    log_evidences : tuple of tuple of float
        Of each model (simulation, model).
    ranked : Ranked
        The index of the model as a quantity: the probability of those before it, ties divided at random.

    References
    ----------
    Schad et al. (2023), doi:10.1037/met0000472: simulation-based calibration of Bayes factors.
    """

    models: tuple[str, ...]
    drawn: tuple[int, ...]
    log_evidences: tuple[tuple[float, ...], ...]
    ranked: Ranked

    @cached_property
    def probabilities(self) -> Array:
        """The posterior probability of each model (simulation, model), all equal beforehand."""
        return model_probabilities(self.log_evidences)

    @property
    def is_inside(self) -> bool:
        """Whether the ranks, every share and every bin lie in their bands."""
        rows = [*self.shares(), *self.reliability()]
        return self.ranked.is_inside and all(row["inside"] for row in rows)

    def shares(self) -> Iterator[dict[str, Any]]:
        """The mean posterior probability of each model beside its share, which it should be on average.

        The band is the share plus and minus so many standard errors of the mean as its level asks for.
        """
        share = 1 / len(self.models)
        reach = special.ndtri((1 + level_of_each(self.ranked.checks)) / 2) * np.std(
            self.probabilities, axis=0, ddof=1
        )
        for place, model in enumerate(self.models):
            mean, ends = float(np.mean(self.probabilities[:, place])), reach[place] / np.sqrt(len(self.drawn))
            yield {
                "model": model,
                "share": share,
                "mean": mean,
                "band": [share - float(ends), share + float(ends)],
                "inside": bool(abs(mean - share) <= ends),
            }

    def reliability(self) -> Iterator[dict[str, Any]]:
        """How often models came true, by how probable they were said to be.

        In a bin, at most one model of a simulation is the true one: the number that came true is a sum of
        independent events of known probabilities (Poisson binomial). The band holds its level of it or more.
        """
        truth = np.eye(len(self.models), dtype=bool)[list(self.drawn)]
        which = np.minimum((BINS * self.probabilities).astype(int), BINS - 1)
        for place in range(BINS):
            here = which == place
            chances = np.where(here, self.probabilities, 0.0).sum(axis=1)
            chances = np.minimum(chances[chances > 0], 1.0)
            came = int(np.sum(truth & here))
            low, high = _central(chances, level_of_each(self.ranked.checks))
            count = int(np.sum(here))
            yield {
                "from": place / BINS,
                "to": (place + 1) / BINS,
                "cases": count,
                "expected": float(np.sum(chances)),
                "came_true": came,
                "band": [low, high],
                "inside": low <= came <= high,
            }

    def document(self) -> dict[str, Any]:
        """The same as plain data."""
        return {
            "models": list(self.models),
            "drawn": np.bincount(self.drawn, minlength=len(self.models)).tolist(),
            "inside": self.is_inside,
            "ranked": self.ranked.document(),
            "shares": list(self.shares()),
            "reliability": list(self.reliability()),
        }


def model_probabilities(log_evidences: ArrayLike) -> Array:
    """Posterior probabilities of models (simulation, model) that were as probable before."""
    found = np.asarray(log_evidences, dtype=float)
    return np.asarray(np.exp(found - special.logsumexp(found, axis=1, keepdims=True)))


def _central(chances: Array, level: float) -> tuple[int, int]:
    """The ends between which so much or more of the number of independent events lies."""
    if not len(chances):
        return 0, 0
    below = stats.poisson_binom(list(chances)).cdf(np.arange(len(chances) + 1))
    low, high = (int(np.searchsorted(below, tail)) for tail in ((1 - level) / 2, (1 + level) / 2))
    return low, min(high, len(chances))
