"""Progress in a log: few lines, and always the last one."""

import pytest

from danet.data import progress as module
from danet.data.progress import Progress


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass only when the test says so."""
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def test_quick_work_leaves_one_line(clock, capsys):
    with Progress("drawing", 40, "scenes") as progress:
        for _ in range(40):
            clock[0] += 0.05
            progress.advance()
    assert capsys.readouterr().err == "drawing: 40 of 40 scenes (100 %), 20 scenes/s\n"


def test_slow_work_leaves_a_line_for_every_tenth(clock, capsys):
    with Progress("preparing", 1000, "images") as progress:
        for _ in range(1000):
            clock[0] += 0.1
            progress.advance()
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[1] for line in lines] == [*(str(done) for done in range(100, 1001, 100)), "1000"]


def test_bytes_of_unknown_length_leave_a_line_a_minute(clock, capsys):
    with Progress("some.zip", None, "B", done=1_000_000) as progress:
        for _ in range(130):
            clock[0] += 1
            progress.advance(100_000)
    assert capsys.readouterr().err.splitlines() == [
        "some.zip: 7.0 MB, 0.1 MB/s",
        "some.zip: 13.0 MB, 0.1 MB/s",
        "some.zip: 14.0 MB, 0.1 MB/s",
    ]


def test_a_fault_leaves_no_last_line(clock, capsys):
    with pytest.raises(ValueError, match="bad"), Progress("preparing", 10, "images"):
        raise ValueError("bad")
    assert capsys.readouterr().err == ""
