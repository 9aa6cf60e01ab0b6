"""One seed in, split by name: every stream of random numbers is told apart by what it is for."""

import zlib

import numpy as np


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """The generator of this seed for this purpose; other names give independent streams."""
    keys = [name if isinstance(name, int) else zlib.crc32(name.encode()) for name in names]
    return np.random.default_rng([seed, *keys])
