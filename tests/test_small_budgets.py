"""Networks trained for less than in their paper: no verdict on their numbers, one on comparisons among them."""

import pytest
from tiny_runs import accuracy, calls, judge, make_card, make_run, timing

SMALL = "4 epochs of 32"
NETWORK = {"kind": "network", "description": "a network", "model": "light_vgg"}


def judged(claim, *runs, small=("a", "b")):
    card = make_card(claim)
    variants = {
        name: variant.model_copy(update={"small_budget": SMALL if name in small else None})
        for name, variant in card.variants.items()
    }
    (judgement,) = judge(card.model_copy(update={"variants": variants}), runs)
    return judgement


def test_a_number_of_a_small_budget_is_shown_without_a_verdict(tmp_path):
    judgement = judged(accuracy(kind="value", published="58.6 %"), make_run(tmp_path, predicted=calls(586)))
    assert judgement.verdict is None and judgement.measured_text.startswith("58.6 %")
    assert judgement.reason == f"small budget (a: {SMALL})"


def test_what_no_training_changes_is_judged(tmp_path):
    assert judged(timing(), make_run(tmp_path, timing={"seconds": 6.0})).verdict == "reproduced"


def test_what_training_decides_of_the_run_as_a_whole_is_not(tmp_path):
    claim = timing("at_least", "0.5", metric="history.max_accuracy")
    judgement = judged(claim, make_run(tmp_path, history={"max_accuracy": 0.9}))
    assert judgement.verdict is None and judgement.reason == f"small budget (a: {SMALL})"


@pytest.mark.parametrize(
    ("small", "verdict"), [(("a", "b"), "reproduced"), (("a",), None), (("b",), None), ((), "reproduced")]
)
def test_variants_of_small_budgets_are_compared_with_their_like_alone(tmp_path, small, verdict):
    claim = accuracy(kind="difference", minus="b")
    runs = [make_run(tmp_path, name, predicted=calls(right)) for name, right in (("a", 600), ("b", 500))]
    assert judged(claim, *runs, small=small).verdict == verdict


@pytest.mark.parametrize(("epochs", "verdict"), [(4, "reproduced"), (6, None)])
def test_networks_of_small_budgets_are_compared_at_equal_epochs_alone(tmp_path, epochs, verdict):
    card = make_card(
        accuracy(kind="difference", minus="b"),
        a={**NETWORK, "hyperparameters": {"epochs": 4}, "small_budget": SMALL},
        b={**NETWORK, "hyperparameters": {"epochs": epochs}, "small_budget": "another"},
    )
    runs = [make_run(tmp_path, name, predicted=calls(right)) for name, right in (("a", 600), ("b", 500))]
    (judgement,) = judge(card, runs)
    assert judgement.verdict == verdict


@pytest.mark.parametrize(("epochs", "verdict"), [(4, "reproduced"), (6, None)])
def test_an_ensemble_of_small_budgets_is_compared_as_its_members_are(tmp_path, epochs, verdict):
    """Whether fusing two networks helps rests on how good the other one is."""
    network = {**NETWORK, "small_budget": SMALL}
    ensemble = {"kind": "ensemble", "description": "both", "model": "average", "members": ["b", "c"]}
    card = make_card(
        accuracy(kind="difference", minus="b"),
        a={**ensemble, "small_budget": SMALL},
        b={**network, "hyperparameters": {"epochs": 4}},
        c={**network, "hyperparameters": {"epochs": epochs}},
    )
    runs = [make_run(tmp_path, name, predicted=calls(right)) for name, right in (("a", 600), ("b", 500))]
    (judgement,) = judge(card, runs)
    assert judgement.verdict == verdict


@pytest.mark.parametrize(("small", "verdict"), [(("a", "b"), None), ((), "reproduced")])
def test_what_only_a_whole_training_shows_is_not_judged_of_small_budgets(tmp_path, small, verdict):
    claim = accuracy(kind="difference", minus="b", full_budget=True)
    runs = [make_run(tmp_path, name, predicted=calls(right)) for name, right in (("a", 600), ("b", 500))]
    assert judged(claim, *runs, small=small).verdict == verdict


@pytest.mark.parametrize(("small", "verdict"), [(("a", "b"), None), ((), "reproduced")])
def test_how_far_one_small_budget_is_above_another_is_not_judged(tmp_path, small, verdict):
    claim = accuracy(kind="difference", minus="b", published="+10 points")
    runs = [make_run(tmp_path, name, predicted=calls(right)) for name, right in (("a", 600), ("b", 500))]
    assert judged(claim, *runs, small=small).verdict == verdict
