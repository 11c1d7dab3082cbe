"""What benchmarks say of a number, and the one that reaches into a training; what they measure is not judged here."""

import re

import pytest
import tensorflow as tf
from bench_training import OVERHEAD_EPOCHS, _Clock, measure_overhead
from bench_tried import Trial, make_trials
from bench_tried import measure as measure_trial
from measuring import beside_target, measure

from benchmarks import __main__ as command
from fer_lib import hardware
from fer_lib.fitting import dtype_policy


@pytest.mark.parametrize(
    ("value", "at_least", "said"),
    [
        (1.5, False, "at most 1.5: 1.5, met"),
        (1.6, False, "at most 1.5: 1.6, NOT met"),
        (1.4, True, "at least 1.5: 1.4, NOT met"),
    ],
)
def test_a_number_stands_beside_its_target(value, at_least, said):
    assert beside_target("ratio", value, 1.5, at_least=at_least) == f"target: ratio {said}"


def test_a_program_measures_itself_in_a_process_of_its_own():
    assert measure("import sys; print([len(sys.argv), 2.5])", "an argument") == (2, 2.5)


def test_what_benchmarks_print_becomes_a_page_with_the_one_that_failed(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(command, "HERE", tmp_path)
    monkeypatch.setattr(command, "NAMES", ("bench_good", "bench_bad"))
    (tmp_path / "bench_good.py").write_text("import sys; print('ratio', *sys.argv[1:])", encoding="utf-8")
    (tmp_path / "bench_bad.py").write_text("print('begun'); raise SystemExit(3)", encoding="utf-8")
    results = [command.run("bench_good", "1.5"), command.run("bench_bad")]
    assert [result.succeeded for result in results] == [True, False]
    assert "ratio 1.5" in capsys.readouterr().out
    page = command.page(results)
    assert re.search(r"## bench_good\n\n[^\n]*tensorflow [^\n]*\n\n```text\nratio 1.5\n```", page)
    assert re.search(r"## bench_bad\n\n[^\n]*\n\nIt FAILED.\n\n```text\nbegun\n```", page)


def test_a_page_keeps_what_was_not_measured_anew(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "HERE", tmp_path)
    monkeypatch.setattr(command, "NAMES", ("bench_one", "bench_two"))
    output = tmp_path / "RESULTS.md"
    for name, printed in (("bench_two", 2), ("bench_one", "## 1"), ("bench_two", 3), ("bench_one", 4)):
        (tmp_path / f"{name}.py").write_text(f"print('ratio\\n{printed}')", encoding="utf-8")
        assert command.main([name, "--output", str(output)]) == 0
        page = output.read_text(encoding="utf-8")
        assert f"```text\nratio\n{printed}\n```\n" in page
        assert page.endswith("```\n") and page.count("\n\n## ") == page.count("\n```text")
    assert re.findall(r"^(?:## )?(bench_\w+|\d)$", page, re.MULTILINE) == ["bench_one", "4", "bench_two", "3"]
    with monkeypatch.context() as patch:
        patch.setattr(hardware, "resolve_precision", lambda: "another precision")
        assert command.main(["bench_two", "--output", str(output)]) == 0
    two = output.read_text(encoding="utf-8").partition("## bench_two")[2]
    assert re.findall(r"computing ([\w ]+);", two) == ["another precision", hardware.resolve_precision()]
    assert two.count("```text\nratio\n3\n```\n") == 2
    (tmp_path / "bench_two.py").write_text("print('cut off', end='')", encoding="utf-8")
    assert (
        command.main(["bench_two", "--output", str(output)])
        == command.main(["bench_one", "--output", str(output)])
        == 0
    )
    two = output.read_text(encoding="utf-8").partition("## bench_two")[2]
    assert two.count("```text\ncut off\n```\n") == two.count("```text\nratio\n3\n```\n") == 1
    with pytest.raises(SystemExit):
        command.main(["bench_three"])
    assert "Received: ['bench_three']" in capsys.readouterr().err


def test_every_benchmark_is_among_those_that_run():
    assert set(command.NAMES) == {path.stem for path in command.HERE.glob("bench_*.py")}


def test_the_overhead_is_measured_over_every_epoch(monkeypatch):
    ends = []
    monkeypatch.setattr(_Clock, "end_epoch", _counted(_Clock.end_epoch, ends))
    measure_overhead(2)
    assert [progress.epoch for progress in ends] == list(range(OVERHEAD_EPOCHS + 1))


def _counted(method, ends):
    def end_epoch(clock, progress):
        ends.append(progress)
        return method(clock, progress)

    return end_epoch


def test_a_way_that_computes_something_else_is_not_measured():
    weight = tf.Variable(2.0)
    for tried in (
        lambda x: weight * x + 1.0,
        lambda x: weight * x + tf.stop_gradient(x) - x,
        lambda x: tf.stop_gradient(weight) * x + 0.0 * weight,
    ):
        with pytest.raises(ValueError, match="twice: both ways must compute the same. Received"):
            measure_trial(Trial("twice", (2, 2, 1), [weight], lambda x: weight * x, tried), "float32", 3, 1)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_what_was_tried_computes_what_is_used(dtype):
    with dtype_policy("mixed_bfloat16" if dtype == "bfloat16" else "float32"):
        measured = {trial.name: measure_trial(trial, dtype, images=2, repeats=1) for trial in list(make_trials(dtype))}
    assert len(measured) == 10
