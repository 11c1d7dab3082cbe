"""What a run was tested on, in words: numbers on different test images or classes are never of one kind."""

from collections.abc import Sequence

import pandas as pd

from fer_lib.runs import Run

TestKey = tuple[bool, bool, int, str, str, str]
"""What determines test images and classes: sample, stand-in, place of the protocol, grouping, hashes of the data."""

TEST_SETS = {
    "official": "PrivateTest",
    "six_classes": "PrivateTest without disgust",
    "cleaned_six": "PrivateTest, cleaned, without disgust",
    "random_split": "random fifth of all rows",
    "balanced_together": "balanced classes, transforms kept together",
    "balanced_apart": "balanced classes, transforms free to part",
    "balanced_strong": "balanced classes, strong transforms",
    "sfew_whole": "whole film stills",
    "sfew_cropped": "faces of film stills",
    "drawn_sample": "drawn faces",
}
"""Test images of each protocol (`protocols.PROTOCOLS`) in words, in the order in which the tables show them."""


def test_key(run: Run) -> TestKey:
    """What determines the test images and classes of a run; keys sort in the order in which they are shown."""
    request, data = run.request, run.request["data"]
    protocol = list(TEST_SETS).index(data.get("protocol", "official"))
    cleaned = data.get("cleaned_away_sha256", "")
    stands_in = bool(data.get("stands_for"))
    return data["is_sample"], stands_in, protocol, request["grouping"] or "", data["sha256"], cleaned


def name_test_sets(keys: Sequence[TestKey], runs: Sequence[Run]) -> dict[TestKey, str]:
    """Words for each key, in the order of the keys; where two would read alike, the data's hash tells them apart."""
    words = {key: _words(run) for key, run in sorted(zip(keys, runs, strict=True), key=lambda pair: pair[0])}
    alike = pd.Series(words.values(), dtype=str).value_counts()
    return {key: text if alike[text] == 1 else f"{text} (data {key[4][:8]})" for key, text in words.items()}


def _words(run: Run) -> str:
    data, tested = run.request["data"], run.metrics["test"]["single"]
    place = TEST_SETS[data.get("protocol", "official")]
    stands_for = f" (stand-in for {data['stands_for']})" if data.get("stands_for") else ""
    prefix = "sample data: " if data["is_sample"] else ""
    return f"{prefix}{place}{stands_for}, {len(tested['classes'])} classes, {tested['n']:,} images"
