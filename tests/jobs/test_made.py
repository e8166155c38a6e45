"""Which results are current: decided by settings, code and inputs, never by times of files."""

import os
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from danet.cli import app
from danet.errors import MissingDataError, SettingsError
from danet.jobs.job import Job, report_job, table_job
from danet.jobs.made import accept, basis_of, is_current, read_made, reasons_to_make, write_made
from danet.paths import ResultPaths
from danet.settings import load_plan

ROOT = Path(__file__).parents[2]


class World:
    """A job whose settings, code and input can be edited."""

    def __init__(self, folder: Path) -> None:
        self.paths = ResultPaths(folder / "results")
        self.input, self.output = folder / "input.json", folder / "output.json"
        self.settings = {"training": {"lr": 0.1, "crop": 8}}
        self.code = {"danet.loss": "aa", "danet.step": "bb"}
        self.input.write_text("pixels")
        self.output.write_text("weights")

    @property
    def job(self) -> Job:
        return Job("train-x", "danet train", self.settings, lambda: self.code, (self.input,), (self.output,))

    def make(self) -> None:
        write_made(self.paths, self.job, basis_of(self.job))

    def reasons(self) -> list[str]:
        return reasons_to_make(self.paths, self.job)


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path)


def test_a_result_is_current_once_it_is_noted_what_made_it(world):
    assert world.reasons() == ["it is not recorded what made the result"]
    world.make()
    assert world.reasons() == []
    os.utime(world.input, (2e9, 2e9))
    os.utime(world.output, (1, 1))
    assert is_current(world.paths, world.job)


def test_every_difference_is_a_reason(world):
    world.make()
    world.settings = {"training": {"lr": 0.2, "crop": 8}}
    world.code = {"danet.loss": "cc", "danet.step": "bb"}
    world.input.write_text("other pixels")
    assert world.reasons() == [
        "setting training.lr: 0.1 -> 0.2",
        "code of danet.loss",
        f"input {world.input}",
    ]


def test_a_module_that_counts_no_longer_is_no_reason(world):
    world.make()
    world.code = {"danet.loss": "aa"}
    assert world.reasons() == []
    world.code = {"danet.loss": "aa", "danet.step": "bb", "danet.new": "cc"}
    assert world.reasons() == ["code of danet.new"]


def test_a_lost_output_is_a_reason(world):
    world.make()
    world.output.unlink()
    assert world.reasons() == [f"{world.output} not found"]


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"job": "train-x"'])
def test_a_damaged_note_is_none(world, content):
    world.make()
    world.paths.made("train-x").write_text(content)
    assert world.reasons() == ["it is not recorded what made the result"]


def test_an_accepted_result_is_current_and_says_what_was_accepted(world):
    world.make()
    world.code = {"danet.loss": "cc", "danet.step": "bb"}
    assert accept(world.paths, world.job) == ["code of danet.loss"]
    assert is_current(world.paths, world.job)
    world.settings = {"training": {"lr": 0.3, "crop": 8}}
    accept(world.paths, world.job)
    accepted = read_made(world.paths, world.job).accepted
    assert [acceptance.instead_of for acceptance in accepted] == [
        ("code of danet.loss",),
        ("setting training.lr: 0.1 -> 0.3",),
    ]
    assert accept(world.paths, world.job) == []


@pytest.mark.parametrize("recorded", [True, False])
def test_a_run_without_a_note_may_speak_for_itself(world, recorded):
    job = Job("train-x", "", world.settings, lambda: world.code, (), (world.output,), lambda: recorded)
    assert is_current(world.paths, job) == recorded
    assert (read_made(world.paths, job) is not None) == recorded


@pytest.fixture
def danet(tmp_path, monkeypatch):
    """The command line in a folder with params.yaml alone."""
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> str:
        answer = CliRunner().invoke(app, [*arguments, "--profile", "demo"], catch_exceptions=False)
        return answer.output

    return run


def test_the_command_line_shows_and_accepts(danet):
    plan = load_plan(profile="demo")
    assert danet("status").splitlines()[0].endswith("0 current, 0 stale, 57 missing")
    with pytest.raises(SettingsError, match='there is no job "train-fcn_50-seed1"; did you mean'):
        danet("accept", "train-fcn_50-seed1")
    with pytest.raises(MissingDataError, match="has no result to accept"):
        danet("accept", "train-fcn_r50-seed1")
    with pytest.raises(SettingsError, match="name the jobs to accept"):
        danet("accept")
    plan.paths.root.joinpath("tables").mkdir(parents=True)
    for path in table_job(plan, "table3").outputs:
        path.write_text("numbers")
    assert "stale    table-table3: it is not recorded what made the result" in danet("status")
    assert "table-table3: accepted although" in danet("accept", "--all")
    assert "1 current, 0 stale" in danet("status")


def test_results_of_other_settings_are_not_accepted(danet):
    plan = load_plan(profile="demo")
    plan.paths.root.joinpath("tables").mkdir(parents=True)
    job = table_job(plan, "table3")
    for path in job.outputs:
        path.write_text("numbers")
    other = basis_of(job).model_copy(update={"settings": job.settings | {"seeds": [1, 2]}})
    write_made(plan.paths, job, other)
    with pytest.raises(SettingsError, match=r"made with other settings.*seeds: \[1, 2\] -> \[1\]"):
        danet("accept", "table-table3")
    assert "table-table3: not accepted" in danet("accept", "--all")


def test_accepting_a_result_makes_the_report_stale(danet):
    plan = load_plan(profile="demo")
    before = report_job(plan).settings
    plan.paths.root.joinpath("tables").mkdir(parents=True)
    for path in table_job(plan, "table3").outputs:
        path.write_text("numbers")
    danet("accept", "table-table3")
    after = report_job(plan).settings
    assert after.keys() - before.keys() == {"accepted"}
    assert list(after["accepted"]) == ["table-table3"]
