"""When a data set counts as obtained or prepared: by what was noted, not by times of files."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from danet.cli import app
from danet.data.generated.archives import write_archives
from danet.data.obtaining.download import download
from danet.data.obtaining.receipt import Receipt, read_receipt, write_receipt
from danet.data.prepared.preparing import prepare
from danet.files import file_digest, read_json, write_json
from danet.jobs import code
from danet.jobs.job import Job, download_job, jobs_of, prepare_job, training_job
from danet.jobs.made import accept, basis_of, is_current, reasons_to_make, write_made
from danet.jobs.status import describe_status, statuses
from danet.settings import Dataset, GeneratedData, Plan, load_plan

ROOT = Path(__file__).parents[2]
READER = "danet.data.releases.cityscapes"
JOBS = {"download": download_job, "prepare": prepare_job}


@pytest.fixture
def plan(tmp_path, monkeypatch) -> Plan:
    """The demo, its Cityscapes generated and prepared."""
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    monkeypatch.chdir(tmp_path)
    plan = load_plan(profile="demo")
    dataset = plan.dataset("cityscapes")
    dataset.paths.raw.mkdir(parents=True)
    write_receipt(dataset.paths.receipt, Receipt("cityscapes", str(dataset.paths.raw), "generated", (), {}))
    for output in prepare_job(dataset).outputs:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.touch()
    for job in (download_job(dataset), prepare_job(dataset)):
        write_made(plan.paths, job, basis_of(job))
    return plan


@pytest.fixture
def dataset(plan) -> Dataset:
    return plan.dataset("cityscapes")


def edit(monkeypatch, part: str) -> None:
    """As if a module or a data file of the package had been edited."""
    digests = code.code_digests

    def edited(entries, passed_over):
        return {name: "edited" if name == part else d for name, d in digests(entries, passed_over).items()}

    monkeypatch.setattr(code, "code_digests", edited)


def reasons(plan: Plan, command: str) -> list[str]:
    return reasons_to_make(plan.paths, JOBS[command](plan.dataset("cityscapes")))


def test_what_was_noted_is_current(plan):
    assert reasons(plan, "download") == reasons(plan, "prepare") == []


@pytest.mark.parametrize(
    ("part", "download", "prepare"),
    [
        (READER, [], [f"code of {READER}"]),
        ("danet.data.releases.camvid", [], []),
        ("danet.data.generated.street", ["code of danet.data.generated.street"], []),
        ("labels/cityscapes.csv", ["code of labels/cityscapes.csv"], ["code of labels/cityscapes.csv"]),
        ("danet.progress", [], []),
    ],
)
def test_an_edit_of_code_is_a_reason_where_it_counts(plan, monkeypatch, part, download, prepare):
    edit(monkeypatch, part)
    assert reasons(plan, "download") == download
    assert reasons(plan, "prepare") == prepare


def test_a_setting_or_another_receipt_is_a_reason(plan, dataset, monkeypatch):
    write_receipt(dataset.paths.receipt, Receipt("cityscapes", "elsewhere", "generated", (), {}))
    assert reasons(plan, "prepare") == [f"input {dataset.paths.receipt}"]
    monkeypatch.setitem(dataset.__dict__, "generated", dataset.generated.model_copy(update={"train": 99}))
    for command in JOBS:
        assert "setting generated.train: 64 -> 99" in reasons(plan, command)[0]


def test_status_names_the_code_and_what_waits_for_it_and_accept_takes_it(plan, dataset, monkeypatch):
    for job in jobs_of(plan):
        for output in job.outputs:
            if not output.exists():
                output.parent.mkdir(parents=True, exist_ok=True)
                output.touch()
        if job.name not in ("download-cityscapes", "prepare-cityscapes"):
            write_made(plan.paths, job, basis_of(job))
    assert {status.state for status in statuses(plan)} == {"current"}
    edit(monkeypatch, READER)
    lines = list(describe_status(plan))
    assert f"  stale    prepare-cityscapes: code of {READER}" in lines
    assert "  stale    train-fcn_r50-seed1: prepare-cityscapes comes first" in lines
    assert not any("pascal_context" in line or "context_fcn_r50" in line for line in lines)
    answer = CliRunner().invoke(app, ["accept", "--all", "--profile", "demo"], catch_exceptions=False)
    assert answer.output == f"prepare-cityscapes: accepted although code of {READER}\n"
    stale = [status for status in statuses(plan) if status.state != "current"]
    assert [(status.job.name, status.why) for status in stale] == [
        ("report", ("setting accepted: None -> {'prepare-cityscapes': ['" + _accepted_at(dataset) + "']}",))
    ]


def _accepted_at(dataset: Dataset) -> str:
    return read_json(dataset.paths.made("prepare"))["accepted"][0]["at"]


def test_a_job_that_only_waits_is_not_accepted(plan, monkeypatch):
    edit(monkeypatch, READER)
    for job in jobs_of(plan):
        if job.name == "train-fcn_r50-seed1":
            make(plan, job)
    command = ["accept", "train-fcn_r50-seed1", "--profile", "demo"]
    answer = CliRunner().invoke(app, command, catch_exceptions=False)
    assert answer.output == "train-fcn_r50-seed1: nothing to accept: prepare-cityscapes comes first\n"


def make(plan: Plan, job: Job) -> None:
    for output in job.outputs:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.touch()
    write_made(plan.paths, job, basis_of(job))


def test_what_an_earlier_version_prepared_is_current_and_told(plan, dataset, monkeypatch):
    job = prepare_job(dataset)
    digest = file_digest(dataset.paths.receipt)
    write_json(dataset.paths.made("prepare"), {"settings": job.settings, "receipt": digest})
    assert reasons(plan, "prepare") == []
    assert "  note     prepare-cityscapes: current, but by which code is not recorded" in describe_status(
        plan
    )
    command = ["prepare", "--dataset", "cityscapes", "--profile", "demo", "--unless-current"]
    answer = CliRunner().invoke(app, command, catch_exceptions=False)
    assert "is finished and current; by which code was not recorded, that of now is noted" in answer.output
    assert not any("not recorded" in line for line in describe_status(plan))
    edit(monkeypatch, READER)
    assert reasons(plan, "prepare") == [f"code of {READER}"]


@pytest.mark.parametrize(
    "note", [{"settings": {}, "receipt": "of another"}, {"settings": {"folders": 1}, "receipt": None}]
)
def test_what_an_earlier_version_prepared_of_something_else_is_not(plan, dataset, note):
    write_json(dataset.paths.made("prepare"), note)
    assert reasons(plan, "prepare") != []


def test_without_a_note_what_is_whole_is_taken(plan, dataset):
    for command, job in JOBS.items():
        dataset.paths.made(command).unlink()
        assert is_current(plan.paths, job(dataset))
    dataset.paths.made("prepare").unlink()
    (dataset.paths.prepared("val") / "labels.npy").unlink()
    assert not is_current(plan.paths, prepare_job(dataset))
    real = load_plan(profile="paper")
    scenes = Receipt("cityscapes", "x", "generated", (), {})
    write_receipt(real.dataset("cityscapes").paths.receipt, scenes)
    assert not is_current(real.paths, download_job(real.dataset("cityscapes"))), "scenes of a trial"


def test_accepted_data_are_prepared_with_a_word(plan, dataset, monkeypatch):
    edit(monkeypatch, READER)
    assert accept(plan.paths, prepare_job(dataset)) == [f"code of {READER}"]
    assert reasons(plan, "prepare") == []


def test_the_same_data_under_another_path_train_nothing_again(tmp_path, monkeypatch):
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    size = GeneratedData(train=2, val=1, width=96, height=72)
    (archive,) = write_archives("camvid", size, tmp_path)
    copies = [tmp_path / "first", tmp_path / "second"]
    bases, receipts = [], []
    plan = load_plan(profile="camvid")
    dataset = plan.dataset("camvid")
    monkeypatch.setitem(dataset.__dict__, "accepts", ("other_size",))
    for copy in copies:
        shutil.unpack_archive(archive, copy)
        monkeypatch.setenv("CAMVID_DATASET", str(copy))
        download(dataset)
        receipts.append(read_receipt(dataset).root)
        if bases:
            assert reasons_to_make(plan.paths, prepare_job(dataset)) == [f"input {dataset.paths.receipt}"]
        prepare(dataset, processes=1)
        write_made(plan.paths, prepare_job(dataset), basis_of(prepare_job(dataset)))
        bases.append(basis_of(training_job(plan, "fcn_r50", 1)))
    assert receipts[0] != receipts[1]
    assert bases[0] == bases[1]
