"""What an interrupted evaluation has counted, so that the next one goes on with the images that are left."""

import json
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from danet.runs.image_counts import UNREADABLE, SparseMatrix, read_matrices, write_matrices

SECONDS_BETWEEN_WRITINGS = 10


class UnfinishedCounts:
    """The images that have been counted, in a file that is written again every few seconds; a context.

    Writing happens in a thread. A block that ends early leaves all that it counted.

    Args:
        path: the file.
        key: of all that decides the counts; a file of another one is passed over.
    """

    def __init__(self, path: Path, key: str) -> None:
        self.path, self.key = path, key
        self.matrices: dict[int, SparseMatrix] = {}
        """By position of the image in the split."""
        self._writer = ThreadPoolExecutor(1)
        self._writing: Future[None] | None = None
        self._written_at = time.monotonic()
        self._new = False
        with suppress(*UNREADABLE):
            header, matrices = read_matrices(path)
            stated = json.loads(header)
            if stated["key"] == key:
                self.matrices = dict(zip(stated["positions"], matrices, strict=True))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.shutdown()
        if kind is not None and self._new:
            _write(self.path, self.key, self.matrices)

    def add(self, position: int, matrix: SparseMatrix) -> None:
        """Raises StorageError where the file cannot be written."""
        self.matrices[position] = matrix
        self._new = True
        idle = self._writing is None or self._writing.done()
        if idle and time.monotonic() - self._written_at > SECONDS_BETWEEN_WRITINGS:
            if self._writing is not None:
                self._writing.result()
            self._writing = self._writer.submit(_write, self.path, self.key, dict(self.matrices))
            self._written_at = time.monotonic()


def _write(path: Path, key: str, matrices: Mapping[int, SparseMatrix]) -> None:
    header = json.dumps({"key": key, "positions": list(matrices)})
    write_matrices(path, header.encode(), list(matrices.values()))
