"""Other forms in which a prepared split could lie on the disk, each read by rows as ``PreparedSplit`` is."""

import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from resident_memory import resident_memory

from danet.data.augmentation import Pixels
from danet.data.prepared import Entry, PreparedSplit
from danet.data.training_set import TrainingSet
from danet.settings import Training

READ, MAPPED, STRIPS, PNG = (
    "plain arrays, read",
    "plain arrays, memory map",
    "strips of 64 rows, deflated",
    "PNG, decoded whole",
)
ROWS_OF_A_STRIP = 64
STRIP_IMAGES = 16  # of the first images only: deflating takes longer than all the rest

Files = list[tuple[Path, Path]]
"""Image and label of each sample."""


@dataclass(frozen=True)
class Form:
    """A split in one form: its images, and how rows of one of them are read."""

    entries: tuple[Entry, ...]
    rows: Callable[[int], tuple[Pixels, Pixels]]
    """Position to image and label."""


def read_plainly(folder: Path, files: Files) -> PreparedSplit:
    """The form that the project has."""
    return PreparedSplit(folder)


def read_mapped(folder: Path, files: Files) -> Form:
    """The same files, mapped into memory."""
    entries = PreparedSplit(folder).entries
    # Copied on write: torch takes no array that cannot be written to.
    images, labels = (np.load(folder / f"{kind}.npy", mmap_mode="c") for kind in ("images", "labels"))

    def rows(position: int) -> tuple[Pixels, Pixels]:
        entry = entries[position]
        pixels, size = slice(entry.offset, entry.offset + entry.pixels), (entry.height, entry.width)
        return images[pixels].reshape(*size, 3), labels[pixels].reshape(size)

    return Form(entries, rows)


def read_png(folder: Path, files: Files) -> Form:
    """No prepared form at all."""

    def rows(position: int) -> tuple[Pixels, Pixels]:
        image, label = files[position]
        return np.array(Image.open(image)), np.array(Image.open(label))

    return Form(PreparedSplit(folder).entries[:STRIP_IMAGES], rows)


def read_strips(folder: Path, files: Files) -> Form:
    """What ``write_strips`` wrote."""
    entries = PreparedSplit(folder).entries[:STRIP_IMAGES]

    def rows(position: int) -> tuple[Pixels, Pixels]:
        size = (entries[position].height, entries[position].width)
        return (
            Strips(_strips_file(folder, position, "image"), (*size, 3)),
            Strips(_strips_file(folder, position, "label"), size),
        )

    return Form(entries, rows)


@dataclass(frozen=True)
class Strips:
    """An array in strips of rows, each deflated by itself, as the chunks of HDF5 and Zarr are."""

    file: Path
    shape: tuple[int, ...]

    def __getitem__(self, rows: slice) -> np.ndarray:
        first, last = rows.start // ROWS_OF_A_STRIP, (rows.stop - 1) // ROWS_OF_A_STRIP
        content = self.file.read_bytes()
        count = -(-self.shape[0] // ROWS_OF_A_STRIP)
        ends = (np.frombuffer(content, np.int64, count).cumsum() + 8 * count).tolist()
        starts = [8 * count, *ends]
        strips = (content[starts[number] : ends[number]] for number in range(first, last + 1))
        pixels = bytearray().join(map(zlib.decompress, strips))
        part = np.frombuffer(pixels, np.uint8).reshape(-1, *self.shape[1:])
        return part[rows.start - first * ROWS_OF_A_STRIP : rows.stop - first * ROWS_OF_A_STRIP]


def write_strips(folder: Path) -> None:
    """Deflate the first images of a prepared split, at the quickest level."""
    split = PreparedSplit(folder)
    for position in range(min(STRIP_IMAGES, len(split))):
        for kind, pixels in (("image", split.image(position)), ("label", split.label(position))):
            parts = (pixels[top : top + ROWS_OF_A_STRIP] for top in range(0, len(pixels), ROWS_OF_A_STRIP))
            strips = [zlib.compress(part, 1) for part in parts]
            lengths = np.array([*map(len, strips)], np.int64)
            _strips_file(folder, position, kind).write_bytes(lengths.tobytes() + b"".join(strips))


def _strips_file(folder: Path, position: int, kind: str) -> Path:
    return folder / f"{position}.{kind}.strips"


FORMS: dict[str, Callable[[Path, Files], PreparedSplit | Form]] = {
    READ: read_plainly,
    MAPPED: read_mapped,
    STRIPS: read_strips,
    PNG: read_png,
}


def bytes_an_image(form: str, folder: Path, files: Files) -> float:
    """Room that an image and its label take on the disk."""
    entries = PreparedSplit(folder).entries
    if form in (READ, MAPPED):
        return 4 * sum(entry.pixels for entry in entries) / len(entries)
    paths = list(folder.glob("*.strips")) if form == STRIPS else [path for pair in files for path in pair]
    return 2 * sum(path.stat().st_size for path in paths) / len(paths)


def stream(form: str, folder: Path, files: Files, training: Training, epoch: int) -> tuple[float, float]:
    """Take a crop of every image; seconds a sample, and MB by which this process grew."""
    torch.set_num_threads(1)
    split = FORMS[form](folder, files)
    crops = TrainingSet(split, training, 1, np.arange(256, dtype=np.uint8))
    count = len(split.entries)
    for position in range(count):
        split.rows(position)  # labels are verified once, not in every epoch
    crops[epoch, 0]  # the first one pays for what is set up once
    before, started = resident_memory()["resident MB"], time.perf_counter()
    for position in range(count):
        crops[epoch, position]
    seconds = (time.perf_counter() - started) / count
    return seconds, resident_memory()["resident MB"] - before
