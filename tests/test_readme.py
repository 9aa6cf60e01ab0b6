"""The numbers on the first page are those that the code prints."""

import datetime as dt
import re
from pathlib import Path

import pytest

import estimates as est
from estimates.reports import Says

README = Path(__file__).parent.parent / "README.md"
ROWS = {
    "containers": "containers",
    "152 mm shells, packed as they travel": "shells_152",
    "shells of both calibres": "shells",
    "the ministry's reading: every box full of bare 152 mm shells": "shells_stated",
}


def _number(text: str) -> float:
    return float(text.replace(",", ""))


def _table() -> dict[str, tuple[float, float, float]]:
    found = {}
    for line in README.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] in ROWS:
            low, high = cells[2].split(" to ")
            found[ROWS[cells[0]]] = (_number(low), _number(cells[1]), _number(high))
    return found


def _half_step(value: float) -> float:
    """Half of the place of the last digit printed, the most that rounding moves a number."""
    digits = f"{value:.0f}"
    return 10 ** (len(digits) - len(digits.rstrip("0"))) / 2


@pytest.mark.parametrize("name", ROWS.values())
def test_the_table_of_the_readme_is_what_a_run_prints(name, flagship_fit):
    row = next(r for r in flagship_fit.quantities() if r["name"] == name and r["at"] == "aug_2024")
    for stated, computed in zip(_table()[name], (row["lower"], row["median"], row["upper"]), strict=True):
        # The ends of an interval are rougher than its middle; three times covers 5.5 % tails.
        assert abs(stated - computed) <= _half_step(stated) + 4 * 3 * row["mcse_median"]


def test_the_sentences_of_the_readme_are_what_a_run_prints(flagship_fit):
    text = README.read_text(encoding="utf-8")
    pace = flagship_fit.trend()[0]["per_day"]
    stated = re.search(r"about (\d+) a day between the reports \((\d+) to (\d+)\)", text)
    for word, end in zip(stated.groups(), ("median", "lower", "upper"), strict=True):
        assert float(word) == pytest.approx(pace[end], abs=1.0)
    assert flagship_fit.probability("six_million").value < 0.01
    assert flagship_fit.probability("twofold").value == pytest.approx(0.3, abs=0.05)


def test_every_number_before_the_commands_is_of_the_table_of_the_pace_or_of_the_reports():
    """The two tests above hold the table and the pace; what is left has to stand in the study."""
    text = README.read_text(encoding="utf-8").partition("## Two commands")[0]
    told = "\n".join(line for line in text.splitlines() if not line.startswith(("![", "|")))
    told = re.sub(r"about \d+ a day between the reports \(\d+ to \d+\)", "", told)
    study = est.read()
    said = " ".join(
        [*(str(report.says) for report in study.reports), study.about or "", "under 1 %", "seed 1"]
    )
    assert set(re.findall(r"\d[\d,]*", told)) <= set(re.findall(r"\d[\d,]*", said))
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert table[0] == "| by 27 August 2024 | median | 89 % interval |"
    assert study.date_of("aug_2024") == dt.date(2024, 8, 27)
    assert len(table) == 2 + len(ROWS)


@pytest.mark.parametrize(
    ("value", "hedge", "read_as"), [(6700, "about", (6650, 6750)), (13_000, "over", (13_000, 14_000))]
)
def test_wordings_are_read_as_the_readme_says(value, hedge, read_as):
    text = " ".join(README.read_text(encoding="utf-8").split())
    assert '`says = { value = 6700, hedge = "about" }` is read as 6,650 to 6,750' in text
    assert '`hedge = "over"` with 13,000 as 13,000 to 14,000' in text
    seen = Says(value=value, hedge=hedge).seen
    assert (seen.low, seen.high) == read_as
