"""Numbers that are no evidence of their own, and what else a reader should know first."""

import json

import pytest
from small import OIL, changed

from estimates.audit import Kind, audit, unused
from estimates.study import read, read_text, restore

SPRING_OIL = """
[[report]]
id = "spring_oil"
measures = "oil"
says = { value = 80_000_000, hedge = "about" }
published = 2024-03-01
issuer = "port"

[[report]]
id = "autumn_oil"
"""


def found(study, kind):
    return [finding for finding in audit(study) if finding.kind is kind]


def undeclared(spring="80_000_000", autumn="200_000_000", more=""):
    """Both oil figures as counts of their own."""
    text = changed('[[report]]\nid = "autumn_oil"\n', SPRING_OIL.lstrip()).replace(
        'derived_from = "autumn"\n', more
    )
    return read_text(text.replace("80_000_000", spring).replace("200_000_000", autumn))


def test_a_derived_number_is_named_with_what_it_is_derived_from():
    (finding,) = found(read_text(OIL), Kind.DERIVED)
    assert finding.about == ("autumn_oil", "autumn")
    assert "about 200,000,000" in finding.words
    assert "from autumn:" in finding.words
    assert not finding.is_warning


def test_a_derived_number_never_enters_the_likelihood():
    assert [report.id for report in read_text(OIL).fitted] == ["spring", "autumn"]


def test_a_constant_ratio_of_two_quantities_is_suspected_as_a_conversion():
    (finding,) = found(undeclared(), Kind.CONVERSION)
    assert set(finding.about) == {"autumn_oil", "spring_oil"}
    assert finding.is_warning
    assert "declare derived_from" in finding.words
    # [77.5, 82.5] million over [115, 125] and [175, 225] million over [300, 350] share 620,000 to 717,391.
    assert "6.2e+05 to 7.174e+05" in finding.words


def test_ratios_that_share_no_point_are_no_conversion():
    assert not found(undeclared(spring="20_000_000"), Kind.CONVERSION)


def test_one_pair_alone_is_no_conversion():
    assert not found(read_text(OIL.replace('derived_from = "autumn"\n', "")), Kind.CONVERSION)


def test_one_pair_of_one_day_is_asked_about_where_one_is_reckoned_from_the_other():
    text = OIL.replace('derived_from = "autumn"\n', "")
    (finding,) = found(read_text(text), Kind.ONE_PAIR)
    assert set(finding.about) == {"autumn", "autumn_oil"}
    assert finding.is_warning
    assert not finding.is_doubt
    assert "are by port and of one day: if one is arithmetic on the other" in finding.words
    for answered in (OIL, text.replace('measures = "oil"', 'measures = "oil"\nindependent = "weighed"')):
        assert not found(read_text(answered), Kind.ONE_PAIR)
    assert not found(undeclared(), Kind.ONE_PAIR)  # a conversion, and told as such


def test_two_issuers_keeping_one_ratio_are_no_conversion():
    study = undeclared(more="")
    other = read_text(
        changed('[[report]]\nid = "autumn_oil"\n', SPRING_OIL.lstrip())
        .replace('derived_from = "autumn"\n', "")
        .replace(
            'issuer = "port"\n\n[[report]]\nid = "autumn_oil"',
            'issuer = "bank"\n\n[[report]]\nid = "autumn_oil"',
        )
    )
    assert found(study, Kind.CONVERSION)
    assert not found(other, Kind.CONVERSION)


def test_a_reason_for_independence_answers_the_suspicion_and_is_printed():
    study = undeclared(more='independent = "Customs weighed the oil."\n')
    assert not found(study, Kind.CONVERSION)
    (finding,) = found(study, Kind.INDEPENDENT)
    assert finding.about == ("autumn_oil",)
    assert "Customs weighed the oil." in finding.words


def test_a_figure_in_the_other_unit_is_suspected_too():
    text = changed('unit = "barrel"\n', 'unit = "megabarrel"\n')
    text = text.replace('[[report]]\nid = "autumn_oil"\n', SPRING_OIL.lstrip()).replace(
        'derived_from = "autumn"\n', ""
    )
    assert found(read_text(text.replace("80_000_000", "80").replace("200_000_000", "200")), Kind.CONVERSION)


RELAY = """
[[report]]
id = "spring_again"
measures = "voyages"
says = { value = 120, hedge = "about" }
published = 2024-03-04
issuer = "port"
"""


def test_a_release_told_again_is_counted_once():
    study = read_text(OIL + RELAY)
    (finding,) = found(study, Kind.RELAY)
    assert finding.about == ("spring_again", "spring")
    assert [report.id for report in study.fitted] == ["spring", "autumn"]


HELD_OUT = RELAY.replace('issuer = "port"', 'issuer = "port"\nheld_out = "A rumour."')


def test_a_report_that_is_held_out_is_named_with_its_reason():
    (finding,) = found(read_text(OIL + HELD_OUT), Kind.HELD_OUT)
    assert finding.about == ("spring_again",)
    assert finding.words.startswith("spring_again is held out: ")
    assert finding.words.endswith(": A rumour.")
    assert not finding.is_warning
    assert not found(read_text(OIL + HELD_OUT), Kind.RELAY)


def test_a_bridge_is_named_once_for_each_count_that_is_pooled_over_it():
    scope = '[assumption.scope]\nunit = "dimensionless"\nprior = { family = "lognormal", q05 = 0.6, q95 = 1.5 }\nbasis = "x"\n'
    other = 'counts = "tankers alone"\nbridge = "scope"\nissuer = "navy"'
    more = RELAY.replace('issuer = "port"', other)
    more += more.replace("spring_again", "and_again").replace("2024-03-04", "2024-05-06")
    (finding,) = found(read_text(OIL + more + scope), Kind.BRIDGED)
    assert finding.words == "navy counts 'tankers alone': pooled over scope."
    assert not finding.is_warning
    assert unused(read_text(OIL + more + scope), ("first_shipment", "daily_rate")) == ()


def test_one_issuer_is_named_for_each_quantity_it_alone_counts():
    (finding,) = found(read_text(OIL), Kind.ONE_ISSUER)
    assert finding.about == ("port",)
    assert "voyages" in finding.words


def test_two_issuers_of_one_quantity_are_no_single_voice():
    assert not found(read_text(OIL + RELAY.replace('"port"', '"navy"')), Kind.ONE_ISSUER)


@pytest.mark.parametrize(("count", "warned"), [("29", True), ("30", False), ("31", False)])
def test_counts_under_thirty_are_warned_of(count, warned):
    text = changed('value = 120, hedge = "about"', f'value = {count}, hedge = "exactly"')
    text = text.replace('value = 300, hedge = "over"', 'value = 12, hedge = "exactly"')
    findings = found(read_text(text), Kind.FEW)
    assert bool(findings) is warned
    if warned:
        assert findings[0].is_warning
        assert "lumpy" in findings[0].words


def test_wording_about_the_start_that_is_not_used_is_shown():
    study = read_text(changed('id = "spring"\n', 'id = "spring"\nsince_words = "since summer"\n'))
    (finding,) = found(study, Kind.SINCE_WORDS)
    assert "'since summer'" in finding.words
    used = changed('id = "spring"\n', 'id = "spring"\nsince_words = "since July"\nsince = 2023-07-01\n')
    assert not found(read_text(used), Kind.SINCE_WORDS)


def test_judgements_are_gathered_in_one_sentence():
    assert not found(read_text(OIL), Kind.JUDGEMENT)
    one = read_text(changed('basis = "First sightings."', 'basis = "First sightings."\njudgement = true'))
    (finding,) = found(one, Kind.JUDGEMENT)
    assert finding.words == "first_shipment rests on judgement, without a source."


def test_the_flagship_asks_its_author_for_nothing():
    assert not [finding for finding in audit(read()) if finding.is_warning]
    assert [finding.about for finding in found(read(), Kind.DERIVED)] == [
        ("feb_2024_shells", "feb_2024"),
        ("aug_2024_shells", "aug_2024"),
    ]


def test_the_flagship_would_be_suspected_if_it_kept_silent():
    document = read().document()
    for report in document["report"]:
        report.pop("derived_from", None)
    silent = restore(json.dumps(document))
    (finding,) = found(silent, Kind.CONVERSION)
    assert set(finding.about) == {"feb_2024_shells", "aug_2024_shells"}


def test_assumptions_that_nothing_asks_for_are_listed():
    text = (
        OIL
        + '\n[assumption.wind]\nunit = "m/s"\nprior = { family = "normal", q05 = 1, q95 = 5 }\nbasis = "..."\n'
    )
    assert unused(read_text(text), ("first_shipment", "daily_rate")) == ("wind",)
    assert unused(read_text(text), ("daily_rate",)) == ("first_shipment", "wind")
    claimed = text + '\n[claim.windy]\nsays = "windy"\nstatement = "wind >= 4"\n'
    assert unused(read_text(claimed), ("first_shipment", "daily_rate")) == ()


# ---- passed on, and in circles -------------------------------------------------------------------------


def told(*reports):
    """The small study, its reports being these: (id, issuer, value, day of September, who passes it on)."""
    head, rest = OIL[: OIL.index("[[report]]")], OIL[OIL.index("[assumption.cargo]") :]
    blocks = [
        f'[[report]]\nid = "{name}"\nmeasures = "voyages"\nsays = {{ value = {value}, hedge = "about" }}\n'
        f'published = 2024-09-{day:02}\nissuer = "{issuer}"\nrelayed_by = {json.dumps(list(relays))}\n'
        for name, issuer, value, day, relays in reports
    ]
    text = rest.replace("voyages[autumn] / voyages[spring] >= 2", "voyages[a] >= 2")
    return read_text(head + "\n".join(blocks) + text[: text.index("[variant.one_count]")])


def test_a_number_by_somebody_who_passes_the_issuer_on_is_suspected():
    study = told(("a", "port", 120, 1, ["Sea News"]), ("b", "sea_news", 120, 3, []))
    (finding,) = found(study, Kind.PASSED_ON)
    assert finding.about == ("b", "a")
    assert finding.is_warning
    assert "b (about 120) says what a said 2 days before, and sea_news passes on port" in finding.words


def test_a_chain_of_relays_is_followed():
    study = told(
        ("a", "port", 120, 1, ["wire"]), ("b", "wire", 250, 2, ["paper"]), ("c", "paper", 120, 5, [])
    )
    assert [finding.about for finding in found(study, Kind.PASSED_ON)] == [("c", "a")]


@pytest.mark.parametrize(
    "later",
    [
        ("b", "sea news", 250, 3, []),  # another number
        ("b", "customs", 120, 3, []),  # passes on nobody
        ("b", "port", 120, 3, []),  # the same issuer: a relay, found elsewhere
    ],
)
def test_what_is_another_number_or_another_voice_is_not_suspected(later):
    assert not found(told(("a", "port", 120, 1, ["Sea News"]), later), Kind.PASSED_ON)


def test_issuers_that_cite_one_another_are_a_circle():
    study = told(
        ("a", "port", 120, 1, ["wire"]), ("b", "wire", 250, 2, ["paper"]), ("c", "paper", 300, 3, ["port"])
    )
    (finding,) = found(study, Kind.CIRCLE)
    assert finding.about == ("a", "b", "c")
    assert finding.is_warning
    assert "port and wire and paper cite one another" in finding.words


def test_one_that_only_passes_on_is_in_no_circle():
    study = told(("a", "port", 120, 1, ["wire"]), ("b", "wire", 250, 2, []))
    assert not found(study, Kind.CIRCLE)


def test_a_conversion_by_somebody_who_passes_the_issuer_on_is_suspected():
    text = changed('[[report]]\nid = "autumn_oil"\n', SPRING_OIL.lstrip()).replace(
        'derived_from = "autumn"\n', ""
    )
    other = text.replace(
        'issuer = "port"\n\n[[report]]\nid = "autumn_oil"', 'issuer = "wire"\n\n[[report]]\nid = "autumn_oil"'
    )
    start = other.index('id = "autumn_oil"')
    other = other[:start] + other[start:].replace('issuer = "port"', 'issuer = "wire"', 1)
    assert not found(read_text(other), Kind.CONVERSION)
    passed = other.replace('issuer = "port"\n', 'issuer = "port"\nrelayed_by = ["wire"]\n', 1)
    (finding,) = found(read_text(passed), Kind.CONVERSION)
    assert "port and wire keep one ratio of oil to voyages" in finding.words


def test_an_assumption_with_neither_a_source_nor_judgement_is_named():
    text = OIL.replace(
        'basis = "Aframax to Suezmax."', 'basis = "Aframax."\nsource = "https://example.org/ships"'
    )
    (finding,) = found(read_text(text), Kind.UNSOURCED)
    assert finding.about == ("first_shipment",)
    assert not finding.is_warning
    judged = text.replace('basis = "First sightings."', 'basis = "First sightings."\njudgement = true')
    assert not found(read_text(judged), Kind.UNSOURCED)
