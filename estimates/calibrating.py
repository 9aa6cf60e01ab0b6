"""Whether posteriors say what they should: simulation-based calibration of models and of their evidence.

Truths are drawn from the prior, reports are printed from them through their hedges, the model is fitted to
what was printed, and each truth is ranked in its posterior. Averaged over truths and reports, a posterior is
the prior again; so the ranks are uniform if, and for all practical purposes only if, the prior, the printing,
the likelihood and the engine belong together. It says nothing of whether the world is like the model.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import batched
from pathlib import Path
from typing import Any

import numpy as np
import pymc as pm
import pytensor
from numpy.typing import NDArray

from estimates import shelf, trust
from estimates.errors import EngineError, EstimatesError, QuestionError
from estimates.estimate import Measured
from estimates.inference import importance
from estimates.inference.density import fitted_unknowns
from estimates.inference.fit import MOST_UNKNOWNS, versions
from estimates.inference.forward import compile_forward
from estimates.inference.shapes import compile_model
from estimates.ranks import LEVEL, ModelIndex, Ranked, model_probabilities, weighted_pit
from estimates.reports import Printing
from estimates.seeds import generator
from estimates.shelf import ModelFile
from estimates.study import Study
from estimates.workers import Progress, Workers

type Array = NDArray[np.float64]
type Model = str | Path | ModelFile

LOG_LIKELIHOOD = "log likelihood"
"""How the log likelihood is called among the ranked quantities."""

_REPORTS, _PRINTED = "reports", "report_value"  # of terms.flow: the variable, and the data that it observes
_CHUNK = 50  # simulations of one task, each of which compiles its model


@dataclass(frozen=True)
class Simulation:
    """One truth drawn from the prior, the reports it printed, and where the fit to them put it.

    Attributes
    ----------
    number : int
        From 0; with the seed and the model's name it fixes all chance in it.
    reports : tuple of float
        As printed, in the order of the study's fitted reports.
    pits : mapping
        Ranked quantity -> the share of the posterior below the truth.
    log_evidence : Measured
    verdict : str
        ``"good"``, ``"caution"`` or ``"bad"``, as of any fit by importance sampling.
    """

    number: int
    reports: tuple[float, ...]
    pits: Mapping[str, float]
    log_evidence: Measured
    verdict: str


@dataclass(frozen=True)
class Calibration:
    """Whether posteriors of truths that are known say what they should.

    Attributes
    ----------
    models : mapping
        Model -> the digest of its file.
    simulated_by : str or None
        The model that printed the reports; None where each model printed its own.
    level : float
        The probability of each band.
    left_out : tuple of (report, wording)
        Reports whose wording no simulation can reproduce. Nothing here is said of them.
    simulated : mapping
        Model -> its simulations.
    index : ModelIndex or None
        Which of several models printed the reports; None with one.
    """

    study: Study
    models: Mapping[str, str]
    simulated_by: str | None
    seed: int
    versions: Mapping[str, str]
    left_out: tuple[tuple[str, str], ...]
    simulated: Mapping[str, tuple[Simulation, ...]]
    index: ModelIndex | None
    level: float = LEVEL

    @cached_property
    def ranked(self) -> tuple[Ranked, ...]:
        """Every ranked quantity of every model."""
        return tuple(
            Ranked(model, name, tuple(one.pits[name] for one in found))
            for model, found in self.simulated.items()
            for name in found[0].pits
        )

    def row(self, quantity: str, model: str | None = None) -> Ranked:
        """One ranked quantity, of the first model unless another is named.

        Raises
        ------
        KeyError
            For a quantity that is not ranked.
        """
        model = model or next(iter(self.models))
        return {(one.model, one.quantity): one for one in self.ranked}[(model, quantity)]

    @property
    def simulations(self) -> int:
        """How many simulations each model had."""
        return len(next(iter(self.simulated.values())))

    @property
    def outside(self) -> tuple[Ranked, ...]:
        """The ranked quantities that leave their band."""
        return tuple(one for one in self.ranked if not one.is_inside)

    @property
    def is_calibrated(self) -> bool:
        """Whether all that was ranked lies in its band."""
        return not self.outside and (self.index is None or self.index.is_inside)

    def verdicts(self) -> dict[str, dict[str, int]]:
        """How many fits of each model were good, caution and bad; all of them are among the ranks."""
        return {model: dict(Counter(one.verdict for one in found)) for model, found in self.simulated.items()}

    def sentences(self) -> Iterator[str]:
        """What was found, in sentences fit to quote."""
        yield (
            f"{self.simulations:,} simulations of {', '.join(self.models)} on {self.study.name}: "
            f"{len(self.ranked) - len(self.outside)} of {len(self.ranked)} quantities lie in their simultaneous "
            f"{self.level:.0%} band, of which {(1 - self.level) * len(self.ranked):.1g} would be outside by chance."
        )
        for one in self.outside:
            yield f"{one.quantity} of {one.model} lies outside: {one.reach:.2f} times as far as the band goes."
        if self.index is not None:
            found = "as often as its posterior said" if self.index.is_inside else "NOT as often as it said"
            yield f"The model that printed the reports was found {found}."
        if self.left_out:
            told = ", ".join(f"{report} ({wording})" for report, wording in self.left_out)
            yield f"Left out, because no simulation reproduces their wording: {told}."

    def document(self) -> dict[str, Any]:
        """The result as plain data."""
        study = self.study
        return {
            "schema": 1,
            "study": study.name,
            "fingerprint": study.fingerprint,
            "data_digest": study.data_digest,
            "variant": study.variant_name,
            "models": [{"model": name, "model_digest": digest} for name, digest in self.models.items()],
            "simulated_by": self.simulated_by,
            "seed": self.seed,
            "versions": dict(self.versions),
            "simulations": self.simulations,
            "level": self.level,
            "says": " ".join(self.sentences()),
            "calibrated": self.is_calibrated,
            "quantities": [one.document() for one in self.ranked],
            "verdicts": self.verdicts(),
            "left_out": [{"report": report, "wording": wording} for report, wording in self.left_out],
            "index": self.index and self.index.document(),
        }


def calibrate(  # noqa: PLR0913 - what is simulated (simulated_by, simulations) and how (seed, workers, progress)
    study: Study,
    models: Model | Sequence[Model] = "steady",
    *,
    simulated_by: Model | None = None,
    simulations: int = 1000,
    seed: int = 1,
    workers: int = 1,
    progress: Progress | None = None,
) -> Calibration:
    """Fit models to reports that were simulated from known truths, and see where the truths come to lie.

    For each simulation all unknowns are drawn from the prior, the fitted reports of the study are printed
    anew through their hedges, and the model is fitted to them by importance sampling. Ranked are every fitted
    unknown, the headline and the carriers at the last fitted report, and the log likelihood, each by its
    weighted PIT (`estimates.ranks.weighted_pit`). With several models, one is drawn with equal chances for
    each simulation, and the log evidence of every model on what that one printed becomes a posterior
    probability: its mean must be the model's share, and models must come true as often as they are probable.

    Parameters
    ----------
    study : Study
        The numbers of its fitted reports play no part, only their days, issuers and wordings.
    models : str or Path, or several
        Each is fitted to what it printed itself.
    simulated_by : str or Path, optional
        Another model to draw truths and print reports, of the same unknowns and perhaps more: to see that a
        wrong model is found out. With one model only.
    simulations : int
        For each model.
    seed : int
        The same seed gives the same numbers, whatever the number of workers.
    workers : int
        Processes. More than one starts Python anew in each, so a script that asks for it needs the usual
        ``if __name__ == "__main__":``.
    progress : callable, optional
        Told the share done and what is being done.

    Returns
    -------
    Calibration

    Raises
    ------
    QuestionError
        Where no report can be simulated as it is worded, with too few simulations, or for a model with too
        many unknowns for importance sampling.
    EngineError, ContradictionError
        For a simulation that could not be fitted, with its number, seed and values. None is ever left out.

    References
    ----------
    Talts et al. (2018), arXiv:1804.06788. Modrak et al. (2023), doi:10.1214/23-BA1404: without the log
    likelihood among the ranks, a posterior that ignores the data passes.
    Saeilynoja et al. (2022), doi:10.1007/s11222-022-10090-6: the bands.

    Examples
    --------
    >>> import estimates as est
    >>> found = est.calibrate(est.read("dprk-shells-2024"), "steady", simulations=4)
    >>> len(found.row("shells_152").pits)
    4
    """
    files = _files(models)
    source = None if simulated_by is None else shelf.find(simulated_by)
    if source is not None and len(files) > 1:
        raise QuestionError("simulated_by with several models", remedy="Give one model to be fitted.")
    if simulations < 2:
        raise QuestionError(f"{simulations} simulations", remedy="Two at least; 1,000 tell much, 100 a little.")
    shown, left_out = _printable(study)
    numbers = list(batched(range(simulations), max(1, min(_CHUNK, -(-simulations // workers)))))
    with Workers(workers, progress) as pool:
        tasks = [(shown, file, source, seed, chunk) for file in files for chunk in numbers]
        share = 1.0 if len(files) == 1 else 0.6
        done = iter(pool.run("simulating and fitting", _simulated, tasks, share=share))
        simulated = {file.name: tuple(one for _ in numbers for one in next(done)) for file in files}
        index = None if len(files) == 1 else _model_index(shown, files, simulated, seed, pool)
    return Calibration(
        study,
        {file.name: file.digest for file in files},
        None if source is None else source.name,
        seed,
        versions(),
        left_out,
        simulated,
        index,
    )


def _files(models: Model | Sequence[Model]) -> list[ModelFile]:
    several = [models] if isinstance(models, str | Path | ModelFile) else list(models)
    files = [shelf.find(model) for model in several]
    twice = [name for name, count in Counter(file.name for file in files).items() if count > 1]
    if twice or not files:
        told = f"two models called {twice[0]!r}" if twice else "no model"
        raise QuestionError(told, remedy="Give one model or several, each with a name of its own.")
    return files


def _printable(study: Study) -> tuple[Study, tuple[tuple[str, str], ...]]:
    """The study without the reports that cannot be printed by simulation, and which these are."""
    if study.predecessors:
        raise QuestionError(
            "errors are carried along from report to report (errors = 'increment')",
            where=study.name,
            remedy="What was seen between two reports cannot be drawn apart from them; calibrate with 'count'.",
        )
    vague = [report for report in study.fitted if report.says.printing is Printing.UNROUNDED]
    left_out = tuple((report.id, str(report.says)) for report in vague)
    if len(vague) == len(study.fitted):
        told = ", ".join(f"{report} ({wording})" for report, wording in left_out)
        raise QuestionError(
            f"no report is worded so that a simulation can print it: {told}",
            where=study.name,
            remedy="'exactly', 'about' and closed 'over' can be printed; other wordings tell an interval only.",
        )
    return (study.without(*(report.id for report in vague)) if vague else study), left_out


# ---- simulations of one model ------------------------------------------------------------------


def _simulated(
    study: Study, file: ModelFile, source: ModelFile | None, seed: int, numbers: Sequence[int]
) -> list[Simulation]:
    """Some simulations of a model, compiled once for them all."""
    fitter, printer = _Fitter(study, file), _Printer(study, source or file)
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
        _refuse_unknown({**{k: v for k, (v, _) in found.items()}, **pits, "log evidence": evidence.value})
    verdict = trust.of_importance(weighted.pareto_k, weighted.effective_size, evidence.mcse).verdict
    return Simulation(number, tuple(map(float, truth[_REPORTS][0])), pits, evidence, verdict)


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

    def __init__(self, study: Study, file: ModelFile) -> None:
        self.file = file
        model = file.build(study.kept_at_reports())
        with pytensor.config.change_flags(traceback__limit=0):
            wanted = [*fitted_unknowns(model), *_asked(study, model), model[_REPORTS]]
            self.truths = compile_forward(model, [], wanted)

    def truth(self, seed: int, number: int) -> dict[str, Array]:
        """One draw (1, ...) of everything, the reports as printed among it."""
        return self.truths.run({}, 1, generator(seed, self.file.name, "truth", number))


class _Fitter:
    """A model that is fitted to one set of printed reports after another, compiled once."""

    def __init__(self, study: Study, file: ModelFile) -> None:
        self.study, self.file = study, file
        self.model: pm.Model = file.build(study.kept_at_reports())
        unknowns = fitted_unknowns(self.model)
        _refuse_model(self.model, file)
        with pytensor.config.change_flags(traceback__limit=0):
            self.compiled = compile_model(self.model)
            if self.density.dimension > MOST_UNKNOWNS:
                raise QuestionError(
                    f"{file.name} has {self.density.dimension} fitted unknowns here; calibration fits by "
                    f"importance sampling, which is for {MOST_UNKNOWNS} at most",
                    remedy="Thousands of fits by NUTS would take days. Calibrate a model with fewer unknowns.",
                )
            self.after = compile_forward(self.model, unknowns, _asked(study, self.model))

    @property
    def density(self) -> Any:
        """The density of what is fitted."""
        return self.compiled.density

    def weighted(self, reports: Array, seed: int, *, evidence_only: bool = False) -> importance.Weighted:
        """The posterior given these reports."""
        self.model.set_data(_PRINTED, reports)
        return importance.sample(
            self.density.evaluate,
            lambda count, rng: self.density.unconstrain(self.compiled.prior.run({}, count, rng)),
            self.density.dimension,
            seed=seed,
            evidence_only=evidence_only,
        )

    def values(
        self, weighted: importance.Weighted, truth: dict[str, Array], rng: np.random.Generator
    ) -> dict[str, tuple[float, Array]]:
        """What is ranked: its truth, and its values (n,) at the points of finite weight."""
        density = self.density
        points = weighted.points.reshape(-1, density.dimension)
        points = points[np.isfinite(weighted.log_weights.ravel())]
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
            found[name] = (float(np.ravel(truth[name])[-1]), values.reshape(len(points), -1)[:, -1])
        found[LOG_LIKELIHOOD] = (float(log_likelihood[0]), log_likelihood[1:])
        return found


def _refuse_model(model: pm.Model, file: ModelFile) -> None:
    if model.potentials or [variable.name for variable in model.observed_RVs] != [_REPORTS]:
        more = [v.name for v in (*model.observed_RVs, *model.potentials) if v.name != _REPORTS]
        raise QuestionError(
            f"{file.name} observes {', '.join(more)} besides the reports",
            remedy="Only what terms.flow observes can be printed anew; a potential cannot be simulated.",
        )


def _asked(study: Study, model: pm.Model) -> list[Any]:
    """The carriers and the headline; the last entry of each is that at the last fitted report."""
    return [model[name] for name in dict.fromkeys((study.leading[0], study.carriers.name))]


def _labels(model: pm.Model, name: str, shape: tuple[int, ...]) -> list[str]:
    """What each entry of an unknown is called: by its coordinate where it has one."""
    if not shape:
        return [name]
    dims = model.named_vars_to_dims.get(name) or (None,)
    entries = model.coords.get(dims[0]) if len(dims) == 1 else None
    count = int(np.prod(shape))
    return [f"{name}[{entry}]" for entry in (range(count) if entries is None else entries)]


# ---- which model it was ------------------------------------------------------------------------


def _model_index(
    study: Study,
    files: Sequence[ModelFile],
    simulated: Mapping[str, tuple[Simulation, ...]],
    seed: int,
    pool: Workers,
) -> ModelIndex:
    """One model drawn for each simulation, and the evidence of all of them on what it printed."""
    names = [file.name for file in files]
    count = len(simulated[names[0]])
    drawn = tuple(int(generator(seed, "model", number).integers(len(names))) for number in range(count))
    shown = [(names[which], simulated[names[which]][number]) for number, which in enumerate(drawn)]
    tasks, places = [], []
    for column, file in enumerate(files):
        others = [number for number, which in enumerate(drawn) if which != column]
        for chunk in batched(others, _CHUNK):
            places.append((column, chunk))
            tasks.append((study, file, seed, [(shown[n][0], n, shown[n][1].reports) for n in chunk]))
    evidences = np.array([[one.log_evidence.value] * len(names) for _, one in shown])
    found = pool.run("weighing the models", _evidences, tasks, share=0.4)
    for (column, chunk), values in zip(places, found, strict=True):
        evidences[list(chunk), column] = values
    log_evidences = tuple(tuple(map(float, row)) for row in evidences)
    pits = []
    for number, (which, row) in enumerate(zip(drawn, model_probabilities(log_evidences), strict=True)):
        u = generator(seed, "model tie", number).random()
        pits.append(float(min(row[:which].sum() + u * row[which], 1.0)))
    return ModelIndex(tuple(names), drawn, log_evidences, Ranked("all", "model", tuple(pits)))


def _evidences(
    study: Study, file: ModelFile, seed: int, printed: Sequence[tuple[str, int, tuple[float, ...]]]
) -> list[float]:
    """The log evidence of a model on what others printed."""
    fitter, found = _Fitter(study, file), []
    for printer, number, reports in printed:
        values = np.array(reports)
        with _told(fitter, values, number, seed, {}):
            own = _seed(seed, file.name, "evidence", printer, number)
            evidence = fitter.weighted(values, own, evidence_only=True).log_evidence
            _refuse_unknown({"log evidence": evidence})
        found.append(evidence)
    return found
