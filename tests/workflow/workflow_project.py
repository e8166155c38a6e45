"""A copy of the project in which workflows can be planned and run without touching the checkout."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Self

import pytest

from danet.jobs.job import jobs_of
from danet.jobs.made import basis_of, write_made
from danet.settings import load_plan
from danet.settings.job_facts import note_data

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "tests/programs"
COPIED = (
    "Snakefile",
    "dvc.yaml",
    "params.yaml",
    "profiles",
    "workflow",
    "src/danet/reporting/tables/published.yaml",
    ".dvc/config",
    ".dvc/.gitignore",
    ".dvcignore",
    ".gitignore",
)
Edit = tuple[str, str]
"""A pattern in params.yaml and what takes its place."""


class Project:
    """A folder with the project, and the commands that a user would type in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.programs = [Path(sys.executable).parent]
        """Folders that are searched for commands before others."""

    @classmethod
    def copied(cls, root: Path) -> Self:
        """A copy of the checkout, committed."""
        project = cls(root)
        for name in COPIED:
            source, target = ROOT / name, root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("jobs"))
            else:
                shutil.copy(source, target)
        project.run("git", "init", "--quiet")
        project.run("git", "config", "user.name", "a user")
        project.run("git", "config", "user.email", "user@localhost")
        project.commit("the project")
        return project

    def stand_in(self) -> None:
        """Put a program in the place of danet that makes outputs out of nothing."""
        self.programs.insert(0, PROGRAMS / "stand_in")

    def run(
        self, *command: str, succeeds: bool = True, text: str = "", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of the virtual environment; ``text`` is its standard input."""
        environment = (
            os.environ | variables | {"PATH": ":".join([*map(str, self.programs), os.environ["PATH"]])}
        )
        result = subprocess.run(
            command, cwd=self.root, env=environment, input=text, capture_output=True, text=True
        )
        assert (result.returncode == 0) == succeeds, result.stdout + result.stderr
        return result

    def commit(self, message: str) -> None:
        self.run("git", "add", "--all")
        self.run("git", "commit", "--quiet", "--message", message)

    def edit(self, *edits: Edit, path: str = "params.yaml") -> None:
        (self.root / path).write_text(edited((self.root / path).read_text(), *edits))

    @property
    def params(self) -> str:
        """The content of params.yaml."""
        return (self.root / "params.yaml").read_text()

    def ask_engines(self, *params: str, everything: bool = False) -> list[dict[str, dict]]:
        """What each engine would run for the report after each of these params.yaml; or all that it knows."""
        before, kind = self.params, "everything" if everything else "planned"
        program = [sys.executable, str(PROGRAMS / "engine_plans.py"), kind]
        answers = json.loads(self.run(*program, text=json.dumps(params)).stdout)
        (self.root / "params.yaml").write_text(before)
        return answers


def edited(text: str, *edits: Edit) -> str:
    for pattern, replacement in edits:
        text, count = re.subn(pattern, replacement, text, count=1, flags=re.MULTILINE)
        assert count == 1, pattern
    return text


def chosen(profile: str, recipe: str = "paper_text") -> list[Edit]:
    """The edits of params.yaml that choose a profile and a recipe."""
    return [(r"^profile: \w+", f"profile: {profile}"), (r"^recipe: \w+", f"recipe: {recipe}")]


def note_what_made(project: Project) -> None:
    """Note that all results are those of the settings of now, as each command does at its end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.root)
        plan = load_plan()
        for dataset in map(plan.dataset, plan.datasets):
            note_data("download", dataset)
            note_data("prepare", dataset)
        for job in jobs_of(plan):
            write_made(plan.paths, job, basis_of(job))
