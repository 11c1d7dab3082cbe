"""Rows of words as lines of text whose columns are aligned."""

from collections.abc import Sequence


def align(rows: Sequence[Sequence[str]], first_number: int | None = None) -> list[str]:
    """Pad every column to its widest text, two blanks apart.

    Args:
        rows: texts, as many in each row.
        first_number: from this column on texts stand to the right.

    Returns:
        A line for each row, without blanks at its end.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    numbers = len(widths) if first_number is None else first_number
    return [
        "  ".join(
            text.rjust(width) if place >= numbers else text.ljust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
