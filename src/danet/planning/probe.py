"""How fast this machine's device is: the rate of plain matrix products, the most a network could reach."""

import os
import platform
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime

import torch

from danet.machine.device import chosen_device
from danet.machine.environment import environment
from danet.planning.kept import keep, kept

SIDE = {"cuda": 8192, "cpu": 512}
"""Of the square matrices: large enough for the full rate. A product takes a CPU a millisecond or two, so that
some of them are not disturbed even where other work shares the cores."""
PRODUCTS = {"cuda": 8, "cpu": 1}
"""Between two looks at the clock."""


@dataclass(frozen=True)
class Device:
    """What the hours of a plan are for."""

    name: str
    """As run.json names it."""
    kind: str
    """``cuda`` or ``cpu``."""
    flops_per_second: float
    """Rate of matrix products: bfloat16 on a GPU, float32 on a CPU."""
    memory: int | None = None
    """Bytes of a GPU's memory; None where it is not known or not the limit."""
    bfloat16_flops_per_second: float | None = None
    """The rate of a CPU in bfloat16."""
    measured: str | None = None
    """When, in ISO 8601; None: it was not."""
    load: float = 0.0
    """Processes that were at work on the machine when it was measured, over the last minute."""

    def rate(self, bfloat16: bool) -> float:
        """Floating point operations per second of matrix products, of factors in bfloat16 or not."""
        return (self.bfloat16_flops_per_second if bfloat16 else None) or self.flops_per_second


def stated(teraflops: float) -> Device:
    """A GPU of another machine, by its rate in TFLOP/s."""
    return Device("a card as stated", "cuda", teraflops * 1e12)


def known_device(seconds: float, again: bool) -> Device:
    """This machine's device: as it was measured once, else measured now, and kept for the next time.

    Args:
        seconds: that a measurement takes.
        again: measure in any case.
    """
    device = chosen_device()
    name = f"{platform.node()}, {environment(device)['device']}, {torch.get_num_threads()} threads"
    found = kept("devices.json", name)
    if found is not None and not again:
        with suppress(TypeError):  # damaged, or kept by another version
            return Device(**found)
    measured = probe(seconds)
    keep("devices.json", {name: asdict(measured)})
    return measured


def probe(seconds: float) -> Device:
    """Multiply matrices for ``seconds`` on the first visible GPU, or on the CPU where there is none."""
    device = chosen_device()
    name, now = environment(device)["device"], datetime.now().astimezone().isoformat(timespec="seconds")
    if device.type == "cuda":
        memory = torch.cuda.get_device_properties(device).total_memory
        return Device(name, "cuda", matrix_rate(device, seconds, torch.bfloat16), memory, measured=now)
    load = os.getloadavg()[0]
    rates = [matrix_rate(device, seconds / 2, dtype) for dtype in (torch.float32, torch.bfloat16)]
    return Device(name, "cpu", rates[0], None, rates[1], now, load)


def matrix_rate(device: torch.device, seconds: float, dtype: torch.dtype) -> float:
    """Floating point operations per second of matrix products: the best of all that fit into ``seconds``."""
    side = SIDE[device.type]
    one, other = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    torch.mm(one, other)  # loads the kernel
    _wait(device)
    began, shortest = time.perf_counter(), float("inf")
    while time.perf_counter() - began < seconds:
        start = time.perf_counter()
        for _ in range(PRODUCTS[device.type]):
            torch.mm(one, other)
        _wait(device)
        shortest = min(shortest, time.perf_counter() - start)
    return 2 * side**3 * PRODUCTS[device.type] / shortest


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
