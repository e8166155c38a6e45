"""Small generated data sets in their official layouts, unpacked where a test may damage them."""

import copy
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from danet.data.generated.archives import write_archives
from danet.data.obtaining.extraction import unpack
from danet.data.releases.layout import find_root
from danet.data.releases.samples import ADAPTERS
from danet.settings import Dataset, GeneratedData, Plan
from danet.settings.reading import read_params, validate_params
from danet.settings.resolution import resolve

PROJECT = Path(__file__).parents[2]
DATASETS = ("cityscapes", "pascal_context", "coco_stuff", "camvid")
SIZE = GeneratedData(train=5, val=4, width=64, height=48)


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Path]]:
    """Official archives of each data set with a handful of images."""
    return {dataset: write_archives(dataset, SIZE, tmp_path_factory.mktemp(dataset)) for dataset in DATASETS}


@pytest.fixture(scope="session")
def unpacked(archives: dict[str, list[Path]], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Roots of the unpacked trees; not to be written to."""
    roots = {}
    for dataset, paths in archives.items():
        folder = tmp_path_factory.mktemp(f"{dataset}-tree")
        for path in paths:
            unpack(path, folder, limit=1 << 30)
        roots[dataset] = find_root(folder, ADAPTERS[dataset].LANDMARKS)
    return roots


@pytest.fixture
def tree(unpacked: dict[str, Path], tmp_path: Path) -> Callable[[str], Path]:
    """Copy a data set's tree to a folder of the test's own and return its root."""
    return lambda dataset: Path(shutil.copytree(unpacked[dataset], tmp_path / f"{dataset}-copy"))


@pytest.fixture(scope="session")
def unpacked_detail(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Root of a tree of PASCAL Context with its labels in one JSON file; not to be written to."""
    folder = tmp_path_factory.mktemp("detail-tree")
    images, labels = write_archives("pascal_context", SIZE, folder, variant="detail")
    unpack(images, folder, limit=1 << 30)
    images.unlink()
    return labels.parent


@pytest.fixture
def detail_tree(unpacked_detail: Path, tmp_path: Path) -> Path:
    """A copy of that tree of the test's own."""
    return Path(shutil.copytree(unpacked_detail, tmp_path / "detail-copy"))


@pytest.fixture(scope="session")
def project_params() -> dict[str, Any]:
    """The project's own settings as plain values; not to be written to."""
    return read_params(PROJECT / "params.yaml")


@pytest.fixture(scope="session")
def release(project_params: dict[str, Any]) -> Callable[[str], Dataset]:
    """A release by its name, as the project's settings define it."""
    return resolve(validate_params(project_params)).dataset


@pytest.fixture
def as_nobody() -> Iterator[Callable[[Path, int], None]]:
    """Take permissions of a file or folder away, and be a user for whom they count."""
    changed: list[tuple[Path, int]] = []
    root = os.geteuid() == 0

    def forbid(path: Path, mode: int) -> None:
        if root and not changed:
            for parent in path.resolve().parents:
                if not parent.stat().st_mode & 0o001:
                    changed.append((parent, parent.stat().st_mode))
                    parent.chmod(parent.stat().st_mode | 0o011)
        changed.append((path, path.stat().st_mode))
        path.chmod(mode)
        if root:
            os.seteuid(65534)

    yield forbid
    if root:
        os.seteuid(0)
    for path, mode in reversed(changed):
        path.chmod(mode)


@pytest.fixture
def own_folders(tmp_path: Path) -> dict[str, Any]:
    """The entry of params.yaml for ten images of the user's own with three classes, 64x48 pixels."""
    random, folder = np.random.default_rng(1), tmp_path / "own"
    for kind in ("images", "labels"):
        (folder / kind / "walk").mkdir(parents=True)
    for number in range(10):
        label = random.integers(0, 3, (48, 64), np.uint8)
        image = 80 * np.stack([label] * 3, axis=-1)
        Image.fromarray(image).save(folder / f"images/walk/{number}.jpg")
        Image.fromarray(label).save(folder / f"labels/walk/{number}.png")
    (folder / "classes.txt").write_text("road,128,64,128\nsky\ntree\n")
    return {
        "title": "My walks",
        "kind": "folders",
        "folders": {
            "images": str(folder / "images"),
            "labels": str(folder / "labels"),
            "classes": str(folder / "classes.txt"),
        },
        "training": {"epochs": 1, "batch_size": 2, "crop_size": 32, "short_side": 48},
        "protocols": {"ss": {"long_side": 64, "crop_size": 64, "stride": 0.5}},
    }


@pytest.fixture
def make_plan(
    project_params: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Plan]:
    """Make the project's plan under a profile; the test runs in an empty folder of its own.

    ``generated`` maps data sets to (train, val) counts that take the place of the profile's, ``datasets``
    holds further entries of that block, ``accepts`` says by data set how a copy may differ.
    """
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    for entry in project_params["datasets"].values():
        monkeypatch.delenv(entry["folder_variable"], raising=False)
    for variable in ("CITYSCAPES_USERNAME", "CITYSCAPES_PASSWORD"):
        monkeypatch.delenv(variable, raising=False)

    def make(
        profile: str = "demo",
        generated: dict[str, tuple[int, int]] | None = None,
        datasets: dict[str, Any] | None = None,
        accepts: dict[str, list[str]] | None = None,
    ) -> Plan:
        raw = copy.deepcopy(project_params) | {"profile": profile}
        raw["datasets"] |= datasets or {}
        for name, differences in (accepts or {}).items():
            raw["datasets"][name]["accepts"] = differences
        if generated is not None:
            raw["profiles"][profile]["generated"] = {
                dataset: SIZE.model_dump() | {"train": train, "val": val}
                for dataset, (train, val) in generated.items()
            }
        return resolve(validate_params(raw))

    return make
