"""Counts of images whose predictions are right with a chance of their own."""

from collections.abc import Sequence

import numpy as np

from danet.runs.evaluation_file import ProtocolRecord
from danet.runs.image_counts import CountsHeader, ImageCounts, SparseMatrix


def random_matrices(random: np.random.Generator, images: int, classes: int) -> list[np.ndarray]:
    """(K, K) int64 of images of unequal size, most cells empty; the last class is in no truth."""
    found = []
    for _ in range(images):
        cells = random.integers(0, 900, (classes, classes)) * (random.random((classes, classes)) < 0.4)
        cells += np.diag(random.integers(0, 4000, classes) * (random.random(classes) < 0.7))
        cells[-1] = 0
        found.append(cells)
    return found


def made_counts(
    matrices: Sequence[np.ndarray], names: Sequence[str] | None = None, digest: str = "d1"
) -> ImageCounts:
    classes = len(matrices[0])
    header = CountsHeader(
        experiment="fcn_r50",
        seed=1,
        protocol=ProtocolRecord(name="ss"),
        dataset="cityscapes",
        split="val",
        data_digest=digest,
        classes=tuple(f"class{number}" for number in range(classes)),
        images=tuple(names or (f"image{number}" for number in range(len(matrices)))),
    )
    return ImageCounts(header, [SparseMatrix.of(matrix) for matrix in matrices])
