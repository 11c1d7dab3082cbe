"""Where things stand: the project's root, its notebooks, the data, the reports."""

import os
from pathlib import Path

PROJECT = Path(os.environ.get("FER_LIB_HOME", Path(__file__).resolve().parents[1]))
"""Root of the checkout (the package is installed editable); FER_LIB_HOME overrides it."""

NOTEBOOKS = PROJECT / "notebooks"
DATA = PROJECT / "data"
PUBLISHED = PROJECT / "reports" / "published"

RELEASES = tuple(f"{name}{packed}" for name in ("fer2013.csv", "icml_face_data.csv") for packed in ("", ".gz", ".zip"))
"""Files in data/ that FER2013 is looked for in, then in the folder data/fer2013."""


def reports_folder() -> Path:
    """Folder of generated reports and runs: FER_LIB_REPORTS, else `reports` in the project."""
    return Path(os.environ.get("FER_LIB_REPORTS", PROJECT / "reports"))


def runs_folder() -> Path:
    """Folder of run folders: `runs` under `reports_folder()`."""
    return reports_folder() / "runs"


def find_data(data_path: str | Path | None = None) -> Path | None:
    """Where FER2013 is: `data_path`, else FER2013_CSV, else in data/; None if there is none.

    In data/ it is the first of `RELEASES`, or the folder data/fer2013, which holds train and test.

    Raises:
        FileNotFoundError: if `data_path` or FER2013_CSV names something that is not there.
    """
    for origin, value in (("data_path", data_path), ("FER2013_CSV", os.environ.get("FER2013_CSV"))):
        if value:
            path = Path(value).expanduser()
            if not path.exists():
                raise FileNotFoundError(f"{origin} must name a file or folder that exists. Received: {str(value)!r}")
            return path
    places = (DATA / name for name in (*RELEASES, "fer2013"))
    return next((place for place in places if place.exists()), None)


def find_sfew() -> Path | None:
    """Where SFEW is: the folder that SFEW_FOLDER names, else data/sfew; None if there is none.

    Raises:
        FileNotFoundError: if SFEW_FOLDER names something that is not there.
    """
    named = os.environ.get("SFEW_FOLDER")
    if named:
        if not Path(named).expanduser().is_dir():
            raise FileNotFoundError(f"SFEW_FOLDER must name a folder that exists. Received: {named!r}")
        return Path(named).expanduser().resolve()
    default = DATA / "sfew"
    return default if default.is_dir() else None


def find_votes(data_source: str | Path) -> Path | None:
    """Where the FER+ votes of a data set are; None if there are none.

    Args:
        data_source: `source` of the data (see `datasets.FerDataset`). Votes belong to the rows of a CSV file: a folder,
            and the built-in sample, have none.

    Returns:
        The file that FERPLUS_CSV names, else data/fer2013new.csv, else fer2013new.csv beside the data.

    Raises:
        FileNotFoundError: if FERPLUS_CSV names a file that is not there.
    """
    source = Path(data_source)
    if not source.is_file():
        return None
    named = os.environ.get("FERPLUS_CSV")
    if named:
        if not Path(named).expanduser().is_file():
            raise FileNotFoundError(f"FERPLUS_CSV must name a file that exists. Received: {named!r}")
        return Path(named).expanduser()
    places = (DATA / "fer2013new.csv", source.with_name("fer2013new.csv"))
    return next((place for place in places if place.is_file()), None)
