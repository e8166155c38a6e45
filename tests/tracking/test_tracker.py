"""A tracker tries again, gives up in time, and never lets the training know."""

import subprocess
import sys
import time
from dataclasses import replace

import pytest
from written_runs import EXPERIMENT

from danet.machine.interruption import Interrupted
from danet.tracking import Tracker, tracked_training, tracker
from danet.tracking.store import open_store
from danet.tracking.training_file import read_training

pytestmark = pytest.mark.filterwarnings("default")


class FakeSender:
    """Fails the first times, then sends."""

    def __init__(self, failures: int = 0, seconds: float = 0.0) -> None:
        self.failures, self.seconds = failures, seconds
        self.run_id: str | None = None
        self.sent: list[str] = []
        self.status = "RUNNING"

    def send(self) -> None:
        time.sleep(self.seconds)
        if self.failures:
            self.failures -= 1
            raise ConnectionError("gone")
        self.run_id = "id"
        self.sent.append(self.status)

    def end(self, status: str) -> None:
        self.status = status


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(tracker, "SECONDS_BETWEEN", 0.01)


def wait_for(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


def test_it_sends_again_and_again_and_the_end_last():
    sender = FakeSender()
    tracker = Tracker(sender)
    tracker.start()
    tracker.wait()
    assert tracker.run_id == "id"
    wait_for(lambda: len(sender.sent) > 2)
    tracker.finish("FINISHED")
    assert sender.sent[-1] == "FINISHED"
    assert set(sender.sent[:-1]) <= {"RUNNING", "FINISHED"}


@pytest.mark.parametrize(
    ("status", "sent"), [("FINISHED", []), ("KILLED", ["KILLED"]), ("FAILED", ["FAILED"])]
)
def test_a_short_training_that_may_wait_is_sent_only_if_it_did_not_end_well(status, sent):
    sender = FakeSender()
    tracking = Tracker(sender, may_wait=True)
    tracking.start()
    tracking.wait()
    tracking.finish(status)
    assert sender.sent == ([] if status == "FINISHED" else [status])
    assert sender.status == status


def test_a_long_training_that_may_wait_is_seen_while_it_runs(monkeypatch):
    monkeypatch.setattr(tracker, "SHORT_SECONDS", 0.05)
    sender = FakeSender()
    tracking = Tracker(sender, may_wait=True)
    tracking.start()
    wait_for(lambda: len(sender.sent) > 2)
    tracking.wait()
    assert tracking.run_id == "id"
    tracking.finish("FINISHED")
    assert sender.sent[-1] == "FINISHED"


def test_a_store_that_comes_back_gets_everything_and_is_told_once(caplog):
    sender = FakeSender(failures=5)
    tracker = Tracker(sender, "sqlite:///mlflow.db")
    tracker.start()
    wait_for(lambda: sender.sent)
    tracker.finish("FINISHED")
    assert sender.sent[-1] == "FINISHED"
    assert caplog.text.count("MLflow at sqlite:///mlflow.db: gone; ") == 1


@pytest.mark.parametrize("sender", [FakeSender(failures=10_000), FakeSender(seconds=60)])
def test_the_end_is_delayed_by_a_few_seconds_at_most(sender, caplog, monkeypatch):
    monkeypatch.setattr(tracker, "PATIENCE", 1)
    tracking = Tracker(sender, "sqlite:///mlflow.db")
    tracking.start()
    began = time.monotonic()
    tracking.wait()
    assert tracking.run_id is None
    tracking.finish("FINISHED")
    assert time.monotonic() - began < 3
    assert "is sent later, from the run's files" in caplog.text


def test_an_end_that_cannot_be_noted_is_told(caplog):
    sender = FakeSender()
    sender.end = lambda status: (_ for _ in ()).throw(OSError("disk full"))
    tracker = Tracker(sender)
    tracker.finish("KILLED")
    assert "may not get to know that this training is KILLED: disk full" in caplog.text


@pytest.fixture
def track(plan, monkeypatch):
    monkeypatch.setattr(tracker, "PATIENCE", 120)

    def start(run_id: str | None = None, **changes):
        changed = replace(plan, **changes)
        return tracked_training(changed, changed.experiment(EXPERIMENT), 2, run_id)

    return start


def test_a_run_begins_when_the_training_begins(track, logged, runs):
    before = time.time()
    with track() as tracking:
        began = time.time()
        logged(10, time=began + 0.001)
        tracking.start()
    run = runs()[0]
    assert 1000 * before - 1 <= run.info.start_time <= 1000 * began
    assert run.info.end_time <= 1000 * time.time()


def test_the_status_is_that_of_the_training(track, runs):
    with pytest.raises(ZeroDivisionError), track():
        _ = 1 / 0
    assert runs()[0].info.status == "FAILED"
    with pytest.raises(Interrupted), track():
        raise Interrupted(15)
    with track():
        pass
    assert [run.info.status for run in runs()] == ["FINISHED"], "all attempts are one training"


def test_it_goes_on_without_doubling_a_point(track, logged, runs, points):
    logged(10, 20)
    with pytest.raises(Interrupted), track() as tracking:
        raise Interrupted(15)
    first = tracking.run_id
    logged(10, 20, 30, time=1.0)
    with track(first) as again:
        again.start()
    assert again.run_id == first
    assert len(runs()) == 1
    assert points(first) == [(10, 90.0), (20, 80.0), (30, 70.0)]


def test_a_training_after_a_finished_one_is_another_run(plan, track, runs):
    for _ in range(2):
        with track():
            pass
    newest, oldest = runs()
    assert oldest.data.tags["superseded_by"] == newest.info.run_id
    assert read_training(plan.paths.run(EXPERIMENT, 2)).status == "FINISHED"


def test_other_settings_are_another_run(plan, track, runs):
    with pytest.raises(Interrupted), track():
        raise Interrupted(15)
    experiment = plan.experiment(EXPERIMENT)
    training = experiment.training.model_copy(update={"learning_rate": 0.5})
    others = {EXPERIMENT: experiment.model_copy(update={"training": training})}
    with track(all_experiments=plan.all_experiments | others):
        pass
    assert [run.info.status for run in runs()] == ["FINISHED", "KILLED"]


def test_a_run_says_how_it_was_started_and_on_what(track, runs, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/usr/bin/danet", "train", "--seed", "2"])
    with track():
        pass
    tags = runs()[0].data.tags
    assert tags["mlflow.source.name"] == "danet train --seed 2"
    assert tags["device"]
    assert tags["version.torch"]
    assert tags["mlflow.user"]


def test_the_machine_is_measured_meanwhile(track, runs):
    with track() as tracking:
        tracking.start()
        tracking.wait()
    metrics = runs()[0].data.metrics
    assert 0 <= metrics["system/cpu_utilization_percentage"] <= 100
    assert metrics["system/system_memory_usage_megabytes"] > 0


def test_where_tracking_is_off_nothing_is_written(plan, track):
    with track(tracking_uri="none") as tracking:
        tracking.start()
        tracking.wait()
    assert tracking.run_id is None
    assert not plan.paths.run(EXPERIMENT, 2).root.exists()


def test_a_folder_that_cannot_be_written_is_told(plan, track, monkeypatch, caplog):
    def refuse(*_):
        raise OSError("read-only file system")

    monkeypatch.setattr(tracker, "begin_training", refuse)
    with track() as tracking:
        pass
    assert tracking.run_id is None
    assert "this training is not tracked: read-only file system" in caplog.text


@pytest.mark.slow
def test_processes_that_start_together_share_a_new_database(tmp_path):
    code = (
        "from danet.tracking.store import open_store\n"
        f"client = open_store('sqlite:///{tmp_path}/mlflow.db')\n"
        "client.create_run('0')\n"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) for _ in range(4)
    ]
    errors = [process.communicate(timeout=120)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, errors
    assert len(open_store(f"sqlite:///{tmp_path}/mlflow.db").search_runs(["0"])) == 4
