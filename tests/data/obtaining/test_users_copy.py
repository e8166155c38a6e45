"""Copies of a data set that the user has: archives, verified and unpacked from where they are.

Trees, used where they are, are tested with the download stage.
"""

import shutil
from pathlib import Path

import pytest

from danet.data.obtaining import users_copy
from danet.data.obtaining.download import download
from danet.data.obtaining.receipt import read_receipt
from danet.data.obtaining.sources import Source
from danet.data.obtaining.users_copy import recognise_copy
from danet.errors import BadDataError, MissingDataError
from danet.files import file_digest

DATASETS = ("cityscapes", "pascal_context", "coco_stuff", "camvid")


@pytest.fixture
def official_sums(monkeypatch, archives):
    """Let the table of sources state the checksums of the generated archives."""

    def put(dataset):
        sources = tuple(
            Source(path.name, (), None, f"sha256:{file_digest(path)}", "", None, unpacked_limit=1 << 30)
            for path in archives[dataset]
        )
        monkeypatch.setattr(users_copy, "sources_of", lambda _: sources)

    return put


@pytest.mark.parametrize("dataset", DATASETS)
def test_tree_comes_before_archives_that_lie_beside_it(dataset, tree, archives, release):
    root = tree(dataset)
    shutil.copy(archives[dataset][0], root)
    found = recognise_copy(release(dataset), root)
    assert (found.kind, found.root, found.sources) == ("tree", root, ())


def test_json_labels_stand_in_for_the_archive_of_labels(tmp_path, release):
    for name in ("VOCtrainval_03-May-2010.tar", "trainval_merged.json"):
        (tmp_path / name).touch()
    for named in (tmp_path, tmp_path / "trainval_merged.json"):
        found = recognise_copy(release("pascal_context"), named)
        assert (found.kind, found.root) == ("archives", tmp_path)
        assert [source.archive for source in found.sources] == [
            "VOCtrainval_03-May-2010.tar",
            "trainval_merged.json",
        ]


def test_error_names_all_that_was_looked_for(tmp_path, release):
    with pytest.raises(
        MissingDataError,
        match=r"does not hold .*JPEGImages.*, nor the official archives VOCtrainval_03-May-2010\.tar"
        r" and trainval\.tar\.gz or trainval_merged\.json",
    ):
        recognise_copy(release("pascal_context"), tmp_path)
    with pytest.raises(MissingDataError, match=r"nowhere is not a folder$"):
        recognise_copy(release("pascal_context"), tmp_path / "nowhere")


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("named_by", ["folder", "archive"])
def test_archives_are_adopted_where_they_are(
    dataset, named_by, monkeypatch, make_plan, archives, official_sums, tmp_path
):
    official_sums(dataset)
    mine = tmp_path / "mine"
    mine.mkdir()
    copies = [shutil.copy(path, mine) for path in archives[dataset]]
    before = {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in mine.iterdir()}
    chosen = make_plan("paper").dataset(dataset)
    variable = chosen.folder_variable
    monkeypatch.setenv(variable, str(mine if named_by == "folder" else copies[-1]))
    download(chosen)
    paths = chosen.paths
    receipt = read_receipt(chosen)
    assert receipt.how == "adopted"
    assert {fact.name: fact.sha256 for fact in receipt.archives} == {
        path.name: file_digest(path) for path in archives[dataset]
    }
    assert receipt.images == {"train": 5, "val": 4}
    assert Path(receipt.root).is_relative_to(paths.raw)
    assert sorted(path.name for path in paths.root.iterdir()) == ["raw", "receipt.json"]
    assert {path.name: (path.stat().st_mtime_ns, path.read_bytes()) for path in mine.iterdir()} == before


def test_adopted_archive_with_a_changed_byte_is_named_and_left_alone(
    monkeypatch, make_plan, archives, official_sums, tmp_path
):
    official_sums("camvid")
    mine = Path(shutil.copy(archives["camvid"][0], tmp_path))
    content = bytearray(mine.read_bytes())
    content[1000] ^= 1
    mine.write_bytes(content)
    monkeypatch.setenv("CAMVID_DATASET", str(mine))
    dataset = make_plan("camvid").dataset("camvid")
    with pytest.raises(BadDataError, match=rf"(?s){mine} does not have the sha256 .*unset CAMVID_DATASET"):
        download(dataset)
    assert mine.read_bytes() == content
    assert not dataset.paths.root.exists()


def test_nobody_is_asked_to_delete_an_adopted_archive_that_is_cut_off(
    monkeypatch, make_plan, archives, tmp_path
):
    """The publisher states no checksum of it."""
    mine = Path(shutil.copy(archives["coco_stuff"][0], tmp_path))
    mine.write_bytes(mine.read_bytes()[:-1000])
    monkeypatch.setenv("COCO_STUFF_DATASET", str(mine))
    remedy = "fetch the official file, or correct or unset COCO_STUFF_DATASET"
    with pytest.raises(BadDataError, match=rf"{mine}: this archive is damaged.*\n  -> {remedy}$"):
        download(make_plan("paper").dataset("coco_stuff"))


def test_adopted_archives_of_which_one_is_missing(monkeypatch, make_plan, archives, tmp_path):
    mine = Path(shutil.copy(archives["cityscapes"][0], tmp_path))
    for named in (mine, tmp_path):
        monkeypatch.setenv("CITYSCAPES_DATASET", str(named))
        with pytest.raises(
            MissingDataError, match=rf"{named}: .* but not gtFine_trainvaltest\.zip\n  -> correct"
        ):
            download(make_plan("paper").dataset("cityscapes"))


def test_file_that_is_no_official_archive(monkeypatch, make_plan, tmp_path):
    (tmp_path / "cityscapes.zip").touch()
    monkeypatch.setenv("CITYSCAPES_DATASET", str(tmp_path / "cityscapes.zip"))
    with pytest.raises(
        MissingDataError, match=r"is none of the official archives leftImg8bit_trainvaltest\.zip"
    ):
        download(make_plan("paper").dataset("cityscapes"))
