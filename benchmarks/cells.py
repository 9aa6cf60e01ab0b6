"""What agreement.py and evidence.py share: the cells, and the stored brute force."""

import json
from pathlib import Path

import estimates as est

HERE = Path(__file__).parent
STUDY = est.read()
CELLS = json.loads((HERE / "brute_force.json").read_text(encoding="utf-8"))["cells"]


def study_of(cell):
    """The flagship as the cell reads it."""
    return STUDY.variant(cell["variant"]) if cell["variant"] else STUDY


def label(cell):
    """The cell in words: steady, mid_2022."""
    return ", ".join(filter(None, (cell["model"], cell["variant"])))
