"""The preparation stage: every image and label decoded and checked once, and stored as plain pixels.

What it writes, and why, is described in ``danet.data.prepared.split``.
"""

import logging
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from danet.data.obtaining.ways import current_receipt
from danet.data.one_at_a_time import one_at_a_time
from danet.data.prepared.pixel_files import allocate, write_pixels
from danet.data.prepared.split import PreparedImage, write_index
from danet.data.releases.layout import SPLITS, Sample
from danet.data.releases.manifest import other_sizes
from danet.data.releases.samples import (
    acceptance,
    find_samples,
    is_release,
    is_verified,
    read_sample,
    sample_size,
    samples_by_split,
    unpack_again,
    unverified_labels,
    with_checksums,
)
from danet.errors import BadDataError, StorageError
from danet.files import replacing_folder
from danet.machine.processes import core_count, in_processes
from danet.progress import ProgressLine
from danet.settings import Dataset

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SampleToStore:
    """One sample, and its place in the files of its split."""

    dataset: Dataset
    sample: Sample
    folder: Path
    pixels: int
    """Pixels of the whole split."""
    offset: int
    """Pixels before this image."""


def prepare(dataset: Dataset, processes: int | None = None) -> None:
    """Write the prepared form of both splits of a data set.

    Each split is written beside its place and moved there when it is complete; the next run removes what
    a killed one left.

    Args:
        dataset: a release, or folders of the user's own; the download stage has left its receipt.
        processes: most processes to decode with; by default one for each core.

    Raises:
        MissingDataError: the data set has not been downloaded, its variable names another copy than the one
            that was, or a file is missing.
        BadDataError: a file does not decode or is not as it was packed, sizes differ from each other or the
            release's, an image is in both splits, or a label value is not in the format.
        StorageError: the disk is full or cannot be written to, or a file cannot be read.
    """
    current_receipt(dataset)
    with one_at_a_time(dataset.paths.root):
        receipt = current_receipt(dataset)
        root = Path(receipt.root)
        found = {
            split: with_checksums(samples, root, receipt.checksums)
            for split, samples in samples_by_split(dataset, root).items()
        }
        sizes = {split: [sample_size(dataset, sample) for sample in found[split]] for split in SPLITS}
        if receipt.how != "generated" and is_release(dataset):
            _compare_sizes(dataset, root, [size for split in SPLITS for size in sizes[split]])
        for split in SPLITS:
            target = dataset.paths.prepared(split)
            with replacing_folder(target) as folder, _named(folder, target):
                _store_all(dataset, split, found[split], sizes[split], folder, processes or core_count())


def _compare_sizes(dataset: Dataset, root: Path, sizes: Sequence[tuple[int, int]]) -> None:
    """Stop, or only say so where params.yaml accepts it, if images are not of the release's size."""
    difference = other_sizes(dataset.name, sizes)
    if difference and "other_size" not in dataset.accepts:
        raise BadDataError(
            f"{root}: {difference}",
            f"{unpack_again(dataset, root)}; if it is meant, {acceptance(dataset, 'other_size')}",
        )
    if difference:
        log.warning("note: %s: %s; params.yaml accepts it", root, difference)


@contextmanager
def _named(folder: Path, target: Path) -> Iterator[None]:
    """Name the place that the user knows in errors about the folder that takes it."""
    try:
        yield
    except StorageError as error:
        raise StorageError(error.problem.replace(str(folder), str(target)), error.remedy) from None


def prepare_split(dataset: Dataset, root: Path, split: str, folder: Path, processes: int) -> None:
    """Write the prepared form of one split of the tree at ``root`` to an empty folder."""
    samples = find_samples(dataset, root, split)
    sizes = [sample_size(dataset, sample) for sample in samples]
    _store_all(dataset, split, samples, sizes, folder, processes)


def _store_all(
    dataset: Dataset,
    split: str,
    samples: Sequence[Sample],
    sizes: Sequence[tuple[int, int]],
    folder: Path,
    processes: int,
) -> None:
    *offsets, pixels = accumulate((height * width for height, width in sizes), initial=0)
    allocate(folder / "images.npy", (pixels, 3))
    allocate(folder / "labels.npy", (pixels,))
    jobs = [
        SampleToStore(dataset, sample, folder, pixels, offset)
        for sample, offset in zip(samples, offsets, strict=True)
    ]
    images, unverified = [], 0
    with (
        ProgressLine(f"preparing {dataset.name} {split}", len(jobs), "images") as progress,
        # Whatever happens, no process writes any more when the folder is moved or removed.
        closing(in_processes(store, jobs, processes)) as checksums,
    ):
        for sample, size, offset, stored in zip(samples, sizes, offsets, checksums, strict=True):
            *sums, verified = stored
            images.append(PreparedImage(sample.name, *size, offset, *sums))
            unverified += not verified
            progress.advance()
    if unverified:
        log.warning("note: %s %s: %s", dataset.name, split, unverified_labels(unverified))
    write_index(folder, dataset.name, split, images)


def store(job: SampleToStore) -> tuple[int, int, bool]:
    """Decode one sample into its place.

    Returns:
        Checksums of image and label, and whether a changed byte of the label's file would have been noticed.
    """
    image, label = read_sample(job.dataset, job.sample)
    write_pixels(job.folder / "images.npy", (job.pixels, 3), job.offset, image)
    write_pixels(job.folder / "labels.npy", (job.pixels,), job.offset, label)
    return zlib.crc32(image.data), zlib.crc32(label.data), is_verified(job.sample)
