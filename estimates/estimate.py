"""The result of a fit with its conditions: draws, verdict, provenance, and the questions it answers."""

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import special

from estimates import notebook
from estimates.claims import truth
from estimates.errors import OutputError, QuestionError, StudyError, choices
from estimates.files import replacing
from estimates.formula import Name
from estimates.quantities import evaluate
from estimates.seen import Seen
from estimates.sources import independent_sources
from estimates.study import Study, restore
from estimates.trust import Trust
from estimates.units import DATE
from estimates.words import probability, titled

if TYPE_CHECKING:
    import pandas as pd

INTERVAL = 0.89
"""The probability inside a printed interval; its ends leave equal tails."""

TAILS = ((1 - INTERVAL) / 2, (1 + INTERVAL) / 2)
"""The probabilities below its ends."""

SPREAD = (TAILS[0], 0.5, TAILS[1])
"""The probabilities below its lower end, the median and its upper end."""

BANDS = (TAILS[0], 0.25, 0.5, 0.75, TAILS[1])
"""The probabilities of the bands that pictures show."""


class Measured(NamedTuple):
    """A number with the Monte Carlo standard error of its computation."""

    value: float
    mcse: float

    def __float__(self) -> float:
        return self.value


@dataclass(frozen=True)
class Conditions:
    """Under which conditions an estimate holds; everything needed to make it again."""

    model: str
    model_digest: str
    engine: str
    engine_reason: str
    seed: int
    versions: dict[str, str]
    log_evidence: Measured | None
    trust: Trust


class Estimate:
    """The posterior of a study under a model, with its conditions and its verdict.

    Attributes
    ----------
    study : Study
        What was asked, variant included.
    data : xarray.DataTree
        Groups ``posterior``, ``prior``, ``posterior_predictive``, ``prior_predictive``,
        ``log_likelihood``, ``sample_stats``, ``observed_data``; draws are (chain, draw).
    conditions : Conditions
        Model, engine, seed, versions, log evidence and trust.
    """

    def __init__(self, study: Study, data: xr.DataTree, conditions: Conditions) -> None:
        self.study = study
        self.data = data
        self.conditions = conditions

    @property
    def trust(self) -> Trust:
        """The verdict, and the diagnostics it rests on."""
        return self.conditions.trust

    @property
    def log_evidence(self) -> Measured | None:
        """The log of the probability of the reports under model and priors; None under NUTS."""
        return self.conditions.log_evidence

    # ---- questions -----------------------------------------------------------------------------

    def quantity(
        self, name: str, at: str | dt.date | None = None, *, group: str = "posterior"
    ) -> xr.DataArray:
        """The draws of a quantity, of the carriers or of an assumption.

        Parameters
        ----------
        name : str
            A name of the study.
        at : str or date, optional
            A report id or a stored date, for what changes from day to day.
        group : str
            ``"posterior"`` or ``"prior"``.

        Returns
        -------
        DataArray (chain, draw)
            With its unit in ``attrs["units"]``; dates are days since the study's epoch.

        Raises
        ------
        QuestionError
            For an unknown name, a day that was not stored, or a day too many or too few.

        Examples
        --------
        >>> import estimates as est
        >>> fit = est.infer(est.read("dprk-shells-2024"), "steady", seed=1)
        >>> fit.quantity("shells_152", at="aug_2024").attrs["units"]
        'round'
        """
        study = self.study
        known = [study.carriers.name, *study.quantities, *study.assumptions, *self.parameters]
        if name not in known:
            raise QuestionError(f"unknown quantity {name!r}", remedy=choices(name, known))
        if study.needs_day(name) and at is None:
            raise QuestionError(
                f"{name} changes from day to day",
                remedy=f"Name a report or a day: quantity({name!r}, at=...).",
            )
        if at is not None and not study.needs_day(name):
            raise QuestionError(f"{name} is the same on every day", remedy="Leave out at.")
        draws = self.data[group].to_dataset()
        carriers = self._carriers(draws, at) if at is not None else None
        value = self._evaluated(name, draws, carriers)
        unit = self._unit_of(name)
        value.attrs = {"units": f"days since {study.epoch}" if unit == DATE else unit}
        value.attrs |= {"at": str(at)} if at is not None else {}
        return value

    def _unit_of(self, name: str) -> str:
        """The unit of a name; an unknown that only the model knows has none."""
        study = self.study
        known = name == study.carriers.name or name in study.quantities or name in study.assumptions
        return study.unit_of(name) if known else "dimensionless"

    def _evaluated(self, name: str, draws: xr.Dataset, carriers: xr.DataArray | None) -> xr.DataArray:
        """The draws of a name, with `carriers` for what is carried: of one day, or of all days."""

        def leaf(inner: str) -> Any:
            if inner == self.study.carriers.name and carriers is not None:
                return carriers.variable
            if inner not in draws:
                rests = f"{name} is" if inner == name else f"{name} rests on {inner!r}, which is"
                raise QuestionError(
                    f"{rests} no part of the model {self.conditions.model!r}",
                    remedy="Ask a model that has it.",
                )
            return draws[inner].variable

        # Without coordinates, which are the same for all and would be compared at each operation.
        value = evaluate(name, self.study.quantities, leaf, self.study.factor)
        known: dict[Any, Any] = {dim: draws.coords[dim] for dim in ("chain", "draw")}
        known |= carriers.coords if carriers is not None else {}
        coords = {dim: known[dim] for dim in value.dims if dim in known}
        return xr.DataArray(value.copy(deep=False), coords=coords, name=name)

    def bands(
        self,
        name: str | None = None,
        at: str | dt.date | None = None,
        *,
        probs: Sequence[float] = BANDS,
        group: str = "posterior",
    ) -> xr.DataArray:
        """Quantiles of a quantity, or of the carriers: on one day, or on every day that was kept.

        Parameters
        ----------
        name : str, optional
            A name of the study; without it the carriers.
        at : str or date, optional
            A report id or a stored date; without it every day, for what changes from day to day.
        probs : sequence of float
            Without it the ends of the 89 % interval, of the 50 % interval, and the median.
        group : str
            ``"posterior"`` or ``"prior"``.

        Returns
        -------
        DataArray (quantile,) or (quantile, day)
            In the unit of the name.
        """
        name = name or self.study.carriers.name
        draws = self.data[group].to_dataset()
        if at is None and self.study.needs_day(name):
            values = self._evaluated(name, draws, draws[self.study.carriers.name])
        else:
            values = self.quantity(name, at, group=group)
        return values.quantile(list(probs), dim=("chain", "draw"), skipna=False)

    def _carriers(self, draws: xr.Dataset, at: str | dt.date) -> xr.DataArray:
        try:
            day = np.datetime64(self.study.date_of(at), "ns")
        except StudyError as error:
            raise QuestionError(error.what, where=error.where, remedy=error.remedy) from None
        carriers = draws[self.study.carriers.name]
        if day not in carriers["day"].values:
            raise QuestionError(
                f"no draws were kept for {day.astype('datetime64[D]')}",
                remedy=f"Ask for the day when fitting: infer(study, model, at=[{str(at)!r}]).",
            )
        return carriers.sel(day=day).drop_vars("day")

    def probability(self, claim: str, *, group: str = "posterior") -> Measured:
        """The probability of a claim of the study, with its Monte Carlo error.

        Raises
        ------
        QuestionError
            For something that is no claim (a quantity has no probability, it has a distribution),
            and for a claim on an unknown that the model does not have.
        """
        holds = self.holds(claim, group=group)
        share = float(holds.mean())
        error = np.sqrt(share * (1 - share) / self._effective(holds))
        return Measured(share, float(error))

    def holds(self, claim: str, *, group: str = "posterior") -> xr.DataArray:
        """Whether a claim is true, draw by draw (chain, draw); refuses what `probability` does."""
        if claim not in self.study.claims:
            is_quantity = claim in self.study.quantities
            hint = " A quantity has draws, not a probability: quantity(...)." if is_quantity else ""
            raise QuestionError(f"unknown claim {claim!r}", remedy=choices(claim, self.study.claims) + hint)

        def value(leaf: Name) -> xr.DataArray:
            return self.quantity(leaf.name, leaf.at, group=group)

        found: xr.DataArray = truth(self.study.claims[claim], value, self.study.factor, self.study.day_number)
        several = [str(dim) for dim in found.dims if dim not in ("chain", "draw")]
        if several:
            raise QuestionError(
                f"the claim {claim!r} speaks of what there is one of for each {several[0].replace('_', ' ')}",
                remedy="Claim something of the carriers or of a quantity.",
            )
        return found

    def predicted(self, report: str) -> Seen:
        """What the issuer of a report that was not fitted would have seen, given those that were.

        Parameters
        ----------
        report : str
            The id of a report that the study holds out, or that `Study.predicting` added.

        Raises
        ------
        QuestionError
            For a report that was fitted, or is unknown.
        """
        known = [one.id for one in self.study.predicted]
        if report not in known:
            raise QuestionError(f"{report!r} was not predicted", remedy=choices(report, known))
        draws = self.data["posterior"].to_dataset()
        place = known.index(report)
        before, centre = (
            np.asarray(draws[name].isel(predicted=place), dtype=float).ravel()
            for name in ("seen_before", "seen_centre")
        )
        return Seen(before, centre, np.asarray(draws["report_scatter"], dtype=float).ravel())

    @property
    def parameters(self) -> tuple[str, ...]:
        """The unknowns of the model: fitted ones first."""
        return tuple(name for name in self.data["posterior"].attrs["unknowns"].split(",") if name)

    def __float__(self) -> NoReturn:
        raise QuestionError(
            "an estimate is a distribution, not a number",
            remedy='Ask for one: estimate.quantity("...", at="...").median().',
        )

    # ---- tables --------------------------------------------------------------------------------

    def summary(self) -> "pd.DataFrame":
        """Every quantity at every fitted report: mean, sd, 89 % interval, median and its MCSE, with units."""
        import pandas as pd

        rows = self.quantities()
        return pd.DataFrame(rows).set_index(["name", "at"])

    def quantities(self) -> list[dict[str, Any]]:
        """What `summary` holds, as plain rows."""
        names = [self.study.carriers.name, *self.study.quantities]
        return [self.row(name, report) for name in names for report in self._days_of(name)]

    def _days_of(self, name: str) -> list[str | None]:
        return [report.id for report in self.study.fitted] if self.study.needs_day(name) else [None]

    def row(self, name: str, at: str | None = None) -> dict[str, Any]:
        """One row of `quantities`: a quantity, or the carriers, at a report."""
        draws = self.quantity(name, at)
        lower, upper = np.quantile(draws, TAILS)
        return {
            "name": name,
            "at": at,
            "date": str(self.study.date_of(at)) if at else None,
            "unit": self.study.unit_of(name),
            "mean": float(draws.mean()),
            "sd": float(draws.std(ddof=1)),
            "lower": float(lower),
            "median": float(draws.median()),
            "upper": float(upper),
            "mcse_median": self._mcse_median(draws),
        }

    def trend(self) -> list[dict[str, Any]]:
        """The pace and the ratio between each consecutive pair of fitted reports on the carriers."""
        carriers = self.study.carriers
        reports = [report for report in self.study.fitted if report.measures == carriers.name]
        rows = []
        for earlier, later in pairwise(reports):
            days = (later.published - earlier.published).days
            before, after = (self.quantity(carriers.name, report.id) for report in (earlier, later))
            rows.append(
                {
                    "from": earlier.id,
                    "to": later.id,
                    "per_day": self._spread((after - before) / days) | {"unit": f"{carriers.unit}/day"}
                    if days
                    else None,
                    "ratio": self._spread(after / before.where(before > 0)),
                }
            )
        return rows

    def _spread(self, draws: xr.DataArray) -> dict[str, float]:
        lower, median, upper = np.nanquantile(draws, SPREAD)
        return {"median": float(median), "lower": float(lower), "upper": float(upper)}

    def parameter_rows(self) -> list[dict[str, Any]]:
        """Every unknown with its unit, median and 89 % interval; dates as dates."""
        rows = []
        for label, name, draws in self.scalars():
            unit = self._unit_of(name)
            spread = self._spread(draws)
            shown = {end: self._date(days) for end, days in spread.items()} if unit == DATE else spread
            rows.append({"name": label, "unit": unit, **shown})
        return rows

    def _date(self, days: float) -> str:
        return str(self.study.epoch + dt.timedelta(days=round(days)))

    def scalars(self) -> Iterator[tuple[str, str, xr.DataArray]]:
        """Every unknown, entry by entry: its label, its name, and its draws (chain, draw)."""
        posterior = self.data["posterior"].to_dataset()
        for name in self.parameters:
            draws = posterior[name]
            extra = [dim for dim in draws.dims if dim not in ("chain", "draw")]
            if not extra:
                yield name, name, draws
                continue
            flat = draws.stack(entry=extra)
            for index, entry in enumerate(flat["entry"].values):
                yield f"{name}[{', '.join(map(str, entry))}]", name, flat.isel(entry=index)

    def claim_rows(self) -> list[dict[str, Any]]:
        """Every claim with its probability; null where the model has no such unknown."""
        return [{"id": claim, **self._claim_row(claim)} for claim in self.study.claims]

    def _claim_row(self, claim: str) -> dict[str, float | None]:
        try:
            probability, error = self.probability(claim)
        except QuestionError:
            return {"probability": None, "mcse": None}
        return {"probability": probability, "mcse": error}

    # ---- Monte Carlo error ---------------------------------------------------------------------

    def _effective(self, draws: xr.DataArray) -> float:
        """The effective number of draws behind an average of `draws`.

        An importance sample has the effective size of its weights, less what resampling adds; chains
        have what their autocorrelation leaves.
        """
        if self.conditions.engine != "nuts":
            return 1 / (1 / self.trust.ess + 1 / draws.size)
        from arviz_stats.base import array_stats

        values = np.asarray(draws, dtype=float)
        ess = float(array_stats.ess(values, chain_axis=0, draw_axis=1, method="mean"))
        return ess if np.isfinite(ess) else float(draws.size)

    def _mcse_median(self, draws: xr.DataArray) -> float:
        """Half the distance between the order statistics of `median_ends`."""
        below = (draws <= draws.median()).astype(float)
        ends = np.quantile(draws, median_ends(self._effective(below)))
        return float(ends[1] - ends[0]) / 2

    # ---- the whole as a document ---------------------------------------------------------------

    def document(self) -> dict[str, Any]:
        """The estimate as the JSON document of ``estimates run --json``."""
        return self._provenance() | {
            "quantities": self.quantities(),
            "trend": self.trend(),
            "parameters": self.parameter_rows(),
            "claims": self.claim_rows(),
        }

    def _provenance(self) -> dict[str, Any]:
        """What the document says of how it was made, and how far to trust it."""
        conditions, study = self.conditions, self.study
        evidence, sources = conditions.log_evidence, independent_sources(study)
        return {
            "schema": 1,
            "study": study.name,
            "fingerprint": study.fingerprint,
            "data_digest": study.data_digest,
            "model": conditions.model,
            "model_digest": conditions.model_digest,
            "variant": study.variant_name,
            "engine": conditions.engine,
            "engine_reason": conditions.engine_reason,
            "seed": conditions.seed,
            "versions": conditions.versions,
            "interval": {"kind": "eti", "prob": INTERVAL},
            "log_evidence": {"value": evidence.value, "mcse": evidence.mcse} if evidence else None,
            "trust": conditions.trust.document(),
            "sources": asdict(sources) if sources else None,
        }

    def __repr__(self) -> str:
        conditions = self.conditions
        reading = f", read as {self.study.variant_name}" if self.study.variant_name else ""
        return (
            f"<Estimate of {self.study.name}{reading} by {conditions.model}, {conditions.engine}, "
            f"seed {conditions.seed}, {self.trust.verdict}>"
        )

    def _repr_html_(self) -> str:
        """What a notebook shows: every quantity at the last report, every claim, and the conditions."""
        claims = [
            [self.study.claims[row["id"]].says, probability(row["probability"])] for row in self.claim_rows()
        ]
        found = [notebook.table(["claim", "probability"], claims, right=["probability"])] if claims else []
        title = titled(self.study.title, self.study.variant_name)
        return notebook.shown(title, [self._last_rows(), *found, *notebook.conditions(self._provenance())])

    def _last_rows(self) -> str:
        """Every quantity at the last report, as a table for a notebook."""
        names = [self.study.carriers.name, *self.study.quantities]
        rows = [self.row(name, at) for name in names for at in self._days_of(name)[-1:]]
        columns = ["quantity", "by", "median", f"{100 * INTERVAL:.0f} % interval", "unit"]
        cells = [
            [row["name"], notebook.day(row["date"]), *notebook.numbers(row, row["unit"], row["mcse_median"])]
            for row in rows
        ]
        return notebook.table(columns, cells, right=["median"])

    # ---- files ---------------------------------------------------------------------------------

    def save(self, path: str | Path) -> Path:
        """Write everything to one netCDF file, by way of a temporary name.

        Raises
        ------
        OutputError
            When the folder cannot be written.
        """
        path = Path(path)
        tree = self.data.copy()
        tree.attrs = {
            "estimates_format": 1,
            "study": json.dumps(self.study.document(), ensure_ascii=False),
            "variant": self.study.variant_name or "",
            "base_fingerprint": self.study.fingerprint if self.study.variant_name else "",
            "asked_days": ",".join(str(day) for day in self.study.asked_days),
            "made_up": json.dumps(
                [report.model_dump_json(exclude_defaults=True) for report in self.study.made_up]
            ),
            "conditions": json.dumps(asdict(self.conditions), ensure_ascii=False),
        }
        packed = {
            group.path: {
                name: {"zlib": True, "complevel": 1}
                for name in map(str, group.data_vars)
                if group[name].size > 1000
            }
            for group in tree.subtree
        }
        with replacing(path) as temporary:
            tree.to_netcdf(temporary, engine="netcdf4", encoding=packed)
        return path


def median_ends(size: float) -> NDArray[np.float64]:
    """The probabilities one standard error either side of the median of `size` effective draws."""
    return np.asarray(special.betaincinv(size / 2 + 1, size / 2 + 1, special.ndtr([-1.0, 1.0])))


def load(path: str | Path) -> Estimate:
    """Read an estimate that `Estimate.save` wrote.

    Raises
    ------
    OutputError
        When there is no such file or it is no estimate.
    """
    path = Path(path)
    if not path.is_file():
        raise OutputError("no such file", where=str(path), remedy="Give the estimate.nc that a run wrote.")
    try:
        # Timedeltas are left alone: a variable in days is a number here.
        with xr.open_datatree(path, engine="netcdf4", decode_timedelta=False) as opened:
            tree = opened.load()
        attrs = tree.attrs
        asked = tuple(day for day in attrs["asked_days"].split(",") if day)
        reading = (attrs["variant"] or None, attrs["base_fingerprint"] or None)
        study = restore(attrs["study"], *reading, asked, tuple(json.loads(attrs["made_up"])))
        stored = json.loads(attrs["conditions"])
    except (OSError, KeyError, ValueError) as error:
        raise OutputError(
            f"is no estimate: {error}", where=str(path), remedy="Give the estimate.nc that a run wrote."
        ) from None
    stored["log_evidence"] = Measured(*stored["log_evidence"]) if stored["log_evidence"] else None
    stored["trust"] = Trust.restored(stored["trust"])
    tree.attrs = {}
    return Estimate(study, tree, Conditions(**stored))
