"""Histories of trainings and trials of a search -> curves and points."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.ticker import MaxNLocator, PercentFormatter

from fer_lib.charts import BLUE, VERMILION, Chart, draw_parameter, make_chart, style_axes
from fer_lib.figures.wording import listed

EPOCHS_WITH_DOTS = 40
"""Longer curves are drawn without a dot at each epoch, which would hide their dashes."""


def plot_history(histories: Sequence[pd.DataFrame], metric: str = "accuracy", title: str | None = None) -> Chart:
    """A metric against the epoch on training and validation images (Shi, Figures 3 and 4): thin seeds, thick mean.

    Args:
        histories: one table per seed with columns `epoch`, `metric` and `val_<metric>`; where no table holds a number
            of validation images (there are none), the training curves alone are drawn.
        metric: "accuracy", "loss" or any other column.
        title: heading; None makes one from the metric.

    Raises:
        ValueError: if there is no history, a column is missing, or some histories have a validation curve and some not.
    """
    if not histories:
        raise ValueError(f"histories must hold at least one table. Received: {histories!r}")
    title = title or f"{metric.capitalize()} against epoch"
    seeds = f"mean of {len(histories)} seeds" if len(histories) > 1 else "one seed"
    chart = make_chart(9.5, 4.4)
    axes = chart.add_subplot(title=title, xlabel="epoch", ylabel="loss (nats)" if metric == "loss" else metric)
    lines = [("training", metric, BLUE, "-"), ("validation", f"val_{metric}", VERMILION, (0, (5, 1.2)))]
    ends = []
    for name, column, colour, dashes in lines if _are_validated(histories, metric) else lines[:1]:
        curves = pd.concat([_curve(history, column) for history in histories], axis=1)
        mean = curves.mean(axis=1)
        if len(histories) > 1:
            axes.plot(curves.index, curves, color=colour, linewidth=0.8, alpha=0.45)
        marker = "." if len(mean) <= EPOCHS_WITH_DOTS else None
        label = f"{name}, {seeds}"
        axes.plot(mean.index, mean, color=colour, linewidth=2.2, linestyle=dashes, marker=marker, label=label)
        ends.append(f"{name} ends at {mean.iloc[-1]:.3f} after epoch {mean.index[-1]}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if len(mean) == 1:
        axes.set_xlim(mean.index[0] - 1, mean.index[0] + 1)
    if metric == "accuracy":
        axes.yaxis.set_major_formatter(PercentFormatter(1))
    style_axes(axes)
    axes.legend(frameon=False)
    chart.description = f"{title}, {seeds}: {'; '.join(ends)}."
    return chart


def plot_search(trials: pd.DataFrame, score: str = "score", title: str = "Random search") -> Chart:
    """Score of each trial against each hyper-parameter, the best trial marked by a star.

    Args:
        trials: one row per trial: column `score` (a fraction; NaN where the trial failed) and one per hyper-parameter.
        score: name of the column to maximise.
        title: heading of the figure.

    Raises:
        ValueError: if there is no scored trial, no such column or no hyper-parameter.
    """
    names = [name for name in map(str, trials.columns) if name != score]
    scored = trials.dropna(subset=[score]) if score in trials.columns else trials.iloc[:0]
    if scored.empty or not names:
        received = f"{len(trials)} rows of {list(trials.columns)}"
        raise ValueError(f"trials must hold a {score!r} and at least one hyper-parameter. Received: {received}")
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    counted = f"{len(scored)} trial{'' if len(scored) == 1 else 's'}"
    chart = make_chart(max(3.2 * columns, 5.5), 0.5 + 2.6 * rows, f"{title}: {counted}")
    grid = chart.subplots(rows, columns, squeeze=False, sharey=True)
    best = int(scored[score].argmax())
    for index, axes in enumerate(grid.ravel()):
        if index < len(names):
            draw_parameter(axes, scored[names[index]], scored[score], best)
        else:
            axes.set_axis_off()
    for axes in grid[:, 0]:
        axes.set_ylabel(score)
    values = listed({name: scored[name].iloc[best] for name in names})
    chart.description = f"{title}, {counted}; the best, {float(scored[score].max()):.1%}, has {values}."
    return chart


def _are_validated(histories: Sequence[pd.DataFrame], metric: str) -> bool:
    """Whether every history has a validation curve; refuse a mixture."""
    column = f"val_{metric}"
    validated = [column in history and bool(history[column].notna().any()) for history in histories]
    if any(validated) and not all(validated):
        raise ValueError(f"all histories or none must hold numbers in {column!r}. Received: {validated}")
    return all(validated)


def _curve(history: pd.DataFrame, column: str) -> pd.Series:
    if not {"epoch", column} <= set(history.columns):
        raise ValueError(f"a history must hold 'epoch' and {column!r}. Received: columns {list(history.columns)}")
    return history.set_index("epoch")[column]
