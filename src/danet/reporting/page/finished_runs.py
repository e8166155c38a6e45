"""The trainings of a plan as the report shows them: run.json, metrics.jsonl and the scores."""

from dataclasses import dataclass

from danet.reporting.tables.scores import evaluation_of, run_of
from danet.runs.evaluation_file import EvaluationRecord
from danet.runs.metrics import MetricsLine, read_metrics
from danet.runs.record import RunRecord
from danet.settings import ExperimentName, Plan, ProtocolName


@dataclass(frozen=True)
class FinishedRun:
    """One training and what came of it."""

    record: RunRecord
    metrics: list[MetricsLine]
    """Empty where there is no metrics.jsonl."""
    evaluations: dict[ProtocolName, EvaluationRecord]


def read_runs(plan: Plan) -> list[FinishedRun]:
    """All trainings of the plan, in its order.

    Raises:
        MissingDataError: one has not finished, or an evaluation of it has not been made.
        BadDataError: one of its files is damaged, or of other settings.
    """
    return [_read_run(plan, experiment, seed) for experiment in plan.experiments for seed in plan.seeds]


def _read_run(plan: Plan, experiment: ExperimentName, seed: int) -> FinishedRun:
    return FinishedRun(
        record=run_of(plan, experiment, seed),
        metrics=read_metrics(plan.paths.run(experiment, seed).metrics),
        evaluations={
            row.protocol: evaluation_of(plan, row, seed)
            for row in plan.evaluations
            if row.experiment == experiment
        },
    )
