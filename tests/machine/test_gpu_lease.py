"""No two processes hold one GPU, however the first one ends. The GPUs are made up; the locks are real."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from danet.errors import SettingsError
from danet.machine import gpu_lease

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
from danet.machine.gpu_lease import leased_gpus
with leased_gpus(int(sys.argv[1]), poll_seconds=0.05) as lease:
    print(",".join(lease.devices), os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
    time.sleep(60)
"""


@pytest.fixture
def hold(two_gpus):
    """Start a process that leases GPUs and keeps them; all are ended after the test."""
    processes = []

    def start(count: int = 1) -> tuple[subprocess.Popen, str]:
        command = [sys.executable, "-c", HOLD, str(count)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        processes.append(process)
        devices, visible = process.stdout.readline().split()
        assert devices == visible
        return process, devices

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


def test_a_third_process_waits(hold):
    hold()
    first, one = hold()
    started = time.monotonic()
    first.kill()
    first.wait()
    with gpu_lease.leased_gpus(poll_seconds=0.05) as lease:
        assert lease.devices == (one,)
    assert time.monotonic() - started < 30


def test_several_gpus_are_taken_together(hold):
    process, both = hold(2)
    assert both == "GPU-aaa,GPU-bbb"
    process.kill()
    process.wait()
    _, again = hold(1)
    assert again == "GPU-aaa"


def test_while_one_is_missing_none_is_held(hold):
    _, one = hold()
    waiting = subprocess.Popen([sys.executable, "-c", HOLD, "2"], stdout=subprocess.PIPE, text=True)
    try:
        _, other = hold()  # not held by the one that waits for two
        assert {one, other} == {"GPU-aaa", "GPU-bbb"}
        assert waiting.poll() is None
    finally:
        waiting.kill()
        waiting.communicate()


def test_the_lock_lasts_as_long_as_any_process_that_inherited_it(two_gpus):
    with gpu_lease.leased_gpus(2) as lease:
        heir = subprocess.Popen(["sleep", "60"], pass_fds=lease.files)
    try:
        assert gpu_lease._try_lock("GPU-aaa") is None
    finally:
        heir.kill()
        heir.wait()
    gpu_lease._try_lock("GPU-aaa").close()


@pytest.mark.parametrize(("visible", "there"), [("0,1", "2: GPU-aaa, GPU-bbb"), ("", "no GPU")])
def test_more_gpus_than_there_are_is_an_error(two_gpus, monkeypatch, visible, there):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    message = f"compute.gpus is 3, and this process may use {there}"
    with pytest.raises(SettingsError, match=message), gpu_lease.leased_gpus(3):
        pass


def test_only_visible_gpus_are_leased(two_gpus, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert gpu_lease.visible_devices() == ["GPU-bbb"]
    with gpu_lease.leased_gpus() as lease:
        assert lease.devices == (os.environ["CUDA_VISIBLE_DEVICES"],) == ("GPU-bbb",)
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "1"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-1/2, GPU-aaa")
    assert gpu_lease.visible_devices() == ["MIG-1/2", "GPU-aaa"]


@pytest.mark.parametrize("visible", ["", "-1"])
def test_without_a_gpu_nothing_is_leased(two_gpus, monkeypatch, visible):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    with gpu_lease.leased_gpus() as lease:
        assert lease.devices == ()
    assert not gpu_lease.LOCKS.exists()


def test_a_scheduler_that_hands_out_gpus_is_left_alone(two_gpus, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    with gpu_lease.leased_gpus() as lease:
        assert lease.devices == ()
