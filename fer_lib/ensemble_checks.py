"""An ensemble's published comparison with its better member -> what of it the published probabilities deny."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from fer_lib.ensemble import average_probabilities, compare_with_better_member
from fer_lib.epoch_predictions import TOLERATED_IMAGES
from fer_lib.intervals import mcnemar, paired_difference
from fer_lib.runs import Run

HALF_PRECISION = 1e-3
"""How far the average of published probabilities may be from what is published of the average."""

ROUNDING = 1e-9


def find_unproven(run: Run) -> list[str]:
    """What of an ensemble's comparison with its better member does not follow from the probabilities of the three.

    Args:
        run: a run beside its members' in the folder of their paper; one that is no ensemble has nothing to prove.

    Returns:
        In words, by view: members that are not there; another better member or number of images; counts and accuracies
        that differ by more than `TOLERATED_IMAGES` images; what does not follow from the counts; probabilities that are
        no average by the stored weight. Empty where all is well.
    """
    findings = []
    for view, stored in run.metrics.get("ensemble", {}).items():
        members = {name: Run(run.folder.parents[1] / name / run.folder.name) for name in stored["member_accuracies"]}
        missing = [name for name, member in members.items() if not member.is_complete]
        if missing:
            findings.append(f"ensemble ({view}) has members that are not published: {', '.join(missing)}")
            continue
        test = run.predictions("test", view)
        answers = {name: member.predictions("test", view).probabilities for name, member in members.items()}
        computed = compare_with_better_member(
            test.labels,
            test.probabilities,
            answers,
            run.predictions("validation").labels,  # in the single view whatever the other: no crops decide anything
            {name: member.predictions("validation").probabilities for name, member in members.items()},
        )
        findings += [f"ensemble ({view}) has {told}" for told in _unproven_scores(stored, computed)]
        if "weight" in stored:
            first, second = (answers[member["variant"]] for member in run.request["members"])
            average = average_probabilities(first, second, stored["weight"])
            if np.abs(average - test.probabilities).max() > HALF_PRECISION:
                findings.append(f"ensemble ({view}) has probabilities that no weight of {stored['weight']} gives")
    return findings


def _unproven_scores(stored: Mapping[str, Any], computed: Mapping[str, Any]) -> list[str]:
    """What is stored of a comparison and follows neither from probabilities nor from the counts beside it, in words."""
    others = [f"{name} {stored[name]}" for name in ("better_member", "n") if stored[name] != computed[name]]
    if others:
        return others
    counts = ("only_ensemble", "only_member")
    if any(abs(computed[count] - stored[count]) > TOLERATED_IMAGES for count in counts):
        numbers = [", ".join(f"{count} {found[count]}" for count in counts) for found in (computed, stored)]
        return [f"{numbers[0]} from the probabilities, {numbers[1]} in its metrics"]
    tolerance = TOLERATED_IMAGES / stored["n"] + ROUNDING
    for name in ("member_accuracies", "member_validation_accuracies"):
        if any(abs(stored[name][member] - found) > tolerance for member, found in computed[name].items()):
            others.append(f"other {name} than its members")
    if abs(stored["accuracy"] - computed["accuracy"]) > tolerance:
        others.append(
            f"accuracy {computed['accuracy']:.4f} from the probabilities, {stored['accuracy']:.4f} in its metrics"
        )
    follows = _from_counts(stored["n"], *(stored[count] for count in counts))
    unlike = [name for name, found in follows.items() if not np.allclose(stored[name], found, rtol=0, atol=ROUNDING)]
    return others + [f"{name} {stored[name]}, which its counts do not give" for name in unlike]


def _from_counts(images: int, only_ensemble: int, only_member: int) -> dict[str, Any]:
    """What follows from the images on which the ensemble or its better member alone is right."""
    counts = np.maximum([only_ensemble, only_member, images - only_ensemble - only_member], 0)
    right, member_right = (np.repeat(who, counts) for who in ((1, 0, 1), (0, 1, 1)))
    difference, test = paired_difference(right, member_right), mcnemar(right, member_right)
    return {
        "gain": difference["difference"],
        "gain_interval": difference["interval"],
        "p_exact": test["p_exact"],
        "p_mid": test["p_mid"],
    }
