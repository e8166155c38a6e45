"""After an edit, exactly what hangs on it is made again; in Snakemake and in DVC."""

import re

import pytest

from danet.data.receipt import Receipt, write_receipt

OF_DANET_R50 = {
    "danet evaluate --experiment danet_r50 --seed 1 --protocol ss",
    "danet table table1",
    "danet report",
    "danet train --experiment danet_r50 --seed 1",
}


@pytest.fixture
def finished(project, planned_by_snakemake):
    """The project with every output of the demo profile in place, as after a complete run."""
    project.choose("demo")
    for output in planned_by_snakemake().outputs:
        path = project.root / output
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.name == "receipt.json":  # every start of a workflow reads these
            write_receipt(path, Receipt(path.parent.name, str(path.parent), "generated", (), {}))
        else:
            path.write_text(output)
    return project


def edit_learning_rate(project) -> None:
    project.edit(
        "params.yaml",
        r"  danet_r50: \{dataset: cityscapes,",
        "  danet_r50: {learning_rate: 0.005, dataset: cityscapes,",
    )


def without_choice(commands: list[str]) -> set[str]:
    return {re.sub(r" --(profile|recipe|gpus) \w+", "", command) for command in commands}


def planned(project) -> set[str]:
    run = project.run("snakemake", "--dry-run", "--printshellcmds", "report").stdout
    return without_choice(re.findall(r"Shell command: (danet .*?) *(?:&>|2>&1)", run))


def test_snakemake_retrains_one_experiment_after_its_learning_rate_was_edited(finished):
    finished.run("snakemake", "--touch", "--cores", "1", "report")
    assert planned(finished) == set()
    edit_learning_rate(finished)
    assert planned(finished) == OF_DANET_R50


def test_snakemake_runs_nothing_after_a_comment_was_added(finished):
    finished.run("snakemake", "--touch", "--cores", "1", "report")
    finished.edit("params.yaml", r"^seeds:", "# a comment\nseeds:")
    assert planned(finished) == set()


def test_snakemake_runs_nothing_after_what_only_the_machine_decides_was_edited(finished):
    finished.run("snakemake", "--touch", "--cores", "1", "report")
    finished.edit("params.yaml", r"^  gpus: 1", "  gpus: 2")
    finished.edit("params.yaml", r"^  attention: auto", "  attention: blockwise")
    assert planned(finished) == set()


def test_dvc_retrains_one_experiment_after_its_learning_rate_was_edited(finished):
    finished.run("dvc", "commit", "--force", "--quiet", "workflow/dvc/demo/dvc.yaml")
    assert changed_stages(finished) == set()
    edit_learning_rate(finished)
    assert changed_stages(finished) == {"train@danet_r50-seed1"}


def changed_stages(project) -> set[str]:
    """Stages that DVC finds changed by themselves; what hangs on them follows when they have run."""
    lines = project.run("dvc", "status", "workflow/dvc/demo/dvc.yaml").stdout.splitlines()
    return {line.split(":")[-2] for line in lines if line.endswith(":") and line.startswith("workflow")}
