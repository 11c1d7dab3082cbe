"""Run folders and cards -> data frames for a notebook to show: numbers read, summed or averaged, published beside.

Accuracies and rates are fractions, counts integers; `as_percent` formats both, `as_compared` differences, tests and
measures in units of their own as well.
"""

from fer_lib.tables.classes import class_accuracy_table, class_report_table
from fer_lib.tables.common import common_images_table, twin_table
from fer_lib.tables.comparisons import as_compared, ensemble_table, paired_table, penalty_table, view_table
from fer_lib.tables.heat import heat_table
from fer_lib.tables.networks import enlarging_table, network_table
from fer_lib.tables.overview import as_percent, grouping_table, hyperparameter_table, score_table
from fer_lib.tables.phases import phase_table
from fer_lib.tables.scores import SCORED_ON, SCORES, accuracy_table, split_score_table

__all__ = [
    "SCORED_ON",
    "SCORES",
    "accuracy_table",
    "as_compared",
    "as_percent",
    "class_accuracy_table",
    "class_report_table",
    "common_images_table",
    "enlarging_table",
    "ensemble_table",
    "grouping_table",
    "heat_table",
    "hyperparameter_table",
    "network_table",
    "paired_table",
    "penalty_table",
    "phase_table",
    "score_table",
    "split_score_table",
    "twin_table",
    "view_table",
]
