import contextlib
import datetime as dt
import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small import OIL

import estimates as est
from estimates.errors import QuestionError
from estimates.multiverse import AS_READ, OPEN, Multiverse, options_of, widths
from estimates.study import read_text

STUDY = est.read()


def test_a_grid_has_every_combination_once_and_numbers_them():
    grid = Multiverse(["steady", "stepped"], settings={"payload": [AS_READ, 18.0], "daily_rate": ["50%"]})
    cells = grid.cells(STUDY)
    assert len(cells) == 2 * (1 + len(STUDY.variants)) * 2 * 2
    assert len({tuple(cell.options.values()) for cell in cells}) == len(cells)
    assert [cell.number for cell in cells] == list(range(len(cells)))


@settings(max_examples=8, deadline=None)
@given(st.integers(1, 200))
def test_a_sample_has_no_cell_twice_and_is_the_same_each_time(count):
    grid = Multiverse(["steady"], settings=widths(STUDY), sample=count)
    cells = grid.cells(STUDY)
    assert len({(*cell.settings, cell.variant, cell.reports) for cell in cells}) == count
    assert cells == grid.cells(STUDY)


def test_cells_of_one_structure_stand_together():
    typical = [
        cell.typical
        for cell in Multiverse(["stepped", "steady"], settings=widths(STUDY), sample=60).cells(STUDY)
    ]
    assert sum(a != b for a, b in itertools.pairwise(typical)) + 1 == len(set(typical))


def test_a_cell_reads_its_study_so():
    (cell,) = Multiverse(
        ["steady"], ["sea_route"], [OPEN], {"payload": [18.0], "daily_rate": ["twice as wide"]}
    ).cells(STUDY)
    read = cell.read(STUDY)
    assert read.variant_name == "sea_route"
    assert math.isinf(next(report for report in read.fitted if report.says.kind == "over").says.seen.high)
    assert read.distribution("payload").parameters == (18.0,)
    before, after = (study.distribution("daily_rate").quantile([0.16, 0.84]) for study in (STUDY, read))
    assert math.log(after[1] / after[0]) == pytest.approx(2 * math.log(before[1] / before[0]), rel=0.02)


def test_a_quantile_fixes_an_assumption_there():
    (cell,) = Multiverse(["steady"], [AS_READ], [AS_READ], {"payload": ["10%"]}).cells(STUDY)
    (value,) = cell.read(STUDY).distribution("payload").parameters
    assert value == pytest.approx(float(STUDY.distribution("payload").quantile(0.1)), rel=1e-3)


@pytest.mark.parametrize(
    ("grid", "words"),
    [
        (Multiverse(["steady"], settings={"paylod": [18]}), "unknown assumption 'paylod'[\\s\\S]*payload"),
        (Multiverse(["steady"], settings={"payload": []}), "no options for payload"),
        (Multiverse(["steady"], settings={"payload": [18.0, 18.0]}), "repeated"),
        (Multiverse(["steady"], settings={"payload": ["wide"]}), "payload: .*unknown option 'wide'"),
        (
            Multiverse(["steady"], settings={"payload": ["twice as wide"]}),
            "payload: 'twice as wide' cannot be",
        ),
        (Multiverse(["steady"], settings={"first_shipment": ["half as wide"]}), "has no width to change"),
        (Multiverse(["steady"], ["mid_2002"]), "variant: 'mid_2002' cannot be"),
        (Multiverse(["steady"], reports=["without feb_2042"]), "reports: .*feb_2042"),
        (Multiverse(["steady"], reports=["closed"]), "unknown option 'closed'"),
        (Multiverse(["steady"], sample=0), "a sample of 0"),
        (Multiverse(["steady"], sample=7), "The multiverse has 6"),
    ],
)
def test_what_a_study_cannot_take_is_refused_beforehand(grid, words):
    with pytest.raises(QuestionError, match=words):
        grid.cells(STUDY)


def test_settings_are_read_as_they_are_typed():
    assert options_of(["payload=as read, 18", "first_shipment=2023-08-01,50%"]) == {
        "payload": ("as read", 18.0),
        "first_shipment": (dt.date(2023, 8, 1), "50%"),
    }


@pytest.mark.parametrize("text", ["payload", "payload=", "payload=nan", "payload=inf"])
def test_a_setting_that_is_none_is_refused(text):
    with pytest.raises(QuestionError):
        options_of([text])


@settings(max_examples=80, deadline=None)
@given(st.text())
def test_any_text_is_a_setting_or_a_refusal(text):
    with contextlib.suppress(QuestionError):
        options_of([text])


def test_a_variant_of_which_the_settings_leave_nothing_is_no_axis():
    study = read_text(OIL)
    values = {"first_shipment": [dt.date(2023, 3, 1), dt.date(2023, 12, 5)]}
    assert Multiverse(settings=values).axes(study)["variant"] == (AS_READ, "one_count")
    kept = {"first_shipment": [AS_READ, dt.date(2023, 3, 1)]}
    assert Multiverse(settings=kept).axes(study)["variant"] == (AS_READ, "late", "one_count")
    with pytest.raises(QuestionError, match="'late' changes only first_shipment, which the settings replace"):
        Multiverse(variants=[AS_READ, "late"], settings=values).axes(study)
