"""The result as one self-contained HTML page. It arranges what the estimate says and computes nothing."""

import datetime as dt
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from estimates import shelf, tables, words
from estimates.assumptions import Assumption
from estimates.beside import Beside
from estimates.beside import beside as found_beside
from estimates.estimate import Estimate
from estimates.files import replacing
from estimates.plots import pictures
from estimates.plots.paper import svg
from estimates.plots.pictures import label_of
from estimates.reports import Report, relays
from estimates.study import Study, packaged

MOST_CLAIMS = 3
"""The answer names at most so many claims; the table has all."""

_NAME = re.compile(r"([^\W\d]\w*)")

_BEFORE_UNIT = re.compile(r"(?<=\d) (?=%|[mbt]r?illion\b)")  # a line does not end between 89 and %

_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069]")  # they would print the digits after them backwards

type Row = dict[str, Any]


def render(
    estimate: Estimate,
    document: dict[str, Any],
    findings: Sequence[str] = (),
    beside: Beside | None = None,
) -> str:
    """The page as HTML: no script, no request to anywhere, the same text for the same estimate.

    Parameters
    ----------
    estimate : Estimate
        Its study for the words, its draws for the pictures.
    document : dict
        What `Estimate.document` gives; every printed number comes from here.
    findings : sequence of str
        What the audit says of the study.
    beside : Beside, optional
        What other commands found, each with a section of its own.
    """
    page = _Page(estimate, document, beside or Beside())
    html = _environment().get_template("page.html.j2").render(page=page, findings=list(findings), words=words)
    return _BEFORE_UNIT.sub("\N{NO-BREAK SPACE}", _TURNING.sub("\N{REPLACEMENT CHARACTER}", html))


def write(
    estimate: Estimate, document: dict[str, Any], path: str | Path, findings: Sequence[str] = ()
) -> Path:
    """Write the page to a file, whole or not at all, with what other commands left beside it.

    Raises
    ------
    OutputError
        When the folder cannot be written.
    """
    text = render(estimate, document, findings, found_beside(estimate, Path(path).parent))
    with replacing(Path(path)) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return Path(path)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("estimates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["web_host"] = web_host
    return environment


def web_host(address: str) -> str:
    """The host of an address that may become a link; empty for anything but http and https.

    >>> web_host("https://www.example.org/a"), web_host("javascript:alert(1)"), web_host("a book, p. 3")
    ('example.org', '', '')
    """
    try:
        parts = urlsplit(address.strip())
        host = parts.hostname or ""
    except ValueError:
        return ""
    return host.removeprefix("www.") if parts.scheme in ("http", "https") else ""


# ---- what the template asks for ----------------------------------------------------------------


@dataclass(frozen=True)
class _Page:
    """The estimate and its document, arranged in the order of the page."""

    estimate: Estimate
    document: dict[str, Any]
    beside: Beside

    @property
    def study(self) -> Study:
        return self.estimate.study

    @property
    def share(self) -> str:
        """The name of the interval: 89 %."""
        return f"{100 * self.document['interval']['prob']:.0f} %"

    # The answer

    @cached_property
    def answers(self) -> list[Row]:
        """The headline quantities at their last report."""
        rows = {row["name"]: row for row in self.document["quantities"]}  # the last of each name stays
        return [self._answer(rows[name]) for name in self.study.leading if name in rows]

    def _answer(self, row: Row) -> Row:
        error, label = row["mcse_median"], label_of(self.study, row["name"])
        return {
            "name": row["name"],
            "label": label,
            "more": self.says(row["name"]).removeprefix(label),
            "date": words.date_words(row["date"]) if row["date"] else "",
            "unit": words.units(row["unit"]),
            "median": words.spoken(row["median"], half(row), error),
            "ends": words.spoken_interval(row["lower"], row["upper"], error),
        }

    @cached_property
    def answered_claims(self) -> list[Row]:
        """Claims on the headline quantities at the last report; without any, the first of all."""
        asked = [row for row in self.claims if row["probability"] is not None]
        names = set(self.study.leading)
        last = max((report.published for report in self.study.fitted), default=None)
        about = [row for row in asked if self._is_about(row["id"], names, last)]
        return (about or asked)[:MOST_CLAIMS]

    def _is_about(self, claim: str, names: set[str], last: dt.date | None) -> bool:
        leaves = self.study.claims[claim].parsed.names()
        return any(leaf.name in names and leaf.at and self.study.date_of(leaf.at) == last for leaf in leaves)

    # Pictures

    @cached_property
    def carriers_picture(self) -> str:
        shown = [row for row in self.document["quantities"] if row["name"] == self.study.carriers.name]
        told = "; ".join(
            f"{words.date_words(row['date'])}: median {words.number(row['median'], half(row))}, "
            f"{self.share} interval {words.interval(row['lower'], row['upper'])}"
            for row in shown
        )
        alternative = f"Fan of {self.study.carriers.name} over time with the reports. {told}."
        return svg(pictures.carriers(self.estimate).figure(), "carriers", alternative)

    @cached_property
    def headline_picture(self) -> str:
        told = "; ".join(
            f"{a['label']}: median {a['median']}, {self.share} interval {a['ends']}" for a in self.answers
        )
        when = f" on {self.answers[0]['date']}" if self.answers[0]["date"] else ""
        alternative = f"Distributions side by side. {told} {self.answers[0]['unit']}{when}."
        return svg(pictures.headline(self.estimate).figure(), "headline", alternative)

    @property
    def said_in_headline(self) -> bool:
        """Whether the headline picture holds what was said."""
        measured = {report.measures for report in self.study.reports}
        return bool(measured.intersection(self.study.leading))

    @property
    def days_left_out(self) -> bool:
        """Whether some report days are not in the headline picture."""
        dates = {row["date"] for row in self.document["quantities"] if row["name"] in self.study.leading}
        return len(dates) > pictures.MOST_HEADINGS

    @property
    def issuers_apart(self) -> bool:
        """Whether the fan tells issuers apart."""
        return len({report.issuer for report in self.study.fitted}) > 1

    @property
    def hollow_reports(self) -> list[str]:
        """Fitted reports on the fan that it cannot be held against."""
        drawn = pictures.drawn_reports(self.study)
        return [report.id for report in drawn if pictures.is_counted_otherwise(report)]

    @property
    def undrawn_reports(self) -> list[str]:
        """Fitted reports that have no height on the fan."""
        return [report.id for report in self.study.fitted if report not in pictures.drawn_reports(self.study)]

    @cached_property
    def drivers_picture(self) -> str:
        """The widths of the sensitivity."""
        found = self.beside.sensitivity or {}
        told = "; ".join(
            f"{row['label']}: {words.number(row['width'], found['width'] / 2)}" for row in found["drivers"]
        )
        now = f"{words.number(found['width'], found['width'] / 2)} {words.units(found['unit'])}"
        alternative = (
            f"Bars: the width of the {self.share} interval of {found['quantity']} once each assumption "
            f"is known, now {now}. {told}."
        )
        return svg(pictures.drivers(found).figure(), "drivers", alternative)

    # Where a number comes from

    def linked(self, text: str) -> Markup:
        """A text in which every name of a quantity, an assumption or a report leads to it."""
        return self._led(text, self._targets)

    def told(self, sentence: str) -> Markup:
        """A sentence in which names of assumptions lead to them; other names are too often plain words."""
        return self._led(sentence, dict.fromkeys(self.study.assumptions, "assumption"))

    def _led(self, text: str, targets: Mapping[str, str]) -> Markup:
        parts = _NAME.split(text)
        link = Markup('<a href="#{}-{}">{}</a>')
        led = (
            link.format(targets[part], part, part) if number % 2 and part in targets else part
            for number, part in enumerate(parts)
        )
        return Markup("").join(led)

    @cached_property
    def _targets(self) -> dict[str, str]:
        """What each name is: the tables have a row for it under that word."""
        return {
            **dict.fromkeys((row["name"] for row in self.document["quantities"]), "quantity"),
            **dict.fromkeys(self.study.assumptions, "assumption"),
            **dict.fromkeys(self.report_ids, "report"),
        }

    @cached_property
    def report_ids(self) -> list[str]:
        """The ids of all reports."""
        return [report.id for report in self.study.reports]

    def origin(self, name: str) -> Markup:
        """What a quantity is computed from: its formula, or the reports that count it."""
        if name in self.study.quantities:
            return Markup("= <code>{}</code>").format(self.linked(self.study.quantities[name].formula))
        counts = [report.id for report in self.study.fitted if report.measures == name]
        told = f"inferred from {words.listed(counts)}" if counts else "from the assumptions alone"
        return self.linked(told)

    # What other commands found

    def at_words(self, found: Row) -> str:
        """The day of a quantity, in words."""
        return f" by {words.date_words(self.study.date_of(found['at']))}" if found["at"] else ""

    def overturned(self, found: Row) -> list[str]:
        """What it would take to overturn a claim, and which assumptions would do it alone."""
        alone = [row["assumption"] for row in found["alone"] if row["turns"]]
        none = [row["assumption"] for row in found["alone"] if not row["turns"]]
        told = []
        if alone:
            told.append(f"By itself, {words.listed(alone)} would.")
        if none:
            told.append(f"By itself, no value of {words.listed(none)} would.")
        return [found["says"], " ".join(told)]

    @property
    def stories(self) -> list[Row]:
        """The stories compared, in cells."""
        return list(tables.story_cells(self.beside.comparison or {}))

    @property
    def rivals(self) -> list[str]:
        """Which stories the reports tell apart."""
        return list(tables.rivals(self.beside.comparison or {}))

    @property
    def compared(self) -> str:
        """What so many reports can carry."""
        return tables.compared(self.study, self.beside.comparison or {})

    # Tables

    @property
    def quantities(self) -> list[Row]:
        """The rows of each quantity, with what it means."""
        return [
            {"name": name, "says": self.says(name), "rows": list(rows)}
            for name, rows in groupby(self.document["quantities"], key=itemgetter("name"))
        ]

    def says(self, name: str) -> str:
        """What a quantity means, in words."""
        return self.study.quantities[name].says if name in self.study.quantities else ""

    @property
    def across_issuers(self) -> str:
        """What to think of a trend between different issuers."""
        return tables.across_issuers(self.study, self.document["trend"])

    @property
    def left_out(self) -> list[str]:
        """The stories that claims could not be put to."""
        return list(tables.left_out((self.beside.claims or {}).get("left_out", [])))

    @property
    def readings_asked(self) -> list[tuple[str, str]]:
        """The variants under which claims were asked, each with its basis."""
        claims = (self.beside.claims or {}).get("claims", [])
        asked = {answer["variant"] for claim in claims for answer in claim["answers"]}
        return [(name, variant.basis) for name, variant in self.study.variants.items() if name in asked]

    @property
    def trend(self) -> list[Row]:
        published = {
            report.id: words.date_words(report.published, short=True) for report in self.study.reports
        }
        return [
            row | {"from_date": published[row["from"]], "to_date": published[row["to"]]}
            for row in self.document["trend"]
        ]

    @property
    def parameters(self) -> list[Row]:
        return [row | {"is_date": row["unit"] == "date"} for row in self.document["parameters"]]

    @property
    def claims(self) -> list[Row]:
        return [row | {"claim": self.study.claims[row["id"]]} for row in self.document["claims"]]

    @property
    def reports(self) -> list[Row]:
        repeated = relays(self.study.reports)
        return [{"report": report, "role": _role(report, repeated)} for report in self.study.reports]

    @property
    def used(self) -> list[Row]:
        """The assumptions of the fit."""
        return [
            row for row in self._assumptions() if row["name"] in self.estimate.data["posterior"].data_vars
        ]

    @property
    def unused(self) -> list[Row]:
        """The assumptions that this model and these quantities do not need."""
        return [
            row for row in self._assumptions() if row["name"] not in self.estimate.data["posterior"].data_vars
        ]

    def _assumptions(self) -> Iterator[Row]:
        for name, assumption in self.study.assumptions.items():
            yield {"name": name, "assumption": assumption, **self._prior(name, assumption)}

    def _prior(self, name: str, assumption: Assumption) -> Row:
        stated = words.prior(assumption.prior.model_dump(exclude_none=True))
        ends = self.study.implied(name)
        if assumption.unit == "date":
            return {
                "prior": stated,
                "unit": "date",
                "implied": [words.date_words(end, short=True) for end in ends],
            }
        spread = (float(ends[2]) - float(ends[0])) / 2
        implied = [words.number(float(end), spread) for end in ends]
        return {"prior": stated, "unit": self.study.unit_of(name), "implied": implied}

    # What the data say and what the model says

    @property
    def issuers(self) -> list[str]:
        return sorted(
            {report.issuer for report in self.study.fitted if report.measures == self.study.carriers.name}
        )

    @property
    def fitted_dates(self) -> str:
        days = [words.date_words(day) for day in sorted({report.published for report in self.study.fitted})]
        return f"on {words.listed(days)}" if len(days) <= 4 else f"from {days[0]} to {days[-1]}"

    @property
    def single_day(self) -> bool:
        return len({report.published for report in self.study.fitted}) == 1

    # Conditions

    @property
    def command(self) -> str:
        """The command that makes the estimate again."""
        document = self.document
        study = document["study"] if document["study"] in packaged() else f"{document['study']}.toml"
        model = document["model"] if document["model"] in shelf.models() else f"./{document['model']}.py"
        parts = ["estimates", "run", study, "--model", model]
        parts += ["--variant", document["variant"]] if document["variant"] else []
        return shlex.join([*parts, "--engine", document["engine"], "--seed", str(document["seed"])])


def half(row: Row) -> float:
    """Half the width of a row's interval, which says how many digits its numbers deserve."""
    return float(row["upper"] - row["lower"]) / 2


def _role(report: Report, repeated: dict[str, str]) -> str:
    if report.derived_from:
        return f"derived from {report.derived_from}: not counted again"
    if report.held_out:
        return "held out: kept to compare with"
    if report.id in repeated:
        return f"relay of {repeated[report.id]}: not counted again"
    return "data"
