"""What the terminal shows of a document: every number with its unit, and nothing that commands the terminal."""

import io

import pytest
from rich.console import Console
from small import OIL, changed

from estimates import tables
from estimates.study import read_text
from estimates.words import UNKNOWN

STUDY = read_text(OIL)


def shown(table, width=100) -> list[str]:
    """The lines that a table prints."""
    out = io.StringIO()
    Console(file=out, width=width, highlight=False, markup=False).print(table)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def quantity(name="voyages", at="spring", date="2024-03-01", **numbers):
    given = {
        "mean": 125.0,
        "sd": 25.0,
        "lower": 91.2,
        "median": 124.6,
        "upper": 173.9,
        "mcse_median": 0.42,
    } | numbers
    return {"name": name, "at": at, "date": date, "unit": "voyage"} | given


def trend(first, last, *, days=184):
    pace = {"median": 0.5612, "lower": 0.381, "upper": 0.829, "unit": "voyage/day"} if days else None
    return {
        "from": first,
        "to": last,
        "per_day": pace,
        "ratio": {"median": 1.812, "lower": 1.63, "upper": 2.07},
    }


def document(**parts):
    return {
        "interval": {"kind": "eti", "prob": 0.89},
        "quantities": [
            quantity(),
            quantity(at="autumn", date="2024-09-01", median=228.7, lower=163.0, upper=320.0),
        ],
        "trend": [trend("spring", "autumn")],
        "parameters": [],
        "claims": [{"id": "doubled", "probability": 0.123, "mcse": 0.01}],
        "trust": {"verdict": "good", "pareto_k": 0.39, "ess": 21_693.4, "r_hat": None, "notes": []},
        "log_evidence": {"value": -4.671, "mcse": 0.008},
        "engine": "importance",
        "engine_reason": "asked for",
        "model": "steady",
        "variant": None,
        "seed": 1,
        "fingerprint": "0123456789abcdef",
    } | parts


# ---- quantities --------------------------------------------------------------------------------


def test_a_quantity_is_shown_with_interval_unit_and_error_no_finer_than_they_deserve():
    header, first, second = shown(tables.quantities(document()))

    assert header.split() == ["quantity", "on", "median", "89", "%", "interval", "unit", "MC", "error"]
    assert first.split() == ["voyages", "1", "Mar", "2024", "125", "91", "to", "174", "voyages", "0.4"]
    assert second.split() == ["1", "Sep", "2024", "229", "163", "to", "320", "voyages", "0.4"]


def test_a_quantity_without_a_day_has_none():
    row = quantity("cargo", at=None, date=None)
    assert shown(tables.quantities(document(quantities=[row])))[1].split()[:2] == ["cargo", "125"]


def test_two_reports_of_one_day_are_one_row():
    rows = [quantity(at="spring"), quantity(at="spring_again")]
    assert len(shown(tables.quantities(document(quantities=rows)))) == 2


def test_of_many_reports_the_last_are_shown_and_the_others_counted():
    rows = [quantity(at=f"r{day}", date=f"2024-03-{day:02}", median=100.0 + day) for day in range(1, 31)]

    _, first, *others = shown(tables.quantities(document(quantities=rows)))

    assert first.split() == ["voyages", "24", "earlier", "..."]
    assert [line.split()[0] for line in others] == ["25", "26", "27", "28", "29", "30"]


@pytest.mark.parametrize("width", [80, 120])
def test_tables_keep_to_the_width_of_the_terminal(width):
    long = changed('says = "twice as many since spring"', f'says = "{"many words " * 30}"')
    lines = [
        *shown(tables.quantities(document()), width),
        *shown(tables.claims(read_text(long), document()), width),
        *shown(tables.reports(STUDY), width),
    ]
    assert max(map(len, lines)) <= width


# ---- sentences ---------------------------------------------------------------------------------


def test_the_answer_is_a_sentence_on_the_headline_at_the_last_report():
    text = changed("[[report]]", 'headline = { quantity = "oil" }\n\n[[report]]')
    text = text.replace(
        'formula = "voyages * cargo"', 'formula = "voyages * cargo"\nsays = "oil carried: all of it"'
    )
    row = quantity("oil", "autumn", "2024-09-01", median=2_134_567.0, lower=1_042_000.0, upper=3_925_000.0)
    rows = [quantity("oil"), row | {"unit": "barrel", "mcse_median": 9000.0}]

    (sentence,) = tables.answer(read_text(text), document(quantities=rows))

    assert (
        sentence == "Oil carried by 1 September 2024: 2.1 million barrels (89 % interval 1.0 to 3.9 million)."
    )


def test_without_a_headline_the_answer_is_on_the_first_quantity():
    rows = [quantity(), quantity("oil", "autumn", "2024-09-01")]
    (sentence,) = tables.answer(STUDY, document(quantities=rows))
    assert sentence.startswith("Oil by 1 September 2024: ")


def test_the_trend_is_a_sentence_for_each_pair_of_reports():
    assert list(tables.trend(STUDY, document())) == [
        "From 1 Mar 2024 to 1 Sep 2024: 0.56 voyages a day (0.38 to 0.83), 1.81 times as many (1.63 to 2.07)."
    ]


def test_reports_of_one_day_have_no_pace_to_tell():
    assert list(tables.trend(STUDY, document(trend=[trend("spring", "spring", days=0)]))) == []


def test_what_a_prior_states_is_shown_as_stated_and_what_it_implies_as_its_width_deserves():
    wide = changed("q05 = 300_000, q95 = 900_000", "q05 = 123_456, q95 = 900_000")
    (cargo, _) = tables.prior_rows(read_text(wide))
    half = changed('"lognormal", q05 = 300_000, q95', '"halfnormal", q95')
    (folded, _) = tables.prior_rows(read_text(half))

    assert (cargo["q05"], cargo["median"], cargo["q95"]) == ("123,456", "330,000", "900,000")
    assert (folded["q05"], folded["median"], folded["q95"]) == ("30,000", "310,000", "900,000")


def test_the_verdict_tells_what_it_rests_on_and_under_which_conditions():
    assert list(tables.trust(document())) == [
        "Trust: good (21,693 effective draws, Pareto k-hat 0.39, log evidence -4.67 ± 0.01).",
        "Engine: importance; asked for.",
        "Model steady, seed 1, study 0123456789abcdef.",
    ]


def test_the_verdict_under_nuts_tells_r_hat_and_the_notes():
    trust = {"verdict": "bad", "pareto_k": None, "ess": 12.0, "r_hat": 1.4, "notes": ["The chains disagree."]}

    lines = list(tables.trust(document(trust=trust, log_evidence=None, engine="nuts", variant="late")))

    assert lines[:2] == ["Trust: bad (12 effective draws, R-hat 1.400).", "  The chains disagree."]
    assert lines[-1] == "Model steady, variant late, seed 1, study 0123456789abcdef."


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        ((4, 5, 1.9437, 0), "4 issuers in 5 voices are worth 1.9 independent sources of the level."),
        ((1, 1, 1.0, 0), "1 issuer in 1 voice is worth 1.0 independent source of the level."),
        (
            (1, 2, 1.3, 1),
            "1 issuer in 2 voices is worth 1.3 independent sources of the level. 1 voice with a lower bound alone left out.",
        ),
    ],
)
def test_the_sources_are_a_sentence(found, sentence):
    issuers, voices, effective, bounds = found
    given = {"issuers": issuers, "voices": voices, "reports": 9, "bounds": bounds, "effective": effective}
    assert list(tables.sources(document(sources=given))) == [sentence]
    assert list(tables.sources(document(sources=None))) == []


# ---- claims, unknowns, reports, priors ---------------------------------------------------------


def test_a_claim_is_shown_as_it_was_said_with_its_probability():
    assert shown(tables.claims(STUDY, document()))[1].split("  ")[0] == "twice as many since spring"
    assert shown(tables.claims(STUDY, document()))[1].endswith("12 %")


def test_a_claim_that_the_model_cannot_judge_has_no_probability():
    row = {"id": "doubled", "probability": None, "mcse": None}
    assert shown(tables.claims(STUDY, document(claims=[row])))[1].endswith(UNKNOWN)


def test_a_date_among_the_unknowns_is_shown_as_a_date():
    dates = {"median": "2023-08-18", "lower": "2023-06-17", "upper": "2023-10-13"}
    rows = [
        {"name": "first_shipment", "unit": "date"} | dates,
        {"name": "daily_rate", "unit": "voyage/day", "median": 0.5612, "lower": 0.381, "upper": 0.829},
    ]

    _, first, second = shown(tables.parameters(document(parameters=rows)))

    assert first.split() == [
        "first_shipment",
        "18",
        "Aug",
        "2023",
        "17",
        "Jun",
        "2023",
        "to",
        "13",
        "Oct",
        "2023",
    ]
    assert second.split() == ["daily_rate", "0.56", "0.38", "to", "0.83", "voyages/day"]


def test_every_report_is_shown_with_what_it_is_used_as():
    lines = shown(tables.reports(STUDY))

    assert lines[1].split() == ["spring", "2024-03-01", "about", "120", "(voyages)", "[115,", "125)", "data"]
    assert lines[3].endswith("derived from autumn")


def test_a_report_that_is_held_out_is_shown_as_that():
    study = read_text(changed('id = "spring"', 'id = "spring"\nheld_out = "A rumour."'))
    assert shown(tables.reports(study))[1].endswith("held out")


def test_judgement_is_marked_and_explained_only_where_there_is_any():
    table, *notes = tables.priors(STUDY)
    assert notes == []
    assert not any("*" in line for line in shown(table))

    judged = read_text(changed('basis = "Aframax to Suezmax."', 'basis = "A guess."\njudgement = true'))
    table, note = tables.priors(judged)
    assert shown(table)[1].startswith("cargo *")
    assert note == "* judgement: no source is given"


# ---- what a study may hold ---------------------------------------------------------------------


def test_words_of_a_study_are_neither_markup_nor_commands_to_the_terminal():
    hostile = "[red]a [/] [link=x] :smile: \x1b[31m \x9b1m \x07 b"
    text = changed("twice as many since spring", "SAYS").replace("Oil carried past the strait", "SAYS")
    study = read_text(text.replace("SAYS", hostile.encode("unicode_escape").decode().replace("\\x", "\\u00")))
    assert study.title == hostile

    harmless = "[red]a [/] [link=x] :smile: �[31m �1m � b"
    assert tables.title(study).plain == harmless
    assert shown(tables.claims(study, document()))[1].startswith(harmless)


def test_a_long_sentence_is_broken_between_words_and_keeps_its_indent():
    lines = tables.wrapped("  " + "a-long-word " * 12 + "x" * 60, 40).splitlines()

    assert all(line.startswith("  a-long-word") for line in lines[:-1])
    assert all(len(line) <= 40 for line in lines[:-1])
    assert lines[-1] == "  " + "x" * 60
