"""A small valid study about something else than shells, for tests to change one thing in."""

OIL = """\
format = 1
name = "oil"
title = "Oil carried past the strait"
epoch = 2023-01-01
horizon = 2024-12-31
knot = 2024-01-15
carriers = { name = "voyages", unit = "voyage" }

[[report]]
id = "spring"
measures = "voyages"
says = { value = 120, hedge = "about" }
published = 2024-03-01
issuer = "port"

[[report]]
id = "autumn"
measures = "voyages"
says = { value = 300, hedge = "over" }
published = 2024-09-01
issuer = "port"

[[report]]
id = "autumn_oil"
measures = "oil"
says = { value = 200_000_000, hedge = "about" }
published = 2024-09-01
issuer = "port"
derived_from = "autumn"

[assumption.cargo]
unit = "barrel/voyage"
prior = { family = "lognormal", q05 = 300_000, q95 = 900_000 }
basis = "Aframax to Suezmax."

[assumption.first_shipment]
unit = "date"
prior = { family = "uniform", lower = 2023-02-01, upper = 2024-01-31 }
basis = "First sightings."

[quantity.oil]
unit = "barrel"
formula = "voyages * cargo"

[claim.doubled]
says = "twice as many since spring"
statement = "voyages[autumn] / voyages[spring] >= 2"

[variant.late]
basis = "The second sighting taken as the first."
assumption.first_shipment.prior = { family = "uniform", lower = 2023-12-01, upper = 2024-01-31 }

[variant.one_count]
basis = "The autumn count alone."
without = ["spring"]
"""


def changed(old: str, new: str) -> str:
    """The small study with one passage replaced, which must stand in it."""
    assert old in OIL, f"{old!r} is not in the small study"
    return OIL.replace(old, new, 1)


def line_of(text: str, passage: str, *, occurrence: int = 1) -> int:
    """The line, from 1, on which a passage stands for the given time."""
    found = [number for number, line in enumerate(text.splitlines(), start=1) if passage in line]
    return found[occurrence - 1]
