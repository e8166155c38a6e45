"""Fixtures that several folders of tests share."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest
from prepared_splits import write_prepared

from danet.data.prepared.split import PreparedSplit
from danet.machine.arithmetic import flush_denormals

# As a command does: before torch starts its threads, which keep what holds at that moment.
flush_denormals()

ROOT = Path(__file__).parents[1]


@pytest.fixture
def made_split(tmp_path: Path) -> Callable[..., PreparedSplit]:
    """Make a prepared split of random images whose colours show the classes."""

    def make(
        images: int = 8,
        height: int = 40,
        width: int = 60,
        classes: int = 4,
        folder: Path | None = None,
        dataset: str = "cityscapes",
        split: str = "train",
    ) -> PreparedSplit:
        random = np.random.default_rng(images * height + width)
        coarse = random.integers(0, classes, (images, height // 10, width // 10))
        labels = coarse.repeat(10, axis=1).repeat(10, axis=2).astype(np.uint8)
        colours = np.random.default_rng(1).integers(0, 256, (classes, 3))
        pixels = np.clip(colours[labels] + random.normal(0, 20, (*labels.shape, 3)), 0, 255).astype(np.uint8)
        return write_prepared(folder or tmp_path / "prepared", pixels, labels, dataset, split)

    return make


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Make the folder of a disk of its own that holds so many bytes; skips where none can be mounted."""
    with ExitStack() as stack:
        yield lambda size: stack.enter_context(_mounted(tmp_path / "disk", f"size={size}"))


@pytest.fixture
def read_only_folder(tmp_path: Path) -> Iterator[Path]:
    """An empty folder that nobody can write to, root included; skips where none can be mounted."""
    with _mounted(tmp_path / "read-only", "size=64m,ro") as folder:
        yield folder


@contextmanager
def _mounted(folder: Path, options: str) -> Iterator[Path]:
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a disk can only be mounted by root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True, capture_output=True)
