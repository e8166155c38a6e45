"""The prepared form of a split: all pixels as two plain arrays, and an index with their checksums.

``images.npy`` and ``labels.npy`` hold the pixels of the split one image after the other, so that a crop
costs reading the rows that it shows and no decoding. ``index.json`` says where each image begins. Labels are
indices of the data set's label map, 255 for pixels to ignore.

Why this form (``benchmarks/input_pipeline.py`` measures the others too): decoding a PNG, or inflating
chunks as HDF5 and Zarr store them, takes several times as long as all of the augmentation. A memory map is
about as quick as reading, but the pages that it has touched count as the worker's memory, and a failing
disk kills the process by a signal where reading raises an error. The price is disk space: 4 bytes a
pixel, 8.4 MB for an image of Cityscapes.

CRC-32 took 0.7 ms for a label of Cityscapes, SHA-256 with the processor's support 1.7 ms and BLAKE2b
3.8 ms; it detects every change of up to 32 bits in a row. Image and label are verified the first time that a
process reads any of them, so that no network is trained or scored with what was damaged on the disk.
"""

import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from danet.data.prepared.pixel_files import PixelFile
from danet.errors import BadDataError, MissingDataError
from danet.files import digest, read_json, write_json
from danet.machine.processes import in_processes
from danet.progress import ProgressLine

# Opening a split takes as long as verifying a few images of it.
IMAGES_PER_JOB = 16


@dataclass(frozen=True)
class PreparedImage:
    """One image of a prepared split."""

    name: str
    height: int
    width: int
    offset: int
    """Pixels before this image in the split."""
    image_checksum: int
    """CRC-32 of its pixels."""
    label_checksum: int
    """CRC-32 of its label."""

    @property
    def pixels(self) -> int:
        return self.height * self.width


def write_index(folder: Path, dataset: str, split: str, entries: list[PreparedImage]) -> None:
    """Write index.json; its digest covers every name, size and pixel, so equal data give equal digests."""
    content = {"dataset": dataset, "split": split, "images": [asdict(entry) for entry in entries]}
    write_json(folder / "index.json", {"digest": digest(content)} | content)


class PreparedSplit:
    """Random access to the images and labels of one prepared split; nothing but the index is in memory.

    Args:
        folder: what the prepare stage wrote: images.npy, labels.npy, index.json.
        command: options of the command that prepares it, for messages; by default those that the folder's
            place suggests, ``data/<profile>/<dataset>/prepared/<split>``.

    Raises:
        MissingDataError: the split has not been prepared.
        BadDataError: a file is damaged, cut off, or written by another version of this program.
    """

    def __init__(self, folder: Path, command: str | None = None) -> None:
        self.folder, self._command = folder, command
        _, dataset, profile, *_ = folder.absolute().parents
        self._remedy = f"danet prepare {command or f'--dataset {dataset.name} --profile {profile.name}'}"
        try:
            self.dataset, self.split, self.digest, self.entries = self._read_index()
            pixels = sum(entry.pixels for entry in self.entries)
            self._images = PixelFile(folder / "images.npy", (pixels, 3), self._remedy)
            self._labels = PixelFile(folder / "labels.npy", (pixels,), self._remedy)
        except FileNotFoundError as error:
            raise MissingDataError(f"{error.filename}: this split is not prepared", self._remedy) from None
        self._verified: set[int] = set()

    def __reduce__(self) -> tuple[Any, ...]:
        # Another process opens the files itself.
        return PreparedSplit, (self.folder, self._command)

    def __len__(self) -> int:
        return len(self.entries)

    def image(self, position: int) -> np.ndarray:
        """RGB pixels, (H, W, 3) uint8; verified.

        Raises:
            BadDataError: the image on the disk is damaged.
        """
        entry = self.entries[position]
        return _verified(self._images, entry, entry.image_checksum, "image")

    def label(self, position: int) -> np.ndarray:
        """Class indices, (H, W) uint8, 255 where a pixel is to be ignored; verified.

        Raises:
            BadDataError: the label on the disk is damaged.
        """
        entry = self.entries[position]
        return _verified(self._labels, entry, entry.label_checksum, "label")

    def rows(self, position: int) -> tuple["RowsOnDisk", "RowsOnDisk"]:
        """Image and label, of which rows can be read; both are verified as a whole once.

        Raises:
            BadDataError: one of them is damaged on the disk.
        """
        entry = self.entries[position]
        if position not in self._verified:
            _require(self._images, entry, entry.image_checksum, "image")
            _require(self._labels, entry, entry.label_checksum, "label")
            self._verified.add(position)
        size = (entry.height, entry.width)
        image = RowsOnDisk(self._images, entry.offset, (*size, 3))
        return image, RowsOnDisk(self._labels, entry.offset, size)

    def damaged(self, processes: int) -> list[str]:
        """Verify every pixel; return what is damaged, a sentence for each image."""
        starts = range(0, len(self), IMAGES_PER_JOB)
        jobs = [(self.folder, start) for start in starts]
        found: list[str] = []
        with ProgressLine(f"verifying prepared {self.dataset} {self.split}", len(self), "images") as progress:
            for images, reasons in in_processes(damaged_part, jobs, processes):
                found += reasons
                progress.advance(images)
        return found

    def _read_index(self) -> tuple[str, str, str, tuple[PreparedImage, ...]]:
        path = self.folder / "index.json"
        try:
            content = read_json(path)
            written = content.pop("digest")
            entries = tuple(PreparedImage(**entry) for entry in content["images"])
            dataset, split = content["dataset"], content["split"]
        except (ValueError, TypeError, KeyError, AttributeError):
            raise BadDataError(f"{path}: damaged, or of another version", self._remedy) from None
        if digest(content) != written:
            raise BadDataError(f"{path}: damaged, its digest does not match its content", self._remedy)
        return dataset, split, written, entries


def _verified(file: PixelFile, entry: PreparedImage, checksum: int, what: str) -> np.ndarray:
    """All pixels of an image or a label; BadDataError if they are not those that were written."""
    pixels = file.read(entry.offset, (entry.height, entry.width))
    if zlib.crc32(pixels.data) != checksum:
        raise file.damage(f"the {what} of {entry.name} is damaged")
    return pixels


def _require(file: PixelFile, entry: PreparedImage, checksum: int, what: str) -> None:
    """Raise BadDataError if the pixels of an image or a label are not those that were written."""
    if file.checksum(entry.offset, entry.pixels) != checksum:
        raise file.damage(f"the {what} of {entry.name} is damaged")


@dataclass(frozen=True)
class RowsOnDisk:
    """An image or a label on the disk; a slice of rows reads them."""

    file: PixelFile
    offset: int
    shape: tuple[int, ...]

    def __getitem__(self, rows: slice) -> np.ndarray:
        width = self.shape[1]
        return self.file.read(self.offset + rows.start * width, (rows.stop - rows.start, width))


def damaged_part(job: tuple[Path, int]) -> tuple[int, list[str]]:
    """Verify the images from one position on; return how many there are, and what is wrong with them."""
    folder, start = job
    split = PreparedSplit(folder)
    positions = range(start, min(start + IMAGES_PER_JOB, len(split)))
    return len(positions), [reason for position in positions if (reason := _damage(split, position))]


def _damage(split: PreparedSplit, position: int) -> str:
    """What is wrong with an image and its label; empty if nothing is."""
    reasons = []
    for read in (split.image, split.label):
        try:
            read(position)
        except BadDataError as error:
            reasons.append(error.problem.partition(": ")[2])
    return ", ".join(reasons)
