"""A training that is stopped or killed ends with the weights that it would have had."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml

from danet.settings import load_plan
from danet.training.train import train

KILLER = Path(__file__).parents[1] / "programs/kill_again_and_again.py"


def write(project: Path, block: str, **changes: object) -> None:
    raw = yaml.safe_load((project / "params.yaml").read_text())
    raw["profiles"]["demo"][block] |= changes
    (project / "params.yaml").write_text(yaml.safe_dump(raw))


def test_killed_at_twenty_moments_it_ends_with_the_same_bits(project, weights, assert_same_bits):
    write(project, "training", iterations=60)
    write(project, "compute", log_every=1, checkpoint_every=2)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        final = train(load_plan(), "danet_r50", seed=1)
    finally:
        torch.set_num_threads(threads)
    expected = weights(final)
    metrics = [line["loss"] for line in lines(final.with_name("metrics.jsonl"))]
    shutil.rmtree(final.parent)
    command = [sys.executable, str(KILLER), "danet_r50", "20", "7"]
    outcome = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert len(outcome["killed"]) == 20, "it was alive whenever it was killed"
    assert len(set(outcome["killed"])) > 10, "at many different steps"
    assert outcome["status"] == 0
    assert_same_bits(weights(final), expected)
    assert [line["loss"] for line in lines(final.with_name("metrics.jsonl"))] == metrics
    names = ("last.pth", "previous.pth", "metrics.unfinished.jsonl")
    assert not [name for name in names if (final.parent / name).exists()]


def lines(metrics: Path) -> list[dict]:
    return [json.loads(line) for line in metrics.read_text().splitlines()]


def test_stopped_by_a_signal_it_ends_with_the_same_bits(settings, stopped, weights, assert_same_bits):
    plan = settings()
    expected = weights(train(plan, "danet_r50", seed=1))
    folder = stopped(plan, "danet_r50", step=3)
    assert torch.load(folder / "last.pth", weights_only=True)["progress"]["step"] == 3
    assert_same_bits(weights(train(plan, "danet_r50", seed=1)), expected)
    assert json.loads((folder / "run.json").read_text())["resumed_at"] == [3]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_ends_as_the_signal_says(project, number):
    write(project, "training", iterations=100_000)
    command = [sys.executable, "-m", "danet", "train", "--experiment", "fcn_r50", "--seed", "1"]
    metrics = project / "results/demo/released_code/runs/fcn_r50/seed1/metrics.unfinished.jsonl"
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (metrics.exists() and metrics.read_text()) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert f"stopped by {number.name}; the same command goes on from here" in errors
    state = torch.load(metrics.parent / "last.pth", weights_only=True)
    assert state["progress"]["step"] >= 4
