"""CamVid as SegNet published it: lists of images and labels, a pair a line or all in one line.

The lists of the public repository begin each path with ``/SegNet/CamVid/``, where its authors kept
the data; other copies have paths relative to the lists. An image and its label have the same name, and
the label's folder is called as that of the image with ``annot`` after it.
"""

from pathlib import Path

import numpy as np

from danet.data.releases.layout import NAME, UNPACK_AGAIN, Landmarks, Sample, files_below, read_text
from danet.data.releases.pictures import read_index_image
from danet.errors import BadDataError

LANDMARKS: Landmarks = (("train.txt", "val.txt", "trainannot"),)
PUBLISHED_PREFIX = "/SegNet/CamVid/"


def list_samples(root: Path, split: str) -> list[Sample]:
    """Images that ``<split>.txt`` lists, in its order.

    Raises:
        MissingDataError: the list is missing.
        BadDataError: the list is not made of pairs of image and label below ``root``.
    """
    list_file = root / f"{split}.txt"
    paths = [word.removeprefix(PUBLISHED_PREFIX) for word in read_text(list_file).split()]
    if len(paths) % 2:
        raise BadDataError(f"{list_file}: pairs of image and label are expected", UNPACK_AGAIN)
    pairs = zip(paths[::2], paths[1::2], strict=True)
    return [_sample(root, image, label, list_file) for image, label in pairs]


def unlisted(root: Path, split: str) -> list[Path]:
    """Files in ``<split>`` and ``<split>annot`` that the list does not name."""
    samples = list_samples(root, split)
    listed = {sample.image for sample in samples} | {sample.label for sample in samples}
    files = files_below(root / split, "*") + files_below(root / f"{split}annot", "*")
    return [path for path in files if path not in listed]


def variant(root: Path) -> str:
    """There is one."""
    return ""


def read_label(sample: Sample) -> np.ndarray:
    """(H, W) values 0 to 11; raises BadDataError."""
    return read_index_image(sample.label_file)


def _sample(root: Path, image: str, label: str, list_file: Path) -> Sample:
    """One pair. The names are compared: a changed letter must not give an image the label of another."""
    picture, drawn = Path(image), Path(label)
    paired = picture.stem == drawn.stem and drawn.parent == Path(f"{picture.parent}annot")
    plain = all(NAME.fullmatch(part) for part in (*picture.parts, *drawn.parts))
    if not (plain and paired and len(picture.parts) == 2):
        raise BadDataError(
            f"{list_file}: pairs of image and label are expected, as train/a.png trainannot/a.png;"
            f" {image!r} and {label!r} are not one",
            UNPACK_AGAIN,
        )
    return Sample(picture.stem, root / picture, root / drawn)
