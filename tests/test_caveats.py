"""Why numbers of runs are not comparable with the papers', wherever it is said."""

import pytest
from fake_runs import PAPER, write_fake_run

from fer_lib import papers
from fer_lib.caveats import find_caveats
from fer_lib.comparing import compare_runs
from fer_lib.scoreboard import collect, describe_sources, score_table
from fer_lib.summaries import Evidence

SAMPLE, OTHER, SHORT = "sample data", "not the published FER2013", "shortened budget"


@pytest.mark.parametrize(
    ("options", "caveats"),
    [
        ({}, []),
        ({"is_sample": True}, [SAMPLE]),
        ({"is_sample": True, "protocol": "drawn_sample"}, []),
        ({"as_published": False}, [OTHER]),
        ({"shortened": True}, [SHORT]),
        ({"as_published": False, "shortened": True}, [OTHER, SHORT]),
        ({"is_sample": True, "shortened": True}, [SAMPLE, SHORT]),
    ],
)
def test_what_weighs_most_is_told_first_and_by_every_table_and_page(tmp_path, options, caveats):
    run = write_fake_run(tmp_path, **options)
    first = caveats[0] if caveats else ""
    assert find_caveats([run]) == caveats
    assert find_caveats([write_fake_run(tmp_path, seed=1), run]) == caveats
    assert Evidence("ours", papers.load(PAPER), [run]).caveat == first
    assert score_table(collect([], [run]))["caveat"].tolist() == [first]


def test_no_runs_have_no_caveat():
    assert find_caveats([]) == []


def test_sources_on_another_file_are_told(tmp_path):
    run = write_fake_run(tmp_path, as_published=False, shortened=True)
    told = describe_sources([], [run], "paper")
    assert "**Not the published FER2013, whose counts are others: your numbers get no verdict.**" in told
    assert "**Shortened budget" in told and "Sample data" not in told
    assert "Not the published" not in describe_sources([run], [], "paper")


def test_a_comparison_on_another_file_says_so_once(tmp_path):
    a = write_fake_run(tmp_path, seed=0, as_published=False)
    b = write_fake_run(tmp_path, seed=1, as_published=False, shortened=True)
    assert compare_runs(a, a).caveats == (OTHER,)
    assert compare_runs(a, b).caveats == (OTHER, f"{SHORT} of B")


def test_a_comparison_of_runs_that_are_on_the_sample_by_design_says_so(tmp_path):
    run = write_fake_run(tmp_path, is_sample=True, protocol="drawn_sample")
    assert compare_runs(run, run).caveats == (SAMPLE,)
