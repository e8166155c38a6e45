"""Writing files and folders so that a reader never sees half of one: a temporary name, then a rename."""

import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from danet.errors import StorageError

_MAKE_ROOM = "make room there, then run the same command again"
_LOOK_AT_PERMISSIONS = "check who may write there (ls -ld), or keep the folder elsewhere"

# What the system reports of a place that is full, read-only or forbidden, and what the user can do about it.
STORAGE_REMEDIES = {
    errno.ENOSPC: _MAKE_ROOM,
    errno.EDQUOT: _MAKE_ROOM,
    errno.EFBIG: "keep the folder on a file system that takes files of this size",
    errno.EROFS: "mount it writable, or keep the folder elsewhere",
    errno.EACCES: _LOOK_AT_PERMISSIONS,
    errno.EPERM: _LOOK_AT_PERMISSIONS,
}


@contextmanager
def storing(path: Path | None = None) -> Iterator[None]:
    """Turn disk errors that the user can fix into StorageError.

    Args:
        path: named in the message where the system names no file, as when a write fails.

    Raises:
        StorageError: in place of an OSError that says that the disk is full, read-only or forbidden;
            every other exception passes.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in STORAGE_REMEDIES:
            raise
        raise StorageError(
            f"{_place(error, path)}: cannot be written or read ({error.strerror})",
            STORAGE_REMEDIES[error.errno],
        ) from None


def _place(error: OSError, path: Path | None) -> str | Path:
    """The name that the user knows: ``path`` rather than its temporary stand-in."""
    if error.filename is None:
        return path or f"a file of {Path.cwd()}"
    if path is not None and str(error.filename).startswith(str(path.parent / f".{path.stem}-")):
        return path
    return error.filename


def require_room(folder: Path, needed: int) -> None:
    """Stop before a disk is filled for nothing.

    Args:
        folder: an existing folder on the disk.
        needed: bytes that are about to be written there.

    Raises:
        StorageError: fewer bytes are free.
    """
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise StorageError(
            f"{folder}: {needed / 1e6:,.0f} MB are needed and {free / 1e6:,.0f} MB are free", _MAKE_ROOM
        )


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``target``; rename it to ``target`` if the block succeeds.

    The suffix is kept, since writers such as matplotlib choose the format by it. On an exception
    the temporary file is removed and ``target`` stays as it was.

    Raises:
        StorageError: the disk is full, read-only or forbidden.
    """
    with storing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.stem}-", suffix=target.suffix, dir=target.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def scratch_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder beside ``target`` and remove it afterwards.

    The next call removes what a killed process left, so only one process at a time may work on a ``target``.

    Raises:
        StorageError: the disk is full, read-only or forbidden.
    """
    with storing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        for leftover in target.parent.glob(f".{target.name}-*"):
            shutil.rmtree(leftover)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as folder:
            yield Path(folder)


@contextmanager
def replacing_folder(target: Path) -> Iterator[Path]:
    """Yield an empty folder that takes the place of ``target`` if the block succeeds.

    On an exception the new folder is removed and ``target`` stays as it was.
    """
    with scratch_folder(target) as scratch:
        new = scratch / "new"
        new.mkdir()
        yield new
        if target.exists():
            target.replace(scratch / "old")
        new.replace(target)


def write_text(target: Path, text: str) -> None:
    """Write ``text`` to ``target``, all of it or nothing."""
    with replacing(target) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(target: Path, value: Any) -> None:
    """Write ``value`` as indented JSON that ends in a newline, all of it or nothing."""
    write_text(target, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def digest(value: Any) -> str:
    """A short, stable hash of a JSON-like value: equal values give equal digests on any machine."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def file_digest(
    path: Path, algorithm: str = "sha256", on_bytes: Callable[[int], None] = lambda count: None
) -> str:
    """The hexadecimal checksum of a file; ``on_bytes`` gets the size of each piece that has been read."""
    found = hashlib.new(algorithm)
    with path.open("rb") as stream:
        while piece := stream.read(1 << 20):
            found.update(piece)
            on_bytes(len(piece))
    return found.hexdigest()


def _umask() -> int:
    # The mask can only be read by setting it.
    mask = os.umask(0)
    os.umask(mask)
    return mask
