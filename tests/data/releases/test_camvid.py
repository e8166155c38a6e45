"""CamVid: forms of its lists, labels with a palette."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from danet.data.releases.samples import find_samples, read_sample
from danet.errors import BadDataError

SHARED_COPY = Path(__file__).parents[4] / "shared/data/camvid"


@pytest.fixture
def dataset(release):
    return release("camvid")


def test_copy_with_relative_paths_and_jpeg_images(dataset):
    if not SHARED_COPY.exists():
        pytest.skip(f"{SHARED_COPY} not found")
    counts = {split: len(find_samples(dataset, SHARED_COPY, split)) for split in ("train", "val", "test")}
    assert counts == {"train": 367, "val": 101, "test": 233}
    image, label = read_sample(dataset, find_samples(dataset, SHARED_COPY, "val")[0])
    assert image.shape == (360, 480, 3)
    # The bottom of a street scene is road.
    assert np.bincount(label[-40:].ravel(), minlength=256).argmax() == dataset.labels.names.index("road")


def test_test_images_have_labels(dataset, tree):
    root = tree("camvid")
    (sample,) = find_samples(dataset, root, "test")
    assert read_sample(dataset, sample)[1].shape == (48, 64)


def test_list_may_be_one_long_line(dataset, tree):
    root = tree("camvid")
    expected = find_samples(dataset, root, "train")
    (root / "train.txt").write_text(" ".join((root / "train.txt").read_text().split()))
    assert find_samples(dataset, root, "train") == expected


def test_palette_label_is_read_by_index(dataset, tree):
    sample = find_samples(dataset, tree("camvid"), "val")[0]
    expected = read_sample(dataset, sample)[1]
    with Image.open(sample.label) as label:
        indexed = label.copy()
    indexed.putpalette(dataset.labels.colours.ravel().tolist())
    indexed.save(sample.label)
    assert np.array_equal(read_sample(dataset, sample)[1], expected)


@pytest.mark.parametrize(
    "line",
    [
        "val/a.png",
        "/etc/passwd /etc/passwd",
        "../a.png ../b.png",
        "../a.png ../annot/a.png",
        "val/a.png valannot/b.png",
        "val/a.png trainannot/a.png",
        "val/../a.png val/..annot/a.png",
    ],
)
def test_list_that_leads_elsewhere(dataset, line, tree):
    root = tree("camvid")
    (root / "val.txt").write_text(line)
    with pytest.raises(BadDataError, match=r"val\.txt: pairs of image and label"):
        find_samples(dataset, root, "val")
