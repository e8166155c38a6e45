"""Small generated data sets in their official layouts, unpacked where a test may damage them."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from danet.data.extraction import unpack
from danet.data.generated.archives import write_archives
from danet.data.layout import find_root
from danet.data.samples import ADAPTERS
from danet.settings import Params, load_params
from danet.settings.schema import GeneratedData

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
def project_params() -> Params:
    """The project's own settings, validated once."""
    return load_params(PROJECT / "params.yaml")


@pytest.fixture
def params(project_params: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Params]:
    """Make the project's settings under a profile; the test runs in an empty folder of its own.

    ``generated`` maps data sets to (train, val) counts that take the place of the profile's.
    """
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    for dataset in project_params.datasets.values():
        monkeypatch.delenv(dataset.folder_variable, raising=False)
    for variable in ("CITYSCAPES_USERNAME", "CITYSCAPES_PASSWORD"):
        monkeypatch.delenv(variable, raising=False)

    def make(profile: str = "demo", generated: dict[str, tuple[int, int]] | None = None) -> Params:
        changes = {"profile": profile}
        if generated is not None:
            sizes = {
                dataset: SIZE.model_copy(update={"train": train, "val": val})
                for dataset, (train, val) in generated.items()
            }
            changed = project_params.profiles[profile].model_copy(update={"generated": sizes})
            changes["profiles"] = project_params.profiles | {profile: changed}
        return project_params.model_copy(update=changes)

    return make
