"""Everything of a run gets from its files to MLflow, once, whatever was there before."""

import json
import os
import socket
import sqlite3
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from written_runs import EXPERIMENT, metrics_line

from danet.runs.metrics import MetricsLog
from danet.runs.record import Origin
from danet.runs.writer import only_writer
from danet.settings import Plan
from danet.tracking import send_run, send_runs, sync
from danet.tracking.store import open_store
from danet.tracking.training_file import TrackedTraining, read_training, write_training

# MLflow and what it imports warn of changes to come in each other.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first test imports MLflow, which takes long on a busy machine."""
    monkeypatch.setattr(sync, "SECONDS_TO_SEND", 120)


def send(plan: Plan) -> bool:
    return send_run(plan, EXPERIMENT, 2)


def begun(plan: Plan, **changes: object) -> TrackedTraining:
    """What a training leaves that was begun a minute ago."""
    paths, experiment = plan.paths.run(EXPERIMENT, 2), plan.experiment(EXPERIMENT)
    values = {
        "key": "of this training",
        "settings_digest": experiment.training_digest(2),
        "started": int(1000 * time.time()) - 60_000,
        "folder": f"{socket.gethostname()}:{paths.root.absolute()}",
        "commit": None,
        "dirty": False,
        "versions": {},
        "device": "CPU",
        "threads": 1,
    }
    training = TrackedTraining(**(values | changes))
    write_training(paths, training)
    return training


def test_a_finished_run_is_sent_with_all_that_its_files_hold(plan, finished, evaluated, runs, points):
    finished()
    evaluated("ss")
    assert send(plan)
    (run,) = runs()
    assert (run.info.run_name, run.info.status) == ("danet_r101-seed2-released_code", "FINISHED")
    assert run.info.end_time - run.info.start_time == 8000
    crop_size = plan.experiment(EXPERIMENT).training.crop_size
    assert run.data.params["training.crop_size"] == str(crop_size)
    assert points(run.info.run_id) == [(10, 90.0), (20, 80.0), (30, 70.0)]
    expected = {
        "loss.fused": 30.0,
        "loss.position": 20.0,
        "learning_rate": 0.01,
        "images_per_second": 5.0,
        "peak_memory_bytes": 1000,
        "alpha": 0.25,
        "beta": 0.5,
        "ss.miou": 0.5,
        "ss.pixel_accuracy": 0.75,
    }
    assert {name: run.data.metrics[name] for name in expected} == expected
    assert not [name for name in run.data.metrics if "road" in name], "classes would fill the chart view"
    tags = {
        "table": "table1 table2",
        "dataset": "cityscapes",
        "recipe": "released_code",
        "profile": "demo",
        "attention": "position+channel",
        "commit": "0123abcdef",
        "files_changed": "yes",
        "device": "NVIDIA H100",
        "version.torch": "2.14.1",
    }
    assert {name: run.data.tags[name] for name in tags} == tags
    note = run.data.tags["mlflow.note.content"]
    for words in (
        "table1: row 8 (ss)",
        "table2: row 1 (ss)",
        "recipe released_code",
        "profile demo: generated",
    ):
        assert words in note


def test_config_record_and_classes_are_files_of_the_run(plan, finished, evaluated, runs, tmp_path):
    finished()
    evaluated("ms")
    assert send(plan)
    client, (run,) = open_store(plan.tracking_uri), runs()
    assert sorted(file.path for file in client.list_artifacts(run.info.run_id)) == [
        "config.yaml",
        "ms_classes.csv",
        "run.json",
    ]
    table = Path(client.download_artifacts(run.info.run_id, "ms_classes.csv", str(tmp_path))).read_text()
    assert table == 'class,iou\n"road",0.9\n"traffic sign",0.1\n"train",\n'


def test_data_sets_are_inputs_with_their_digests(plan, finished, evaluated, runs):
    finished()
    split = plan.dataset("cityscapes").paths.prepared("val")
    split.mkdir(parents=True)
    index = split / "index.json"
    index.write_text(json.dumps({"dataset": "cityscapes", "digest": "fedcba9876543210", "images": [1, 2]}))
    os.utime(index, (1_700_000_000, 1_700_000_000))
    evaluated("ss")
    assert send(plan)
    assert send(plan)
    (run,) = runs()
    inputs = {each.tags[0].value: each.dataset for each in run.inputs.dataset_inputs}
    assert {context: (data.name, data.digest) for context, data in inputs.items()} == {
        "train": ("cityscapes", "0123456789abcdef"),
        "evaluation": ("cityscapes", "fedcba9876543210"),
    }
    assert json.loads(inputs["train"].profile) == {"images": 64}


def test_a_second_time_nothing_is_sent_twice(plan, finished, evaluated, runs, points):
    finished()
    evaluated("ss")
    assert send(plan)
    before = runs()
    assert send(plan)
    after = runs()
    assert [run.to_dictionary() for run in after] == [run.to_dictionary() for run in before]
    for metric in after[0].data.metrics:
        history = points(after[0].info.run_id, metric)
        assert len(history) == len(dict(history)), metric


def test_only_the_steps_that_the_run_lacks_are_sent(plan, finished, logged, runs, points):
    logged(10, 20)
    begun(plan, status="KILLED", ended=int(1000 * time.time()))
    assert send(plan)
    (run,) = runs()
    assert (run.info.status, points(run.info.run_id)) == ("KILLED", [(10, 90.0), (20, 80.0)])
    finished(finished="2100-01-01T00:00:00+00:00")
    assert send(plan)
    (run,) = runs()
    assert run.info.status == "FINISHED"
    assert points(run.info.run_id) == [(10, 90.0), (20, 80.0), (30, 70.0)]


def test_more_points_than_fit_one_request(plan, finished, runs, points):
    finished()
    with MetricsLog(plan.paths.run(EXPERIMENT, 2).metrics, done=0) as log:
        for step in range(1, 251):
            log.write(metrics_line(step))
    assert send(plan)
    assert len(points(runs()[0].info.run_id, "beta")) == 250


def test_scores_of_a_second_evaluation_take_the_place_of_the_first(plan, finished, evaluated, runs):
    finished()
    evaluated("ss", miou=0.5, age=60)
    assert send(plan)
    evaluated("ss", miou=0.625)
    assert send(plan)
    assert runs()[0].data.metrics["ss.miou"] == 0.625


def test_scores_that_are_older_than_the_network_are_not_its_own(plan, finished, evaluated, runs):
    evaluated("ss", age=3600)
    finished()
    now = int(1000 * time.time())
    begun(plan, status="FINISHED", ended=now)
    assert send(plan)
    assert "ss.miou" not in runs()[0].data.metrics


def test_a_running_row_of_a_killed_process_is_mended(plan, logged, runs):
    logged(10)
    begun(plan)
    with only_writer(plan.paths.run(EXPERIMENT, 2).root):
        assert send(plan)
        assert runs()[0].info.status == "RUNNING", "its process is alive"
    assert send(plan)
    assert runs()[0].info.status == "KILLED"


def test_killed_between_its_record_and_the_end_it_is_finished_all_the_same(plan, finished, runs):
    begun(plan)
    finished(finished="2100-01-01T00:00:00+00:00")
    assert send(plan)
    assert runs()[0].info.status == "FINISHED"
    assert read_training(plan.paths.run(EXPERIMENT, 2)).status == "FINISHED"


def test_a_run_of_an_earlier_version_is_found_by_its_id(plan, finished, evaluated, runs, points):
    client = open_store(plan.tracking_uri)
    run = client.create_run(client.create_experiment("danet-demo"), run_name="danet_r101-seed2-released_code")
    for step in (10, 20, 30):
        client.log_metric(run.info.run_id, "loss", 100.0 - step, step=step)
    client.set_terminated(run.info.run_id)
    finished(mlflow_run_id=run.info.run_id)
    evaluated("ss")
    assert send(plan)
    (sent,) = runs()
    assert (sent.info.run_id, sent.data.metrics["ss.miou"]) == (run.info.run_id, 0.5)
    assert points(run.info.run_id) == [(10, 90.0), (20, 80.0), (30, 70.0)]


def test_a_run_that_came_from_elsewhere_is_created_once(plan, finished, runs):
    finished(mlflow_run_id="0123456789abcdef0123456789abcdef")
    assert send(plan)
    assert send(plan)
    assert len(runs()) == 1


def test_the_report_sends_what_is_there_of_every_run(plan, finished, evaluated, runs):
    finished()
    evaluated("ss")
    assert send_runs(replace(plan, seeds=(1, 2)))
    (run,) = runs()
    assert run.data.metrics["ss.miou"] == 0.5


def test_another_store_gets_the_whole_run(plan, finished, runs, tmp_path):
    finished()
    assert send(plan)
    other = replace(plan, tracking_uri=f"sqlite:///{tmp_path}/other.db")
    assert send(other)
    (run,) = open_store(other.tracking_uri).search_runs(["1"])
    assert run.data.metrics["loss"] == 70.0


def test_lines_of_version_0_1_have_no_time_and_no_attention_weights(plan, finished, runs):
    finished()
    lines = (Path(__file__).parents[1] / "runs/version_0_1/metrics.jsonl").read_text()
    plan.paths.run(EXPERIMENT, 2).metrics.write_text(lines)
    assert send(plan)
    (run,) = runs()
    history = open_store(plan.tracking_uri).get_metric_history(run.info.run_id, "loss.position")
    assert len(history) == 3
    assert min(point.timestamp for point in history) == run.info.start_time + 790
    assert "alpha" not in run.data.metrics


def test_what_others_trained_is_no_training_of_ours(plan, finished, runs):
    finished(imported=Origin(file="a.pth.tar", sha256="0", style="encoding", dropped=()))
    assert send(plan)
    assert runs() == []


def test_without_files_there_is_nothing_to_send(plan, runs):
    assert send(plan)
    assert runs() == []


def test_the_latest_training_of_an_id_supersedes_the_others(plan, finished, runs):
    finished()
    assert send(plan)
    first = runs()[0].info.run_id
    begun(plan, key="of a later training", status="FINISHED", ended=int(1000 * time.time()))
    assert send(plan)
    second, found = runs()[0].info.run_id, {run.info.run_id: run.data.tags for run in runs()}
    assert found[first]["superseded_by"] == second
    assert "superseded_by" not in found[second]


def test_a_run_that_a_user_renamed_is_still_found(plan, finished, evaluated, runs):
    finished()
    assert send(plan)
    open_store(plan.tracking_uri).update_run(runs()[0].info.run_id, name="the good one")
    evaluated("ss")
    assert send(plan)
    (run,) = runs()
    assert (run.info.run_name, run.data.metrics["ss.miou"]) == ("the good one", 0.5)


def test_a_superseded_run_of_the_same_folder_does_not_run_for_ever(plan, finished, runs):
    begun(plan, key="removed while it ran")
    with only_writer(plan.paths.run(EXPERIMENT, 2).root):
        assert send(plan)
    begun(plan, key="of a later training")
    with only_writer(plan.paths.run(EXPERIMENT, 2).root):
        assert send(plan)
    assert [run.info.status for run in runs()] == ["RUNNING", "KILLED"]


def test_an_experiment_that_a_user_deleted_comes_back(plan, finished, runs):
    finished()
    assert send(plan)
    client = open_store(plan.tracking_uri)
    client.delete_experiment("1")
    assert send(plan)
    assert len(runs()) == 1


@pytest.mark.parametrize("store", ["http://127.0.0.1:9", "sqlite:////proc/no/mlflow.db", "nonsense://"])
def test_a_store_that_cannot_be_used_is_told_and_no_error(plan, finished, store, caplog):
    finished()
    assert not send(replace(plan, tracking_uri=store))
    assert f"MLflow at {store}: " in caplog.text
    assert "is sent later, from the run's files" in caplog.text


def test_a_locked_store_is_waited_for_in_vain_only_for_a_while(
    plan: Plan, finished: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    finished()
    open_store(plan.tracking_uri)
    monkeypatch.setattr(sync, "SECONDS_TO_SEND", 2)
    lock = sqlite3.connect(plan.tracking_uri.removeprefix("sqlite:///"))
    lock.execute("begin exclusive")
    began = time.monotonic()
    assert not send(plan)
    assert time.monotonic() - began < 5
    lock.rollback()


def test_where_tracking_is_off_nothing_is_written(plan, finished, tmp_path):
    finished()
    assert send(replace(plan, tracking_uri="none"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mlflow.db", "results"]
    assert not plan.paths.run(EXPERIMENT, 2).tracking.exists()
