import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browser import browser as browser  # a fixture for every test file
from hypothesis import HealthCheck, settings

import fer_lib  # noqa: F401 - before any test imports TensorFlow, whose kernels it chooses

settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])  # tests do not time
settings.load_profile("patient")

SHARED = Path(__file__).resolve().parents[2] / "shared" / "fer2013"
USAGES = ("Training", "PublicTest", "PrivateTest")


@pytest.fixture
def small_csv(tmp_path: Path) -> Path:
    """30 rows of noise in FER2013's layout, mixed: 18 Training (every class), 6 PublicTest, 6 PrivateTest."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (30, 48 * 48))
    lines = ["emotion,pixels,Usage"]
    for row, image in enumerate(images):
        usage = USAGES[(0, 0, 0, 1, 2)[row % 5]]
        lines.append(f"{row % 7},{' '.join(map(str, image))},{usage}")
    path = tmp_path / "fer2013.csv"
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path


@pytest.fixture(scope="session")
def fer2013_csv() -> Iterator[Path]:
    """FER2013 itself: the file FER2013_CSV names, else one made from ../shared/fer2013 and removed afterwards."""
    named = os.environ.get("FER2013_CSV")
    if named:
        yield Path(named)
        return
    if not (SHARED / "make_csv.py").exists():
        pytest.skip(f"FER2013 is not here: FER2013_CSV is not set and there is no {SHARED}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fer2013.csv"
        subprocess.run([sys.executable, SHARED / "make_csv.py", path], check=True)
        yield path


@pytest.fixture(scope="session")
def fer2013_cache() -> Iterator[Path]:
    """A cache folder for FER2013 itself (80 MB), empty at first and removed afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture
def user_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in place of the user's cache."""
    folder = tmp_path / "user-cache"
    monkeypatch.setenv("FER_LIB_CACHE", str(folder))
    return folder
