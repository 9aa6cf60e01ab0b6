"""The page is true, safe and whole."""

import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser

import pytest
from bs4 import BeautifulSoup
from drawn import drawn
from found import everything
from small import OIL, changed

from estimates import page, words
from estimates.estimate import Estimate
from estimates.study import read, read_text
from estimates.trust import of_chains, of_importance

SCRIPT = "<script>alert('x')</script>"


class Reader(HTMLParser):
    """Tags with their attributes, and the text as a reader sees it."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.parts, self.hidden, self.open = [], [], 0, []
        self.feed(text)
        self.text = re.sub(r"\s+", " ", "".join(self.parts))

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.apart(tag)
        self.hidden += tag == "style"
        if tag not in ("meta", "link", "use", "img", "br", "wbr"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag
        self.apart(tag)
        self.hidden -= tag == "style"

    def apart(self, tag):
        """Links stand within words; what stands in other tags stands apart."""
        if tag not in ("a", "wbr"):
            self.parts.append(" ")

    def handle_data(self, data):
        if not self.hidden:
            self.parts.append(data)


def addresses(reader):
    """Where the links that leave a page lead."""
    links = (attributes["href"] for tag, attributes in reader.tags if tag == "a")
    return [link for link in links if not link.startswith("#")]


def rendered(text, findings=(), **more):
    estimate = drawn(read_text(text), **more)
    return page.render(estimate, estimate.document(), findings)


@pytest.fixture(scope="module")
def flagship():
    return drawn(read())


@pytest.fixture(scope="module")
def document(flagship):
    return flagship.document()


@pytest.fixture(scope="module")
def html(flagship, document):
    return page.render(flagship, document, ["a finding of the audit"])


@pytest.fixture(scope="module")
def reader(html):
    return Reader(html)


# ---- whole ---------------------------------------------------------------------------------------


def test_the_page_loads_nothing_from_anywhere(html, reader):
    for tag, attributes in reader.tags:
        assert tag not in ("script", "iframe", "object", "embed", "img", "base", "form")
        for name in ("src", "srcset", "data", "action", "xlink:href", "href"):
            address = attributes.get(name) or ""
            if tag != "a":
                assert address.startswith(("#", "data:")) or not address, (tag, name, address)
    assert not re.search(r"@import|url\((?!#)", html)


def test_the_page_forbids_requests_to_the_browser_too(reader):
    policy = next(a["content"] for t, a in reader.tags if t == "meta" and "http-equiv" in a)
    assert policy.startswith("default-src 'none'")


def test_the_page_is_small_and_every_tag_is_closed(html, reader):
    assert len(html.encode()) < 1_000_000
    assert reader.open == []


def test_no_two_elements_share_an_id(reader):
    ids = [attributes["id"] for _, attributes in reader.tags if "id" in attributes]
    assert len(ids) == len(set(ids)) > 10


def test_the_same_estimate_gives_the_same_page(flagship, document, html):
    assert page.render(flagship, document, ["a finding of the audit"]) == html


def test_pictures_have_words_for_those_who_hear_them(reader):
    told = [attributes["aria-label"] for tag, attributes in reader.tags if tag == "svg"]
    assert len(told) == 2
    assert all("89\N{NO-BREAK SPACE}% interval" in text for text in told)


def test_the_page_is_written_whole(flagship, document, html, tmp_path):
    path = page.write(flagship, document, tmp_path / "new" / "page.html", ["a finding of the audit"])
    assert path.read_text(encoding="utf-8") == html
    assert [file.name for file in path.parent.iterdir()] == ["page.html"]


# ---- true ----------------------------------------------------------------------------------------


def test_every_quantity_of_the_document_is_in_the_table(document, reader):
    assert len(document["quantities"]) == 12
    for row in document["quantities"]:
        half, error = (row["upper"] - row["lower"]) / 2, row["mcse_median"]
        shown = (
            f"{words.date_words(row['date'], short=True)} {words.number(row['median'], half, error)} "
            f"{words.interval(row['lower'], row['upper'], error)} {words.units(row['unit'])}"
        )
        assert shown in reader.text


def test_the_answer_has_the_headline_at_the_last_report_as_packed_and_as_stated(document, reader):
    rows = {(row["name"], row["at"]): row for row in document["quantities"]}
    for name in ("shells_152", "shells_stated"):
        row = rows[name, "aug_2024"]
        assert words.spoken_interval(row["lower"], row["upper"], row["mcse_median"]) in reader.text
    assert "By 27 August 2024 the estimate of 152 mm rounds as they travel is" in reader.text


def test_every_claim_has_its_probability(document, reader, flagship):
    for row in document["claims"]:
        says = flagship.study.claims[row["id"]].says
        assert f"{says} {words.probability(row['probability'])}" in reader.text


def test_numbers_come_from_the_document_and_from_nowhere_else(flagship, document):
    changed_rows = [
        row | {"lower": 111.0, "median": 222.0, "upper": 333.0, "mcse_median": 0.0}
        for row in document["quantities"]
    ]
    text = Reader(page.render(flagship, document | {"quantities": changed_rows})).text
    assert text.count("110 to 330") >= 12


def test_every_report_stands_with_its_words_interval_and_role(reader):
    assert "about 6,700 (containers)" in reader.text
    assert "6,650 to 6,750 data feb_2024" in reader.text
    assert "derived from aug_2024: not counted again" in reader.text
    assert "held out: kept to compare with nov_2023" in reader.text
    assert "since mid-2022”: shown, not used" in reader.text


def test_a_report_without_an_upper_end_is_read_as_such():
    study = changed('{ value = 300, hedge = "over" }', '{ value = 300, hedge = "over", open = true }')
    assert "over 300 (voyages) 300 or more data" in Reader(rendered(study)).text


def test_assumptions_show_prior_quantiles_basis_and_judgement(reader):
    assert "normal, 5 % below 9.5 and 95 % below 20, cut off below 5 and above 21.75" in reader.text
    assert "packed_mass_152 judgement kg/round" in reader.text
    assert "packed_mass_152 and packed_mass_122 go together: rank correlation 0.8 judgement" in reader.text
    assert "Not used by this model: later_rate, growth_rate and containers_per_voyage" in reader.text


def test_the_page_says_what_is_the_models_and_what_the_bias_of_one_issuer_hides(reader):
    assert "Between them, before the first and after the last, its shape is the model" in reader.text
    assert "One issuer, rok_military , stands behind every count." in reader.text


def test_the_conditions_and_the_command_that_makes_it_again_are_there(document, reader):
    for digest in ("fingerprint", "data_digest", "model_digest"):
        assert document[digest] in reader.text
    assert "estimates run dprk-shells-2024 --model steady --engine importance --seed 7" in reader.text
    assert "-8.35 ± 0.01" in reader.text
    assert "a finding of the audit" in reader.text


def test_a_variant_is_named_in_the_head_and_in_the_command():
    estimate = drawn(read().variant("mid_2022"))
    text = Reader(page.render(estimate, estimate.document())).text
    assert "Read as the variant mid_2022 of the study." in text
    assert "--variant mid_2022" in text


def test_a_bad_verdict_is_the_first_thing_said():
    text = Reader(rendered(OIL, trust=of_importance(1.4, 20.0, 0.3))).text
    assert text.index("This result cannot be relied upon.") < text.index("the estimate of oil is")
    assert "fit with --engine nuts" in text


def test_chains_are_shown_with_their_own_diagnostics():
    estimate = drawn(read_text(OIL), trust=of_chains(1.003, 900.0, 0, 4000))
    estimate = Estimate(
        estimate.study, estimate.data, replace(estimate.conditions, engine="nuts", log_evidence=None)
    )
    text = Reader(page.render(estimate, estimate.document())).text
    assert "R-hat 1.003" in text
    assert "k-hat" not in text
    assert "Log evidence not computed by this engine" in text


# ---- safe ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('title = "Oil carried past the strait"', f'title = "{SCRIPT}"'),
        ('issuer = "port"', f'issuer = "{SCRIPT}"'),
        ('basis = "Aframax to Suezmax."', f'basis = "{SCRIPT}"'),
        ('says = "twice as many since spring"', f'says = "{SCRIPT}"'),
        ('formula = "voyages * cargo"', f'formula = "voyages * cargo"\nsays = "{SCRIPT}"'),
        (
            'issuer = "port"',
            f'issuer = "port"\nrelayed_by = ["{SCRIPT}"]\nnote = "{SCRIPT}"\nsource = "{SCRIPT}"',
        ),
    ],
)
def test_a_script_in_a_study_is_shown_as_text(old, new):
    html = rendered(changed(old, new), findings=[SCRIPT])
    assert "<script" not in html
    assert SCRIPT in Reader(html).text


def test_quotes_cannot_leave_an_attribute():
    says = "a \\\" onload=alert(1) x='"
    reader = Reader(
        rendered(changed('formula = "voyages * cargo"', f'formula = "voyages * cargo"\nsays = "{says}"'))
    )
    assert not any("onload" in attributes for _, attributes in reader.tags)
    assert "a \" onload=alert(1) x='" in reader.text


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "//example.org/x",
        "http://[broken",
        "Lloyd's, p. 3",
    ],
)
def test_only_web_addresses_become_links(address):
    html = rendered(changed('issuer = "port"', f'issuer = "port"\nsource = "{address}"'))
    assert not addresses(Reader(html))
    assert address in unescape(html)


def test_web_addresses_become_links_with_their_host_as_text():
    reader = Reader(
        rendered(changed('issuer = "port"', 'issuer = "port"\nsource = "https://www.example.org/a?b=1&c=2"'))
    )
    assert addresses(reader) == ["https://www.example.org/a?b=1&c=2"]
    assert "example.org" in reader.text


# ---- other studies -------------------------------------------------------------------------------

ONE_REPORT = OIL[: OIL.index('[[report]]\nid = "autumn"')] + OIL[OIL.index("[assumption.cargo]") :].replace(
    "[autumn]", "[2024-09-01]"
)
BARE = ONE_REPORT[: ONE_REPORT.index("[quantity.oil]")]


def test_a_study_of_one_report_says_that_it_has_one():
    one = ONE_REPORT[: ONE_REPORT.index("[variant.late]")]
    assert (
        "The reports speak of one moment: what was published on 1 March 2024." in Reader(rendered(one)).text
    )


def test_a_study_without_quantities_claims_or_headline_leads_with_its_carriers():
    text = Reader(rendered(BARE)).text
    assert "By 1 March 2024 the estimate of voyages is" in text
    assert "Claims" not in text
    assert "Trend" not in text


def test_a_claim_that_the_model_cannot_answer_is_left_open():
    study = changed(
        "[variant.late]",
        '[claim.growing]\nsays = "the pace grows"\nstatement = "growth_rate > 0"\n\n'
        '[assumption.growth_rate]\nunit = "1/day"\nprior = { family = "normal", q05 = -0.1, q95 = 0.1 }\n'
        'basis = "None."\njudgement = true\n\n[variant.late]',
    )
    text = Reader(rendered(study)).text
    assert f"the pace grows {words.UNKNOWN}" in text
    assert "the model has no such unknown" in text


def test_names_in_any_script_are_shown_as_they_are():
    study = (
        OIL.replace("voyages", "航海")
        .replace('unit = "voyage"', 'unit = "Ladung"')
        .replace("/voyage", "/Ladung")
    )
    html = rendered(study.replace('issuer = "port"', 'issuer = "порт «Söhne» $x_1$"'))
    assert "航海" in Reader(html).text
    assert "порт «Söhne» $x_1$" in Reader(html).text


def test_a_report_that_the_fan_cannot_be_held_against_is_named():
    since = changed(
        'published = 2024-09-01\nissuer = "port"',
        'published = 2024-09-01\nsince = 2024-01-01\nissuer = "port"',
    )
    assert "Hollow, because they count another period or scope: autumn." in Reader(rendered(since)).text


def test_a_report_that_has_no_height_on_the_fan_is_named_and_its_issuer_has_a_lane():
    own = changed('issuer = "port"\nderived_from = "autumn"', 'issuer = "union"')
    text = Reader(rendered(own)).text
    assert "Without a bar, because they measure something else: autumn_oil." in text
    assert "a lane of its own" in text
    assert "union: oil" in text
    assert "a lane of its own" not in Reader(rendered(OIL)).text


def test_a_headline_that_is_the_same_on_every_day_needs_no_date():
    text = changed(
        'formula = "voyages * cargo"',
        'formula = "voyages * cargo"\n\n[quantity.double]\nunit = "barrel/voyage"\nformula = "2 * cargo"',
    )
    text = text.replace("[[report]]", 'headline = { quantity = "double" }\n\n[[report]]', 1)
    assert "The estimate of double is" in Reader(rendered(text)).text


def test_a_model_file_of_ones_own_is_run_by_its_path_again():
    text = Reader(rendered(OIL, model="mine")).text
    assert "estimates run oil.toml --model ./mine.py --engine importance --seed 7" in text


# ---- traced --------------------------------------------------------------------------------------


def links_in(soup, target):
    """What the links within an element lead to."""
    return {link["href"] for link in soup.find(id=target).select('a[href^="#"]')}


def test_the_answer_can_be_traced_to_its_formula_its_assumptions_and_its_reports(html, flagship):
    soup = BeautifulSoup(html, "html.parser")
    answered = {link["href"] for link in soup.select(".answer a")}
    assert {"#quantity-shells_152", "#quantity-shells_stated", "#claim-six_million"} <= answered
    assert {"#quantity-containers", "#assumption-payload"} <= links_in(soup, "quantity-shells_152")
    assert {"#report-feb_2024", "#report-aug_2024"} <= links_in(soup, "quantity-containers")
    assert links_in(soup, "claim-six_million") == {"#quantity-shells_152", "#report-aug_2024"}
    assert "#report-aug_2024" in links_in(soup, "report-aug_2024_shells")
    source = soup.find(id="report-aug_2024").select_one("a[rel]")["href"]
    assert source == next(report.source for report in flagship.study.reports if report.id == "aug_2024")


def test_every_link_within_a_page_with_all_sections_leads_to_something(flagship, document):
    soup = BeautifulSoup(page.render(flagship, document, [], everything(flagship)), "html.parser")
    within = [link["href"].removeprefix("#") for link in soup.select('a[href^="#"]')]
    assert len(within) > 100
    assert all(soup.find(id=target) for target in within)


def test_assumptions_named_in_a_sentence_of_another_command_lead_to_them(flagship, document):
    soup = BeautifulSoup(page.render(flagship, document, [], everything(flagship)), "html.parser")
    heading = next(h for h in soup.find_all("h3") if "overturn" in h.get_text())
    led = {link["href"] for link in heading.find_next("p").select("a")}
    assert {"#assumption-first_shipment", "#assumption-daily_rate", "#assumption-payload"} <= led


def test_a_line_does_not_end_between_a_number_and_its_per_cent(html):
    assert "89\N{NO-BREAK SPACE}% interval" in html
    assert "89 %" not in html


def test_no_text_of_a_study_prints_the_digits_after_it_backwards():
    html = rendered(
        changed('title = "Oil carried past the strait"', 'title = "Oil \N{RIGHT-TO-LEFT OVERRIDE}31"')
    )
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in html
    assert "Oil \N{REPLACEMENT CHARACTER}31" in html
