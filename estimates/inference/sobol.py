"""Scrambled Sobol points, without the import of ``scipy.stats``, which takes half as long as a fit.

The points and their order are those of ``scipy.stats.qmc.Sobol``, for the same generator.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

BITS = 30
"""How many binary digits a coordinate has."""

_DIRECTIONS = (
    (1, (1,)),
    (3, (1,)),
    (7, (1, 3)),
    (11, (1, 3, 1)),
    (13, (1, 1, 1)),
    (19, (1, 1, 3, 3)),
    (25, (1, 3, 5, 13)),
    (37, (1, 1, 5, 5, 17)),
    (41, (1, 1, 5, 5, 5)),
    (47, (1, 1, 7, 11, 19)),
    (55, (1, 1, 5, 1, 1)),
    (59, (1, 1, 1, 3, 11)),
    (61, (1, 3, 5, 5, 31)),
    (67, (1, 3, 3, 9, 7, 49)),
    (91, (1, 1, 1, 15, 21, 21)),
    (97, (1, 3, 1, 13, 27, 49)),
    (103, (1, 1, 1, 15, 7, 5)),
    (109, (1, 3, 1, 15, 13, 25)),
    (115, (1, 1, 5, 5, 19, 61)),
    (131, (1, 3, 7, 11, 23, 15, 103)),
    (137, (1, 3, 7, 13, 13, 15, 69)),
    (143, (1, 1, 3, 13, 7, 35, 63)),
    (145, (1, 3, 5, 9, 1, 25, 53)),
    (157, (1, 3, 1, 13, 9, 35, 107)),
    (167, (1, 3, 1, 5, 27, 61, 31)),
    (171, (1, 1, 5, 11, 19, 41, 61)),
    (185, (1, 3, 5, 3, 3, 13, 69)),
    (191, (1, 1, 7, 13, 1, 19, 1)),
    (193, (1, 3, 7, 5, 13, 19, 59)),
    (203, (1, 1, 3, 9, 25, 29, 41)),
    (211, (1, 3, 5, 13, 23, 1, 55)),
    (213, (1, 3, 7, 3, 13, 59, 17)),
)
"""A primitive polynomial for each coordinate, as the digits of a number, and the first direction numbers."""

MOST = len(_DIRECTIONS)
"""How many coordinates there are direction numbers for here; beyond, SciPy's are used."""


def sobol(dimension: int, power: int, rng: np.random.Generator | None) -> NDArray[np.float64]:
    """The first 2^power points (n, dimension) of a Sobol sequence in the unit cube.

    Each coordinate is a number whose binary digits are sums modulo 2 of direction numbers: of those that the
    digits of the point's place in Gray code choose. Scrambled, the digits of the direction numbers are
    multiplied by a random lower triangular matrix with ones on its diagonal, and a random number is added,
    both modulo 2. Each point is then uniform, and together they are as even as before.

    Parameters
    ----------
    rng : numpy Generator or None
        None leaves the sequence as it is.

    References
    ----------
    Joe and Kuo (2008), doi:10.1137/070709359, for the direction numbers; Matousek (1998),
    doi:10.1006/jcom.1998.0489, for the scrambling.
    """
    if dimension > MOST:
        return _by_scipy(dimension, power, rng)
    digits = _digits(dimension)[:, :, :power]
    shift = np.zeros(dimension, dtype=np.uint32)
    if rng is not None:
        (rng,) = rng.spawn(1)  # as SciPy does, which leaves the generator's own stream alone
        random = rng.integers(2, size=(dimension, BITS), dtype=np.uint32)
        shift = random @ (np.uint32(1) << np.arange(BITS, dtype=np.uint32))
        matrices = np.tril(rng.integers(2, size=(dimension, BITS, BITS), dtype=np.uint32), -1)
        # In floating point, which BLAS multiplies; the sums are of at most 30 ones.
        digits = matrices.astype(float) @ digits + digits
    places = np.uint32(1) << np.arange(BITS, dtype=np.uint32)[::-1]
    directions = ((digits.astype(np.uint32) & 1) * places[:, None]).sum(axis=1, dtype=np.uint32)
    points = np.empty((dimension, 2**power), dtype=np.uint32)
    points[:, 0] = shift
    for k in range(power):  # in Gray code the second half is the first one backwards, with one digit more
        points[:, 2**k : 2 ** (k + 1)] = points[:, : 2**k][:, ::-1] ^ directions[:, k, None]
    return np.multiply(points.T, 2.0**-BITS, order="C")


@cache
def _digits(dimension: int) -> NDArray[np.float64]:
    """The digits (dimension, digit, direction) of the direction numbers, the highest first."""
    numbers = np.zeros((dimension, BITS), dtype=np.int64)
    numbers[0] = 1
    for row, (polynomial, first) in zip(numbers[1:], _DIRECTIONS[1:dimension], strict=True):
        degree = len(first)
        row[:degree] = first
        for k in range(degree, BITS):
            row[k] = row[k - degree]
            for i in range(1, degree + 1):
                row[k] ^= ((polynomial >> (degree - i)) & 1) * (row[k - i] << i)
    numbers <<= np.arange(BITS)[::-1]
    return np.asarray(numbers[:, None, :] >> np.arange(BITS)[::-1, None] & 1, dtype=float)


def _by_scipy(dimension: int, power: int, rng: np.random.Generator | None) -> NDArray[np.float64]:
    from scipy.stats import qmc

    return np.asarray(qmc.Sobol(dimension, scramble=rng is not None, rng=rng).random_base2(power))
