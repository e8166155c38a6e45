"""The files of a data set have one writer at a time; the next one waits."""

import fcntl
import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from danet.files import storing

LOCK = ".lock"

log = logging.getLogger(__name__)


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Wait until no other process works on a data set's folder, then keep others waiting.

    The kernel drops the lock of a process that is killed, so none is ever left behind.

    Raises:
        StorageError: the folder cannot be made or written to.
    """
    with _locked(folder) as stream:
        stream.seek(0)
        stream.truncate()
        stream.write(f"process {os.getpid()} on {socket.gethostname()}")
        stream.flush()
        try:
            yield
        finally:
            # Removed while it is still held: whoever waits for this inode notices that it is gone.
            (folder / LOCK).unlink(missing_ok=True)
            with suppress(OSError):
                folder.rmdir()  # of a data set that could not be obtained; not if anything is in it


def _locked(folder: Path) -> IO[str]:
    while True:
        with storing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            try:
                stream = (folder / LOCK).open("a+", encoding="utf-8")
            except FileNotFoundError:
                continue  # its holder has just removed the folder, which was empty
        _wait_for(stream, folder)
        if _is_at(stream, folder / LOCK):
            return stream
        stream.close()  # its holder has removed the file


def _is_at(stream: IO[str], path: Path) -> bool:
    try:
        return os.fstat(stream.fileno()).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False


def _wait_for(stream: IO[str], folder: Path) -> None:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        stream.seek(0)
        holder = stream.read() or "another process"
        log.warning("%s: waiting for %s, which is working on this data set", folder, holder)
        fcntl.flock(stream, fcntl.LOCK_EX)
    except OSError as error:  # a file system without locks
        log.warning("warning: %s: no lock (%s); start one command at a time", folder, error.strerror)
