"""No two processes hold one GPU, however the first one ends. The GPUs are made up; the leases are real."""

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from made_gpus import new_uuid, write_smi
from typer.testing import CliRunner

from danet.cli import app
from danet.errors import SettingsError
from danet.machine import gpu_lease
from danet.machine.gpu_list import VISIBLE
from danet.machine.gpu_queue import claims

PROGRAMS = Path(__file__).parents[1] / "programs"
POLL = 0.02
HOLD = """
import os, sys, time
from danet.machine.gpu_lease import leased_gpus
if sys.argv[3]:
    os.setgid(int(sys.argv[3])); os.setuid(int(sys.argv[3]))
with leased_gpus(int(sys.argv[1]), int(sys.argv[2]), poll_seconds=0.02) as lease:
    print(",".join(lease.devices), os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
    time.sleep(60)
"""


def machine(folder: Path, monkeypatch, **listed) -> None:
    write_smi(folder / "bin", **listed)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}:{os.environ['PATH']}")
    for name in (VISIBLE, gpu_lease.LEASES):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def gpus(tmp_path, monkeypatch) -> list[str]:
    """UUIDs of the two GPUs of a machine."""
    uuids = [new_uuid(), new_uuid()]
    machine(tmp_path, monkeypatch, gpus=uuids)
    return uuids


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """One that other users may look into; pytest's are private."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def start(gpus):
    """Start a process that leases GPUs and keeps them; all are ended after the test."""
    processes = []

    def start(count: int = 1, share: int = 1, user: str = "", **variables: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(count), str(share), user],
            env=os.environ | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.send_signal(signal.SIGCONT)
        end(process)
        process.stdout.close()


@pytest.fixture
def hold(start):
    """As ``start``, once the process has its GPUs."""

    def hold(*arguments, **variables: str) -> tuple[subprocess.Popen, str]:
        process = start(*arguments, **variables)
        return process, devices_of(process)

    return hold


def devices_of(process: subprocess.Popen) -> str:
    assert select.select([process.stdout], [], [], 30)[0], "it still waits for GPUs"
    devices, visible = process.stdout.readline().split()
    assert devices == visible
    return devices


def end(process: subprocess.Popen) -> None:
    process.kill()
    process.wait()


def until(condition) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def waiting_for(device: str) -> list[int]:
    """Process ids, in the order of the queue."""
    return [claim.pid for claim in claims()[device].waiting]


def test_processes_get_different_gpus_and_a_killed_one_gives_its_own_back(gpus, hold):
    first, one = hold()
    _, other = hold()
    assert {one, other} == set(gpus)
    end(first)
    _, again = hold()
    assert again == one


@pytest.mark.parametrize(
    "variables", [{"TMPDIR": "/nowhere"}, {"SLURM_JOB_ID": "7"}, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}]
)
def test_neither_another_tmpdir_nor_an_allocation_leads_to_the_same_gpu(hold, variables):
    assert hold(**variables)[1] != hold(**variables)[1]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can start a process of another user")
def test_another_user_gets_another_gpu_and_waits_like_anyone(gpus, open_folder, monkeypatch, hold, start):
    machine(open_folder, monkeypatch, gpus=gpus)
    first, one = hold()
    _, other = hold(1, 1, "65534")
    assert {one, other} == set(gpus)
    third = start(1, 1, "65533")
    until(lambda: waiting_for(one) == [third.pid])
    end(first)
    assert devices_of(third) == one


def test_several_gpus_are_taken_together_or_not_at_all(gpus, hold, start):
    first, _ = hold()
    wide = start(2)
    until(lambda: waiting_for(gpus[1]) == [wide.pid])
    time.sleep(5 * POLL)
    assert claims()[gpus[1]].parts == 0
    end(first)
    assert devices_of(wide) == ",".join(gpus)


def test_one_that_wants_all_does_not_starve_beside_those_that_came_later(gpus, hold, start):
    first, one = hold()
    wide = start(2)
    until(lambda: waiting_for(gpus[1]) == [wide.pid])
    late = start()
    until(lambda: waiting_for(gpus[1]) == [wide.pid, late.pid])
    time.sleep(5 * POLL)
    assert claims()[gpus[1]].parts == 0  # kept for the one that came first
    end(first)
    assert devices_of(wide) == ",".join(gpus)
    end(wide)
    assert devices_of(late) == one


def test_one_that_wants_another_gpu_does_not_wait_behind_it(gpus, hold, start):
    first, _ = hold(**{VISIBLE: "0"})
    second = start(**{VISIBLE: "0"})
    until(lambda: waiting_for(gpus[0]) == [second.pid])
    assert hold(**{VISIBLE: "1"})[1] == gpus[1]
    assert first.poll() is second.poll() is None


def test_a_suspended_process_holds_up_nobody(gpus, hold, start):
    first, _ = hold()
    wide = start(2)
    until(lambda: waiting_for(gpus[1]) == [wide.pid])
    wide.send_signal(signal.SIGSTOP)
    second, _ = hold()
    end(first)
    end(second)
    wide.send_signal(signal.SIGCONT)
    assert devices_of(wide) == ",".join(gpus)


def test_so_many_share_a_gpu_as_all_of_them_allow(gpus, hold, start):
    only = {VISIBLE: "0"}
    half, *quarters = hold(1, 2, **only)[0], hold(1, 4, **only)[0], hold(1, 4, **only)[0]
    assert claims()[gpus[0]].parts == 8
    third = start(1, 4, **only)
    until(lambda: waiting_for(gpus[0]) == [third.pid])
    end(half)
    assert devices_of(third) == gpus[0]
    alone = start(**only)
    until(lambda: waiting_for(gpus[0]) == [alone.pid])
    for process in quarters:
        end(process)
    time.sleep(5 * POLL)
    assert waiting_for(gpus[0]) == [alone.pid]
    end(third)
    assert devices_of(alone) == gpus[0]


def test_those_that_may_share_spread_first(gpus, hold):
    assert {hold(1, 2)[1], hold(1, 2)[1]} == set(gpus)


def test_a_gpu_is_held_as_long_as_any_process_that_inherited_it(gpus):
    with gpu_lease.leased_gpus(2) as lease:
        heir = subprocess.Popen(["sleep", "60"], pass_fds=lease.files)
    try:
        assert claims()[gpus[0]].parts == 8
    finally:
        end(heir)
    assert gpus[0] not in claims()


@pytest.mark.parametrize(("visible", "there"), [("0,1", "2: GPU-.*, GPU-.*"), ("", "no GPU")])
def test_more_gpus_than_there_are_is_an_error(gpus, monkeypatch, visible, there):
    monkeypatch.setenv(VISIBLE, visible)
    message = f"compute.gpus is 3, and this process may use {there}"
    with pytest.raises(SettingsError, match=message), gpu_lease.leased_gpus(3):
        pass


def test_parts_of_a_gpu_are_leased_one_by_one(tmp_path, monkeypatch):
    whole, parts = new_uuid(), [new_uuid("MIG"), new_uuid("MIG")]
    machine(tmp_path, monkeypatch, gpus=[whole], parts={whole: parts})
    with gpu_lease.leased_gpus() as lease:
        assert lease.devices == (parts[0],) == (os.environ[VISIBLE],)
    with pytest.raises(SettingsError, match=r"no GPU, and parts of a GPU \(MIG\)"), gpu_lease.leased_gpus(2):
        pass


def test_what_is_visible_is_put_back(gpus, monkeypatch):
    monkeypatch.setenv(VISIBLE, "1")
    with gpu_lease.leased_gpus() as lease:
        assert lease.devices == (os.environ[VISIBLE],) == (gpus[1],)
    assert os.environ[VISIBLE] == "1"


@pytest.mark.parametrize("visible", ["", "-1"])
def test_without_a_gpu_nothing_is_leased(gpus, monkeypatch, visible):
    monkeypatch.setenv(VISIBLE, visible)
    with gpu_lease.leased_gpus() as lease:
        assert lease == gpu_lease.Lease()


def test_leases_can_be_switched_off_by_a_word_and_by_no_other(gpus, hold, monkeypatch):
    hold(2)
    monkeypatch.setenv(gpu_lease.LEASES, "none")
    with gpu_lease.leased_gpus() as lease:
        assert lease == gpu_lease.Lease()
    monkeypatch.setenv(gpu_lease.LEASES, "nobody")
    with pytest.raises(SettingsError, match="DANET_GPU_LEASES is 'nobody'"), gpu_lease.leased_gpus():
        pass


class LeasedError(Exception):
    """In the place of the work."""


@pytest.mark.parametrize(
    ("command", "parts"),
    [
        ("evaluate --experiment fcn_r50 --seed 1 --protocol ss", 2),
        ("figure figure4", 2),
        ("train --experiment fcn_r50 --seed 1", 8),
    ],
)
def test_evaluations_and_figures_share_as_the_settings_say(gpus, tmp_path, monkeypatch, command, parts):
    settings = (PROGRAMS.parents[1] / "params.yaml").read_text()
    (tmp_path / "params.yaml").write_text(settings.replace("jobs_per_gpu: 1", "jobs_per_gpu: 4"))
    monkeypatch.chdir(tmp_path)

    @contextmanager
    def leased(*arguments, **words):
        with gpu_lease.leased_gpus(*arguments, **words):
            raise LeasedError(claims()[gpus[0]].parts)
        yield

    monkeypatch.setattr("danet.cli.leased_gpus", leased)
    result = CliRunner().invoke(app, [*command.split(), "--profile", "demo"])
    assert isinstance(result.exception, LeasedError), result.output
    assert result.exception.args == (parts,)


def test_danet_gpus_shows_who_has_what_and_the_queue(gpus, hold, start):
    def shown() -> str:
        return CliRunner().invoke(app, ["gpus"]).stdout

    assert shown().count("\n  free\n") == 2
    first, _ = hold()
    second, _ = hold(1, 4)
    wide = start(2)
    until(lambda: waiting_for(gpus[1]) == [wide.pid])
    late = start()
    until(lambda: waiting_for(gpus[1]) == [wide.pid, late.pid])
    lines = shown().splitlines()
    assert lines[0] == f"GPU 0  NVIDIA A100-SXM4-40GB  {gpus[0]}"
    assert f"process {first.pid}, for 0 h 00 min" in lines[1]
    assert lines[3].endswith(f"process {second.pid}, for 0 h 00 min, 2 of 8 parts")
    assert [line[:2] for line in lines[4:]] == ["1.", "2."]
    assert f"process {wide.pid}" in lines[4]
    assert lines[4].endswith("wants 2 of 0, 1")
    assert f"process {late.pid}" in lines[5]


def test_many_processes_some_of_them_killed():
    drill = [sys.executable, PROGRAMS / "lease_drill.py", "--processes", "40", "--kills", "6"]
    run = subprocess.run(drill, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    result = json.loads(run.stdout)
    assert (result["finished"], result["killed holding"], result["killed waiting"]) == (34, 3, 3)
