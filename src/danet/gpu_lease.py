"""Which GPU does this process use? One that no other danet process on this machine holds.

Snakemake counts GPUs (``--resources gpu=4``) but does not say which job gets which. Here each
process takes a file lock named after the GPU's UUID and holds it for its lifetime; the kernel drops
the lock however the process ends, so a killed job never blocks a GPU.
"""

import fcntl
import logging
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

log = logging.getLogger(__name__)

LOCKS = Path(tempfile.gettempdir()) / "danet-gpu-leases"
VISIBLE = "CUDA_VISIBLE_DEVICES"
# These hand out GPUs themselves, by setting CUDA_VISIBLE_DEVICES or by what the container sees.
SCHEDULERS = ("SLURM_JOB_ID", "KUBERNETES_SERVICE_HOST")


@contextmanager
def leased_gpu(poll_seconds: float = 5.0) -> Iterator[str | None]:
    """Wait for a free GPU, make it the only visible one, and hold it until the block ends.

    Must be entered before CUDA is initialised. Yields the GPU's id, None where there is no GPU or
    where a scheduler has already chosen one.
    """
    devices = [] if any(name in os.environ for name in SCHEDULERS) else visible_devices()
    if not devices:
        yield None
        return
    lock, device = _wait_for_lock(devices, poll_seconds)
    before = os.environ.get(VISIBLE)
    os.environ[VISIBLE] = device
    try:
        yield device
    finally:
        lock.close()
        if before is None:
            del os.environ[VISIBLE]
        else:
            os.environ[VISIBLE] = before


def visible_devices() -> list[str]:
    """UUIDs of the GPUs that this process may use, in the order that CUDA_VISIBLE_DEVICES gives."""
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


def _wait_for_lock(devices: list[str], poll_seconds: float) -> tuple[IO[str], str]:
    told = False
    while True:
        for device in devices:
            if lock := _try_lock(device):
                return lock, device
        if not told:
            log.warning("all of %s are in use, waiting for one", ", ".join(devices))
            told = True
        time.sleep(poll_seconds)


def _try_lock(device: str) -> IO[str] | None:
    LOCKS.mkdir(mode=0o1777, parents=True, exist_ok=True)
    lock = (LOCKS / f"{device}.lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock
