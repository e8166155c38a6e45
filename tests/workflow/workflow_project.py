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

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "tests/programs"
COPIED = (
    "Snakefile",
    "dvc.yaml",
    "params.yaml",
    "profiles",
    "workflow",
    "src/danet",
    ".dvc/config",
    ".dvc/.gitignore",
    ".dvcignore",
    ".gitignore",
)
Edit = tuple[str, str]
"""A pattern in params.yaml and what takes its place."""


def ignored(folder: str, names: list[str]) -> list[str]:
    """What earlier runs have left: files of DVC's first stage, and compiled modules."""
    return [
        name for name in names if name == "__pycache__" or Path(folder, name) == ROOT / "workflow/dvc/jobs"
    ]


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
                shutil.copytree(source, target, ignore=ignored)
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

    def ask_engines(self, *edits: str | dict[str, str], everything: bool = False) -> list[dict[str, dict]]:
        """What each engine would run for the report after each edit; or all that it knows.

        An edit is the content of files by their paths, or of params.yaml alone.
        """
        questions = [{"params.yaml": edit} if isinstance(edit, str) else edit for edit in edits]
        program = [str(PROGRAMS / "engine_plans.py"), "everything" if everything else "planned"]
        return json.loads(self.run(sys.executable, *program, text=json.dumps(questions)).stdout)


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
        for job in jobs_of(plan):
            write_made(plan.paths, job, basis_of(job))
