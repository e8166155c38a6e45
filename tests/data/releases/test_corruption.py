"""A changed byte in any file that a label depends on is an error, or changes nothing.

Every byte of every such file is changed in turn, in two ways: all bits, and the lowest one, which turns a
digit or letter into another. What this cannot cover is said where the exception is made: in the JSON file
a region's category and image are plain digits without a checksum, and another digit is as valid. For that
file the table of sources has the checksum of the whole.
"""

import json
import re

import numpy as np
import pytest

from danet.data.releases import pascal_context
from danet.data.releases.samples import ADAPTERS, find_samples
from danet.errors import UserError

MASKS = (0xFF, 0x01)
SPLITS = ("train", "val")

# Positions of a long file that are tried with each mask.
MOST = 1500


def damaged(path, positions=None):
    """Change each byte of a file in place, one after the other; yield the position."""
    content = path.read_bytes()
    positions = range(len(content)) if positions is None else positions
    with path.open("r+b", buffering=0) as stream:
        for place, mask in enumerate(MASKS):
            for position in positions[place :: max(1, len(positions) // MOST)]:
                stream.seek(position)
                stream.write(bytes([content[position] ^ mask]))
                yield position
                stream.seek(position)
                stream.write(content[position : position + 1])
    assert path.read_bytes() == content


def test_label_file(dataset, tree):
    sample = find_samples(dataset, tree(dataset.name), "val")[0]
    read_label = ADAPTERS[dataset.name].read_label
    expected, errors = read_label(sample), 0
    for _ in damaged(sample.label):
        try:
            found = read_label(sample)
        except UserError:
            errors += 1
        else:
            assert np.array_equal(found, expected)
    # The header of a MATLAB file is 124 bytes of free text, and nothing of it is used.
    assert errors >= 2 * min(sample.label.stat().st_size - 128, MOST)


@pytest.mark.parametrize(
    ("dataset", "lists"),
    [
        ("pascal_context", "VOCdevkit/VOC2010/ImageSets/Main/{}.txt"),
        ("coco_stuff", "imageLists/{}.txt"),
        ("camvid", "{}.txt"),
    ],
    indirect=["dataset"],
)
def test_list_file(dataset, lists, tree):
    """Another image may be listed; none is ever given the label of another."""
    root = tree(dataset.name)
    pairs = {
        (sample.image, sample.label) for split in SPLITS for sample in find_samples(dataset, root, split)
    }
    errors = 0
    for _ in damaged(root / lists.format("train")):
        try:
            found = find_samples(dataset, root, "train")
        except UserError:
            errors += 1
        else:
            assert {(sample.image, sample.label) for sample in found} <= pairs
            assert len({sample.name for sample in found}) == len(found)
    assert errors


def test_json_file(detail_tree):
    path = detail_tree / "trainval_merged.json"
    shorten(path)
    positions = covered(path.read_text())
    expected, errors = json_labels(detail_tree), 0
    for _ in damaged(path, positions):
        try:
            found = json_labels(detail_tree)
        except UserError:
            errors += 1
        else:
            assert found.keys() == expected.keys()
            assert all(np.array_equal(found[name], label) for name, label in expected.items())
    assert errors > MOST


def shorten(path):
    """Keep one image of each split, and the classes that are evaluated."""
    content = json.loads(path.read_text())
    content["images"] = content["images"][::5]
    kept = {image["image_id"] for image in content["images"]}
    assert len(kept) == 2
    regions = content["annos_segmentation"]
    content["annos_segmentation"] = [region for region in regions if region["image_id"] in kept]
    names = content["categories"]
    content["categories"] = [name for name in names if not name["name"].startswith("class ")]
    path.write_text(json.dumps(content))


def json_labels(root):
    samples = [sample for split in SPLITS for sample in pascal_context.list_samples(root, split)]
    return {sample.name: pascal_context.read_label(sample) for sample in samples}


def covered(content):
    """Positions of a JSON file but for the digits of a region's category and image."""
    regions, classes = content.index('"annos_segmentation"'), content.index('"categories"')
    digits = re.compile(r'"(?:category_id|image_id)": (\d+)')
    found = digits.finditer(content, regions, classes)
    left_out = {place for match in found for place in range(*match.span(1))}
    return [place for place in range(len(content)) if place not in left_out]
