"""What TensorFlow's libraries write of the machine they start on, below any logging that could be set: left out."""

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator

_MESSAGE = re.compile(r"^(?:[IWE]\d{4} \d\d:\d\d:|WARNING: All log messages before absl::).*\n?", re.MULTILINE)
_STDERR = 2


def drop_messages(text: str) -> str:
    """The text without lines that TensorFlow's libraries write as they start."""
    return _MESSAGE.sub("", text)


@contextlib.contextmanager
def hold_back_messages() -> Iterator[None]:
    """Hold back what goes to the process's standard error, C++ included; pass on at the end what is no such message."""
    sys.stderr.flush()
    terminal = os.dup(_STDERR)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), _STDERR)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(terminal, _STDERR)
            os.close(terminal)
            held.seek(0)
            os.write(_STDERR, drop_messages(held.read().decode(errors="replace")).encode())
