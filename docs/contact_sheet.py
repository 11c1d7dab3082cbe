"""A contact sheet of the built-in sample: the first drawn faces of each expression.

python docs/contact_sheet.py
"""

import sys
from pathlib import Path

from fer_lib.figures import plot_image_grid
from fer_lib.labels import EMOTIONS
from fer_lib.sample import load_sample

COLUMNS = 12


def main(target: Path) -> None:
    """Draw the sheet.

    Args:
        target: the PNG file.
    """
    train = load_sample().train
    rows = {name: train.images[train.labels == label][:COLUMNS] for label, name in enumerate(EMOTIONS)}
    plot_image_grid(rows, "The built-in sample: drawn faces, 48×48").savefig(target, dpi=90)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("sample.png"))
