"""Starting one process for each GPU of a training, and ending them together."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import IO

from danet.errors import SettingsError

RENDEZVOUS = "DANET_RENDEZVOUS"
"""Environment variable: where the processes meet. A file, since a free port may be taken meanwhile."""
LAUNCHER = "DANET_LAUNCHER"
"""Environment variable: process id of the launcher."""
FOLDER_PREFIX = "danet-ranks-"
SECONDS_TO_END = 20
"""For the others after one process has failed; they may be waiting for it for ever."""


def started_as_rank() -> bool:
    """Whether this process is one of several that were started for one training, here or by torchrun."""
    return "WORLD_SIZE" in os.environ


def require_set_aside(given: int | None, wanted: int) -> None:
    """Refuse to train on fewer GPUs than the settings say.

    Snakemake lowers what a rule asks for to what ``--resources gpu=`` has, without a word.

    Args:
        given: GPUs that a workflow has set aside; None: nobody has.
        wanted: ``compute.gpus``.

    Raises:
        SettingsError: they are too few.
    """
    if given is not None and given < wanted:
        raise SettingsError(
            f"compute.gpus is {wanted}, and the workflow has set aside {given} for each training",
            f"snakemake --resources gpu={wanted} (or more), or lower compute.gpus in params.yaml",
        )


def run_ranks(command: Sequence[str], count: int, files: Sequence[int] = ()) -> int:
    """Run ``command`` in ``count`` processes that know their rank, until all have ended.

    SIGINT and SIGTERM are passed on. Rank 0 writes to this terminal; what another rank writes is
    shown only where it is the one that failed.

    Args:
        command: the same for all; torchrun's RANK, LOCAL_RANK and WORLD_SIZE tell them apart.
        count: number of processes.
        files: descriptors that they inherit.

    Returns:
        Exit status of the first process that failed, as a shell would report it; 0 if none did.
    """
    _remove_abandoned_folders()
    folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER_PREFIX}{os.getpid()}-"))
    processes: list[subprocess.Popen] = []

    def pass_on(number: int, _: FrameType | None) -> None:
        for process in processes:
            process.send_signal(number)

    before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    outputs = [(folder / f"rank{rank}.log").open("w+b") for rank in range(count)]
    try:
        for rank, output in enumerate(outputs):
            processes.append(_start(command, rank, count, folder, files, output))
        return _wait(processes, outputs)
    finally:
        for process in processes:
            process.kill()
            process.wait()
        for number, handler in before.items():
            signal.signal(number, handler)
        for output in outputs:
            output.close()
        shutil.rmtree(folder)


def _remove_abandoned_folders() -> None:
    """Of launchers that were killed; their names hold their process ids."""
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*"):
        launcher = folder.name.removeprefix(FOLDER_PREFIX).partition("-")[0]
        if launcher.isdecimal() and not Path("/proc", launcher).exists():
            shutil.rmtree(folder, ignore_errors=True)


def _start(
    command: Sequence[str], rank: int, count: int, folder: Path, files: Sequence[int], output: IO[bytes]
) -> subprocess.Popen:
    environment = os.environ | {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(count),
        RENDEZVOUS: f"file://{folder}/meeting",
        LAUNCHER: str(os.getpid()),
    }
    # All ranks are on this machine, whatever its host name resolves to.
    environment.setdefault("GLOO_SOCKET_IFNAME", "lo")
    environment.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // count)))
    if rank == 0:
        return subprocess.Popen(command, env=environment, pass_fds=files)
    return subprocess.Popen(command, env=environment, pass_fds=files, stdout=output, stderr=subprocess.STDOUT)


def _wait(processes: Sequence[subprocess.Popen], outputs: Sequence[IO[bytes]]) -> int:
    """Until all have ended; after a first failure the others get a little time and are killed."""
    failed = None
    deadline = float("inf")
    while None in (statuses := [process.poll() for process in processes]) and time.monotonic() < deadline:
        if failed is None and any(statuses):
            failed = next(rank for rank, status in enumerate(statuses) if status)
            deadline = time.monotonic() + SECONDS_TO_END
        time.sleep(0.05)
    if failed is None:
        failed = next((rank for rank, status in enumerate(statuses) if status), 0)
    if failed > 0 and not statuses[0]:
        outputs[failed].seek(0)
        sys.stderr.write(outputs[failed].read().decode(errors="replace"))
    # None: it did not end in time and is about to be killed.
    status = statuses[failed] or 0
    return 128 - status if status < 0 else status
