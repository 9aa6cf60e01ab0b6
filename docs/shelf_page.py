"""Writes models/README.md from the docstrings of the shelf: python docs/shelf_page.py."""

import inspect
import re

from estimates import shelf

HEAD = """\
# The shelf

One file is one model: a page of statistics with one function, `build(study)`. This page is made from their
docstrings by `python docs/shelf_page.py`; a test fails where it is behind. A model of yours:
[docs/models.md](../docs/models.md).
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(_section(shelf.find(name)) for name in shelf.models())])


def _section(file: shelf.ModelFile) -> str:
    first, _, rest = inspect.cleandoc(file.doc).partition("\n")
    name, _, says = first.partition(": ")
    rest = re.sub(r"^(.+)\n-{3,}$", r"### \1\n", rest.strip(), flags=re.MULTILINE)
    asks = ", ".join(f"`{one}`" for one in file.assumptions)
    return (
        f"## [{name}]({file.path.name})\n\n{says[:1].upper()}{says[1:]}\n\n"
        f"Asks for {asks}.\n\n{rest.replace('``', '`')}\n"
    )


def main() -> None:
    """Write the page."""
    (shelf.folder() / "README.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
