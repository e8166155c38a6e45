"""Training curves: loss and learning rate of every experiment, and validation on the way, as SVG."""

import io
from collections.abc import Sequence

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from danet.reporting.figures.style import style
from danet.reporting.page.finished_runs import FinishedRun

COLUMNS, ROW = 4, 1.7
"""Panels beside each other, and inches for a row of them."""
LOSS_COLOUR, RATE_COLOUR = sns.color_palette("colorblind")[0], "0.55"


def draw_curves(runs: Sequence[FinishedRun]) -> str:
    """One small panel an experiment: loss of each seed (left axis) and learning rate (right axis).

    Returns:
        The text of an SVG file, the same for the same runs.
    """
    lines = pd.DataFrame(
        [
            {"experiment": run.record.experiment, "seed": run.record.seed, **line}
            for run in runs
            for line in run.metrics
        ],
        columns=["experiment", "seed", "step", "loss", "learning_rate"],
    )
    experiments = list(lines["experiment"].unique())
    rows = max(1, -(-len(experiments) // COLUMNS))
    with style(), mpl.rc_context({"svg.hashsalt": "danet", "svg.fonttype": "path"}):
        height = ROW * rows + 0.1
        figure = Figure((10, height))
        # Fixed margins: letting matplotlib find them doubles the time.
        margins = {"left": 0.035, "right": 0.965, "bottom": 0.3 / height, "top": 1 - 0.25 / height}
        panels = figure.subplots(
            rows, COLUMNS, squeeze=False, gridspec_kw=margins | {"wspace": 0.42, "hspace": 0.42}
        ).flat
        for panel in panels:
            panel.set_visible(False)
        for panel, experiment in zip(figure.axes, experiments, strict=False):
            _panel(panel, experiment, lines.query("experiment == @experiment"))
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()


def draw_validation(runs: Sequence[FinishedRun]) -> str | None:
    """mIoU on the few images that trainings looked at, one line a run, one colour an experiment.

    Returns:
        The text of an SVG file, the same for the same runs; None where no training looked.
    """
    looks = pd.DataFrame(
        [
            {
                "experiment": run.record.experiment,
                "run": f"{run.record.experiment} {run.record.seed}",
                "step": line["step"],
                "mIoU, %": 100 * line["validation"]["miou"],
            }
            for run in runs
            for line in run.metrics
            if "validation" in line
        ]
    )
    if looks.empty:
        return None
    with style(), mpl.rc_context({"svg.hashsalt": "danet", "svg.fonttype": "path"}):
        figure = Figure((10, 2.6), layout="constrained")
        axes = figure.subplots()
        sns.lineplot(
            looks, x="step", y="mIoU, %", hue="experiment", units="run", estimator=None, marker=".", ax=axes
        )
        axes.set(xlim=(0, None))
        sns.move_legend(axes, "center left", bbox_to_anchor=(1, 0.5), frameon=False)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue()


def _panel(axes: Axes, experiment: str, lines: pd.DataFrame) -> None:
    axes.set_visible(True)
    rates = axes.twinx()
    first_seed = lines["seed"].iloc[0]
    one_seed = lines.query(f"seed == {first_seed}")
    sns.lineplot(
        one_seed, x="step", y="learning_rate", ax=rates, color=RATE_COLOUR, linestyle="--", linewidth=0.9
    )
    sns.lineplot(
        lines, x="step", y="loss", units="seed", estimator=None, ax=axes, color=LOSS_COLOUR, linewidth=1.2
    )
    axes.set_title(experiment, loc="left", weight="bold")
    axes.set(xlabel="", ylabel="", ylim=(0, None), xlim=(0, None))
    rates.set(xlabel="", ylabel="", ylim=(0, None))
    axes.tick_params(axis="y", colors=LOSS_COLOUR)
    rates.tick_params(axis="y", colors=RATE_COLOUR)
    for place in (axes, rates):
        place.yaxis.set_major_locator(MaxNLocator(4))
        place.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        place.tick_params(labelsize=6.5)
        place.spines["top"].set_visible(False)
        place.spines["right"].set_visible(False)
