"""Every number on the page is accounted for: by a document, by the study, or by a short list of words.

The page is taken apart into places (a row of a table, the text of a section, a picture), and the numbers of
each place are those of an account that is kept here, in the same order. A number too many fails as one that
is wrong.
"""

import math
import re
from collections import defaultdict
from itertools import pairwise

import pytest
from bs4 import BeautifulSoup, NavigableString
from drawn import drawn
from found import everything
from small import OIL
from test_terms import PRIORS

from estimates import page, tables, words
from estimates.beside import Beside
from estimates.dials import FARTHEST
from estimates.study import read, read_text

NAME = re.compile(r"[^\W\d]\w*")
NUMBER = re.compile(r"-?\d(?:[\d.,_:/-]*\d)?|\b[mbt]r?illion\b")
FINDINGS = ["the ratio 1.94 is that of two reports"]
SPELT = "one case in fifty"  # the only number that the page says of itself


def numbers(text):
    """The numbers of a text in their order; digits in names, as of shells_152, are none."""
    return NUMBER.findall(re.sub(r"[^\W\d]\w*", lambda m: m[0] if NUMBER.fullmatch(m[0]) else " ", text))


# ---- the page, taken apart -----------------------------------------------------------------------


def place_of(node):
    """The row, the picture, or the section that a text stands in."""
    if picture := node.find_parent("svg"):
        return f"picture {picture.find('g')['id'].partition('-')[0]}"
    if row := node.find_parent("tr"):
        group = row.find_parent("tbody")
        named = row.get("id") or (group.get("id") if group else None)
        region = named or row.find_parent(class_="scroll")["aria-label"]
        if not group:
            return f"{region}: head"
        return f"{region}: {words_of(row.find(['th', 'td']))}" if named is None or group.get("id") else named
    section = node.find_parent("section")
    heading = section.find("h2") if section else None
    if heading:
        return words_of(heading)
    return "head" if node.find_parent("head") else "body"


def words_of(element):
    """What an element says before any small print."""
    own = (text for text in element.find_all(string=True) if not text.find_parent(["small", "span"]))
    return " ".join("".join(own).split())


def taken_apart(html):
    """The numbers of every place of a page, and those of the words in place of each picture."""
    soup, texts = BeautifulSoup(html, "html.parser"), defaultdict(list)
    for text in soup.find_all(string=True):
        if type(text) is NavigableString:  # no style, no comment, no doctype
            texts[place_of(text)].append(text)
    for picture in soup.find_all("svg"):
        texts[place_of(picture.find("g")) + " in words"].append(picture["aria-label"])
    joined = {place: " ".join(parts) for place, parts in texts.items()}
    return {place: numbers(text) for place, text in joined.items()}


# ---- the account ---------------------------------------------------------------------------------


def account(estimate, document, beside):
    """Place -> what the numbers there have to be, from the documents and the study alone."""
    study, told = estimate.study, defaultdict(list)
    share = f"{100 * document['interval']['prob']:.0f} %"
    last = {row["name"]: row for row in document["quantities"]}
    leading = [last[name] for name in study.leading]
    told["head"] = [study.title]
    told["body"] = [
        study.title,
        study.about,
        *answer(study, leading, share),
        *answered(estimate, document, leading),
    ]
    told["body"] += [told_of(study, row["name"]) for row in leading] + [share]
    told["picture headline in words"] = [
        part for row in leading for part in (label(study, row), spoken(row)[0], share, spoken(row)[1])
    ]
    told["picture headline in words"].append(words.date_words(leading[0]["date"]))
    told["picture carriers in words"] = [
        part
        for row in document["quantities"]
        if row["name"] == study.carriers.name
        for part in (
            words.date_words(row["date"]),
            rounded(row, "median", error=False),
            share,
            ends(row, error=False),
        )
    ]
    days = sorted({report.published for report in study.fitted})
    told["What the reports say, and what the model says"] = [words.date_words(day) for day in days]
    account_of_tables(told, estimate, document, share)
    account_of_findings(told, study, beside, share)
    trust, evidence = document["trust"], document["log_evidence"]
    told["How far to trust it, and how to make it again"] = [
        f"{trust['ess']:,.0f} {trust['pareto_k']:.2f}",
        f"{words.evidence(evidence['value'], evidence['mcse'])} {document['engine_reason']}",
        document["model_digest"],
        f"{document['study']} {document['fingerprint']} {document['data_digest']}",
        f"{share} {document['seed']}",
        *document["versions"].values(),
        f"{document['study']} {document['seed']}",
    ]
    return {place: numbers(" ".join(parts)) for place, parts in told.items()}


def answer(study, leading, share):
    yield words.date_words(leading[0]["date"])
    for number, row in enumerate(leading):
        yield from (label(study, row), spoken(row)[0], share if number == 0 else "", spoken(row)[1])


def answered(estimate, document, leading):
    study = estimate.study
    leaves = [f"{row['name']}[{row['at']}]" for row in leading]
    rows = [row for row in document["claims"] if row["probability"] is not None]
    about = [row for row in rows if any(leaf in study.claims[row["id"]].statement for leaf in leaves)]
    for row in (about or rows)[: page.MOST_CLAIMS]:
        yield from (study.claims[row["id"]].says, words.probability(row["probability"]))


def account_of_tables(told, estimate, document, share):
    study = estimate.study
    told["Quantities: head"] = told["Unknowns after the reports: head"] = [share]
    told["Trend: head"] = [share, share]
    for row in document["claims"]:
        claim, points = study.claims[row["id"]], 100 * row["mcse"]
        told[f"claim-{row['id']}"] = [claim.says, words.probability(row["probability"])]
        told[f"claim-{row['id']}"] += [words.number(points, 10 * points), claim.statement]
    for row in document["quantities"]:
        name = f"quantity-{row['name']}"
        formula = study.quantities[row["name"]].formula if row["name"] in study.quantities else ""
        told[f"{name}: {row['name']}"] = [told_of(study, row["name"]), formula]
        day, error = words.date_words(row["date"], short=True), row["mcse_median"]
        told[f"{name}: {day}"] = [day, rounded(row, "median"), ends(row), words.number(error, 10 * error)]
    published = {report.id: words.date_words(report.published, short=True) for report in study.reports}
    for row in document["trend"]:
        parts = (
            part
            for step in (row["per_day"], row["ratio"])
            for part in (rounded(step, "median", error=False), ends(step, error=False))
        )
        told[f"Trend: {published[row['from']]}"] = [published[row["from"]], published[row["to"]], *parts]
    for row in document["parameters"]:
        told[f"Unknowns after the reports: {row['name']}"] = (
            [words.date_words(row[end], short=True) for end in ("median", "lower", "upper")]
            if row["unit"] == "date"
            else [rounded(row, "median", error=False), ends(row, error=False)]
        )
    for report in study.reports:
        told[f"report-{report.id}"] = list(account_of_report(report))
    for region in ("Assumptions of this fit", "Assumptions not used"):
        told[f"{region}: head"] = ["5 %", "95 %"]
    for name, assumption in study.assumptions.items():
        told[f"assumption-{name}"] = [
            assumption.unit,
            words.prior(assumption.prior.model_dump(exclude_none=True)),
        ]
        told[f"assumption-{name}"] += [*implied(study, name), assumption.basis]
    told["Assumptions"] = [
        f"{words.together(found.between, found.rank_correlation)} {found.basis}"
        for found in study.correlations
    ]
    told["Reports"] = FINDINGS


def account_of_report(report):
    days = dict.fromkeys(report.as_of or ())
    yield " ".join(report.relayed_by)
    yield from (words.date_words(day, short=True) for day in (report.published, *days, report.since) if day)
    yield f"{report.says} {report.since_words or ''} {report.note or ''}"
    yield words.seen(report.says.seen.low, report.says.seen.high)


def account_of_findings(told, study, beside, share):
    if beside.claims:
        told["Claims"] = [str(len(beside.claims["stories"]))]
        told["Claims"] += [f"{claim['claim']} {claim['says']}" for claim in beside.claims["claims"]]
    told["Claims"] += [f"{study.claims[found['claim']].says} {found['says']}" for found in beside.falsified]
    if found := beside.sensitivity:
        half = found["width"] / 2
        at = words.date_words(study.date_of(found["at"]))
        widths = [words.number(row["width"], half) for row in found["drivers"]]
        told["Which assumption carries the answer"] = [found["says"], share, at]
        told["picture drivers in words"] = [share, words.number(found["width"], half), *widths]
        for row, width in zip(found["drivers"], widths, strict=True):
            told[f"Assumptions by what knowing them would do: {row['label']}"] = [
                f"{100 * row['share']['value']:.0f}",
                width,
            ]
    if found := beside.comparison:
        best = max(story["log_evidence"]["value"] for story in found["stories"])
        for story in found["stories"]:
            told[f"Rival stories: {story['label']}"] = list(account_of_story(story, best))
        told["Rival stories"] = [
            *tables.rivals(found),
            str(len(found["stories"])),
            str(len(found["readings"])),
        ]
        told["Rival stories"] += [str(len(study.fitted)), "1 %"]


def account_of_story(story, best):
    evidence = story["log_evidence"]
    yield f"{story['basis'] or ''} {evidence['value']:.2f} {evidence['mcse']:.2f}"
    if evidence["value"] < best:
        yield words.times_less(best - evidence["value"])
    yield from (words.date_words(story["start"][end], short=True) for end in ("lower", "upper"))
    yield from (ends(pace, error=False) for pace in story["paces"])


def rounded(row, name, *, error=True):
    return words.number(row[name], (row["upper"] - row["lower"]) / 2, row["mcse_median"] if error else 0)


def ends(row, *, error=True):
    return words.interval(row["lower"], row["upper"], row["mcse_median"] if error else 0)


def spoken(row):
    half, error = (row["upper"] - row["lower"]) / 2, row["mcse_median"]
    return words.spoken(row["median"], half, error), words.spoken_interval(row["lower"], row["upper"], error)


def told_of(study, name):
    return study.quantities[name].says if name in study.quantities else ""


def label(study, row):
    return words.label(row["name"], told_of(study, row["name"]))


def implied(study, name):
    stated = study.implied(name)
    if study.assumptions[name].unit == "date":
        return [words.date_words(end, short=True) for end in stated]
    half = (float(stated[2]) - float(stated[0])) / 2
    return [words.number(float(end), half) for end in stated]


# ---- the tests -----------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["dprk-shells-2024", "oil"])
def shown(request):
    """An estimate, what lies beside it, and its page."""
    estimate = drawn(read_text(OIL + PRIORS) if request.param == "oil" else read(request.param))
    beside = everything(estimate)
    return estimate, beside, page.render(estimate, estimate.document(), FINDINGS, beside)


def test_every_number_on_the_page_is_that_of_a_document_or_of_the_study(shown):
    estimate, beside, html = shown
    found = {place: of for place, of in taken_apart(html).items() if of}
    told = account(estimate, estimate.document(), beside)
    assert SPELT in html
    for place in found.keys() - {"picture carriers", "picture headline", "picture drivers"}:
        assert found[place] == told.get(place, []), place
    assert {place for place, of in told.items() if of and not place.endswith(": head")} <= set(found)


def test_a_page_with_nothing_beside_it_shows_no_number_of_a_finding(shown):
    estimate = shown[0]
    html = page.render(estimate, estimate.document(), FINDINGS)
    told = account(estimate, estimate.document(), Beside())
    for place, of in taken_apart(html).items():
        assert place in ("picture carriers", "picture headline") or of == told.get(place, []), place


@pytest.mark.parametrize("picture", ["carriers", "headline", "drivers"])
def test_numbers_in_a_picture_are_what_was_said_days_or_evenly_spaced(shown, picture):
    estimate, beside, html = shown
    study, prior = estimate.study, estimate.bands(group="prior").values[4].max()
    now, drivers = beside.sensitivity["width"], beside.sensitivity["drivers"]
    svg = next(
        s
        for s in BeautifulSoup(html, "html.parser").find_all("svg")
        if s.find(id=re.compile(f"^{picture}-figure"))
    )
    texts = [" ".join(text.get_text().split()) for text in svg.find_all("text")]
    years = {str(year) for year in range(study.epoch.year, study.horizon.year + 1)}
    said = [words.in_millions(str(report.says)) for report in study.reports]
    widths = [words.spoken(width, now / 2) for width in (now, *(row["width"] for row in drivers))]
    days = [words.date_words(report.published, short=True) for report in study.reports]
    names = [told_of(study, name) for name in study.leading]
    explained = {"million"} | {
        n
        for text in (*said, *widths, *days, *names, "89 %", "50 %", words.spoken(prior, prior / 2))
        for n in numbers(text)
    }
    bare = [text for text in texts if re.fullmatch(r"-?[\d.,]+", text) and text not in (*years, *widths)]
    for text in set(texts).difference(bare, years):
        assert explained.issuperset(numbers(text)), text
    ticks = [float(text.replace(",", "")) for text in bare]
    steps = {round(after - before, 9) for before, after in pairwise(ticks)}
    assert len(steps) <= 1, ticks


def test_numbers_in_the_sentences_of_other_commands_are_in_their_documents(shown):
    estimate, beside, _ = shown
    study = estimate.study
    for document in (beside.sensitivity, *beside.falsified):
        named = " ".join(told_of(study, name) for name in study.leading)
        known, values = {*numbers(named), "89", f"{FARTHEST:g}", "million"}, list(values_of(document))
        for number in numbers(re.sub(r"“.*?”", " ", document["says"])):
            assert number in known or is_one_of(number, values), (number, document["says"])


def is_one_of(number, values):
    """Whether a number is a value as its digits round it: as it is, in per cent, in millions, as 1 in so many, as odds."""
    stated, digits = float(number.replace(",", "")), number.replace(",", "").rstrip("0").rstrip(".")
    step = (
        10.0 ** -len(number.partition(".")[2])
        if "." in number
        else 10.0 ** (len(number.replace(",", "")) - len(digits))
    )
    forms = (
        form
        for v in values
        for form in (v, 100 * v, v / 1e6, 1 / v if v else 0.0, math.exp(min(abs(v), 30.0)))
    )
    return any(abs(form - stated) <= 0.5001 * step for form in forms)


def values_of(document):
    """Every number of a document, and every day of it."""
    if isinstance(document, dict | list):
        for part in document.values() if isinstance(document, dict) else document:
            yield from values_of(part)
    elif isinstance(document, int | float):
        yield float(document)
    elif isinstance(document, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", document):
        yield from map(float, document.split("-"))
