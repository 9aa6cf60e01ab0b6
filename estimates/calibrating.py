"""Whether posteriors say what they should: simulation-based calibration of models and of their evidence.

Truths are drawn from the prior, reports are printed from them through their hedges, the model is fitted to
what was printed, and each truth is ranked in its posterior. Averaged over truths and reports, a posterior is
the prior again; so the ranks are uniform if, and for all practical purposes only if, the prior, the printing,
the likelihood and the engine belong together. It says nothing of whether the world is like the model.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import batched
from pathlib import Path
from typing import Any

import numpy as np

from estimates import shelf
from estimates.errors import QuestionError
from estimates.inference.fit import versions
from estimates.ranks import BINS, LEVEL, ModelIndex, Ranked, model_probabilities
from estimates.reports import Printing
from estimates.seeds import generator
from estimates.shelf import ModelFile
from estimates.simulating import Simulation, evidences, simulated
from estimates.study import Study
from estimates.workers import Progress, Workers

type Model = str | Path | ModelFile

_CHUNK = 50  # simulations of one task, each of which compiles its model


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
        The probability that all bands hold together, of a sound model.
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
            Ranked(model, name, tuple(one.pits[name] for one in found), self.checks)
            for model, found in self.simulated.items()
            for name in found[0].pits
        )

    @property
    def checks(self) -> int:
        """How many bands must hold together: of all ranked quantities, and of the index."""
        return _checks(self.simulated)

    def row(self, quantity: str, model: str | None = None) -> Ranked:
        """One ranked quantity, of the first model unless another is named.

        Raises
        ------
        KeyError
            For a quantity that is not ranked.
        """
        model = model or next(iter(self.models))
        return {(one.by, one.quantity): one for one in self.ranked}[(model, quantity)]

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
            f"{len(self.ranked) - len(self.outside)} of {len(self.ranked)} quantities lie in their "
            f"bands; all {self.checks} bands hold at once with {100 * self.level:g} % where all is sound."
        )
        for one in self.outside:
            yield f"{one.quantity} of {one.by} lies outside: it goes {one.reach:.2f} times as far as it may."
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
            "checks": self.checks,
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
        raise QuestionError(
            f"{simulations} simulations", remedy="Two at least; 100 tell a little, 1,000 much."
        )
    shown, left_out = _printable(study)
    numbers = list(batched(range(simulations), max(1, min(_CHUNK, -(-simulations // workers))), strict=False))
    with Workers(workers, progress) as pool:
        tasks = [(shown, file, source, seed, chunk) for file in files for chunk in numbers]
        share = 1.0 if len(files) == 1 else 0.6
        done = iter(pool.run("simulating and fitting", simulated, tasks, share=share))
        found = {file.name: tuple(one for _ in numbers for one in next(done)) for file in files}
        index = None if len(files) == 1 else _model_index(shown, files, found, seed, pool)
    return Calibration(
        study,
        {file.name: file.digest for file in files},
        None if source is None else source.name,
        seed,
        versions(),
        left_out,
        found,
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
            remedy="What was seen before a report cannot be drawn apart from it; use errors = 'count'.",
        )
    vague = [report for report in study.fitted if report.says.printing is Printing.UNROUNDED]
    left_out = tuple((report.id, str(report.says)) for report in vague)
    if len(vague) == len(study.fitted):
        told = ", ".join(f"{report} ({wording})" for report, wording in left_out)
        raise QuestionError(
            f"no report is worded so that a simulation can print it: {told}",
            where=study.name,
            remedy="'exactly', 'about' and a closed 'over' can; other wordings tell an interval only.",
        )
    return (study.without(*(report.id for report in vague)) if vague else study), left_out


# ---- which model it was ------------------------------------------------------------------------


def _model_index(
    study: Study,
    files: Sequence[ModelFile],
    found: Mapping[str, tuple[Simulation, ...]],
    seed: int,
    pool: Workers,
) -> ModelIndex:
    """One model drawn for each simulation, and the evidence of all of them on what it printed."""
    names = [file.name for file in files]
    count = len(found[names[0]])
    drawn = tuple(int(generator(seed, "model", number).integers(len(names))) for number in range(count))
    shown = [(names[which], found[names[which]][number]) for number, which in enumerate(drawn)]
    tasks, places = [], []
    for column, file in enumerate(files):
        others = [number for number, which in enumerate(drawn) if which != column]
        for chunk in batched(others, _CHUNK, strict=False):
            places.append((column, chunk))
            tasks.append((study, file, seed, [(shown[n][0], n, shown[n][1].reports) for n in chunk]))
    log_evidences = np.array([[one.log_evidence.value] * len(names) for _, one in shown])
    weighed = pool.run("weighing the models", evidences, tasks, share=0.4)
    for (column, chunk), values in zip(places, weighed, strict=True):
        log_evidences[list(chunk), column] = values
    pits = []
    for number, (which, row) in enumerate(zip(drawn, model_probabilities(log_evidences), strict=True)):
        u = generator(seed, "model tie", number).random()
        pits.append(float(min(row[:which].sum() + u * row[which], 1.0)))
    kept = tuple(tuple(map(float, row)) for row in log_evidences)
    return ModelIndex(tuple(names), drawn, kept, Ranked("all", "model", tuple(pits), _checks(found)))


def _checks(simulated: Mapping[str, tuple[Simulation, ...]]) -> int:
    """Ranked quantities of all models; with several, the model itself, its shares and its reliability too."""
    ranked = sum(len(found[0].pits) for found in simulated.values())
    return ranked + (1 + len(simulated) + BINS if len(simulated) > 1 else 0)
