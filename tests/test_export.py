"""Executed notebooks as pages that need no network."""

import base64
import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from fer_lib.export import write_html

DOT = base64.b64encode(b"not really a picture").decode()


@pytest.fixture
def page(tmp_path):
    """The page of a notebook with every kind of output that could make a browser ask somebody else."""
    outputs = [
        new_output("stream", name="stdout", text="accuracy \x1b[31m0.58\x1b[0m <b>\n"),
        new_output("display_data", data={"image/png": DOT, "text/plain": "<Figure>"}),
        new_output("display_data", data={"application/javascript": "alert(1)", "text/plain": "a script"}),
        new_output(
            "display_data", data={"application/vnd.jupyter.widget-view+json": {"model_id": "1"}, "text/plain": "a bar"}
        ),
        new_output("display_data", data={"text/vnd.mermaid": "graph TD", "text/plain": "a graph"}),
        new_output("display_data", data={"text/html": "<table><tr><td>58.6 %</td></tr></table>"}),
    ]
    cells = [
        new_markdown_cell("# Light VGG & friends\n\nEnergy is $e = m c^2$; see [the data](https://example.org/data)."),
        new_code_cell("profile = 'smoke'", metadata={"tags": ["injected-parameters"]}),
        new_code_cell("print('<code>')", outputs=outputs),
    ]
    nbformat.write(new_notebook(cells=cells), tmp_path / "00_page.ipynb")
    write_html(tmp_path / "00_page.ipynb", tmp_path / "00_page.html")
    return (tmp_path / "00_page.html").read_text(encoding="utf-8")


def test_nothing_is_fetched_and_nothing_runs(page):
    assert re.findall(r"https?://[^\s\"'<]+", page) == ["https://example.org/data"]
    assert "<script" not in page
    assert re.findall(r'<(?:link|img|iframe)[^>]*(?:src|href)="(?!data:)', page) == []


def test_it_is_titled_after_the_notebook_and_fits_a_phone(page):
    assert "<title>Light VGG &amp; friends</title>" in page
    assert '<meta content="width=device-width, initial-scale=1" name="viewport"' in page or (
        '<meta name="viewport" content="width=device-width, initial-scale=1"' in page
    )


def test_outputs_are_shown_and_code_is_folded(page):
    assert f'src="data:image/png;base64,{DOT}"' in page
    assert "58.6 %" in page
    for text in ("a script", "a bar", "a graph", "&lt;b&gt;", "$e = m c^2$"):
        assert text in page
    assert page.count('<details class="code">') == 2
    assert "Parameters of this run" in page


def test_start_up_messages_are_dropped_and_warnings_stay(tmp_path):
    noise = "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n"
    logged = "I0000 00:00:1795308658.259447    4822 port.cc:153] oneDNN custom operations are on.\n"
    retraced = "WARNING:tensorflow:5 out of the last 9 calls to <function f at 0x7> triggered tf.function retracing.\n"
    cells = [
        new_code_cell("import tensorflow", outputs=[new_output("stream", name="stderr", text=noise + logged)]),
        new_code_cell("predict()", outputs=[new_output("stream", name="stdout", text=retraced)]),
        new_code_cell(
            "warn()", outputs=[new_output("stream", name="stderr", text=logged + "UserWarning: mind this\n")]
        ),
    ]
    nbformat.write(new_notebook(cells=[new_markdown_cell("# Page"), *cells]), tmp_path / "page.ipynb")
    write_html(tmp_path / "page.ipynb", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "UserWarning: mind this" in page
    assert not any(text in page for text in ("absl", "oneDNN", "retracing"))
