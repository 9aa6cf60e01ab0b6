"""Directives that print what the code knows, so that a table here cannot differ from it.

- ``fields``: the fields of a class of a study file, with their meaning
- ``wordings``: every accepted wording and the hedge it belongs to
- ``intervals``: a few worded numbers and the intervals they are read as
- ``families``: the families of priors and their fields
- ``model-assumptions``: the names and units that models agree upon
- ``shelf``: the models of the shelf
- ``laws``: the laws of models, or of studies
- ``example-study``: a study file, shown and read
- ``citation``: how the library is cited, from CITATION.cff

The page ``shelf`` is made of the docstrings of the model files.
"""

import importlib
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar

import shelf_page
import yaml
from docutils import nodes
from pydantic.fields import FieldInfo
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from estimates import shelf, study
from estimates.assumptions import FAMILIES, MODEL_ASSUMPTIONS
from estimates.errors import EstimatesError
from estimates.reports import HEDGES, Says


class Table(SphinxDirective):
    """A table of what `rows` gives under the columns of `header`."""

    header: ClassVar[Sequence[str]] = ()

    def rows(self) -> Iterable[Sequence[str]]:
        """One sequence of Markdown cells for each line."""
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        """The nodes of the table."""
        lines = [self.header, ["---"] * len(self.header), *self.rows()]
        escaped = ([cell.replace("|", r"\|") for cell in line] for line in lines)
        text = "\n".join(f"| {' | '.join(line)} |" for line in escaped)
        return self.parse_text_to_nodes(text)


class Fields(Table):
    """The fields of the class named, such as ``estimates.reports.Report``."""

    header = ("field", "needed", "meaning")
    required_arguments = 1

    def rows(self) -> Iterable[Sequence[str]]:
        """Fields in the order of the class."""
        module, _, name = self.arguments[0].rpartition(".")
        fields: dict[str, FieldInfo] = getattr(importlib.import_module(module), name).model_fields
        for name, field in fields.items():
            meaning = field.description or "See below."
            yield f"`{field.alias or name}`", "yes" if field.is_required() else "", meaning


class Wordings(Table):
    """Every accepted wording, by hedge."""

    header = ("hedge", "accepted wordings")

    def rows(self) -> Iterable[Sequence[str]]:
        """One line for each hedge."""
        for hedge in dict.fromkeys(HEDGES.values()):
            yield hedge, ", ".join(f"`{word}`" for word, kind in HEDGES.items() if kind == hedge)


class Intervals(Table):
    """The content, one TOML inline table a line, and how each is read."""

    header = ("written", "grid", "read as", "simulated reports are")
    has_content = True

    def rows(self) -> Iterable[Sequence[str]]:
        """One line for each worded number."""
        for line in self.content:
            says = Says.model_validate(tomllib.loads(f"says = {line}")["says"])
            yield f"`{line}`", f"{says.grid:,g}", f"`{says.seen}`", says.printing.value


class Families(Table):
    """The families of priors."""

    header = ("family", "needs", "may have")

    def rows(self) -> Iterable[Sequence[str]]:
        """One line for each family."""
        for family, (needed, optional) in FAMILIES.items():
            yield f"`{family}`", *(", ".join(f"`{f}`" for f in sorted(some)) for some in (needed, optional))


class ModelAssumptions(Table):
    """The names and units that models agree upon."""

    header = ("name", "unit", "meaning")

    def rows(self) -> Iterable[Sequence[str]]:
        """One line for each assumption."""
        for name, assumption in MODEL_ASSUMPTIONS.items():
            yield f"`{name}`", f"`{assumption.unit.format(carrier='container')}`", assumption.meaning


class Shelf(Table):
    """The models of the shelf."""

    header = ("model", "what it says", "assumptions it asks for")

    def rows(self) -> Iterable[Sequence[str]]:
        """One line for each model file."""
        for name in shelf.models():
            model = shelf.find(name)
            asked = ", ".join(f"`{assumption}`" for assumption in model.assumptions)
            yield f"`{name}`", model.first_line.partition(": ")[2] or model.first_line, asked


class Laws(Table):
    """The laws of models or of studies."""

    header = ("law", "what it says", "cost")
    required_arguments = 1

    def rows(self) -> Iterable[Sequence[str]]:
        """One line for each law."""
        from estimates import testing

        for law in getattr(testing, self.arguments[0]):
            yield f"`{law.name}`", law.says, law.cost


class ExampleStudy(SphinxDirective):
    """A study file, shown in full; the build fails when it cannot be read."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The file as a block of TOML."""
        _, path = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(path)
        try:
            study.read(path)
        except EstimatesError as error:
            raise self.error(str(error)) from error
        text = Path(path).read_text(encoding="utf-8")
        return [nodes.literal_block(text, text, language="toml")]


class Citation(SphinxDirective):
    """What CITATION.cff says, as a line of text and as BibTeX."""

    def run(self) -> list[nodes.Node]:
        """The line and the entry."""
        _, path = self.env.relfn2path("/../CITATION.cff")
        self.env.note_dependency(path)
        said = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        authors = " and ".join(_name(author) for author in said["authors"])
        line = f"{authors}. {said['title']}. Version {said['version']}. Licence: {said['license']}."
        entry = {
            "title": f"{{{said['title']}}}",
            "author": f"{{{authors}}}",
            "version": said["version"],
            "url": said.get("repository-code") or said.get("url"),
        }
        fields = "\n".join(f"  {key} = {{{value}}}," for key, value in entry.items() if value)
        bibtex = f"@software{{estimates,\n{fields}\n}}"
        return [nodes.paragraph("", line), nodes.literal_block(bibtex, bibtex, language="bibtex")]


def _name(author: dict[str, str]) -> str:
    """A person's or a body's name, as it is cited."""
    return author.get("name") or f"{author['family-names']}, {author['given-names']}"


def _shelf_page(_app: Sphinx, name: str, source: list[str]) -> None:
    """Put the page of the shelf, as models/README.md has it, in the place of `shelf.md`."""
    if name == "shelf":
        source[0] = shelf_page.page(files="../models/", docs="")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the directives."""
    app.add_directive("fields", Fields)
    app.add_directive("wordings", Wordings)
    app.add_directive("intervals", Intervals)
    app.add_directive("families", Families)
    app.add_directive("model-assumptions", ModelAssumptions)
    app.add_directive("shelf", Shelf)
    app.add_directive("laws", Laws)
    app.add_directive("example-study", ExampleStudy)
    app.add_directive("citation", Citation)
    app.connect("source-read", _shelf_page)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
