"""What laws are tried on: a model of a study, and studies that differ in one respect."""

import math
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pymc as pm
from numpy.typing import NDArray

from estimates import shelf
from estimates.estimate import Estimate
from estimates.inference import infer, log_evidence
from estimates.inference.density import Density, fitted_unknowns
from estimates.inference.fit import LATELY
from estimates.seeds import generator
from estimates.study import Study

type Array = NDArray[np.float64]

DRAWS = 200
"""Draws of the prior on which a law is tried."""

FACTOR = 10.0
"""What counts and priors are multiplied by where a law is about scale."""


class Subject:
    """A model of a study, built once for all laws."""

    def __init__(self, file: shelf.ModelFile, study: Study, seed: int) -> None:
        self.file, self.study, self.seed = file, study, seed

    @cached_property
    def model(self) -> pm.Model:
        """The model as built."""
        model: pm.Model = self.file.build(self.study)
        return model

    @property
    def density(self) -> Density:
        """Its density, to be used before that of another subject is asked for."""
        return LATELY.compiled(self.model).density

    @cached_property
    def draws(self) -> dict[str, Array]:
        """Draws of the prior: what is fitted, the carriers, and reports as they would have been printed."""
        wanted = [*fitted_unknowns(self.model), self.model[self.study.carriers.name], self.model["reports"]]
        forward = LATELY.forward(self.model, [], wanted)
        return forward.run({}, DRAWS, generator(self.seed, "laws"))

    @cached_property
    def points(self) -> Array:
        """The draws of what is fitted, as points of the density."""
        return self.density.unconstrain(self.draws)

    @property
    def carriers(self) -> Array:
        """Carriers by day (draw, day)."""
        return self.draws[self.study.carriers.name]

    def log_likelihood(self) -> Array:
        """The log likelihood of every report at the draws (draw, report)."""
        return self.density.pointwise(self.points)["reports"]

    def other(self, study: Study) -> "Subject":
        """The same model of another study."""
        return Subject(self.file, study, self.seed)


def with_intervals(study: Study, below: float, above: float, scale: float = 1.0) -> Study:
    """The study with every fitted report read as its interval by hand: the ends times factors and a scale."""
    fitted = {report.id: report.says for report in study.fitted}

    def changed(report: dict[str, Any]) -> None:
        if report["id"] in fitted:
            seen = fitted[report["id"]].seen
            high = seen.high if math.isfinite(seen.high) else 1e12
            ends = (seen.low * below * scale, high * above * scale)
            report["says"] = {
                "hedge": "about",
                "value": scale * fitted[report["id"]].printed,
                "interval": ends,
            }

    return reworded(study, changed)


def remade(study: Study, change: Callable[[dict[str, Any]], None]) -> Study:
    """The study with its document changed in place."""
    document = study._raw()
    change(document)
    return study._made(document)


def reworded(study: Study, change: Callable[[dict[str, Any]], None]) -> Study:
    """The study with every report changed in place."""

    def each(document: dict[str, Any]) -> None:
        for report in document["report"]:
            change(report)

    return remade(study, each)


def counts_carriers(study: Study, name: str) -> bool:
    """Whether an assumption is in carriers, or carriers a day: it grows with the count."""
    carrier = study.registry.dimension(study.carriers.unit).powers
    powers = study.registry.dimension(study.unit_of(name)).powers if study.unit_of(name) != "date" else {}
    return all(powers.get(unit) == power for unit, power in carrier.items())


def scaled(study: Study, names: Sequence[str]) -> Study:
    """The study with its counts, and the priors of these names, `FACTOR` times as large."""

    def larger(document: dict[str, Any]) -> None:
        for name in names:
            prior = document["assumption"][name]["prior"]
            for end in ("q05", "q95", "lower", "upper", "value"):
                if end in prior:
                    prior[end] = FACTOR * prior[end]

    return remade(with_intervals(study, 1, 1, FACTOR), larger)


def same_density(subject: Subject, study: Study, what: str) -> str | None:
    """What differs in the density of another study, made by `what`; nothing where it is the same."""
    other = subject.other(study)
    if other.density.names != subject.density.names or other.density.shapes != subject.density.shapes:
        return f"{what} changes the unknowns"
    points = subject.points
    mine, theirs = (np.sum(one.density.evaluate(points), axis=0) for one in (subject, other))
    same = np.isclose(mine, theirs, rtol=1e-9, atol=1e-9) | (mine == theirs)
    return None if np.all(same) else f"{what} changes the density"


def estimated(subject: Subject, study: Study, engine: str = "auto") -> Estimate:
    """The model fitted to another study."""
    return infer(study, subject.file, engine=engine, seed=subject.seed)


def evidence(subject: Subject, study: Study) -> tuple[float, float] | None:
    """The log evidence of another study and its error; None where importance sampling does not serve."""
    found = log_evidence(study, subject.file, seed=subject.seed).log_evidence
    return None if found is None else (found.value, found.mcse)


def row_of(estimate: Estimate, at: str) -> dict[str, Any]:
    """The carriers at a report."""
    return estimate.row(estimate.study.carriers.name, at)
