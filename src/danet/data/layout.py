"""What the adapters of the official folder trees share: the sample, its faults, and how trees are found."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from stat import S_ISREG
from typing import Literal, Protocol

import numpy as np

from danet.data.run_lengths import Region
from danet.errors import BadDataError, MissingDataError

# Parts of a data set: one to train on, one to score on.
SPLITS = ("train", "val")

UNPACK_ANEW = "unpack the official archive anew"

Landmarks = tuple[tuple[str, ...], ...]
"""Alternatives; each is the paths below a root by which a tree is recognised."""

# A name becomes part of a path; one with a slash or a control character would lead elsewhere.
NAME = re.compile(r"\w[\w.-]*", re.ASCII)


@dataclass(frozen=True)
class Sample:
    """One image with its label, as files of the official release."""

    name: str
    image: Path
    label: Path | None
    """None where labels are not public: the test images of Cityscapes."""
    regions: tuple[Region, ...] = ()
    """Where one file holds the labels of all images, the regions that make up this one's."""


@dataclass(frozen=True)
class Fault:
    """A file of a tree that is not as the official release has it."""

    kind: Literal["missing", "wrong", "extra"]
    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class Adapter(Protocol):
    """What a module such as ``danet.data.cityscapes`` offers."""

    LANDMARKS: Landmarks
    list_samples: Callable[[Path, str], list[Sample]]
    """Samples that a split ought to have, in a stable order; whether their files exist is not looked at."""
    unlisted: Callable[[Path, str], list[Path]]
    """Images and labels that no sample uses. Releases that keep all splits in one folder have them with
    split ``train``, so that each is told once."""
    variant: Callable[[Path], str]
    """Which flavour of labels a tree has; empty where there is one."""
    read_label: Callable[[Sample], np.ndarray]
    """(H, W) values of a sample's label, as on disk."""


def find_root(folder: Path, landmarks: Landmarks) -> Path:
    """The folder that holds all of one alternative: ``folder`` itself or one at most two levels below.

    Archives differ in the folder that they wrap their content in.

    Raises:
        MissingDataError: there is no such folder.
    """
    if not folder.is_dir():
        raise MissingDataError(f"{folder} is not a folder")
    for candidate in chain([folder], *(sorted(folder.glob(level)) for level in ("*/", "*/*/"))):
        if any(all((candidate / path).exists() for path in alternative) for alternative in landmarks):
            return candidate
    raise MissingDataError(f"{folder} does not hold {describe(landmarks)}, as the official release does")


def describe(landmarks: Landmarks) -> str:
    """The landmarks as words of a message."""
    return ", or ".join(", ".join(alternative) for alternative in landmarks)


def faults(samples: Iterable[Sample], root: Path, split: str) -> Iterator[Fault]:
    """What is wrong with a split as far as names and sizes of files tell: files that are missing or
    empty, names that occur twice, no sample at all."""
    names: set[str] = set()
    for sample in samples:
        if sample.name in names:
            yield Fault("wrong", root, f"{sample.name} is listed twice in split {split}")
            continue
        names.add(sample.name)
        for what, path in (("image", sample.image), ("label", sample.label)):
            if path is not None:
                yield from _file_faults(path, f"this {what} of split {split}")
    if not names:
        yield Fault("missing", root, f"this folder holds no images of split {split}")


def _file_faults(path: Path, what: str) -> Iterator[Fault]:
    try:
        state = path.stat()
    except OSError:
        yield Fault("missing", path, f"{what} is missing")
        return
    if not S_ISREG(state.st_mode):
        yield Fault("wrong", path, f"{what} is not a file")
    elif not state.st_size:
        yield Fault("wrong", path, f"{what} is empty")


def read_words(path: Path) -> list[str]:
    """The words of a list file.

    Raises:
        MissingDataError: the file is not there.
        BadDataError: the file is not plain text.
    """
    try:
        return path.read_text(encoding="utf-8").split()
    except FileNotFoundError:
        raise MissingDataError(f"{path}: this list of images is missing", UNPACK_ANEW) from None
    except UnicodeDecodeError:
        raise BadDataError(f"{path}: this list of images is not plain text", UNPACK_ANEW) from None


def read_names(path: Path) -> list[str]:
    """The names in a list file of one a line.

    Raises:
        MissingDataError: the file is not there.
        BadDataError: a word of it cannot be the name of an image.
    """
    names = read_words(path)
    for name in names:
        if not NAME.fullmatch(name):
            raise BadDataError(f"{path}: {name!r} is not the name of an image", UNPACK_ANEW)
    return names


def files_below(folder: Path, pattern: str) -> list[Path]:
    """Files that match a glob pattern, sorted; none where the folder is missing.

    Hidden files are left out: they belong to the operating system.
    """
    return sorted(path for path in folder.glob(pattern) if not path.name.startswith("."))
