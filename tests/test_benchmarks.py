"""The benchmark whose measuring reaches into a training; what it measures is not judged here."""

from benchmarks.bench_training import BATCH_SIZE, OVERHEAD_EPOCHS, _Clock, measure_overhead


def test_the_overhead_is_measured_over_every_epoch(monkeypatch):
    ends = []
    monkeypatch.setattr(_Clock, "end_epoch", _counted(_Clock.end_epoch, ends))
    measure_overhead(BATCH_SIZE)
    assert [progress.epoch for progress in ends] == list(range(OVERHEAD_EPOCHS + 1))


def _counted(method, ends):
    def end_epoch(clock, progress):
        ends.append(progress)
        return method(clock, progress)

    return end_epoch
