"""The page as people read it: on a screen, on a phone, in the dark, by keyboard, by ear and on paper."""

import io
from itertools import pairwise

import pytest
from axe_playwright_python.sync_playwright import Axe
from pypdf import PdfReader

PAPER = 703  # pixels between the margins of an A4 page, 186 mm

ON_EVERY_SCREEN = pytest.mark.parametrize(
    ("width", "scheme"), [(width, scheme) for width in (1280, 390) for scheme in ("light", "dark")]
)


def shown(opened, width=1280, scheme="light", media="screen"):
    """The page at a width, in light or dark, on a screen or in print."""
    opened.page.set_viewport_size({"width": width, "height": 900})
    opened.page.emulate_media(color_scheme=scheme, media=media)
    return opened.page


# ---- it loads alone ------------------------------------------------------------------------------


def test_the_browser_asks_for_the_file_and_for_nothing_else(opened):
    assert [address for address in opened.requests if not address.startswith("data:")] == [
        opened.path.as_uri()
    ]


@ON_EVERY_SCREEN
def test_the_browser_has_nothing_to_say(opened, width, scheme):
    shown(opened, width, scheme).wait_for_timeout(50)
    assert opened.told == []


def test_the_file_is_small(opened):
    assert opened.path.stat().st_size < 1_000_000


def test_what_is_hostile_in_a_study_is_shown_and_not_run(opened):
    page = shown(opened)
    assert page.locator("script, img, iframe, object, [onerror], [onload]").count() == 0
    if opened.path.stem == "hostile":
        text = page.locator("body").inner_text()
        assert (
            text.count(
                "<script>alert(1)</script> \"'&amp;&\N{RIGHT-TO-LEFT MARK}\N{REPLACEMENT CHARACTER} 123"
            )
            > 10
        )
        assert page.locator("a[href^=javascript]").count() == 0


def test_no_text_of_a_study_turns_the_digits_after_it_round(opened):
    """Every digit of a number in the answer stands to the right of the one before it."""
    lefts = shown(opened).evaluate(
        """() => [...document.querySelectorAll('.answer strong')].map(strong => {
            const text = strong.firstChild, range = document.createRange()
            return [...text.data].map((_, place) => {
                range.setStart(text, place); range.setEnd(text, place + 1)
                const box = range.getBoundingClientRect(); return [box.top, box.left]
            })
        })"""
    )
    assert lefts
    assert all(places == sorted(places) for places in lefts)


# ---- on every screen -----------------------------------------------------------------------------


@ON_EVERY_SCREEN
def test_nothing_is_wider_than_the_screen(opened, width, scheme):
    assert shown(opened, width, scheme).evaluate("document.documentElement.scrollWidth") <= width


@ON_EVERY_SCREEN
def test_a_checker_of_accessibility_finds_nothing(opened, width, scheme):
    page = shown(opened, width, scheme)
    # The checker cannot tell the ground of a text under a shade, nor that what a picture cuts off is not there.
    page.add_style_tag(
        content=".scroll { background: var(--card) !important } svg path, svg use { display: none }"
    )
    found = Axe().run(page).response
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]] == []
    assert "color-contrast" in {one["id"] for one in found["passes"]}
    unsure = [one for one in found["incomplete"] if one["id"] == "color-contrast"]
    nodes = [node["html"] for one in unsure for node in one["nodes"]]
    assert [
        html for html in nodes if not html.startswith("<text ")
    ] == []  # in a picture it cannot tell either


def test_headings_skip_no_level(opened):
    levels = opened.page.evaluate(
        "[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(heading => +heading.tagName[1])"
    )
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_pictures_are_told_and_headers_say_what_they_head(opened):
    page = opened.page
    assert (
        page.locator("svg").count()
        == page.locator("svg[role=img][aria-label]:not([aria-label=''])").count()
        > 0
    )
    assert page.locator("th").count() == page.locator("th[scope]").count() > 0


def test_every_link_within_the_page_leads_somewhere(opened):
    lost = opened.page.evaluate(
        """() => [...document.querySelectorAll('a[href^="#"]')]
            .map(link => link.getAttribute('href').slice(1)).filter(id => !document.getElementById(id))"""
    )
    assert lost == []


def test_everything_can_be_reached_by_keyboard_and_seen_there(opened):
    page = shown(opened)
    page.evaluate("document.activeElement.blur()")
    wanted = page.evaluate(
        """() => [...document.querySelectorAll('a[href], summary, [tabindex="0"]')]
            .filter(one => !one.closest('details:not([open])') || one.matches('summary')).length"""
    )
    for reached in range(wanted):
        page.keyboard.press("Tab")
        style = page.evaluate(
            """() => { const one = document.activeElement, style = getComputedStyle(one)
                const box = one.getBoundingClientRect()
                return {tag: one.tagName, line: style.outlineStyle, width: parseFloat(style.outlineWidth),
                        seen: box.bottom > 0 && box.top < innerHeight} }"""
        )
        assert style["tag"] != "BODY", f"lost after {reached} of {wanted}"
        assert style["line"] != "none", style
        assert style["width"] >= 1, style
        assert style["seen"], style
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement === document.body"), "there is more than was counted"


# ---- on paper ------------------------------------------------------------------------------------


def test_nothing_is_wider_than_the_paper(opened):
    page = shown(opened, PAPER, media="print")
    assert page.evaluate("document.documentElement.scrollWidth") <= PAPER
    cut = (
        "[...document.querySelectorAll('.scroll, pre')].filter(one => one.scrollWidth > one.clientWidth + 1)"
    )
    assert page.evaluate(f"{cut}.map(one => one.getAttribute('aria-label'))") == []


def test_it_is_printed_dark_on_white_whatever_the_screen(opened):
    page = shown(opened, PAPER, scheme="dark", media="print")
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(27, 27, 27)"


def test_no_printed_page_is_blank_and_no_heading_stands_alone_at_its_foot(opened):
    page = shown(opened, media="print")
    headings = {" ".join(text.split()) for text in page.locator("h2, h3").all_inner_texts()}
    printed = PdfReader(io.BytesIO(page.pdf(format="A4", prefer_css_page_size=True)))
    pages = [
        [line.strip() for line in sheet.extract_text().splitlines() if line.strip()]
        for sheet in printed.pages
    ]
    assert pages
    assert all(len(" ".join(lines)) > 40 for lines in pages)
    assert not headings.intersection(lines[-1] for lines in pages)
