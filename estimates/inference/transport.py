"""Coordinates in which a posterior is nearly round: a triangular map, learnt from points.

Where reports leave a combination of unknowns open, a posterior is a ridge, often a bent one: a pace and a
bias that make up for one another, a start and a lag whose sum alone is known. Each coordinate is therefore
told by those before it, the one that they tell best coming last:

    y_i = (x_i - m_i(x_1 ... x_(i-1))) exp(-s_i(x_1 ... x_(i-1)))

with polynomials m and s fitted by least squares. Whatever they are, the map is one to one and its Jacobian is
known, so that a density in y is a density in x; how well they fit only tells how good a proposal it makes.

Reference: Marzouk et al. (2016), Sampling via measure transport, doi:10.1007/978-3-319-11259-6_23-1.
"""

import math
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

type Array = NDArray[np.float64]

_REACH = 4.0  # standard deviations; beyond, a polynomial is what it is there
_MOST = 3.0  # to either side, of the log of a scale
_RIDGE, _RIDGE_OF_SCALE = 1e-4, 1e-2
_SURE = 3.0  # standard errors that a term of a scale must be away from 0
_LEAST = 0.01  # of a residual's spread: the log of a smaller one tells little


@dataclass(frozen=True)
class Transport:
    """A map from points x (n, d) to straightened ones y (n, d) and back.

    Attributes
    ----------
    centre, spread : array (d,)
        What coordinates are standardised by.
    order : array (d,)
        The coordinates from the first to the last.
    shifts, scales : array (d, p)
        The coefficients of m and s, coordinates in that order: of a constant, and of each coordinate in
        turn its first three Hermite polynomials and its products with those before it.
    """

    centre: Array
    spread: Array
    order: NDArray[np.intp]
    shifts: Array
    scales: Array

    @classmethod
    def of(cls, points: Array) -> "Transport":
        """The map that makes equally weighted points (n, d) nearly round."""
        centre, spread = points.mean(axis=0), np.std(points, axis=0)
        spread = np.where(spread > 0, spread, 1.0)
        standard = ((points - centre) / spread).T
        order = _order(standard)
        standard = standard[order]
        terms = _terms(standard)
        dimension, count = standard.shape
        gram, products = terms @ terms.T / count, terms @ standard.T / count
        shifts, scales = np.zeros((2, dimension, len(terms)))
        for i, size in enumerate(map(_size, range(dimension))):
            shifts[i, :size] = _least_squares(gram[:size, :size], products[:size, i], _RIDGE)
            rest = standard[i] - shifts[i, :size] @ terms[:size]
            scales[i, :size] = _log_scale(terms[:size], gram[:size, :size], rest)
        return cls(centre, spread, order, shifts, scales)

    @cached_property
    def _scaled(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The coordinates whose scale others tell, most often few, and the terms that tell it."""
        telling = self.scales[:, 1:] != 0
        return np.flatnonzero(telling.any(axis=1)), 1 + np.flatnonzero(telling.any(axis=0))

    def straighten(self, points: Array) -> tuple[Array, Array]:
        """Straightened points (n, d), and the log of the Jacobian determinant |dy/dx| there (n,)."""
        standard = ((points - self.centre) / self.spread).T[self.order]
        terms = _terms(standard)
        log_scale = np.repeat(self.scales[:, :1], standard.shape[1], axis=1)
        rows, columns = self._scaled
        if len(rows):
            told = self.scales[np.ix_(rows, columns)] @ terms[columns]
            log_scale[rows] += _bounded(told, _MOST)
        straight = (standard - self.shifts @ terms) * np.exp(-log_scale)
        return straight.T, -log_scale.sum(axis=0) - np.log(self.spread).sum()

    def bend(self, straight: Array) -> tuple[Array, Array]:
        """The points (n, d) that are straightened to these, and the log of |dy/dx| there (n,)."""
        count, dimension = straight.shape
        standard = np.empty((dimension, count))
        terms, bounded = np.empty((self.shifts.shape[1], count)), np.empty((dimension, count))
        terms[0] = 1.0
        log_jacobian = np.full(count, -np.log(self.spread).sum())
        for i, size in enumerate(map(_size, range(dimension))):
            log_scale = self.scales[i, 0]
            if i in self._scaled[0]:
                log_scale = log_scale + _bounded(self.scales[i, 1:size] @ terms[1:size], _MOST)
            standard[i] = self.shifts[i, :size] @ terms[:size] + straight[:, i] * np.exp(log_scale)
            log_jacobian -= log_scale
            if i < dimension - 1:
                bounded[i] = _bounded(standard[i], _REACH)
                _set_own_terms(terms, bounded, i)
        points = np.empty_like(straight)
        points[:, self.order] = standard.T
        return points * self.spread + self.centre, log_jacobian


class Untouched:
    """The coordinates as they are, where a map would cost more than it gains."""

    def straighten(self, points: Array) -> tuple[Array, Array]:
        """The points (n, d), and zeros (n,)."""
        return points, np.zeros(len(points))

    bend = straighten


type Coordinates = Transport | Untouched


def _size(coordinates: int) -> int:
    """How many terms so many coordinates have between them, with the constant."""
    return 1 + 3 * coordinates + coordinates * (coordinates - 1) // 2


def _terms(standard: Array) -> Array:
    """The terms (p, n) of all coordinates (d, n) but the last."""
    terms = np.empty((_size(len(standard) - 1), standard.shape[1]))
    terms[0] = 1.0
    bounded = _bounded(standard, _REACH)
    for i in range(len(standard) - 1):
        _set_own_terms(terms, bounded, i)
    return terms


def _set_own_terms(terms: Array, bounded: Array, number: int) -> None:
    """Hermite's first three polynomials of a coordinate, and its products with those before it."""
    own, at = bounded[number], _size(number)
    terms[at] = own
    square = np.multiply(own, own, out=terms[at + 1])
    np.multiply(square - 3, own, out=terms[at + 2])
    square -= 1
    np.multiply(bounded[:number], own, out=terms[at + 3 : at + 3 + number])


def _least_squares(gram: Array, products: Array, ridge: float) -> Array:
    penalty = np.full(len(gram), ridge)
    penalty[0] = 0.0
    return np.linalg.solve(gram + np.diag(penalty), products)


def _log_scale(terms: Array, gram: Array, rest: Array) -> Array:
    """The coefficients of the log scale of residuals (n,): terms that are surely there, and the level."""
    level = _deviation(rest) or 1.0
    found = np.zeros(len(terms))
    if len(terms) > 1:
        sizes = np.log(np.abs(rest) / level + _LEAST)
        found = _least_squares(gram, terms @ sizes / len(rest), _RIDGE_OF_SCALE)
        error = _deviation(sizes - found @ terms) / np.sqrt(len(rest))
        found = np.where(np.abs(found) > _SURE * error, found, 0.0)
    log_scale = _bounded(found[1:] @ terms[1:], _MOST)
    found[0] = np.log(_deviation(rest * np.exp(-log_scale)) or 1.0)
    return found


def _deviation(values: Array) -> float:
    """The standard deviation of values (n,); NumPy's is general, and slower."""
    off = values - values.mean()
    return math.sqrt(off @ off / len(off))


def _bounded(values: Array, most: float) -> Array:
    """Values no farther than that from 0; NumPy's clip is general, and slower."""
    return np.minimum(np.maximum(values, -most), most)


def _order(standard: Array) -> NDArray[np.intp]:
    """From the last on: of the coordinates that are left, the one that the others tell best."""
    dimension, count = standard.shape
    terms = _terms(np.concatenate([standard, standard[:1]]))  # one more, so that the last has its terms too
    gram, products = terms @ terms.T / count, terms @ standard.T / count
    gram[np.arange(1, len(gram)), np.arange(1, len(gram))] += _RIDGE
    left, found, tells = np.arange(dimension), list[int](), _of_others(dimension)
    while len(left) > 1:
        known = np.nonzero(tells[left])[1].reshape(len(left), -1)  # as many terms for each
        seen = products[known, left[:, None]]
        weights = np.linalg.solve(gram[known[:, :, None], known[:, None, :]], seen[:, :, None])[:, :, 0]
        last = left[np.argmax(np.sum(seen * weights, axis=1))]
        found.append(int(last))
        left, tells = left[left != last], tells & tells[last]
    return np.array([*left, *reversed(found)], dtype=np.intp)


@cache
def _of_others(dimension: int) -> NDArray[np.bool_]:
    """Whether each coordinate (d,) has no part in each term (p,)."""
    among = [frozenset[int]()]
    for i in range(dimension):
        among += [frozenset((i,))] * 3 + [frozenset((i, j)) for j in range(i)]
    return np.array([[i not in which for which in among] for i in range(dimension)])
