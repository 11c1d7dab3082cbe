"""Blocks of FER2013's CSV -> arrays, by vector operations on bytes: every byte checked, faster than pd.read_csv."""

from dataclasses import dataclass

import numpy as np

from fer_lib.labels import EMOTIONS

SIDE = 48
PIXELS = SIDE * SIDE
USAGES = ("Training", "PublicTest", "PrivateTest")

_LABELS = {b"%d" % label: label for label in range(len(EMOTIONS))}
_USAGES = {usage.encode(): index for index, usage in enumerate(USAGES)}
_CARRIAGE_RETURN, _BLANK, _ZERO = b"\r 0"


@dataclass(frozen=True)
class Rows:
    """Consecutive rows of the data.

    Attributes:
        images: uint8 (n, 2304), row-major pixels.
        labels: uint8 (n,), index in `EMOTIONS`.
        usages: uint8 (n,), index in `USAGES`.
    """

    images: np.ndarray
    labels: np.ndarray
    usages: np.ndarray


@dataclass(frozen=True)
class Layout:
    """Where each column stands, from 0."""

    emotion: int
    pixels: int
    usage: int


class BlockParser:
    """Reads whole lines at once, or declines.

    Its scratch arrays live from block to block: allocating them anew costs three times the arithmetic, in page faults.
    """

    def __init__(self, layout: Layout) -> None:
        """Prepare for one file.

        Args:
            layout: order of the columns.
        """
        self._layout = layout
        self._scratch = np.empty((5, 0), np.uint8)

    def parse(self, block: bytes) -> Rows | None:
        """Read the lines of a block.

        The proof that nothing is overlooked: each line has two commas or more; its emotion is one of the seven digits
        and its Usage one of the three words; with the commas and line ends these account for all bytes that are
        neither digit nor blank, so there are no more than two commas, and the pixels are digits and blanks; each line
        holds 2,304 numbers beside its emotion; none has four digits or exceeds 255.

        Args:
            block: lines, each ended by a line break.

        Returns:
            The rows, or None where a line is not of the plain form (which does not mean that it is wrong).
        """
        if not (fields := self._fields(block)):
            return None
        starts, ends, labels, usages, others = (np.array(column) for column in zip(*fields, strict=True))
        numbers = self._numbers(np.frombuffer(block, np.uint8), others.sum())
        if numbers is None or len(numbers[0]) != len(fields) * (PIXELS + 1):
            return None
        values, positions = (array.reshape(len(fields), PIXELS + 1) for array in numbers)
        if np.any(positions[:, 0] < starts) or np.any(positions[:, -1] > ends):
            return None
        images = values[:, 1:] if self._layout.emotion < self._layout.pixels else values[:, :-1]
        return Rows(images, labels.astype(np.uint8), usages.astype(np.uint8))

    def _fields(self, block: bytes) -> list[tuple[int, int, int, int, int]]:
        """Start, end, label, usage and number of bytes outside the pixels that are neither digit nor blank, per line.

        The list is empty where a line is not of the plain form.
        """
        found = []
        start = 0
        while start < len(block):
            end = block.find(b"\n", start)
            first = block.find(b",", start, end)
            second = block.rfind(b",", first + 1, end)
            if first < 0 or second < 0:
                return []
            edges = (start - 1, first, second, end)
            emotion = block[edges[self._layout.emotion] + 1 : edges[self._layout.emotion + 1]]
            usage = block[edges[self._layout.usage] + 1 : edges[self._layout.usage + 1]].strip(b" \r")
            label, usage_index = _LABELS.get(emotion.strip(b" \r")), _USAGES.get(usage)
            if label is None or usage_index is None:
                return []
            others = 3 + len(usage) + (block[end - 1] == _CARRIAGE_RETURN)
            found.append((start, end, label, usage_index, others))
            start = end + 1
        return found

    def _numbers(self, text: np.ndarray, others: int) -> tuple[np.ndarray, np.ndarray] | None:
        """Every run of digits in the text.

        Args:
            text: uint8 (bytes,).
            others: how many bytes must be neither digit nor blank.

        Returns:
            Values uint8 and positions of their last digits int64; None if `others` is wrong, or a run exceeds 255 or
            three digits.
        """
        if self._scratch.shape[1] < len(text):
            self._scratch = np.empty((5, len(text)), np.uint8)
        digits, mask, pairs, values, spare = self._scratch[:, : len(text)]
        flags = spare.view(bool)

        blanks = np.count_nonzero(np.equal(text, _BLANK, out=flags))
        np.subtract(text, _ZERO, out=digits)  # bytes below "0" wrap to large values
        np.less(digits, 10, out=flags)
        if len(text) - np.count_nonzero(flags) - blanks != others:
            return None
        np.negative(spare, out=mask)  # 255 at a digit, 0 elsewhere
        digits &= mask
        pairs[0] = 0
        np.bitwise_and(mask[1:], mask[:-1], out=pairs[1:])  # 255 at a digit after a digit
        if np.bitwise_and(pairs[2:], pairs[:-2], out=spare[2:]).max(initial=0):
            return None  # a run of four digits

        # At each byte, the number that ends there: its digit, ten times the one before it, a hundred times the next.
        values[0] = digits[0]
        np.multiply(digits[:-1], 10, out=values[1:])
        values[1:] += digits[1:]
        hundreds = spare[2:]
        np.bitwise_and(pairs[2:], pairs[1:-1], out=hundreds)
        hundreds &= digits[:-2]
        if hundreds.max(initial=0) > 2:
            return None
        hundreds *= 100
        values[2:] += hundreds
        if np.less(values[2:], hundreds, out=pairs[2:].view(bool)).any():
            return None  # the sum exceeded 255 and wrapped

        last_digits = pairs.view(bool)
        np.greater(mask[:-1], mask[1:], out=last_digits[:-1])
        last_digits[-1] = mask[-1]
        positions = np.flatnonzero(last_digits)
        return values.take(positions), positions
