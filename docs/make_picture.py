"""The picture of the README: the flagship's answer, as docs/_static/answer.svg and answer.png."""

from pathlib import Path

import estimates as est
from estimates.plots import pictures
from estimates.plots.paper import canvas, png, style, svg

STATIC = Path(__file__).parent / "_static"
WORDS = (
    "Left: containers over time as a fan through the two reports. "
    "Right: 152 mm rounds as packed and as stated, in February and in August 2024."
)


def main() -> None:
    """Fit the flagship and write both files."""
    fit = est.infer(est.read("dprk-shells-2024"), "steady", seed=1)
    carriers, headline = pictures.carriers(fit), pictures.headline(fit)
    with style():
        figure, (left, right) = canvas(headline.height, panels=2)
        carriers.draw(left)
        headline.draw(right)
    STATIC.mkdir(exist_ok=True)
    (STATIC / "answer.svg").write_text(svg(figure, "answer", WORDS), encoding="utf-8")
    (STATIC / "answer.png").write_bytes(png(figure))


if __name__ == "__main__":
    main()
