"""The preparation stage: the same pixels as the source, as a whole or not at all."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from danet.data import preparation
from danet.data.download import download
from danet.data.preparation import prepare
from danet.data.prepared import PreparedSplit
from danet.data.receipt import read_receipt
from danet.data.samples import find_samples, read_sample
from danet.errors import BadDataError, MissingDataError
from danet.settings import dataset_paths

DATASETS = ("cityscapes", "pascal_context", "coco_stuff", "camvid")


@pytest.fixture
def downloaded(params):
    """Settings, paths and root of a small generated data set."""

    def make(dataset):
        settings = params("demo", {dataset: (4, 2)})
        download(settings, dataset)
        paths = dataset_paths(settings, dataset)
        return settings, paths, Path(read_receipt(paths.receipt, dataset).root)

    return make


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("dataset", DATASETS)
def test_pixels_equal_the_source(dataset, downloaded):
    settings, paths, root = downloaded(dataset)
    prepare(settings, dataset)
    for split, count in (("train", 4), ("val", 2)):
        prepared = PreparedSplit(paths.prepared(split))
        samples = find_samples(dataset, root, split)
        assert (prepared.dataset, prepared.split, len(prepared)) == (dataset, split, count)
        for position, sample in enumerate(samples):
            image, label = read_sample(dataset, sample)
            assert prepared.entries[position].name == sample.name
            assert np.array_equal(prepared.image(position), image)
            assert np.array_equal(prepared.label(position), label)
        assert sorted(content(paths.prepared(split))) == ["images.npy", "index.json", "labels.npy"]


def test_images_of_different_sizes(downloaded):
    settings, paths, root = downloaded("camvid")
    second = find_samples("camvid", root, "train")[1]
    for path in (second.image, second.label):
        with Image.open(path) as picture:
            picture.crop((0, 0, 20, 48)).save(path)
    prepare(settings, "camvid")
    prepared = PreparedSplit(paths.prepared("train"))
    assert [prepared.image(position).shape[:2] for position in range(3)] == [(48, 64), (48, 20), (48, 64)]
    assert np.array_equal(
        prepared.label(2), read_sample("camvid", find_samples("camvid", root, "train")[2])[1]
    )


def test_rerun_gives_equal_bytes_and_a_changed_pixel_another_digest(downloaded):
    settings, paths, root = downloaded("camvid")
    prepare(settings, "camvid")
    first = content(paths.prepared("train"))
    prepare(settings, "camvid")
    assert content(paths.prepared("train")) == first
    label = find_samples("camvid", root, "train")[0].label
    digest = PreparedSplit(paths.prepared("train")).digest
    pixels = np.array(Image.open(label))
    pixels[0, 0] = (pixels[0, 0] + 1) % 11
    Image.fromarray(pixels).save(label)
    prepare(settings, "camvid")
    assert PreparedSplit(paths.prepared("train")).digest != digest


def test_several_processes_write_the_same(downloaded, monkeypatch):
    settings, paths, _ = downloaded("pascal_context")
    prepare(settings, "pascal_context", processes=1)
    alone = content(paths.prepared("train"))
    monkeypatch.setattr(preparation, "IMAGES_PER_PROCESS", 1)
    prepare(settings, "pascal_context", processes=2)
    assert content(paths.prepared("train")) == alone


@pytest.mark.parametrize("processes", [1, 2])
def test_a_fault_leaves_nothing_half_written(processes, downloaded, monkeypatch):
    monkeypatch.setattr(preparation, "IMAGES_PER_PROCESS", 1)
    settings, paths, root = downloaded("cityscapes")
    label = find_samples("cityscapes", root, "train")[2].label
    Image.fromarray(np.full((48, 64), 200, np.uint8)).save(label)
    with pytest.raises(BadDataError, match=rf"{label.name}: 3072 pixels hold label values .*: 200"):
        prepare(settings, "cityscapes", processes)
    assert not list(paths.prepared("train").parent.iterdir())


def test_a_fault_leaves_what_was_there_before(downloaded):
    settings, paths, root = downloaded("cityscapes")
    prepare(settings, "cityscapes")
    before = content(paths.prepared("train"))
    label = find_samples("cityscapes", root, "train")[2].label
    label.write_bytes(label.read_bytes()[:100])
    with pytest.raises(BadDataError, match=label.name):
        prepare(settings, "cityscapes")
    assert content(paths.prepared("train")) == before
    assert sorted(path.name for path in paths.prepared("train").parent.iterdir()) == ["train", "val"]


def test_what_a_killed_process_left_is_cleared_away(downloaded):
    settings, paths, _ = downloaded("camvid")
    leftover = paths.prepared("train").parent / ".train-killed"
    (leftover / "new").mkdir(parents=True)
    (leftover / "new/images.npy").write_bytes(b"half")
    prepare(settings, "camvid")
    assert sorted(path.name for path in leftover.parent.iterdir()) == ["train", "val"]


def test_data_set_that_was_not_downloaded(params):
    with pytest.raises(MissingDataError, match="danet download --dataset cityscapes"):
        prepare(params("demo"), "cityscapes")
