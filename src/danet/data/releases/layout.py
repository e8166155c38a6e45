"""What the adapters of folder trees share: the sample, its faults, and how official trees are found."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from stat import S_ISREG
from typing import Literal, Protocol

import numpy as np

from danet.data.releases.run_lengths import EncodedRegion
from danet.errors import BadDataError, MissingDataError, StorageError

# Parts of a data set: one to train on, one to score on.
SPLITS = ("train", "val")

UNPACK_AGAIN = "unpack the official archive again"

Landmarks = tuple[tuple[str, ...], ...]
"""Alternatives; each is the paths below a root by which a tree is recognised; ``*`` is any one folder."""

# A name becomes part of a path; one with a slash or a control character would lead elsewhere.
NAME = re.compile(r"\w[\w.-]*", re.ASCII)


@dataclass(frozen=True)
class Sample:
    """One image and its label, as files of a data set."""

    name: str
    image: Path
    label: Path | None
    """None where labels are not public: the test images of Cityscapes."""
    regions: tuple[EncodedRegion, ...] = ()
    """Where one file holds the labels of all images, the regions that make up this one's."""
    image_checksum: int | None = None
    """CRC-32 of the image's file as it was packed; None where the format has a checksum, or it is unknown."""
    label_checksum: int | None = None
    """The same of the label's file."""

    @property
    def label_file(self) -> Path:
        """The label of a sample that has one; raises ValueError otherwise."""
        if self.label is None:
            raise ValueError(f"the label of {self.name} is not public")
        return self.label


@dataclass(frozen=True)
class Fault:
    """A file that is not as the data set should have it."""

    kind: Literal["missing", "wrong", "extra"]
    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class Adapter(Protocol):
    """What a module such as ``danet.data.releases.cityscapes`` offers."""

    @property
    def LANDMARKS(self) -> Landmarks: ...  # noqa: N802

    def list_samples(self, root: Path, split: str) -> list[Sample]:
        """Samples that a split should have, in a stable order, whether or not their files exist."""
        ...

    def unlisted(self, root: Path, split: str) -> list[Path]:
        """Images and labels that no sample uses.

        Data sets that keep all splits in one folder report them with split ``train`` only.
        """
        ...

    def variant(self, root: Path) -> str:
        """Which flavour of labels a tree has; empty where there is one."""
        ...

    def read_label(self, sample: Sample) -> np.ndarray:
        """(H, W) values of a sample's label, as on disk."""
        ...


def find_root(folder: Path, landmarks: Landmarks) -> Path:
    """The folder that holds all of one alternative: ``folder`` itself or one at most two levels below.

    Archives differ in the folders that they wrap their content in. An alternative with ``*`` is for parts
    that were unpacked side by side; it gives way to a tree in one piece.

    Raises:
        MissingDataError: there is no such folder.
        StorageError: permission to read ``folder`` is missing.
    """
    if not is_folder(folder):
        raise MissingDataError(f"{folder} is not a folder")
    candidates = [folder, *(found for level in ("*/", "*/*/") for found in sorted(folder.glob(level)))]
    in_pieces = [alternative for alternative in landmarks if any("*" in path for path in alternative)]
    in_one_piece = [alternative for alternative in landmarks if alternative not in in_pieces]
    for alternatives in (in_one_piece, in_pieces):
        for candidate in candidates:
            if any(all(any(candidate.glob(path)) for path in each) for each in alternatives):
                return candidate
    raise MissingDataError(f"{folder} does not hold {describe(landmarks)}, as the official release does")


def is_folder(path: Path) -> bool:
    """Whether it is a folder; raises StorageError where this user may not look into it."""
    try:
        with os.scandir(path):
            (path / ".").stat()
    except PermissionError:
        raise forbidden(path) from None
    except OSError:
        return False
    return True


def describe(landmarks: Landmarks) -> str:
    """The landmarks as words of a message; those with ``*`` say nothing new."""
    return ", or ".join(", ".join(each) for each in landmarks if not any("*" in path for path in each))


def faults(samples: Iterable[Sample], root: Path, split: str) -> Iterator[Fault]:
    """What names and file sizes show to be wrong with a split: missing or empty files, names that
    occur twice, no sample at all.

    Raises:
        StorageError: permission to look at a file is missing.
    """
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


def shared(samples: Mapping[str, Sequence[Sample]]) -> dict[str, list[Fault]]:
    """Images that belong to an earlier split too, by name, as faults of each split.

    Scores on images that a network was trained on are worth nothing.
    """
    seen: dict[str, str] = {}
    found: dict[str, list[Fault]] = {split: [] for split in samples}
    for split, listed in samples.items():
        found[split] = [
            Fault("wrong", sample.image, f"this image of split {split} is in split {seen[sample.name]} too")
            for sample in listed
            if sample.name in seen
        ]
        seen |= {sample.name: split for sample in listed}
    return found


def _file_faults(path: Path, what: str) -> Iterator[Fault]:
    try:
        state = path.stat()
    except PermissionError:
        raise forbidden(path.parent) from None
    except OSError:
        yield Fault("missing", path, f"{what} is missing")
        return
    if not S_ISREG(state.st_mode):
        yield Fault("wrong", path, f"{what} is not a file")
    elif not state.st_size:
        yield Fault("wrong", path, f"{what} is empty")


def read_text(path: Path, remedy: str = UNPACK_AGAIN) -> str:
    """The content of a list file.

    Raises:
        MissingDataError: the file is not found.
        BadDataError: the file is not plain text.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise MissingDataError(f"{path}: this list of images is missing", remedy) from None
    except IsADirectoryError:
        raise BadDataError(f"{path}: this list of images is a folder", remedy) from None
    except UnicodeDecodeError:
        raise BadDataError(f"{path}: this list of images is not plain text", remedy) from None


def read_names(path: Path) -> list[str]:
    """The names in a list file, one a line.

    Raises:
        MissingDataError: the file is not found.
        BadDataError: a word of it cannot be the name of an image.
    """
    names = read_text(path).split()
    for name in names:
        if not NAME.fullmatch(name):
            raise BadDataError(f"{path}: {name!r} is not the name of an image", UNPACK_AGAIN)
    return names


def forbidden(path: Path) -> StorageError:
    """An error about a file or folder that this user may not read."""
    return StorageError(
        f"{path}: permission to read it is missing", f"ls -ld {quote(str(path))} shows who may read it"
    )


def files_below(folder: Path, pattern: str) -> list[Path]:
    """Files that match a glob pattern, sorted; none where the folder is missing.

    Hidden files are left out: they belong to the operating system.

    Raises:
        StorageError: permission to read the folder, or one that the pattern goes through, is missing.
    """
    if not is_folder(folder):
        return []
    for level in range(1, pattern.count("/") + 1):  # glob leaves out silently what it may not read
        for below in folder.glob("*/" * level):
            is_folder(below)
    return sorted(path for path in folder.glob(pattern) if not path.name.startswith("."))
