"""Run folders and cards -> data frames for a notebook to show: numbers read, summed or averaged, published beside.

Accuracies and rates are fractions, counts integers; `as_percent` formats both.
"""

from fer_lib.tables.classes import class_accuracy_table, class_report_table
from fer_lib.tables.common import common_images_table, twin_table
from fer_lib.tables.overview import as_percent, grouping_table, hyperparameter_table, score_table
from fer_lib.tables.scores import SCORED_ON, SCORES, accuracy_table, split_score_table

__all__ = [
    "SCORED_ON",
    "SCORES",
    "accuracy_table",
    "as_percent",
    "class_accuracy_table",
    "class_report_table",
    "common_images_table",
    "grouping_table",
    "hyperparameter_table",
    "score_table",
    "split_score_table",
    "twin_table",
]
