"""Values -> matplotlib figures: titled, with units, safe for colour-blind readers, never shown or saved here.

Every function returns a `Chart`, a `matplotlib.figure.Figure` that a notebook displays as its cell's value. Accuracy
and shares come in as fractions and are printed as percent.
"""

from fer_lib.figures.comparisons import plot_accuracies, plot_resplits
from fer_lib.figures.costs import plot_all_costs, plot_costs
from fer_lib.figures.curves import plot_history, plot_search
from fer_lib.figures.distributions import plot_class_counts, plot_class_distribution, plot_label_distribution
from fer_lib.figures.epochs import plot_epochs, plot_flattery
from fer_lib.figures.heatmaps import plot_curves, plot_heatmaps
from fer_lib.figures.images import plot_duplicates, plot_image_grid, plot_random_images, plot_transforms
from fer_lib.figures.pairs import plot_claims, plot_pairs
from fer_lib.figures.predictions import plot_confusion, plot_confusion_examples, plot_predictions
from fer_lib.figures.scenes import plot_scenes
from fer_lib.figures.scoreboard import plot_recalls, plot_scoreboard

__all__ = [
    "plot_accuracies",
    "plot_all_costs",
    "plot_claims",
    "plot_class_counts",
    "plot_class_distribution",
    "plot_confusion",
    "plot_confusion_examples",
    "plot_costs",
    "plot_curves",
    "plot_duplicates",
    "plot_epochs",
    "plot_flattery",
    "plot_heatmaps",
    "plot_history",
    "plot_image_grid",
    "plot_label_distribution",
    "plot_pairs",
    "plot_predictions",
    "plot_random_images",
    "plot_recalls",
    "plot_resplits",
    "plot_scenes",
    "plot_scoreboard",
    "plot_search",
    "plot_transforms",
]
