"""MLflow shows what the files say: one run per training, its status true, its points never doubled."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from danet.errors import UserError
from danet.interruption import Interrupted
from danet.settings import resolve, validate_params
from danet.tracking import Tracker, attach_evaluation, tracked_training
from danet.tracking.store import open_store
from danet.tracking.tracker import OpenRun

ROOT = Path(__file__).parents[2]
# MLflow and what it imports warn of changes to come in each other.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture
def params(tmp_path):
    raw = yaml.safe_load((ROOT / "params.yaml").read_text())
    return validate_params(raw | {"tracking_uri": f"sqlite:///{tmp_path}/mlflow.db", "profile": "demo"})


@pytest.fixture
def track(params):
    def start(run_id=None):
        return tracked_training(params, resolve(params, "danet_r101"), seed=2, run_id=run_id)

    return start


def points(params, run_id: str) -> list[tuple[int, float]]:
    history = open_store(params.tracking_uri).get_metric_history(run_id, "loss")
    return sorted((point.step, point.value) for point in history)


def run_of(params, run_id: str):
    return open_store(params.tracking_uri).get_run(run_id)


def interrupted_run(track) -> str:
    """Id of a run that was stopped after two points."""
    try:
        with track() as tracker:
            tracker.log(10, {"loss": 3.0})
            tracker.log(20, {"loss": 2.0})
            raise Interrupted(15)
    except Interrupted:
        return tracker.run_id


def test_a_run_has_settings_tags_and_scores(params, track):
    with track() as tracker:
        tracker.log(10, {"loss": 1.5, "learning_rate": 0.01})
    scores = {
        "protocol": {"name": "ss"},
        "miou": 0.5,
        "pixel_accuracy": 0.75,
        "iou": {"road": 0.9, "traffic sign": 0.1, "train": None},
    }
    attach_evaluation(params, tracker.run_id, scores)
    run = run_of(params, tracker.run_id)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "danet_r101-seed2"
    crop_size = resolve(params, "danet_r101").training.crop_size
    assert run.data.params["training.crop_size"] == str(crop_size)
    tags = {name: run.data.tags[name] for name in ("table", "dataset", "recipe", "profile", "attention")}
    assert tags == {
        "table": "table1 table2",
        "dataset": "cityscapes",
        "recipe": "paper_text",
        "profile": "demo",
        "attention": "position+channel",
    }
    assert run.data.metrics["ss.miou"] == 0.5
    assert run.data.metrics["ss.iou/traffic sign"] == 0.1
    assert "ss.iou/train" not in run.data.metrics


def test_a_resumed_run_goes_on_without_doubling_a_point(params, track):
    first_id = interrupted_run(track)
    assert run_of(params, first_id).info.status == "KILLED"
    with track(first_id) as again:
        again.log(20, {"loss": 2.0})
        again.log(30, {"loss": 1.0})
    assert again.run_id == first_id
    assert points(params, first_id) == [(10, 3.0), (20, 2.0), (30, 1.0)]
    assert run_of(params, first_id).info.status == "FINISHED"


def test_a_failed_training_is_shown_as_failed(params, track):
    with pytest.raises(ZeroDivisionError), track() as tracker:
        _ = 1 / 0
    assert run_of(params, tracker.run_id).info.status == "FAILED"


def test_without_tracking_nothing_is_written(params, tmp_path):
    quiet = params.model_copy(update={"tracking_uri": "none"})
    with tracked_training(quiet, resolve(params, "danet_r101"), 1, None) as tracker:
        tracker.log(1, {"loss": 1.0})
    assert tracker.run_id is None
    assert not list(tmp_path.iterdir())


def test_a_store_that_cannot_be_opened_is_told_and_waits_for_nobody(caplog):
    def refuse():
        raise UserError("the tracking store cannot be used", "start the server")

    tracker = Tracker(refuse)
    tracker.wait()
    assert tracker.run_id is None
    with pytest.raises(UserError, match="start the server"):
        tracker.log(20, {"loss": 1.0})
    tracker.finish("FINISHED")
    assert "this training is not tracked: the tracking store" in caplog.text


def test_a_store_that_fails_later_does_not_cost_the_training(caplog):
    class Client:
        def log_batch(self, *_, **__):
            raise ConnectionError("gone")

    tracker = Tracker(lambda: OpenRun(Client(), "id", -1))
    tracker.log(10, {"loss": 1.0})
    tracker.wait()
    tracker.log(20, {"loss": 1.0})
    tracker.finish("FINISHED")
    assert caplog.text.count("tracking of this run stops here: gone") == 1


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
