"""Whatever one engine has made is made for the other: nothing is deleted, nothing trained twice."""

from pathlib import Path

import pytest
import yaml
from workflow_project import Project, chosen

pytestmark = pytest.mark.slow
OTHERS = Path("results/paper/released_code/runs/danet_r101/seed1/final.pth")
DVC_TABLE5 = "workflow/dvc/dvc.yaml:table@demo-paper_text-table5"
SNAKEMAKE = ("snakemake", "table5", "--cores", "1")
DVC = ("dvc", "repro", DVC_TABLE5)


def contents(project: Project) -> dict[Path, bytes]:
    """Everything below results and data, but for logs and the time that jobs took."""
    files = (path for name in ("results", "data") for path in (project.root / name).rglob("*"))
    apart = {"logs", "benchmarks"}
    return {
        path: path.read_bytes() for path in files if path.is_file() and not apart.intersection(path.parts)
    }


def test_dvc_takes_what_snakemake_has_made(finished):
    """It calls each command once, which finds its result current, and touches no file of any profile."""
    finished.stand_in()
    (finished.root / OTHERS).parent.mkdir(parents=True)
    (finished.root / OTHERS).write_text("weeks of work")
    forget(finished, "coco")
    finished.edit(*chosen("paper"))
    finished.commit("before DVC has seen COCO Stuff")
    before = contents(finished)
    finished.run("dvc", "exp", "run", "--set-param", "profile=demo")
    for command in ("repro", "checkout --force", "pull", "gc --workspace --force"):
        assert contents(finished) == before
        finished.run("dvc", *command.split())
    assert contents(finished) == before
    commands = (finished.root / "called.log").read_text().splitlines()
    assert len(commands) == len(set(commands)) == 12
    assert sum(command.startswith("train") for command in commands) == 3
    assert finished.run("git", "diff", "--stat", "params.yaml").stdout.endswith(
        "1 insertion(+), 1 deletion(-)\n"
    )


def forget(project: Project, words: str) -> None:
    """Take the stages with ``words`` in their names out of DVC's lock, as if it had not run them."""
    path = project.root / "workflow/dvc/dvc.lock"
    lock = yaml.safe_load(path.read_text())
    lock["stages"] = {name: stage for name, stage in lock["stages"].items() if words not in name}
    path.write_text(yaml.safe_dump(lock))


@pytest.mark.parametrize(
    "engines", [(SNAKEMAKE, DVC), (DVC, SNAKEMAKE)], ids=["snakemake, dvc", "dvc, snakemake"]
)
def test_one_engine_goes_on_where_the_other_was_cut_off(project, engines):
    project.stand_in()
    project.edit(*chosen("demo"))
    first, second = engines
    project.run(*first, succeeds=False, FAILS="evaluate --experiment cocostuff_danet_r101")
    made = contents(project)
    assert any(path.name == "final.pth" for path in made)
    project.run(*second)
    assert made.items() <= contents(project).items()
    after = contents(project)
    project.run(*first)
    assert contents(project) == after
    made = (project.root / "made.log").read_text().splitlines()
    assert len(made) == len(set(made)) == 12
