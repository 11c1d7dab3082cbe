"""The bar of a training in a notebook: what a real kernel sends to whoever shows it, and what stays of it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel
from tiny_notebooks import printed, write_notebook

from fer_lib.files import write_json
from fer_lib.progress import Progress
from fer_lib.training_bar import describe_end, describe_progress, describe_stop, is_watched, show_progress

SCORES = {"accuracy": 0.5712, "val_accuracy": 0.559, "loss": 1.2, "val_loss": 1.3456}
BARS = """
import fer_lib.training_bar
from fer_lib.progress import Progress
from fer_lib.training_bar import show_progress
fer_lib.training_bar.MOVE_SECONDS = 0
def at(epoch, fraction=0.0, seed=3, epochs=3, variant="wide", **more):
    show_progress(Progress("toy", variant, seed, epoch, epochs, 10.0 * (epochs - epoch), 12.0, **more), fraction)
"""
TRAINING = """
import sys
import fer_lib.training_bar
from pathlib import Path
sys.path.insert(0, {tests!r})
from tiny_data import make_tiny_data
from fer_lib.training import train
fer_lib.training_bar.MOVE_SECONDS = 0
run = train(
    "shi_light_vgg", "light_vgg", 0, "smoke", data=make_tiny_data((140, 14, 14)), runs=Path({runs!r}), epochs=2,
    precision="float32", overrides={{"batch_size": 20}},
)
print(run.history["accuracy"].iloc[-1], run.history["val_accuracy"].iloc[-1])
"""


@pytest.fixture(scope="module")
def kernel():
    """The manager and the client of a real kernel that knows how to show bars."""
    environment = {name: value for name, value in os.environ.items() if name != "FER_LIB_PROGRESS"}
    manager, client = start_new_kernel(kernel_name="python3", env=environment, startup_timeout=300)
    client.execute_interactive(BARS, timeout=300)
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel()


def sent_by(kernel, code):
    """What a cell sends to be shown: the message's type, the HTML or the printed text, its display id."""
    messages = []

    def note(message):
        content = message["content"]
        shown = content.get("data", {}).get("text/html") or content.get("text")
        if shown:
            messages.append((message["msg_type"], shown, content.get("transient", {}).get("display_id")))

    kernel[1].execute_interactive(code, output_hook=note, allow_stdin=False, timeout=300)
    return messages


def words_of(page):
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


def place_of(page):
    found = re.search(r'<progress [^>]*value="([\d.]+)" max="(\d+)"', page)
    return float(found[1]), int(found[2])


def test_a_bar_moves_in_one_output_and_ends_as_a_line(kernel):
    messages = sent_by(kernel, "at(0); at(0, 0.5); at(1, 0.25); at(3)")
    assert [kind for kind, _, _ in messages] == ["display_data", *["update_display_data"] * 3]
    assert len({display for _, _, display in messages}) == 1 and messages[0][2]
    *bars, line = [page for _, page, _ in messages]
    assert [place_of(page) for page in bars] == [(0, 3), (0.5, 3), (1.25, 3)]
    assert [words_of(page).split(" left")[0] for page in bars] == [
        "wide, seed 3 epoch 1 of 3 30 s",
        "wide, seed 3 epoch 1 of 3 30 s",
        "wide, seed 3 epoch 2 of 3 20 s",
    ]
    assert words_of(line) == "✓ wide, seed 3 3 epochs in 12 s" and "<progress" not in line


def test_each_training_of_a_cell_has_a_bar_of_its_own(kernel):
    messages = sent_by(kernel, "at(1); at(3); at(1, seed=4); at(3, seed=4)")
    assert [kind for kind, _, _ in messages] == ["display_data", "update_display_data"] * 2
    assert messages[0][2] == messages[1][2] != messages[2][2] == messages[3][2]


def test_a_bar_never_goes_back_and_is_not_moved_more_often_than_a_browser_shows(kernel):
    back = "at(1, 0.5); at(1, 0.25); at(1, 0.5); at(1, 1.0); at(2); at(3)"
    pages = [page for _, page, _ in sent_by(kernel, back)]
    assert [place_of(page)[0] for page in pages[:-1]] == [1.5, 2.0, 2.0]
    flood = "fer_lib.training_bar.MOVE_SECONDS = 1e9\nfor n in range(999): at(0, n / 999)\nat(3)"
    assert len(sent_by(kernel, f"{flood}\nfer_lib.training_bar.MOVE_SECONDS = 0")) == 2


def test_a_cell_that_fails_says_where_it_stopped(kernel):
    messages = sent_by(kernel, "at(3, seed=5); at(1, 0.5); 1 / 0")
    assert words_of(messages[-1][1]) == "✗ wide, seed 3 stopped after epoch 1 of 3"
    assert "<progress" not in messages[-1][1]
    assert len(messages) == 3


def test_an_interrupt_says_where_it_stopped(kernel):
    handled = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # a background shell ignores it
    messages = sent_by(kernel, f"{handled}; at(2); signal.raise_signal(signal.SIGINT)")
    assert words_of(messages[-1][1]) == "✗ wide, seed 3 stopped after epoch 2 of 3"


def test_the_next_cell_shows_the_same_training_again(kernel):
    sent_by(kernel, "at(2)")
    assert [kind for kind, _, _ in sent_by(kernel, "at(1); at(3)")] == ["display_data", "update_display_data"]


def test_names_are_escaped(kernel):
    page = sent_by(kernel, "at(1, variant='<b>&\"')")[0][1]
    assert "<b>&lt;b&gt;&amp;&quot;, seed 3</b>" in page and 'aria-label="&lt;b&gt;&amp;&quot;, seed 3"' in page


def test_nothing_is_shown_where_another_process_reads_the_progress(kernel):
    code = "import os\nos.environ['FER_LIB_PROGRESS'] = 'x'\nat(1); at(3)\ndel os.environ['FER_LIB_PROGRESS']"
    assert sent_by(kernel, code) == []


def test_nothing_is_shown_outside_a_notebook(capfd):
    show_progress(Progress("toy", "wide", 0, 1, 3, None))
    assert not is_watched() and capfd.readouterr() == ("", "")


def test_words_leave_out_what_is_not_known():
    early, late = Progress("toy", "wide", 3, 0, 1, None), Progress("toy", "wide", 3, 31, 32, 0.4, 7500.0, SCORES)
    scores = ["accuracy 57.1% (validation 55.9%)", "loss 1.200 (1.346)"]
    assert describe_progress(early) == ["epoch 1 of 1"]
    assert describe_progress(late) == ["epoch 32 of 32", *scores]
    assert describe_stop(late) == ["✗ wide, seed 3", "stopped after epoch 31 of 32"]
    assert describe_end(Progress("toy", "wide", 3, 32, 32, 0.0, 7500.0, SCORES)) == [
        "✓ wide, seed 3",
        "32 epochs in 2 h 05 min",
        *scores,
    ]
    assert describe_end(Progress("toy", "wide", 3, 1, 1, 0.0, scores={"accuracy": 0.5})) == [
        "✓ wide, seed 3",
        "1 epoch",
        "accuracy 50.0%",
    ]


def _execute(tmp_path: Path, **environment: str) -> tuple[list, str]:
    """Outputs of the cell that shows bars, and the page, of a notebook run in a batch."""
    notebook = write_notebook(tmp_path / "00_bars.ipynb", BARS, "at(0); at(1, 0.5); at(3)\nprint('trained')")
    paths = {"notebook": notebook, "executed": tmp_path / "out.ipynb", "html": tmp_path / "out.html"}
    paths["error"] = tmp_path / "error.txt"
    write_json(tmp_path / "job.json", {key: str(path) for key, path in paths.items()} | {"parameters": {}})
    inherited = {name: value for name, value in os.environ.items() if name != "FER_LIB_PROGRESS"}
    command = [sys.executable, "-m", "fer_lib.execute", str(tmp_path / "job.json")]
    subprocess.run(command, env=inherited | environment, check=True)
    assert printed(paths["executed"]) == "trained\n"
    executed = nbformat.read(paths["executed"], as_version=4)
    assert "widgets" not in executed.metadata
    return executed.cells[-1].outputs, paths["html"].read_text(encoding="utf-8")


def test_a_page_made_in_a_batch_holds_one_line_and_no_widget(tmp_path):
    outputs, page = _execute(tmp_path)
    shown = [output.data for output in outputs if output.output_type == "display_data"]
    assert [data["text/plain"] for data in shown] == ["✓ wide, seed 3  3 epochs in 12 s"]
    assert set(shown[0]) == {"text/html", "text/plain"}
    assert page.count("3 epochs in 12 s") == 1
    assert "<progress" not in page and "widget-view" not in page and "stopped after" not in page


def test_where_the_runner_shows_progress_the_page_holds_none(tmp_path):
    outputs, page = _execute(tmp_path, FER_LIB_PROGRESS=str(tmp_path / "progress.json"))
    assert [output.output_type for output in outputs] == ["stream"]
    assert "3 epochs" not in page


@pytest.mark.slow
def test_a_real_training_moves_its_bar_by_batches_and_ends_with_its_scores(kernel, tmp_path):
    code = TRAINING.format(tests=str(Path(__file__).parent), runs=str(tmp_path))
    messages = sent_by(kernel, code)
    pages = [page for kind, page, _ in messages if kind != "stream"]
    accuracy, validation = (float(number) for number in json.loads(f"[{messages[-1][1].replace(' ', ',')}]"))
    places = [place_of(page)[0] for page in pages[:-1]]
    assert places[0] == 0 and places == sorted(places) and {0 < place % 1 < 1 for place in places} == {True, False}
    assert all("accuracy" in words_of(page) for page in pages[1:-1])
    assert words_of(pages[-1]).startswith("✓ light_vgg, seed 0 2 epochs in ")
    assert f"accuracy {accuracy:.1%} (validation {validation:.1%})" in words_of(pages[-1])
