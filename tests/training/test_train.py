"""Whole trainings of a thin network: they learn, and being killed changes nothing."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml

from danet.errors import CheckpointError, MissingDataError, TrainingError
from danet.settings import Params, resolve, validate_params
from danet.training.checkpoint import save_checkpoint
from danet.training.train import open_run, train

ROOT = Path(__file__).parents[2]
STEPS = 12


@pytest.fixture
def project(tmp_path, monkeypatch, made_split) -> Path:
    """A folder with a prepared split and a params.yaml whose demo profile trains for a few steps."""
    raw = yaml.safe_load((ROOT / "params.yaml").read_text())
    raw |= {"profile": "demo", "tracking_uri": "none"}
    raw["profiles"]["demo"]["training"] |= {
        "iterations": STEPS,
        "batch_size": 4,
        "learning_rate": 0.02,
        "log_every": 4,
        "checkpoint_every": 5,
    }
    raw["profiles"]["demo"]["datasets"]["cityscapes"]["training"] = {"crop_size": 32, "short_side": 40}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(raw))
    made_split(images=8, folder=tmp_path / "data/demo/cityscapes/prepared/train")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def settings(**training) -> Params:
    raw = yaml.safe_load(Path("params.yaml").read_text())
    raw["profiles"]["demo"]["training"] |= training
    return validate_params(raw)


def weights(path: Path) -> dict[str, torch.Tensor]:
    return torch.load(path, weights_only=True)["network"]


def wait_for(condition, process: subprocess.Popen) -> None:
    """Until the condition holds or the process has ended, for at most a minute."""
    deadline = time.monotonic() + 60
    while not condition() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def test_a_training_learns_and_leaves_its_records(project):
    final = train(settings(iterations=40), "danet_r50", seed=3)
    folder = final.parent
    assert sorted(path.name for path in folder.iterdir()) == [
        "config.yaml",
        "final.pth",
        "metrics.jsonl",
        "run.json",
    ]
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(4, 41, 4))
    assert lines[-1]["loss"] < 0.7 * lines[0]["loss"]
    assert all(line["loss"] == pytest.approx(sum(line["losses"])) for line in lines)
    assert len(lines[0]["losses"]) == 3
    assert lines[-1]["learning_rate"] == pytest.approx(0.02 * (1 / 40) ** 0.9)
    run = json.loads((folder / "run.json").read_text())
    assert (run["steps"], run["images"], run["resumed_at"]) == (40, 160, [])
    assert yaml.safe_load((folder / "config.yaml").read_text())["training"]["iterations"] == 40


def test_the_seed_decides_the_weights(project):
    first = weights(train(settings(), "fcn_r50", seed=1))
    assert same(first, weights(train(settings(), "fcn_r50", seed=1)))
    assert not same(first, weights(train(settings(), "fcn_r50", seed=2)))


def test_killed_at_any_step_it_ends_with_the_same_bits(project):
    command = [sys.executable, "-m", "danet", "train", "--experiment", "danet_r50", "--seed", "1"]
    reference = weights(train(settings(), "danet_r50", seed=1))
    folder = project / "results/demo/runs/danet_r50/seed1"
    (folder / "final.pth").unlink()
    (folder / "metrics.jsonl").unlink()
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    wait_for(lambda: (folder / "last.pth").exists(), process)
    process.kill()
    process.wait()
    if not (folder / "final.pth").exists():
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        assert json.loads((folder / "run.json").read_text())["resumed_at"][0] in (5, 10)
    assert same(reference, weights(folder / "final.pth"))
    assert not (folder / "last.pth").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_the_state_and_says_so(project, number):
    (project / "params.yaml").write_text(
        (project / "params.yaml").read_text().replace(f"iterations: {STEPS}", "iterations: 100000")
    )
    command = [sys.executable, "-m", "danet", "train", "--experiment", "fcn_r50", "--seed", "1"]
    metrics = project / "results/demo/runs/fcn_r50/seed1/metrics.jsonl"
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: metrics.exists() and metrics.read_text(), process)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert f"stopped by {number.name}; the same command goes on from here" in errors
    state = torch.load(metrics.parent / "last.pth", weights_only=True)
    assert state["progress"]["step"] >= 4


def test_other_settings_are_refused_until_the_checkpoint_is_removed(project):
    run = open_run(settings(), resolve(settings(), "fcn_r50"), seed=1)
    save_checkpoint(run.paths.last, run.facts, run.network, run.optimiser, run.progress)
    with pytest.raises(CheckpointError, match=r"training\.learning_rate: 0\.02 -> 0\.5"):
        train(settings(learning_rate=0.5), "fcn_r50", seed=1)


def test_a_loss_that_is_not_finite_stops_with_the_images_names(project):
    with pytest.raises(TrainingError, match=r"loss (nan|inf) at step .*image\d") as caught:
        train(settings(learning_rate=1e30), "fcn_r50", seed=1)
    assert "experiments.fcn_r50.learning_rate" in str(caught.value)
    assert not (project / "results/demo/runs/fcn_r50/seed1/final.pth").exists()


def test_a_loss_that_is_not_finite_is_never_saved(project):
    with pytest.raises(TrainingError, match="at step 3"):
        train(settings(learning_rate=1e30, log_every=12, checkpoint_every=3), "fcn_r50", seed=1)
    assert not (project / "results/demo/runs/fcn_r50/seed1/last.pth").exists()


def test_without_prepared_data_the_command_says_what_to_do(project):
    with pytest.raises(MissingDataError, match="danet prepare"):
        train(settings(), "context_fcn_r50", seed=1)
