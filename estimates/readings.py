"""One cell of a multiverse, fitted in whatever process, as a row of a table.

Cells that differ in numbers only are a group. Some of them, the scouts, are fitted beforehand; the others
weigh points like theirs (`estimates.inference.proposal.Anchor`), and so do not depend on who computes them,
or in which order.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from estimates import shelf
from estimates.claims import truth
from estimates.errors import EstimatesError
from estimates.estimate import SPREAD, median_ends
from estimates.formula import Name
from estimates.inference import infer
from estimates.inference.brief import Brief, Briefs
from estimates.inference.proposal import Anchor, Part
from estimates.lately import Lately
from estimates.multiverse import Cell
from estimates.quantities import evaluate
from estimates.study import Study, restore

_SPREAD = ("mean", "sd", "lower", "median", "upper", "mcse_median")
_CHANCE = ("probability", "mcse")
"""What a row says of a quantity, and of a claim; nothing where the reading is impossible."""

type Row = dict[str, Any]
type Scouts = tuple[tuple[Cell, Part], ...]


class _Kept:
    """What a worker keeps from one chunk to the next."""

    def __init__(self) -> None:
        self.briefs = Briefs()
        self._files: Lately[shelf.ModelFile] = Lately(64)
        self._studies: Lately[Study] = Lately(1)
        self._anchors: Lately[Anchor] = Lately(4)

    def study(self, document: str) -> Study:
        """The study of a document, read once."""
        return self._studies.get(document, lambda: restore(document))

    def file(self, model: str) -> shelf.ModelFile:
        """A model file, read once."""
        return self._files.get(model, lambda: shelf.find(model))

    def anchor(self, study: Study, cell: Cell, scouts: Scouts, seed: int) -> Anchor | None:
        """The points that the cells of a group weigh, like those of its scouts."""
        if not scouts:
            return None

        def made() -> Anchor:
            read = [(scout.read(study), part) for scout, part in scouts]
            return self.briefs.anchored(self.file(cell.model), read, seed)

        # Of which scouts, too: another sweep may send others of the same group.
        return self._anchors.get((study.fingerprint, seed, *(scout for scout, _ in scouts)), made)


_KEPT = _Kept()


def rows_of(document: str, cells: Sequence[Cell], scouts: Scouts, seed: int) -> list[Row]:
    """The rows of some cells of one group, of a study given as the JSON of its document."""
    study = _KEPT.study(document)
    with threadpool_limits(1):  # the same sums in the same order, whoever computes them
        return [_row(study, cell, scouts, seed) for cell in cells]


def likeness_of(document: str, cell: Cell, scouts: Scouts, seed: int) -> tuple[Cell, Part | None]:
    """A cell and what follows its posterior; None where nothing can."""
    study = _KEPT.study(document)
    try:
        with threadpool_limits(1):
            start = _KEPT.anchor(study, cell, scouts, seed)
            return cell, _KEPT.briefs.likeness(_KEPT.file(cell.model), cell.read(study), seed, start)
    except EstimatesError:  # told when it is the turn of this cell's row
        return cell, None


def bearing(document: str, cell: Cell, others: Mapping[str, Cell]) -> tuple[Cell, frozenset[str]]:
    """A cell and the axes on which its posterior hangs, told by one other option on each.

    An option that cannot be taken is told when it is the turn of its row.
    """
    study, file = _KEPT.study(document), _KEPT.file(cell.model)

    def is_bearing(other: Cell) -> bool:
        try:
            return not _KEPT.briefs.have_one_posterior(file, cell.read(study), other.read(study))
        except EstimatesError:
            return True

    return cell, frozenset(axis for axis, other in others.items() if is_bearing(other))


def _row(study: Study, cell: Cell, scouts: Scouts, seed: int) -> Row:
    file = _KEPT.file(cell.model)
    try:
        read = cell.read(study)
        start = _KEPT.anchor(study, cell, scouts, seed)
        brief = _KEPT.briefs.fit(file, read, seed, start) or _by_whole_fit(read, file, seed)
    except EstimatesError as error:
        reading = ", ".join(f"{axis} {option}" for axis, option in cell.options.items())
        raise error.at(f"cell {cell.number} ({reading})") from None
    evidence = brief.log_evidence
    return {
        "cell": cell.number,
        **cell.options,
        "verdict": brief.trust.verdict,
        "pareto_k": brief.trust.pareto_k,
        "ess": brief.trust.ess,
        "log_evidence": evidence.value if evidence else None,
        "log_evidence_mcse": evidence.mcse if evidence else None,
        **_said_of(read, brief),
    }


def _by_whole_fit(study: Study, file: shelf.ModelFile, seed: int) -> Brief:
    """The same by `infer`, for a model that importance sampling cannot serve."""
    estimate = infer(study.on_named_days(), file, seed=seed)
    posterior = estimate.data["posterior"].to_dataset()
    draws = {
        str(name): value.values.reshape(-1, *value.shape[2:]) for name, value in posterior.data_vars.items()
    }
    days = np.array(estimate.study.days, dtype="datetime64[D]")
    return Brief(days, draws, estimate.log_evidence, estimate.trust)


def _said_of(study: Study, brief: Brief) -> Row:
    """Every quantity at every fitted report, and every claim, flat: ``shells[aug_2024].median``."""
    carriers = study.carriers.name
    place = {day: index for index, day in enumerate(brief.days.tolist())}

    def value(name: str, at: Any) -> NDArray[np.float64]:
        def leaf(inner: str) -> NDArray[np.float64]:
            draws = np.asarray(brief.draws[inner], dtype=float)
            return draws[:, place[study.date_of(at)]] if inner == carriers else draws

        return np.asarray(evaluate(name, study.quantities, leaf, study.factor))

    row: Row = {}
    for name in (carriers, *study.quantities):
        for at in [report.id for report in study.fitted] if study.needs_day(name) else [None]:
            found = _spread(value(name, at), brief) if brief.draws else dict.fromkeys(_SPREAD)
            row |= {f"{label(name, at)}.{key}": number for key, number in found.items()}
    for claim in study.claims:
        found = _chance(study, claim, value, brief) if brief.draws else dict.fromkeys(_CHANCE)
        row |= {f"{claim}.{key}": number for key, number in found.items()}
    return row


def label(name: str, at: str | None) -> str:
    """How a quantity at a report is named in a row."""
    return f"{name}[{at}]" if at else name


def _spread(draws: NDArray[np.float64], brief: Brief) -> dict[str, float | None]:
    below, above = median_ends(_effective(draws, brief))
    lower, median, upper, low, high = np.quantile(draws, [*SPREAD, below, above])
    numbers = (draws.mean(), draws.std(ddof=1), lower, median, upper, (high - low) / 2)
    return dict(zip(_SPREAD, map(float, numbers), strict=True))


def _chance(study: Study, claim: str, value: Any, brief: Brief) -> dict[str, float | None]:
    def at(leaf: Name) -> NDArray[np.float64]:
        return np.asarray(value(leaf.name, leaf.at))

    try:
        holds = np.asarray(truth(study.claims[claim], at, study.factor, study.day_number), dtype=float)
    except KeyError:  # of an unknown that this model does not have
        return dict.fromkeys(_CHANCE)
    share = float(holds.mean())
    error = np.sqrt(share * (1 - share) / _effective(holds, brief))
    return dict(zip(_CHANCE, (share, float(error)), strict=True))


def _effective(draws: NDArray[np.float64], brief: Brief) -> float:
    """The effective number of draws: of the weights, less what resampling adds; of chains, what they have."""
    ess = brief.trust.ess
    return ess if brief.trust.r_hat is not None else 1 / (1 / ess + 1 / draws.size)
