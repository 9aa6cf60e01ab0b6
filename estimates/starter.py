"""The text of a new study: small, commented, and running as it stands."""

import datetime as dt
import re
from collections.abc import Mapping

from estimates.errors import StudyError, UnitError
from estimates.reports import identifier
from estimates.study.schema import DIRECTIVE
from estimates.units import units_of
from estimates.words import units

_TEXT = """\
{directive}
# {name}: a study that runs as it stands. Every number in it is made up: replace them with yours.
#
#   estimates check {name}.toml      reads it, shows how each report is read, asks for what is missing
#   estimates run {name}.toml        fits it and writes a page

format = 1
name = "{name}"
title = "How much did the {carriers} carry?"
epoch = {epoch}                  # day 0 of the clock: before anything moved
horizon = {horizon}                # the last day looked at
carriers = {{ name = "{carriers}", unit = "{unit}" }}
headline = {{ quantity = "cargo" }}
{declared}
# ---- reports: what somebody said -------------------------------------------------------------------
# hedge: exactly, about, over (more than, at least), nearly, up to, between (with low and high),
# dozens of, hundreds of, thousands of. A number that is arithmetic on another: derived_from = "its_id".

[[report]]
id = "spring"
measures = "{carriers}"
says = {{ value = 120, hedge = "about" }}
published = {spring}
issuer = "harbour_watch"
source = "https://example.org/spring"

[[report]]
id = "autumn"
measures = "{carriers}"
says = {{ value = 200, hedge = "over" }}
published = {autumn}
issuer = "harbour_watch"
source = "https://example.org/autumn"

# ---- assumptions: what nobody reported -------------------------------------------------------------
# q05 and q95: what you think lies below with 5 % and with 95 % probability. Families: uniform (lower, upper),
# normal, lognormal, gamma, student_t (with df), halfnormal (q95 only), beta (a share), fixed (value).
# The first five are asked for by the model steady and by the reports; their names are fixed.

[assumption.first_shipment]
unit = "date"
prior = {{ family = "uniform", lower = {start}, upper = {before} }}
basis = "Say why: when could the first have gone?"
judgement = true

[assumption.daily_rate]
unit = "{unit}/day"
prior = {{ family = "lognormal", q05 = 0.1, q95 = 5 }}
basis = "Say why: from one in ten days to five a day."
judgement = true

[assumption.reporting_lag]
unit = "day"
prior = {{ family = "lognormal", q05 = 1, q95 = 30 }}
basis = "Say why: how old is a count when it is published?"
judgement = true

[assumption.issuer_bias]
unit = "dimensionless"
prior = {{ family = "normal", q05 = -0.329, q95 = 0.329 }}
basis = "Say why: how far may the issuer be off in all its counts? 0.329 is about a third."
judgement = true

[assumption.report_scatter]
unit = "dimensionless"
prior = {{ family = "halfnormal", q95 = 0.098 }}
basis = "Say why: how far may a single count be off beyond that? 0.098 is about a tenth."
judgement = true

[assumption.load]
unit = "{load}/{unit}"
prior = {{ family = "lognormal", q05 = 300, q95 = 900 }}
basis = "Say why: what does one carry?"
judgement = true

# Two assumptions that are likely to be large or small together:
# [[correlation]]
# between = ["load", "daily_rate"]
# rank_correlation = 0.5
# basis = "Why they go together."

# ---- quantities: what you want to know -------------------------------------------------------------
# Names of carriers, assumptions and other quantities, with + - * / and integer powers. Units are checked.

[quantity.cargo]
unit = "{load}"
formula = "{carriers} * load"
says = "what they carried in all"

# ---- claims: what is said and can be true or false -------------------------------------------------
# name[report_id] or name[2024-05-01], with < <= > >= and 'and'.

[claim.doubled]
says = "twice as many by autumn as in spring"
statement = "{carriers}[autumn] / {carriers}[spring] >= 2"

# ---- variants: other readings of the same study ----------------------------------------------------

[variant.heavy]
basis = "If they were loaded to the mark."
assumption.load.prior = {{ family = "lognormal", q05 = 800, q95 = 1000 }}
"""

QUESTIONS = {
    "name": "A short name for the study",
    "carriers": "What is counted, in the plural",
    "unit": "One of them",
    "load": "The unit of what one of them carries",
}
"""What a person is asked for the words of `starter`."""

DEFAULTS = {"name": "study", "carriers": "voyages", "unit": "voyage", "load": "tonne"}


def suggested(field: str, answers: Mapping[str, str]) -> str:
    """What an empty answer stands for; nothing where there is no telling.

    >>> suggested("unit", {"carriers": "lorries"}), suggested("unit", {"carriers": "рейсы"})
    ('lorry', '')
    """
    if field == "name":
        return ""
    if field != "unit" or "carriers" not in answers:
        return DEFAULTS[field]
    many = answers["carriers"]
    guesses = (f"{many[:-3]}y", many[:-2], many[:-1])
    return next((one for one in guesses if one and units(one) == many), "")


def starter(name: str, carriers: str, unit: str, load: str) -> str:
    """The text of a study on `carriers`, each a `unit`, that carry so much of `load`.

    Raises
    ------
    StudyError
        For a word that cannot be a name, or a unit of load that does not exist.
    """
    if not re.fullmatch(r"\w[\w.-]{0,79}", name):
        raise StudyError(
            f"{name!r} cannot name a study",
            remedy="A letter or digit, then letters, digits, _ - and dots; at most 80; the folder in --out.",
        )
    for field, word in (("carriers", carriers), ("unit", unit)):
        try:
            identifier(word)
        except StudyError as error:
            raise error.at(f"--{field}") from None
    if carriers == unit or carriers in ("load", "cargo"):
        raise StudyError(
            f"the carriers are called {carriers!r}", remedy="Plural for --carriers, singular for --unit."
        )
    return _TEXT.format(
        declared=_declared(load),
        directive=DIRECTIVE,
        name=name,
        carriers=carriers,
        unit=unit,
        load=load,
        epoch=dt.date(2023, 1, 1),
        horizon=dt.date(2024, 12, 31),
        spring=dt.date(2024, 4, 1),
        autumn=dt.date(2024, 10, 1),
        start=dt.date(2023, 6, 1),
        before=dt.date(2024, 3, 1),
    )


def _declared(load: str) -> str:
    """The heading that makes a unit of its own of a plain word that is none yet and near to none."""
    try:
        units_of().factor(load, "--load")
    except UnitError as error:
        if not load.isidentifier() or not error.what.startswith("unknown") or "Did you mean" in error.remedy:
            raise
        units_of(((load, "new"),))
        return f'\n[units]\n{load} = "new"                   # a unit of its own: counted, without a weight\n'
    return ""
