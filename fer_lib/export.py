"""An executed notebook -> one HTML file that opens with no network."""

import re
from pathlib import Path

import nbformat
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from traitlets.config import Config

from fer_lib.files import write_text
from fer_lib.notebooks import first_heading
from fer_lib.start_up import drop_messages

# What TensorFlow says of several models that predict in one process, on stdout: not about the reader's data or results.
MANY_MODELS_MESSAGE = re.compile(r"^WARNING:tensorflow:\d+ out of the last.*\n?", re.MULTILINE)

TEMPLATES = Path(__file__).with_name("templates")

# Scripts and widgets would need code from a CDN; every library that shows them shows text, HTML or a picture as well.
DISPLAYED = ["text/html", "text/markdown", "image/svg+xml", "image/png", "image/jpeg", "text/latex", "text/plain"]


def write_html(notebook: Path, html: Path) -> None:
    """Write the page of an executed notebook: pictures and style inside it, code folded away, formulas as text.

    Args:
        notebook: an executed notebook.
        html: where the page goes; written whole or not at all.
    """
    content: NotebookNode = nbformat.read(notebook, as_version=4)
    _drop_messages(content)
    config = Config({"NbConvertBase": {"display_data_priority": DISPLAYED}})
    exporter = HTMLExporter(
        config=config,
        extra_template_basedirs=[str(TEMPLATES)],
        template_name="notebook",
        embed_images=True,
        exclude_anchor_links=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
    )
    resources = {"metadata": {"name": first_heading(content.cells) or notebook.stem, "path": str(notebook.parent)}}
    page, _ = exporter.from_notebook_node(content, resources=resources)
    write_text(html, page)


def _drop_messages(content: NotebookNode) -> None:
    """Leave warnings and errors of a notebook, but not what TensorFlow says of the machine or of its models."""
    for cell in content.cells:
        if cell.cell_type == "code":
            for output in cell.outputs:
                if output.output_type == "stream":
                    output.text = MANY_MODELS_MESSAGE.sub("", drop_messages(output.text))
            cell.outputs = [output for output in cell.outputs if output.get("text") != ""]
