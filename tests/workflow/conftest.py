"""A copy of the project in which workflows can be planned and run without touching the checkout."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COPIED = (
    "Snakefile",
    "dvc.yaml",
    "params.yaml",
    "profiles",
    "workflow",
    "src/danet/reporting/published.yaml",
    ".dvc/config",
    ".dvcignore",
    ".gitignore",
)


@dataclass
class Plan:
    """What a workflow would do: commands without their log, and paths of outputs."""

    commands: set[str]
    outputs: set[str]


class Project:
    """The copy, and the commands that a user would type in it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, *command: str, succeeds: bool = True) -> subprocess.CompletedProcess:
        """Run a command of the virtual environment; stdout and stderr as text."""
        environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        result = subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True)
        assert (result.returncode == 0) == succeeds, result.stdout + result.stderr
        return result

    def choose(self, profile: str) -> None:
        """Set ``profile`` in params.yaml."""
        self.edit("params.yaml", r"^profile: \w+", f"profile: {profile}")

    def edit(self, name: str, pattern: str, replacement: str) -> None:
        path = self.root / name
        text, count = re.subn(pattern, replacement, path.read_text(), count=1, flags=re.MULTILINE)
        assert count == 1, pattern
        path.write_text(text)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    for name in COPIED:
        source, target = ROOT / name, tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True)
        else:
            shutil.copy(source, target)
    copy = Project(tmp_path)
    copy.run("git", "init", "--quiet")
    return copy


@pytest.fixture
def planned_by_snakemake(project: Project) -> Callable[[], Plan]:
    """What Snakemake would run for the report, and everything that it would write."""

    def plan() -> Plan:
        run = project.run("snakemake", "--dry-run", "--printshellcmds", "report").stdout
        commands = re.findall(r"Shell command: (danet .*?)(?: --(?:processes|gpus) \d+)? *(?:&>|2>&1)", run)
        table = project.run("snakemake", "--summary", "report").stdout.splitlines()
        return Plan(set(commands), {line.split("\t")[0] for line in table[1:]})

    return plan


@pytest.fixture
def planned_by_dvc(project: Project) -> Callable[[], Plan]:
    """What ``dvc repro`` would run, and everything that it would write."""

    def plan() -> Plan:
        stages = json.loads(project.run(sys.executable, "-c", PRINT_DVC_STAGES).stdout)
        return Plan(set(stages), {out for outs in stages.values() for out in outs})

    return plan


# In a process of its own, since DVC's imports warn and warnings are errors here.
PRINT_DVC_STAGES = """
import json
from pathlib import Path
from dvc.repo import Repo
from networkx import descendants

with Repo() as repo:
    (last,) = [stage for stage in repo.index.stages if getattr(stage, "name", "") == "all"]
    stages = descendants(repo.index.graph, last)
    outs = lambda stage: [str(Path(out.fs_path).relative_to(Path.cwd())) for out in stage.outs]
    last_command = lambda stage: stage.cmd[-1] if isinstance(stage.cmd, list) else stage.cmd
    print(json.dumps({" ".join(last_command(stage).split()): outs(stage) for stage in stages}))
"""
