"""Archives without a published checksum: the first one's is noted, told, and demanded of the next."""

import json
import shutil
from pathlib import Path

import pytest

from danet.data.obtaining import download as stage
from danet.data.obtaining import users_copy
from danet.data.obtaining.download import download
from danet.data.obtaining.sources import Source
from danet.errors import BadDataError, DownloadError
from danet.files import file_digest

LIMIT = 1 << 30


@pytest.fixture
def dataset(make_plan):
    return make_plan("paper").dataset("coco_stuff")


@pytest.fixture
def published(monkeypatch, archives, tmp_path):
    """A server's archive that may change, of which the table of sources states the checksum or not."""
    served = Path(shutil.copy(archives["coco_stuff"][0], tmp_path))

    def state(checksum=""):
        sources = (Source(served.name, (served.as_uri(),), None, checksum, "", None, LIMIT),)
        for module in (stage, users_copy):
            monkeypatch.setattr(module, "sources_of", lambda name: sources)
        return served

    return state


def changed(archive):
    """Another whole archive of the same data."""
    archive.write_bytes(archive.read_bytes()[:-2] + (3).to_bytes(2, "little") + b"new")


def test_the_first_checksum_is_noted_and_told(dataset, published, caplog):
    served = published()
    download(dataset)
    checksum = f"sha256:{file_digest(served)}"
    pins = dataset.paths.root / "pins.json"
    assert json.loads(pins.read_text()) == {served.name: checksum}
    told = f"note: nobody states a checksum of {served.name}; it has {checksum}, kept in {pins}"
    assert told in caplog.text
    caplog.clear()
    download(dataset)
    assert "nobody states" not in caplog.text


def test_a_later_archive_that_differs_is_refused(dataset, published):
    served = published()
    download(dataset)
    receipt = dataset.paths.receipt.read_bytes()
    (dataset.paths.archives / served.name).unlink()
    changed(served)
    with pytest.raises(
        DownloadError,
        match=rf"{served.name} does not have the sha256 checksum .*, which it had when first used"
        r" \(data/paper/coco_stuff/pins\.json\).*\n  -> .*rm data/paper/coco_stuff/pins\.json first",
    ):
        download(dataset)
    assert dataset.paths.receipt.read_bytes() == receipt
    assert [path.name for path in dataset.paths.archives.iterdir()] == [f"{served.name}.rejected"]
    (dataset.paths.root / "pins.json").unlink()
    download(dataset)


def test_archives_that_the_variable_names_are_compared_too(dataset, published, monkeypatch):
    served = published()
    monkeypatch.setenv("COCO_STUFF_DATASET", str(served))
    download(dataset)
    changed(served)
    with pytest.raises(BadDataError, match=rf"{served} does not have the sha256 .* when first used"):
        download(dataset)


def test_a_damaged_archive_is_not_what_the_next_is_compared_with(dataset, published):
    served = published()
    whole = served.read_bytes()
    served.write_bytes(whole[:-1000])
    with pytest.raises(BadDataError, match="damaged or cut off") as error:
        download(dataset)
    path = dataset.paths.archives / served.name
    assert error.value.remedy == f"rm {path}; danet download --dataset coco_stuff --profile paper"
    assert not (dataset.paths.root / "pins.json").exists()
    path.unlink()
    served.write_bytes(whole)
    download(dataset)


def test_a_published_checksum_needs_no_note(dataset, published, caplog):
    published(f"sha256:{file_digest(published())}")
    download(dataset)
    assert not (dataset.paths.root / "pins.json").exists()
    assert "nobody states" not in caplog.text


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}'])
def test_damaged_notes_are_named(dataset, published, text):
    published()
    dataset.paths.root.mkdir(parents=True)
    (dataset.paths.root / "pins.json").write_text(text)
    with pytest.raises(
        BadDataError, match=r"pins\.json: .* damaged\n  -> rm data/paper/coco_stuff/pins\.json"
    ):
        download(dataset)
