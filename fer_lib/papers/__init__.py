"""The papers, one YAML card each: read and checked, or refused with the names of the file and the field at fault."""

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

try:
    from yaml import CSafeLoader as SafeLoader  # ten times faster, where PyYAML was built with libyaml
except ImportError:
    from yaml import SafeLoader  # type: ignore[assignment]

from fer_lib.papers.schema import NUMBER_AS_TEXT, PaperCard, reads_as_number

__all__ = ["CardError", "PaperCard", "ids", "load", "load_card"]

CARDS = Path(__file__).parent


class CardError(ValueError):
    """A card that cannot be used; the message names its file and the fields, one line for each."""


def ids() -> list[str]:
    """Ids of the papers that have a card, sorted."""
    return sorted(path.stem for path in CARDS.glob("*.yaml"))


def load(paper: str) -> PaperCard:
    """Read the card of a paper.

    Raises:
        ValueError: if no card has that id.
        CardError: if the card is wrong.
    """
    if paper not in ids():
        raise ValueError(f"paper must be one of {ids()}. Received: {paper!r}")
    return load_card(CARDS / f"{paper}.yaml")


def load_card(path: Path) -> PaperCard:
    """Read a card from a file of the name `<id>.yaml`.

    Raises:
        CardError: if it is not YAML, a field is missing, unknown or of a wrong type, or fields contradict each other.
    """
    path = Path(path)
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)  # a SafeLoader
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise CardError(f"{path}: must be YAML in UTF-8, every key once. Received: {reason}") from None
    if not isinstance(content, dict):
        raise CardError(f"{path}: must be a mapping of fields. Received: {type(content).__name__}")
    try:
        card = PaperCard.model_validate(content)
    except ValidationError as error:
        lines = dict.fromkeys(_describe(detail, content) for detail in error.errors(include_url=False))
        raise CardError("\n".join(f"{path}: {line}" for line in lines)) from None
    if card.id != path.stem:
        raise CardError(f"{path}: id: must be the file's name, {path.stem!r}. Received: {card.id!r}")
    return card


class _UniqueKeyLoader(SafeLoader):
    """YAML's safe loader, except that a key given twice is an error and not a silent choice of the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} twice", node.start_mark)
        return super().construct_mapping(node, deep)


def _describe(detail: ErrorDetails, content: Mapping[str, Any]) -> str:
    """One line for one error: where, what is wanted, what was received."""
    message = detail["msg"].removeprefix("Value error, ")
    where = _place(detail["loc"], content)
    prefix = f"{where}: " if where else ""
    if "Received: " in message:
        return f"{prefix}{message}"
    if detail["type"] == "missing":
        return f"{prefix}is missing. Received: nothing"
    if detail["type"] == "extra_forbidden":
        message = "is no field of a card"
    elif reads_as_number(detail["input"]) and message != NUMBER_AS_TEXT:
        message = f"{message}; {NUMBER_AS_TEXT}"
    return f"{prefix}{message}. Received: {detail['input']!r}"


def _place(location: Sequence[int | str], content: Any) -> str:
    """Dotted place of an error as the card's writer knows it: claims with their ids, without pydantic's union tags."""
    parts: list[str] = []
    tagged = False
    for step in location:
        if isinstance(content, Mapping) and content.get("kind") == step and not tagged:
            tagged = True
            continue
        tagged = False
        if isinstance(content, Sequence) and not isinstance(content, str) and isinstance(step, int):
            content = content[step] if step < len(content) else None
            name = content.get("id") if isinstance(content, Mapping) else None
            parts.append(f"{step} ({name})" if name else str(step))
        else:
            content = content.get(step) if isinstance(content, Mapping) else None
            parts.append(str(step))
    return ".".join(parts)
