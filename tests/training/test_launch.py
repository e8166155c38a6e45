"""Processes that are started together end together, and one message says why."""

import os
import signal
import subprocess
import sys
import time

import pytest

from danet.errors import SettingsError
from danet.training import launch
from danet.training.launch import require_set_aside, run_ranks

FAIL_AT_ONE = """
import os, sys, time
if os.environ["RANK"] == "1":
    sys.exit("rank 1 has no memory left")
time.sleep(10)
open("waited in vain", "w")
"""
SLEEP_THEN_NAME_SIGNAL = """
import os, signal, sys, time
def stop(number, frame):
    print(number, file=open(sys.argv[1] + os.environ["RANK"], "w"), flush=True)
    sys.exit(128 + number)
signal.signal(signal.SIGTERM, stop)
print("ready", file=open(sys.argv[1] + os.environ["RANK"], "w"), flush=True)
time.sleep(60)
"""


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def test_every_process_knows_its_rank(tmp_path):
    code = (
        "import os; names = ('RANK', 'LOCAL_RANK', 'WORLD_SIZE');"
        f"open(r'{tmp_path}/' + os.environ['RANK'], 'w').write(' '.join(os.environ[n] for n in names))"
    )
    assert run_ranks(python(code), 3) == 0
    assert [(tmp_path / str(rank)).read_text() for rank in range(3)] == ["0 0 3", "1 1 3", "2 2 3"]


def test_folders_of_launchers_that_were_killed_are_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(launch.tempfile, "tempdir", str(tmp_path))
    ended = subprocess.Popen(["true"])
    ended.wait()
    abandoned, alive = (tmp_path / f"danet-ranks-{pid}-x" for pid in (ended.pid, os.getpid()))
    for folder in (abandoned, alive):
        (folder / "rank0.log").parent.mkdir()
    assert run_ranks(python("pass"), 1) == 0
    assert list(tmp_path.iterdir()) == [alive]


def test_one_failure_ends_all_and_is_shown(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(launch, "SECONDS_TO_END", 0.2)
    assert run_ranks(python(FAIL_AT_ONE), 2) == 1
    assert capsys.readouterr().err == "rank 1 has no memory left\n"
    assert not list(tmp_path.iterdir()), "rank 0 was ended"


def test_a_killed_process_counts_as_a_failure(monkeypatch):
    monkeypatch.setattr(launch, "SECONDS_TO_END", 0.2)
    code = "import os, signal, time; os.environ['RANK'] == '0' and os.kill(os.getpid(), 9); time.sleep(60)"
    assert run_ranks(python(code), 2) == 128 + signal.SIGKILL


def test_a_signal_reaches_all_processes(tmp_path):
    command = python(SLEEP_THEN_NAME_SIGNAL, f"{tmp_path}/")
    code = f"import sys; from danet.training.launch import run_ranks; sys.exit(run_ranks({command!r}, 2))"
    launcher = subprocess.Popen(python(code))
    files = [tmp_path / "0", tmp_path / "1"]
    deadline = time.monotonic() + 30
    while not all(file.exists() and file.read_text() for file in files) and time.monotonic() < deadline:
        time.sleep(0.01)
    launcher.send_signal(signal.SIGTERM)
    assert launcher.wait(timeout=30) == 128 + signal.SIGTERM
    assert [file.read_text() for file in files] == [f"{signal.SIGTERM:d}\n"] * 2


def test_processes_inherit_the_locks_of_their_gpus(tmp_path):
    with (tmp_path / "lock").open("w") as lock:
        code = f"import os; os.write({lock.fileno()}, os.environ['RANK'].encode())"
        assert run_ranks(python(code), 2, [lock.fileno()]) == 0
    assert sorted((tmp_path / "lock").read_text()) == ["0", "1"]


def test_fewer_gpus_than_the_settings_say_are_refused():
    require_set_aside(None, 4)
    require_set_aside(4, 4)
    with pytest.raises(SettingsError, match=r"compute.gpus is 4, .* set aside 2 .*\n.*--resources gpu=4"):
        require_set_aside(2, 4)


def test_nothing_is_left_in_the_environment():
    run_ranks(python(""), 2)
    assert "WORLD_SIZE" not in os.environ
