"""Small files behind DVC's own views: mIoU by experiment (``dvc metrics``) and loss curves (``dvc plots``).

Input: results/<profile>/<recipe>/runs and eval.
Output: metrics/<profile>/<recipe>/<experiment>.json, for git, and
results/<profile>/<recipe>/curves/<experiment>.csv.
"""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev

from danet.files import write_json, write_text
from danet.reporting.page.finished_runs import FinishedRun, read_runs
from danet.settings import Plan, ProtocolName

LONGEST_CURVE = 200
"""Points of a curve; longer ones are thinned."""


def write_dvc_views(plan: Plan) -> list[Path]:
    """Write both files of every experiment of the plan.

    Returns:
        Their folders.

    Raises:
        MissingDataError: a run or an evaluation of the plan has not been made yet.
        BadDataError: a file of it is damaged, or of other settings.
    """
    runs = read_runs(plan)
    for name in plan.experiments:
        seeds = [run for run in runs if run.record.experiment == name]
        write_json(plan.paths.metrics(name), _scores(seeds, plan.protocols_of(name)))
        write_text(plan.paths.curve(name), _curve(seeds[0]))
    return [plan.paths.metrics(plan.experiments[0]).parent, plan.paths.curve(plan.experiments[0]).parent]


def _scores(seeds: Sequence[FinishedRun], protocols: Sequence[ProtocolName]) -> dict[str, float]:
    """Mean mIoU of the seeds by protocol, 0 to 1, and their deviation where there are several."""
    scores: dict[str, float] = {}
    for protocol in protocols:
        values = [run.evaluations[protocol].miou for run in seeds]
        scores[protocol] = round(fmean(values), 4)
        if len(values) > 1:
            scores[f"{protocol}_deviation"] = round(stdev(values), 4)
    return scores


def _curve(run: FinishedRun) -> str:
    """The loss of one training by step, as CSV."""
    lines = run.metrics[:: -(-len(run.metrics) // LONGEST_CURVE) or 1]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", "loss"])
    writer.writerows([line["step"], round(line["loss"], 5)] for line in lines)
    return text.getvalue()
