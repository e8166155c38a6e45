"""Prepared splits of a test's own images, written with NumPy alone."""

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from danet.data.prepared.split import PreparedImage, PreparedSplit, write_index


def write_prepared(
    folder: Path,
    images: Sequence[np.ndarray],
    labels: Sequence[np.ndarray],
    dataset: str = "cityscapes",
    split: str = "train",
) -> PreparedSplit:
    """Write images (H, W, 3) uint8 and their labels (H, W) uint8 as the prepare stage does.

    They are called image0, image1 and so on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "images.npy", np.concatenate([image.reshape(-1, 3) for image in images]))
    np.save(folder / "labels.npy", np.concatenate([label.ravel() for label in labels]))
    entries, offset = [], 0
    for position, (image, label) in enumerate(zip(images, labels, strict=True)):
        checksums = zlib.crc32(image.tobytes()), zlib.crc32(label.tobytes())
        entries.append(PreparedImage(f"image{position}", *label.shape, offset, *checksums))
        offset += label.size
    write_index(folder, dataset, split, entries)
    return PreparedSplit(folder)
