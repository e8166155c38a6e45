"""The download stage: adopted, generated and fetched trees, and the receipt that it leaves."""

import shutil
from pathlib import Path

import pytest

from danet.data import download as stage
from danet.data.download import download
from danet.data.extraction import unpack
from danet.data.generated.archives import write_archives
from danet.data.manifest import expected_counts
from danet.data.receipt import read_receipt
from danet.data.sources import Source
from danet.errors import BadDataError, DownloadError, MissingDataError, StorageError
from danet.files import file_digest
from danet.settings import dataset_paths
from danet.settings.schema import GeneratedData

LIMIT = 1 << 30
DATASETS = ("cityscapes", "pascal_context", "coco_stuff", "camvid")


def files_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def published(monkeypatch, archives):
    """Let the table of sources point to the generated archives, without checksums."""

    monkeypatch.setattr(stage, "sources_of", lambda dataset: [source_at(path) for path in archives[dataset]])


def source_at(path, checksum="", alternatives=()):
    return Source(path.name, (path.as_uri(),), None, checksum, "", None, LIMIT, alternatives)


@pytest.fixture(scope="session")
def context_archives(tmp_path_factory):
    """Images and JSON labels of PASCAL Context."""
    size = GeneratedData(train=3, val=2, width=64, height=48)
    return write_archives("pascal_context", size, tmp_path_factory.mktemp("detail"), variant="detail")


@pytest.mark.parametrize("dataset", DATASETS)
def test_generated(dataset, params):
    settings = params("demo", {dataset: (3, 2)})
    download(settings, dataset)
    paths = dataset_paths(settings, dataset)
    receipt = read_receipt(paths.receipt, dataset)
    assert receipt.how == "generated"
    assert receipt.images == {"train": 3, "val": 2}
    assert not Path(receipt.root).is_absolute()
    assert {fact.name: fact.sha256 for fact in receipt.archives} == {
        path.name: file_digest(path) for path in paths.archives.iterdir()
    }
    assert sorted(path.name for path in paths.root.iterdir()) == ["archives", "raw", "receipt.json"]


def test_equal_downloads_leave_equal_bytes_and_another_size_replaces_them(params):
    settings = params("demo", {"camvid": (3, 2)})
    paths = dataset_paths(settings, "camvid")
    download(settings, "camvid")
    receipt, files = paths.receipt.read_bytes(), files_below(paths.root)
    download(settings, "camvid")
    assert paths.receipt.read_bytes() == receipt
    assert files_below(paths.root) == files
    download(params("demo", {"camvid": (2, 1)}), "camvid")
    assert read_receipt(paths.receipt, "camvid").images == {"train": 2, "val": 1}


def test_generated_profile_does_not_depend_on_the_machine(monkeypatch, params, unpacked):
    monkeypatch.setenv("CAMVID_DATASET", str(unpacked["camvid"]))
    settings = params("demo", {"camvid": (2, 1)})
    download(settings, "camvid")
    assert read_receipt(dataset_paths(settings, "camvid").receipt, "camvid").how == "generated"


@pytest.mark.parametrize("dataset", DATASETS)
def test_adopted_where_it_is(dataset, monkeypatch, params, unpacked, caplog):
    settings = params("paper")
    monkeypatch.setenv(settings.datasets[dataset].folder_variable, str(unpacked[dataset]))
    download(settings, dataset)
    receipt = read_receipt(dataset_paths(settings, dataset).receipt, dataset)
    assert receipt.how == "adopted"
    assert Path(receipt.root) == unpacked[dataset]
    assert receipt.archives == ()
    official = expected_counts(dataset)["train"]
    assert f"split train has 5 images, the official release has {official}" in caplog.text


def test_adopted_inside_the_project_is_named_relative_to_it(monkeypatch, params, unpacked):
    settings = params("camvid")
    shutil.copytree(unpacked["camvid"], "my/camvid")
    monkeypatch.setenv("CAMVID_DATASET", str(Path("my").resolve()))
    download(settings, "camvid")
    assert read_receipt(dataset_paths(settings, "camvid").receipt, "camvid").root == "my/camvid"


def test_wrong_folder_names_variable_path_and_what_was_looked_for(monkeypatch, params, tmp_path):
    settings = params("paper")
    monkeypatch.setenv("CITYSCAPES_DATASET", str(tmp_path))
    with pytest.raises(MissingDataError, match=rf"CITYSCAPES_DATASET={tmp_path}: .*leftImg8bit, gtFine"):
        download(settings, "cityscapes")
    assert not dataset_paths(settings, "cityscapes").receipt.exists()


@pytest.mark.parametrize("dataset", DATASETS)
def test_fetched_and_unpacked(dataset, params, published):
    settings = params("paper")
    download(settings, dataset)
    receipt = read_receipt(dataset_paths(settings, dataset).receipt, dataset)
    assert receipt.how == "downloaded"
    assert receipt.images == {"train": 5, "val": 4}


def test_truncated_archive_leaves_nothing_unpacked(params, published):
    settings = params("paper")
    paths = dataset_paths(settings, "coco_stuff")
    download(settings, "coco_stuff")
    before = files_below(paths.raw)
    paths.receipt.unlink()
    (archive,) = paths.archives.iterdir()
    archive.write_bytes(archive.read_bytes()[:-5000])
    with pytest.raises(BadDataError, match=rf"{archive.name}: this archive is damaged or cut off"):
        download(settings, "coco_stuff")
    assert not paths.receipt.exists()
    assert files_below(paths.raw) == before
    assert sorted(path.name for path in paths.root.iterdir()) == ["archives", "raw"]


def test_archive_with_other_content(params, published, monkeypatch, archives):
    other = archives["camvid"][0]
    monkeypatch.setattr(stage, "sources_of", lambda dataset: [source_at(other)])
    settings = params("paper")
    with pytest.raises(MissingDataError, match="does not hold images, annotations, imageLists"):
        download(settings, "coco_stuff")
    assert not dataset_paths(settings, "coco_stuff").raw.exists()


def test_cityscapes_without_an_account(params):
    settings = params("paper")
    with pytest.raises(DownloadError, match=r"(?s)packageID=3 asks for an account.*CITYSCAPES_USERNAME"):
        download(settings, "cityscapes")


def test_json_labels_in_the_archives_folder_are_placed_in_the_tree(
    monkeypatch, params, context_archives, caplog
):
    images, labels = context_archives
    nowhere = Source("trainval.tar.gz", ("file:///nowhere",), None, "", "", None, LIMIT, (source_at(labels),))
    monkeypatch.setattr(stage, "sources_of", lambda dataset: [source_at(images), nowhere])
    settings = params("paper")
    paths = dataset_paths(settings, "pascal_context")
    paths.archives.mkdir(parents=True)
    shutil.copy(labels, paths.archives)
    download(settings, "pascal_context")
    receipt = read_receipt(paths.receipt, "pascal_context")
    assert [fact.name for fact in receipt.archives] == [images.name, labels.name]
    assert (paths.raw / labels.name).read_bytes() == labels.read_bytes()
    assert receipt.images == {"train": 3, "val": 2}
    assert "train has 3 images, the official release has 4996" in caplog.text


def test_adopted_json_labels_that_are_not_the_official_ones_are_told(
    monkeypatch, params, context_archives, caplog, tmp_path
):
    images, labels = context_archives
    unpack(images, tmp_path, LIMIT)
    shutil.copy(labels, tmp_path / "VOCdevkit/VOC2010")
    monkeypatch.setenv("PASCAL_CONTEXT_DATASET", str(tmp_path))
    settings = params("paper")
    download(settings, "pascal_context")
    path = tmp_path / "VOCdevkit/VOC2010/trainval_merged.json"
    assert f"warning: {path} does not have the sha1 checksum 169325d9" in caplog.text
    assert read_receipt(dataset_paths(settings, "pascal_context").receipt, "").root == str(tmp_path)


def test_disk_that_fills_up_leaves_what_was_there(monkeypatch, params, published, small_disk):
    settings = params("paper")
    disk = small_disk(128 * 1024)
    Path("data").symlink_to(disk)
    with pytest.raises(StorageError, match=r"-> make room there"):
        download(settings, "coco_stuff")
    paths = dataset_paths(settings, "coco_stuff")
    assert not paths.receipt.exists()
    assert not paths.raw.exists()


def test_read_only_data_folder(params, published, read_only_folder):
    Path("data").symlink_to(read_only_folder)
    for settings, dataset in ((params("paper"), "camvid"), (params("demo"), "cityscapes")):
        with pytest.raises(StorageError, match=r"data/.*Read-only file system\)\n  -> mount it writable"):
            download(settings, dataset)


def test_receipt_that_is_not_there(tmp_path):
    with pytest.raises(
        MissingDataError, match=r"(?s)has not been downloaded.*danet download --dataset camvid"
    ):
        read_receipt(tmp_path / "receipt.json", "camvid")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"archives": [], "root": 1, "new": 2}', '{"archives": [{}]}']
)
def test_damaged_receipt(text, tmp_path):
    (tmp_path / "receipt.json").write_text(text)
    with pytest.raises(BadDataError, match=r"receipt\.json: this receipt is damaged\n  -> remove it"):
        read_receipt(tmp_path / "receipt.json", "camvid")
