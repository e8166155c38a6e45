"""eval/<experiment>/seed<N>/<protocol>.counts.npz: the confusion matrix of every image of an evaluation.

An image shows a few classes and mixes up fewer, so most cells are 0; only the others are kept.
"""

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from danet.errors import BadDataError, MissingDataError
from danet.files import replacing
from danet.runs.evaluation_file import ProtocolRecord
from danet.runs.record import Record

UNREADABLE = (OSError, ValueError, LookupError, TypeError, EOFError, zipfile.BadZipFile)


@dataclass(frozen=True, eq=False)
class SparseMatrix:
    """A confusion matrix without its zeros."""

    cells: np.ndarray
    """(n,) uint16, ascending: row * K + column; rows are the ground truth."""
    counts: np.ndarray
    """(n,) uint32: pixels."""

    @classmethod
    def of(cls, confusion: np.ndarray) -> Self:
        """From (K, K) counts, K at most 255."""
        flat = confusion.ravel()
        cells = np.flatnonzero(flat)
        return cls(cells.astype(np.uint16), flat[cells].astype(np.uint32))

    def dense(self, classes: int) -> np.ndarray:
        """(K, K) int64."""
        flat = np.zeros(classes**2, np.int64)
        flat[self.cells] = self.counts
        return flat.reshape(classes, classes)


class CountsHeader(Record):
    """Of what the counts are."""

    experiment: str
    seed: int
    protocol: ProtocolRecord
    dataset: str
    split: str
    data_digest: str
    """Of the prepared split."""
    classes: tuple[str, ...]
    """Names, in the order of rows and columns."""
    images: tuple[str, ...]
    """Names, in the order of the split."""


@dataclass(frozen=True, eq=False)
class ImageCounts:
    """One trained network under one protocol, image by image."""

    header: CountsHeader
    matrices: Sequence[SparseMatrix]
    """Of each image."""

    def matrix(self, position: int) -> np.ndarray:
        """(K, K) int64 of one image; rows are the ground truth."""
        return self.matrices[position].dense(len(self.header.classes))

    def total(self) -> np.ndarray:
        """(K, K) int64 of all images together."""
        classes = len(self.header.classes)
        return sum_of(self.matrices, classes)


def sum_of(matrices: Sequence[SparseMatrix], classes: int) -> np.ndarray:
    """(K, K) int64."""
    flat = np.zeros(classes**2, np.int64)
    for matrix in matrices:
        flat[matrix.cells] += matrix.counts
    return flat.reshape(classes, classes)


def write_image_counts(path: Path, counts: ImageCounts) -> None:
    """Write the file as a whole or not at all."""
    header = counts.header.model_dump_json().encode()
    write_matrices(path, header, counts.matrices)


def read_image_counts(path: Path, remedy: str = "", data_digest: str | None = None) -> ImageCounts:
    """Read the counts of an evaluation.

    Args:
        path: the file.
        remedy: what to do if it is missing, damaged or of other images.
        data_digest: of the prepared split that they should be of; None: any.

    Raises:
        MissingDataError: there is none.
        BadDataError: it is damaged, or of other images.
    """
    if not path.exists():
        raise MissingDataError(f"{path} not found", remedy)
    try:
        content, matrices = read_matrices(path)
        header = CountsHeader.model_validate(json.loads(content))
        cells = max((int(matrix.cells.max()) for matrix in matrices if len(matrix.cells)), default=0)
        if len(matrices) != len(header.images) or cells >= len(header.classes) ** 2:
            raise ValueError("its parts do not fit together")
    except UNREADABLE as error:
        raise BadDataError(
            f"{path} holds no counts of images: {str(error).partition(chr(10))[0]}", remedy
        ) from None
    if data_digest is not None and header.data_digest != data_digest:
        raise BadDataError(
            f"{path} was counted on other images: data digest {header.data_digest}, not {data_digest}", remedy
        )
    return ImageCounts(header, matrices)


def write_matrices(path: Path, header: bytes, matrices: Sequence[SparseMatrix]) -> None:
    """Write matrices beside a header of any content; equal ones give equal bytes."""
    lengths = np.array([len(matrix.cells) for matrix in matrices], np.uint32)
    nothing = SparseMatrix(np.zeros(0, np.uint16), np.zeros(0, np.uint32))
    with replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(
            stream,
            header=np.frombuffer(header, np.uint8),
            lengths=lengths,
            cells=np.concatenate([nothing.cells, *(matrix.cells for matrix in matrices)]),
            counts=np.concatenate([nothing.counts, *(matrix.counts for matrix in matrices)]),
        )


def read_matrices(path: Path) -> tuple[bytes, list[SparseMatrix]]:
    """Header and matrices; raises one of ``UNREADABLE`` where the file holds none."""
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
        lengths, cells, counts = stored["lengths"], stored["cells"], stored["counts"]
        header = stored["header"].tobytes()
    ends = np.cumsum(lengths, dtype=np.int64)
    if len(cells) != len(counts) or (ends[-1] if len(ends) else 0) != len(cells):
        raise ValueError("its arrays do not fit together")
    parts = zip(np.split(cells, ends)[:-1], np.split(counts, ends)[:-1], strict=True)
    return header, [SparseMatrix(*part) for part in parts]
