"""COCO Stuff 10k v1.1: ``images/*.jpg``, ``annotations/*.mat`` and ``imageLists/*.txt``."""

from pathlib import Path

import numpy as np

from danet.data.layout import Sample, checked, read_list
from danet.data.pictures import read_matrix

LANDMARKS = ("images", "annotations", "imageLists")

# The release calls the 1,000 images on which methods are compared its test set.
LIST_NAMES = {"train": "train", "val": "test"}


def find_samples(root: Path, split: str) -> list[Sample]:
    """Images that ``imageLists`` has for ``split``, in its order.

    Raises:
        MissingDataError: the list or a file is missing.
        BadDataError: a name is listed twice.
    """
    names = read_list(root / f"imageLists/{LIST_NAMES[split]}.txt")
    samples = (Sample(name, root / f"images/{name}.jpg", root / f"annotations/{name}.mat") for name in names)
    return checked(samples, root, split)


def read_label(path: Path) -> np.ndarray:
    """(H, W) values 0 to 182 of field ``S``; raises BadDataError."""
    return read_matrix(path, "S")
