"""Cityscapes: ``leftImg8bit/<split>/<city>/*_leftImg8bit.png`` with labels below ``gtFine``."""

from collections.abc import Iterator
from pathlib import Path

from danet.data.layout import Sample, checked
from danet.data.pictures import read_index_image as read_label

LANDMARKS = ("leftImg8bit", "gtFine")
IMAGE_ENDING = "_leftImg8bit.png"

# The release has ids; the official scripts, or copies of them, add train ids.
LABEL_ENDINGS = ("_gtFine_labelIds.png", "_gtFine_labelTrainIds.png", "_gtFine_trainIds.png")

__all__ = ["LANDMARKS", "find_samples", "read_label"]


def find_samples(root: Path, split: str) -> list[Sample]:
    """Images of ``split`` by city and name, each with the first kind of label that is there.

    Raises:
        MissingDataError: no images, or one without any label.
    """
    return checked(_samples(root, split), root, split)


def _samples(root: Path, split: str) -> Iterator[Sample]:
    for image in sorted((root / "leftImg8bit" / split).glob(f"*/*{IMAGE_ENDING}")):
        name = image.name.removesuffix(IMAGE_ENDING)
        folder = root / "gtFine" / split / image.parent.name
        labels = [folder / f"{name}{ending}" for ending in LABEL_ENDINGS]
        yield Sample(name, image, next((label for label in labels if label.is_file()), labels[0]))
