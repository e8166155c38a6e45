"""What the official releases hold, read from ``manifest.csv``: images by split, group and size.

A row is one group of a split: a city of Cityscapes, or the whole split where ``group`` is blank.
``variant`` tells apart releases of one data set that differ in their images. ``width`` and ``height``
are in pixels, and blank where the images of a release have many sizes.

Where the numbers come from:
    cityscapes      the file lists of the release; by city they add up to 2,975, 500 and 1,525. The
                    paper's 2,979 training images are a slip: its own lists have 2,975.
    pascal_context  the paper's 4,998 and 5,105, which are VOC 2010's lists of the 459-class .mat files.
                    ``detail``: the JSON file of the same labels, which lacks two and one of them.
    coco_stuff      the paper and the release, version 1.1 with 10,000 images.
    camvid          the lists of SegNet's repository.
"""

import csv
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path

MOST_COMMON_SIZES = {"pascal_context": (375, 500), "coco_stuff": (480, 640)}
"""Height and width; our assumption for plans and trials, where the images of a release differ."""
MANIFEST_FILE = Path(__file__).parent / "manifest.csv"


@dataclass(frozen=True)
class Row:
    """One line of the manifest."""

    dataset: str
    variant: str
    split: str
    group: str
    images: int
    size: tuple[int, int] | None
    """Height and width in pixels; None where they differ."""


def expected_counts(dataset: str, variant: str = "") -> dict[str, int]:
    """Images of each split of the official release.

    Args:
        dataset: its key in params.yaml.
        variant: which of its releases, as the adapter tells it; empty where there is one.
    """
    counts: Counter[str] = Counter()
    for row in _rows(dataset, variant):
        counts[row.split] += row.images
    return dict(counts)


def nearest_count(dataset: str, split: str, images: int) -> int:
    """Images of a split of the official release; of its variants, the one that is nearest to ``images``."""
    variants = {row.variant for row in _manifest() if row.dataset == dataset}
    counts = [expected_counts(dataset, variant)[split] for variant in sorted(variants)]
    return min(counts, key=lambda count: abs(count - images))


def expected_groups(dataset: str, split: str, variant: str = "") -> dict[str, int]:
    """Images by group of one split; empty where the release does not group them."""
    return {row.group: row.images for row in _rows(dataset, variant) if row.split == split and row.group}


def expected_size(dataset: str) -> tuple[int, int] | None:
    """Height and width in pixels that all images of a release have; None where they differ."""
    sizes = {row.size for row in _manifest() if row.dataset == dataset}
    return sizes.pop() if len(sizes) == 1 else None


def usual_size(dataset: str) -> tuple[int, int]:
    """Height and width in pixels of all images of a release, or of most of them."""
    return expected_size(dataset) or MOST_COMMON_SIZES[dataset]


def _rows(dataset: str, variant: str) -> list[Row]:
    return [row for row in _manifest() if (row.dataset, row.variant) == (dataset, variant)]


@cache
def _manifest() -> tuple[Row, ...]:
    with MANIFEST_FILE.open(encoding="utf-8", newline="") as stream:
        return tuple(_row(line) for line in csv.DictReader(stream))


def _row(line: dict[str, str]) -> Row:
    size = (int(line["height"]), int(line["width"])) if line["height"] else None
    return Row(line["dataset"], line["variant"], line["split"], line["group"], int(line["images"]), size)
