"""Truths drawn from the prior of a model, the reports they print, and fits to those, one after another.

Printed values are data of a model's graph, so that what is compiled once serves all simulations.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pymc as pm
import pytensor
from numpy.typing import NDArray

from estimates.errors import EngineError, EstimatesError, QuestionError
from estimates.estimate import Measured
from estimates.inference import importance
from estimates.inference.density import fitted_unknowns
from estimates.inference.fit import MOST_UNKNOWNS, sample_importance
from estimates.inference.forward import compile_forward
from estimates.inference.shapes import compile_model
from estimates.inference.weighted import Weighted
from estimates.ranks import weighted_pit
from estimates.seeds import generator
from estimates.shelf import ModelFile
from estimates.study import Study

type Array = NDArray[np.float64]

EFFORT = importance.Effort(points=2048, effective=4_000, pareto_k=0.5, share=0.1, error=0.03)
"""That of a fit on its own, with half of its points: what is calibrated is what users get."""

LOG_LIKELIHOOD = "log likelihood"
"""How the log likelihood is called among the ranked quantities."""

_REPORTS, _PRINTED = "reports", "report_value"  # of terms.flow: the variable, and the data that it observes


@dataclass(frozen=True)
class Simulation:
    """One truth drawn from the prior, the reports it printed, and where the fit to them put it.

    Attributes
    ----------
    number : int
        From 0; with the seed and the model's name it fixes all chance in it.
    reports : tuple of float
        As printed, in the order of the study's fitted reports.
    truths : mapping
        Ranked quantity -> the value from which it was simulated, in the unit of models.
    pits : mapping
        Ranked quantity -> the share of the posterior below the truth.
    log_evidence : Measured
    verdict : str
        ``"good"``, ``"caution"`` or ``"bad"``, as of any fit by importance sampling.
    """

    number: int
    reports: tuple[float, ...]
    truths: Mapping[str, float]
    pits: Mapping[str, float]
    log_evidence: Measured
    verdict: str


def simulated(
    study: Study, file: ModelFile, source: ModelFile | None, seed: int, numbers: Sequence[int]
) -> list[Simulation]:
    """Some simulations of a model, compiled once for them all."""
    study = study.on_named_days()
    fitter = _Fitter(study, file)
    printer = _Printer(study, source, source.build(study)) if source else _Printer(study, file, fitter.model)
    missing = [name for name in fitter.density.names if name not in printer.truths.names]
    if missing:
        raise QuestionError(
            f"{printer.file.name} has no {missing[0]!r}, which {file.name} fits",
            remedy="The model that prints must have every unknown of the one that is fitted.",
        )
    return [_one_simulation(fitter, printer, seed, number) for number in numbers]


def _one_simulation(fitter: "_Fitter", printer: "_Printer", seed: int, number: int) -> Simulation:
    name = fitter.file.name
    truth = printer.truth(seed, number)
    with _told(fitter, truth[_REPORTS][0], number, seed, truth):
        weighted = fitter.weighted(truth[_REPORTS][0], _seed(seed, name, "fit", number))
        evidence = Measured(weighted.log_evidence, weighted.log_evidence_error)
        found = fitter.values(weighted, truth, generator(seed, name, "values", number))
        rng = generator(seed, name, "ties", number)
        used = np.isfinite(weighted.log_weights.ravel())
        log_weights = weighted.log_weights.ravel()[used]
        pits = {
            quantity: weighted_pit(values, log_weights, value, rng)
            for quantity, (value, values) in found.items()
        }
        truths = {quantity: value for quantity, (value, _) in found.items()}
        _refuse_unknown(truths | {"log evidence": evidence.value})
    reports = tuple(map(float, truth[_REPORTS][0]))
    return Simulation(number, reports, truths, pits, evidence, weighted.trust.verdict)


def _refuse_unknown(numbers: Mapping[str, float]) -> None:
    for name, value in numbers.items():
        if not np.isfinite(value):
            raise EngineError(
                f"{name} is {value}", remedy="The truth, or its fit, is outside of what the model can say."
            )


@contextmanager
def _told(
    fitter: "_Fitter", reports: Array, number: int, seed: int, truth: Mapping[str, Array]
) -> Iterator[None]:
    """Whatever goes wrong in a simulation, said with its number, seed and values."""
    said = ", ".join(f"{r.id} {v:,.10g}" for r, v in zip(fitter.study.fitted, reports, strict=True))
    unknowns = ", ".join(
        f"{name} {np.array2string(np.squeeze(value), precision=6)}"
        for name, value in truth.items()
        if name in fitter.density.names
    )
    where = f"{fitter.file.name} · simulation {number} · seed {seed} · {said} · from {unknowns}"
    try:
        yield
    except EstimatesError as error:
        raise error.at(where) from None
    except (ArithmeticError, ValueError) as error:
        raise EngineError(f"{type(error).__name__}: {error}", where=where) from error


def _seed(seed: int, *names: str | int) -> int:
    return int(generator(seed, *names).integers(2**32))


class _Printer:
    """A model that draws truths from its prior and prints reports."""

    def __init__(self, study: Study, file: ModelFile, model: pm.Model) -> None:
        self.file, self.asked = file, _asked(study, model)
        with pytensor.config.change_flags(traceback__limit=0):
            wanted = [*fitted_unknowns(model), *(model[name] for name in (*self.asked, _REPORTS))]
            self.truths = compile_forward(model, [], wanted)

    def truth(self, seed: int, number: int) -> dict[str, Array]:
        """One draw (1, ...) of the unknowns, of what is asked at the last report, and of the reports."""
        drawn = self.truths.run({}, 1, generator(seed, self.file.name, "truth", number))
        return drawn | {name: _entry(drawn[name], at) for name, at in self.asked.items()}


class _Fitter:
    """A model that is fitted to one set of printed reports after another, compiled once."""

    def __init__(self, study: Study, file: ModelFile) -> None:
        self.study, self.file = study, file
        self.model: pm.Model = file.build(study)
        _refuse_model(self.model, file)
        unknowns = fitted_unknowns(self.model)
        with pytensor.config.change_flags(traceback__limit=0):
            self.compiled = compile_model(self.model)
            if self.density.dimension > MOST_UNKNOWNS:
                raise QuestionError(
                    f"{file.name} has {self.density.dimension} fitted unknowns here; calibration fits by "
                    f"importance sampling, which is for {MOST_UNKNOWNS} at most",
                    remedy="A thousand fits by NUTS would take days; calibrate a model of fewer unknowns.",
                )
            self.asked = _asked(study, self.model)
            self.after = compile_forward(self.model, unknowns, [self.model[name] for name in self.asked])

    @property
    def density(self) -> Any:
        """The density of what is fitted."""
        return self.compiled.density

    def weighted(self, reports: Array, seed: int, effort: importance.Effort = EFFORT) -> Weighted:
        """The posterior given these reports."""
        self.model.set_data(_PRINTED, reports)
        return sample_importance(self.compiled, seed, effort=effort)

    def values(
        self, weighted: Weighted, truth: dict[str, Array], rng: np.random.Generator
    ) -> dict[str, tuple[float, Array]]:
        """What is ranked: its truth, and its values (n,) at the points of finite weight."""
        density = self.density
        points = weighted.population.points[np.isfinite(weighted.log_weights.ravel())]
        unknowns = density.constrain(points)
        found: dict[str, tuple[float, Array]] = {}
        for name, values in unknowns.items():
            flat, drawn = values.reshape(len(points), -1), np.ravel(truth[name])
            labels = _labels(self.model, name, values.shape[1:])
            found |= {label: (float(drawn[i]), flat[:, i]) for i, label in enumerate(labels)}
        # Together with the truth, so that what is equal to it is found equal.
        together = np.concatenate([density.unconstrain(truth), points])
        log_likelihood = density.evaluate(together)[1]
        for name, values in self.after.run(unknowns, len(points), rng).items():
            found[name] = (float(truth[name][0]), _entry(values, self.asked[name]))
        found[LOG_LIKELIHOOD] = (float(log_likelihood[0]), log_likelihood[1:])
        return found


def _refuse_model(model: pm.Model, file: ModelFile) -> None:
    if model.potentials or [variable.name for variable in model.observed_RVs] != [_REPORTS]:
        more = [v.name for v in (*model.observed_RVs, *model.potentials) if v.name != _REPORTS]
        raise QuestionError(
            f"{file.name} observes {', '.join(more)} besides the reports",
            remedy="Only what terms.flow observes can be printed anew; a potential cannot be simulated.",
        )


def _asked(study: Study, model: pm.Model) -> dict[str, int]:
    """The headline and the carriers, and which entry of each is that at the last fitted report."""
    days = np.array(model.coords["day"], dtype="datetime64[D]")
    day = int(np.searchsorted(days, np.datetime64(study.fitted[-1].published)))
    return {study.leading[0]: -1, study.carriers.name: day}


def _entry(values: Array, at: int) -> Array:
    """One entry (n,) of a quantity (n, ...), or the quantity itself where it has only one."""
    return values if values.ndim == 1 else values[:, at]


def _labels(model: pm.Model, name: str, shape: tuple[int, ...]) -> list[str]:
    """What each entry of an unknown is called: by its coordinate where it has one."""
    if not shape:
        return [name]
    dims = model.named_vars_to_dims.get(name) or (None,)
    entries = model.coords.get(dims[0]) if len(dims) == 1 else None
    count = int(np.prod(shape))
    return [f"{name}[{entry}]" for entry in (range(count) if entries is None else entries)]


def evidences(
    study: Study, file: ModelFile, seed: int, printed: Sequence[tuple[str, int, tuple[float, ...]]]
) -> list[float]:
    """The log evidence of a model on what others printed."""
    fitter, found = _Fitter(study.on_named_days(), file), []
    for printer, number, reports in printed:
        values = np.array(reports)
        with _told(fitter, values, number, seed, {}):
            own = _seed(seed, file.name, "evidence", printer, number)
            evidence = fitter.weighted(values, own, effort=importance.EVIDENCE).log_evidence
            _refuse_unknown({"log evidence": evidence})
        found.append(evidence)
    return found
