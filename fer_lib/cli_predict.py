"""The command `fer-lib predict`: pictures of one's own -> a table or JSON, and annotated pictures."""

import contextlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fer_lib.aligned import align
from fer_lib.start_up import hold_back_messages

if TYPE_CHECKING:
    from fer_lib.predicting import Photograph, Reading
    from fer_lib.shipped import Weights

REFUSED = 2
FIRST_NUMBER = 5

JSON_LAYOUT = """\b
With --json, one document goes to stdout:
  {"weights": {"name", "file", "shipped", "request_sha256", "classes",
               "input_shape": [height, width, channels],
               "score": {"test", "images", "accuracy", "interval"} or null},
   "caveat", "warnings": [...],
   "images": [{"image", "width", "height", "annotated": file or null,
               "faces": [{"box": {"left", "top", "width", "height"},
                          "enlarged", "label", "probability",
                          "probabilities": {class: fraction}}]}],
   "refused": [{"image", "error"}]}
Boxes are in pixels of the upright picture: the part that the network was
given; "enlarged" is true where that has fewer pixels than its input.
"""


@click.command(epilog=JSON_LAYOUT)
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--run", metavar="RUN", help="A run folder, or [profile/]paper/variant/seed-n.  [default: the shipped weights]"
)
@click.option(
    "--faces",
    type=click.Choice(["all", "largest", "none"]),
    default="all",
    show_default=True,
    help="Look at every face found, at the largest, or take the whole picture, stretched, for one face.",
)
@click.option(
    "--output",
    metavar="FOLDER",
    default=".",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where annotated pictures go.  [default: the current folder]",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document in place of the table.")
@click.pass_context
def predict(
    context: click.Context, images: tuple[Path, ...], run: str | None, faces: str, output: Path, as_json: bool
) -> None:
    """Find faces in pictures and guess their expressions.

    Works without training anything: the weights of a published run come with the package. Pictures are searched for
    upright faces that look towards the camera. Each is copied to <stem>.fer.png with its faces framed and, for each of
    them, what the network was given, its Grad-CAM and the probabilities of all classes; the IMAGE itself is never
    changed. A picture that cannot be used, holds no face, or whose annotated picture cannot be written, is told in one
    line; the others are done, and the exit code is 2.
    """
    weights = _find_weights(run)
    for warning in weights.warnings:
        click.echo(f"Warning: {warning}", err=True)
    _make_folder(output)
    photographs, refused = _prepare(images, weights, faces)
    readings = _read(photographs, weights)
    targets, unwritten = _annotate(readings, weights, images, output)
    refused += unwritten
    if as_json:
        click.echo(_as_json(weights, readings, targets, refused))
    elif readings:
        click.echo("\n".join([*align(_rows(weights, readings), FIRST_NUMBER), ""]))
        for target in filter(None, targets):
            click.echo(f"Annotated: {click.format_filename(target)}")
        if not weights.is_shipped:
            click.echo(f"Read from: {click.format_filename(weights.file)}")
        click.echo(f"{weights.describe()}\n{_caveat()}")
    context.exit(REFUSED if refused else 0)


def _find_weights(run: str | None) -> "Weights":
    if run is None:
        from fer_lib.shipped import load_shipped

        return load_shipped()
    from fer_lib.trained import find_weights

    return find_weights(run)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"{folder}: the output folder must be makeable. Received: {error.strerror}") from error


def _prepare(
    images: Sequence[Path], weights: "Weights", faces: str
) -> tuple[list["Photograph"], list[tuple[Path, str]]]:
    """Pictures made ready, and those refused, each with why, which is told at once."""
    from fer_lib.photographs import PhotographError
    from fer_lib.predicting import prepare

    photographs, refused = [], []
    for image in images:
        try:
            photographs.append(prepare(image, weights, faces))
        except PhotographError as error:
            refused.append((image, _tell(error)))
    return photographs, refused


def _tell(error: ValueError) -> str:
    line = " ".join(str(error).split())
    click.echo(f"Error: {line}", err=True)
    return line


def _read(photographs: Sequence["Photograph"], weights: "Weights") -> list["Reading"]:
    if not photographs:
        return []
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with contextlib.redirect_stdout(sys.stderr), hold_back_messages():
        from fer_lib.predicting import read_expressions

        return read_expressions(photographs, weights)


def _annotate(
    readings: Sequence["Reading"], weights: "Weights", images: Sequence[Path], folder: Path
) -> tuple[list[Path | None], list[tuple[Path, str]]]:
    """Where the annotated picture of each reading is, None where it cannot be written, and of these why."""
    if not readings:
        return [], []
    from fer_lib.annotating import annotate, choose_targets, write_annotated

    written: list[Path | None] = []
    unwritten = []
    targets = choose_targets([reading.photograph.path for reading in readings], folder, images)
    notes = [weights.describe(), *weights.warnings, _caveat()]
    for reading, target in zip(readings, targets, strict=True):
        picture = annotate(reading, notes)
        try:
            write_annotated(picture, target)
            written.append(target)
        except ValueError as error:
            written.append(None)
            unwritten.append((reading.photograph.path, _tell(error)))
    return written, unwritten


def _caveat() -> str:
    from fer_lib.predicting import CAVEAT

    return CAVEAT


def _rows(weights: "Weights", readings: Sequence["Reading"]) -> list[list[str]]:
    from fer_lib.predicting import as_percent

    rows = [["picture", "face", "left,top", "pixels", "guess", "", *weights.classes]]
    for reading in readings:
        photograph = reading.photograph
        for index, box in enumerate(photograph.boxes):
            probabilities = reading.probabilities[index]
            mark = " enlarged" if photograph.is_enlarged[index] else ""
            rows.append(
                [
                    click.format_filename(photograph.path),
                    str(index + 1),
                    f"{box.left},{box.top}",
                    f"{box.width}x{box.height}{mark}",
                    reading.labels[index],
                    as_percent(probabilities.max()),
                    *map(as_percent, probabilities),
                ]
            )
    return rows


def _as_json(
    weights: "Weights",
    readings: Sequence["Reading"],
    targets: Sequence[Path | None],
    refused: Sequence[tuple[Path, str]],
) -> str:
    import json
    from dataclasses import asdict

    document: dict[str, Any] = {
        "weights": {
            "name": weights.name,
            "file": str(weights.file),
            "shipped": weights.is_shipped,
            "request_sha256": weights.request_sha256,
            "classes": list(weights.classes),
            "input_shape": list(weights.input_shape),
            "score": asdict(weights.score) if weights.score else None,
        },
        "caveat": f"{weights.describe()} {_caveat()}",
        "warnings": list(weights.warnings),
        "images": [_image_values(reading, target) for reading, target in zip(readings, targets, strict=True)],
        "refused": [{"image": str(image), "error": error} for image, error in refused],
    }
    return json.dumps(document, indent=2, allow_nan=False)


def _image_values(reading: "Reading", target: Path | None) -> dict[str, Any]:
    from dataclasses import asdict

    photograph = reading.photograph
    return {
        "image": str(photograph.path),
        "width": photograph.width,
        "height": photograph.height,
        "annotated": str(target) if target else None,
        "faces": [
            {
                "box": asdict(box),
                "enlarged": photograph.is_enlarged[index],
                "label": reading.labels[index],
                "probability": float(reading.probabilities[index].max()),
                "probabilities": dict(zip(reading.classes, map(float, reading.probabilities[index]), strict=True)),
            }
            for index, box in enumerate(photograph.boxes)
        ],
    }
