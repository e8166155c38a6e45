"""The manifest against what is known of the releases elsewhere."""

import csv
import re

import pytest

from danet.data.releases.manifest import (
    MANIFEST_FILE,
    expected_counts,
    expected_groups,
    expected_size,
    other_sizes,
)
from danet.data.releases.samples import ADAPTERS


@pytest.mark.parametrize(
    ("dataset", "variant", "counts"),
    [
        ("cityscapes", "", {"train": 2975, "val": 500, "test": 1525}),
        ("pascal_context", "", {"train": 4998, "val": 5105}),
        ("pascal_context", "detail", {"train": 4996, "val": 5104}),
        ("coco_stuff", "", {"train": 9000, "val": 1000}),
        ("camvid", "", {"train": 367, "val": 101, "test": 233}),
    ],
)
def test_counts_are_those_of_the_publications(dataset, variant, counts):
    assert expected_counts(dataset, variant) == counts


def test_cityscapes_has_27_cities_each_in_one_split():
    """50 cities were recorded; 27 of them have fine labels."""
    cities = [city for split in ("train", "val", "test") for city in expected_groups("cityscapes", split)]
    assert len(cities) == len(set(cities)) == 18 + 3 + 6
    assert expected_groups("cityscapes", "val") == {"frankfurt": 267, "lindau": 59, "munster": 174}


def test_groups_are_those_of_the_split_and_variant_alone():
    assert expected_groups("camvid", "train") == {}
    assert "aachen" not in expected_groups("cityscapes", "test")


def test_sizes_are_height_and_width_where_all_images_have_one():
    assert expected_size("cityscapes") == (1024, 2048)
    assert expected_size("camvid") == (360, 480)
    assert expected_size("pascal_context") is None
    assert expected_size("coco_stuff") is None


def test_every_row_is_of_a_known_data_set_and_no_group_occurs_twice():
    with MANIFEST_FILE.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    keys = [(row["dataset"], row["variant"], row["split"], row["group"]) for row in rows]
    assert len(keys) == len(set(keys))
    assert {dataset for dataset, *_ in keys} == set(ADAPTERS)


@pytest.mark.parametrize(
    ("dataset", "sizes", "difference"),
    [
        ("cityscapes", [(1024, 2048)] * 3, ""),
        ("cityscapes", [(1024, 2048), (256, 512), (1024, 2048)], "1 of 3 images are not of 2048x1024 pixels"),
        (
            "camvid",
            [(720, 960)] * 2,
            "2 of 2 .* of 480x360 pixels as in the release, the first is of 960x720",
        ),
        ("pascal_context", [(375, 500), (500, 334), (200, 300)], ""),
        ("pascal_context", [(1, 1)] * 3, "0 of 3 images have a longer side of 500 pixels.* first is of 1x1"),
        (
            "coco_stuff",
            [(480, 640), (240, 320), (320, 240)],
            "1 of 3 images have a longer side of 640 pixels",
        ),
        ("walks", [(7, 7)], ""),
    ],
)
def test_sizes_that_are_not_the_releases(dataset, sizes, difference):
    found = other_sizes(dataset, sizes)
    assert re.match(difference, found) if difference else found == ""
