"""Pages in a real browser: Debian's Chromium, driven headless by Playwright, and axe-core's rules for access."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
LOCAL = ("file://", "data:", "blob:", "about:")
DESKTOP, PHONE = 1280, 390
"""Widths of a window, in CSS pixels."""


@dataclass
class Visit:
    """A page that is open, and what happened while it was.

    Attributes:
        page: Playwright's page.
        errors: what the console called an error or a warning, and exceptions that nobody caught.
        requests: addresses asked for that are neither files of this machine nor within the page.
    """

    page: Any
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium for one file of tests, which are skipped where there is none.

    Playwright keeps an event loop running in this thread meanwhile, so that no other file may be given it.
    """
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if found is None:
        pytest.skip("no Chromium here (apt-get install chromium): pages are not tried in a browser")
    playwright_of = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed (see CONTRIBUTING)")
    with playwright_of.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def open_page(
    browser: Any, path: Path, *, width: int = DESKTOP, dark: bool = False, script: bool = True, state: str = ""
) -> Visit:
    """Open a file in a window of its own, offline but for files, and note errors and requests from then on.

    Args:
        browser: the fixture.
        path: an HTML file.
        width: of the window, in CSS pixels.
        dark: whether the reader prefers dark pages.
        script: whether JavaScript runs.
        state: what stands after `#` in the address.
    """
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
        reduced_motion="reduce",
        java_script_enabled=script,
        has_touch=width == PHONE,
    )
    context.set_default_timeout(20_000)
    visit = Visit(context.new_page())
    visit.page.on("console", lambda said: visit.errors.append(said.text) if said.type in ("error", "warning") else None)
    visit.page.on("pageerror", lambda error: visit.errors.append(str(error)))
    visit.page.on("request", lambda asked: None if asked.url.startswith(LOCAL) else visit.requests.append(asked.url))
    visit.page.goto(Path(path).resolve().as_uri() + (f"#{state}" if state else ""))
    return visit


def audit(page: Any) -> list[str]:
    """What axe-core finds wrong with a page for readers who cannot see, hear or point: rule, elements, help."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [
        f"{rule['id']} ({rule['impact']}): {rule['help']}; {len(rule['nodes'])} times, first "
        f"{rule['nodes'][0]['html'][:200]}"
        for rule in found
    ]


def overflow(page: Any) -> int:
    """By how many CSS pixels a page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
