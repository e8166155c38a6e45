"""Two processes train what one trains: gloo on the CPU, with torch's own DistributedDataParallel.

Not covered without GPUs: NCCL, and torch.nn.SyncBatchNorm itself, in whose place two_ranks.py puts
the same computation for CPU tensors.
"""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch
import yaml

from danet.training.launch import run_ranks
from danet.training.ranks import Ranks

COMMAND = (sys.executable, str(Path(__file__).parents[1] / "programs/two_ranks.py"))
# Crops that reach beyond small images: each rank has another number of labelled pixels.
UNEQUAL = {"dropout": 0.0, "random_scale": [0.6, 1.2]}


def write(project: Path, block: str, **changes: object) -> None:
    raw = yaml.safe_load((project / "params.yaml").read_text())
    raw["profiles"]["demo"][block] |= changes
    (project / "params.yaml").write_text(yaml.safe_dump(raw))


def losses(folder: Path) -> list[list[float]]:
    return [
        list(json.loads(line)["losses"].values())
        for line in (folder / "metrics.jsonl").read_text().splitlines()
    ]


def test_two_ranks_train_what_one_process_trains(project, weights):
    write(project, "training", **UNEQUAL, iterations=6)
    write(project, "compute", log_every=1, gpus=1)
    folder = project / "results/demo/released_code/runs/danet_r50/seed1"
    assert run_ranks([*COMMAND, "danet_r50"], 1) == 0
    expected, trained = losses(folder), weights(folder / "final.pth")
    write(project, "compute", gpus=2)
    assert run_ranks([*COMMAND, "danet_r50"], 2) == 0
    assert len(expected) == 6
    torch.testing.assert_close(losses(folder), expected, rtol=1e-9, atol=0)
    torch.testing.assert_close(weights(folder / "final.pth"), trained, rtol=1e-7, atol=1e-9)


def test_shares_make_up_the_batch():
    batch = list(range(12))
    shares = [Ranks(rank, 3, rank).share(batch) for rank in range(3)]
    assert [list(share) for share in shares] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]


def test_a_signal_stops_both_ranks_after_the_same_step_and_they_resume(project, weights):
    write(project, "compute", gpus=2)
    assert run_ranks([*COMMAND, "fcn_r50"], 2) == 0
    folder = project / "results/demo/released_code/runs/fcn_r50/seed1"
    expected = weights(folder / "final.pth")
    (folder / "final.pth").unlink()
    launch = f"run_ranks({(*COMMAND, 'fcn_r50')!r}, 2)"
    code = f"import sys; from danet.training.launch import run_ranks; sys.exit({launch})"
    launcher = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    wait_for(folder, "metrics.unfinished.jsonl")
    launcher.send_signal(signal.SIGTERM)
    assert launcher.wait(timeout=60) == 128 + signal.SIGTERM
    state = torch.load(folder / "last.pth", weights_only=True)
    assert len(state["random"]) == 2
    assert not torch.equal(*(random["cpu"] for random in state["random"])), "each drops other channels"
    assert run_ranks([*COMMAND, "fcn_r50"], 2) == 0
    torch.testing.assert_close(weights(folder / "final.pth"), expected, rtol=0, atol=0)


def test_ranks_are_told_to_stop_when_their_launcher_is_killed(tmp_path):
    code = """
import os, signal, sys, time
from danet.training.ranks import _end_with_launcher
def stop(number, frame):
    os.rename("ready" + os.environ["RANK"], "stopped" + os.environ["RANK"])
    sys.exit()
signal.signal(signal.SIGTERM, stop)
_end_with_launcher()
open("ready" + os.environ["RANK"], "w")
time.sleep(60)
"""
    launch = f"from danet.training.launch import run_ranks; run_ranks({[sys.executable, '-c', code]!r}, 2)"
    launcher = subprocess.Popen([sys.executable, "-c", launch], cwd=tmp_path)
    wait_for(tmp_path, "ready0", "ready1")
    launcher.kill()
    launcher.wait()
    wait_for(tmp_path, "stopped0", "stopped1")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["stopped0", "stopped1"]


def wait_for(folder: Path, *names: str) -> None:
    """Until the files are there, for at most a minute."""
    deadline = time.monotonic() + 60
    while not all((folder / name).exists() for name in names) and time.monotonic() < deadline:
        time.sleep(0.01)
