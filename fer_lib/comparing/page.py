"""A comparison as a page of its own with every changed image, and as a table beside it."""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from fer_lib import paths
from fer_lib.bootstrap import RESAMPLES
from fer_lib.comparing import wording
from fer_lib.comparing.names import LEVELS, name_run
from fer_lib.comparing.numbers import KINDS, RunComparison, seed_accuracies
from fer_lib.comparing.resampling import SEED
from fer_lib.files import atomic, write_text
from fer_lib.intervals import CONFIDENCE
from fer_lib.rendering import render
from fer_lib.runs import Run
from fer_lib.summaries import SCALES

LONGEST_NAME = 96
"""Characters of a run's name within a file's."""


def write_comparison(found: RunComparison, elsewhere: Sequence[RunComparison] = (), folder: Path | None = None) -> Path:
    """Write `<a>--<b>.html`, a single file that loads nothing, and `<a>--<b>.changed.csv` beside it.

    The same comparison gives the same bytes. Another split or view than the single images of the test has its name in
    the files'.

    Args:
        found: the comparison that is told in full.
        elsewhere: the same runs on other splits and views, a row each.
        folder: where the files are written; `compare` in the folder of reports by default.

    Returns:
        Path of the page.
    """
    folder = Path(folder) if folder is not None else paths.reports_folder() / "compare"
    name = _file_name(found)
    table = folder / f"{name}.changed.csv"
    with atomic(table) as temporary:
        found.changed.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")
    page = render(
        "compare.html.j2",
        found=found,
        everywhere=[found, *elsewhere],
        sides=[(letter, run, name_run(run)) for letter, run in (("A", found.a), ("B", found.b))],
        seeds=_seeds(found),
        scale=_scale(found),
        chance=1 - CONFIDENCE ** len(found.by_class),
        table=table.name,
        kinds=KINDS,
        resamples=RESAMPLES,
        seed=SEED,
        wording=wording,
    )
    write_text(folder / f"{name}.html", page)
    return folder / f"{name}.html"


def _seeds(found: RunComparison) -> dict[str, str]:
    """Accuracies of the same training with other seeds, where there are such, in words."""
    told = {letter: seed_accuracies(run, found.split, found.view) for letter, run in (("A", found.a), ("B", found.b))}
    return {letter: wording.describe_seeds(seeds) for letter, seeds in told.items() if len(seeds) > 1}


def _scale(found: RunComparison) -> int:
    """Half width, in points, that holds every class's interval."""
    intervals = [each.interval for each in found.by_class if each.interval] + [found.accuracy.interval or (0.0, 0.0)]
    largest = max(abs(end) for interval in intervals for end in interval)
    return next((scale for scale in SCALES if 100 * largest <= scale), SCALES[-1])


def _file_name(found: RunComparison) -> str:
    parts = [_slug(found.a), _slug(found.b)]
    parts += [found.split] if found.split != "test" else []
    parts += [found.view] if found.view != "single" else []
    return "--".join(parts)


def _slug(run: Run) -> str:
    """A run's name as part of a file's; of a run that has none the end of its path, and a hash of all of it."""
    name = name_run(run)
    if Path(name).is_absolute():
        digest = hashlib.sha256(name.encode("utf-8")).hexdigest()[:8]
        name = "/".join((*Path(name).parts[-len(LEVELS) :], digest))
    return re.sub(r"[^A-Za-z0-9_.]+", "-", name).strip("-")[-LONGEST_NAME:]
