"""Tolerances of tests that draw at random: always a stated multiple of the Monte Carlo error."""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def assert_within(estimate: ArrayLike, truth: ArrayLike, mcse: ArrayLike, *, multiples: float = 4.0) -> None:
    """Assert that `estimate` lies within `multiples` of its Monte Carlo standard error of `truth`.

    At the default of 4, one comparison in 16,000 fails by chance; with a fixed seed, none or always.
    """
    estimate, truth, mcse = (np.asarray(value, dtype=float) for value in (estimate, truth, mcse))
    assert np.all(np.isfinite(estimate)), f"not finite: {estimate}"
    assert np.all(mcse > 0), f"a Monte Carlo error of {mcse} proves nothing"
    distance = np.abs(estimate - truth) / mcse
    worst = np.argmax(distance)
    assert np.max(distance) <= multiples, (
        f"{np.ravel(estimate)[worst if estimate.ndim else 0]:.6g} is {np.max(distance):.1f} Monte Carlo errors "
        f"from {np.ravel(np.broadcast_to(truth, distance.shape))[worst]:.6g}, more than {multiples:g}"
    )


def share_error(share: ArrayLike, draws: int) -> NDArray[np.float64]:
    """The Monte Carlo error of a share counted over independent draws: sqrt(p (1 - p) / n)."""
    p = np.asarray(share, dtype=float)
    return np.sqrt(p * (1 - p) / draws)
