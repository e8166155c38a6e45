"""PASCAL Context: the images of VOC 2010 with labels of 459 classes, in either of two forms.

    .mat    ``trainval/*.mat``, with the lists of VOC 2010: the form of the paper.
    JSON    ``trainval_merged.json`` in the root or beside the images: the form of the detail-api.

Where both are there, the .mat files are read.
"""

from pathlib import Path

import numpy as np

from danet.data import detail_labels
from danet.data.label_maps import check_names
from danet.data.layout import UNPACK_ANEW, Sample, files_below, read_names
from danet.data.matlab_files import matrix, read_fields
from danet.data.pictures import image_size
from danet.data.run_lengths import paint
from danet.errors import BadDataError, MissingDataError

VOC = "VOCdevkit/VOC2010"
IMAGES = f"{VOC}/JPEGImages"
LISTS = f"{VOC}/ImageSets/Main"
JSON_FILES = (detail_labels.FILE_NAME, f"{VOC}/{detail_labels.FILE_NAME}")
LANDMARKS = ((IMAGES, LISTS, "trainval"), *((IMAGES, file) for file in JSON_FILES))

# Comes with the .mat files: a line a class, its id and its name.
NAMES_FILE = "labels.txt"


def list_samples(root: Path, split: str) -> list[Sample]:
    """Images of ``ImageSets/Main/<split>.txt``, or of that phase in the JSON file, in its order.

    Raises:
        MissingDataError: the list, or the file of the labels, is missing.
        BadDataError: either is damaged, or the classes are numbered differently.
    """
    if variant(root):
        return detail_labels.read_samples(_json_file(root), root / IMAGES, split)
    _check_names(root / NAMES_FILE)
    names = read_names(root / LISTS / f"{split}.txt")
    return [Sample(name, root / IMAGES / f"{name}.jpg", root / f"trainval/{name}.mat") for name in names]


def unlisted(root: Path, split: str) -> list[Path]:
    """Labels that no list names. VOC 2010 has images for other tasks too; those are no surplus."""
    if split != "train" or variant(root):
        return []
    listed = {name for part in ("train", "val") for name in read_names(root / LISTS / f"{part}.txt")}
    return [path for path in files_below(root / "trainval", "*.mat") if path.stem not in listed]


def variant(root: Path) -> str:
    """``detail`` for the JSON file, empty for the .mat files."""
    return "" if all((root / path).exists() for path in LANDMARKS[0]) else "detail"


def read_label(sample: Sample) -> np.ndarray:
    """(H, W) values 0 to 459; raises BadDataError."""
    if sample.label.suffix == ".mat":
        return matrix(read_fields(sample.label, ["LabelMap"]), "LabelMap", sample.label)
    shape = image_size(sample.image)
    return paint(sample.regions, shape, f"{sample.label}, image {sample.name}")


def _json_file(root: Path) -> Path:
    for name in JSON_FILES:
        if (root / name).is_file():
            return root / name
    raise MissingDataError(
        f"{root} has neither trainval/*.mat with {LISTS} nor {detail_labels.FILE_NAME}", UNPACK_ANEW
    )


def _check_names(path: Path) -> None:
    if not path.exists():
        return
    try:
        lines = [
            line.partition(":") for line in path.read_text(encoding="utf-8").splitlines() if line.strip()
        ]
        names = {int(value): name.strip() for value, _, name in lines}
    except ValueError:
        raise BadDataError(f"{path}: lines as '2: aeroplane' are expected", UNPACK_ANEW) from None
    check_names("pascal_context", names, path)
