"""Every command in README and docs is run as typed, or says here why it is not."""

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from workflow_project import Project

ROOT = Path(__file__).parents[2]
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")),
]
ELSEWHERE = {
    r"make (demo|test|lint)|\.ci/run": "the gate runs it",
    r"pip install pre-commit.*": "installs into the reader's own environment",
    r"mlflow ui .*": "serves until it is stopped; tests/tracking reads the store",
    r"danet (import-checkpoint|evaluate) .*danet_r101_da_mg.*": "tests/runs/test_importing.py",
    r"danet import-checkpoint .*mmseg_danet_r101.*": "tests/runs/test_importing.py",
    r"danet (predict|attend|export) .*": "tests/inference",
    r"danet explain .*": "tests/reporting/explanation",
    r"danet submit .*": "tests/evaluation/test_submission.py",
    r"snakemake submission .*": "needs an account for Cityscapes",
    r"danet check --dataset cityscapes.*": "tests/data/test_check.py, with data",
    r"danet (download|prepare) --dataset cityscapes.*|rm -r data/paper/cityscapes": "tests/data/obtaining/"
    "test_trial.py, smaller",
    r"danet train --experiment danet_r101 .*": "needs a GPU and Cityscapes; tests/training, with stand-ins",
    r"(danet|snakemake) .*(pets|suburbs|plain_r50|table10|figure7).*": "tests/test_extending.py",
    r"python (predict\.py|-m pytest tests/models/heads/test_every_head\.py.*)": "tests/test_extending.py",
    r"danet train --experiment fcn_r50 .*|danet evaluate --experiment fcn_r50 .*": "tests/test_extending.py",
    r"python -m danet\.settings\.(json_schema|dvc_lists)": "tests/test_extending.py",
    r"python tests/programs/lease_drill\.py .*": "tests/machine/test_gpu_lease.py, with fewer processes",
    r"python benchmarks/.*": "takes minutes; benchmarks/ is run by hand",
}
"""Pattern of a command, and where else it is run or why it cannot be run here."""
REAL = r"danet (check|plan|gpus|--help).*"
"""Commands of danet that look and make nothing; the others are jobs."""
FAILS = {r"danet check( --every-pixel)?"}
"""Commands that say what is missing, and end with an error where it is."""


def commands(page: str) -> Iterator[str]:
    """Commands of the shell blocks of a page, without comments."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for block in re.findall(r"^```sh\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL):
        lines = (" ".join(shlex.split(line, comments=True, posix=False)) for line in block.splitlines())
        yield from filter(None, lines)


def here() -> dict[str, list[str]]:
    """Commands that are run here, by page."""
    return {
        page: [c for c in commands(page) if not any(re.fullmatch(pattern, c) for pattern in ELSEWHERE)]
        for page in PAGES
    }


def test_the_pages_have_commands_and_every_exception_is_used():
    everything = [command for page in PAGES for command in commands(page)]
    assert len(everything) > 20
    unused = [p for p in (*ELSEWHERE, *FAILS) if not any(re.fullmatch(p, command) for command in everything)]
    assert unused == []


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page, found in here().items() if found])
def test_commands_run_as_typed(page: str, project: Project, finished_demo: Project, tmp_path: Path):
    """The engines are real, and so are the commands that look; those that make things are stood in for."""
    finished = Project(shutil.copytree(finished_demo.root, tmp_path / "finished", symlinks=True))
    finished.stand_in()
    for command in here()[page]:
        user = project if re.fullmatch(REAL, command) else finished
        fails = any(re.fullmatch(pattern, command) for pattern in FAILS)
        user.run(*shlex.split(command), succeeds=not fails)
