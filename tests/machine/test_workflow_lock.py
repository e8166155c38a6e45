"""A real Snakemake that is killed leaves a lock; it is dropped, and that of a living one is not."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from danet.machine.workflow_lock import drop_dead_lock

SNAKEMAKE = str(Path(sys.executable).with_name("snakemake"))
SNAKEFILE = """
from danet.machine.workflow_lock import drop_dead_lock, note_owner

drop_dead_lock()


onstart:
    note_owner()


rule all:
    output:
        "{name}.txt",
    shell:
        "touch started; sleep $SECONDS_TO_SLEEP; touch {output}"
"""


def start(folder: Path, seconds: int) -> subprocess.Popen:
    command = [SNAKEMAKE, "result.txt", "--cores", "1", "--rerun-incomplete"]
    environment = os.environ | {"SECONDS_TO_SLEEP": str(seconds)}
    with (folder / "log").open("w") as log:
        return subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)


@pytest.fixture
def at_work(tmp_path):
    """A Snakemake in the middle of a job."""
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    process = start(tmp_path, 20)
    deadline = time.monotonic() + 60
    while not (tmp_path / "started").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    yield process
    process.kill()
    process.wait()


def test_the_lock_of_a_living_snakemake_is_respected(at_work, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert drop_dead_lock() == []
    assert start(tmp_path, 0).wait() == 1
    assert "LockException" in (tmp_path / "log").read_text()
    assert at_work.poll() is None


def test_the_lock_of_a_killed_snakemake_is_dropped(at_work, tmp_path):
    at_work.kill()
    at_work.wait()
    assert list((tmp_path / ".snakemake/locks").iterdir())
    assert start(tmp_path, 0).wait() == 0, (tmp_path / "log").read_text()
    assert (tmp_path / "result.txt").exists()


def test_the_lock_of_another_machine_is_respected(at_work, tmp_path, monkeypatch):
    at_work.kill()
    at_work.wait()
    (tmp_path / ".snakemake/last-started.json").write_text('{"host": "elsewhere", "pid": 1}')
    monkeypatch.chdir(tmp_path)
    assert drop_dead_lock() == []
