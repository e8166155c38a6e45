"""What a tree holds against what it should hold: every fault, with the file and the reason."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from danet.data import split_check as module
from danet.data.obtaining.download import download
from danet.data.prepared.preparing import prepare
from danet.data.releases.manifest import expected_groups
from danet.data.releases.samples import find_samples
from danet.data.split_check import check_prepared, check_tree

DATASETS = ("cityscapes", "pascal_context", "coco_stuff", "camvid")
CAMVID_COPY = Path(__file__).parents[3] / "shared/data/camvid"


@pytest.fixture
def check(release):
    """Check a tree of a release; the results by split."""

    def by_split(dataset, root, *, official, processes=None):
        return {found.split: found for found in check_tree(release(dataset), root, official, processes)}

    return by_split


def reported(found):
    """Kind, file name and reason of each fault."""
    return [(fault.kind, fault.path.name, fault.reason) for fault in found.faults]


@pytest.mark.parametrize("processes", [None, 1])
@pytest.mark.parametrize("dataset", DATASETS)
def test_generated_trees_have_no_fault(dataset, processes, unpacked, check):
    checks = list(check(dataset, unpacked[dataset], official=False, processes=processes).values())
    assert [(found.split, found.images) for found in checks][:2] == [("train", 5), ("val", 4)]
    for found in checks:
        assert found.whole
        assert found.release is None
        assert found.pixels_read == (processes is not None)
        assert found.needed == (found.split != "test")


def test_an_official_tree_is_compared_with_the_release_city_by_city(unpacked, check):
    found = check("cityscapes", unpacked["cityscapes"], official=True)
    assert found["train"].release == 2975
    assert not found["train"].whole
    assert found["val"].groups == ("frankfurt 2 of 267", "lindau 2 of 59", "munster 0 of 174")
    assert {group.split()[0] for group in found["train"].groups} == set(
        expected_groups("cityscapes", "train")
    )


def test_a_whole_release_is_whole(unpacked, monkeypatch, check):
    """The same numbers in tree and manifest; one image more or less in the manifest, and it is not."""
    root = unpacked["camvid"]
    for train, whole in ((5, True), (4, False), (6, False)):
        counts = {"train": train, "val": 4, "test": 1}
        monkeypatch.setattr(module, "expected_counts", lambda *_, counts=counts: counts)
        monkeypatch.setattr(module, "expected_size", lambda _: (48, 64))
        assert check("camvid", root, official=True)["train"].whole == whole


def test_all_faults_are_reported_not_only_the_first(tree, check, release):
    root = tree("cityscapes")
    first, second, third, *_ = find_samples(release("cityscapes"), root, "train")
    first.label.unlink()
    second.image.unlink()
    third.image.write_bytes(b"")
    found = check("cityscapes", root, official=False)
    assert sorted(reported(found["train"])) == [
        ("extra", second.label.name, "it belongs to no image"),
        ("missing", first.label.name, "this label of split train is missing"),
        ("wrong", third.image.name, "this image of split train is empty"),
    ]
    assert found["train"].images == 2
    assert found["val"].whole


def test_image_that_no_list_names(tree, check, release):
    root = tree("camvid")
    stray = root / "train/stray.png"
    shutil.copy(find_samples(release("camvid"), root, "train")[0].image, stray)
    assert reported(check("camvid", root, official=False)["train"]) == [
        ("extra", "stray.png", "it belongs to no image")
    ]


@pytest.mark.parametrize(
    ("dataset", "lists"),
    [("pascal_context", "VOCdevkit/VOC2010/ImageSets/Main"), ("coco_stuff", "imageLists")],
)
def test_missing_list_leaves_the_other_split_as_it_is(dataset, lists, tree, check):
    root = tree(dataset)
    victim = root / lists / ("test.txt" if dataset == "coco_stuff" else "val.txt")
    victim.unlink()
    found = check(dataset, root, official=False)
    assert found["train"].whole
    assert reported(found["val"]) == [("missing", victim.name, "this list of images is missing")]


def test_missing_list_of_a_needed_split_is_a_fault_and_of_the_test_images_is_not(tree, check):
    root = tree("camvid")
    (root / "val.txt").unlink()
    (root / "test.txt").unlink()
    found = check("camvid", root, official=True)
    (fault,) = found["val"].faults
    assert (fault.kind, fault.path, fault.reason) == (
        "missing",
        root / "val.txt",
        "this list of images is missing",
    )
    assert found["test"].faults == ()
    assert not found["test"].needed


def test_test_images_of_cityscapes_need_no_labels(tree, check):
    root = tree("cityscapes")
    shutil.rmtree(root / "gtFine/test")
    test = check("cityscapes", root, official=False, processes=1)["test"]
    assert (test.images, test.faults) == (1, ())
    shutil.rmtree(root / "leftImg8bit/test")
    test = check("cityscapes", root, official=True)["test"]
    assert (test.images, test.release, test.faults, test.needed) == (0, 1525, (), False)


def test_pixels_are_read_only_on_request(tree, check, release):
    root = tree("coco_stuff")
    first, second, *_ = find_samples(release("coco_stuff"), root, "val")
    first.image.write_bytes(first.image.read_bytes()[:300])
    with Image.open(second.image) as image:
        image.crop((0, 0, 40, 48)).save(second.image)
    assert check("coco_stuff", root, official=False)["val"].whole
    val = check("coco_stuff", root, official=False, processes=1)["val"]
    assert val.images == 2
    cut, smaller = map(str, val.faults)
    assert cut.startswith(f"{first.image}: this image does not decode")
    assert smaller.startswith(f"{second.image} and {second.label} differ in size: 40x48 and 64x48")


def test_label_values_outside_the_map(tree, check, release):
    root = tree("cityscapes")
    victim = find_samples(release("cityscapes"), root, "train")[3]
    with Image.open(victim.label) as label:
        values = np.array(label)
    values[0, :3] = 77
    Image.fromarray(values).save(victim.label)
    (fault,) = check("cityscapes", root, official=False, processes=1)["train"].faults
    assert (fault.kind, fault.path) == ("wrong", victim.label)
    assert "3 pixels hold label values that the format does not have: 77" in fault.reason


def test_official_images_have_the_official_size(unpacked, check):
    val = check("cityscapes", unpacked["cityscapes"], official=True, processes=1)["val"]
    assert len(val.faults) == 4
    assert val.faults[0].reason == "64x48 pixels, where the release has 2048x1024"


def test_json_labels_are_compared_with_the_release_of_json_labels(unpacked_detail, check):
    checks = check("pascal_context", unpacked_detail, official=True, processes=1).values()
    assert [(found.images, found.release) for found in checks] == [(5, 4996), (4, 5104)]
    assert not any(found.faults for found in checks)


def test_damaged_json_file_is_one_fault_of_each_split(detail_tree, check):
    labels = detail_tree / "trainval_merged.json"
    labels.write_bytes(labels.read_bytes()[:-100])
    for found in check("pascal_context", detail_tree, official=True).values():
        (fault,) = found.faults
        assert (fault.kind, fault.path, found.images) == ("wrong", labels, 0)


def test_public_camvid_copy_is_the_whole_release(check):
    if not CAMVID_COPY.exists():
        pytest.skip(f"{CAMVID_COPY} not found")
    checks = check("camvid", CAMVID_COPY, official=True).values()
    assert [(found.split, found.images) for found in checks] == [("train", 367), ("val", 101), ("test", 233)]
    assert all(found.whole for found in checks)


def test_prepared_form_is_opened_and_on_request_verified(make_plan):
    dataset = make_plan("demo", {"cityscapes": (3, 2)}).dataset("cityscapes")
    download(dataset)
    prepare(dataset)
    folder = dataset.paths.prepared("train")
    counted, verified = (check_prepared(dataset, "train", False, processes) for processes in (None, 1))
    assert (counted.split, counted.images, counted.pixels_read) == ("train, prepared", 3, False)
    assert verified.whole
    assert verified.pixels_read
    with (folder / "labels.npy").open("r+b") as stream:
        stream.seek(-1, 2)
        last = stream.read(1)
        stream.seek(-1, 2)
        stream.write(bytes([last[0] ^ 1]))
    assert check_prepared(dataset, "train", False).whole
    damaged = check_prepared(dataset, "train", False, 1)
    assert (damaged.images, len(damaged.faults)) == (2, 1)
    (folder / "index.json").write_text("{")
    assert "index.json" in str(check_prepared(dataset, "train", False).faults[0])


def test_own_folders_have_no_release_and_every_fault_is_found(make_plan, own_folders):
    dataset = make_plan(datasets={"walks": own_folders}).dataset("walks")
    images, labels = (Path(own_folders["folders"][kind]) for kind in ("images", "labels"))
    first, second = check_tree(dataset, images, official=False, processes=1)
    assert [(found.split, found.images) for found in (first, second)] == [("train", 8), ("val", 2)]
    assert first.release is None
    assert first.whole
    assert second.whole
    (labels / "walk/0.png").unlink()
    (labels / "walk/stray.png").write_bytes(b"")
    Image.new("L", (64, 48), 3).save(labels / "walk/1.png")
    faults = [fault for found in check_tree(dataset, images, False, 1) for fault in found.faults]
    assert sorted((fault.kind, fault.path.name) for fault in faults) == [
        ("extra", "stray.png"),
        ("missing", "0.png"),
        ("wrong", "1.png"),
    ]
