"""Trainings that are tracked: no store ends or delays one, and files and MLflow hold the same facts."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from danet.runs.metrics import read_metrics
from danet.runs.record import read_record
from danet.settings import Plan
from danet.tracking import Tracker, send_run, sync, tracker
from danet.tracking.store import open_store
from danet.training import train as module
from danet.training.step import take_step
from danet.training.train import train

if TYPE_CHECKING:
    from mlflow.entities import Run

# MLflow and what it imports warn of changes to come in each other.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture
def tracked(project, settings) -> Plan:
    """The project with a store that exists, and a sending that may take long on a busy machine."""
    plan = replace(settings(), tracking_uri=f"sqlite:///{project}/mlflow.db")
    open_store(plan.tracking_uri)
    return plan


def runs(plan: Plan) -> "list[Run]":
    client = open_store(plan.tracking_uri)
    collection = client.get_experiment_by_name("danet-demo")
    return list(client.search_runs([collection.experiment_id])) if collection else []


@contextmanager
def locked(plan: Plan) -> Iterator[None]:
    """Nobody else can read or write the store meanwhile."""
    connection = sqlite3.connect(plan.tracking_uri.removeprefix("sqlite:///"))
    connection.execute("begin exclusive")
    try:
        yield
    finally:
        connection.rollback()
        connection.close()


def test_a_locked_store_neither_ends_nor_delays_a_training_and_gets_all_later(tracked, monkeypatch, caplog):
    monkeypatch.setattr(sync, "SECONDS_TO_SEND", 120)
    with locked(tracked):
        began = time.monotonic()
        final = train(tracked, "danet_r50", seed=1)
        record = read_record(final.with_name("run.json"))
        assert time.monotonic() - began < record.seconds + tracker.PATIENCE + 10
    assert record.mlflow_run_id is None
    assert "is sent later, from the run's files" in caplog.text
    assert send_run(tracked, "danet_r50", 1)
    (run,) = runs(tracked)
    assert run.info.status == "FINISHED"
    history = open_store(tracked.tracking_uri).get_metric_history(run.info.run_id, "loss")
    assert [point.step for point in history] == [4, 8, 12]
    assert run.info.start_time <= min(point.timestamp for point in history)


def test_a_server_that_is_away_neither_ends_nor_delays_a_training(settings):
    plan = replace(settings(), tracking_uri="http://127.0.0.1:9")
    began = time.monotonic()
    final = train(plan, "fcn_r50", seed=1)
    record = read_record(final.with_name("run.json"))
    assert time.monotonic() - began < record.seconds + tracker.PATIENCE + 10


def test_the_tracker_starts_when_the_first_step_is_done(tracked, monkeypatch):
    """Processes that load data are forked before: a fork while a thread imports can lock up."""
    taken, started = [], []
    monkeypatch.setattr(module, "take_step", lambda *values: taken.append(1) or take_step(*values))
    monkeypatch.setattr(Tracker, "start", lambda self: started.append(len(taken)))
    monkeypatch.setattr(Tracker, "finish", lambda self, status: None)
    monkeypatch.setattr(tracker, "PATIENCE", 0)
    train(tracked, "fcn_r50", seed=1)
    assert started[0] == 1


KILLED = """
import time
from danet.settings import load_plan
from danet.training import train as module
from danet.training.step import take_step

taken = []

def waiting(*values):
    taken.append(None)
    if len(taken) == 5:
        time.sleep(600)  # until it is killed
    return take_step(*values)

module.take_step = waiting
module.train(load_plan(), "fcn_r50", seed=1)
"""


def test_killed_before_the_first_checkpoint_its_run_goes_on(tracked, project, monkeypatch):
    monkeypatch.setattr(tracker, "PATIENCE", 120)
    raw = yaml.safe_load((project / "params.yaml").read_text())
    raw["profiles"]["demo"]["compute"]["checkpoint_every"] = 100
    (project / "params.yaml").write_text(yaml.safe_dump(raw | {"tracking_uri": tracked.tracking_uri}))
    process = subprocess.Popen([sys.executable, "-c", KILLED])
    deadline = time.monotonic() + 120
    while not any("loss" in run.data.metrics for run in runs(tracked)) and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    (killed,) = runs(tracked)
    assert killed.info.status == "RUNNING"
    record = read_record(train(tracked, "fcn_r50", seed=1).with_name("run.json"))
    (run,) = runs(tracked)
    assert (run.info.run_id, run.info.status) == (killed.info.run_id, "FINISHED")
    assert record.mlflow_run_id == run.info.run_id
    history = open_store(tracked.tracking_uri).get_metric_history(run.info.run_id, "loss")
    assert sorted(point.step for point in history) == [4, 8, 12]


def test_record_metrics_and_mlflow_hold_the_same_facts(tracked, weights, monkeypatch):
    monkeypatch.setattr(tracker, "PATIENCE", 120)
    final = train(tracked, "danet_r50", seed=1)
    last = read_metrics(final.with_name("metrics.jsonl"))[-1]
    record = json.loads(final.with_name("run.json").read_text())
    assert record["last"] == last
    assert (record["steps"], record["seconds"]) == (last["step"], last["seconds"])
    assert record["peak_memory_bytes"] == last["peak_memory_bytes"] > 10**8
    tensors = weights(final)
    assert last["alpha"] == {"head.position.attention": tensors["head.position.attention.alpha"].item()}
    assert last["beta"] == {"head.channel.attention": tensors["head.channel.attention.beta"].item()}
    (run,) = runs(tracked)
    assert run.info.run_id == record["mlflow_run_id"]
    shown = run.data.metrics
    assert (shown["loss"], shown["alpha"]) == (last["loss"], last["alpha"]["head.position.attention"])
    assert {name: shown[f"loss.{name}"] for name in last["losses"]} == last["losses"]
    digest = json.loads(Path("data/demo/cityscapes/prepared/train/index.json").read_text())["digest"]
    assert [each.dataset.digest for each in run.inputs.dataset_inputs] == [digest]


def test_a_network_without_attention_has_neither_alpha_nor_beta(settings):
    lines = read_metrics(train(settings(), "fcn_r50", seed=1).with_name("metrics.jsonl"))
    assert all("alpha" not in line and "beta" not in line for line in lines)
    assert read_metrics(train(settings(), "danet_r50_pam", seed=1).with_name("metrics.jsonl"))[-1].keys() >= {
        "alpha",
        "time",
    }
