"""Copies of the project, one of them with the results of the demo."""

import os
import shutil
import time
from pathlib import Path

import pytest
from workflow_project import Project, chosen, note_what_made

from danet.data.obtaining.receipt import Receipt, write_receipt


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.copied(tmp_path)


@pytest.fixture(scope="session")
def finished_demo(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project with every output of the demo in place, as DVC leaves it; not to be changed."""
    project = Project.copied(tmp_path_factory.mktemp("finished"))
    project.edit(*chosen("demo"))
    now = time.time()
    (jobs,) = project.ask_engines(project.params, everything=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.root)
        for _, outputs in jobs["dvc"].values():
            for output in map(Path, outputs):
                output.parent.mkdir(parents=True, exist_ok=True)
                if output.name == "receipt.json":  # every start of a workflow reads these
                    write_receipt(
                        output, Receipt(output.parent.name, str(output.parent), "generated", (), {})
                    )
                else:
                    output.write_text(str(output))
                os.utime(output, (now, now))
    note_what_made(project)
    project.run("dvc", "commit", "--force", "--quiet", "--with-deps", "all")
    project.commit("the finished demo")
    return project


@pytest.fixture
def finished(finished_demo: Project, tmp_path: Path) -> Project:
    """A copy of the finished demo."""
    return Project(shutil.copytree(finished_demo.root, tmp_path / "copy", symlinks=True))
