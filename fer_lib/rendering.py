"""Values -> text of a page, by the Jinja templates of the package: autoescaped HTML with style and script inside it."""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from fer_lib import claim_rows, learning_curves, provenance, side_tables, summaries
from fer_lib.claims import OTHER_DATA, RULES, SAMPLE_DATA, VERDICTS

TEMPLATES = Path(__file__).with_name("templates")
INTERVAL = re.compile(r"\[[^\[\]]*\]")
"""An interval as it is written behind its number: [low, high]."""

SYMBOLS = {
    "reproduced": "✓",
    "exceeded": "▲",
    "below": "▼",
    "not reproduced": "✕",
    "indicative": "◇",
    "not run": "–",
    summaries.NO_VERDICT: "○",
}
"""A sign for each verdict, so that none is told by colour alone."""


def render(template: str, **values: Any) -> str:
    """The text that a template of this package makes of `values`; every name it asks for must be there."""
    return _environment().get_template(template).render(**values)


def format_seconds(seconds: float | None) -> str:
    """`43 s`, `12 min 5 s`, `1 h 12 min`; nothing for None."""
    if seconds is None:
        return ""
    if seconds < 99.5:
        return f"{seconds:.0f} s" if seconds >= 9.5 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def format_percent(share: float | None) -> str:
    """`58.6 %`; a dash for None."""
    return "–" if share is None else f"{100 * share:.1f} %"


def format_points(share: float | None) -> str:
    """`+2.4` or `−2.4` percentage points, without the unit; a dash for None."""
    return "–" if share is None else f"{100 * share:+.1f}".replace("-", "−")


def relative_link(path: Path, folder: Path) -> str | None:
    """Link from a page in `folder` to an existing file below it, None where there is none."""
    if not path.exists() or not path.resolve().is_relative_to(folder.resolve()):
        return None
    return path.resolve().relative_to(folder.resolve()).as_posix()


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(enabled_extensions=("html.j2", "html", "svg")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "seconds": format_seconds,
        "percent": format_percent,
        "points": format_points,
        "slug": lambda text: re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-"),
        "breakable": lambda text: Markup(escape(text).replace("_", Markup("_<wbr>"))),
        "cell": _markdown_cell,
        "interval": lambda text: Markup(INTERVAL.sub(r'<span class="interval-text">\g<0></span>', str(escape(text)))),
        "relative": relative_link,
        "unbroken": lambda text: re.sub(r" (?=%)", "\u00a0", text),
        "tight": _without_indents,
    }
    environment.globals |= {
        "OTHER_DATA": OTHER_DATA,
        "RULES": RULES,
        "SAMPLE_DATA": SAMPLE_DATA,
        "VERDICTS": VERDICTS,
        "SYMBOLS": SYMBOLS,
        "STAND_IN_NOTE": summaries.STAND_IN_NOTE,
        "MOST_POINTS": learning_curves.MOST_POINTS,
        "SCALE_POINTS": claim_rows.SCALE_POINTS,
        "claim_rows": claim_rows.claim_rows,
        "count_verdicts": summaries.count_verdicts,
        "data_differs": summaries.data_differs,
        "distances": summaries.distances,
        "facts": provenance.facts,
        "families": claim_rows.families,
        "learning_curves": learning_curves.learning_curves,
        "numbers_by_seed": claim_rows.numbers_by_seed,
        "overview": provenance.overview,
        "run_rows": provenance.run_rows,
        "scale_points": summaries.scale_points,
        "side_tables": side_tables.side_tables,
        "stand_ins": summaries.stand_ins,
        "total_tallies": summaries.total_tallies,
        "verdict_rank": claim_rows.verdict_rank,
    }
    environment.globals |= _inlined("STYLE", "report.css") | _inlined("SCRIPT", "report.js")
    return environment


def _inlined(name: str, file: str) -> dict[str, Any]:
    """A file that stands within a page, and its hash for the page's Content-Security-Policy."""
    text = (TEMPLATES / file).read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
    return {name: Markup(text), f"{name}_SHA256": digest}


def _without_indents(markup: str) -> Markup:
    """Markup in which each line starts at its first letter, and no line is blank: a third less of a long table."""
    return Markup(re.sub(r"\n\s+", "\n", str(markup)))


def _markdown_cell(text: Any) -> str:
    """Text as it may stand in a cell of a Markdown table: one line, no column or HTML of its own."""
    line = " ".join(str(text).split())
    return re.sub(r"([\\|`*])", r"\\\1", line).replace("<", "&lt;")
