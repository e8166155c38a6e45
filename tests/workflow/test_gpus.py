"""What Snakemake says about GPUs before it starts a job. The GPUs are made up, and so is what jobs do."""

import pytest
from made_gpus import new_uuid, write_smi
from workflow_project import Project, chosen

from danet.machine.gpu_list import VISIBLE

NETWORK = "results/demo/paper_text/runs/fcn_r50/seed1/final.pth"
SCORES = "results/demo/paper_text/eval/fcn_r50/seed1/ss.json"
FOUR_GPUS = (r"^  gpus: 1", "  gpus: 4")


@pytest.fixture
def on_two_gpus(project: Project, monkeypatch) -> Project:
    write_smi(project.root / "bin", [new_uuid(), new_uuid()])
    project.stand_in()
    project.programs.insert(0, project.root / "bin")
    project.edit(*chosen("demo"))
    monkeypatch.delenv(VISIBLE, raising=False)
    return project


def test_too_low_a_limit_stops_before_the_first_job(on_two_gpus):
    on_two_gpus.edit(FOUR_GPUS)
    result = on_two_gpus.run("snakemake", NETWORK, "--cores", "1", "--resources", "gpu=2", succeeds=False)
    message = " ".join((result.stdout + result.stderr).split())
    assert "compute.gpus is 4, and the workflow has set aside 2 for each training" in message
    assert "-> snakemake --resources gpu=4 (or more), or lower compute.gpus in params.yaml" in message
    assert not (on_two_gpus.root / "data").exists()


def test_no_limit_at_all_is_worth_a_word(on_two_gpus):
    silent = on_two_gpus.run("snakemake", NETWORK, "--cores", "1", "--resources", "gpu=2")
    assert "without --resources" not in silent.stderr
    warned = on_two_gpus.run("snakemake", SCORES, "--cores", "1")
    assert "without --resources gpu=2, more jobs may start" in warned.stderr


@pytest.mark.parametrize(("several", "gpus"), [(1, 1), (4, 0)])
def test_jobs_that_share_a_gpu_are_not_counted_by_snakemake(on_two_gpus, several, gpus):
    on_two_gpus.edit((r"^  jobs_per_gpu: 1", f"  jobs_per_gpu: {several}"))
    told = (r'" --send-later &> \{log\}"', '" gets {resources.gpu}"')
    on_two_gpus.edit(told, path="workflow/rules/runs.smk")
    plan = on_two_gpus.run("snakemake", SCORES, "--dry-run").stdout
    assert "--send-later --gpus 1" in plan
    assert f"--recipe paper_text gets {gpus}" in plan
