"""The preparation stage: every image and label decoded and checked once, and stored as plain pixels.

What it writes, and why, is described in ``danet.data.prepared``.
"""

import hashlib
import json
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from itertools import accumulate
from pathlib import Path

import numpy as np

from danet.data.folders import replacing_folder
from danet.data.layout import SPLITS, Sample
from danet.data.pictures import image_size
from danet.data.prepared import Entry
from danet.data.receipt import read_receipt
from danet.data.samples import find_samples, read_sample
from danet.files import write_json
from danet.progress import ProgressLine
from danet.settings import Params, dataset_paths

# Starting a process takes as long as decoding about this many small images.
IMAGES_PER_PROCESS = 100

Job = tuple[str, Sample, Entry, Path]
"""Data set, sample, its place in the split, and the folder to write to."""


def prepare(params: Params, dataset: str, processes: int | None = None) -> None:
    """Write the prepared form of both splits of ``dataset``.

    Each split is written beside its place and moved there when it is complete.

    Args:
        params: all settings.
        dataset: its key in params.yaml.
        processes: most processes to decode with; by default one for each core.

    Raises:
        MissingDataError: the data set has not been downloaded, or a file is missing.
        BadDataError: a file does not decode, sizes differ, or a label value is not in the format.
    """
    paths = dataset_paths(params, dataset)
    root = Path(read_receipt(paths.receipt, dataset).root)
    for split in SPLITS:
        with replacing_folder(paths.prepared(split)) as folder:
            _prepare_split(dataset, root, split, folder, processes or os.cpu_count() or 1)


def _prepare_split(dataset: str, root: Path, split: str, folder: Path, processes: int) -> None:
    samples = find_samples(dataset, root, split)
    entries = _entries(samples)
    pixels = entries[-1].offset + entries[-1].height * entries[-1].width
    _allocate(folder / "images.npy", (pixels, 3))
    _allocate(folder / "labels.npy", (pixels,))
    jobs = [(dataset, sample, entry, folder) for sample, entry in zip(samples, entries, strict=True)]
    digest = hashlib.sha256()
    with ProgressLine(f"preparing {dataset} {split}", len(jobs), "images") as progress:
        for entry, content in zip(entries, _digests(jobs, processes), strict=True):
            digest.update(json.dumps([entry.name, entry.height, entry.width]).encode() + content)
            progress.advance()
    index = {"dataset": dataset, "split": split, "digest": digest.hexdigest()}
    write_json(folder / "index.json", index | {"images": [asdict(entry) for entry in entries]})


def _entries(samples: list[Sample]) -> list[Entry]:
    """Where each image goes, one after the other."""
    sizes = [image_size(sample.image) for sample in samples]
    offsets = accumulate((height * width for height, width in sizes), initial=0)
    return [
        Entry(sample.name, height, width, offset)
        for sample, (height, width), offset in zip(samples, sizes, offsets, strict=False)
    ]


def _allocate(path: Path, shape: tuple[int, ...]) -> None:
    """Create an array file of that shape; no pixel of it is held in memory."""
    np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape).flush()


def _digests(jobs: list[Job], processes: int) -> Iterator[bytes]:
    """Do all jobs; yield the digest of each in their order."""
    processes = min(processes, len(jobs) // IMAGES_PER_PROCESS)
    if processes < 2:
        yield from map(_store, jobs)
        return
    # Forking a process that runs threads, as numerical libraries start them, can lock up.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        yield from pool.map(_store, jobs, chunksize=8)


def _store(job: Job) -> bytes:
    """Decode one sample into its place; return the digest of its pixels."""
    dataset, sample, entry, folder = job
    image, label = read_sample(dataset, sample)
    place = slice(entry.offset, entry.offset + entry.height * entry.width)
    np.load(folder / "images.npy", mmap_mode="r+")[place] = image.reshape(-1, 3)
    np.load(folder / "labels.npy", mmap_mode="r+")[place] = label.ravel()
    return hashlib.sha256(image.tobytes() + label.tobytes()).digest()
