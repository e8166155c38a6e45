"""What the official releases hold, read from ``manifest.csv``: images by split, group and size.

A row is one group of a split: a city of Cityscapes, or the whole split where ``group`` is blank.
``variant`` distinguishes releases of one data set that differ in their images. ``width`` and ``height``
are in pixels, and blank where the images of a release have many sizes.

Where the numbers come from:
    cityscapes      the file lists of the release; the cities add up to 2,975, 500 and 1,525. The
                    paper's 2,979 training images are a slip: its own lists have 2,975.
    pascal_context  the paper's 4,998 and 5,105, which are VOC 2010's lists of the 459-class .mat files.
                    ``detail``: the JSON file of the same labels, which lacks two and one of them.
    coco_stuff      the paper and the release, version 1.1 with 10,000 images.
    camvid          the lists of SegNet's repository.
"""

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

MOST_COMMON_SIZES = {"pascal_context": (375, 500), "coco_stuff": (480, 640)}
"""Height and width that plans and trials assume where the images of a release differ; our choice. Most
images have the longer side: both releases were shrunk to it."""
MANIFEST_FILE = Path(__file__).parent / "manifest.csv"


@dataclass(frozen=True)
class ReleaseGroup:
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
        variant: which of its releases, as the adapter names it; empty where there is one.
    """
    counts: Counter[str] = Counter()
    for row in _groups(dataset, variant):
        counts[row.split] += row.images
    return dict(counts)


def nearest_count(dataset: str, split: str, images: int) -> int:
    """Images of a split of the official release, in the variant whose count is nearest to ``images``."""
    variants = {row.variant for row in _manifest() if row.dataset == dataset}
    counts = [expected_counts(dataset, variant)[split] for variant in sorted(variants)]
    return min(counts, key=lambda count: abs(count - images))


def expected_groups(dataset: str, split: str, variant: str = "") -> dict[str, int]:
    """Images by group of one split; empty where the release does not group them."""
    return {row.group: row.images for row in _groups(dataset, variant) if row.split == split and row.group}


def expected_size(dataset: str) -> tuple[int, int] | None:
    """Height and width in pixels that all images of a release have; None where they differ."""
    sizes = {row.size for row in _manifest() if row.dataset == dataset}
    return sizes.pop() if len(sizes) == 1 else None


def usual_size(dataset: str) -> tuple[int, int]:
    """Height and width in pixels of all images of a release, or of most of them."""
    return expected_size(dataset) or MOST_COMMON_SIZES[dataset]


def other_sizes(dataset: str, sizes: Sequence[tuple[int, int]]) -> str:
    """How images differ in size from the release's; empty if they do not.

    Args:
        dataset: its key in params.yaml.
        sizes: height and width of each image, in pixels.
    """
    if (size := expected_size(dataset)) is not None:
        others = [found for found in sizes if found != size]
        if others:
            return (
                f"{len(others)} of {len(sizes)} images are not of {_pixels(size)} pixels as in the release,"
                f" the first is of {_pixels(others[0])}"
            )
    elif (size := MOST_COMMON_SIZES.get(dataset)) is not None:
        longest = [max(found) for found in sizes]
        if 2 * longest.count(max(size)) < len(sizes):
            return (
                f"{longest.count(max(size))} of {len(sizes)} images have a longer side of {max(size)} pixels,"
                f" as most of the release have; the first is of {_pixels(sizes[0])}"
            )
    return ""


def _pixels(size: tuple[int, int]) -> str:
    return f"{size[1]}x{size[0]}"


def _groups(dataset: str, variant: str) -> list[ReleaseGroup]:
    return [row for row in _manifest() if (row.dataset, row.variant) == (dataset, variant)]


@cache
def _manifest() -> tuple[ReleaseGroup, ...]:
    with MANIFEST_FILE.open(encoding="utf-8", newline="") as stream:
        return tuple(_group(line) for line in csv.DictReader(stream))


def _group(line: dict[str, str]) -> ReleaseGroup:
    size = (int(line["height"]), int(line["width"])) if line["height"] else None
    return ReleaseGroup(
        line["dataset"], line["variant"], line["split"], line["group"], int(line["images"]), size
    )
