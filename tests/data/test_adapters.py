"""The adapters on official trees, whole and damaged."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from danet.data.generated.scenes import draw_scene
from danet.data.label_maps import label_map
from danet.data.layout import find_root
from danet.data.samples import ADAPTERS, find_samples, read_sample
from danet.errors import BadDataError, MissingDataError

DATASETS = ("cityscapes", "pascal_context", "coco_stuff", "camvid")
CAMVID_COPY = Path(__file__).parents[3] / "shared/data/camvid"


@pytest.mark.parametrize("dataset", DATASETS)
def test_finds_all_samples_in_a_stable_order(dataset, unpacked):
    for split, count in (("train", 5), ("val", 4)):
        samples = find_samples(dataset, unpacked[dataset], split)
        assert len(samples) == len({sample.name for sample in samples}) == count
        assert samples == find_samples(dataset, unpacked[dataset], split)
        assert all(sample.image.is_file() and sample.label.is_file() for sample in samples)


@pytest.mark.parametrize("dataset", DATASETS)
def test_reads_the_pixels_that_were_drawn(dataset, unpacked):
    """Through official encodings and back: the label of the drawn scene, class name by class name."""
    names = np.array([*label_map(dataset).names, *["ignored"] * (256 - len(label_map(dataset).names))])
    unread = [draw_scene(dataset, "train", index, 48, 64) for index in range(5)]
    for sample in find_samples(dataset, unpacked[dataset], "train"):
        image, label = read_sample(dataset, sample)
        assert image.dtype == label.dtype == np.uint8
        drawn = np.array([np.array(scene.names)[scene.label] for scene in unread])
        (match,) = np.flatnonzero((drawn == names[label]).all(axis=(1, 2)))
        # JPEG changes pixels a little (two scenes differ by 50 and more), PNG not at all.
        difference = np.abs(image.astype(int) - unread[match].image)
        assert difference.mean() < (0.01 if sample.image.suffix == ".png" else 12)
        del unread[match]
    assert not unread


def test_cityscapes_takes_either_kind_of_train_ids(tree):
    root = tree("cityscapes")
    expected = [read_sample("cityscapes", sample)[1] for sample in find_samples("cityscapes", root, "val")]
    for sample, index in zip(find_samples("cityscapes", root, "val"), expected, strict=True):
        sample.label.unlink()
        ending = "_gtFine_trainIds.png" if "frankfurt" in sample.name else "_gtFine_labelTrainIds.png"
        Image.fromarray(index).save(sample.label.with_name(sample.name + ending))
    found = [read_sample("cityscapes", sample)[1] for sample in find_samples("cityscapes", root, "val")]
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def test_camvid_reads_the_copy_with_relative_paths_and_jpeg_images():
    if not CAMVID_COPY.exists():
        pytest.skip(f"{CAMVID_COPY} is not here")
    counts = {split: len(find_samples("camvid", CAMVID_COPY, split)) for split in ("train", "val", "test")}
    assert counts == {"train": 367, "val": 101, "test": 233}
    image, label = read_sample("camvid", find_samples("camvid", CAMVID_COPY, "val")[0])
    assert image.shape == (360, 480, 3)
    # The bottom of a street scene is road.
    assert np.bincount(label[-40:].ravel(), minlength=256).argmax() == label_map("camvid").names.index("road")


def test_camvid_list_may_be_one_long_line(tree):
    root = tree("camvid")
    expected = find_samples("camvid", root, "train")
    (root / "train.txt").write_text(" ".join((root / "train.txt").read_text().split()))
    assert find_samples("camvid", root, "train") == expected


def test_root_is_found_below_a_wrapping_folder(tree, tmp_path):
    root = tree("camvid")
    (tmp_path / "outer").mkdir()
    moved = Path(shutil.move(root, tmp_path / "outer" / "inner"))
    assert find_root(tmp_path / "outer", ADAPTERS["camvid"].LANDMARKS) == moved
    with pytest.raises(MissingDataError, match="does not hold leftImg8bit, gtFine"):
        find_root(moved, ADAPTERS["cityscapes"].LANDMARKS)
    with pytest.raises(MissingDataError, match="nowhere is not a folder"):
        find_root(tmp_path / "nowhere", ADAPTERS["camvid"].LANDMARKS)


@pytest.mark.parametrize("dataset", DATASETS)
def test_missing_label(dataset, tree):
    root = tree(dataset)
    victim = find_samples(dataset, root, "train")[1].label
    victim.unlink()
    with pytest.raises(MissingDataError, match=rf"{victim.name}: this label of split train is missing"):
        find_samples(dataset, root, "train")


@pytest.mark.parametrize("dataset", DATASETS)
def test_image_cut_in_half(dataset, tree):
    sample = find_samples(dataset, tree(dataset), "val")[0]
    sample.image.write_bytes(sample.image.read_bytes()[: sample.image.stat().st_size // 2])
    with pytest.raises(BadDataError, match=rf"{sample.image.name}: this image does not decode"):
        read_sample(dataset, sample)


@pytest.mark.parametrize("dataset", DATASETS)
def test_label_cut_short(dataset, tree):
    sample = find_samples(dataset, tree(dataset), "val")[0]
    sample.label.write_bytes(sample.label.read_bytes()[:150])
    with pytest.raises(BadDataError, match=sample.label.name):
        read_sample(dataset, sample)


@pytest.mark.parametrize("dataset", DATASETS)
def test_image_that_is_none(dataset, tree):
    sample = find_samples(dataset, tree(dataset), "val")[0]
    sample.image.write_text("not an image")
    with pytest.raises(BadDataError, match=rf"{sample.image.name}: .*not an image"):
        read_sample(dataset, sample)


@pytest.mark.parametrize("dataset", DATASETS)
def test_sizes_that_differ(dataset, tree):
    sample = find_samples(dataset, tree(dataset), "val")[0]
    with Image.open(sample.image) as image:
        image.crop((0, 0, 40, 48)).save(sample.image)
    with pytest.raises(BadDataError, match=rf"{sample.image.name} and .*differ in size: 40x48 and 64x48"):
        read_sample(dataset, sample)


@pytest.mark.parametrize("dataset", ["cityscapes", "camvid"])
def test_label_in_colours(dataset, tree):
    sample = find_samples(dataset, tree(dataset), "val")[0]
    with Image.open(sample.label) as label:
        label.convert("RGB").save(sample.label)
    with pytest.raises(BadDataError, match=rf"{sample.label.name}: .*this holds colours \(RGB\)"):
        read_sample(dataset, sample)


def test_palette_label_is_read_by_index(tree):
    sample = find_samples("camvid", tree("camvid"), "val")[0]
    expected = read_sample("camvid", sample)[1]
    with Image.open(sample.label) as label:
        indexed = label.copy()
    indexed.putpalette(label_map("camvid").colours.ravel().tolist())
    indexed.save(sample.label)
    assert np.array_equal(read_sample("camvid", sample)[1], expected)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"Labels": np.ones((48, 64), np.uint16)}, "has no field"),
        ({"LabelMap": np.full((48, 64), 1.5), "S": np.full((48, 64), 1.5)}, "not a matrix of whole numbers"),
        ({"LabelMap": np.full((48, 64), np.nan), "S": np.full((48, 64), np.nan)}, "not a matrix of whole"),
        ({"LabelMap": np.ones((48, 64, 3)), "S": np.ones((48, 64, 3))}, "not a matrix of whole numbers"),
    ],
)
@pytest.mark.parametrize("dataset", ["pascal_context", "coco_stuff"])
def test_matlab_file_with_other_content(dataset, content, reason, tree):
    sample = find_samples(dataset, tree(dataset), "val")[0]
    savemat(sample.label, content)
    with pytest.raises(BadDataError, match=rf"{sample.label.name}: .*{reason}"):
        read_sample(dataset, sample)


@pytest.mark.parametrize(
    ("dataset", "list_file"),
    [
        ("pascal_context", "VOCdevkit/VOC2010/ImageSets/Main/val.txt"),
        ("coco_stuff", "imageLists/test.txt"),
        ("camvid", "val.txt"),
    ],
)
def test_list_that_is_missing_empty_or_has_a_name_twice(dataset, list_file, tree):
    path = tree(dataset) / list_file
    root, text = path.parents[len(Path(list_file).parts) - 1], path.read_text()
    path.write_text(text + text.splitlines()[0])
    with pytest.raises(BadDataError, match="is listed twice in split val"):
        find_samples(dataset, root, "val")
    path.write_text("\n")
    with pytest.raises(MissingDataError, match="holds no images of split val"):
        find_samples(dataset, root, "val")
    path.unlink()
    with pytest.raises(MissingDataError, match=rf"{path.name}: this list of images is missing"):
        find_samples(dataset, root, "val")


def test_cityscapes_without_images_of_a_split(tree):
    root = tree("cityscapes")
    shutil.rmtree(root / "leftImg8bit/val")
    with pytest.raises(MissingDataError, match="holds no images of split val"):
        find_samples("cityscapes", root, "val")


@pytest.mark.parametrize("line", ["val/a.png", "/etc/passwd /etc/passwd", "../a.png ../b.png"])
def test_camvid_list_that_leads_elsewhere(line, tree):
    root = tree("camvid")
    (root / "val.txt").write_text(line)
    with pytest.raises(BadDataError, match=r"val\.txt: pairs of image and label"):
        find_samples("camvid", root, "val")
