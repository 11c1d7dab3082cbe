import pandas as pd
import pytest
from fake_runs import write_fake_run

from fer_lib import papers
from fer_lib.labels import GROUPINGS
from fer_lib.tables import as_percent, grouping_table, hyperparameter_table, score_table

CARD = papers.load("shi_light_vgg")


def test_every_hyperparameter_has_a_row_with_its_origin():
    table = hyperparameter_table(CARD).set_index("hyper-parameter")
    assert list(table.index) == list(CARD.hyperparameters)
    assert table["origin"].to_dict() == {name: value.origin for name, value in CARD.hyperparameters.items()}
    assert table.loc["dropout_rate"].tolist() == ["0.5", "stated", "Section 4.2"]
    assert (table["where or why"].str.len() > 0).all()


def test_every_run_has_a_row_with_the_scores_of_its_folder(tmp_path):
    networks = [write_fake_run(tmp_path, seed=seed) for seed in (0, 1)]
    lda = write_fake_run(tmp_path, variant="lda", accuracy=0.35)
    table = score_table({"light VGG": networks, "LDA": [lda]})
    assert table["model"].tolist() == ["light VGG", "light VGG", "LDA"]
    assert table["seed"].tolist() == [0, 1, 0]
    assert table["kept epoch"].tolist() == [7, 7, "–"]
    for (_, row), run in zip(table.iterrows(), [*networks, lda], strict=True):
        test = run.metrics["test"]
        assert row["PublicTest"] == run.metrics["validation"]["single"]["accuracy"]
        assert row["PrivateTest"] == test["single"]["accuracy"] != test["single_unleaked"]["accuracy"]
        assert row["PrivateTest without leaks"] == test["single_unleaked"]["accuracy"]
        assert row["macro F1"] == test["single"]["macro_f1"]


def test_no_runs_make_no_rows():
    assert len(score_table({})) == len(score_table({"light VGG": []})) == 0


def test_grouping_sets_summed_probabilities_beside_trained_ones(tmp_path):
    run = write_fake_run(tmp_path)
    retrained = {
        "disgust_in_angry": write_fake_run(tmp_path, variant="merged_disgust", accuracy=0.7),
        "attitude": write_fake_run(tmp_path, variant="attitude", accuracy=0.8),
    }
    table = grouping_table(run, retrained).set_index(["classes", "probabilities"])
    assert list(table.index) == [
        ("seven emotions", "as trained"),
        ("disgust_in_angry", "summed"),
        ("disgust_in_angry", "trained"),
        ("attitude", "summed"),
        ("attitude", "trained"),
    ]
    assert table.loc[("seven emotions", "as trained"), "accuracy"] == run.metrics["test"]["single"]["accuracy"]
    saved = run.predictions("test")
    for name, other in retrained.items():
        labels = GROUPINGS[name].labels(saved.labels)
        predicted = GROUPINGS[name].probabilities(saved.probabilities).argmax(axis=1)
        assert table.loc[(name, "summed"), "accuracy"] == pytest.approx((predicted == labels).mean())
        assert table.loc[(name, "trained"), "accuracy"] == other.metrics["test"]["single"]["accuracy"]
        shares = pd.Series(labels).value_counts(normalize=True)
        assert table.loc[(name, "summed"), "largest_class"] == pytest.approx(shares.max())


def test_percent_has_one_decimal_and_no_index():
    table = pd.DataFrame({"model": ["LDA"], "seed": [3], "accuracy": [0.35149], "missing": [float("nan")]}, index=[77])
    html = as_percent(table).to_html()
    assert "35.1%" in html and ">3<" in html and ">–<" in html
    assert "77" not in html


def test_percent_takes_the_score_table_as_it_is(tmp_path):
    runs = {"light VGG": [write_fake_run(tmp_path)], "LDA": [write_fake_run(tmp_path, variant="lda")]}
    accuracy = runs["LDA"][0].metrics["test"]["single"]["accuracy"]
    html = as_percent(score_table(runs)).to_html()
    assert f"{accuracy:.1%}" in html and ">7<" in html and ">–<" in html
