"""A headless Chromium, and the pages that `tests/make_pages.py` wrote. This folder knows nothing of the library."""

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

PAGES = Path(__file__).parents[2] / "build/pages"
NAMES = ("flagship", "hostile", "bare", "issuers")


class Opened(NamedTuple):
    """A page in the browser, and what the browser told while it was opened."""

    page: Page
    path: Path
    requests: list[str]
    told: list[str]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Chromium as the machine has it: Playwright's own is never downloaded."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"])
        yield browser
        browser.close()


@pytest.fixture(scope="module", params=NAMES)
def opened(request: pytest.FixtureRequest, chromium: Browser) -> Generator[Opened]:
    """Each page, opened once from its file."""
    path = PAGES / f"{request.param}.html"
    page = chromium.new_page()
    found = Opened(page, path, [], [])
    page.on("request", lambda asked: found.requests.append(asked.url))
    page.on("console", lambda said: found.told.append(f"{said.type}: {said.text}"))
    page.on("pageerror", lambda error: found.told.append(f"error: {error}"))
    page.on("dialog", lambda dialog: (found.told.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.goto(path.as_uri(), wait_until="networkidle")
    yield found
    page.close()
