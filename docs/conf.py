"""Sphinx settings."""

import logging
import sys
from importlib.metadata import version as installed_version
from pathlib import Path

from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent))  # for tables
logging.getLogger("pytensor.configparser").setLevel(logging.WARNING)  # it tells of each setting it tries

project = "estimates"
author = "The estimates developers"
copyright = "The estimates developers"
release = version = installed_version("estimates")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "tables",
]
default_role = "py:obj"
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"estimates {release}"

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
html_math_renderer = "mathjax"
suppress_warnings = ["config.cache"]

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings give types with shapes and units
autodoc_default_options = {
    "members": True,
    "no-value": True,
    # What every Pydantic class has and nobody calls.
    "exclude-members": "model_config, model_post_init, model_fields, model_computed_fields",
}
napoleon_google_docstring = False
napoleon_use_rtype = False


def setup(app: Sphinx) -> None:
    """Keep napoleon from reading "The days kept: a weekly grid" of a property as a type and its meaning."""
    as_written: dict[str, list[str]] = {}

    def keep(_app: Sphinx, what: str, name: str, _obj: object, _options: object, lines: list[str]) -> None:
        if what == "property" and not any(line.startswith("---") for line in lines):
            as_written[name] = list(lines)

    def restore(_app: Sphinx, what: str, name: str, _obj: object, _options: object, lines: list[str]) -> None:
        if what == "property" and name in as_written:
            lines[:] = as_written[name]

    app.connect("autodoc-process-docstring", keep, priority=400)  # napoleon has 500
    app.connect("autodoc-process-docstring", restore, priority=600)
