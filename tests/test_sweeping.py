import datetime as dt
import json
from itertools import combinations, product

import numpy as np
import pandas as pd
import pytest
from montecarlo import assert_within

import estimates as est
from estimates import readings, sweeping
from estimates.errors import OutputError, QuestionError
from estimates.multiverse import AS_READ, WIDEST, Cell, Multiverse, widths
from estimates.readings import bearing
from estimates.sweeping import JOURNAL, TABLE

STUDY = est.read()
LEADERS, SCOUTS = 4, 6  # enough for a grid so small
GRID = Multiverse(["steady"], [AS_READ], settings=widths(STUDY), sample=6 * LEADERS)


@pytest.fixture(scope="module", autouse=True)
def few_scouts():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sweeping, "SCOUTS", SCOUTS)
        patch.setattr(sweeping, "LEADERS", LEADERS)
        yield


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    return est.sweep(STUDY, GRID, out=tmp_path_factory.mktemp("swept"))


def test_every_cell_has_a_row_and_a_verdict(swept):
    assert swept.table.index.tolist() == list(range(6 * LEADERS))
    assert set(swept.verdicts()) <= {"good", "caution"}
    assert swept.verdicts()["good"] >= 4 * LEADERS


def test_a_row_is_what_a_fit_of_that_reading_gives(swept):
    cells = GRID.cells(STUDY)
    for cell in (cells[0], cells[13]):
        row, fit = swept.table.loc[cell.number], est.infer(cell.read(STUDY), "steady", seed=5)
        evidence = fit.log_evidence
        error = np.hypot(row["log_evidence_mcse"], evidence.mcse)
        assert_within(row["log_evidence"], evidence.value, error)
        theirs = fit.row("shells_152", "aug_2024")
        error = np.hypot(row["shells_152[aug_2024].mcse_median"], theirs["mcse_median"])
        assert_within(row["shells_152[aug_2024].median"], theirs["median"], error)
        chance = fit.probability("twofold")
        error = np.hypot(row["twofold.mcse"], chance.mcse)
        assert_within(row["twofold.probability"], chance.value, error)


def test_readings_that_differ_in_the_load_alone_share_a_posterior():
    widths_of = {name: [AS_READ, "half as wide"] for name in ("daily_rate", "payload", "packed_mass_152")}
    rows = est.sweep(STUDY, Multiverse(["steady"], [AS_READ], [AS_READ], widths_of)).table
    by_rate = rows.groupby("daily_rate")
    assert (by_rate["log_evidence"].nunique() == 1).all()
    assert rows["log_evidence"].nunique() == 2
    assert (by_rate["shells_152[aug_2024].sd"].nunique() == 4).all()


@pytest.mark.parametrize(("model", "own"), [("steady", set()), ("stepped", {"later_rate"})])
def test_the_axes_that_bear_on_a_fit_are_found(model, own):
    every = {"reports", "daily_rate", "reporting_lag", "issuer_bias", "report_scatter"} | own
    members = Multiverse([model], [AS_READ], settings=widths(STUDY), sample=200).cells(STUDY)
    apart = sweeping._one_apart(members)
    assert set(apart) == {"reports", *widths(STUDY)}
    assert bearing(json.dumps(STUDY.document()), members[0], apart) == (members[0], every)


def test_scouts_are_the_widest_reading_and_others_far_from_it():
    options = list(product([AS_READ, WIDEST, "half as wide"], repeat=4))
    standing = {taken: Cell(number, "steady", AS_READ, AS_READ, ()) for number, taken in enumerate(options)}
    scouts = [options[cell.number] for cell in sweeping._scouts(standing)]
    assert scouts[0] == (WIDEST,) * 4
    assert len(set(scouts)) == SCOUTS
    assert min(sum(a != b for a, b in zip(*pair, strict=True)) for pair in combinations(scouts, 2)) >= 2
    assert sweeping._scouts(dict(list(standing.items())[: 3 * LEADERS])) == ()


def test_variance_is_that_within_and_that_between(swept):
    varied = swept.varied()
    means, sds = (swept.table[f"shells_152[aug_2024].{key}"] for key in ("mean", "sd"))
    assert varied.within == pytest.approx(np.mean(sds**2))
    assert varied.between == pytest.approx(np.var(means))
    assert all(0 <= share <= 1 for share in varied.by_axis.values())
    by_hand = swept.table.groupby("reports")["shells_152[aug_2024].mean"].agg(["mean", "size"])
    explained = np.average((by_hand["mean"] - means.mean()) ** 2, weights=by_hand["size"])
    assert varied.by_axis["reports"] == pytest.approx(explained / np.var(means))


def test_a_sweep_that_was_killed_goes_on_where_it_stopped(swept, tmp_path):
    path = tmp_path / JOURNAL
    kept = swept.table.iloc[[3, 0, 11]].reset_index()
    rows = [
        json.loads(line)
        for line in kept.to_json(orient="records", lines=True, double_precision=15).splitlines()
    ]
    marked = [row | {"ess": 123.0} for row in rows]
    lines = [json.dumps(line) for line in ({"digest": swept.plan["digest"]}, *marked)]
    path.write_text("\n".join(lines) + '\n{"cell": 7, "cut of', encoding="utf-8")
    again = est.sweep(STUDY, GRID, out=tmp_path)
    assert again.table.loc[[3, 0, 11], "ess"].tolist() == [123.0] * 3  # not computed again
    others = swept.table.index.difference([3, 0, 11])
    pd.testing.assert_frame_equal(again.table.loc[others], swept.table.loc[others])
    assert not path.exists()


@pytest.mark.slow
def test_workers_change_no_row(swept):
    found = est.sweep(STUDY, GRID, workers=2)
    pd.testing.assert_frame_equal(found.table, swept.table)


def test_a_finished_sweep_is_read_and_not_made_again(swept, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("estimates.sweeping._swept", None)
        table = swept.table.copy()
        table.attrs = {"plan": json.dumps(swept.plan), "study": json.dumps(STUDY.document())}
        table.to_parquet(tmp_path / TABLE)
        pd.testing.assert_frame_equal(est.sweep(STUDY, GRID, out=tmp_path).table, swept.table)
    assert est.read_sweep(tmp_path / TABLE).study == STUDY


def test_another_sweep_in_the_folder_is_refused(tmp_path):
    (tmp_path / JOURNAL).write_text('{"digest": "another"}\n', encoding="utf-8")
    with pytest.raises(OutputError, match="is of another sweep"):
        est.sweep(STUDY, GRID, out=tmp_path)
    with pytest.raises(OutputError, match="no such file"):
        est.read_sweep(tmp_path / "nothing.parquet")
    (tmp_path / "text.parquet").write_text("text", encoding="utf-8")
    with pytest.raises(OutputError, match="is no sweep"):
        est.read_sweep(tmp_path / "text.parquet")


def test_a_variant_cannot_be_swept(tmp_path):
    with pytest.raises(QuestionError, match="variants are an axis"):
        est.sweep(STUDY.variant("sea_route"), GRID)


def test_a_reading_that_the_reports_contradict_is_a_row_that_says_so():
    after_the_first_report = dt.date(2024, 7, 1)
    grid = Multiverse(["steady"], [AS_READ], [AS_READ], {"first_shipment": [after_the_first_report]})
    found = est.sweep(STUDY, grid)
    assert found.table["verdict"].iloc[0] == "impossible"
    assert np.isnan(found.table["shells_152[aug_2024].median"].iloc[0])


def test_a_cluster_that_is_not_there_is_refused(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(QuestionError, match="Dask is not installed"):
        est.sweep(STUDY, Multiverse(["steady"], [AS_READ]), workers="tcp://127.0.0.1:1")


def test_points_are_those_of_the_scouts_that_were_sent(monkeypatch):
    kept = readings._Kept()
    monkeypatch.setattr(kept.briefs, "anchored", lambda file, scouts, seed: [part for _, part in scouts])
    first, second, third = Multiverse(["steady"], settings={"daily_rate": [AS_READ, 20, 30]}).cells(STUDY)[:3]
    assert kept.anchor(STUDY, first, ((second, "a"),), 1) == ["a"]
    assert kept.anchor(STUDY, first, ((third, "b"),), 1) == ["b"]
    assert kept.anchor(STUDY, first, (), 1) is None
