"""The picture of the README: the flagship's answer, as docs/_static/answer.svg and answer.png."""

from pathlib import Path

import estimates as est
from estimates import page, plots

STATIC = Path(__file__).parent / "_static"
WORDS = (
    "Left: containers over time as a fan through the two reports. "
    "Right: 152 mm rounds as packed and as stated, in February and in August 2024."
)


def main() -> None:
    """Fit the flagship and write both files."""
    fit = est.infer(est.read("dprk-shells-2024"), "steady", seed=1)
    rows = page.headline_rows(fit, fit.document())
    with plots.style():
        figure, (left, right) = plots.canvas(plots.height_of(rows), panels=2)
        page.draw_carriers(left, fit)
        page.draw_headline(right, fit, rows)
    STATIC.mkdir(exist_ok=True)
    (STATIC / "answer.svg").write_text(plots.svg(figure, "answer", WORDS), encoding="utf-8")
    (STATIC / "answer.png").write_bytes(plots.png(figure))


if __name__ == "__main__":
    main()
