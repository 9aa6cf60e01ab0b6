"""A model built once, whose numbers are read off one study after another.

Building the graph of a model takes longer than a fit. Where a model file does nothing with its study but
hand it to ``terms.frame``, every number in the graph was put there by `terms.number`, which remembers how
it is read off a study. Another study of the same structure needs the numbers only.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytensor
from numpy.typing import NDArray

from estimates.inference.density import fitted_unknowns
from estimates.inference.forward import Forward, compile_forward
from estimates.inference.shapes import Compiled, CompiledShapes
from estimates.shelf import ModelFile
from estimates.study import Study
from estimates.study.structure import structure

type Draws = dict[str, NDArray[Any]]

_MOST_KEPT = 128


@dataclass(frozen=True)
class Template:
    """A model with the code compiled from it.

    Attributes
    ----------
    model : Frame
    forward : Forward
        From what is fitted to the carriers and the assumptions that are not.
    """

    model: Any
    forward: Forward

    def put(self, study: Study) -> None:
        """The numbers of `study`, which has the structure that the template was made for."""
        for name, of in self.model.numbers.items():
            self.model[name].set_value(np.asarray(of(study), dtype=self.model[name].dtype))


class Templates(threading.local):
    """The templates made lately, by model and structure; each thread has its own."""

    def __init__(self) -> None:
        self.kept: OrderedDict[tuple[str, str], Template] = OrderedDict()
        self.shapes = CompiledShapes()

    def ready(self, file: ModelFile, study: Study) -> tuple[Template, Compiled | None]:
        """The model of `study` and what is compiled from it, to be used before the next is asked for.

        What is compiled is None where nothing is fitted.
        """
        with pytensor.config.change_flags(traceback__limit=0):
            template = self._template(file, study)
            fitted = fitted_unknowns(template.model)
            return template, self.shapes.compiled(template.model) if fitted else None

    def _template(self, file: ModelFile, study: Study) -> Template:
        if not file.reads_by_terms_only:
            return _made(file, study)
        key = (file.digest, structure(study))
        if key not in self.kept:
            self.kept[key] = _made(file, study)
        else:
            self.kept[key].put(study)
        self.kept.move_to_end(key)
        while len(self.kept) > _MOST_KEPT:
            self.kept.popitem(last=False)
        return self.kept[key]


def _made(file: ModelFile, study: Study) -> Template:
    model = file.build(study)
    given = fitted_unknowns(model)
    fitted = {variable.name for variable in given}
    wanted = [study.carriers.name, *(name for name in study.assumptions if name in model.named_vars)]
    return Template(
        model, compile_forward(model, given, [model[name] for name in wanted if name not in fitted])
    )
