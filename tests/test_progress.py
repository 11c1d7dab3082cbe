"""Progress of training runs: written by a kernel, read and shown by the runner."""

import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_lib.progress import (
    TO_TERMINAL,
    Progress,
    ProgressLines,
    estimate_epoch_seconds,
    format_duration,
    format_progress,
    read_progress,
    write_progress,
)

HALF = Progress("shi_light_vgg", "light_vgg", 0, 16, 32, 754.0)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_what_is_written_is_read(tmp_path, monkeypatch):
    monkeypatch.setenv("FER_LIB_PROGRESS", str(tmp_path / "progress.json"))
    write_progress(HALF)
    assert read_progress(tmp_path / "progress.json") == HALF


def test_nothing_is_written_where_nobody_asks(tmp_path, monkeypatch):
    monkeypatch.delenv("FER_LIB_PROGRESS", raising=False)
    monkeypatch.chdir(tmp_path)
    write_progress(HALF)
    assert list(tmp_path.iterdir()) == []


def test_a_terminal_gets_a_line_per_epoch(monkeypatch, capsys):
    monkeypatch.setenv("FER_LIB_PROGRESS", TO_TERMINAL)
    write_progress(replace(HALF, scores={"accuracy": 0.5, "val_accuracy": 0.25, "loss": 1.5}))
    assert capsys.readouterr().err == (
        "light_vgg seed 0  epoch 16/32  accuracy 50.0% (validation 25.0%)  loss 1.500  13 min left\n"
    )


def test_no_progress_before_the_first_epoch(tmp_path):
    assert read_progress(tmp_path / "progress.json") is None


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (99, "99 s"), (100, "2 min"), (754, "13 min"), (7500, "2 h 05 min")]
)
def test_durations_read_like_speech(seconds, text):
    assert format_duration(seconds) == text


@given(st.floats(min_value=0, max_value=1e6))
def test_durations_are_never_of_sixty_minutes_past_the_hour(seconds):
    words = format_duration(seconds).split()
    assert words[1] in {"s", "min", "h"}
    assert words[1] != "h" or int(words[2]) < 60


@given(st.lists(st.floats(min_value=1, max_value=100), min_size=1), st.floats(min_value=100, max_value=1e4))
def test_the_epoch_in_which_a_network_is_compiled_does_not_count(others, first):
    assert estimate_epoch_seconds([first, *others]) <= max(others)


def test_an_epoch_is_estimated_from_the_only_one_and_not_from_none():
    assert estimate_epoch_seconds([30.0]) == 30.0
    assert estimate_epoch_seconds([]) is None


def test_what_is_written_with_scores_is_read(tmp_path, monkeypatch):
    monkeypatch.setenv("FER_LIB_PROGRESS", str(tmp_path / "progress.json"))
    scored = Progress("shi_light_vgg", "light_vgg", 0, 16, 32, 754.0, 800.0, {"accuracy": 0.5, "val_loss": 1.5})
    write_progress(scored)
    assert read_progress(tmp_path / "progress.json") == scored


def test_a_line_tells_notebook_variant_epoch_and_time_left():
    line = format_progress("01_shi_light_vgg", 700.0, HALF)
    assert line == "01_shi_light_vgg  12 min  light_vgg seed 0  epoch 16/32  13 min left"


def test_a_terminal_s_lines_are_refreshed_in_place():
    stream = Terminal()
    lines = ProgressLines(stream)
    lines.show({"a": (1.0, HALF), "b": (2.0, None)})
    lines.show({"a": (3.0, HALF)})
    lines.say("b  completed")
    shown = stream.getvalue()
    assert shown.count("\x1b[2F\x1b[J") == 1  # the second call wipes two lines
    assert shown.count("\x1b[1F\x1b[J") == 1
    assert shown.endswith("b  completed\n")


def test_a_terminal_s_lines_are_left_alone_while_nothing_changes():
    stream = Terminal()
    lines = ProgressLines(stream)
    for seconds in (1.0, 1.2, 1.4):
        lines.show({"a": (seconds, HALF)})
    assert stream.getvalue() == "a  1 s  light_vgg seed 0  epoch 16/32  13 min left\n"


def test_a_finished_run_has_no_time_left():
    done = Progress("shi_light_vgg", "light_vgg", 0, 32, 32, 0.0)
    assert format_progress("a", 1.0, done) == "a  1 s  light_vgg seed 0  epoch 32/32"


def test_elsewhere_a_line_is_printed_only_when_a_run_changes():
    stream = io.StringIO()
    lines = ProgressLines(stream)
    other = Progress("shi_light_vgg", "light_vgg", 1, 1, 32, None)
    for progress in (None, HALF, HALF, Progress("shi_light_vgg", "light_vgg", 0, 17, 32, 1.0), other):
        lines.show({"a": (1.0, progress)})
    assert [line.split("  ")[2] for line in stream.getvalue().splitlines()] == ["light_vgg seed 0", "light_vgg seed 1"]
