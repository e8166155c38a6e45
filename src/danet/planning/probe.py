"""How fast this machine's device is: the rate of plain matrix products, the most a network could reach."""

import time
from dataclasses import dataclass

import torch

from danet.machine.device import chosen_device
from danet.machine.environment import environment

SIDE = {"cuda": 8192, "cpu": 1024}
"""Of the square matrices: large enough for the full rate, small enough for ten seconds."""


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


def stated(teraflops: float) -> Device:
    """A GPU of another machine, by its rate in TFLOP/s."""
    return Device("a card as stated", "cuda", teraflops * 1e12)


def probe(seconds: float) -> Device:
    """Multiply matrices for ``seconds`` on the first visible GPU, or on the CPU where there is none."""
    device = chosen_device()
    memory = torch.cuda.get_device_properties(device).total_memory if device.type == "cuda" else None
    return Device(environment(device)["device"], device.type, matrix_rate(device, seconds), memory)


def matrix_rate(device: torch.device, seconds: float) -> float:
    """Floating point operations per second of matrix products, sustained over ``seconds``."""
    side = SIDE[device.type]
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    one, other = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    torch.mm(one, other)  # loads the kernel
    _wait(device)
    start, products = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        for _ in range(8):
            torch.mm(one, other)
        _wait(device)
        products += 8
    return 2 * side**3 * products / (time.perf_counter() - start)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
