"""Sweeps: one fit for every cell of a multiverse, and what varies within readings and between them.

A sweep of many cells is made to be interrupted. Each row is written to a journal when it is there, and a
sweep that is begun again goes on where the journal ends. Rows do not depend on who computes them: each cell
weighs the points of its group (`estimates.inference.proposal.Anchor`), which come from cells that were
fitted beforehand.
"""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from estimates import notebook, shelf
from estimates.cluster import Cluster
from estimates.errors import OutputError, QuestionError, choices
from estimates.files import finite, replacing
from estimates.inference.fit import versions
from estimates.journal import Journal, not_written, refuse_another
from estimates.multiverse import WIDEST, Cell, Multiverse, in_words
from estimates.readings import Row, Scouts, bearing, label, likeness_of, rows_of
from estimates.study import Study, restore
from estimates.words import listed, number, units
from estimates.workers import Progress, Workers

if TYPE_CHECKING:
    import pandas as pd

type Crew = Workers | Cluster

TABLE, JOURNAL = "sweep.parquet", ".sweep.jsonl"

CHUNK = 32
"""Cells that a worker is given at a time; a kill loses no row that was finished, and at most these."""

LEADERS, SCOUTS = 8, 24
"""Posteriors of a group that are learnt by themselves, and together with those that are learnt from theirs:
the others start from what was found there."""


def sweep(
    study: Study,
    multiverse: Multiverse | None = None,
    *,
    out: str | Path | None = None,
    workers: int | str = 1,
    seed: int = 1,
    progress: Progress | None = None,
) -> "Sweep":
    """Fit every cell of a multiverse: one row of results for each.

    Parameters
    ----------
    study : Study
        From `estimates.read`, not read as a variant: variants are an axis.
    multiverse : Multiverse, optional
        Without it: `steady`, all variants, reports as read and every "over" open.
    out : path, optional
        A folder for ``sweep.parquet``, and for the journal from which an interrupted sweep goes on.
    workers : int or str
        Processes of this machine, or the address of a Dask scheduler (``tcp://...``; the extra
        ``estimates[dask]``). The rows are the same.
    seed : int
        Of every cell alike, so that cells differ by their readings more than by chance.
    progress : callable, optional
        Told the share done and the time left.

    Returns
    -------
    Sweep

    Raises
    ------
    QuestionError
        For axes or options that the study does not have.
    OutputError
        When `out` holds another sweep.
    EstimatesError
        When a cell cannot be fitted; it is named. Reports that a reading makes impossible are a row
        with the verdict "impossible", not an error.

    Examples
    --------
    >>> import estimates as est
    >>> grid = est.Multiverse(["steady"], variants=["as read"], settings={"daily_rate": ["as read", "50%"]})
    >>> found = est.sweep(est.read("dprk-shells-2024"), grid)
    >>> found.table["verdict"].tolist()
    ['good', 'good', 'good', 'good']
    """
    if study.variant_name is not None:
        raise QuestionError(
            f"the study is read as {study.variant_name!r}",
            remedy="Sweep the study itself: variants are an axis.",
        )
    multiverse = multiverse or Multiverse()
    cells = multiverse.cells(study)
    plan = _plan(study, multiverse, cells, seed)
    if out is None:
        with TemporaryDirectory() as folder:
            return _swept(study, cells, plan, Path(folder), (workers, progress))
    path = Path(out) / TABLE
    if path.exists():
        before = read_sweep(path)
        refuse_another(before.plan["digest"], plan, path)
        return before
    return _swept(study, cells, plan, Path(out), (workers, progress))


def _swept(
    study: Study,
    cells: Sequence[Cell],
    plan: dict[str, Any],
    folder: Path,
    how: tuple[int | str, Progress | None],
) -> "Sweep":
    """The sweep of these cells, with its journal and its table in a folder."""
    workers, progress = how
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise not_written(folder, error) from None
    document = json.dumps(study.document())
    with Journal(folder / JOURNAL, plan) as journal:
        clock = _Clock(len(cells), len(cells) - len(journal.done), progress)
        with Cluster(workers) if isinstance(workers, str) else Workers(workers) as crew:
            shared = crew.share(document)
            groups = _groups(crew, shared, cells, frozenset(journal.done))
            for rows in _rows(crew, shared, groups, clock, plan["seed"]):
                journal.add(rows)
                clock.add(len(rows))
        table = journal.table()
    table.attrs = {"plan": json.dumps(plan), "study": document}
    with replacing(folder / TABLE) as temporary:
        table.to_parquet(temporary)
    journal.path.unlink()
    return Sweep(study, plan, table)


@dataclass(frozen=True)
class _Group:
    """Cells that differ in numbers only: those that still want a row, and those that scout for them."""

    left: tuple[Cell, ...]
    scouts: tuple[Cell, ...]

    @property
    def chunks(self) -> list[tuple[Cell, ...]]:
        """The cells in lots of neighbours."""
        return [self.left[first : first + CHUNK] for first in range(0, len(self.left), CHUNK)]


def _groups(crew: Crew, document: str, cells: Sequence[Cell], done: frozenset[int]) -> list[_Group]:
    """The cells that still want a row, those with the same posterior next to one another."""
    alike = (tuple(lot) for _, lot in groupby(cells, key=lambda cell: cell.typical))
    lots = [lot for lot in alike if any(cell.number not in done for cell in lot)]
    many = (lot for lot in lots if _are_many(len(lot)))
    axes = dict(crew.as_done(bearing, ((document, lot[0], _one_apart(lot)) for lot in many)))
    return [_group(lot, done, axes.get(lot[0], frozenset(lot[0].options))) for lot in lots]


def _are_many(posteriors: int) -> bool:
    """Whether so many are worth scouts."""
    return posteriors > 3 * LEADERS


def _one_apart(members: Sequence[Cell]) -> dict[str, Cell]:
    """For each axis on which some differ, the first cell with another option there and there only."""
    first, others = members[0], {}
    for cell in members:
        for axis, option in cell.options.items():
            if axis not in others and option != first.options[axis]:
                others[axis] = first.like(cell, axis)
    return others


def _group(members: Sequence[Cell], done: frozenset[int], axes: frozenset[str]) -> _Group:
    """A group by the axes that its posteriors hang on."""

    def taken(cell: Cell) -> tuple[str, ...]:
        return tuple(option for axis, option in cell.options.items() if axis in axes)

    standing: dict[tuple[str, ...], Cell] = {}  # one cell for each posterior
    for cell in members:
        standing.setdefault(taken(cell), cell)
    order = {options: place for place, options in enumerate(standing)}
    left = sorted((cell for cell in members if cell.number not in done), key=lambda cell: order[taken(cell)])
    return _Group(tuple(left), _scouts(standing))


def _scouts(standing: Mapping[tuple[str, ...], Cell]) -> tuple[Cell, ...]:
    """Some cells from all over a group, whether their rows are there or not; none where few would follow.

    The first is the one with the most wide priors, whose points reach all others; each further one differs
    on the most axes from those before it.
    """
    if not _are_many(len(standing)):
        return ()
    options = np.array(list(standing))
    chosen = [int(np.argmax(np.sum(options == WIDEST, axis=1)))]
    apart = np.sum(options != options[chosen[0]], axis=1)
    while len(chosen) < max(LEADERS, min(SCOUTS, len(options) // 4)):
        chosen.append(int(np.argmax(apart)))
        apart = np.minimum(apart, np.sum(options != options[chosen[-1]], axis=1))
    cells = list(standing.values())
    return tuple(cells[place] for place in chosen)


def _rows(
    crew: Crew, document: str, groups: Sequence[_Group], clock: "_Clock", seed: int
) -> Iterator[list[Row]]:
    """The rows of every chunk, as they come, when the scouts are back."""
    known = _known(crew, document, groups, clock, seed)
    tasks = []
    for group, scouts in zip(groups, known, strict=True):
        shared = crew.share(scouts)
        tasks += [(document, chunk, shared, seed) for chunk in group.chunks]
    clock.start()
    yield from crew.as_done(rows_of, tasks)


def _known(crew: Crew, document: str, groups: Sequence[_Group], clock: "_Clock", seed: int) -> list[Scouts]:
    """The scouts of each group with what follows their posteriors: leaders first, the others from theirs."""
    found: list[Scouts] = [() for _ in groups]
    told, total = 0, sum(len(group.scouts) for group in groups)
    for turn in (slice(LEADERS), slice(LEADERS, None)):
        tasks = []
        for group, known in zip(groups, found, strict=True):
            if cells := group.scouts[turn]:
                shared = crew.share(known)
                tasks += [(document, cell, shared, seed) for cell in cells]
        likenesses = {}
        for cell, likeness in crew.as_done(likeness_of, tasks):
            told, likenesses[cell] = told + 1, likeness
            clock.tell(f"looking around: {told} of {total}")
        for at, group in enumerate(groups):
            pairs = ((cell, likenesses[cell]) for cell in group.scouts[turn])
            found[at] += tuple((cell, likeness) for cell, likeness in pairs if likeness is not None)
    return found


def _plan(study: Study, multiverse: Multiverse, cells: Sequence[Cell], seed: int) -> dict[str, Any]:
    """What a sweep is of; two sweeps with the same plan have the same rows."""
    axes = {
        name: [in_words(option) for option in options] for name, options in multiverse.axes(study).items()
    }
    models = {str(model): shelf.find(model).digest for model in multiverse.models}
    plan = {
        "schema": 1,
        "study": study.name,
        "fingerprint": study.fingerprint,
        "data_digest": study.data_digest,
        "models": models,
        "axes": axes,
        "cells": len(cells),
        "seed": seed,
        "versions": versions(),
    }
    digest = hashlib.sha256(json.dumps([plan, [cell.options for cell in cells]]).encode()).hexdigest()
    return plan | {"digest": digest[:16]}


class _Clock:
    """How far a sweep has come, and when it will be done."""

    def __init__(self, total: int, left: int, progress: Progress | None) -> None:
        self.total, self.done, self.fresh = total, total - left, 0
        self.progress = progress or (lambda share, words: None)
        self.start()

    def start(self) -> None:
        """Count the time from here."""
        self.started = time.monotonic()
        self.add(0)

    def add(self, count: int) -> None:
        """Tell of more cells."""
        self.done, self.fresh = self.done + count, self.fresh + count
        words = f"{self.done:,} of {self.total:,} readings"
        if self.fresh:
            seconds = (time.monotonic() - self.started) / self.fresh * (self.total - self.done)
            words += f", about {_duration(seconds)} left"
        self.tell(words)

    def tell(self, words: str) -> None:
        """Say what is being done."""
        self.progress(self.done / max(self.total, 1), words)


def _duration(seconds: float) -> str:
    """A time that is still to pass, in the unit that one would say it in."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


# ---- the result --------------------------------------------------------------------------------


class Curve(NamedTuple):
    """Readings in the order of their medians.

    Attributes
    ----------
    lower, median, upper : array (reading,)
        The 89 % interval and the median under each.
    chosen : list of (axis, option, array of bool (reading,))
        Which readings take each option.
    """

    lower: NDArray[np.float64]
    median: NDArray[np.float64]
    upper: NDArray[np.float64]
    chosen: list[tuple[str, str, NDArray[np.bool_]]]


@dataclass(frozen=True)
class Varied:
    """How a quantity varies over the readings, all given equal weight.

    Attributes
    ----------
    within, between : float
        Mean variance inside a reading, and variance of the readings' means: their sum is the whole.
    by_axis : mapping of axis to share
        Var(E[mean | option]) / Var(mean): the part of `between` that goes with one axis by itself.
    """

    name: str
    unit: str
    within: float
    between: float
    by_axis: dict[str, float]
    medians: tuple[float, float, float]
    lowest: float
    highest: float

    @property
    def share_between(self) -> float:
        """The part of the whole variance that lies between readings."""
        whole = self.within + self.between
        return self.between / whole if whole else 0.0


@dataclass(frozen=True)
class Sweep:
    """The rows of a sweep.

    Attributes
    ----------
    study : Study
    plan : dict
        Study, axes, models, seed and versions: everything needed to make it again.
    table : DataFrame
        A row for each cell: its options, verdict, log evidence, every quantity at every report
        (``shells_152[aug_2024].median``) and every claim (``six_million.probability``).
    """

    study: Study
    plan: dict[str, Any]
    table: "pd.DataFrame"

    @property
    def axes(self) -> dict[str, list[str]]:
        """The options on every axis."""
        return dict(self.plan["axes"])

    @cached_property
    def headline(self) -> str:
        """What the study leads with, at its last report."""
        name = self.study.leading[0]
        return label(name, self.study.fitted[-1].id if self.study.needs_day(name) else None)

    def varied(self, quantity: str | None = None) -> Varied:
        """How a quantity varies within readings and between them.

        Parameters
        ----------
        quantity : str, optional
            As in the columns: ``shells_152[aug_2024]``. Without it, the headline at the last report.

        Raises
        ------
        QuestionError
            For a quantity that is no column, or where no reading could be fitted.
        """
        name = quantity or self.headline
        known = [
            column.removesuffix(".median") for column in map(str, self.table) if column.endswith(".median")
        ]
        if name not in known:
            raise QuestionError(f"unknown quantity {name!r}", remedy=choices(name, known))
        rows = self.table[self.table[f"{name}.mean"].notna()]
        if rows.empty:
            raise QuestionError(
                "no reading could be fitted", remedy="The assumptions contradict the reports: set others."
            )
        means, medians = rows[f"{name}.mean"], rows[f"{name}.median"]
        between = float(means.var(ddof=0))
        by_axis = {}
        for axis in self.axes:
            groups = means.groupby(rows[axis].astype(str))
            explained = float((groups.size() * (groups.mean() - means.mean()) ** 2).sum() / len(means))
            by_axis[axis] = explained / between if between else 0.0
        low, middle, high = (float(q) for q in np.quantile(medians, [0.0, 0.5, 1.0]))
        return Varied(
            name,
            self.study.unit_of(name.partition("[")[0]),
            float((rows[f"{name}.sd"] ** 2).mean()),
            between,
            dict(sorted(by_axis.items(), key=lambda pair: -pair[1])),
            (low, middle, high),
            float(rows[f"{name}.lower"].min()),
            float(rows[f"{name}.upper"].max()),
        )

    def curve(self, quantity: str | None = None, *, most: int = 6) -> Curve:
        """The readings in the order of their medians, with the options of the axes that matter most."""
        varied = self.varied(quantity)
        rows = self.table[self.table[f"{varied.name}.median"].notna()].sort_values(f"{varied.name}.median")
        telling = [axis for axis in varied.by_axis if len(self.axes[axis]) > 1][:most]
        lower, median, upper = (
            rows[f"{varied.name}.{end}"].to_numpy() for end in ("lower", "median", "upper")
        )
        return Curve(
            lower,
            median,
            upper,
            [(a, o, (rows[a].astype(str) == o).to_numpy()) for a in telling for o in self.axes[a]],
        )

    def verdicts(self) -> dict[str, int]:
        """How many cells have each verdict."""
        return {str(verdict): int(n) for verdict, n in self.table["verdict"].value_counts().items()}

    def _repr_html_(self) -> str:
        """What a notebook shows: the headline over all readings, and which choices move it."""
        verdicts = listed([f"{count:,} {verdict}" for verdict, count in self.verdicts().items()])
        try:
            found = list(self._varied_parts())
        except QuestionError as error:  # every reading contradicts the reports
            found = [notebook.note(f"{error.what[:1].upper()}{error.what[1:]}.")]
        last = f"Trust: {verdicts}. Seed {self.plan['seed']}, study {self.study.fingerprint}."
        return notebook.shown(self.study.title, [*found, notebook.note(last)])

    def _varied_parts(self) -> Iterator[str]:
        varied = self.varied()
        spread = varied.medians[2] - varied.medians[0]
        low, middle, high = (number(median, spread) for median in varied.medians)
        yield notebook.note(
            f"{len(self.table):,} readings. The median of {varied.name} goes from {low} to {high} "
            f"{units(varied.unit)}, {middle} in the middle one; {100 * varied.share_between:.0f} % of the "
            "variance lies between readings, the rest within each."
        )
        cells = [
            [axis, listed(self.axes[axis]), f"{100 * share:.0f} %"]
            for axis, share in varied.by_axis.items()
            if len(self.axes[axis]) > 1
        ]
        columns = ["choice", "options", "share of the variance between"]
        yield notebook.table(columns, cells, right=columns[2:])

    def document(self) -> dict[str, Any]:
        """What ``estimates sweep --json`` prints: the plan, the variation of the headline, and all claims."""
        varied = self.varied()
        return self.plan | {
            "verdicts": self.verdicts(),
            "headline": {
                "name": varied.name,
                "unit": varied.unit,
                "medians": dict(zip(("lowest", "middle", "highest"), varied.medians, strict=True)),
                "lowest": varied.lowest,
                "highest": varied.highest,
                "variance": {"within": varied.within, "between": varied.between, "by_axis": varied.by_axis},
            },
            "claims": [
                {"id": claim, **self._chances(self.table[f"{claim}.probability"])}
                for claim in self.study.claims
                if f"{claim}.probability" in self.table
            ],
        }

    def _chances(self, column: Any) -> dict[str, float | None]:
        found = column.dropna()
        if not len(found):
            return {"lowest": None, "middle": None, "highest": None, "above_half": None}
        low, middle, high = (finite(float(q)) for q in np.quantile(found, [0.0, 0.5, 1.0]))
        return {"lowest": low, "middle": middle, "highest": high, "above_half": float((found > 0.5).mean())}


def read_sweep(path: str | Path) -> Sweep:
    """Read the table that a sweep wrote.

    Raises
    ------
    OutputError
        When there is no such file or it is no sweep.
    """
    import pandas as pd

    path = Path(path)
    if not path.is_file():
        raise OutputError("no such file", where=str(path), remedy=f"Give the {TABLE} that a sweep wrote.")
    try:
        table = pd.read_parquet(path)
        plan, study = json.loads(table.attrs["plan"]), restore(table.attrs["study"])
    except (OSError, KeyError, ValueError) as error:
        raise OutputError(
            f"is no sweep: {error}", where=str(path), remedy=f"Give the {TABLE} that a sweep wrote."
        ) from None
    return Sweep(study, plan, table)
