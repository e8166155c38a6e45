"""The same work on many files, spread over processes: in order, few results in memory, no orphans."""

import ctypes
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from itertools import islice
from typing import TypeVar

from danet.errors import UserError

SECONDS_TO_START = 0.5
"""Of a process: an interpreter that imports NumPy, Pillow and the settings."""

JOBS_AHEAD = 4
"""Jobs of each process handed out ahead of the result that is waited for: enough to keep every process busy
while one job takes long, few enough that results not fetched yet do not fill the memory."""

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Options of glibc's mallopt, as malloc.h numbers them."""

Job = TypeVar("Job")
Result = TypeVar("Result")


def core_count() -> int:
    """CPU cores that this process may use, which may be a few of the machine's under a batch system."""
    if hasattr(os, "sched_getaffinity"):  # macOS has none
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_processes(
    function: Callable[[Job], Result], jobs: Sequence[Job], processes: int
) -> Generator[Result, None, None]:
    """Yield ``function(job)`` for every job, in the order of the jobs.

    The first jobs are done in this process, for as long as starting others would take: little work
    never waits for processes, and much work loses next to nothing. Closing the generator ends the
    processes.

    Args:
        function: defined at the top of a module, so that other processes can import it.
        jobs: its arguments.
        processes: most processes to use; this one then only hands out jobs and collects results.

    Raises:
        UserError: a process was killed from outside.
        Exception: what a job raises.
    """
    waiting = iter(jobs)
    deadline = time.monotonic() + SECONDS_TO_START
    left = len(jobs)
    while left and (processes < 2 or left < 2 or time.monotonic() < deadline):
        yield function(next(waiting))
        left -= 1
    if left:
        yield from _spread(function, waiting, min(processes, left))


def _spread(function: Callable[[Job], Result], jobs: Iterator[Job], processes: int) -> Iterator[Result]:
    # Forking a process that runs threads, as numerical libraries start them, can lock up.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(processes, mp_context=context, initializer=set_up_worker)
    try:
        pending = deque(pool.submit(function, job) for job in islice(jobs, JOBS_AHEAD * processes))
        while pending:
            result = pending.popleft().result()
            pending.extend(pool.submit(function, job) for job in islice(jobs, 1))
            yield result
    except BrokenProcessPool:
        raise UserError(
            f"one of {processes} processes was killed, most likely because memory ran out",
            "run it again with fewer: --processes 1, for example",
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def set_up_worker() -> None:
    """Leave interruptions to the parent, end with it, keep freed memory."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    keep_memory()


def _end_with_parent() -> None:
    """End when the parent does, however it ends.

    A worker holds both ends of the pipe that its jobs come through, so a killed parent leaves it
    waiting for ever unless it watches.
    """
    parent = multiprocessing.parent_process()
    assert parent is not None  # only a worker runs this
    parent.join()
    os._exit(1)


def keep_memory() -> None:
    """Keep what is freed for what comes next, where the C library is glibc.

    Giving the memory of an image back and asking for it again costs the kernel about a tenth of the
    time that decoding takes; with the tensors of a small network, a tenth of a training on a CPU.
    """
    with suppress(AttributeError):
        set_option = ctypes.CDLL(None).mallopt
        set_option(M_TRIM_THRESHOLD, 256 << 20)
        set_option(M_MMAP_THRESHOLD, 32 << 20)
