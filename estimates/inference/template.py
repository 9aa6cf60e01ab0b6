"""A model built once, whose numbers are read off one study after another.

Building the graph of a model takes longer than a fit. Where a model file does nothing with its study but
hand it to ``terms.frame``, every number in the graph was put there by `terms.number`, which remembers how
it is read off a study. Another study of the same structure needs the numbers only.
"""

import threading
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pytensor
from numpy.typing import NDArray

from estimates.inference.density import fitted_unknowns
from estimates.inference.forward import Forward, compile_forward
from estimates.inference.shapes import Compiled, CompiledShapes, Slot, shape_of
from estimates.lately import Lately
from estimates.shelf import ModelFile
from estimates.study import Study
from estimates.study.structure import structure
from estimates.terms.flow import limits_of

type Draws = dict[str, NDArray[Any]]

_MOST_KEPT = 128


@dataclass(frozen=True, eq=False)
class Template:
    """A model with the code compiled from it.

    Attributes
    ----------
    model : Frame
    slot : Slot or None
        The code compiled for models of this one's shape; None where nothing is fitted.
    numbers : tuple of shared variables
        What this model has for the numbers of `slot`.
    """

    model: Any
    slot: Slot[Compiled] | None
    numbers: tuple[Any, ...]

    @cached_property
    def forward(self) -> Forward:
        """From what is fitted to the carriers and the assumptions that are not; evidences need none."""
        study, given = self.model.study, fitted_unknowns(self.model)
        fitted = {variable.name for variable in given}
        names = [study.carriers.name, *(name for name in study.assumptions if name in self.model.named_vars)]
        return compile_forward(self.model, given, [self.model[name] for name in names if name not in fitted])

    @property
    def fitted(self) -> Compiled | None:
        """The density and the prior with this model's numbers in them, to be used before another's are."""
        return self.slot.holding(self.numbers) if self.slot else None

    @property
    def posterior(self) -> Hashable:
        """Equal for two studies whose posteriors are the same: one density with the same numbers in it."""
        return self.slot, *(number.get_value(borrow=True).tobytes() for number in self.numbers)

    def put(self, study: Study) -> None:
        """The numbers of `study`, which has the structure that the template was made for."""
        for name, of in self.model.numbers.items():
            self.model[name].set_value(np.asarray(of(study), dtype=self.model[name].dtype))
        others = {name: ends for name, ends in self.model.limits.items() if name != "reporting_lag"}
        self.model.limits = others | limits_of(study)


class Templates(threading.local):
    """The templates made lately, by model and structure; each thread has its own.

    Parameters
    ----------
    shapes : CompiledShapes, optional
        Where what is compiled is kept, to be shared with others.
    """

    def __init__(self, shapes: CompiledShapes | None = None) -> None:
        self._shapes = CompiledShapes() if shapes is None else shapes
        self._lately: Lately[Template] = Lately(_MOST_KEPT)

    def ready(self, file: ModelFile, study: Study) -> Template:
        """The model of `study` and what is compiled from it, to be used before the next is asked for."""
        with pytensor.config.change_flags(traceback__limit=0):
            if not file.reads_by_terms_only:
                return self._made(file, study)
            key = file.digest, structure(study)
            template = self._lately.get(key, lambda: self._made(file, study))
            template.put(study)
            return template

    def _made(self, file: ModelFile, study: Study) -> Template:
        model = file.build(study)
        if not fitted_unknowns(model):
            return Template(model, None, ())
        shape = shape_of(model)
        return Template(model, self._shapes.slot(model, shape), shape.numbers)

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._lately)
