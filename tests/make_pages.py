"""Write the pages that are read in a browser, each into a file of its own. Nothing is fitted for them."""

import sys
from pathlib import Path

from drawn import IDLE, drawn
from found import everything
from small import OIL
from test_page import BARE
from test_terms import PRIORS

from estimates import page
from estimates.beside import Beside
from estimates.study import Study, read, read_text

HOSTILE = "<script>alert(1)</script> \"'&amp;&\N{RIGHT-TO-LEFT MARK}\N{RIGHT-TO-LEFT OVERRIDE} 123 <img src=x onerror=alert(1)>"
"""A script, quotes, an entity, what turns the direction of text, and a picture that is none."""


def hostile() -> Study:
    """The small study with hostile text wherever a study takes text."""
    quoted = HOSTILE.replace('"', '\\"')
    text = OIL + PRIORS
    for field in ("title", "issuer", "basis", "says"):
        for line in [line for line in text.splitlines() if line.startswith(f'{field} = "')]:
            text = text.replace(line, f'{field} = "{quoted}"', 1)
    text = text.replace("derived_from", f'note = "{quoted}"\nsource = "{quoted}"\nderived_from', 1)
    text = text.replace('formula = "voyages * cargo"', f'formula = "voyages * cargo"\nsays = "{quoted}"', 1)
    return read_text(
        text.replace("statement = ", f'source = "javascript:alert(1) {quoted}"\nstatement = ', 1)
    )


def write(study: Study, path: Path, *, whole: bool = False) -> None:
    """The page of a study, with what all commands found where it is to be whole."""
    estimate = drawn(study, without=IDLE[:2])
    beside = everything(estimate) if whole else Beside()
    path.write_text(page.render(estimate, estimate.document(), (), beside), encoding="utf-8")


def main(folder: Path) -> None:
    """Write all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    write(read(), folder / "flagship.html", whole=True)
    write(hostile(), folder / "hostile.html", whole=True)
    write(read_text(BARE), folder / "bare.html")
    write(read("dprk-shells-all-reports-2024"), folder / "issuers.html")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
