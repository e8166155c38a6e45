"""What the adapters of the official folder trees share: the sample, and checks on folders and lists."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Protocol

import numpy as np

from danet.errors import BadDataError, MissingDataError

# Parts of a data set: one to train on, one to score on.
SPLITS = ("train", "val")

UNPACK_ANEW = "unpack the official archive anew"


@dataclass(frozen=True)
class Sample:
    """One image with its label, as files of the official release."""

    name: str
    image: Path
    label: Path


class Adapter(Protocol):
    """What a module such as ``danet.data.cityscapes`` offers."""

    LANDMARKS: tuple[str, ...]
    """Paths below the root by which the official tree is recognised."""
    find_samples: Callable[[Path, str], list[Sample]]
    """Samples of split ``train`` or ``val`` below a root, in a stable order."""
    read_label: Callable[[Path], np.ndarray]
    """(H, W) values of a label file, as on disk."""


def find_root(folder: Path, landmarks: Sequence[str]) -> Path:
    """The folder that holds all ``landmarks``: ``folder`` itself or one at most two levels below.

    Archives differ in the folder that they wrap their content in.

    Raises:
        MissingDataError: there is no such folder.
    """
    if not folder.is_dir():
        raise MissingDataError(f"{folder} is not a folder")
    for candidate in chain([folder], *(sorted(folder.glob(level)) for level in ("*/", "*/*/"))):
        if all((candidate / landmark).exists() for landmark in landmarks):
            return candidate
    raise MissingDataError(f"{folder} does not hold {', '.join(landmarks)}, as the official release does")


def checked(samples: Iterable[Sample], root: Path, split: str) -> list[Sample]:
    """The samples as a list, if there are any, no two of one name, and all their files exist.

    Raises:
        MissingDataError: no sample, or a file is not there.
        BadDataError: a name occurs twice.
    """
    found: dict[str, Sample] = {}
    for sample in samples:
        if sample.name in found:
            raise BadDataError(
                f"{root}: {sample.name} is listed twice in split {split}", "remove one of the two"
            )
        for what, path in (("image", sample.image), ("label", sample.label)):
            if not path.is_file():
                raise MissingDataError(f"{path}: this {what} of split {split} is missing", UNPACK_ANEW)
        found[sample.name] = sample
    if not found:
        raise MissingDataError(f"{root} holds no images of split {split}", UNPACK_ANEW)
    return list(found.values())


def read_list(path: Path) -> list[str]:
    """The words of a list file.

    Raises:
        MissingDataError: the file is not there.
    """
    try:
        return path.read_text(encoding="utf-8").split()
    except FileNotFoundError:
        raise MissingDataError(f"{path}: this list of images is missing", UNPACK_ANEW) from None
