"""A run's folder has one writer at a time."""

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from danet.errors import RunBusyError

LOCK = ".writer"


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold a run's folder for writing until the block ends, however it ends.

    The kernel drops the lock of a process that is killed, so none is ever left behind.

    Raises:
        RunBusyError: another process holds it; its process id, host and start are named.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = _locked(folder / LOCK)
    try:
        lock.seek(0)
        lock.truncate()
        started = datetime.now(UTC).isoformat(timespec="seconds")
        json.dump({"pid": os.getpid(), "host": socket.gethostname(), "started": started}, lock)
        lock.flush()
        yield
    finally:
        # Removed while it is still held: whoever waits for this inode notices that it is gone.
        (folder / LOCK).unlink(missing_ok=True)
        lock.close()


def _locked(path: Path) -> IO[str]:
    while True:
        lock = path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = _described(lock.read())
            lock.close()
            raise RunBusyError(f"{path.parent} is being written by {holder}", "wait until it ends") from None
        if path.exists() and os.fstat(lock.fileno()).st_ino == path.stat().st_ino:
            return lock
        lock.close()  # its holder removed it in the meantime


def _described(content: str) -> str:
    try:
        holder = json.loads(content)
        return f"process {holder['pid']} on {holder['host']} since {holder['started']}"
    except (ValueError, LookupError, TypeError):
        return "another process that has just started"
