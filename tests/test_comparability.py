"""Numbers that are not the paper's to judge: the sample, short trainings, other data, and stand-ins for the data."""

import numpy as np
import pytest
from tiny_runs import accuracy, calls, judge_one, make_run, timing

from fer_lib.files import write_json


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"sample": True}, "sample data"),
        ({"short": True}, "shortened budget"),
        ({"sample": True, "short": True}, "sample data"),
    ],
)
def test_sample_data_and_short_trainings_get_no_verdict(tmp_path, options, reason):
    good = make_run(tmp_path, seed=0, predicted=calls(586))
    barred = make_run(tmp_path, seed=1, predicted=calls(586), **options)
    claim = accuracy(kind="value", published="58.6 %")
    assert judge_one(claim, good).verdict == "reproduced"
    judgement = judge_one(claim, good, barred)
    assert (judgement.verdict, judgement.reason) == (None, reason)
    assert judgement.measured == pytest.approx(0.586)


@pytest.mark.parametrize(("judges", "told"), [("votes", ("reproduced", "meets")), ("cascade", (None, "votes"))])
def test_images_cleaned_by_a_cascade_alone_are_not_the_papers(tmp_path, judges, told):
    run = make_run(tmp_path, predicted=calls(586))
    config = run.config
    config["request"]["data"]["cleaned_by"] = judges
    write_json(run.folder / "config.json", config)
    judgement = judge_one(accuracy(kind="value", published="58.6 %"), run)
    assert judgement.verdict == told[0] and told[1] in judgement.reason
    assert judgement.measured == pytest.approx(0.586)


def test_runs_on_different_data_are_not_averaged(tmp_path):
    runs = [make_run(tmp_path, seed=seed, predicted=calls(586), sha=str(seed)) for seed in (0, 1)]
    judgement = judge_one(accuracy(kind="value", published="58.6 %"), *runs)
    assert (judgement.verdict, judgement.reason) == ("not run", "the runs were made on different data")


STAND_IN_CLAIMS = [
    (
        accuracy(kind="value", published="35.56 %"),
        "the interval lies 21.4 points above the published 35.555 to 35.565 %",
    ),
    (accuracy(kind="value", published="60 %"), "the interval meets the published 59.5 to 60.5 %"),
    (accuracy(kind="range", low="70 %", high="80 %"), "the interval lies 6.5 points below"),
    (accuracy(kind="spread", low="50 %", high="70 %"), "each of 3 seeds lies within the published 49.5 to 70.5 %"),
    (accuracy(kind="at_least", published="50 %"), "the measured value reaches 49.5 %"),
    (accuracy(kind="at_most", published="50 %"), "the measured value is 9.5 points over 50.5 %"),
    (accuracy(kind="difference", minus="b"), "the interval lies above zero"),
    ({"kind": "ordering", "variant": "a", "split": "test", "groups": [["recall.sad"], ["recall.fear"]]}, "sad ("),
    ({"kind": "ranking", "metric": "accuracy", "split": "test", "groups": [["a"], ["b"]]}, "every number stands"),
    ({"kind": "matrix", "variant": "a", "split": "test", "rows": np.eye(7).tolist()}, "35 of 49 cells hold"),
]


@pytest.mark.parametrize(
    ("claim", "found"), STAND_IN_CLAIMS, ids=lambda claim: claim["kind"] if "kind" in claim else ""
)
def test_what_is_measured_on_a_stand_in_is_indicative(tmp_path, claim, found):
    judgement = judge_one(claim, *_two_variants(tmp_path / "scenes", stands_for="SFEW"))
    assert (judgement.verdict, judgement.stands_for) == ("indicative", "SFEW")
    assert judgement.reason.startswith(f"measured on a stand-in for SFEW: {found}")
    assert "reproduced" not in judgement.reason
    real = judge_one(claim, *_two_variants(tmp_path / "real"))
    assert real.stands_for == "" and real.verdict != "indicative"
    assert real.reason == judgement.reason.removeprefix("measured on a stand-in for SFEW: ")
    assert (judgement.measured_text, judgement.interval) == (real.measured_text, real.interval)


def test_a_claim_may_say_itself_what_is_stood_in_for(tmp_path):
    """Such as a base that the authors would train on pictures not at hand: those tested on are the real ones."""
    claim = accuracy(kind="difference", minus="b", stands_for="photographs")
    judgement = judge_one(claim, *_two_variants(tmp_path))
    assert (judgement.verdict, judgement.stands_for) == ("indicative", "photographs")
    assert judgement.reason.startswith("measured on a stand-in for photographs: the interval lies above zero")


def _two_variants(folder, **options):
    """Three runs of a, right on 600 images, and three of b, right on 500."""
    return [
        make_run(folder, name, seed, calls(right), **options)
        for name, right in (("a", 600), ("b", 500))
        for seed in range(3)
    ]


def test_what_a_stand_in_does_not_show_has_nothing_indicated(tmp_path):
    run = make_run(tmp_path, predicted=calls(600), stands_for="SFEW")
    assert judge_one(timing(), run).reason.startswith("a (seed 0) has no timing.seconds")
    assert judge_one(timing(), run).verdict == "not run"
    assert judge_one(accuracy(kind="spread", low="31 %", high="40 %"), run).verdict is None  # one seed
    partly = judge_one(accuracy(kind="value", published="60 %"), run)
    assert partly.reason.endswith("(1 of 3 seeds; no run of a (seeds 1, 2))")


@pytest.mark.parametrize(
    ("options", "reason"), [({"sample": True}, "sample data"), ({"short": True}, "shortened budget")]
)
def test_a_stand_in_gets_no_verdict_where_none_is_due(tmp_path, options, reason):
    run = make_run(tmp_path, predicted=calls(586), stands_for="SFEW", **options)
    judgement = judge_one(accuracy(kind="value", published="58.6 %"), run)
    assert (judgement.verdict, judgement.reason, judgement.stands_for) == (None, reason, "SFEW")


def test_a_stand_in_is_not_averaged_with_real_pictures(tmp_path):
    runs = [
        make_run(tmp_path, seed=seed, predicted=calls(586), stands_for=name) for seed, name in ((0, None), (1, "SFEW"))
    ]
    judgement = judge_one(accuracy(kind="value", published="58.6 %"), *runs)
    assert (judgement.verdict, judgement.reason) == ("not run", "the runs were made on different data")
