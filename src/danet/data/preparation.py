"""The preparation stage: every image and label decoded and checked once, and stored as plain pixels.

What it writes, and why, is described in ``danet.data.prepared``.
"""

import zlib
from contextlib import closing
from itertools import accumulate
from pathlib import Path

from danet.data.folders import replacing_folder
from danet.data.layout import SPLITS, Sample
from danet.data.pictures import image_size
from danet.data.pixel_files import allocate, write_pixels
from danet.data.prepared import Entry, write_index
from danet.data.processes import core_count, in_processes
from danet.data.receipt import read_receipt
from danet.data.samples import find_samples, read_sample
from danet.progress import ProgressLine
from danet.settings import Params, dataset_paths

Job = tuple[str, Sample, Path, int, int]
"""Data set, sample, folder to write to, pixels of the split, and those before this image."""


def prepare(params: Params, dataset: str, processes: int | None = None) -> None:
    """Write the prepared form of both splits of ``dataset``.

    Each split is written beside its place and moved there when it is complete; what a killed run left
    is removed by the next one.

    Args:
        params: all settings.
        dataset: its key in params.yaml.
        processes: most processes to decode with; by default one for each core.

    Raises:
        MissingDataError: the data set has not been downloaded, or a file is missing.
        BadDataError: a file does not decode, sizes differ, or a label value is not in the format.
        StorageError: the disk is full or cannot be written to.
    """
    paths = dataset_paths(params, dataset)
    root = Path(read_receipt(paths.receipt, dataset).root)
    for split in SPLITS:
        with replacing_folder(paths.prepared(split)) as folder:
            prepare_split(dataset, root, split, folder, processes or core_count())


def prepare_split(dataset: str, root: Path, split: str, folder: Path, processes: int) -> None:
    """Write the prepared form of one split of the tree at ``root`` to an empty folder."""
    samples = find_samples(dataset, root, split)
    sizes = [image_size(sample.image) for sample in samples]
    *offsets, pixels = accumulate((height * width for height, width in sizes), initial=0)
    allocate(folder / "images.npy", (pixels, 3))
    allocate(folder / "labels.npy", (pixels,))
    jobs = [
        (dataset, sample, folder, pixels, offset) for sample, offset in zip(samples, offsets, strict=True)
    ]
    entries = []
    with (
        ProgressLine(f"preparing {dataset} {split}", len(jobs), "images") as progress,
        # Whatever happens, nobody writes any more when the folder is moved or removed.
        closing(in_processes(store, jobs, processes)) as checksums,
    ):
        for sample, size, offset, sums in zip(samples, sizes, offsets, checksums, strict=True):
            entries.append(Entry(sample.name, *size, offset, *sums))
            progress.advance()
    write_index(folder, dataset, split, entries)


def store(job: Job) -> tuple[int, int]:
    """Decode one sample into its place; return the checksums of image and label."""
    dataset, sample, folder, pixels, first = job
    image, label = read_sample(dataset, sample)
    write_pixels(folder / "images.npy", (pixels, 3), first, image)
    write_pixels(folder / "labels.npy", (pixels,), first, label)
    return zlib.crc32(image), zlib.crc32(label)
