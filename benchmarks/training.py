"""Training steps against the textbook, the start of a training, and whether its input keeps up.

    python benchmarks/training.py --out training.json

Textbook is benchmarks/fixtures/textbook_training.py: float32, channels first, all of the attention map
at once, eager; convolutions may use TF32 on a GPU, as torch's defaults have it. Ours is the code that
``danet train`` runs, with the settings of params.yaml. Both sides run at the same learning rates, after
steps that are not counted; shown are medians. On the CPU they take turns, each in its own process, and a
ratio is the median of the rounds' ratios.

Share of the matrix rate: floating point operations of the network (danet.planning.cost; what a
memory-saving kernel computes twice is not counted) per second, divided by the rate at which this card
multiplies bfloat16 matrices. Input stall: share of the time of a step on batches from the
prepared form by which it is longer than a step on a batch that lies on the card. Start: from the start of
the process ``danet train`` to the end of its first step, demo profile, files in the page cache.

Images are noise of 2048 x 1024 pixels in a temporary folder. Takes less than 8 minutes on a GPU.
"""

import argparse
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir, contextmanager, suppress
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from typing import Any

import torch
from fixtures.machine import describe_machine
from fixtures.noise_project import opened, random_batch, write_noise, write_settings
from fixtures.textbook_training import textbook_step

from danet.data.training_set import BatchOrder, TrainingSet, batches
from danet.files import write_json
from danet.planning.cost import training_cost
from danet.planning.probe import matrix_rate
from danet.settings import Experiment, Plan
from danet.training.state import TrainingState
from danet.training.step import take_step

Row = dict[str, Any]
"""Of the table: column to value."""
Step = Callable[[], object]
COLUMNS = ("what", "on", "measured", "textbook", "of textbook", "target")


def main() -> None:
    parser = argparse.ArgumentParser(description="Training against the textbook.")
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds")
    parser.add_argument("--crop", type=int, default=161, help="side of the crop of the CPU's step")
    parser.add_argument("--device", choices=["cpu", "cuda"], help="default: the CPU, and the GPU if any")
    parser.add_argument("--out", type=Path, help="write the rows here too, as JSON")
    arguments = parser.parse_args()
    out = arguments.out and arguments.out.absolute()
    machine = describe_machine()
    devices = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    if arguments.device:
        devices = [arguments.device]
    rows: list[Row] = []
    print(f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}")
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        for row in measurements(arguments.rounds, arguments.crop, devices):
            rows.append(row)
            print(f"| {' | '.join(cell(row.get(column)) for column in COLUMNS)} |", flush=True)
    print("\n" + "\n".join(f"- {name}: {value}" for name, value in machine.items()))
    if out:
        write_json(out, {"machine": machine, "rows": rows})


def measurements(rounds: int, crop: int, devices: list[str]) -> Iterator[Row]:
    """All rows, one after the other, with the current folder for the files."""
    if "cpu" in devices:
        yield start_of_training(rounds)
        for recipe in ("paper_text", "released_code"):
            yield from cpu_steps(rounds, crop, recipe)
    if "cuda" in devices:
        write_noise(write_settings("paper"), images=32, height=1024, width=2048)
        rate = matrix_rate(torch.device("cuda"), 5, torch.bfloat16)
        yield {"what": "bfloat16 matrix products, TFLOP/s", "on": "GPU", "measured": rate / 1e12}
        for recipe in ("paper_text", "released_code"):
            yield from gpu_steps(rounds, recipe, rate)


def cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def start_of_training(rounds: int) -> Row:
    """Seconds from the start of ``danet train`` until its first step is done."""
    plan = write_settings("demo", log_every=1)
    write_noise(plan, images=16, height=128, width=256)
    metrics = plan.paths.run("danet_r50", 1).unfinished_metrics
    seconds_of_start(metrics)  # fills the page cache
    measured = median(seconds_of_start(metrics) for _ in range(rounds))
    return {"what": "start of training, s", "on": "CPU", "measured": measured, "target": "8"}


def seconds_of_start(metrics: Path) -> float:
    metrics.unlink(missing_ok=True)
    command = [sys.executable, "-m", "danet", "train", "--experiment", "danet_r50", "--seed", "1"]
    # On the CPU even where there is a GPU, whose start is another row's.
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    start = time.perf_counter()
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        while not (metrics.exists() and metrics.stat().st_size):
            if process.poll() is not None:
                raise RuntimeError(f"{' '.join(command)} failed in {Path.cwd()}")
            time.sleep(0.005)
        seconds = time.perf_counter() - start
        process.kill()
    return seconds


def cpu_steps(rounds: int, crop: int, recipe: str) -> Iterator[Row]:
    """DANet-50 on two small crops, on the CPU: as usual, with the same bits twice, and in bfloat16."""
    ours_of = partial(ours_on_cpu, recipe=recipe)
    with (
        in_process(partial(textbook_on_cpu, recipe=recipe), crop) as textbook,
        in_process(ours_of, crop) as usual,
        in_process(partial(ours_of, deterministic=True), crop) as deterministic,
        in_process(partial(ours_of, precision="bfloat16"), crop) as half,
    ):
        theirs, *ours = in_turns([textbook, usual, deterministic, half], rounds)
    names, targets = ("", ", deterministic: true", ", precision: bfloat16"), ("0.9", "", "")
    for name, target, seconds in zip(names, targets, ours, strict=True):
        yield {
            "what": f"DANet-50 of {recipe}, training step, batch 2, crop {crop}{name}, s",
            "on": "CPU",
            "measured": median(seconds),
            "textbook": median(theirs),
            "of textbook": median(one / other for one, other in zip(seconds, theirs, strict=True)),
            "target": target,
        }


def ours_on_cpu(crop: int, **changes: Any) -> Step:
    plan = cpu_settings(crop, **changes)
    write_noise(plan, images=2, height=64, width=64)
    state = opened(plan, "danet_r50", torch.device("cpu"))
    batch = random_batch(state.experiment)
    return lambda: take_step(state, *batch)


def textbook_on_cpu(crop: int, **changes: Any) -> Step:
    experiment = cpu_settings(crop, **changes).experiment("danet_r50")
    step, batch = textbook_step(experiment, torch.device("cpu")), random_batch(experiment)
    return lambda: step(*batch)


def cpu_settings(crop: int, **changes: Any) -> Plan:
    whole = {"backbone_stand_ins": {}, "datasets": {}}
    return write_settings("demo", crop_size=crop, batch_size=2, **whole, **changes)


@contextmanager
def in_process(make: Callable[[int], Step], crop: int) -> Iterator[Step]:
    """A step that another process takes: what a processor does with denormals is set for a process."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=answer, args=(make, crop, there), daemon=True)
    process.start()

    def step() -> None:
        here.send(None)
        here.recv()

    try:
        yield step
    finally:
        here.close()
        process.join()


def answer(make: Callable[[int], Step], crop: int, calls: Connection) -> None:
    """Take a step whenever one is called for, until nobody calls any more."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder), suppress(EOFError):
        step = make(crop)
        while True:
            calls.recv()
            step()
            calls.send(None)


def gpu_steps(rounds: int, recipe: str, rate: float) -> Iterator[Row]:
    """DANet-101 on 8 crops of 768 x 768; ``rate`` in floating point operations per second."""
    title = f"DANet-101, 768 x 768, batch 8, {recipe}"
    plan = write_settings("paper", recipe, pretrained="none")
    experiment = plan.experiment("danet_r101")
    theirs, their_memory = textbook_on_gpu(experiment, rounds)
    state = opened(plan, "danet_r101", torch.device("cuda"))
    images, label = (tensor.to(state.device) for tensor in random_batch(experiment))
    ours, memory = on_gpu(lambda: take_step(state, images, label), rounds)
    loaded, _ = on_gpu(step_on_next_batch(state, steps=8 * (1 + rounds)), rounds)
    state.network.compile()
    compiled, _ = on_gpu(lambda: take_step(state, images, label), rounds)
    flops = training_cost(experiment.model, 768, 8, bfloat16=True, whole_map=False).flops
    yield gpu_row(f"{title}: share of the matrix rate", flops / ours / rate, "at least 0.45")
    yield gpu_row(f"{title}: input stall", max(0.0, 1 - ours / loaded), "under 0.02")
    for name, seconds in (("images/s", ours), ("images/s with compile: true", compiled)):
        yield gpu_row(f"{title}: {name}", 8 / seconds, "at least 4", 8 / theirs)
    yield gpu_row(f"{title}: peak memory, GiB", memory, "at most 0.33", their_memory)


def textbook_on_gpu(experiment: Experiment, rounds: int) -> tuple[float, float]:
    """Seconds of a step and GiB; what it held is free afterwards."""
    step = textbook_step(experiment, torch.device("cuda"))
    images, label = (tensor.cuda() for tensor in random_batch(experiment))
    return on_gpu(lambda: step(images, label), rounds)


def gpu_row(what: str, measured: float, target: str, textbook: float | None = None) -> Row:
    ratio = {} if textbook is None else {"textbook": textbook, "of textbook": measured / textbook}
    return {"what": what, "on": "GPU", "measured": measured, "target": target} | ratio


def step_on_next_batch(state: TrainingState, steps: int) -> Step:
    """A step on a batch from the loader, as ``danet train`` has it."""
    training = state.experiment.training
    order = BatchOrder(len(state.split), training.batch_size, steps, seed=1)
    crops = TrainingSet(state.split, training, 1, state.labels.lookup)
    loader = iter(batches(crops, order, state.experiment.compute.workers, pinned=True))
    return lambda: take_step(state, *next(loader))


def in_turns(sides: Sequence[Step], rounds: int) -> list[list[float]]:
    """Seconds of each side in each round, after a round that is not counted."""
    seconds: list[list[float]] = [[] for _ in sides]
    for _ in range(1 + rounds):
        for side, of_side in zip(sides, seconds, strict=True):
            start = time.perf_counter()
            side()
            of_side.append(time.perf_counter() - start)
    return [of_side[1:] for of_side in seconds]


def on_gpu(step: Step, rounds: int) -> tuple[float, float]:
    """Seconds of a step, the median of rounds of 8 steps, and the peak of memory in GiB."""
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    seconds = []
    for _ in range(1 + rounds):
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(8):
            step()
        torch.cuda.synchronize()
        seconds.append((time.perf_counter() - start) / 8)
    return median(seconds[1:]), torch.cuda.max_memory_allocated() / 2**30


if __name__ == "__main__":
    main()
