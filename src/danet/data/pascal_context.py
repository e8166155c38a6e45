"""PASCAL Context: the images of VOC 2010 with the 459-class labels of ``trainval/*.mat``."""

from pathlib import Path

import numpy as np

from danet.data.layout import Sample, checked, read_list
from danet.data.pictures import read_matrix

LANDMARKS = ("VOCdevkit/VOC2010/JPEGImages", "VOCdevkit/VOC2010/ImageSets/Main", "trainval")


def find_samples(root: Path, split: str) -> list[Sample]:
    """Images that ``ImageSets/Main/<split>.txt`` lists, in its order.

    Raises:
        MissingDataError: the list or a file is missing.
        BadDataError: a name is listed twice.
    """
    voc = root / "VOCdevkit/VOC2010"
    names = read_list(voc / f"ImageSets/Main/{split}.txt")
    samples = (Sample(name, voc / f"JPEGImages/{name}.jpg", root / f"trainval/{name}.mat") for name in names)
    return checked(samples, root, split)


def read_label(path: Path) -> np.ndarray:
    """(H, W) values 1 to 459 of field ``LabelMap``; raises BadDataError."""
    return read_matrix(path, "LabelMap")
