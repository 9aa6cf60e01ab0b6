"""How much of the spread of an answer goes with one of its inputs, from draws that depend on one another.

Draws of a posterior are not independent from input to input, so indices that assume it (Sobol's) do not
apply. What stays defined is Var(E[y | x]) / Var(y): the share of the variance that would go, on average, if x
were known. It is found from the given draws by smoothing y over x.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations, combinations_with_replacement

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from estimates.estimate import TAILS, Measured

type Array = NDArray[np.float64]

DEGREE = 5
"""The degree of the polynomial, in normal scores, by which y is smoothed over one input."""

BINS = 20
"""Pieces of equal probability into which an input is cut where a width is asked for."""

_RESAMPLES = 200
_FEATURES_PER_DRAW = 1 / 12


def normal_scores(values: ArrayLike) -> Array:
    """The normal scores of the ranks of values (draw,): Phi^-1((rank - 1/2) / n)."""
    flat = np.asarray(values, dtype=float).ravel()
    ranks = np.empty(len(flat))
    ranks[np.argsort(flat, kind="stable")] = np.arange(len(flat))
    return np.asarray(special.ndtri((ranks + 0.5) / len(flat)))


def first_order(x: ArrayLike, y: ArrayLike, rng: np.random.Generator, effective: float) -> Measured:
    """Var(E[y | x]) / Var(y), by a polynomial of degree 5 in the normal scores of x, with a bootstrap error.

    The share explained is corrected for what so many terms explain by chance, and is at least 0.

    Parameters
    ----------
    x, y : array (draw,)
    effective : float
        How many independent draws they are worth; the error grows as there are fewer.

    References
    ----------
    Pearson (1905), the correlation ratio; Plischke, Borgonovo and Smith (2013), given-data estimation,
    doi:10.1016/j.ejor.2012.11.047.
    """
    answer = np.asarray(y, dtype=float).ravel()
    design = np.polynomial.hermite_e.hermevander(normal_scores(x), DEGREE)
    answer = (answer - answer.mean()) / (answer.std() or 1.0)
    count = len(answer)
    drawn = rng.multinomial(count, np.full(count, 1 / count), size=_RESAMPLES) / count
    weights = np.vstack([np.full(count, 1 / count), drawn])
    products = (design[:, :, None] * design[:, None, :]).reshape(count, -1)
    gram = (weights @ products).reshape(len(weights), DEGREE + 1, DEGREE + 1)
    cross, squares = weights @ (design * answer[:, None]), weights @ np.square(answer)
    fitted = np.linalg.solve(gram, cross[..., None])[..., 0]
    means = cross[:, 0]
    total = squares - means**2
    left = squares - np.sum(fitted * cross, axis=1)
    shares = _adjusted(1 - left / np.where(total > 0, total, 1.0), count, DEGREE)
    error = float(np.std(shares[1:])) * math.sqrt(max(count / effective, 1.0))
    return Measured(float(np.clip(shares[0], 0.0, 1.0)), max(error, 1e-12))


def _adjusted(share: Array, count: int, terms: int) -> Array:
    return 1 - (1 - share) * (count - 1) / (count - terms - 1)


def explained(inputs: ArrayLike, y: ArrayLike) -> float:
    """Var(E[y | x]) / Var(y) for several inputs at once, by a polynomial in their normal scores.

    The degree is the largest up to 3 at which there are twelve draws to a term.

    Parameters
    ----------
    inputs : array (input, draw)
    y : array (draw,)
    """
    answer = np.asarray(y, dtype=float).ravel()
    scores = [normal_scores(row) for row in np.atleast_2d(np.asarray(inputs, dtype=float))]
    count = len(answer)
    degree = max(
        (d for d in (1, 2, 3) if math.comb(len(scores) + d, d) <= count * _FEATURES_PER_DRAW), default=1
    )
    terms = [
        np.prod([scores[i] for i in chosen], axis=0)
        for size in range(1, degree + 1)
        for chosen in combinations_with_replacement(range(len(scores)), size)
    ]
    design = np.vstack([np.ones(count), *terms]).T
    spread = float(np.var(answer))
    if spread == 0:
        return 0.0
    left = answer - design @ np.linalg.lstsq(design, answer, rcond=None)[0]
    share = _adjusted(np.array(1 - float(np.var(left)) / spread), count, len(terms))
    return float(np.clip(share, 0.0, 1.0))


def shapley(groups: Mapping[str, Sequence[ArrayLike]], y: ArrayLike) -> dict[str, float]:
    """The Shapley share of groups of inputs in the variance of y; together they come to 1.

    The mean, over all orders in which groups could become known, of what a group adds to Var(E[y | known]) /
    Var(y). Dependence is shared fairly, where first-order shares count it twice. All groups together are
    taken to determine y.

    References
    ----------
    Owen and Prieur (2017), doi:10.1137/16M1097717.
    """
    names = [name for name, inputs in groups.items() if len(inputs)]
    if not names:
        return {}
    worth: dict[frozenset[str], float] = {frozenset(): 0.0, frozenset(names): 1.0}
    for size in range(1, len(names)):
        for chosen in combinations(names, size):
            inputs = np.array([np.ravel(one) for name in chosen for one in groups[name]])
            worth[frozenset(chosen)] = explained(inputs, y)
    found = {}
    for name in names:
        others = [other for other in names if other != name]
        found[name] = sum(
            (worth[frozenset([*chosen, name])] - worth[frozenset(chosen)])
            / (len(names) * math.comb(len(others), size))
            for size in range(len(others) + 1)
            for chosen in combinations(others, size)
        )
    return found


def width(y: ArrayLike) -> float:
    """The width of the 89 % interval."""
    lower, upper = np.quantile(np.asarray(y, dtype=float), TAILS)
    return float(upper - lower)


def width_known(x: ArrayLike, y: ArrayLike) -> float:
    """The expected width of the 89 % interval of y once x is known: its mean over pieces of x.

    Known to one of `BINS` pieces of equal probability, so that it errs a little on the wide side.
    """
    answer = np.asarray(y, dtype=float).ravel()
    pieces = np.array_split(answer[np.argsort(np.ravel(x), kind="stable")], BINS)
    return float(np.mean([width(piece) for piece in pieces]))


def fall_known(x: ArrayLike, holds: ArrayLike) -> float:
    """The expected fall of p (1 - p), once x is known, as a share of it: how far it would settle a claim."""
    truth = np.asarray(holds, dtype=float).ravel()
    share = float(truth.mean())
    spread = share * (1 - share)
    if spread == 0:
        return 0.0
    pieces = np.array_split(truth[np.argsort(np.ravel(x), kind="stable")], BINS)
    left = np.mean([p.mean() * (1 - p.mean()) * len(p) / max(len(p) - 1, 1) for p in pieces])
    return float(np.clip(1 - left / spread, 0.0, 1.0))
