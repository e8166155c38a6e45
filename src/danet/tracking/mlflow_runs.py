"""One MLflow run per training and seed; its evaluations are added to it."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from danet.errors import UserError
from danet.interruption import Interrupted
from danet.settings import Experiment, Params, active_profile
from danet.tracking.store import open_store
from danet.tracking.tracker import Line, OpenRun, Tracker, log_metrics

log = logging.getLogger(__name__)


@contextmanager
def tracked_training(
    params: Params, experiment: Experiment, seed: int, run_id: str | None
) -> Iterator[Tracker]:
    """Open the MLflow run of a training, close it with the status that the block ends in.

    Args:
        params: for the store, the profile and the tables.
        experiment: what is trained.
        seed: of the run.
        run_id: of the run to go on with, None to start one.
    """
    off = params.tracking_uri == "none"
    tracker = Tracker(None if off else partial(_open_run, params, experiment, seed, run_id))
    try:
        yield tracker
    except Interrupted:
        tracker.finish("KILLED")
        raise
    except BaseException:
        tracker.finish("FAILED")
        raise
    tracker.finish("FINISHED")


def attach_evaluation(params: Params, run_id: str | None, evaluation: dict[str, Any]) -> None:
    """Add the scores of an evaluation to the run of its training, as ``ss.miou`` and so on."""
    if run_id is None or params.tracking_uri == "none":
        return
    protocol = evaluation["protocol"]["name"]
    scores = {
        f"{protocol}.miou": evaluation["miou"],
        f"{protocol}.pixel_accuracy": evaluation["pixel_accuracy"],
    }
    for name, value in evaluation["iou"].items():
        if value is not None:
            scores[f"{protocol}.iou/{_metric_name(name)}"] = value
    from mlflow.exceptions import MlflowException

    try:
        log_metrics(open_store(params.tracking_uri), run_id, Line(0, scores, int(time.time() * 1000)))
    except MlflowException as error:
        log.warning("MLflow does not have the scores of this evaluation: %s", error)


def _open_run(params: Params, experiment: Experiment, seed: int, run_id: str | None) -> OpenRun:
    """Create the run of a training, or reopen the one with that id.

    Raises:
        UserError: the store cannot be used.
    """
    from mlflow.exceptions import MlflowException

    try:
        client = open_store(params.tracking_uri)
        if run_id is None:
            return OpenRun(client, _create_run(client, params, experiment, seed), -1)
        history = client.get_metric_history(run_id, "loss")
        client.update_run(run_id, status="RUNNING")
        return OpenRun(client, run_id, max((point.step for point in history), default=-1))
    except MlflowException as error:
        raise UserError(
            f"the tracking store {params.tracking_uri} cannot be used: {error}",
            "start the server, or set tracking_uri in params.yaml to sqlite:///mlflow.db or none",
        ) from None


def _create_run(client: Any, params: Params, experiment: Experiment, seed: int) -> str:
    from mlflow.entities import Param

    collection = f"danet-{params.profile}"
    known = client.get_experiment_by_name(collection)
    experiment_id = known.experiment_id if known else client.create_experiment(collection)
    name = f"{experiment.id}-seed{seed}"
    run = client.create_run(experiment_id, run_name=name, tags=_tags(params, experiment, seed))
    settings = _flat(experiment.model_dump(mode="json", exclude={"protocols"})) | {"seed": str(seed)}
    client.log_batch(run.info.run_id, params=[Param(key, value) for key, value in settings.items()])
    return run.info.run_id


def _tags(params: Params, experiment: Experiment, seed: int) -> dict[str, str]:
    """What one filters and groups by in the compare view."""
    tables = [
        name
        for name in active_profile(params).tables
        if any(row.experiment == experiment.id for row in params.tables[name].evaluations)
    ]
    return {
        "table": " ".join(tables),
        "dataset": experiment.dataset,
        "classes": str(experiment.model.classes),
        "recipe": experiment.recipe,
        "profile": params.profile,
        "backbone": experiment.model.backbone,
        "attention": "+".join(experiment.model.attention) or "none",
        "seed": str(seed),
        "settings_digest": experiment.training_digest(seed),
    }


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested settings as MLflow's flat params: ``training.crop_size`` and so on."""
    flat = {}
    for key, value in values.items():
        inner = _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: str(value)}
        flat.update(inner)
    return flat


def _metric_name(class_name: str) -> str:
    """A class name in the characters that MLflow allows in a metric."""
    return "".join(letter if letter.isalnum() or letter in "-_ ." else "_" for letter in class_name)
