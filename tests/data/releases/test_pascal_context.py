"""PASCAL Context: labels as .mat files and as one JSON file."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from danet.data.releases import pascal_context
from danet.data.releases.layout import find_root
from danet.data.releases.samples import find_samples, landmarks, read_sample
from danet.errors import BadDataError, MissingDataError
from danet.labels import label_map, raw_value


@pytest.fixture
def dataset(release):
    return release("pascal_context")


@pytest.mark.parametrize("split", ["train", "val"])
def test_json_labels_are_those_of_the_matlab_files(dataset, split, unpacked, unpacked_detail):
    assert pascal_context.variant(unpacked["pascal_context"]) == ""
    assert pascal_context.variant(unpacked_detail) == "detail"
    first = find_samples(dataset, unpacked["pascal_context"], split)
    second = find_samples(dataset, unpacked_detail, split)
    assert [sample.name for sample in first] == [sample.name for sample in second]
    for one, other in zip(first, second, strict=True):
        assert np.array_equal(pascal_context.read_label(one), pascal_context.read_label(other))
        assert not one.regions
        assert all(
            np.array_equal(a, b)
            for a, b in zip(read_sample(dataset, one), read_sample(dataset, other), strict=True)
        )


# pycocotools 2.0.11 lacks an argument of NumPy 2.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_json_labels_as_the_detail_api_paints_them(dataset, unpacked_detail):
    masks = pytest.importorskip("pycocotools.mask")
    content = json.loads((unpacked_detail / "trainval_merged.json").read_text())
    for sample in find_samples(dataset, unpacked_detail, "val"):
        painted = np.zeros((48, 64), int)
        for region in content["annos_segmentation"]:
            if region["image_id"] == int(sample.name.replace("_", "")):
                painted[masks.decode(region["segmentation"]) != 0] = region["category_id"]
        assert np.array_equal(pascal_context.read_label(sample), painted)


def test_json_file_may_lie_beside_the_images_and_gives_way_to_matlab_files(dataset, detail_tree, unpacked):
    expected = [sample.name for sample in find_samples(dataset, detail_tree, "val")]
    moved = Path(shutil.move(detail_tree / "trainval_merged.json", detail_tree / "VOCdevkit/VOC2010"))
    assert find_root(detail_tree.parent, landmarks(dataset)) == detail_tree
    assert [sample.name for sample in find_samples(dataset, detail_tree, "val")] == expected
    shutil.copytree(unpacked["pascal_context"] / "trainval", detail_tree / "trainval")
    assert moved.is_file()
    assert pascal_context.variant(detail_tree) == ""
    assert find_samples(dataset, detail_tree, "val")[0].label.suffix == ".mat"


def test_no_labels_of_either_form(dataset, detail_tree):
    (detail_tree / "trainval_merged.json").unlink()
    with pytest.raises(MissingDataError, match=r"has neither trainval/\*\.mat .* nor trainval_merged\.json"):
        find_samples(dataset, detail_tree, "train")


def change(key, place, name, value):
    """A change of one value in the JSON file: list, position in it, key."""

    def apply(content):
        content[key][place][name] = value

    return apply


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (
            change("categories", 1, "name", "bag"),
            "label value 2 should stand for 'aeroplane', but stands for 'bag'",
        ),
        (
            lambda content: content["categories"].pop(8),
            "label value 9 should stand for 'bag', but stands for nothing",
        ),
        (change("images", 0, "image_id", 7), r"image '2008_000000\.jpg' has id 7"),
        (change("images", 0, "file_name", "../2008_000000.jpg"), "has id 2008000000"),
        (change("images", 1, "file_name", "2008_000000.jpg"), "has id 2008000001"),
        (change("images", 0, "phase", "trial"), "has phase 'trial'"),
        (change("images", 0, "height", 47), "belongs to image 2008000000, which is missing or of another"),
        (change("images", 0, "height", "48"), "'height' is missing or of another type"),
        (change("annos_segmentation", 0, "image_id", 7), "belongs to image 7, which is missing"),
        (change("annos_segmentation", 0, "category_id", 460), "a region has category 460"),
        (change("annos_segmentation", 0, "segmentation", []), "'segmentation' is missing or of another type"),
        (change("annos_segmentation", 0, "segmentation", {"size": [48], "counts": ""}), r"has size \[48\]"),
        (lambda content: content["images"].append(content["images"][0]), "image 2008_000000 occurs twice"),
        (lambda content: content.pop("images"), "'images' is missing"),
    ],
)
def test_json_file_with_other_content(dataset, spoil, reason, detail_tree):
    path = detail_tree / "trainval_merged.json"
    content = json.loads(path.read_text())
    spoil(content)
    path.write_text(json.dumps(content))
    with pytest.raises(BadDataError, match=rf"trainval_merged\.json: .*{reason}"):
        find_samples(dataset, detail_tree, "train")


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, "\0"])
def test_text_that_is_not_such_json(dataset, text, detail_tree):
    (detail_tree / "trainval_merged.json").write_text(text)
    with pytest.raises(BadDataError, match=r"trainval_merged\.json: "):
        find_samples(dataset, detail_tree, "train")


def test_json_region_whose_area_differs(dataset, detail_tree):
    path = detail_tree / "trainval_merged.json"
    content = json.loads(path.read_text())
    content["annos_segmentation"][0]["area"] += 1
    path.write_text(json.dumps(content))
    sample = find_samples(dataset, detail_tree, "train")[0]
    with pytest.raises(
        BadDataError, match=rf"trainval_merged\.json, image {sample.name}: .* its area is 3073"
    ):
        read_sample(dataset, sample)


def test_names_file_is_compared_if_it_exists(dataset, tree):
    root = tree("pascal_context")
    names = label_map("pascal_context", background=False).names
    lines = {raw_value("pascal_context", name): name for name in names}
    (root / "labels.txt").write_text("".join(f"{value}: {name}\n" for value, name in lines.items()))
    assert len(find_samples(dataset, root, "train")) == 5
    (root / "labels.txt").write_text("".join(f"{place}: {name}\n" for place, name in enumerate(names)))
    with pytest.raises(BadDataError, match=r"labels\.txt: label value 2 .* 'aeroplane', .* 'bed'"):
        find_samples(dataset, root, "train")
    (root / "labels.txt").write_text("aeroplane\n")
    with pytest.raises(BadDataError, match=r"labels\.txt: lines as '2: aeroplane' are expected"):
        find_samples(dataset, root, "train")


def test_labels_beside_the_images(dataset, tree):
    """As in VOCdevkit/VOC2010/trainval/*.mat."""
    root = tree("pascal_context")
    expected = [read_sample(dataset, sample) for sample in find_samples(dataset, root, "val")]
    shutil.move(root / "trainval", root / "VOCdevkit/VOC2010")
    assert find_root(root.parent, landmarks(dataset)) == root
    assert pascal_context.variant(root) == ""
    found = [read_sample(dataset, sample) for sample in find_samples(dataset, root, "val")]
    assert all(np.array_equal(a[1], b[1]) for a, b in zip(found, expected, strict=True))
    stray = root / "VOCdevkit/VOC2010/trainval/2007_000032.mat"
    stray.touch()
    assert pascal_context.unlisted(root, "train") == [stray]
    (stray.parent.parent / "labels.txt").write_text("2: bed\n")
    with pytest.raises(BadDataError, match=r"VOC2010/labels\.txt: label value 2 .* 'aeroplane', .* 'bed'"):
        find_samples(dataset, root, "train")
