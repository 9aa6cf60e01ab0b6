"""The next report, forecast and scored: what an issuer would have seen by a day, beside what it then said."""

import datetime as dt
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from estimates.errors import OutputError, QuestionError, choices
from estimates.estimate import INTERVAL, SPREAD, Estimate
from estimates.files import finite, replacing
from estimates.reports import Interval, Report
from estimates.scores import BASELINES, Past, Score, baseline_score, crps_of_draws, log_of, point_of
from estimates.seeds import generator
from estimates.seen import Seen
from estimates.study import Study
from estimates.trust import Trust
from estimates.workers import Progress

DRAWS = 2000
"""A forecast keeps at most so many draws of each issuer."""

_FORMAT = "estimates forecast"


# ---- forecasts -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Voice:
    """One issuer in a forecast.

    Attributes
    ----------
    seen : Seen
        What it would have seen, before rounding, in the unit of the forecast.
    past : tuple of Past
        Its earlier reports of the same, by day, for the baselines.
    """

    issuer: str
    seen: Seen
    past: tuple[Past, ...]


@dataclass(frozen=True)
class Forecast:
    """Frozen draws of what each issuer would have seen before a report on a day, with their conditions.

    Attributes
    ----------
    study, fingerprint, data_digest, variant
        Of the study as it was known.
    made, at, last_report : date
        When the forecast was made, for which day, and the day of the last report it could know.
    known_by : date or None
        A day for a hindcast, which looks away from later reports; none for a forecast.
    measures, unit : str
        What is counted.
    """

    study: str
    fingerprint: str
    data_digest: str
    variant: str | None
    model: str
    model_digest: str
    engine: str
    seed: int
    versions: dict[str, str]
    trust: Trust
    made: dt.date
    at: dt.date
    last_report: dt.date
    known_by: dt.date | None
    measures: str
    unit: str
    voices: tuple[Voice, ...]

    @property
    def kind(self) -> str:
        """Whether later reports were known and looked away from: ``"hindcast"``, else ``"forecast"``."""
        return "forecast" if self.known_by is None else "hindcast"

    def summary(self) -> dict[str, Any]:
        """The forecast as plain data without its draws: median and 89 % interval of each issuer."""
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "voices"}
        days = {name: str(plain[name]) for name in ("made", "at", "last_report")}
        looked_away = {"known_by": str(self.known_by) if self.known_by else None}
        head = {"format": _FORMAT, "schema": 1, "kind": self.kind}
        shown = {"interval": {"kind": "eti", "prob": INTERVAL}, "issuers": list(map(_voice_row, self.voices))}
        return head | plain | days | looked_away | {"trust": self.trust.document()} | shown

    def document(self) -> dict[str, Any]:
        """The forecast as plain data, draws included; null stands for a log of nothing, or an open end."""
        document = self.summary()
        for row, voice in zip(document["issuers"], self.voices, strict=True):
            row["draws"] = {
                "before": _six(voice.seen.before),
                "centre": _six(voice.seen.centre),
                "scatter": _six(voice.seen.scatter),
            }
        return document

    def save(self, path: str | Path) -> Path:
        """Write the document as JSON, by way of a temporary name.

        Raises
        ------
        OutputError
            When the folder cannot be written.
        """
        path = Path(path)
        with replacing(path) as temporary:
            text = json.dumps(self.document(), ensure_ascii=False, allow_nan=False)
            temporary.write_text(text + "\n", encoding="utf-8")
        return path


def read_forecast(path: str | Path) -> Forecast:
    """Read a forecast that `Forecast.save` wrote.

    Raises
    ------
    OutputError
        When there is no such file or it is no forecast.
    """
    path = Path(path)
    remedy = "Give the file that estimates forecast --freeze wrote."
    if not path.is_file():
        raise OutputError("no such file", where=str(path), remedy=remedy)
    try:
        return _restored(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise OutputError(f"is no forecast ({error})", where=str(path), remedy=remedy) from None


def _restored(document: dict[str, Any]) -> Forecast:
    if document["format"] != _FORMAT or document["schema"] != 1:
        raise ValueError(f"format {document['format']!r}, schema {document['schema']!r}")
    fields = {name: document[name] for name in Forecast.__dataclass_fields__ if name != "voices"}
    for name in ("made", "at", "last_report", "known_by"):
        fields[name] = dt.date.fromisoformat(fields[name]) if fields[name] is not None else None
    fields["trust"] = Trust.restored(fields["trust"])
    return Forecast(**fields, voices=tuple(_restored_voice(row) for row in document["issuers"]))


def _restored_voice(row: dict[str, Any]) -> Voice:
    before, centre, scatter = (
        np.array([-math.inf if number is None else number for number in row["draws"][name]], dtype=float)
        for name in ("before", "centre", "scatter")
    )
    if not len(before) == len(centre) == len(scatter) > 0:
        raise ValueError(f"the draws of {row['issuer']!r} are cut short")
    if not (np.all(np.isfinite(before)) and np.all(scatter >= 0) and not np.any(np.isnan(centre))):
        raise ValueError(f"the draws of {row['issuer']!r} are no numbers")
    past = tuple(
        Past(dt.date.fromisoformat(day), printed, low, math.inf if high is None else high)
        for day, printed, low, high in row["past"]
    )
    return Voice(row["issuer"], Seen(before, centre, scatter), past)


def _voice_row(voice: Voice) -> dict[str, Any]:
    lower, median, upper = map(float, voice.seen.quantile(SPREAD))
    past = [[str(one.published), one.printed, one.low, finite(one.high)] for one in voice.past]
    return {"issuer": voice.issuer, "median": median, "lower": lower, "upper": upper, "past": past}


def known_by(study: Study, date: dt.date) -> Study:
    """The study of the reports published by that day.

    Raises
    ------
    QuestionError
        When no report that would be fitted is left.
    """
    later = [report.id for report in study.reports if report.published > date]
    if not any(report.published <= date for report in study.fitted):
        raise QuestionError(
            f"no report was known by {date}",
            remedy=f"The first was published on {study.fitted[0].published}: name that day or a later one.",
        )
    return study.without(*later) if later else study


def forecast(  # noqa: PLR0913 - the question (at, issuer, known_by) and the fit (engine, seed, progress)
    study: Study,
    model: str | Path = "steady",
    *,
    at: str | dt.date,
    issuer: str | None = None,
    known_by: str | dt.date | None = None,
    engine: str = "auto",
    seed: int = 1,
    progress: Progress | None = None,
) -> Forecast:
    """Forecast what each issuer would have seen before its next report on the carriers.

    The next report can be checked; the truth cannot. What is forecast is the issuer's own unrounded count,
    bias included, by the day of publication.

    Parameters
    ----------
    at : str or date
        The day of publication, after every report that is known.
    issuer : str, optional
        One issuer; without it all that have reported on the carriers.
    known_by : str or date, optional
        Look away from reports published after this day: a hindcast.
    engine, seed, progress
        As in `infer`.

    Returns
    -------
    Forecast

    Raises
    ------
    QuestionError, StudyError
        For an unknown issuer, or a day that is not after the reports known or is outside the study.

    Examples
    --------
    >>> import estimates as est
    >>> study = est.read("dprk-shells-2024")
    >>> est.forecast(study, at="2024-08-27", known_by="2024-03-01", engine="importance").kind
    'hindcast'
    """
    day, known_day = study.date_of(at), None if known_by is None else study.date_of(known_by)
    if known_day is not None and known_day > day:
        raise QuestionError(
            f"known by {known_day}, forecast for {day}", remedy="Forecast a day after what is known."
        )
    known = study if known_day is None else _study_known_by(study, known_day)
    last = max(report.published for report in known.reports)
    if day <= last:
        raise QuestionError(
            f"{day} is not after the last report known, of {last}",
            remedy="Forecast a later day, or look away from later reports with known_by.",
        )
    following = {report.issuer: report for report in _next_reports(known, day, issuer)}
    estimate = inferred(known.predicting(*following.values()), model, engine, seed, progress)
    voices = tuple(
        Voice(name, thinned(estimate, report.id, seed), earlier_reports(known, report))
        for name, report in following.items()
    )
    return _frozen(known, estimate, (day, last, known_day), voices)


_study_known_by = known_by  # `forecast` has an argument of that name


def _frozen(
    study: Study,
    estimate: Estimate,
    days: tuple[dt.date, dt.date, dt.date | None],
    voices: tuple[Voice, ...],
) -> Forecast:
    conditions = estimate.conditions
    return Forecast(
        study=study.name,
        fingerprint=study.fingerprint,
        data_digest=study.data_digest,
        variant=study.variant_name,
        model=conditions.model,
        model_digest=conditions.model_digest,
        engine=conditions.engine,
        seed=conditions.seed,
        versions=conditions.versions,
        trust=conditions.trust,
        made=dt.date.today(),
        at=days[0],
        last_report=days[1],
        known_by=days[2],
        measures=study.carriers.name,
        unit=study.carriers.unit,
        voices=voices,
    )


def _next_reports(study: Study, day: dt.date, issuer: str | None) -> list[Report]:
    """The report that each issuer would make on `day`, like its last one."""
    counted = study.carriers.name
    lasts = {report.issuer: report for report in study.fitted if report.measures == counted}
    if issuer is not None and issuer not in lasts:
        raise QuestionError(f"unknown issuer {issuer!r} of {counted}", remedy=choices(issuer, lasts))
    if not lasts:
        raise QuestionError(
            f"nobody has reported on {counted}", remedy="Forecasts are of the next count of carriers."
        )
    asked = lasts if issuer is None else {issuer: lasts[issuer]}
    return [_following(study, last, day, number) for number, last in enumerate(asked.values())]


def _following(study: Study, last: Report, day: dt.date, number: int) -> Report:
    as_of = None
    if last.as_of and "reporting_lag" not in study.assumptions:  # a study that knows no other lag
        first, end = (when + (day - last.published) for when in last.as_of)
        as_of = (first, end)
    return Report(
        id=fresh_id(study, f"next_{last.issuer}", number),
        measures=last.measures,
        says=last.says,  # only its wording, which plays no part in what is seen
        published=day,
        as_of=as_of,
        since=last.since,
        issuer=last.issuer,
        counts=last.counts,
        bridge=last.bridge,
    )


def fresh_id(study: Study, stem: str, number: int = 0) -> str:
    """An id like `stem` that no report has; `number` tells apart issuers that are spelt alike."""
    plain = re.sub(r"\W", "_", stem)[:50]
    taken = {report.id for report in study.reports}
    while (name := f"{plain}_{number}" if number else plain) in taken:
        number += 1
    return name


def inferred(study: Study, model: str | Path, engine: str, seed: int, progress: Progress | None) -> Estimate:
    """As `infer`, which loads PyMC only now."""
    from estimates.inference import infer

    return infer(study, model, engine=engine, seed=seed, progress=progress)


def thinned(estimate: Estimate, report: str, seed: int) -> Seen:
    """The draws that are kept, with the six digits that are written."""
    seen = estimate.predicted(report).thinned(DRAWS, generator(seed, "thinned"))
    return Seen(*(_rounded(draws) for draws in (seen.before, seen.centre, seen.scatter)))


def earlier_reports(study: Study, report: Report) -> tuple[Past, ...]:
    """What the issuer of `report` had said of the same before its day; of two on one day, the later told."""
    same = (one for one in study.fitted if (one.issuer, one.measures) == (report.issuer, report.measures))
    return tuple(
        {
            one.published: Past(one.published, one.says.printed, *one.says.seen)
            for one in same
            if one.published < report.published
        }.values()
    )


# ---- resolved ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Resolution:
    """A report beside what was forecast for it.

    Attributes
    ----------
    at, published : date
        The day that was forecast, and that of the report.
    interval : Interval
        The seen counts that would have been printed so.
    point : float
        The number in it at which the CRPS is taken; `note` says so where it is not the geometric middle.
    median, lower, upper : float
        Of the forecast; the ends leave equal tails outside 89 %.
    pit : float
        The probability integral transform: the forecast probability of less than `point`.
    inside89 : float
        How much of the report lies from `lower` to `upper`: 1 where all of its interval does, 0 where none
        of it does, else `Seen.share_inside`.
    scores : mapping
        ``"model"``, and where there is a past ``"last_value"`` and ``"straight_line"``.
    """

    kind: str
    issuer: str
    at: dt.date
    published: dt.date
    says: str
    interval: Interval
    point: float
    note: str
    median: float
    lower: float
    upper: float
    pit: float
    inside89: float
    scores: Mapping[str, Score]

    def document(self) -> dict[str, Any]:
        """The same as plain data; null stands for an open end and for a score without bound."""
        spread = ("median", "lower", "upper")
        plain = {name: getattr(self, name) for name in self.__dataclass_fields__ if name not in spread}
        return plain | {
            "predicted": {name: getattr(self, name) for name in spread},
            "at": str(self.at),
            "published": str(self.published),
            "interval": [self.interval.low, finite(self.interval.high)],
            "scores": {
                name: {"log_score": finite(score.log_score), "crps": finite(score.crps)}
                for name, score in self.scores.items()
            },
        }


def resolve(forecast: Forecast, report: Report) -> Resolution:
    """Score a forecast, and two baselines, by the report that came.

    The log score is ln P(seen count in the interval of the report). The CRPS is that of the log of the seen
    count, at the geometric middle of the interval. A baseline says ln Y ~ Normal(ln v, sd): v is the
    issuer's last printed number, or the straight line through its last two on the day forecast, and sd what
    it was wrong by so far (`spread_of`).

    Parameters
    ----------
    report : Report
        Of an issuer in the forecast, on the same quantity, published after every report it could know.

    Returns
    -------
    Resolution

    Raises
    ------
    QuestionError
        For any other report.
    """
    voices = {voice.issuer: voice for voice in forecast.voices}
    if report.issuer not in voices:
        raise QuestionError(
            f"{report.issuer!r} was not forecast", where=report.id, remedy=choices(report.issuer, voices)
        )
    if report.measures != forecast.measures:
        raise QuestionError(
            f"the report is on {report.measures}, the forecast on {forecast.measures}",
            where=report.id,
            remedy="Resolve it with a report on the same.",
        )
    if report.published <= forecast.last_report:
        raise QuestionError(
            f"published {report.published}, when the forecast knew reports up to {forecast.last_report}",
            where=report.id,
            remedy="Resolve it with a later report.",
        )
    voice = voices[report.issuer]
    return scored(voice, report, at=forecast.at, kind=forecast.kind, seed=forecast.seed)


def scored(voice: Voice, report: Report, *, at: dt.date, kind: str, seed: int) -> Resolution:
    """The scores of what was forecast of one issuer for the day `at`, and of both baselines."""
    interval = report.says.seen
    point, note = point_of(interval)
    with np.errstate(divide="ignore"):  # a draw in which nothing was seen
        logs = np.log(voice.seen.draws(generator(seed, "resolve")))
    scores = {"model": Score(voice.seen.log_probability(interval), crps_of_draws(logs, log_of(point)))}
    if voice.past:
        scores |= {name: baseline_score(name, voice.past, at, interval) for name in BASELINES}
    lower, median, upper = map(float, voice.seen.quantile(SPREAD))
    return Resolution(
        kind=kind,
        issuer=report.issuer,
        at=at,
        published=report.published,
        says=str(report.says),
        interval=interval,
        point=point,
        note=note,
        median=median,
        lower=lower,
        upper=upper,
        pit=voice.seen.cumulative(point),
        inside89=voice.seen.share_inside(interval, lower, upper),
        scores=scores,
    )


def _rounded(numbers: ArrayLike) -> Any:
    return np.array([float(f"{number:.6g}") for number in np.asarray(numbers, dtype=float)])


def _six(numbers: ArrayLike) -> list[float | None]:
    return [finite(float(number)) for number in _rounded(numbers)]
