"""What a tree holds against what it ought to hold: every fault, with the file and the reason."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from danet.data import survey as module
from danet.data.download import download
from danet.data.manifest import expected_groups
from danet.data.preparation import prepare
from danet.data.samples import find_samples
from danet.data.survey import survey, survey_prepared
from danet.settings import dataset_paths

DATASETS = ("cityscapes", "pascal_context", "coco_stuff", "camvid")
CAMVID_COPY = Path(__file__).parents[3] / "shared/data/camvid"


def by_split(surveys):
    return {found.split: found for found in surveys}


def told(found):
    """Kind, file name and reason of each fault."""
    return [(fault.kind, fault.path.name, fault.reason) for fault in found.faults]


@pytest.mark.parametrize("processes", [None, 1])
@pytest.mark.parametrize("dataset", DATASETS)
def test_generated_trees_have_no_fault(dataset, processes, unpacked):
    surveys = survey(dataset, unpacked[dataset], official=False, processes=processes)
    assert [(found.split, found.images) for found in surveys][:2] == [("train", 5), ("val", 4)]
    for found in surveys:
        assert found.whole
        assert found.release is None
        assert found.pixels_read == (processes is not None)
        assert found.needed == (found.split != "test")


def test_an_official_tree_is_compared_with_the_release_city_by_city(unpacked):
    found = by_split(survey("cityscapes", unpacked["cityscapes"], official=True))
    assert found["train"].release == 2975
    assert not found["train"].whole
    assert found["val"].groups == ("frankfurt 2 of 267", "lindau 2 of 59", "munster 0 of 174")
    assert {group.split()[0] for group in found["train"].groups} == set(
        expected_groups("cityscapes", "train")
    )


def test_a_whole_release_is_whole(unpacked, monkeypatch):
    """The same numbers in tree and manifest; one image more or less in the manifest, and it is not."""
    root = unpacked["camvid"]
    for train, whole in ((5, True), (4, False), (6, False)):
        counts = {"train": train, "val": 4, "test": 1}
        monkeypatch.setattr(module, "expected_counts", lambda *_, counts=counts: counts)
        assert by_split(survey("camvid", root, official=True))["train"].whole == whole


def test_all_faults_are_told_not_only_the_first(tree):
    root = tree("cityscapes")
    first, second, third, *_ = find_samples("cityscapes", root, "train")
    first.label.unlink()
    second.image.unlink()
    third.image.write_bytes(b"")
    found = by_split(survey("cityscapes", root, official=False))
    assert sorted(told(found["train"])) == [
        ("extra", second.label.name, "it belongs to no image"),
        ("missing", first.label.name, "this label of split train is missing"),
        ("wrong", third.image.name, "this image of split train is empty"),
    ]
    assert found["train"].images == 2
    assert found["val"].whole


def test_image_of_which_nothing_says_that_it_belongs_there(tree):
    root = tree("camvid")
    stray = root / "train/stray.png"
    shutil.copy(find_samples("camvid", root, "train")[0].image, stray)
    assert told(by_split(survey("camvid", root, official=False))["train"]) == [
        ("extra", "stray.png", "it belongs to no image")
    ]


@pytest.mark.parametrize(
    ("dataset", "lists"),
    [("pascal_context", "VOCdevkit/VOC2010/ImageSets/Main"), ("coco_stuff", "imageLists")],
)
def test_missing_list_leaves_the_other_split_as_it_is(dataset, lists, tree):
    root = tree(dataset)
    victim = root / lists / ("test.txt" if dataset == "coco_stuff" else "val.txt")
    victim.unlink()
    found = by_split(survey(dataset, root, official=False))
    assert found["train"].whole
    assert told(found["val"]) == [("missing", victim.name, "this list of images is missing")]


def test_missing_list_of_a_needed_split_is_a_fault_and_of_the_test_images_is_not(tree):
    root = tree("camvid")
    (root / "val.txt").unlink()
    (root / "test.txt").unlink()
    found = by_split(survey("camvid", root, official=True))
    (fault,) = found["val"].faults
    assert (fault.kind, fault.path, fault.reason) == (
        "missing",
        root / "val.txt",
        "this list of images is missing",
    )
    assert found["test"].faults == ()
    assert not found["test"].needed


def test_test_images_of_cityscapes_need_no_labels(tree):
    root = tree("cityscapes")
    shutil.rmtree(root / "gtFine/test")
    test = by_split(survey("cityscapes", root, official=False, processes=1))["test"]
    assert (test.images, test.faults) == (1, ())
    shutil.rmtree(root / "leftImg8bit/test")
    test = by_split(survey("cityscapes", root, official=True))["test"]
    assert (test.images, test.release, test.faults, test.needed) == (0, 1525, (), False)


def test_pixels_are_read_only_on_request(tree):
    root = tree("coco_stuff")
    first, second, *_ = find_samples("coco_stuff", root, "val")
    first.image.write_bytes(first.image.read_bytes()[:300])
    with Image.open(second.image) as image:
        image.crop((0, 0, 40, 48)).save(second.image)
    assert by_split(survey("coco_stuff", root, official=False))["val"].whole
    val = by_split(survey("coco_stuff", root, official=False, processes=1))["val"]
    assert val.images == 2
    cut, smaller = map(str, val.faults)
    assert cut.startswith(f"{first.image}: this image does not decode")
    assert smaller.startswith(f"{second.image} and {second.label} differ in size: 40x48 and 64x48")


def test_label_values_outside_the_map(tree):
    root = tree("cityscapes")
    victim = find_samples("cityscapes", root, "train")[3]
    with Image.open(victim.label) as label:
        values = np.array(label)
    values[0, :3] = 77
    Image.fromarray(values).save(victim.label)
    (fault,) = by_split(survey("cityscapes", root, official=False, processes=1))["train"].faults
    assert (fault.kind, fault.path) == ("wrong", victim.label)
    assert "3 pixels hold label values that the format does not have: 77" in fault.reason


def test_official_images_have_the_official_size(unpacked):
    val = by_split(survey("cityscapes", unpacked["cityscapes"], official=True, processes=1))["val"]
    assert len(val.faults) == 4
    assert val.faults[0].reason == "64x48 pixels, where the release has 2048x1024"


def test_json_labels_are_compared_with_the_release_of_json_labels(unpacked_detail):
    surveys = survey("pascal_context", unpacked_detail, official=True, processes=1)
    assert [(found.images, found.release) for found in surveys] == [(5, 4996), (4, 5104)]
    assert not any(found.faults for found in surveys)


def test_damaged_json_file_is_one_fault_of_each_split(detail_tree):
    labels = detail_tree / "trainval_merged.json"
    labels.write_bytes(labels.read_bytes()[:-100])
    for found in survey("pascal_context", detail_tree, official=True):
        (fault,) = found.faults
        assert (fault.kind, fault.path, found.images) == ("wrong", labels, 0)


def test_public_camvid_copy_is_the_whole_release():
    if not CAMVID_COPY.exists():
        pytest.skip(f"{CAMVID_COPY} is not here")
    surveys = survey("camvid", CAMVID_COPY, official=True)
    assert [(found.split, found.images) for found in surveys] == [("train", 367), ("val", 101), ("test", 233)]
    assert all(found.whole for found in surveys)


def test_prepared_form_is_opened_and_on_request_verified(params):
    settings = params("demo", {"cityscapes": (3, 2)})
    download(settings, "cityscapes")
    prepare(settings, "cityscapes")
    folder = dataset_paths(settings, "cityscapes").prepared("train")
    counted, verified = survey_prepared(folder, False), survey_prepared(folder, False, 1)
    assert (counted.split, counted.images, counted.pixels_read) == ("train, prepared", 3, False)
    assert verified.whole
    assert verified.pixels_read
    with (folder / "labels.npy").open("r+b") as stream:
        stream.seek(-1, 2)
        last = stream.read(1)
        stream.seek(-1, 2)
        stream.write(bytes([last[0] ^ 1]))
    assert survey_prepared(folder, False).whole
    damaged = survey_prepared(folder, False, 1)
    assert (damaged.images, len(damaged.faults)) == (2, 1)
    (folder / "index.json").write_text("{")
    assert "index.json" in str(survey_prepared(folder, False).faults[0])
