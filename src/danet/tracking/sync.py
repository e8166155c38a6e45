"""Bringing MLflow up to date with the files of a run: while it trains, and whenever it is asked for."""

import logging
from contextlib import suppress
from threading import Thread

from danet.errors import RunBusyError
from danet.paths import RunPaths
from danet.runs.config import read_config
from danet.runs.evaluation_file import read_evaluation
from danet.runs.metrics import read_newest_metrics
from danet.runs.record import RunRecord, read_record
from danet.runs.writer import only_writer
from danet.settings import Experiment, Plan
from danet.tracking.sent_run import SentRun, open_run
from danet.tracking.store import open_store
from danet.tracking.training_file import (
    Status,
    TrackedTraining,
    data_facts,
    milliseconds,
    now,
    read_training,
    training_of,
    write_training,
)

log = logging.getLogger(__name__)

SECONDS_TO_SEND = 30
"""That a command which has ended its work waits for MLflow."""


def send_run(plan: Plan, experiment_id: str, seed: int) -> bool:
    """Send everything of a run that MLflow lacks, from its files; safe to repeat.

    Never raises: MLflow is a view, and what cannot be sent now is sent by the next call.

    Args:
        plan: for the store, and for where the files lie.
        experiment_id: key in ``experiments``.
        seed: of the run.

    Returns:
        Whether MLflow has all of it.
    """
    return plan.tracking_uri == "none" or _in_time(plan, experiment_id, seed)


def send_runs(plan: Plan) -> bool:
    """The same for every run of a plan; ends with the first that cannot be sent."""
    runs = ((experiment, seed) for experiment in plan.experiments for seed in plan.seeds)
    return plan.tracking_uri == "none" or all(_in_time(plan, *run) for run in runs)


def _in_time(plan: Plan, experiment_id: str, seed: int) -> bool:
    faults: list[Exception | None] = []

    def send() -> None:
        try:
            _send_run(plan, experiment_id, seed)
            faults.append(None)
        except Exception as error:
            faults.append(error)

    thread = Thread(target=send, name="mlflow", daemon=True)
    thread.start()
    thread.join(SECONDS_TO_SEND)
    if faults == [None]:
        return True
    log.warning("%s", not_sent(plan.tracking_uri, faults[0] if faults else None))
    return False


def not_sent(store: str, fault: Exception | None) -> str:
    """The line for a user whose results are complete and whose view of them is not."""
    reason = (str(fault).strip() or repr(fault)).splitlines()[0] if fault else "no answer"
    return f"MLflow at {store}: {reason}; what it lacks of this run is sent later, from the run's files"


def _send_run(plan: Plan, experiment_id: str, seed: int) -> None:
    paths = plan.paths.run(experiment_id, seed)
    record = read_record(paths.record) if paths.record.exists() else None
    training = _training(paths, record)
    experiment = _experiment(plan, paths, experiment_id, seed, training)
    if training is None or experiment is None:
        return
    run = open_run(open_store(plan.tracking_uri), plan, experiment, seed, training)
    run.send_metrics(read_newest_metrics(paths))
    if training.status == "FINISHED":
        _send_evaluations(run, plan, experiment, seed, training)
    if training.status != "RUNNING":
        close(run, paths, training)


def close(run: SentRun, paths: RunPaths, training: TrackedTraining) -> None:
    """Say how a training ended, with the files that it has left by now."""
    files = (paths.config, paths.record) if training.status == "FINISHED" else ()
    run.close(training.status, training.ended, [file for file in files if file.exists()])


def _training(paths: RunPaths, record: RunRecord | None) -> TrackedTraining | None:
    """What is known of a run's training; None where nobody trained here."""
    training = read_training(paths)
    if training is None:
        return training_of(paths, record) if record and not record.imported else None
    if record and _is_of(record, training):
        return _ended(paths, training, "FINISHED", milliseconds(record.finished))
    if training.status == "RUNNING":
        with suppress(RunBusyError), only_writer(paths.root):  # its process is dead
            return _ended(paths, training, "KILLED", now())
    return training


def _is_of(record: RunRecord, training: TrackedTraining) -> bool:
    """Whether run.json is what this training left, not one before it."""
    finished = milliseconds(record.finished) or 0  # of whole seconds
    return record.settings_digest == training.settings_digest and finished > training.started - 1000


def _ended(paths: RunPaths, training: TrackedTraining, status: Status, ended: int | None) -> TrackedTraining:
    if training.status == status:
        return training
    training = training.model_copy(update={"status": status, "ended": ended})
    write_training(paths, training)
    return training


def _experiment(
    plan: Plan, paths: RunPaths, experiment_id: str, seed: int, training: TrackedTraining | None
) -> Experiment | None:
    """The settings of a run: as it recorded them, or those of today while it is unfinished."""
    if training is None or training.status == "FINISHED":
        return read_config(paths.config).experiment if paths.config.exists() else None
    experiment = plan.experiment(experiment_id)
    return experiment if experiment.training_digest(seed) == training.settings_digest else None


def _send_evaluations(
    run: SentRun, plan: Plan, experiment: Experiment, seed: int, training: TrackedTraining
) -> None:
    """Send scores that are newer than the network, and the split if it is older than the scores."""
    folder = plan.dataset(experiment.dataset).paths.prepared("val")
    for protocol in experiment.protocols:
        file = plan.paths.evaluation(experiment.id, seed, protocol)
        if not file.exists() or (time := int(file.stat().st_mtime * 1000)) < (training.ended or 0):
            continue
        steps = read_record(plan.paths.run(experiment.id, seed).record).steps
        run.send_evaluation(read_evaluation(file), time, steps)
        data = data_facts(folder)
        if data is not None and (folder / "index.json").stat().st_mtime * 1000 < time:
            run.send_data(data, folder, "evaluation")
