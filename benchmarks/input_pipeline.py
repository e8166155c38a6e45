"""How quickly training data comes: the project's way against the released one, both in the same run.

    python benchmarks/input_pipeline.py --out input_pipeline.json

Draws scenes of 2048 x 1024 pixels in the layout of Cityscapes, prepares them, measures, prints tables in
Markdown and removes everything. Ways that are compared take turns, round by round; what is shown is the
median of the rounds, and a ratio is the median of the rounds' ratios. The released way ends in normalised
floats; the project's ends in bytes, which the GPU normalises, and a row shows what it costs to do that on
the CPU. Files are read from the page cache on both sides. Takes some twenty minutes on two cores, and 20 MB
on the disk for each of ``--images``.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fixtures.bare_cityscapes import write_bare_tree
from fixtures.generated_scenes import write_scenes
from fixtures.machine import describe_machine
from fixtures.released_pipeline import released_sample
from fixtures.storage_forms import FORMS, Files, bytes_an_image, stream, write_strips

from danet.data.prepared.preparing import prepare_split
from danet.data.prepared.split import PreparedSplit
from danet.data.training_set import TrainingSet
from danet.files import write_json
from danet.machine.processes import core_count
from danet.models.normalisation import normalise
from danet.settings import Training, load_plan

PROJECT = Path(__file__).parents[1]
# The allocator grows for some hundred batches, until it has met windows of every size.
BATCHES = (1, 100, 200, 400, 600, 800, 1000)
LOOKUP = np.arange(256, dtype=np.uint8)

Row = dict[str, str | float]
"""Of a table: column to value."""


def recipes() -> dict[str, Training]:
    """The two ways in which Cityscapes is trained on."""
    plan = load_plan(PROJECT / "params.yaml", profile="paper")
    return {
        "random scale": plan.experiment("danet_r101_da").training,
        "ablation, no scale": plan.experiment("danet_r50").training,
    }


def interleaved(rounds: int, ways: dict[str, Callable[[int], float]]) -> dict[str, list[float]]:
    """Seconds of each way in each round; ways take turns."""
    for way in ways.values():
        way(0)  # the first time pays for imports and empty caches
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(1, rounds + 1):
        for name, way in ways.items():
            times[name].append(way(number))
    return times


def seconds_each(work: Callable[[int], object], count: int) -> float:
    """Mean seconds of ``work(0)`` to ``work(count - 1)``."""
    started = time.perf_counter()
    for number in range(count):
        work(number)
    return (time.perf_counter() - started) / count


def ratio(slow: list[float], quick: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(slow, quick, strict=True))


def sample_rates(prepared: Path, files: Files, rounds: int, samples: int = 16) -> Iterator[Row]:
    """Samples a second in one process with one thread."""
    split = PreparedSplit(prepared)
    for recipe, training in recipes().items():
        crops = TrainingSet(split, training, 1, LOOKUP)

        def released(number: int, training: Training = training) -> float:
            random.seed(number)
            return seconds_each(lambda i: released_sample(*files[i % len(files)], training), samples)

        def ours(number: int, crops: TrainingSet = crops) -> float:
            return seconds_each(lambda i: crops[number, i % len(split)], samples)

        def normalised(number: int, crops: TrainingSet = crops) -> float:
            return seconds_each(lambda i: normalise(crops[number, i % len(split)][0]), samples)

        ways = {"released": released, "ours": ours, "ours, normalised on the CPU": normalised}
        times = interleaved(rounds, ways)
        for way, seconds in times.items():
            yield {
                "recipe": recipe,
                "way": way,
                "ms a sample": 1000 * statistics.median(seconds),
                "samples/s/core": 1 / statistics.median(seconds),
                "times the released rate": ratio(times["released"], seconds),
                "target": "15" if way == "ours" else "",
            }


def storage_forms(prepared: Path, files: Files, rounds: int) -> Iterator[Row]:
    """The same crops from each form; every measurement in a process of its own, since memory is measured."""
    write_strips(prepared)
    training = recipes()["random scale"]
    measured: dict[str, list[tuple[float, float]]] = {form: [] for form in FORMS}
    for number in range(rounds):
        for form in FORMS:
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                measured[form].append(pool.submit(stream, form, prepared, files, training, number).result())
    for form, results in measured.items():
        seconds, growth = zip(*results, strict=True)
        yield {
            "form": form,
            "ms a sample": 1000 * statistics.median(seconds),
            "MB an image": bytes_an_image(form, prepared, files) / 1e6,
            "the process grew by MB": statistics.median(growth),
        }


def worker_memory(prepared: Path) -> Iterator[Row]:
    """Of a loader's only worker."""
    found = answer_of("resident_memory.py", prepared, str(BATCHES[-1]))
    for batches in BATCHES:
        yield {"after batches": str(batches), **found[batches - 1], "target": ""}
    highest = max(found, key=lambda memory: memory["resident MB"])
    yield {"after batches": "highest of all", **highest, "target": "under 600"}


def preparing(tree: Path, scratch: Path, rounds: int) -> Iterator[Row]:
    """The prepare stage against decoding alone."""
    found = answer_of("preparing.py", tree, scratch, str(rounds))
    seconds = {way: [each["seconds"] for each in measured] for way, measured in found.items()}
    for way, measured in found.items():
        yield {
            "way": way,
            "seconds": statistics.median(seconds[way]),
            "times pure decoding": ratio(seconds[way], seconds["decode"]),
            "cores busy, %": 100 * statistics.median(each["busy"] for each in measured),
            "target": "at most 1.3" if way == "prepare" else "",
        }


def answer_of(script: str, *arguments: str | Path) -> Any:
    """What a program of the folder fixtures prints as JSON."""
    command = [sys.executable, Path(__file__).parent / "fixtures" / script, *arguments]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def checking(scratch: Path, rounds: int) -> Iterator[Row]:
    """``danet check`` as a whole process, on 5,000 images with their labels."""
    tree, project = scratch / "bare", scratch / "project"
    project.mkdir()
    write_bare_tree(tree)
    shutil.copy(PROJECT / "params.yaml", project)
    command = [sys.executable, "-m", "danet", "check", "--dataset", "cityscapes", "--profile", "paper"]
    environment = os.environ | {"CITYSCAPES_DATASET": str(tree)}

    def check(number: int) -> float:
        started = time.perf_counter()
        subprocess.run(command, cwd=project, env=environment, check=True, capture_output=True)
        return time.perf_counter() - started

    seconds = interleaved(rounds, {"check": check})["check"]
    yield {"way": "danet check, 5,000 pairs", "seconds": statistics.median(seconds), "target": "under 3"}


def markdown(title: str, rows: list[Row]) -> str:
    """A table, numbers with three digits."""
    lines = [
        list(rows[0]),
        ["---"] * len(rows[0]),
        *([_cell(value) for value in row.values()] for row in rows),
    ]
    return f"\n### {title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def measure(scratch: Path, images: int, drawn: int, rounds: int) -> Iterator[tuple[str, list[Row]]]:
    """Title and rows of each table, as they become known."""
    tree, prepared = scratch / "tree", scratch / "prepared"
    files = write_scenes(tree, images, drawn)
    prepared.mkdir()
    dataset = load_plan(PROJECT / "params.yaml", profile="paper").dataset("cityscapes")
    prepare_split(dataset, tree, "train", prepared, core_count())
    yield "Training samples, one process, one thread", list(sample_rates(prepared, files, rounds))
    yield "Forms of storage, random scale", list(storage_forms(prepared, files, rounds))
    yield f"Resident memory of a loader worker, {images} images", list(worker_memory(prepared))
    title = f"Preparing {images} images of 2048 x 1024 with {core_count()} processes"
    yield title, list(preparing(tree, scratch, rounds))
    yield "Counting and pairing files", list(checking(scratch, rounds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1000, help="images to prepare and stream, 2048 x 1024")
    parser.add_argument("--drawn", type=int, default=24, help="different images among them")
    parser.add_argument("--rounds", type=int, default=5, help="rounds in which the ways take turns")
    parser.add_argument("--folder", type=Path, help="disk to measure on; default: where temporary files go")
    parser.add_argument("--out", type=Path, help="JSON file for all numbers")
    options = parser.parse_args()
    torch.set_num_threads(1)
    machine = describe_machine()
    tables = {}
    with tempfile.TemporaryDirectory(dir=options.folder) as scratch:
        for title, rows in measure(Path(scratch), options.images, options.drawn, options.rounds):
            tables[title] = rows
            print(markdown(title, rows), flush=True)
    machine["load after"] = f"{os.getloadavg()[0]:.2f}"
    print("\n" + "\n".join(f"- {name}: {value}" for name, value in machine.items()))
    if options.out:
        write_json(options.out, {"machine": machine, "rounds": options.rounds, "tables": tables})


if __name__ == "__main__":
    main()
