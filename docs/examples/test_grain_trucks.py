from pathlib import Path

import pytest
from hypothesis import given, settings

import estimates as est
from estimates import strategies

STUDY = est.read(Path(__file__).parent / "grain-trucks.toml")


@pytest.mark.estimates_study(STUDY)
def test_the_study_keeps_the_laws(law):
    law()


@given(changed=strategies.settings(STUDY, ["load"]))
@settings(max_examples=20, deadline=None)
def test_no_truck_carries_more_than_the_bridge_bears(changed):
    assert STUDY.assuming(changed).distribution("load").quantile(0.5) <= 520
