"""``.mlflow-run`` beside a run: which MLflow run shows it, and what only its beginning can say."""

import getpass
import json
import shlex
import socket
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from uuid import uuid4

from danet.files import read_json, write_json
from danet.paths import RunPaths
from danet.runs.record import DataFacts, Record, RunRecord
from danet.settings import Experiment, Plan

if TYPE_CHECKING:
    from danet.machine.environment import Environment

Status = Literal["RUNNING", "FINISHED", "FAILED", "KILLED"]
"""As MLflow names it."""


class TrackedTraining(Record):
    """One training, over all its attempts."""

    key: str
    """Tag ``training`` of its MLflow run, whichever store that is in."""
    run_id: str | None = None
    """MLflow run that an earlier version of this program made for it."""
    settings_digest: str
    started: int
    """First attempt; milliseconds since 1970, as all times here."""
    ended: int | None = None
    """Last attempt."""
    status: Status = "RUNNING"
    folder: str
    """Host and path of the run's folder."""
    command: str = ""
    user: str = ""
    data: DataFacts | None = None
    commit: str | None
    dirty: bool
    """Whether files of the project had been changed since the commit."""
    versions: dict[str, str]
    device: str
    threads: int


def begin_training(
    plan: Plan, experiment: Experiment, seed: int, run_id: str | None, here: "Environment"
) -> TrackedTraining:
    """Note that a training begins, or that it goes on: an attempt before this one has not finished.

    Args:
        plan: for paths.
        experiment: what is trained.
        seed: of the run.
        run_id: of its MLflow run as the checkpoint has it; None: there is none.
        here: what it runs on.
    """
    paths, digest = plan.paths.run(experiment.id, seed), experiment.training_digest(seed)
    before = read_training(paths)
    unfinished = before and before.settings_digest == digest and (run_id or before.status != "FINISHED")
    training = TrackedTraining(
        key=before.key if before and unfinished else uuid4().hex,
        run_id=before.run_id if before and unfinished else run_id,
        settings_digest=digest,
        started=before.started if before and unfinished else now(),
        folder=folder_of(paths),
        command=_command(),
        user=_user(),
        data=data_facts(plan.dataset(experiment.dataset).paths.prepared("train")),
        **here,
    )
    write_training(paths, training)
    return training


def training_of(paths: RunPaths, record: RunRecord) -> TrackedTraining:
    """Of a finished run without the file: one of an earlier version, or one that came from elsewhere."""
    training = TrackedTraining(
        key=uuid4().hex,
        run_id=record.mlflow_run_id,
        folder=folder_of(paths),
        started=milliseconds(record.started) or now(),
        ended=milliseconds(record.finished),
        status="FINISHED",
        **record.model_dump(
            include={"settings_digest", "data", "commit", "dirty", "versions", "device", "threads"}
        ),
    )
    write_training(paths, training)
    return training


def read_training(paths: RunPaths) -> TrackedTraining | None:
    """None where there is no file, or none that can be read."""
    try:
        return TrackedTraining.model_validate(read_json(paths.tracking))
    except (OSError, ValueError):
        return None


def write_training(paths: RunPaths, training: TrackedTraining) -> None:
    write_json(paths.tracking, training.model_dump(mode="json"))


def data_facts(folder: Path) -> DataFacts | None:
    """What the index of a prepared split says; None where there is none."""
    try:
        index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
        return DataFacts(dataset=index["dataset"], digest=index["digest"], images=len(index["images"]))
    except (OSError, ValueError, LookupError, TypeError):
        return None


def folder_of(paths: RunPaths) -> str:
    return f"{socket.gethostname()}:{paths.root.absolute()}"


def now() -> int:
    return int(time.time() * 1000)


def milliseconds(time_stamp: str | None) -> int | None:
    return None if time_stamp is None else int(datetime.fromisoformat(time_stamp).timestamp() * 1000)


def _command() -> str:
    """As the user typed it."""
    program = "danet" if Path(sys.argv[0]).name in ("danet", "__main__.py") else sys.argv[0]
    return shlex.join([program, *sys.argv[1:]])


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a user without a name
        return "unknown"
