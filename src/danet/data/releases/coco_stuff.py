"""COCO Stuff 10k v1.1: ``images/*.jpg``, ``annotations/*.mat`` and ``imageLists/*.txt``.

Version 1.0 has the same layout and other indices. The class names in each annotation tell the two apart.
"""

from pathlib import Path

import numpy as np

from danet.data.releases.layout import Landmarks, Sample, files_below, read_names
from danet.data.releases.matlab_files import matrix, read_fields, words
from danet.labels import check_names

LANDMARKS: Landmarks = (("images", "annotations", "imageLists"),)

# The release calls the 1,000 images on which methods are compared its test set.
LIST_NAMES = {"train": "train", "val": "test"}

NAMES_WITHOUT_UNLABELED = 182
RIGHT_VERSION = "version 1.1 is needed: unpack cocostuff-10k-v1.1.zip in its place"


def list_samples(root: Path, split: str) -> list[Sample]:
    """Images that ``imageLists`` has for ``split``, in its order.

    Raises:
        MissingDataError: the list is missing.
        BadDataError: a line of the list is not a name.
    """
    return [
        Sample(name, root / f"images/{name}.jpg", root / f"annotations/{name}.mat")
        for name in _names(root, split)
    ]


def unlisted(root: Path, split: str) -> list[Path]:
    """Images and annotations that neither list names."""
    if split != "train":
        return []
    listed = {name for part in LIST_NAMES for name in _names(root, part)}
    files = files_below(root / "images", "*.jpg") + files_below(root / "annotations", "*.mat")
    return [path for path in files if path.stem not in listed]


def variant(root: Path) -> str:
    """There is one."""
    return ""


def read_label(sample: Sample) -> np.ndarray:
    """(H, W) values 0 to 182 of field ``S``; raises BadDataError, also if it is of version 1.0."""
    path = sample.label_file
    fields = read_fields(path, ("S", "names"))
    label = matrix(fields, "S", path)
    names = words(fields, "names", path)
    if len(names) == NAMES_WITHOUT_UNLABELED:
        names = ("unlabeled", *names)
    check_names("coco_stuff", dict(enumerate(names)), path, RIGHT_VERSION)
    return label


def _names(root: Path, split: str) -> list[str]:
    return read_names(root / f"imageLists/{LIST_NAMES[split]}.txt")
