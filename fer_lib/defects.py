"""How a defect in the data is told: which file, which row, what was expected, what was received."""

from pathlib import Path

LONGEST_RECEIVED = 80


class DatasetError(ValueError):
    """A defect in the data; the message names the file, the row where there is one, and what was received."""

    def __init__(self, where: str | Path, expected: str, received: object) -> None:
        """Compose the message.

        Args:
            where: the file, with the line and row where there is one.
            expected: what the data must be, a clause without its full stop.
            received: what was found instead; text is quoted, and shortened where it is long.
        """
        super().__init__(f"{where}: {expected}. Received: {shorten(received)}")


class Plain(str):
    """Text that stands in a message as it is, without quotation marks."""


def shorten(received: object) -> str:
    """`repr` of a value (a `Plain` as it is), its middle left out beyond 80 characters."""
    text = str(received) if isinstance(received, Plain) else repr(received)
    if len(text) <= LONGEST_RECEIVED:
        return text
    half = LONGEST_RECEIVED // 2 - 2
    return f"{text[:half]} … {text[-half:]}"
