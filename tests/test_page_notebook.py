"""The page of an executed notebook as a reader's browser shows it."""

import socket

import nbformat
import pytest
from browser import PHONE, audit, open_page, overflow
from nbclient import NotebookClient
from tiny_notebooks import write_notebook

from fer_lib.export import write_html

CHART = """
from fer_lib.charts import make_chart
chart = make_chart(9, 3, "Accuracy by epoch")
axes = chart.subplots()
axes.plot([1, 2, 3], [0.3, 0.4, 0.5])
chart.description = "Accuracy rises from 30 to 50 % within three epochs."
chart
"""
TABLE = """
import pandas as pd
pd.DataFrame([[f"value {row * column}" for column in range(30)] for row in range(3)])
"""
NOISE = """
import sys
print("wide " * 80, "<img src='https://example.org/x.png'>")
print("mind this", file=sys.stderr)
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A notebook's page: a figure, a wide table, long lines, a warning, and a failure at its end."""
    folder = tmp_path_factory.mktemp("notebook")
    path = write_notebook(folder / "00_tiny.ipynb", CHART, TABLE, NOISE, "1 / 0")
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, allow_errors=True, timeout=600).execute()
    nbformat.write(notebook, path)
    write_html(path, folder / "00_tiny.html")
    return folder / "00_tiny.html"


@pytest.mark.parametrize("options", [{}, {"width": PHONE}, {"dark": True}], ids=["desktop", "phone", "dark"])
def test_a_notebook_opens_whole_offline_and_for_everybody(browser, page, options):
    visit = open_page(browser, page, **options)
    shown = visit.page.locator("main")
    assert visit.page.title() == shown.locator("h1").inner_text() == "Title of 00_tiny"
    assert visit.page.get_by_alt_text("Accuracy rises from 30 to 50 %").evaluate("image => image.naturalWidth") > 300
    assert "value 58" in shown.inner_text() and "ZeroDivisionError" in shown.inner_text()
    assert audit(visit.page) == []
    assert overflow(visit.page) == 0
    visit.page.locator("details.code > summary").first.press("Enter")
    assert visit.page.get_by_text("the budget").is_visible()
    assert audit(visit.page) == []
    visit.page.context.close()
    assert (visit.errors, visit.requests) == ([], [])


@pytest.mark.parametrize(("width", "uses_it"), [(1440, True), (PHONE, False)])
def test_a_wide_table_uses_the_margin_of_a_wide_window(browser, page, width, uses_it):
    visit = open_page(browser, page, width=width)
    right = "element => element.getBoundingClientRect().right"
    table, text = (visit.page.locator(name).first.evaluate(right) for name in (".output_html:has(table)", "main"))
    visit.page.context.close()
    assert (table > text + 100) == uses_it


def test_a_notebook_is_dark_where_the_reader_prefers_it(browser, page):
    grounds = {}
    for dark in (False, True):
        visit = open_page(browser, page, dark=dark)
        grounds[dark] = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
        visit.page.context.close()
    assert grounds == {False: "rgb(255, 255, 255)", True: "rgb(20, 23, 28)"}


def test_what_a_notebook_puts_into_its_output_cannot_act(browser, page, tmp_path):
    text = page.read_text(encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/x.png"
        acting = f"<script>document.title = 'taken'</script><img id='last' alt='' src='{address}'>"
        (tmp_path / "page.html").write_text(text.replace("</main>", acting + "</main>"), encoding="utf-8")
        visit = open_page(browser, tmp_path / "page.html")
        assert visit.page.title() == "Title of 00_tiny"
        assert visit.page.locator("#last").evaluate("image => image.complete && !image.naturalWidth")
        visit.page.context.close()
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()  # nobody called
    assert len([error for error in visit.errors if "Content Security Policy" in error]) >= 2
