"""Run folders -> the index page, the published results, and the README's table. Everything is computed, nothing typed.

The pages are single files: style and script inside them, nothing from the network, and all there without the script.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fer_lib.files import write_text
from fer_lib.paths import PROJECT, PUBLISHED
from fer_lib.published import published_runs
from fer_lib.rendering import SYMBOLS, TEMPLATES, format_percent, format_seconds, relative_link, render
from fer_lib.runs import find_runs
from fer_lib.summaries import summarise

__all__ = [
    "SYMBOLS",
    "TEMPLATES",
    "format_percent",
    "format_seconds",
    "update_readme",
    "write_index",
    "write_results",
]

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
    page = render(
        "index.html.j2",
        papers=summarise(published_runs(folder=published), own),
        profile=profile,
        statuses=statuses,
        written=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        has_own_runs=bool(own),
        published_page=relative_link(reports / "published" / "index.html", reports),
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
    papers = summarise(published_runs(folder=published))
    pages = {
        "RESULTS.md": render("results.md.j2", papers=papers),
        "index.html": render(
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
    papers = summarise(published_runs(folder=published))
    link = relative_link(Path(published) / "RESULTS.md", Path(readme).parent)
    table = render("readme.md.j2", papers=papers, link=link)
    write_text(Path(readme), f"{before}{START}\n{table.strip()}\n{END}{after}")
