"""The page of a comparison in a real browser: its list filters and sorts, nothing is loaded, it fits a telephone."""

import numpy as np
import pytest
from browser import DESKTOP, PHONE, audit, open_page, overflow
from compared_runs import calls, write_run

from fer_lib.comparing import BROKEN, compare_runs, write_comparison

N = 280
LABELS = np.arange(N) % 7


@pytest.fixture(scope="module")
def comparison(tmp_path_factory):
    """Two runs that differ on many images, and the page about them."""
    folder = tmp_path_factory.mktemp("compared")
    rng = np.random.default_rng(0)
    a, b = (
        write_run(
            folder / "runs", name, LABELS, calls(np.where(rng.random(N) < 0.5, LABELS, rng.integers(0, 7, N)), sure)
        )
        for name, sure in (("a", 0.6), ("b", 0.9))
    )
    found = compare_runs(a, b)
    return found, write_comparison(found, folder=folder)


def shown(page):
    """Row numbers in the list, from its top."""
    return [int(text) for text in page.locator("#changed-images tbody th").all_inner_texts()]


def test_the_list_of_changed_images_filters_sorts_and_opens(browser, comparison):
    found, path = comparison
    visit = open_page(browser, path)
    page = visit.page
    changed = found.changed
    assert len(changed) > 60
    assert shown(page) == changed["row"].head(50).tolist()
    page.get_by_role("button", name=f"Show all {len(changed)}").click()
    assert shown(page) == changed["row"].tolist()
    page.get_by_label("order").select_option("row")
    assert shown(page) == sorted(changed["row"])[:50]
    page.get_by_label("kind").select_option(BROKEN)
    page.get_by_label("true class").select_option("sad")
    wanted = changed[(changed["kind"] == BROKEN) & (changed["true"] == "sad")]
    assert shown(page) == sorted(wanted["row"])
    assert page.locator("output").inner_text() == f"{len(wanted)} of {len(changed)} changed images"
    page.get_by_label("kind").select_option("")
    page.get_by_label("true class").select_option("")
    row = int(changed["row"].iloc[-1])
    page.get_by_label("row", exact=True).fill(str(row))
    assert row in shown(page) and all(str(found_row).startswith(str(row)) for found_row in shown(page))
    assert visit.errors == visit.requests == []


def test_without_javascript_all_changed_images_are_listed(browser, comparison):
    found, path = comparison
    page = open_page(browser, path, script=False).page
    assert shown(page) == found.changed["row"].tolist()
    assert page.locator("form").is_hidden() and page.locator("button").is_hidden()


@pytest.mark.parametrize("width", [DESKTOP, PHONE])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_page_fits_and_is_accessible(browser, comparison, width, dark):
    visit = open_page(browser, comparison[1], width=width, dark=dark)
    assert overflow(visit.page) == 0
    assert audit(visit.page) == []
    assert visit.errors == visit.requests == []
