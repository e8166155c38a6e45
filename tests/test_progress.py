"""Progress in a log: few lines, and always the last one."""

import pytest

from danet import progress as module
from danet.progress import ProgressLine


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass only when the test says so."""
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def test_quick_work_leaves_one_line(clock, capsys):
    with ProgressLine("drawing", 40, "scenes") as progress:
        for _ in range(40):
            clock[0] += 0.05
            progress.advance()
    assert capsys.readouterr().err == "drawing: 40 of 40 scenes (100 %), 20 scenes/s\n"


def test_slow_work_leaves_a_line_for_every_tenth(clock, capsys):
    with ProgressLine("preparing", 1000, "images") as progress:
        for _ in range(1000):
            clock[0] += 0.1
            progress.advance()
    lines = capsys.readouterr().err.splitlines()
    assert [line.split()[1] for line in lines] == [*(str(done) for done in range(100, 1001, 100)), "1000"]


def test_bytes_of_unknown_length_leave_a_line_a_minute(clock, capsys):
    with ProgressLine("some.zip", None, "B", done=1_000_000) as progress:
        for _ in range(130):
            clock[0] += 1
            progress.advance(100_000)
    assert capsys.readouterr().err.splitlines() == [
        "some.zip: 7.0 MB, 0.1 MB/s",
        "some.zip: 13.0 MB, 0.1 MB/s",
        "some.zip: 14.0 MB, 0.1 MB/s",
    ]


def test_a_fault_leaves_no_last_line(clock, capsys):
    with pytest.raises(ValueError, match="bad"), ProgressLine("preparing", 10, "images"):
        raise ValueError("bad")
    assert capsys.readouterr().err == ""


def test_details_take_the_place_of_the_rate_and_the_rest_is_estimated(clock, capsys):
    with ProgressLine("train", 100, "steps", done=20) as line:
        clock[0] += 10
        line.advance(10, "loss 1.5")
        clock[0] += 70
        line.advance(70, "loss 0.5")
    assert capsys.readouterr().err.splitlines()[0] == "train: 30 of 100 steps (30 %), loss 1.5, 0:01:10 left"


def test_details_stay_until_there_are_others(clock, capsys):
    with ProgressLine("train", 10, "steps") as line:
        for details in ("loss 1.5", None):
            clock[0] += 5
            line.advance(5, details)
    assert [text.split(", ")[1] for text in capsys.readouterr().err.splitlines()[:2]] == ["loss 1.5"] * 2


def test_a_terminal_has_one_line_that_renews_itself(clock, capsys, monkeypatch):
    monkeypatch.setattr(module.sys.stderr, "isatty", lambda: True, raising=False)
    with ProgressLine("train", 2, "steps") as line:
        for details in ("loss 1.5, 8.0 images/s, 0.5 GB", None):
            clock[0] += 1
            line.advance(1, details)
    assert capsys.readouterr().err == (
        "\r\x1b[Ktrain: 1 of 2 steps (50 %), loss 1.5, 8.0 images/s, 0.5 GB, 0:00:01 left"
        "\r\x1b[Ktrain: 2 of 2 steps (100 %), loss 1.5, 8.0 images/s, 0.5 GB"
        "\r\x1b[Ktrain: 2 of 2 steps (100 %), loss 1.5, 8.0 images/s, 0.5 GB\n"
    )
