"""The trainings of a profile as the report shows them: run.json, metrics.jsonl and the scores."""

from dataclasses import dataclass
from typing import Any

from danet.errors import BadDataError, MissingDataError
from danet.files import read_json
from danet.reporting.scores import read_evaluation, short_commit
from danet.settings import Params, plan, result_paths
from danet.training.records import read_metrics


@dataclass(frozen=True)
class FinishedRun:
    """One training and what came of it."""

    facts: dict[str, Any]
    """run.json."""
    metrics: list[dict[str, Any]]
    """Lines of metrics.jsonl; empty where the file is not there."""
    evaluations: dict[str, dict[str, Any]]
    """Evaluation files by protocol."""

    @property
    def commit(self) -> str:
        """Short commit, ``+`` where files had been changed since; a dash where unknown."""
        return short_commit(self.facts) or "–"


def read_runs(params: Params) -> list[FinishedRun]:
    """All trainings that the profile plans, in the plan's order.

    Raises:
        MissingDataError: one has not finished, or an evaluation of it has not been made.
        BadDataError: one of its files is damaged.
    """
    planned = plan(params)
    protocols: dict[str, list[str]] = {}
    for row in planned.evaluations:
        protocols.setdefault(row.experiment, []).append(row.protocol)
    return [
        _read_run(params, experiment, seed, protocols.get(experiment, []))
        for experiment in planned.experiments
        for seed in params.seeds
    ]


def _read_run(params: Params, experiment: str, seed: int, protocols: list[str]) -> FinishedRun:
    files = result_paths(params).run(experiment, seed)
    remedy = f"danet train --experiment {experiment} --seed {seed} --profile {params.profile}"
    try:
        facts, metrics = read_json(files.record), read_metrics(files.metrics)
    except FileNotFoundError:
        raise MissingDataError(f"{files.record} is not here", remedy) from None
    except ValueError as error:
        raise BadDataError(f"{files.record} is damaged: {error}", remedy) from None
    evaluations = {name: read_evaluation(params, experiment, seed, name) for name in protocols}
    return FinishedRun(facts, metrics, evaluations)
