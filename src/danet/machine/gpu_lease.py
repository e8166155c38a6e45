"""Which GPUs does this process use? Those that no other danet process on this machine holds.

Snakemake counts GPUs (``--resources gpu=4``) but does not say which job gets which. Here each
process takes a file lock named after the UUID of each of its GPUs and holds it for its lifetime; the
kernel drops the lock however the process ends, so a killed job never blocks a GPU.
"""

import fcntl
import logging
import os
import random
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from danet.errors import SettingsError

log = logging.getLogger(__name__)

LOCKS = Path(tempfile.gettempdir()) / "danet-gpu-leases"
VISIBLE = "CUDA_VISIBLE_DEVICES"
# These hand out GPUs themselves, by setting CUDA_VISIBLE_DEVICES or by what the container sees.
SCHEDULERS = ("SLURM_JOB_ID", "KUBERNETES_SERVICE_HOST")


@dataclass(frozen=True)
class Lease:
    """GPUs that are held."""

    devices: tuple[str, ...] = ()
    """Their UUIDs; none where there is no GPU or where a scheduler has already chosen."""
    files: tuple[int, ...] = ()
    """Descriptors of the locks. A process that inherits them holds the GPUs too."""


@contextmanager
def leased_gpus(count: int = 1, poll_seconds: float = 5.0) -> Iterator[Lease]:
    """Wait for free GPUs, make them the only visible ones, and hold them until the block ends.

    Must be entered before CUDA is initialised. All are taken at once or none, so that two processes
    never wait for each other.

    Args:
        count: GPUs that are needed; 1 also works on a machine without any.
        poll_seconds: between two looks at GPUs that are in use, on average.

    Raises:
        SettingsError: ``count`` is more than 1 and more than there are.
    """
    devices = visible_devices()
    if count > max(1, len(devices)):
        raise SettingsError(
            f"compute.gpus is {count}, and this process may use {_named(devices)}",
            f"lower compute.gpus in params.yaml (the batch stays the same), or make more visible ({VISIBLE})",
        )
    if not devices or any(name in os.environ for name in SCHEDULERS):
        yield Lease()
        return
    locks = _wait_for_locks(devices, count, poll_seconds)
    before = os.environ.get(VISIBLE)
    os.environ[VISIBLE] = ",".join(locks)
    try:
        yield Lease(tuple(locks), tuple(lock.fileno() for lock in locks.values()))
    finally:
        _release(locks)
        if before is None:
            del os.environ[VISIBLE]
        else:
            os.environ[VISIBLE] = before


def visible_devices() -> list[str]:
    """UUIDs of the GPUs that this process may use, in the order of CUDA_VISIBLE_DEVICES."""
    installed = _installed_devices()
    wanted = os.environ.get(VISIBLE)
    if wanted is None:
        return installed
    names = [name.strip() for name in wanted.split(",") if name.strip()]
    by_index = {str(index): uuid for index, uuid in enumerate(installed)}
    return [by_index.get(name, name) for name in names if name != "-1"]


def _installed_devices() -> list[str]:
    query = ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, check=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return []
    return answer.stdout.split()


def _named(devices: Sequence[str]) -> str:
    if not devices:
        return "no GPU"
    return f"{len(devices)}: {', '.join(devices)}"


def _wait_for_locks(devices: Sequence[str], count: int, poll_seconds: float) -> dict[str, IO[str]]:
    """Locks of ``count`` devices by UUID."""
    reported = False
    while True:
        locks: dict[str, IO[str]] = {}
        for device in devices:
            if len(locks) < count and (lock := _try_lock(device)):
                locks[device] = lock
        if len(locks) == count:
            return locks
        _release(locks)
        if not reported:
            log.warning("waiting for %d of these GPUs to be free: %s", count, ", ".join(devices))
            reported = True
        # Two processes that poll in step could each take a part again and again.
        time.sleep(poll_seconds * random.uniform(0.5, 1.5))


def _try_lock(device: str) -> IO[str] | None:
    LOCKS.mkdir(mode=0o1777, parents=True, exist_ok=True)
    lock = (LOCKS / f"{device}.lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock


def _release(locks: dict[str, IO[str]]) -> None:
    for lock in locks.values():
        lock.close()
