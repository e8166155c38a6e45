"""Cityscapes: ``leftImg8bit/<split>/<city>/*_leftImg8bit.png`` with labels below ``gtFine``.

The two may lie in folders of their own, as where each archive was unpacked into a folder of its name. The
labels of split ``test`` are not public: the release has blank ones, which are never read.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from danet.data.releases.layout import Landmarks, Sample, files_below
from danet.data.releases.pictures import read_index_image

IMAGES, LABELS = "leftImg8bit", "gtFine"
LANDMARKS: Landmarks = ((IMAGES, LABELS), (f"*/{IMAGES}", f"*/{LABELS}"))
IMAGE_ENDING = "_leftImg8bit.png"

# The release has ids; the official scripts, or copies of them, add train ids.
LABEL_ENDINGS = ("_gtFine_labelIds.png", "_gtFine_labelTrainIds.png", "_gtFine_trainIds.png")


def list_samples(root: Path, split: str) -> list[Sample]:
    """Images of ``split`` by city and name, each with the first kind of label that exists."""
    labels = {} if split == "test" else {_key(path): path for path in _labels(root, split)}
    return list(_samples(root, split, labels))


def _samples(root: Path, split: str, labels: Mapping[tuple[str, str], Path]) -> Iterator[Sample]:
    for image in _files(root, IMAGES, split, f"*/*{IMAGE_ENDING}"):
        name, city = image.name.removesuffix(IMAGE_ENDING), image.parent.name
        kinds = [(city, f"{name}{ending}") for ending in LABEL_ENDINGS]
        label = next((labels[kind] for kind in kinds if kind in labels), None)
        if label is None and split != "test":
            label = _folders(root, LABELS)[0] / split / Path(*kinds[0])
        yield Sample(name, image, label)


def unlisted(root: Path, split: str) -> list[Path]:
    """Pictures whose names are not those of the release, and labels without an image."""
    if split == "test":
        return []
    pictures = _files(root, IMAGES, split, "*/*.png")
    strangers = [picture for picture in pictures if not picture.name.endswith(IMAGE_ENDING)]
    images = {(picture.parent.name, picture.name.removesuffix(IMAGE_ENDING)) for picture in pictures}
    labels = _labels(root, split)
    return strangers + [label for label in labels if (label.parent.name, _name(label)) not in images]


def variant(root: Path) -> str:
    """All trees have the same images."""
    return ""


def read_label(sample: Sample) -> np.ndarray:
    """(H, W) ids or train ids, as the name of the file says; raises BadDataError."""
    return read_index_image(sample.label_file)


def _labels(root: Path, split: str) -> list[Path]:
    files = _files(root, LABELS, split, "*/*Ids.png")
    return [path for path in files if path.name.endswith(LABEL_ENDINGS)]


def _files(root: Path, part: str, split: str, pattern: str) -> list[Path]:
    files = [path for folder in _folders(root, part) for path in files_below(folder / split, pattern)]
    return sorted(files, key=_key)


def _folders(root: Path, part: str) -> list[Path]:
    """The folder of images or of labels; several where more archives than one lie side by side."""
    folder = root / part
    return [folder] if folder.is_dir() else sorted(root.glob(f"*/{part}")) or [folder]


def _key(path: Path) -> tuple[str, str]:
    """City and file name."""
    return path.parent.name, path.name


def _name(label: Path) -> str:
    return label.name.partition("_gtFine_")[0]
