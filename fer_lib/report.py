"""Run folders -> the index page, the published results, and the README's table. Everything is computed, nothing typed.

The pages are single files: style inside, no script, nothing from the network.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from fer_lib import summaries
from fer_lib.claims import RULES, VERDICTS
from fer_lib.files import write_text
from fer_lib.paths import PROJECT, PUBLISHED
from fer_lib.published import published_runs
from fer_lib.runs import find_runs

TEMPLATES = Path(__file__).with_name("templates")
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

START, END = "<!-- results -->", "<!-- /results -->"


def write_index(
    reports: Path, profile: str, statuses: Sequence[Mapping[str, Any]], published: Path = PUBLISHED
) -> Path:
    """Write `index.html`: the notebooks that ran, and every claim with our verdict and the reader's.

    Args:
        reports: folder of reports; the reader's runs stand in `runs` under it.
        profile: the profile whose runs are shown.
        statuses: one per notebook that ran: notebook (name), status, seconds, html (its page, relative to `reports`, or
            None) and error (text, or None), as `fer_lib.processes.Outcome` has them.
        published: folder of published numbers.

    Returns:
        Path of the page.
    """
    reports = Path(reports)
    own = find_runs(reports / "runs", profile)
    page = _render(
        "index.html.j2",
        papers=summaries.summarise(published_runs(folder=published), own),
        profile=profile,
        statuses=statuses,
        written=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        has_own_runs=bool(own),
        published_page=_relative(reports / "published" / "index.html", reports),
        root=reports,
    )
    write_text(reports / "index.html", page)
    return reports / "index.html"


def write_results(published: Path = PUBLISHED) -> list[Path]:
    """Write RESULTS.md and index.html beside the published numbers, from these alone: the same numbers, the same bytes.

    Returns:
        Paths of the two.
    """
    published = Path(published)
    papers = summaries.summarise(published_runs(folder=published))
    pages = {
        "RESULTS.md": _render("results.md.j2", papers=papers),
        "index.html": _render(
            "index.html.j2",
            papers=papers,
            profile=None,
            statuses=[],
            written=None,
            has_own_runs=False,
            published_page=None,
            root=published,
        ),
    }
    for name, page in pages.items():
        write_text(published / name, page)
    return [published / name for name in pages]


def update_readme(readme: Path = PROJECT / "README.md", published: Path = PUBLISHED) -> None:
    """Write the table of headline results between the README's two markers; done twice, nothing changes.

    Raises:
        ValueError: if the README does not hold each marker once, the opening one first.
    """
    text = Path(readme).read_text(encoding="utf-8")
    before, start, rest = text.partition(START)
    old, end, after = rest.partition(END)
    if not (start and end) or START in rest or END in before + after:
        raise ValueError(
            f"{readme} must hold {START} and then {END}, once each. Received: {text.count(START)} and {text.count(END)}"
        )
    papers = summaries.summarise(published_runs(folder=published))
    link = _relative(Path(published) / "RESULTS.md", Path(readme).parent)
    table = _render("readme.md.j2", papers=papers, link=link)
    write_text(Path(readme), f"{before}{START}\n{table.strip()}\n{END}{after}")


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
        "slug": lambda text: re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-"),
        "cell": _markdown_cell,
        "relative": _relative,
    }
    environment.globals |= {
        "RULES": RULES,
        "VERDICTS": VERDICTS,
        "SYMBOLS": SYMBOLS,
        "STYLE": Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),
        "count_verdicts": summaries.count_verdicts,
        "data_differs": summaries.data_differs,
        "distances": summaries.distances,
        "facts": summaries.facts,
        "run_rows": summaries.run_rows,
        "search_trials": summaries.search_trials,
        "stand_ins": summaries.stand_ins,
        "STAND_IN_NOTE": summaries.STAND_IN_NOTE,
    }
    return environment


def _render(template: str, **values: Any) -> str:
    return _environment().get_template(template).render(**values)


def _markdown_cell(text: Any) -> str:
    """Text as it may stand in a cell of a Markdown table: one line, no column or HTML of its own."""
    line = " ".join(str(text).split())
    return re.sub(r"([\\|`*])", r"\\\1", line).replace("<", "&lt;")


def _relative(path: Path, folder: Path) -> str | None:
    """Link from a page in `folder` to an existing file below it, None where there is none."""
    if not path.exists() or not path.resolve().is_relative_to(folder.resolve()):
        return None
    return path.resolve().relative_to(folder.resolve()).as_posix()
