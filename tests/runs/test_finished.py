"""What an engine deletes of a finished run comes back; a run that starts again leaves the old one whole."""

import pytest

from danet.paths import RunPaths
from danet.runs.finished import keep_finished, restore_finished, set_aside

NAMES = ("config.yaml", "metrics.jsonl", "run.json", "final.pth")


@pytest.fixture
def run(tmp_path) -> RunPaths:
    for name in NAMES:
        (tmp_path / name).write_text(f"first {name}")
    return RunPaths(tmp_path)


def contents(run: RunPaths) -> dict[str, str]:
    return {path.name: path.read_text() for path in run.root.iterdir() if path.is_file()}


def test_deleted_files_come_back_with_their_content(run):
    before = contents(run)
    keep_finished(run)
    assert run.final.stat().st_nlink == 2, "a second name, not a copy"
    for path in (run.final, run.record):
        path.unlink()
    assert restore_finished(run) == [run.record, run.final]
    assert contents(run) == before
    assert restore_finished(run) == []


def test_without_a_finished_run_nothing_comes_back(run):
    run.final.unlink()
    assert restore_finished(run) == []
    assert not run.final.exists()


def test_a_later_run_takes_its_place(run):
    keep_finished(run)
    run.final.unlink()
    run.final.write_text("second")
    keep_finished(run)
    run.final.unlink()
    restore_finished(run)
    assert run.final.read_text() == "second"


def test_set_aside_moves_everything_and_deletes_nothing(run):
    run.last.write_text("a checkpoint")
    before = contents(run)
    keep_finished(run)
    folder = set_aside(run)
    assert {path.name: path.read_text() for path in folder.iterdir()} == before
    assert contents(run) == {}
    assert restore_finished(run) == [], "it is not taken for finished again"
    assert set_aside(run) is None


def test_a_run_without_a_curve_is_finished_all_the_same(run):
    """As earlier versions left imported networks; both engines ask for the file."""
    run.metrics.unlink()
    restore_finished(run)
    assert run.metrics.read_text() == ""
    run.metrics.unlink()
    run.final.unlink()
    restore_finished(run)
    assert not run.metrics.exists(), "nor is anything else"


def test_set_aside_takes_the_lines_of_an_unfinished_training_too(run):
    run.unfinished_metrics.write_text("{}")
    folder = set_aside(run)
    assert (folder / run.unfinished_metrics.name).exists()
    assert contents(run) == {}
