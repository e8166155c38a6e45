"""The download stage: adopted, generated and fetched trees, and the receipt that it leaves."""

import json
import shutil
import zipfile
import zlib
from pathlib import Path

import pytest

from danet.data.generated.archives import write_archives
from danet.data.obtaining import download as stage
from danet.data.obtaining.download import download
from danet.data.obtaining.extraction import unpack
from danet.data.obtaining.receipt import read_receipt
from danet.data.obtaining.sources import Source
from danet.data.releases.manifest import expected_counts
from danet.errors import BadDataError, DownloadError, MissingDataError, StorageError
from danet.files import file_digest
from danet.settings import GeneratedData

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
def test_generated(dataset, make_plan):
    chosen = make_plan("demo", {dataset: (3, 2)}).dataset(dataset)
    download(chosen)
    paths = chosen.paths
    receipt = read_receipt(chosen)
    assert receipt.how == "generated"
    assert receipt.images == {"train": 3, "val": 2}
    assert not Path(receipt.root).is_absolute()
    assert {fact.name: fact.sha256 for fact in receipt.archives} == {
        path.name: file_digest(path) for path in paths.archives.iterdir()
    }
    assert sorted(path.name for path in paths.root.iterdir()) == ["archives", "raw", "receipt.json"]


def test_equal_downloads_leave_equal_bytes_and_another_size_replaces_them(make_plan):
    dataset = make_plan("demo", {"camvid": (3, 2)}).dataset("camvid")
    paths = dataset.paths
    download(dataset)
    receipt, files = paths.receipt.read_bytes(), files_below(paths.root)
    download(dataset)
    assert paths.receipt.read_bytes() == receipt
    assert files_below(paths.root) == files
    download(make_plan("demo", {"camvid": (2, 1)}).dataset("camvid"))
    assert read_receipt(dataset).images == {"train": 2, "val": 1}


def test_generated_profile_does_not_depend_on_the_machine(monkeypatch, make_plan, unpacked):
    monkeypatch.setenv("CAMVID_DATASET", str(unpacked["camvid"]))
    dataset = make_plan("demo", {"camvid": (2, 1)}).dataset("camvid")
    download(dataset)
    assert read_receipt(dataset).how == "generated"


@pytest.mark.parametrize("dataset", DATASETS)
def test_adopted_where_it_is(dataset, monkeypatch, make_plan, unpacked, caplog):
    chosen = make_plan("paper").dataset(dataset)
    monkeypatch.setenv(chosen.folder_variable, str(unpacked[dataset]))
    download(chosen)
    receipt = read_receipt(chosen)
    assert receipt.how == "adopted"
    assert Path(receipt.root) == unpacked[dataset]
    assert receipt.archives == ()
    official = expected_counts(dataset)["train"]
    assert f"split train has 5 images, the official release has {official}" in caplog.text


def test_adopted_inside_the_project_is_named_relative_to_it(monkeypatch, make_plan, unpacked):
    dataset = make_plan("camvid").dataset("camvid")
    shutil.copytree(unpacked["camvid"], "my/camvid")
    monkeypatch.setenv("CAMVID_DATASET", str(Path("my").resolve()))
    download(dataset)
    assert read_receipt(dataset).root == "my/camvid"


def test_wrong_folder_names_variable_path_and_what_was_looked_for(monkeypatch, make_plan, tmp_path):
    dataset = make_plan("paper").dataset("cityscapes")
    monkeypatch.setenv("CITYSCAPES_DATASET", str(tmp_path))
    with pytest.raises(MissingDataError, match=rf"CITYSCAPES_DATASET={tmp_path}: .*leftImg8bit, gtFine"):
        download(dataset)
    assert not dataset.paths.receipt.exists()


@pytest.mark.parametrize("dataset", DATASETS)
def test_fetched_and_unpacked(dataset, make_plan, published):
    chosen = make_plan("paper").dataset(dataset)
    download(chosen)
    receipt = read_receipt(chosen)
    assert receipt.how == "downloaded"
    assert receipt.images == {"train": 5, "val": 4}


def test_truncated_archive_leaves_nothing_unpacked(make_plan, published):
    dataset = make_plan("paper").dataset("coco_stuff")
    paths = dataset.paths
    download(dataset)
    before = files_below(paths.raw)
    paths.receipt.unlink()
    (paths.root / "pins.json").unlink()
    (archive,) = paths.archives.iterdir()
    archive.write_bytes(archive.read_bytes()[:-5000])
    with pytest.raises(BadDataError, match=rf"{archive.name}: this archive is damaged or cut off"):
        download(dataset)
    assert not paths.receipt.exists()
    assert files_below(paths.raw) == before
    assert sorted(path.name for path in paths.root.iterdir()) == ["archives", "raw"]


def test_archive_with_other_content(make_plan, published, monkeypatch, archives):
    other = archives["camvid"][0]
    monkeypatch.setattr(stage, "sources_of", lambda dataset: [source_at(other)])
    dataset = make_plan("paper").dataset("coco_stuff")
    with pytest.raises(MissingDataError, match="does not hold images, annotations, imageLists"):
        download(dataset)
    assert not dataset.paths.raw.exists()


def test_cityscapes_without_an_account(make_plan):
    dataset = make_plan("paper").dataset("cityscapes")
    with pytest.raises(DownloadError, match=r"(?s)packageID=3 asks for an account.*CITYSCAPES_USERNAME"):
        download(dataset)


def test_json_labels_in_the_archives_folder_are_placed_in_the_tree(
    monkeypatch, make_plan, context_archives, caplog
):
    images, labels = context_archives
    nowhere = Source("trainval.tar.gz", ("file:///nowhere",), None, "", "", None, LIMIT, (source_at(labels),))
    monkeypatch.setattr(stage, "sources_of", lambda dataset: [source_at(images), nowhere])
    dataset = make_plan("paper").dataset("pascal_context")
    paths = dataset.paths
    paths.archives.mkdir(parents=True)
    shutil.copy(labels, paths.archives)
    download(dataset)
    receipt = read_receipt(dataset)
    assert [fact.name for fact in receipt.archives] == [images.name, labels.name]
    assert (paths.raw / labels.name).read_bytes() == labels.read_bytes()
    assert receipt.images == {"train": 3, "val": 2}
    assert "train has 3 images, the official release has 4996" in caplog.text


def test_warning_of_adopted_json_labels_that_are_not_the_official_ones(
    monkeypatch, make_plan, context_archives, caplog, tmp_path
):
    images, labels = context_archives
    unpack(images, tmp_path, LIMIT)
    shutil.copy(labels, tmp_path / "VOCdevkit/VOC2010")
    monkeypatch.setenv("PASCAL_CONTEXT_DATASET", str(tmp_path))
    dataset = make_plan("paper").dataset("pascal_context")
    download(dataset)
    path = tmp_path / "VOCdevkit/VOC2010/trainval_merged.json"
    assert f"warning: {path} does not have the sha1 checksum 169325d9" in caplog.text
    assert read_receipt(dataset).root == str(tmp_path)


def test_disk_that_fills_up_leaves_what_was_there(monkeypatch, make_plan, published, small_disk):
    dataset = make_plan("paper").dataset("coco_stuff")
    disk = small_disk(128 * 1024)
    Path("data").symlink_to(disk)
    with pytest.raises(StorageError, match=r"-> make room there"):
        download(dataset)
    paths = dataset.paths
    assert not paths.receipt.exists()
    assert not paths.raw.exists()


def test_read_only_data_folder(make_plan, published, read_only_folder):
    Path("data").symlink_to(read_only_folder)
    for profile, name in (("paper", "camvid"), ("demo", "cityscapes")):
        with pytest.raises(StorageError, match=r"data/.*Read-only file system\)\n  -> mount it writable"):
            download(make_plan(profile).dataset(name))


def test_own_folders_are_adopted_where_they_are(make_plan, own_folders, caplog):
    dataset = make_plan(datasets={"walks": own_folders}).dataset("walks")
    download(dataset)
    receipt = read_receipt(dataset)
    assert (receipt.how, receipt.root, receipt.archives) == ("adopted", own_folders["folders"]["images"], ())
    assert receipt.images == {"train": 8, "val": 2}
    assert caplog.text == ""
    assert [path.name for path in dataset.paths.root.iterdir()] == ["receipt.json"]


def test_missing_receipt(make_plan):
    with pytest.raises(
        MissingDataError,
        match=r"has not been downloaded\n  -> danet download --dataset camvid --profile paper",
    ):
        read_receipt(make_plan("paper").dataset("camvid"))


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"archives": [], "root": 1, "new": 2}', '{"archives": [{}]}']
)
def test_damaged_receipt(text, make_plan):
    dataset = make_plan("paper").dataset("camvid")
    dataset.paths.root.mkdir(parents=True)
    dataset.paths.receipt.write_text(text)
    with pytest.raises(
        BadDataError,
        match=r"receipt\.json: this receipt is damaged\n  -> rm data/paper/camvid/receipt\.json; danet",
    ):
        read_receipt(dataset)


def test_receipt_has_the_archives_checksums_of_files_that_may_hold_none(make_plan, published, archives):
    for name, kinds in (
        ("coco_stuff", {".jpg", ".mat"}),
        ("pascal_context", {".jpg", ".mat"}),
        ("camvid", set()),
    ):
        dataset = make_plan("paper").dataset(name) if name != "camvid" else make_plan("camvid").dataset(name)
        download(dataset)
        receipt = read_receipt(dataset)
        files = {path: Path(receipt.root, path) for path in receipt.checksums}
        assert {path.suffix for path in files.values()} == kinds
        assert len(files) == (18 if kinds else 0)
        assert all(
            f"{zlib.crc32(file.read_bytes()):08x}" == receipt.checksums[path] for path, file in files.items()
        )


def test_a_receipt_of_an_earlier_version_is_read(make_plan, published):
    dataset = make_plan("paper").dataset("coco_stuff")
    download(dataset)
    content = json.loads(dataset.paths.receipt.read_text())
    del content["checksums"], content["copy"]
    dataset.paths.receipt.write_text(json.dumps(content))
    assert read_receipt(dataset).checksums == {}


def test_error_about_what_an_archive_holds_names_the_archive(make_plan, monkeypatch, archives, tmp_path):
    """The folder into which it was unpacked is gone when the message is read."""
    lacking = tmp_path / "cocostuff-10k-v1.1.zip"
    with zipfile.ZipFile(archives["coco_stuff"][0]) as whole, zipfile.ZipFile(lacking, "w") as written:
        for entry in whole.infolist()[1:]:
            written.writestr(entry, whole.read(entry))
    monkeypatch.setattr(stage, "sources_of", lambda dataset: [source_at(lacking)])
    dataset = make_plan("paper").dataset("coco_stuff")
    kept = dataset.paths.archives / lacking.name
    with pytest.raises(MissingDataError, match="this image of split train is missing") as error:
        download(dataset)
    assert error.value.problem.startswith(f"{kept}: images/COCO_train2014_")
    assert error.value.remedy == f"rm {kept}; danet download --dataset coco_stuff --profile paper"
    assert ".raw-" not in str(error.value)


def test_full_disk_is_told_with_the_folder_that_the_user_knows(make_plan, published, small_disk):
    dataset = make_plan("paper").dataset("coco_stuff")
    dataset.paths.root.parent.mkdir(parents=True)
    dataset.paths.root.symlink_to(small_disk(200 * 1024))
    with pytest.raises(StorageError) as error:
        download(dataset)
    assert error.value.problem.startswith(f"{dataset.paths.raw}: ")


def test_an_image_in_two_splits_is_not_adopted(make_plan, monkeypatch, tree):
    root = tree("coco_stuff")
    shutil.copy(root / "imageLists/train.txt", root / "imageLists/test.txt")
    monkeypatch.setenv("COCO_STUFF_DATASET", str(root))
    with pytest.raises(BadDataError, match=r"this image of split val is in split train too \(and 4 more\)"):
        download(make_plan("paper").dataset("coco_stuff"))
