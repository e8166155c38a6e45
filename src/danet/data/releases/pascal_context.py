"""PASCAL Context: the images of VOC 2010 with labels of 459 classes, in either of two forms.

    .mat    ``trainval/*.mat``, with the lists of VOC 2010: the form of the paper.
    JSON    ``trainval_merged.json``: the form of the detail-api.

Labels lie in the root or beside the images, in ``VOCdevkit/VOC2010``.

Where there are both, the .mat files are read.
"""

from pathlib import Path

import numpy as np

from danet.data.releases import detail_labels
from danet.data.releases.layout import UNPACK_AGAIN, Landmarks, Sample, files_below, read_names
from danet.data.releases.matlab_files import matrix, read_fields
from danet.data.releases.pictures import image_size
from danet.data.releases.run_lengths import paint
from danet.errors import BadDataError, MissingDataError
from danet.labels import check_names

VOC = "VOCdevkit/VOC2010"
IMAGES = f"{VOC}/JPEGImages"
LISTS = f"{VOC}/ImageSets/Main"
LABEL_FOLDERS = ("trainval", f"{VOC}/trainval")
JSON_FILES = (detail_labels.FILE_NAME, f"{VOC}/{detail_labels.FILE_NAME}")
LANDMARKS: Landmarks = (
    *((IMAGES, LISTS, folder) for folder in LABEL_FOLDERS),
    *((IMAGES, file) for file in JSON_FILES),
)

# Comes with the .mat files: one class a line, its id and its name.
NAMES_FILE = "labels.txt"


def list_samples(root: Path, split: str) -> list[Sample]:
    """Images of ``ImageSets/Main/<split>.txt``, or of that phase in the JSON file, in its order.

    Raises:
        MissingDataError: the list or the file of labels is missing.
        BadDataError: either is damaged, or numbers the classes differently.
    """
    if variant(root):
        return detail_labels.read_samples(_json_file(root), root / IMAGES, split)
    folder = _label_folder(root)
    for place in {root, folder.parent}:
        _check_names(place / NAMES_FILE)
    names = read_names(root / LISTS / f"{split}.txt")
    return [Sample(name, root / IMAGES / f"{name}.jpg", folder / f"{name}.mat") for name in names]


def unlisted(root: Path, split: str) -> list[Path]:
    """Labels that no list names. VOC 2010 has images for other tasks too, which are not surplus."""
    if split != "train" or variant(root):
        return []
    listed = {name for part in ("train", "val") for name in read_names(root / LISTS / f"{part}.txt")}
    return [path for path in files_below(_label_folder(root), "*.mat") if path.stem not in listed]


def variant(root: Path) -> str:
    """``detail`` for the JSON file, empty for the .mat files."""
    matlab = LANDMARKS[: len(LABEL_FOLDERS)]
    return "" if any(all((root / path).exists() for path in paths) for paths in matlab) else "detail"


def read_label(sample: Sample) -> np.ndarray:
    """(H, W) values 0 to 459; raises BadDataError."""
    path = sample.label_file
    if path.suffix == ".mat":
        return matrix(read_fields(path, ["LabelMap"]), "LabelMap", path)
    return paint(sample.regions, image_size(sample.image), f"{path}, image {sample.name}")


def _label_folder(root: Path) -> Path:
    return next(root / folder for folder in LABEL_FOLDERS if (root / folder).exists())


def _json_file(root: Path) -> Path:
    for name in JSON_FILES:
        if (root / name).is_file():
            return root / name
    raise MissingDataError(
        f"{root} has neither trainval/*.mat with {LISTS} nor {detail_labels.FILE_NAME}", UNPACK_AGAIN
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
        raise BadDataError(f"{path}: lines as '2: aeroplane' are expected", UNPACK_AGAIN) from None
    check_names("pascal_context", names, path)
