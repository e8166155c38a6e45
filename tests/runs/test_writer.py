"""A run's folder has one writer; the second is told who."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from danet.errors import RunBusyError
from danet.runs.writer import only_writer

PROGRAM = [sys.executable, str(Path(__file__).parents[1] / "programs/write_in_turn.py")]


@pytest.fixture
def holder(tmp_path) -> Iterator[subprocess.Popen]:
    command = [*PROGRAM, str(tmp_path), "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_second_is_told_who_the_first_is(holder, tmp_path):
    words = f"is being written by process {holder.pid} on "
    with pytest.raises(RunBusyError, match=words), only_writer(tmp_path):
        pass


def test_a_writer_that_was_killed_leaves_nothing_in_the_way(holder, tmp_path):
    holder.kill()
    holder.wait()
    with only_writer(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["held"]


def test_six_in_turn(tmp_path):
    processes = [
        subprocess.Popen([*PROGRAM, str(tmp_path), "0.05"], stdout=subprocess.DEVNULL) for _ in range(6)
    ]
    assert [process.wait() for process in processes] == [0] * 6, "never two at once"
    assert list(tmp_path.iterdir()) == []
