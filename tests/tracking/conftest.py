"""A store of its own for each test, and runs whose files are written by hand."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from written_runs import EXPERIMENT, metrics_line

from danet.runs.config import RunConfig, write_config
from danet.runs.evaluation_file import EvaluationRecord, ProtocolRecord, write_evaluation
from danet.runs.metrics import MetricsLog
from danet.runs.record import DataFacts, RunRecord, write_record
from danet.settings import Plan, load_plan
from danet.tracking.store import open_store

if TYPE_CHECKING:
    from mlflow.entities import Run

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with MLflow's tables, which take seconds to make."""
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    open_store(f"sqlite:///{path}")
    return path


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_store: Path) -> Plan:
    """The demo in an empty folder, with a store there."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(empty_store, tmp_path)
    plan = load_plan(ROOT / "params.yaml", profile="demo")
    return replace(plan, tracking_uri=f"sqlite:///{tmp_path}/mlflow.db")


@pytest.fixture
def runs(plan: Plan) -> "Callable[[], list[Run]]":
    """All runs of the profile that the store has, the latest first."""

    def find() -> "list[Run]":
        client = open_store(plan.tracking_uri)
        collection = client.get_experiment_by_name("danet-demo")
        return list(client.search_runs([collection.experiment_id])) if collection else []

    return find


@pytest.fixture
def points(plan: Plan) -> Callable[..., list[tuple[int, float]]]:
    """(step, value) of a metric of a run."""

    def read(run_id: str, metric: str = "loss") -> list[tuple[int, float]]:
        history = open_store(plan.tracking_uri).get_metric_history(run_id, metric)
        return sorted((point.step, point.value) for point in history)

    return read


@pytest.fixture
def logged(plan: Plan) -> Callable[..., None]:
    """Write metrics.jsonl up to some steps."""

    def write(*steps: int, **more: object) -> None:
        with MetricsLog(plan.paths.run(EXPERIMENT, 2).metrics, done=0) as log:
            for step in steps:
                log.write(metrics_line(step, **more))

    return write


@pytest.fixture
def finished(plan: Plan, logged: Callable[..., None]) -> Callable[..., None]:
    """Write the files of a finished training with three lines of metrics."""

    def write(**changes: object) -> None:
        experiment, paths = plan.experiment(EXPERIMENT), plan.paths.run(EXPERIMENT, 2)
        write_config(paths.config, RunConfig(experiment, 2))
        logged(10, 20, 30)
        values = {
            "experiment": EXPERIMENT,
            "seed": 2,
            "backbone": experiment.model.backbone,
            "settings_digest": experiment.training_digest(2),
            "data": DataFacts(dataset="cityscapes", digest="0123456789abcdef", images=64),
            "steps": 30,
            "seconds": 3.0,
            "started": "2026-11-24T11:17:34+00:00",
            "finished": "2026-11-24T11:17:42+00:00",
            "parameters": 1,
            "commit": "0123abcdef",
            "dirty": True,
            "versions": {"torch": "2.14.1"},
            "device": "NVIDIA H100",
            "threads": 4,
        }
        write_record(paths.record, RunRecord(**(values | changes)))

    return write


@pytest.fixture
def evaluated(plan: Plan) -> Callable[..., Path]:
    """Write the scores of the run under one protocol; ``age`` in seconds makes them older."""

    def write(protocol: str = "ss", miou: float = 0.5, age: float = 0.0) -> Path:
        scores = EvaluationRecord(
            experiment=EXPERIMENT,
            seed=2,
            protocol=ProtocolRecord(name=protocol),
            miou=miou,
            pixel_accuracy=0.75,
            iou={"road": 0.9, "traffic sign": 0.1, "train": None},
            confusion=[[9, 1, 0], [9, 1, 0], [0, 0, 0]],
        )
        path = plan.paths.evaluation(EXPERIMENT, 2, protocol)
        write_evaluation(path, scores)
        time = path.stat().st_mtime - age
        os.utime(path, (time, time))
        return path

    return write
