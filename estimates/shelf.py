"""Finding model files and loading them by path. The library never imports a model by name."""

import hashlib
import importlib.util
import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from estimates.errors import EstimatesError, ModelError, choices
from estimates.study import Study

_INSTALLED = Path(__file__).parent / "models"
_CHECKOUT = Path(__file__).parent.parent / "models"
LARGEST_FILE = 1_000_000

RIVALS = ("steady", "stepped", "accelerating", "lumpy")
"""The models held against one another unless others are named: those that importance sampling can serve."""


def folder() -> Path:
    """Where the shelf is: beside the package in a checkout, inside it when installed."""
    in_checkout = (_CHECKOUT.parent / "pyproject.toml").is_file() and _CHECKOUT.is_dir()
    return _CHECKOUT if in_checkout and not _INSTALLED.is_dir() else _INSTALLED


def models() -> dict[str, Path]:
    """The models of the shelf, by name."""
    return {path.stem: path for path in sorted(folder().glob("*.py")) if not path.stem.startswith("_")}


@dataclass(frozen=True)
class ModelFile:
    """One model file: its path, and its text as it was when found."""

    name: str
    path: Path
    text: str

    @property
    def digest(self) -> str:
        """A digest of the file's text."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]

    @property
    def first_line(self) -> str:
        """The first line of its docstring."""
        return (inspect.cleandoc(self.doc) or "No description.").splitlines()[0]

    @cached_property
    def doc(self) -> str:
        """Its docstring, read without running the file."""
        import ast

        try:
            return ast.get_docstring(ast.parse(self.text)) or ""
        except (SyntaxError, ValueError):
            return ""

    @property
    def assumptions(self) -> tuple[str, ...]:
        """The assumptions it asks for by name in its text."""
        return tuple(dict.fromkeys(re.findall(r"assumption\(\s*[\"'](\w+)[\"']", self.text)))

    def is_served_by(self, study: Study) -> bool:
        """Whether a study has the assumptions that its text names, and a knot day if it names that."""
        asks_for_knot = re.search(r"day\(\s*[\"']knot[\"']", self.text) is not None
        return set(self.assumptions) <= set(study.assumptions) and not (asks_for_knot and study.knot is None)

    @cached_property
    def reads_by_terms_only(self) -> bool:
        """Whether ``build`` hands its study to ``terms.frame`` and does nothing else with it.

        What `terms` read off a study can be read off another; what the file itself reads is in the graph
        for good. Told from the text: any other use of the study, or of a ``.study``, is one too many.
        """
        import ast

        try:
            tree = ast.parse(self.text)
        except (SyntaxError, ValueError):
            return False
        builds = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "build"]
        if len(builds) != 1 or len(builds[0].args.args) != 1:
            return False
        study = builds[0].args.args[0].arg
        nodes = list(ast.walk(tree))
        names = [n for n in nodes if isinstance(n, ast.Name) and n.id == study]
        frames = [n for n in nodes if isinstance(n, ast.Call) and ast.unparse(n) == f"terms.frame({study})"]
        inside = {id(call.args[0]) for call in frames}
        reaches = any(isinstance(n, ast.Attribute) and n.attr == "study" for n in nodes)
        return bool(frames) and not reaches and all(id(name) in inside for name in names)

    def build(self, study: Study) -> Any:
        """The PyMC model of `study`.

        Raises
        ------
        ModelError
            For a file that cannot be run, has no ``build``, or whose ``build`` fails or returns
            something else than a model with a flow.
        StudyError
            When the study lacks an assumption, with a TOML block to paste.
        """
        import pymc as pm
        import pytensor

        build = self._function()
        try:
            # Where each node of the graph was made is of no use to anybody, and takes time to record.
            with pytensor.config.change_flags(traceback__limit=0):
                model = build(study)
        except ModelError as error:
            raise error if error.where else error.at(str(self.path)) from None
        except EstimatesError:
            raise
        except (Exception, SystemExit) as error:
            raise ModelError(
                f"build(study) failed: {type(error).__name__}: {error}{_line_in(error, self.path)}",
                where=str(self.path),
                remedy="The model file's own code raised this; see docs/models.md for a working one.",
            ) from error
        if not isinstance(model, pm.Model):
            raise ModelError(
                f"build(study) returned {type(model).__name__}",
                where=str(self.path),
                remedy="It must return the pm.Model of terms.frame(study).",
            )
        if not model.observed_RVs:
            raise ModelError(
                "the model has no reports in it",
                where=str(self.path),
                remedy="Call terms.flow(...) inside the frame: it adds the reports and the quantities.",
            )
        return model

    def _function(self) -> Callable[[Study], Any]:
        spec = importlib.util.spec_from_file_location(f"estimates_model_{self.name}", self.path)
        if spec is None or spec.loader is None:
            raise ModelError("is no Python file", where=str(self.path), remedy="A model file ends in .py.")
        module = importlib.util.module_from_spec(spec)
        # Not entered in sys.modules: PyMC's own sampler then fails when it spawns workers.
        try:
            spec.loader.exec_module(module)
        except (Exception, SystemExit) as error:
            raise ModelError(
                f"cannot be run: {type(error).__name__}: {error}{_line_in(error, self.path)}",
                where=str(self.path),
            ) from error
        build = getattr(module, "build", None)
        if not callable(build):
            raise ModelError(
                "has no function build(study)",
                where=str(self.path),
                remedy="def build(study: Study) -> pm.Model: ...",
            )
        return build  # type: ignore[no-any-return]


@dataclass(frozen=True)
class ModelFunction(ModelFile):
    """A function ``build(study)`` that is there already, in the place of a file that holds one."""

    function: Callable[[Study], Any]

    @property
    def reads_by_terms_only(self) -> bool:
        """False: nobody knows what a function made elsewhere holds on to."""
        return False

    def _function(self) -> Callable[[Study], Any]:
        return self.function


def of(build: Callable[[Study], Any]) -> ModelFunction:
    """A function ``build(study)`` as if it stood in a file."""
    try:
        text, path = inspect.getsource(build), inspect.getsourcefile(build)
    except (OSError, TypeError):  # made without a file
        text, path = repr(build), None
    return ModelFunction(getattr(build, "__name__", "build"), Path(path or "<function>"), text, build)


def find(model: str | Path | ModelFile) -> ModelFile:
    """The model file of this name on the shelf, or at this path.

    A string is a path if it ends in ``.py`` or holds a separator. A `ModelFile` is itself.

    Raises
    ------
    ModelError
        For an unknown name or a file that cannot be read.
    """
    if isinstance(model, ModelFile):
        return model
    known = models()
    is_path = isinstance(model, Path) or model.endswith(".py") or "/" in model or "\\" in model
    if not is_path and str(model) not in known:
        raise ModelError(
            f"unknown model {str(model)!r}",
            remedy=f"{choices(str(model), known)} A file of yours is given by its path.",
        )
    path = Path(model) if is_path else known[str(model)]
    try:
        if not path.is_file():
            raise ModelError(
                "is no file", where=str(path), remedy="Give the path of a model file, or a name."
            )
        if path.stat().st_size > LARGEST_FILE:
            raise ModelError("is too large for a model file", where=str(path))
        return ModelFile(path.stem, path.resolve(), path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise ModelError(
            "not a text file", where=str(path), remedy="A model file is Python in UTF-8."
        ) from None
    except OSError as error:
        raise ModelError(f"cannot be read: {error.strerror}", where=str(path)) from None


def _line_in(error: BaseException, path: Path) -> str:
    """Where in the model file an error arose."""
    lines = (
        [frame.lineno for frame in inspect.getinnerframes(error.__traceback__) if frame.filename == str(path)]
        if error.__traceback__
        else []
    )
    return f" (line {lines[-1]})" if lines else ""
