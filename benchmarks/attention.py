"""Position attention against the textbook: time and peak of extra memory, on the CPU and on a GPU.

    python benchmarks/attention.py [--rounds 3] [--out attention.json]

Textbook is three lines below, in float32: all of the map S at once. Measured is the sum of Equation 2
from query, key and value to result and gradients, without the 1x1 convolutions around it. 9,216
positions are a crop of 768x768 pixels, 32,768 a whole image of Cityscapes; query and key are 64 wide in
the released code and 512 in the paper, the value 512. Inputs are N(0, 0.1^2).

Time: the sides in turn, ``--rounds`` times after a first round that is not counted; medians. Beside the
wall clock stands the time of the processors, which other work on the machine disturbs less.

Extra memory: what the peak has above the state just before the call, inputs and upstream gradient made;
result and gradients count. On the CPU it is the resident memory of a fresh process for each side, which
has run the side on 256 positions so that libraries and kernels are loaded: the kernel's VmHWM, set back
through /proc/self/clear_refs, less VmRSS. So the CPU part needs Linux. On a GPU it is
torch.cuda.max_memory_allocated less memory_allocated.

The textbook is not run on 32,768 positions on a CPU: its map alone has 4 GiB, twice. There, time is that
of the one run whose memory is measured.
"""

import argparse
import multiprocessing
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median

import torch
from fixtures.machine import describe_machine
from torch import Tensor

from danet.files import write_json
from danet.models.attention.kernels import attend

CHANNELS = 512


def textbook(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    energies = torch.matmul(query, key.transpose(1, 2))
    attention = torch.softmax(energies, dim=-1)
    return torch.matmul(attention, value)


@dataclass(frozen=True)
class Case:
    """One line of work: widths and positions of the inputs, and whether gradients are wanted."""

    device: str
    batch: int
    width: int
    positions: int
    backward: bool


@dataclass(frozen=True)
class Side:
    name: str
    attend: Callable[[Tensor, Tensor, Tensor], Tensor]
    dtype: torch.dtype = torch.float32


TEXTBOOK = Side("textbook float32", textbook)
CPU_SIDES = [TEXTBOOK, Side("auto float32", attend)]
GPU_SIDES = [
    TEXTBOOK,
    Side("blockwise float32", partial(attend, path="blockwise")),
    Side("auto bfloat16", attend, torch.bfloat16),
    Side("fused bfloat16", partial(attend, path="fused"), torch.bfloat16),
    Side("blockwise bfloat16", partial(attend, path="blockwise"), torch.bfloat16),
]
CPU_CASES = [
    Case("cpu", 1, width, positions, backward)
    for positions, backward in ((9_216, True), (32_768, False))
    for width in (64, 512)
]
GPU_CASES = [
    Case("cuda", batch, width, positions, backward)
    for batch, positions, backward in ((8, 9_216, True), (1, 32_768, False))
    for width in (64, 512)
]


def inputs_of(case: Case, side: Side, positions: int) -> list[Tensor]:
    """Query, key and value, and the gradient that reaches the result."""
    generator = torch.Generator(case.device).manual_seed(0)
    shapes = [(case.batch, positions, width) for width in (case.width, case.width, CHANNELS, CHANNELS)]
    tensors = [torch.randn(shape, generator=generator, device=case.device) / 10 for shape in shapes]
    tensors = [tensor.to(side.dtype) for tensor in tensors]
    return [tensor.requires_grad_(case.backward) for tensor in tensors[:3]] + tensors[3:]


def run(case: Case, side: Side, inputs: list[Tensor]) -> None:
    *factors, upstream = inputs
    result = side.attend(*factors)
    if case.backward:
        torch.autograd.grad(result, factors, upstream)


def seconds(case: Case, side: Side, inputs: list[Tensor]) -> tuple[float, float]:
    """Of one run: by the wall clock, and of all processors together."""
    _synchronise(case)
    wall, processors = time.perf_counter(), time.process_time()
    run(case, side, inputs)
    _synchronise(case)
    return time.perf_counter() - wall, time.process_time() - processors


def resident_peak(case: Case, side_index: int) -> tuple[float, tuple[float, float]]:
    """MiB that one run on the CPU adds to this process, which should be a fresh one, and its times."""
    side = CPU_SIDES[side_index]
    run(case, side, inputs_of(case, side, 256))
    inputs = inputs_of(case, side, case.positions)
    Path("/proc/self/clear_refs").write_text("5")  # VmHWM starts again
    before = _status("VmRSS")
    times = seconds(case, side, inputs)
    return (_status("VmHWM") - before) / 1024, times


def _status(field: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))


def device_peak(case: Case, side: Side) -> float:
    """MiB of GPU memory that one run adds."""
    run(case, side, inputs_of(case, side, 256))
    inputs = inputs_of(case, side, case.positions)
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    run(case, side, inputs)
    return (torch.cuda.max_memory_allocated() - before) / 2**20


def _synchronise(case: Case) -> None:
    if case.device == "cuda":
        torch.cuda.synchronize()


def measure(case: Case, rounds: int) -> list[dict]:
    """A row for each side."""
    sides = GPU_SIDES if case.device == "cuda" else CPU_SIDES
    if case.device == "cpu" and not case.backward:
        sides = CPU_SIDES[1:]
        peaks, times = zip(*(_in_fresh_process(case, side) for side in sides), strict=True)
        return _rows(case, sides, [[run_times] for run_times in times], peaks)
    runs: list[list[tuple[float, float]]] = [[] for _ in sides]
    for _ in range(1 + rounds):
        for side, of_side in zip(sides, runs, strict=True):
            of_side.append(seconds(case, side, inputs_of(case, side, case.positions)))
    if case.device == "cuda":
        peaks = [device_peak(case, side) for side in sides]
    else:
        peaks = [_in_fresh_process(case, side)[0] for side in sides]
    return _rows(case, sides, [of_side[1:] for of_side in runs], peaks)


def _in_fresh_process(case: Case, side: Side) -> tuple[float, tuple[float, float]]:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(resident_peak, (case, CPU_SIDES.index(side)))


def _rows(case: Case, sides: list[Side], runs: list, peaks: Sequence[float]) -> list[dict]:
    rows = []
    for side, of_side, peak in zip(sides, runs, peaks, strict=True):
        walls, processors = (median(times) for times in zip(*of_side, strict=True))
        row = asdict(case) | {"side": side.name, "seconds": walls, "processor_seconds": processors}
        rows.append(row | {"peak_mib": peak})
    for row in rows:
        for field in ("seconds", "processor_seconds", "peak_mib"):
            row[f"{field}_ratio"] = row[field] / rows[0][field] if sides[0] is TEXTBOOK else None
    return rows


COLUMNS = {
    "device": "on",
    "batch": "batch",
    "width": "query and key width",
    "positions": "positions",
    "pass": "pass",
    "side": "side",
    "seconds": "seconds",
    "seconds_ratio": "of textbook",
    "processor_seconds": "processor seconds",
    "processor_seconds_ratio": "of textbook",
    "peak_mib": "extra MiB",
    "peak_mib_ratio": "of textbook",
}


def print_rows(rows: list[dict]) -> None:
    for row in rows:
        cells = row | {"pass": "forward, backward" if row["backward"] else "forward"}
        print(f"| {' | '.join(_cell(cells[column]) for column in COLUMNS)} |", flush=True)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.0f}" if value >= 100 else f"{value:.3g}"
    return str(value)


def main() -> None:
    parser = argparse.ArgumentParser(description="Position attention against the textbook.")
    parser.add_argument("--rounds", type=int, default=3, help="counted runs of each side")
    parser.add_argument("--device", choices=["cpu", "cuda"], help="default: the CPU, and the GPU if any")
    parser.add_argument("--out", type=Path, help="write the rows here too, as JSON")
    arguments = parser.parse_args()
    cases = CPU_CASES + (GPU_CASES if torch.cuda.is_available() else [])
    described = describe_machine()
    print(f"| {' | '.join(COLUMNS.values())} |\n|{' --- |' * len(COLUMNS)}")
    rows: list[dict] = []
    for case in cases:
        if arguments.device not in (None, case.device):
            continue
        measured = measure(case, arguments.rounds)
        print_rows(measured)
        rows += measured
    print("\n" + "\n".join(f"- {name}: {value}" for name, value in described.items()))
    if arguments.out:
        write_json(arguments.out, {"machine": described, "rows": rows})


if __name__ == "__main__":
    main()
