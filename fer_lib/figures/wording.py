"""Values -> the words in which a chart's description tells what it shows."""

from collections.abc import Mapping, Sequence


def listed(values: Mapping[str, object]) -> str:
    """Names with their values: `angry 3, happy 2`."""
    return ", ".join(f"{name} {value}" for name, value in values.items())


def number(value: float | None) -> str:
    """A fraction as percent; `none` where there is none."""
    return "none" if value is None or value != value else f"{value:.1%}"


def named(label: int, class_names: Sequence[str]) -> str:
    """A class name as papers print it in captions, with a capital.

    Raises:
        ValueError: if the label has no name.
    """
    if not 0 <= label < len(class_names):
        raise ValueError(f"every label must be in 0 ... {len(class_names) - 1}. Received: {label}")
    return class_names[label].capitalize()
