"""The numbers on the first page are those that the code prints."""

import re
from pathlib import Path

import pytest

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
