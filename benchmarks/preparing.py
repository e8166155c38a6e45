"""The prepare stage against decoding alone, with the same processes.

    python benchmarks/preparing.py TREE SCRATCH_FOLDER ROUNDS

TREE is in the layout of Cityscapes; its training split is prepared. A program of its own, because every
process that it starts imports it. Prints JSON: for both ways the seconds and the share of the cores that
was busy, a list of rounds.
"""

import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from PIL import Image

from danet.data.preparation import prepare_split
from danet.data.processes import core_count
from danet.data.samples import find_samples


def decode(files: tuple[Path, Path]) -> None:
    """Open an image and its label and decode them, nothing else."""
    for file in files:
        with Image.open(file) as opened:
            opened.load()


def decode_all(files: list[tuple[Path, Path]]) -> None:
    """Decode everything with an ordinary pool of processes."""
    with ProcessPoolExecutor(core_count(), mp_context=get_context("spawn")) as pool:
        for _ in pool.map(decode, files, chunksize=4):
            pass


def decode_and_prepare(tree: Path, scratch: Path, rounds: int) -> dict[str, list[dict[str, float]]]:
    """Measurements of both ways, which take turns."""
    files = [(sample.image, sample.label) for sample in find_samples("cityscapes", tree, "train")]
    folder = scratch / "prepared-again"
    found = {"decode": [], "prepare": []}
    for _ in range(rounds):
        found["decode"].append(_measure(lambda: decode_all(files)))
        folder.mkdir()
        found["prepare"].append(
            _measure(lambda: prepare_split("cityscapes", tree, "train", folder, core_count()))
        )
        shutil.rmtree(folder)
    return found


def _measure(work: Callable[[], object]) -> dict[str, float]:
    os.sync()  # what was written before must not be paid for here
    before, started = sum(os.times()[:4]), time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    return {"seconds": seconds, "busy": (sum(os.times()[:4]) - before) / seconds / core_count()}


if __name__ == "__main__":
    print(json.dumps(decode_and_prepare(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))))
