"""The MLflow run of one training: what it has, and sending what it lacks.

Nothing here is sent twice: every part looks at what the run has, and a point that was sent without an
answer has the same time and value the next time, which MLflow takes as the same point.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from danet.runs.evaluation_file import EvaluationRecord
from danet.runs.metrics import MetricsLine
from danet.runs.record import DataFacts
from danet.settings import Experiment, Plan
from danet.tracking.description import (
    class_table,
    evaluation_metrics,
    params,
    protocol_words,
    run_name,
    tags,
    training_metrics,
)
from danet.tracking.store import artifact_folder
from danet.tracking.training_file import Status, TrackedTraining

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Run

LARGEST_BATCH = 1000
"""Metrics that MLflow takes at once."""
SUPERSEDED = "superseded_by"
"""Tag: the run of a later training of the same id."""


class SentRun:
    """An MLflow run that can be written to.

    Args:
        client: of its store.
        run: as it is there.
        started: of the training.
    """

    def __init__(self, client: "MlflowClient", run: "Run", started: int) -> None:
        self._client, self._run, self._started = client, run, started
        self.run_id = run.info.run_id
        self._steps = {point.step for point in client.get_metric_history(self.run_id, "loss")}

    def describe(self, plan: Plan, experiment: Experiment, seed: int, training: TrackedTraining) -> None:
        """Send what is known from the beginning: tags, settings, training data."""
        from mlflow.entities import Param, RunTag

        there = self._run.data
        lacking = {k: v for k, v in params(experiment, seed).items() if k not in there.params}
        changed = {k: v for k, v in tags(plan, experiment, seed, training).items() if there.tags.get(k) != v}
        if lacking or changed:
            self._client.log_batch(
                self.run_id,
                params=[Param(key, value) for key, value in lacking.items()],
                tags=[RunTag(key, value) for key, value in changed.items()],
            )
        if training.data is not None:
            self.send_data(training.data, plan.dataset(experiment.dataset).paths.prepared("train"), "train")

    def reopen(self) -> None:
        """Show it as running, whatever an attempt before this one has left."""
        if self._run.info.status != "RUNNING":
            self._client.update_run(self.run_id, status="RUNNING")

    def send_data(self, data: DataFacts, folder: Path, context: str) -> None:
        """Add a prepared split, unless the run has one for that context."""
        from mlflow.entities import Dataset, DatasetInput, InputTag
        from mlflow.exceptions import MlflowException

        if context in self._contexts():
            return
        dataset = Dataset(
            name=data.dataset,
            digest=data.digest,
            source_type="local",
            source=json.dumps({"uri": str(folder.absolute())}),
            profile=json.dumps({"images": data.images}),
        )
        tag = InputTag("mlflow.data.context", context)
        inputs = [DatasetInput(dataset, [tag])]
        try:
            self._client.log_inputs(self.run_id, datasets=inputs)
        except MlflowException:
            # Another run may have entered the same data set in the same moment; now it is there.
            self._client.log_inputs(self.run_id, datasets=inputs)
        self._run = self._client.get_run(self.run_id)

    def send_metrics(self, lines: Iterable[MetricsLine]) -> None:
        """Send the lines of metrics.jsonl whose steps the run lacks."""
        from mlflow.entities import Metric

        new = [line for line in lines if line["step"] not in self._steps]
        self._send(
            [
                Metric(name, value, self._time(line), line["step"])
                for line in new
                for name, value in training_metrics(line).items()
            ]
        )
        self._steps.update(line["step"] for line in new)

    def send_samples(self, samples: Iterable[tuple[int, dict[str, float]]]) -> None:
        """Send measurements of the machine; their steps are seconds since the training began."""
        from mlflow.entities import Metric

        self._send(
            [
                Metric(name, value, time, (time - self._started) // 1000)
                for time, values in samples
                for name, value in values.items()
            ]
        )

    def send_evaluation(self, evaluation: EvaluationRecord, time: int, step: int) -> None:
        """Send scores that the run does not have, and the table of its classes."""
        from mlflow.entities import Metric

        metrics = evaluation_metrics(evaluation)
        if any(self._run.data.metrics.get(name) != value for name, value in metrics.items()):
            name = f"{evaluation.protocol.name}_classes.csv"
            self._client.log_text(self.run_id, class_table(evaluation), name)
            self._send([Metric(name, value, time, step) for name, value in metrics.items()])
        tag, words = f"protocol.{evaluation.protocol.name}", protocol_words(evaluation.protocol)
        if words and self._run.data.tags.get(tag) != words:
            self._client.set_tag(self.run_id, tag, words)

    def close(self, status: Status, ended: int | None, files: Iterable[Path]) -> None:
        """Say how and when the training ended, and send the files that it left."""
        if (self._run.info.status, self._run.info.end_time) != (status, ended):
            self._client.set_terminated(self.run_id, status, ended)
        there = {file.path for file in self._client.list_artifacts(self.run_id)}
        for file in files:
            if file.name not in there:
                self._client.log_artifact(self.run_id, str(file))

    def _send(self, metrics: "Sequence[Metric]") -> None:
        for start in range(0, len(metrics), LARGEST_BATCH):
            self._client.log_batch(self.run_id, metrics=metrics[start : start + LARGEST_BATCH])

    def _time(self, line: MetricsLine) -> int:
        """When a line was written; earlier versions only noted the seconds spent training."""
        return int(line["time"] * 1000) if "time" in line else self._started + int(line["seconds"] * 1000)

    def _contexts(self) -> set[str]:
        """What the run's data sets are for."""
        datasets = self._run.inputs.dataset_inputs if self._run.inputs else []
        return {tag.value for each in datasets for tag in each.tags if tag.key == "mlflow.data.context"}


def open_run(
    client: "MlflowClient", plan: Plan, experiment: Experiment, seed: int, training: TrackedTraining
) -> SentRun:
    """Find the run of a training, or create it, and send what is known of it from the beginning."""
    from filelock import FileLock

    collection = _collection(client, plan)
    # Two evaluations of a run that MLflow lacks would each create one.
    with FileLock(plan.paths.run(experiment.id, seed).tracking.with_suffix(".lock"), timeout=10):
        run = _find(client, collection, training)
        if run is None:
            name = run_name(experiment, seed)
            tag = {"training": training.key, "mlflow.user": training.user}
            run = client.create_run(collection, start_time=training.started, tags=tag, run_name=name)
    _mark_superseded(client, run, run_name(experiment, seed), training)
    sent = SentRun(client, run, training.started)
    sent.describe(plan, experiment, seed, training)
    return sent


def _collection(client: "MlflowClient", plan: Plan) -> str:
    """Id of MLflow's experiment, which holds all runs of a profile."""
    from mlflow.exceptions import MlflowException

    name = f"danet-{plan.profile}"
    known = client.get_experiment_by_name(name)
    if known is None:
        try:
            # Without the kind, MLflow's page guesses between model training and GenAI.
            kind = {"mlflow.experimentKind": "custom_model_development"}
            return client.create_experiment(name, artifact_folder(plan.tracking_uri, name), kind)
        except MlflowException:  # another process was quicker
            known = client.get_experiment_by_name(name)
            if known is None:
                raise
    if known.lifecycle_stage == "deleted":
        client.restore_experiment(known.experiment_id)
    return known.experiment_id


def _find(client: "MlflowClient", collection: str, training: TrackedTraining) -> "Run | None":
    """The run that the training has, unless a user has deleted it."""
    from mlflow.exceptions import MlflowException

    found = client.search_runs([collection], f"tags.training = '{training.key}'", max_results=1)
    if found or training.run_id is None:
        return found[0] if found else None
    try:
        run = client.get_run(training.run_id)
    except MlflowException:  # of another store
        return None
    return run if run.info.lifecycle_stage == "active" else None


def _mark_superseded(client: "MlflowClient", run: "Run", name: str, training: TrackedTraining) -> None:
    """Of all trainings of one id the latest is the one that counts."""
    query, order = f"attributes.run_name = '{name}'", ["attributes.start_time ASC"]
    runs = client.search_runs([run.info.experiment_id], query, order_by=order)
    for other in runs[:-1]:  # none where a user has renamed the run
        if SUPERSEDED in other.data.tags:
            continue
        client.set_tag(other.info.run_id, SUPERSEDED, runs[-1].info.run_id)
        # Its process is dead, since a run's folder has one writer.
        if other.info.status == "RUNNING" and other.data.tags.get("folder") == training.folder:
            client.set_terminated(other.info.run_id, "KILLED", training.started)
