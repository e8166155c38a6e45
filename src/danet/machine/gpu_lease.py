"""Which GPUs does this process use? Those that no other danet process on this machine holds.

Snakemake counts GPUs (``--resources gpu=4``) but does not say which job gets which, and a batch system
hands out GPUs to an allocation in which several jobs may run. Here each process waits its turn, takes
its GPUs by their UUIDs, and holds them for its lifetime; however it ends, the kernel gives them back.
"""

import logging
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from danet.errors import SettingsError
from danet.machine.gpu_list import VISIBLE, Gpu, visible_gpus
from danet.machine.gpu_queue import (
    PARTS,
    Claim,
    Claims,
    Name,
    announce,
    claim_of_this_process,
    claims,
    release,
    take_parts,
)

log = logging.getLogger(__name__)

LEASES = "DANET_GPU_LEASES"
"""Environment variable: "none" leaves all visible GPUs to the process, whoever else uses them."""
MOST_POLLS = 10
"""That one far behind in the queue lets pass between two looks."""


@dataclass(frozen=True)
class Lease:
    """GPUs that are held."""

    devices: tuple[str, ...] = ()
    """Their UUIDs; none where there is no GPU or where leases are switched off."""
    files: tuple[int, ...] = ()
    """Descriptors that hold them. A process that inherits these holds the GPUs too."""


@contextmanager
def leased_gpus(count: int = 1, jobs_per_gpu: int = 1, poll_seconds: float = 1.0) -> Iterator[Lease]:
    """Wait for free GPUs, make them the only visible ones, and hold them until the block ends.

    Must be entered before CUDA is initialised. First come, first served: no GPU is taken that an
    earlier job waits for. All are taken at once or none, so that two jobs never wait for each other.

    Args:
        count: GPUs that are needed; 1 also works on a machine without any.
        jobs_per_gpu: 1, 2, 4 or 8: jobs like this one that may share a GPU. A job takes its share, and
            one that shares with nobody waits until the GPU is free of others.
        poll_seconds: between two looks at GPUs that are in use.

    Raises:
        SettingsError: ``count`` is more than 1 and more than there are, or an environment variable has
            no meaning.
    """
    gpus = _usable(visible_gpus(), count)
    if not gpus or _switched_off():
        if not gpus and _unlisted():
            log.warning("nvidia-smi lists no GPU although there is one: jobs may take the same")
        yield Lease()
        return
    held = _wait_for([gpu.uuid for gpu in gpus], count, PARTS // jobs_per_gpu, poll_seconds)
    before = os.environ.get(VISIBLE)
    os.environ[VISIBLE] = ",".join(held)
    names = [name for taken in held.values() for name in taken]
    try:
        yield Lease(tuple(held), tuple(name.fileno() for name in names))
    finally:
        release(names)
        if before is None:
            del os.environ[VISIBLE]
        else:
            os.environ[VISIBLE] = before


def _usable(gpus: Sequence[Gpu], count: int) -> Sequence[Gpu]:
    """Those of the visible GPUs that can do the work."""
    if count == 1:
        return gpus
    # CUDA shows a process one part at most, and NCCL does not join parts.
    whole = [gpu for gpu in gpus if not gpu.is_part]
    if count > len(whole):
        there = f"{len(whole)}: {', '.join(gpu.uuid for gpu in whole)}" if whole else "no GPU"
        parts = ", and parts of a GPU (MIG) cannot work together" if len(whole) < len(gpus) else ""
        raise SettingsError(
            f"compute.gpus is {count}, and this process may use {there}{parts}",
            f"lower compute.gpus in params.yaml (the batch stays the same), or make more visible ({VISIBLE})",
        )
    return whole


def _switched_off() -> bool:
    word = os.environ.get(LEASES)
    if word not in (None, "none"):
        raise SettingsError(f"{LEASES} is {word!r}", f"{LEASES}=none switches leases off; or unset it")
    return word == "none"


def _unlisted() -> bool:
    """Whether the driver has made a GPU that this process could see."""
    return os.environ.get(VISIBLE) is None and any(Path("/dev").glob("nvidia[0-9]*"))


def _wait_for(devices: Sequence[str], count: int, parts: int, poll_seconds: float) -> dict[str, list[Name]]:
    """Names that hold ``count`` of the devices, by UUID."""
    claim = claim_of_this_process(time.monotonic_ns(), count, parts)
    tickets = announce("wait", devices, claim)
    reported = False
    try:
        while True:
            known = claims()
            earlier = {device: [c for c in known[device].waiting if c < claim] for device in devices}
            if held := _take([d for d in devices if all(c.is_stopped for c in earlier[d])], known, claim):
                break
            if not reported:
                log.warning(
                    "waiting for %d of these GPUs, as danet gpus shows: %s", count, ", ".join(devices)
                )
                reported = True
            # Whoever stands far behind everywhere looks less often.
            time.sleep(poll_seconds * min(MOST_POLLS, 1 + min(map(len, earlier.values()))))
    finally:
        release(tickets)
    lease = claim_of_this_process(time.monotonic_ns(), count, parts)
    for device, names in held.items():
        names += announce("held", [device], lease)
    return held


def _take(devices: Sequence[str], known: dict[str, Claims], claim: Claim) -> dict[str, list[Name]]:
    """What ``claim`` asks for, all at once or nothing; of GPUs that are shared the emptiest first."""
    free = [device for device in devices if known[device].parts + claim.parts <= PARTS]
    held: dict[str, list[Name]] = {}
    for device in sorted(free, key=lambda device: known[device].parts):
        if len(held) < claim.count and (names := take_parts(device, claim.parts)):
            held[device] = names
    if len(held) == claim.count:
        return held
    for names in held.values():
        release(names)
    return {}
