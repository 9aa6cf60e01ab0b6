"""A pytest plugin: one test for each law of a model, or of a study.

    @pytest.mark.estimates_model("paused.py")
    def test_my_model_keeps_the_laws(law):
        law()

    @pytest.mark.estimates_study("barrels.toml")
    def test_my_study_keeps_the_laws(law):
        law()

Nothing of `estimates.testing` is imported before such a test is collected.
"""

from typing import Any

import pytest

from estimates.errors import EstimatesError

_MARKERS = {
    "estimates_model": "estimates_model(build, study=None, slow=False, examples=5): each law of models",
    "estimates_study": "estimates_study(study, model='steady'): each law of studies",
}


def pytest_configure(config: pytest.Config) -> None:
    """Tell pytest of the two markers."""
    for line in _MARKERS.values():
        config.addinivalue_line("markers", line)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test of each law for a test that is marked and takes `law`."""
    for name, line in _MARKERS.items():
        marker = metafunc.definition.get_closest_marker(name)
        if marker is None:
            continue
        if "law" not in metafunc.fixturenames:
            raise pytest.UsageError(
                f"{metafunc.definition.nodeid}: a test marked {name} takes an argument law"
            )
        try:
            checks = _checks(name, *marker.args, **marker.kwargs)
        except (TypeError, EstimatesError) as error:
            raise pytest.UsageError(f"{metafunc.definition.nodeid}: {error}; write {line}") from None
        metafunc.parametrize("law", checks, ids=[check.law.name for check in checks])


def _checks(name: str, subject: Any, *args: Any, **options: Any) -> Any:
    from estimates import testing
    from estimates.study import Study, read

    if name == "estimates_model":
        return testing.model_checks(subject, *args, **options)
    return testing.study_checks(subject if isinstance(subject, Study) else read(subject), *args, **options)
