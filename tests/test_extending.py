"""docs/extending.md, done to a copy of the project and run as it stands there."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from prepared_splits import write_prepared

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/extending.md"
COPIED = ("src", "params.yaml", "pyproject.toml", "workflow", "tests/conftest.py", "tests/models")
OPENERS, CLOSERS = tuple("([{:"), tuple(")]}")
# Many commands in one process, since torch takes seconds to import.
RUN = """
import runpy, shlex, sys
from danet.cli import app
for line in sys.argv[1:]:
    program, *words = shlex.split(line)
    if program == "danet":
        assert not app(words, standalone_mode=False), line
    elif words[0] == "-m":
        sys.argv = words[1:]
        try:
            runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        except SystemExit as end:
            assert not end.code, line
    else:
        runpy.run_path(words[0], run_name="__main__")
"""


@dataclass(frozen=True)
class Fence:
    """One fenced block of the page."""

    section: str
    language: str
    lines: list[str]


def fences() -> Iterator[Fence]:
    section, text = "", PAGE.read_text(encoding="utf-8")
    for heading, language, content in re.findall(
        r"^## ([^\n]+)$|^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL
    ):
        if heading:
            section = heading
        else:
            yield Fence(section, language, content.splitlines())


def apply(project: Path, lines: list[str]) -> None:
    """Write or change the file that the first line names."""
    name, _, how = lines[0].removeprefix("# ").partition(", ")
    path, added = project / name, lines[1:]
    if not how:
        assert not path.exists(), f"{name} is there already"
        path.write_text("\n".join([*added, ""]))
        return
    old = path.read_text().splitlines()
    if how == "at the end":
        new = old + added
    else:
        position = place(old, how.removeprefix("in ").split(" > "))
        line = old[position]
        code = re.sub(r" +#.*", "", line)
        if code.endswith(OPENERS):
            new = [*old[: position + 1], *added, *old[position + 1 :]]
        else:
            (item,) = added
            end = len(code) - code.endswith(CLOSERS)
            new = [*old[:position], f"{code[:end]}, {item}{code[end:]}", *old[position + 1 :]]
    path.write_text("\n".join([*new, ""]))


def place(lines: list[str], names: list[str]) -> int:
    """The line that begins with the last name, each name being looked for below the one before."""
    position = -1
    for name in names:
        rest = range(position + 1, len(lines))
        position = next(number for number in rest if re.match(rf" *{re.escape(name)}\b", lines[number]))
    return position


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with all that the page adds, and with generated data for the demo."""
    folder = tmp_path_factory.mktemp("extended")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, symlinks=True)
        else:
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    shutil.copy(ROOT / "tests/prepared_splits.py", folder / "tests")
    for fence in fences():
        if fence.lines and fence.lines[0].startswith("# "):
            apply(folder, fence.lines)
    text = (folder / "params.yaml").read_text()
    for old, new in (("sqlite:///mlflow.db", "none"), ("iterations: 80", "iterations: 1")):
        assert old in text
        text = text.replace(old, new)
    (folder / "params.yaml").write_text(text)
    random = np.random.default_rng(0)
    for split, images in (("train", 8), ("val", 2)):
        pixels = random.integers(0, 256, (images, 40, 80, 3), np.uint8)
        labels = random.integers(0, 19, (images, 40, 80), np.uint8)
        write_prepared(folder / f"data/demo/cityscapes/prepared/{split}", pixels, labels, split=split)
    return folder


@pytest.fixture
def follow(project: Path) -> Callable[..., str]:
    """Run the commands of sections, in their order; gives what they print."""

    def run(*sections: str, **variables: str) -> str:
        shown = [fence for fence in fences() if fence.section in sections and fence.language == "sh"]
        commands = [line for fence in shown for line in fence.lines]
        assert len(commands) >= len(sections)
        environment = os.environ | {"PYTHONPATH": str(project / "src"), "HOME": str(project)} | variables
        command = [sys.executable, "-c", RUN, *commands]
        result = subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    return run


@pytest.mark.slow
def test_own_folders_are_checked_prepared_trained_evaluated_and_predicted(project, follow):
    random = np.random.default_rng(1)
    classes = ["cat", "dog,64,0,128", "grass"]
    for number in range(20):
        label = random.integers(0, len(classes), (6, 8), np.uint8).repeat(10, 0).repeat(10, 1)
        for kind, pixels, suffix in (("images", label * 90, "jpg"), ("labels", label, "png")):
            path = project / f"pets/{kind}/walk/{number}.{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(path)
    (project / "pets/classes.txt").write_text("\n".join(classes))
    Image.new("RGB", (50, 40)).save(project / "photo.jpg")
    printed = follow("Add a data set: your own folders")
    assert "no fault (every pixel read)" in printed
    assert "danet_r50 seed 1 ss: mIoU" in printed
    with Image.open(project / "prediction.png") as prediction:
        assert prediction.size == (50, 40)


def test_a_release_with_a_format_of_its_own_is_read(project, follow):
    random = np.random.default_rng(2)
    for split, images in (("train", 20), ("val", 4)):
        for number in range(images):
            label = 10 * random.integers(0, 4, (48, 64), np.uint8)
            for kind, suffix in (("images", "jpg"), ("annotations", "png")):
                path = project / f"release/{kind}/{split}/{split}{number}.{suffix}"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(label).save(path)
    folder = str(project / "release")
    printed = follow("Add a data set: a release with a format of its own", SUBURBS_DATASET=folder)
    assert "complete (counted, pixels not read)" in printed
    assert (project / "data/suburbs/suburbs/prepared/val/index.json").exists()


@pytest.mark.slow
def test_a_head_a_protocol_a_table_and_a_figure_are_added(project, follow):
    follow("Add a head", "Add a protocol", "Add a table or a figure")
    results = project / "results/demo/released_code"
    assert {path.name for path in (results / "eval/plain_r50/seed1").glob("*.json")} == {
        "ss.json",
        "half.json",
    }
    table = (results / "tables/table10.md").read_text()
    assert "Plain head" in table
    assert (results / "figures/figure7.pdf").stat().st_size
    assert "figure7" in (project / "workflow/schemas/params.schema.json").read_text()
