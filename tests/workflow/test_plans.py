"""Snakemake and DVC are two doors to the same jobs."""

from collections import Counter
from itertools import product
from pathlib import Path

import pytest
from workflow_project import ROOT, Project, chosen, edited

from danet.data.obtaining.receipt import Receipt, write_receipt
from danet.settings.dvc_lists import COMMAND, LISTS_FILE, lists_text
from danet.settings.reading import load_every_plan

PARAMS = (ROOT / "params.yaml").read_text()
CHOICES = list(product(["paper", "camvid", "camvid_cpu", "demo"], ["paper_text", "released_code"]))
COUNTS = {"paper": (16, 23, 5), "camvid": (10, 11, 2), "camvid_cpu": (12, 12, 1), "demo": (16, 23, 5)}
"""Trainings, evaluations and tables."""


@pytest.fixture(scope="module")
def all_jobs(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict]:
    """What each engine knows, by profile and recipe."""
    project = Project.copied(tmp_path_factory.mktemp("project"))
    answers = project.ask_engines(*(edited(PARAMS, *chosen(*choice)) for choice in CHOICES), everything=True)
    return dict(zip(CHOICES, answers, strict=True))


@pytest.mark.parametrize(("profile", "recipe"), CHOICES)
def test_both_know_the_same_jobs_with_the_same_commands_and_outputs(all_jobs, profile, recipe):
    jobs = all_jobs[profile, recipe]
    assert jobs["snakemake"] == jobs["dvc"]
    counts = Counter(name.split("-")[0] for name in jobs["dvc"])
    assert (counts["train"], counts["evaluate"], counts["table"]) == COUNTS[profile]
    for name, (_, outputs) in jobs["dvc"].items():
        data = name.startswith(("download", "prepare"))
        folder = Path("data", profile) if data else Path("results", profile, recipe)
        assert all(Path(output).is_relative_to(folder) for output in outputs)


def test_the_lists_of_dvc_are_those_of_params():
    text = (ROOT / LISTS_FILE).read_text()
    assert text == lists_text(load_every_plan(ROOT / "params.yaml")), f"run: {COMMAND}"


@pytest.mark.parametrize(
    ("target", "trainings"),
    [
        ("table1", 8),
        ("figures", 4),
        ("cityscapes", 10),
        ("coco_stuff", 3),
        ("all", 16),
    ],
)
def test_a_target_needs_only_its_own_trainings(project, target, trainings):
    lines = project.run("snakemake", target, "--dry-run").stdout.splitlines()
    assert {line.split()[1] for line in lines if line.startswith("train ")} == {str(trainings)}


def test_the_target_of_a_data_set_reads_no_other(project):
    run = project.run("snakemake", "pascal_context", "--dry-run").stdout
    assert "danet table table4" in run
    assert "--dataset pascal_context" in run
    assert "danet table table1" not in run
    assert "--dataset cityscapes" not in run


def test_an_error_in_params_ends_snakemake_before_any_job(project):
    project.edit((r"^  momentum:", "  momentun:"))
    result = project.run("snakemake", "--cores", "1", succeeds=False)
    assert 'training.momentun: unknown key; did you mean "momentum"?' in result.stderr
    assert not (project.root / "data").exists()


def test_a_key_that_stands_twice_ends_snakemake(project):
    project.edit((r"^seeds: ", "seeds: [2]\nseeds: "))
    result = project.run("snakemake", "--dry-run", succeeds=False)
    assert 'the key "seeds" stands in lines' in result.stdout + result.stderr


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("seeds=[1,2]", "--config can change profile and recipe, not seeds"),
        ("profile=dmo", 'profile: no profile "dmo"; did you mean "demo"?'),
    ],
)
def test_a_choice_that_cannot_be_is_refused(project, option, words):
    result = project.run("snakemake", "--dry-run", "--config", option, succeeds=False)
    assert words in result.stdout + result.stderr


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


def test_both_stop_where_a_variable_names_another_copy_than_was_read(project, tmp_path_factory):
    project.edit(*chosen("camvid"))
    read, named = tmp_path_factory.mktemp("read"), tmp_path_factory.mktemp("named")
    for copy in (read, named):
        (copy / "trainannot").mkdir()
        for name in ("train.txt", "val.txt"):
            (copy / name).touch()
    receipt = Receipt("camvid", str(read), "adopted", (), {})
    write_receipt(project.root / "data/camvid/camvid/receipt.json", receipt)
    for workflow in (["snakemake", "--cores", "1", "table1"], ["dvc", "repro"]):
        result = project.run(*workflow, succeeds=False, CAMVID_DATASET=str(named))
        message = " ".join((result.stdout + result.stderr).split())
        assert f"CAMVID_DATASET names {named}, but what was read is {read}" in message
        assert "-> danet download --dataset camvid --profile camvid reads it" in message
    same = project.run("dvc", "repro", "settings", CAMVID_DATASET=str(read))
    assert "names" not in same.stdout + same.stderr


@pytest.mark.parametrize(
    "edit",
    [
        (r"^seeds: \[1\]", "seeds: [1, 2]"),
        (r"^profile: paper", "profile: mine"),
    ],
)
def test_dvc_says_first_that_its_lists_are_of_another_params_yaml(project, edit):
    project.edit(
        edit,
        (
            r"^profiles:",
            "profiles:\n  mine: {description: d, data_folder: data/mine, tables: [table1], figures: []}",
        ),
    )
    result = project.run("dvc", "repro", succeeds=False)
    assert f"workflow/dvc/lists.yaml does not list the jobs of params.yaml\n  -> {COMMAND}" in (
        result.stdout + result.stderr
    )
    assert not (project.root / "data").exists()
