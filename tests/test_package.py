"""`import estimates`: fast, explicit, and without what is not needed yet."""

import subprocess
import sys
from types import ModuleType

import pytest

import estimates


def loaded_after(*statements):
    """The modules that a fresh Python has loaded after some statements."""
    code = "; ".join(["import sys", *statements, "print(*sys.modules)"])
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


HEAVY = {"pymc", "pytensor", "arviz", "arviz_stats", "matplotlib", "scipy.stats", "nutpie", "numba", "pandas"}


def test_importing_the_library_loads_nothing_heavy():
    assert not loaded_after("import estimates") & HEAVY


def test_reading_and_auditing_a_study_loads_nothing_heavy():
    loaded = loaded_after("import estimates as est", "from estimates.audit import audit", "audit(est.read())")
    assert "estimates.study" in loaded
    assert not loaded & HEAVY


def test_asking_for_the_engine_loads_it():
    assert "pymc" in loaded_after("import estimates", "estimates.infer")


def test_pictures_wait_until_they_are_asked_for():
    assert "matplotlib.pyplot" not in loaded_after("import estimates", "estimates.infer")


@pytest.mark.parametrize("name", estimates.__all__)
def test_every_name_of_the_library_is_there(name):
    first = getattr(estimates, name)  # which may import a module, and put its name in the package
    assert first is getattr(estimates, name)
    assert isinstance(first, ModuleType) == (name in ("plots", "terms"))
    assert name in dir(estimates)


def test_a_name_that_is_not_there_raises_attribute_error():
    with pytest.raises(AttributeError, match="module 'estimates' has no attribute 'infr'"):
        estimates.infr  # noqa: B018


def test_every_public_name_has_a_docstring():
    assert all(getattr(estimates, name).__doc__ for name in estimates.__all__)
