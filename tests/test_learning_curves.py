"""The learning curves of runs: which lines there are, what their points are, how a page draws them."""

import re

import numpy as np
import pandas as pd
import pytest
from fake_runs import PAPER, write_fake_run
from html_pages import write_index

from fer_lib import papers
from fer_lib.files import write_json
from fer_lib.learning_curves import MOST_POINTS, learning_curves
from fer_lib.published import publish
from fer_lib.summaries import Evidence

LIU = "liu_separable_ensemble"


def _curves(*runs, paper=PAPER):
    return learning_curves(Evidence("published by us", papers.load(paper), runs))


def _set_history(run, **columns):
    """Another history, whose last epoch stands."""
    history = pd.DataFrame(columns)
    history.insert(0, "epoch", range(1, len(history) + 1))
    history.to_csv(run.folder / "history.csv", index=False)
    write_json(run.folder / "metrics.json", {**run.metrics, "history": {"epochs": len(history)}})


def test_variants_stand_in_the_order_of_the_card_with_a_line_for_each_seed_and_split(tmp_path):
    runs = [write_fake_run(tmp_path, seed=seed, variant=name) for name in ("attitude", "light_vgg") for seed in (0, 1)]
    first, second = _curves(*runs, write_fake_run(tmp_path, variant="lda"))
    assert (first.variant, second.variant) == ("light_vgg", "attitude")
    assert [line.split for line in first.lines] == ["training", "validation"] * 2
    history = runs[2].history
    assert first.lines[1].points == list(zip(history["epoch"], history["val_accuracy"], strict=True))
    assert first.epochs == len(history) and len(first.kept) == 2


def test_the_kept_epoch_has_the_accuracy_of_its_saved_probabilities(tmp_path):
    run = write_fake_run(tmp_path)
    (panel,) = _curves(run)
    kept = run.metrics["history"]["kept_epoch"]
    assert panel.kept == [(kept, run.metrics["validation"]["single"]["accuracy"])]
    assert panel.kept_on == "validation"


def test_without_validation_images_the_training_images_tell(tmp_path):
    run = write_fake_run(tmp_path, protocol="random_split")
    _set_history(run, accuracy=[0.2, 0.9])
    (panel,) = _curves(run)
    assert [line.split for line in panel.lines] == ["training"]
    assert panel.kept_on == "training" and panel.kept == [(2, 0.9)]


@pytest.mark.parametrize("epochs", [1, MOST_POINTS, MOST_POINTS + 1, 4 * MOST_POINTS])
def test_a_long_line_is_thinned_to_means(tmp_path, epochs):
    run = write_fake_run(tmp_path)
    shares = [epoch / epochs for epoch in range(1, epochs + 1)]
    _set_history(run, accuracy=shares)
    places, drawn = np.transpose(_curves(run)[0].lines[0].points)
    assert len(places) <= MOST_POINTS and (epochs > MOST_POINTS or len(places) == epochs)
    np.testing.assert_allclose(drawn, places / epochs)


def test_a_page_draws_them_and_says_what_is_small(tmp_path):
    write_fake_run(tmp_path / "ours", variant="model_a_short", paper=LIU)
    publish(tmp_path / "ours", destination=tmp_path / "published")
    text = write_index(tmp_path, "paper")
    figure = text[text.index('data-curve="model_a_short"') :].partition("</figure>")[0]
    assert "25 epochs of 250" in figure
    lines = re.findall(r'<polyline class="(\w+)" points="([^"]+)"', figure)
    assert [split for split, _ in lines] == ["training", "validation"]
    assert all(0 <= float(number) <= 240 for _, points in lines for number in re.split("[ ,]", points.strip()))
    assert len(re.findall("<circle", figure)) == 1
    assert (
        "no measured one gets a verdict" in text[text.index(f'data-paper-details="{LIU}"') :].partition("</article>")[0]
    )
