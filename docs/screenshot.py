"""The README's screenshot, made from the built-in sample alone.

fer-lib run --profile smoke
python docs/screenshot.py [REPORTS_FOLDER]
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from fer_lib.paths import reports_folder

WIDTH, HEIGHT = 1180, 1320
"""Size of the picture, in CSS pixels."""


def main(reports: Path, target: Path) -> None:
    """Photograph the head of the index page.

    Args:
        reports: folder of reports; its runs are of the built-in sample.
        target: the PNG file.

    Raises:
        ValueError: if there is no index page, or it does not say that its data are the sample.
    """
    index = reports / "index.html"
    if not index.exists() or "Sample data" not in index.read_text(encoding="utf-8"):
        raise ValueError(f"{index}: must be the page of a run on the built-in sample. Received: another, or none")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light")
        page.goto(index.resolve().as_uri())
        page.screenshot(path=target)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else reports_folder(), Path(__file__).with_name("report.png"))
