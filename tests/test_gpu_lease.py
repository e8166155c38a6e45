"""No two processes hold one GPU, however the first one ends. The GPUs are made up; the locks are real."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from danet import gpu_lease

FAKE_SMI = "#!/bin/sh\necho GPU-aaa\necho GPU-bbb\n"


@pytest.fixture
def two_gpus(tmp_path, monkeypatch) -> Path:
    """A machine whose nvidia-smi lists two GPUs, and a lock folder of its own."""
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text(FAKE_SMI)
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(gpu_lease, "LOCKS", tmp_path / "danet-gpu-leases")
    for name in ("CUDA_VISIBLE_DEVICES", *gpu_lease.SCHEDULERS):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


HOLD = """
import os, sys, time
from danet.gpu_lease import leased_gpu
with leased_gpu() as device:
    print(device, os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
    time.sleep(60)
"""


@pytest.fixture
def hold(two_gpus):
    """Start a process that leases a GPU and keeps it; all are ended after the test."""
    processes = []

    def start() -> tuple[subprocess.Popen, str]:
        process = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True)
        processes.append(process)
        device, visible = process.stdout.readline().split()
        assert device == visible
        return process, device

    yield start
    for process in processes:
        process.kill()
        process.wait()
        process.stdout.close()


def test_processes_get_different_gpus_and_a_killed_one_gives_its_own_back(hold):
    first, one = hold()
    _, other = hold()
    assert {one, other} == {"GPU-aaa", "GPU-bbb"}
    first.send_signal(signal.SIGKILL)
    first.wait()
    _, again = hold()
    assert again == one


def test_a_third_process_waits(hold, caplog):
    hold()
    first, one = hold()
    started = time.monotonic()
    first.kill()
    first.wait()
    with gpu_lease.leased_gpu(poll_seconds=0.05) as device:
        assert device == one
    assert time.monotonic() - started < 30


def test_only_visible_gpus_are_leased(two_gpus, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert gpu_lease.visible_devices() == ["GPU-bbb"]
    with gpu_lease.leased_gpu() as device:
        assert device == os.environ["CUDA_VISIBLE_DEVICES"] == "GPU-bbb"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "1"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-1/2, GPU-aaa")
    assert gpu_lease.visible_devices() == ["MIG-1/2", "GPU-aaa"]


@pytest.mark.parametrize("visible", ["", "-1"])
def test_without_a_gpu_nothing_is_leased(two_gpus, monkeypatch, visible):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    with gpu_lease.leased_gpu() as device:
        assert device is None
    assert not gpu_lease.LOCKS.exists()


def test_a_scheduler_that_hands_out_gpus_is_left_alone(two_gpus, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    with gpu_lease.leased_gpu() as device:
        assert device is None
