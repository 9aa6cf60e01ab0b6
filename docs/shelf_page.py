"""Writes models/README.md from the docstrings of the shelf: python docs/shelf_page.py."""

import inspect
import re

from estimates import shelf

HEAD = """\
# The shelf

One file is one model: a page of statistics with one function, `build(study)`. This page is made from their
docstrings by `python docs/shelf_page.py`; a test fails where it is behind. A model of yours:
[Writing a model]({docs}models.md).
"""


def page(files: str = "", docs: str = "../docs/") -> str:
    """The whole page, for a place from which the model files and the documentation lie in these folders."""
    sections = (_section(shelf.find(name), files) for name in shelf.models())
    return "\n".join([HEAD.format(docs=docs), *sections])


def _section(file: shelf.ModelFile, folder: str) -> str:
    first, _, rest = inspect.cleandoc(file.doc).partition("\n")
    name, _, says = first.partition(": ")
    rest = re.sub(r"^(.+)\n-{3,}$", r"### \1\n", rest.strip(), flags=re.MULTILINE)
    asks = ", ".join(f"`{one}`" for one in file.assumptions)
    return (
        f"## {name}\n\n{says[:1].upper()}{says[1:]}\n\n"
        f"[{file.path.name}]({folder}{file.path.name}) asks for {asks}.\n\n{rest.replace('``', '`')}\n"
    )


def main() -> None:
    """Write the page."""
    (shelf.folder() / "README.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
