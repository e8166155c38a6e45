"""Cityscapes: ``leftImg8bit/<split>/<city>/*_leftImg8bit.png`` with labels below ``gtFine``.

The labels of split ``test`` are not public: the release has blank ones, which are never read.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from danet.data.layout import Sample, files_below
from danet.data.pictures import read_index_image

LANDMARKS = (("leftImg8bit", "gtFine"),)
IMAGE_ENDING = "_leftImg8bit.png"

# The release has ids; the official scripts, or copies of them, add train ids.
LABEL_ENDINGS = ("_gtFine_labelIds.png", "_gtFine_labelTrainIds.png", "_gtFine_trainIds.png")


def list_samples(root: Path, split: str) -> list[Sample]:
    """Images of ``split`` by city and name, each with the first kind of label that is there."""
    labels = set() if split == "test" else set(_labels(root, split))
    return list(_samples(root, split, labels))


def _samples(root: Path, split: str, labels: set[Path]) -> Iterator[Sample]:
    for image in files_below(root / "leftImg8bit" / split, f"*/*{IMAGE_ENDING}"):
        name = image.name.removesuffix(IMAGE_ENDING)
        folder = root / "gtFine" / split / image.parent.name
        kinds = [folder / f"{name}{ending}" for ending in LABEL_ENDINGS]
        label = next((kind for kind in kinds if kind in labels), kinds[0])
        yield Sample(name, image, None if split == "test" else label)


def unlisted(root: Path, split: str) -> list[Path]:
    """Pictures beside the images that the release does not name so, and labels without an image."""
    if split == "test":
        return []
    pictures = files_below(root / "leftImg8bit" / split, "*/*.png")
    strangers = [picture for picture in pictures if not picture.name.endswith(IMAGE_ENDING)]
    images = {(picture.parent.name, picture.name.removesuffix(IMAGE_ENDING)) for picture in pictures}
    labels = _labels(root, split)
    return strangers + [label for label in labels if (label.parent.name, _name(label)) not in images]


def variant(root: Path) -> str:
    """All trees have the same images."""
    return ""


def read_label(sample: Sample) -> np.ndarray:
    """(H, W) ids or train ids, as the name of the file says; raises BadDataError."""
    return read_index_image(sample.label)


def _labels(root: Path, split: str) -> list[Path]:
    files = files_below(root / "gtFine" / split, "*/*Ids.png")
    return [path for path in files if path.name.endswith(LABEL_ENDINGS)]


def _name(label: Path) -> str:
    return label.name.partition("_gtFine_")[0]
