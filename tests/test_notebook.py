"""What a notebook shows of results: headline numbers with their conditions, and every text as text."""

import subprocess
import sys
from html import escape
from html.parser import HTMLParser

import made
import pytest
from drawn import drawn
from small import OIL, changed

import estimates as est
from estimates import notebook
from estimates.study import read_text
from estimates.trust import of_importance

STUDY = read_text(OIL, "oil.toml")

EVIL = "<script>alert(\"1\")</script> & <b>'bold'</b>"
"""What a study from a stranger may call things."""

VOID = {"br", "hr", "img"}


class Shown(HTMLParser):
    """The tags that are open, those that there were, and the text between them."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.text = [], [], ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += f"{data}\n"


def evil_study():
    in_toml = EVIL.replace('"', '\\"')
    text = changed("Oil carried past the strait", in_toml)
    text = text.replace('issuer = "port"', f'issuer = "{in_toml}"')
    return read_text(text.replace("twice as many since spring", in_toml), "evil.toml")


RESULTS = {
    "Estimate": drawn,
    "Study": lambda study: study,
    "Comparison": made.comparison,
    "Sensitivity": made.sensitivity,
    "Falsification": made.falsification,
    "Verdicts": made.verdicts,
    "Sweep": made.sweep,
}


def shown(kind, study=STUDY):
    found = RESULTS[kind](study)
    assert type(found).__name__ == kind
    return found._repr_html_()


# ---- every result ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", RESULTS)
def test_a_name_with_markup_is_shown_as_text(kind):
    html = shown(kind, evil_study())

    assert set(Shown(html).tags) <= {"div", "table", "thead", "tbody", "tr", "th", "td"}
    assert EVIL in Shown(html).text
    assert "<script" not in html
    assert escape(EVIL) in html


@pytest.mark.parametrize("kind", RESULTS)
def test_a_result_has_its_title_a_table_and_its_study(kind):
    html = shown(kind)

    assert "Oil carried past the strait" in Shown(html).text
    assert "table" in Shown(html).tags
    assert STUDY.fingerprint in html
    assert Shown(html).open == []


@pytest.mark.parametrize("kind", RESULTS)
def test_colours_are_left_to_the_notebook(kind):
    assert " color:" not in shown(kind)
    assert "background: #" not in shown(kind)


# ---- one by one --------------------------------------------------------------------------------


def test_an_estimate_shows_the_last_report_with_units_verdict_and_conditions():
    estimate = drawn(STUDY)
    text = Shown(estimate._repr_html_()).text
    row = estimate.row("voyages", "autumn")

    assert f"{round(row['median'], -1):,.0f}" in text.splitlines()
    assert {"oil", "voyages", "barrels", "1 Sep 2024", "89 % interval"} <= set(text.splitlines())
    assert "1 Mar 2024" not in text
    assert "Trust: good (4,321 effective draws, Pareto k-hat 0.31, log evidence -8.35 ± 0.01)." in text
    assert "Model steady, importance, seed 7" in text


def test_an_estimate_read_as_a_variant_says_so():
    text = Shown(drawn(STUDY.variant("late"))._repr_html_()).text

    assert "Oil carried past the strait, read as late" in text
    assert "Model steady, variant late" in text


def test_a_bad_verdict_is_shown_with_its_reason():
    text = Shown(drawn(STUDY, trust=of_importance(1.4, 9.0, 0.3))._repr_html_()).text

    assert "Trust: bad" in text
    assert "The importance weights cannot be averaged" in text


def test_a_study_shows_each_report_as_it_is_read_and_what_is_data():
    lines = Shown(STUDY._repr_html_()).text.splitlines()

    first = lines.index("spring")
    assert lines[first : first + 6] == [
        "spring",
        "1 Mar 2024",
        "port",
        "about 120 (voyages)",
        "115 to 125",
        "data",
    ]
    assert lines[lines.index("autumn_oil") + 5] == "not fitted"
    assert "Variants: late and one_count." in lines


def test_a_comparison_shows_the_headline_and_the_trust_of_every_story():
    bad = of_importance(1.4, 9.0, 0.3)
    found = made.comparison(STUDY, steady=of_importance(0.1, 5000.0, 0.001), stepped=bad)
    lines = Shown(found._repr_html_()).text.splitlines()

    assert lines[lines.index("steady") + 4] == "good"
    assert lines[lines.index("stepped") + 4] == "bad"
    assert "oil by 1 September 2024, barrels" in lines
    assert any("not distinguishable" in line for line in lines)


def test_a_sensitivity_says_which_assumptions_are_judgements():
    lines = Shown(shown("Sensitivity")).text.splitlines()

    assert lines[lines.index("cargo") + 4] == "sourced"
    assert lines[lines.index("first_shipment") + 4] == "judgement"
    assert lines[lines.index("cargo") + 3] == "3,200,000"


def test_a_falsification_gives_the_value_that_overturns_a_claim_alone():
    lines = Shown(shown("Falsification")).text.splitlines()

    assert lines[lines.index("cargo") + 1 :][:2] == ["900,000 barrels/voyage", "1 in 50"]
    assert lines[lines.index("first_shipment") + 1] == "no value"


def test_verdicts_name_the_fits_that_are_not_good_and_the_stories_left_out():
    text = Shown(shown("Verdicts")).text

    assert "does not hold in steady (2 %)." in text
    assert "Not good: steady (caution)" in text
    assert "Left out: stepped, the study has no knot." in text


def test_a_sweep_without_a_reading_that_could_be_fitted_is_shown_as_such():
    found = made.sweep(STUDY, medians=[(float("nan"),) * 3])

    assert "No reading could be fitted." in Shown(found._repr_html_()).text


# ---- tables ------------------------------------------------------------------------------------


def test_rows_beyond_the_most_are_counted():
    rows = [[f"row {number}"] for number in range(notebook.MOST_ROWS + 3)]
    text = Shown(notebook.table(["name"], rows)).text

    assert f"row {notebook.MOST_ROWS - 1}\n" in text
    assert f"row {notebook.MOST_ROWS}\n" not in text
    assert "and 3 more" in text


def test_numbers_stand_to_the_right_and_names_to_the_left():
    html = notebook.table(["name", "median"], [["a", "1"]], right=["median"])

    assert html.count("text-align: left") == html.count("text-align: right") == 2


def test_showing_a_study_loads_neither_matplotlib_nor_jinja():
    code = "import sys, estimates as est; est.read()._repr_html_(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "estimates.notebook" in done.stdout.split()
    assert not {"matplotlib", "jinja2", "pymc", "pandas"} & set(done.stdout.split())


def test_the_flagship_shows_its_headline(flagship_fit):
    lines = Shown(flagship_fit._repr_html_()).text.splitlines()

    assert lines[lines.index("shells_152") + 1] == "27 Aug 2024"
    assert est.read().claims["six_million"].says in lines
