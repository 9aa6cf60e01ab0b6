"""Probabilities of intervals of a standard normal by arithmetic of fifty digits."""

import mpmath
import numpy as np

mpmath.mp.dps = 50
LOG_TOLERANCE = 1e-10  # relative, in the logarithm


def log_between(below, above):
    """ln P(below <= Z < above)."""
    if below <= 0 <= above:
        return mpmath.log1p(-cdf(below) - cdf(-above))
    below, above = (below, above) if above < 0 else (-above, -below)
    return mpmath.log(cdf(above) - cdf(below))


def cdf(z):
    """P(Z < z), also for infinite z."""
    if mpmath.isinf(z):
        return mpmath.mpf(0) if z < 0 else mpmath.mpf(1)
    return mpmath.erfc(-z / mpmath.sqrt(2)) / 2


def assert_log_close(found, exact):
    """Assert that a logarithm has the digits that a float can have of it."""
    if abs(exact) < np.finfo(float).tiny:  # one minus a tail that no float can hold
        assert abs(found) < np.finfo(float).tiny
        return
    relative = abs((mpmath.mpf(float(found)) - exact) / exact)
    assert relative < LOG_TOLERANCE, (
        f"ln P = {float(found):.17g}, exactly {mpmath.nstr(exact, 17)}, off by {mpmath.nstr(relative, 3)}"
    )
