"""Snakemake and DVC are two doors to the same jobs."""

from pathlib import Path

import pytest

from danet.dvc_stages import PIPELINES, stage_lists_text
from danet.settings import load_params

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("profile", "trainings", "evaluations"), [("paper", 16, 23), ("camvid", 10, 11), ("demo", 16, 23)]
)
def test_both_plan_the_same_jobs_with_the_same_outputs(
    project, planned_by_snakemake, planned_by_dvc, profile, trainings, evaluations
):
    project.choose(profile)
    snakemake, dvc = planned_by_snakemake(), planned_by_dvc()
    assert snakemake == dvc
    names = [command.split()[1] for command in snakemake.commands]
    assert names.count("train") == trainings
    assert names.count("evaluate") == evaluations
    assert all(f"/{profile}/" in output for output in snakemake.outputs)


@pytest.mark.parametrize("profile", ["paper", "camvid", "demo"])
def test_the_lists_of_dvc_are_those_of_params(profile):
    text = (ROOT / PIPELINES / profile / "lists.yaml").read_text()
    assert text == stage_lists_text(load_params(ROOT / "params.yaml", profile=profile)), (
        "run: python -m danet.dvc_stages"
    )


def test_a_dry_run_of_the_paper_plans_sixteen_trainings(project):
    assert trainings_planned(project) == "16"


@pytest.mark.parametrize(
    ("target", "trainings"), [("table1", "8"), ("table5", "3"), ("figures", "4"), ("report", "16")]
)
def test_a_target_needs_only_its_own_trainings(project, target, trainings):
    assert trainings_planned(project, target) == trainings


def test_a_mistake_in_params_ends_snakemake_before_any_job(project):
    project.edit("params.yaml", r"^  momentum:", "  momentun:")
    result = project.run("snakemake", "--cores", "1", succeeds=False)
    assert 'training.momentun: unknown key; did you mean "momentum"?' in result.stderr
    assert not (project.root / "data").exists()


def test_other_settings_on_the_command_line_are_refused(project):
    result = project.run("snakemake", "-n", "--config", "seeds=[1,2]", succeeds=False)
    assert "--config can change profile and recipe, not seeds" in result.stdout


def trainings_planned(project, *targets: str) -> str:
    """Count of the rule ``train`` in the job statistics of a dry run."""
    lines = project.run("snakemake", "-n", *targets).stdout.splitlines()
    (count,) = {line.split()[1] for line in lines if line.startswith("train ")}
    return count


def test_without_data_the_paper_stops_with_one_message_before_any_job(project):
    for workflow in (["snakemake", "--cores", "1"], ["dvc", "repro"]):
        result = project.run(*workflow, succeeds=False)
        message = result.stdout + result.stderr
        for words in (
            "Cityscapes: missing",
            "CITYSCAPES_USERNAME and CITYSCAPES_PASSWORD",
            "PASCAL Context: download",
            "COCO_STUFF_DATASET",
            "profile=demo",
        ):
            assert words in message
        assert not (project.root / "data").exists()
