"""CamVid as SegNet published it: lists of image and label, by lines or all in one.

The lists of the public repository begin each path with ``/SegNet/CamVid/``, where its authors kept
the data; other copies have paths relative to the lists.
"""

from pathlib import Path

from danet.data.layout import Sample, checked, read_list
from danet.data.pictures import read_index_image as read_label
from danet.errors import BadDataError

LANDMARKS = ("train.txt", "val.txt", "trainannot")
PUBLISHED_PREFIX = "/SegNet/CamVid/"

__all__ = ["LANDMARKS", "find_samples", "read_label"]


def find_samples(root: Path, split: str) -> list[Sample]:
    """Images that ``<split>.txt`` lists, in its order.

    Raises:
        MissingDataError: the list or a file is missing.
        BadDataError: the list is not made of pairs below ``root``, or a name is listed twice.
    """
    list_file = root / f"{split}.txt"
    paths = [Path(word.removeprefix(PUBLISHED_PREFIX)) for word in read_list(list_file)]
    if len(paths) % 2 or any(path.is_absolute() or ".." in path.parts for path in paths):
        raise BadDataError(f"{list_file}: pairs of image and label below {root} are expected")
    pairs = zip(paths[::2], paths[1::2], strict=True)
    return checked((Sample(image.stem, root / image, root / label) for image, label in pairs), root, split)
