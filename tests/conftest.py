"""Settings of every test: Hypothesis profiles, and no silent skips in CI."""

import os
from collections.abc import Generator

import pytest
from hypothesis import settings

import estimates as est
from estimates import Estimate

collect_ignore = ["browser"]  # has an environment of its own: make browser
IN_CI = bool(os.environ.get("CI"))

# Examples that differ from run to run find more; in CI a failure must be the change's own. Deadlines
# measure the machine, which others share.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if IN_CI else "local")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skipped test into a failed one in CI."""
    return _no_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn a skipped test file into a failed one in CI."""
    return _no_skip((yield))


def _no_skip[Report: (pytest.TestReport, pytest.CollectReport)](report: Report) -> Report:
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which is an error in CI: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def flagship_fit() -> Estimate:
    """The flagship under `steady`, fitted once for all tests that only look at it."""
    return est.infer(est.read(), "steady", seed=1)
