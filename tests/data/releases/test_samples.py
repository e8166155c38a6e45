"""What holds for all releases, whole and damaged."""

import shutil
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from danet.data.generated.scenes import draw_scene
from danet.data.releases.layout import Fault, faults, find_root
from danet.data.releases.samples import (
    find_samples,
    landmarks,
    list_samples,
    read_sample,
    samples_by_split,
    unlisted,
)
from danet.errors import BadDataError, MissingDataError, StorageError


def test_finds_all_samples_in_a_stable_order(dataset, unpacked):
    for split, count in (("train", 5), ("val", 4)):
        samples = find_samples(dataset, unpacked[dataset.name], split)
        assert len(samples) == len({sample.name for sample in samples}) == count
        assert samples == find_samples(dataset, unpacked[dataset.name], split)
        assert all(sample.image.is_file() and sample.label.is_file() for sample in samples)


def test_reads_the_pixels_that_were_drawn(dataset, unpacked):
    """Through official encodings and back: the label of the drawn scene, class name by class name."""
    names = np.array([*dataset.labels.names, *["ignored"] * (256 - len(dataset.labels.names))])
    unread = [draw_scene(dataset.name, "train", index, 48, 64) for index in range(5)]
    for sample in find_samples(dataset, unpacked[dataset.name], "train"):
        image, label = read_sample(dataset, sample)
        assert image.dtype == label.dtype == np.uint8
        drawn = np.array([np.array(scene.names)[scene.label] for scene in unread])
        # Under the recipe of 59 classes, PASCAL Context's background is ignored.
        drawn = np.where(np.isin(drawn, dataset.labels.names), drawn, "ignored")
        read = names[dataset.labels.lookup[label]]
        (match,) = np.flatnonzero((drawn == read).all(axis=(1, 2)))
        # JPEG changes pixels a little (two scenes differ by 50 and more), PNG not at all.
        difference = np.abs(image.astype(int) - unread[match].image)
        assert difference.mean() < (0.01 if sample.image.suffix == ".png" else 12)
        del unread[match]
    assert not unread


def test_root_is_found_below_a_wrapping_folder(release, tree, tmp_path):
    camvid, cityscapes = landmarks(release("camvid")), landmarks(release("cityscapes"))
    root = tree("camvid")
    (tmp_path / "outer").mkdir()
    moved = Path(shutil.move(root, tmp_path / "outer" / "inner"))
    assert find_root(tmp_path / "outer", camvid) == moved
    with pytest.raises(MissingDataError, match="does not hold leftImg8bit, gtFine, as"):
        find_root(moved, cityscapes)
    with pytest.raises(MissingDataError, match="nowhere is not a folder"):
        find_root(tmp_path / "nowhere", camvid)


def test_missing_label(dataset, tree):
    root = tree(dataset.name)
    samples = list_samples(dataset, root, "train")
    for victim in (samples[1], samples[3]):
        victim.label.unlink()
    assert list_samples(dataset, root, "train") == samples
    with pytest.raises(
        MissingDataError,
        match=rf"{samples[1].label.name}: this label of split train is missing \(and 1 more\)"
        rf"\n.*danet check {dataset.command}",
    ):
        find_samples(dataset, root, "train")


def test_all_faults_are_found(dataset, tree):
    root = tree(dataset.name)
    assert not list(faults(list_samples(dataset, root, "val"), root, "val"))
    first, second, third, fourth = list_samples(dataset, root, "val")
    first.label.unlink()
    second.label.write_bytes(b"")
    third.label.unlink()
    third.label.mkdir()
    found = list(faults([first, second, third, fourth, fourth], root, "val"))
    assert found == [
        Fault("missing", first.label, "this label of split val is missing"),
        Fault("wrong", second.label, "this label of split val is empty"),
        Fault("wrong", third.label, "this label of split val is not a file"),
        Fault("wrong", root, f"{fourth.name} is listed twice in split val"),
    ]
    assert str(found[0]) == f"{first.label}: this label of split val is missing"


@pytest.mark.parametrize(
    ("dataset", "image", "extra"),
    [
        (
            "cityscapes",
            "leftImg8bit/train",
            ["leftImg8bit/train/ulm/copy.png", "gtFine/train/ulm/ulm_000000_000019_gtFine_trainIds.png"],
        ),
        ("pascal_context", "VOCdevkit", ["trainval/2007_000032.mat"]),
        ("coco_stuff", "images", ["images/COCO_train2014_5.jpg", "annotations/COCO_train2014_5.mat"]),
        ("camvid", "train", ["train/0001TP_006690.png", "trainannot/0001TP_006690.png"]),
    ],
    indirect=["dataset"],
)
def test_surplus_files_are_reported_once(dataset, image, extra, tree):
    root = tree(dataset.name)
    assert (root / image).is_dir()
    assert [unlisted(dataset, root, split) for split in ("train", "val")] == [[], []]
    for path in (*extra, f"{Path(extra[0]).parent}/.DS_Store"):
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).touch()
    assert unlisted(dataset, root, "train") == [root / path for path in extra]
    assert unlisted(dataset, root, "val") == []
    assert len(find_samples(dataset, root, "train")) == 5


def test_image_cut_in_half(dataset, tree):
    sample = find_samples(dataset, tree(dataset.name), "val")[0]
    sample.image.write_bytes(sample.image.read_bytes()[: sample.image.stat().st_size // 2])
    with pytest.raises(BadDataError, match=rf"{sample.image.name}: this image does not decode"):
        read_sample(dataset, sample)


def test_label_cut_short(dataset, tree):
    sample = find_samples(dataset, tree(dataset.name), "val")[0]
    sample.label.write_bytes(sample.label.read_bytes()[:150])
    with pytest.raises(BadDataError, match=sample.label.name):
        read_sample(dataset, sample)


def test_file_that_is_not_an_image(dataset, tree):
    sample = find_samples(dataset, tree(dataset.name), "val")[0]
    sample.image.write_text("not an image")
    with pytest.raises(BadDataError, match=rf"{sample.image.name}: .*not an image"):
        read_sample(dataset, sample)


def test_sizes_that_differ(dataset, tree):
    sample = find_samples(dataset, tree(dataset.name), "val")[0]
    with Image.open(sample.image) as image:
        image.crop((0, 0, 40, 48)).save(sample.image)
    with pytest.raises(BadDataError, match=rf"{sample.image.name} and .*differ in size: 40x48 and 64x48"):
        read_sample(dataset, sample)


@pytest.mark.parametrize("dataset", ["cityscapes", "camvid"], indirect=True)
def test_label_in_colours(dataset, tree):
    sample = find_samples(dataset, tree(dataset.name), "val")[0]
    with Image.open(sample.label) as label:
        label.convert("RGB").save(sample.label)
    with pytest.raises(BadDataError, match=rf"{sample.label.name}: .*this holds colours \(RGB\)"):
        read_sample(dataset, sample)


@pytest.mark.parametrize(
    ("dataset", "list_file"),
    [
        ("pascal_context", "VOCdevkit/VOC2010/ImageSets/Main/val.txt"),
        ("coco_stuff", "imageLists/test.txt"),
        ("camvid", "val.txt"),
    ],
    indirect=["dataset"],
)
def test_list_that_is_missing_empty_or_has_a_name_twice(dataset, list_file, tree):
    path = tree(dataset.name) / list_file
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


@pytest.mark.parametrize(
    ("dataset", "list_file"),
    [("pascal_context", "VOCdevkit/VOC2010/ImageSets/Main/val.txt"), ("coco_stuff", "imageLists/test.txt")],
    indirect=["dataset"],
)
@pytest.mark.parametrize("name", [b"../../a", b"/a", b"a/b", b"..", b"a\0", b"\xff"])
def test_list_that_leads_elsewhere(dataset, list_file, name, tree):
    root = tree(dataset.name)
    (root / list_file).write_bytes(name)
    with pytest.raises(BadDataError, match=r"\.txt: .*(is not the name of an image|is not plain text)"):
        find_samples(dataset, root, "val")


def copy_into_the_other_split(name, root):
    """Put the first training image, with its label, among those for evaluation."""
    lists = {
        "pascal_context": (
            "VOCdevkit/VOC2010/ImageSets/Main/train.txt",
            "VOCdevkit/VOC2010/ImageSets/Main/val.txt",
        ),
        "coco_stuff": ("imageLists/train.txt", "imageLists/test.txt"),
    }
    if name in lists:
        source, target = (root / path for path in lists[name])
        target.write_text(target.read_text() + source.read_text().split()[0])
    elif name == "camvid":
        image, label = (root / "train.txt").read_text().split()[:2]
        paths = [path.removeprefix("/SegNet/CamVid/") for path in (image, label)]
        moved = [path.replace("train", "val", 1) for path in paths]
        for before, after in zip(paths, moved, strict=True):
            shutil.copy(root / before, root / after)
        (root / "val.txt").write_text((root / "val.txt").read_text() + " ".join(moved))
    else:
        for part in ("leftImg8bit", "gtFine"):
            shutil.copytree(root / part / "train/aachen", root / part / "val/aachen")


def test_an_image_in_two_splits_is_a_fault(dataset, tree):
    root = tree(dataset.name)
    assert {split: len(found) for split, found in samples_by_split(dataset, root).items()} == {
        "train": 5,
        "val": 4,
    }
    copy_into_the_other_split(dataset.name, root)
    with pytest.raises(BadDataError, match=r"this image of split val is in split train too"):
        samples_by_split(dataset, root)


def test_what_is_listed_but_not_there_is_left_out_where_a_subset_is_meant(dataset, tree):
    root = tree(dataset.name)
    first, second, *others = find_samples(dataset, root, "train")
    first.image.unlink()
    first.label.unlink()
    subset = replace(dataset, accepts=("subset",))
    with pytest.raises(MissingDataError) if dataset.name != "cityscapes" else nullcontext():
        find_samples(dataset, root, "train")
    assert find_samples(subset, root, "train") == [second, *others]
    second.label.unlink()
    with pytest.raises(MissingDataError, match=rf"{second.label.name}: this label of split train is missing"):
        find_samples(subset, root, "train")


def test_missing_permission_is_told_as_permission(dataset, tree, as_nobody):
    root = tree(dataset.name)
    folder = find_samples(dataset, root, "val")[0].label.parent
    as_nobody(folder, 0o000)
    with pytest.raises(
        StorageError, match=rf"{folder}: permission to read it is missing\n  -> ls -ld {folder}"
    ):
        find_samples(dataset, root, "val")
