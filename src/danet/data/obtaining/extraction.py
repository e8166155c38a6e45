"""Safe unpacking of zip and tar archives, whoever made them.

Every entry is checked before anything is written: names must stay inside the target folder, only
plain files and folders are accepted (a link could point anywhere, and a later entry could be written
through it), and the whole must fit both the limit in the table of sources and the disk.

A zip and a gzip stream hold checksums of their content, so a changed byte is noticed here. A plain
tar holds none; for one of those the table of sources must state a checksum. The checksum of each file is
handed on, since not every format has one of its own.
"""

import errno
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, cast

from danet.errors import BadDataError
from danet.files import require_room, storing
from danet.progress import ProgressLine

PIECE = 1 << 20  # bytes
DISK_BLOCK = 4096  # bytes; what even an empty file takes

# What the readers of Python's library raise, depending on which byte is damaged.
DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    struct.error,
    EOFError,
    ValueError,
    RuntimeError,
)
# What the system reports for names that no folder can hold, and for positions before a file's start.
DAMAGE_NUMBERS = {errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL}


@dataclass(frozen=True)
class ArchiveEntry:
    """A file in an archive, or something that should not be there."""

    name: str
    size: int
    """Bytes, as the archive declares them."""
    fault: str
    """What is wrong with its kind; empty for a plain file."""
    open: Callable[[], IO[bytes]]


def unpack(archive: Path, folder: Path, limit: int) -> dict[str, int]:
    """Unpack ``archive`` (.zip, .tar, .tar.gz) into ``folder``, which exists.

    Args:
        archive: an archive from anywhere.
        folder: where to write.
        limit: most bytes that it may take on the disk.

    Returns:
        CRC-32 of each file, by its path in the archive.

    Raises:
        BadDataError: the archive is damaged or cut off, would take more than ``limit``, or holds an
            entry that would be written outside ``folder``, or that is a link or a device.
        StorageError: it does not fit on the disk, or the folder cannot be written to.
    """
    read = _zip_entries if archive.suffix == ".zip" else _tar_entries
    checksums = {}
    with storing(folder), _damage_as_bad_data(archive), read(archive) as entries:
        files = _acceptable(archive, entries, limit)
        require_room(folder, sum(_disk_bytes(entry) for entry in files))
        with ProgressLine(f"unpacking {archive.name}", len(files), "files") as progress:
            for entry in files:
                path = PurePosixPath(entry.name)
                checksums[str(path)] = _write(entry, folder / path)
                progress.advance()
    return checksums


@contextmanager
def _damage_as_bad_data(archive: Path) -> Iterator[None]:
    try:
        yield
    except (*DAMAGE, OSError) as error:
        reason: object = error
        if isinstance(error, OSError) and error.errno is not None:
            if error.errno not in DAMAGE_NUMBERS:
                raise  # a full disk or a read-only folder says nothing about the archive
            reason = error.strerror
        raise BadDataError(
            f"{archive}: this archive is damaged or cut off ({reason})",
            "delete it and run the command again",
        ) from None


@contextmanager
def _zip_entries(archive: Path) -> Iterator[Iterator[ArchiveEntry]]:
    with zipfile.ZipFile(archive) as content:
        yield (
            ArchiveEntry(item.filename, item.file_size, _zip_fault(item), partial(content.open, item))
            for item in content.infolist()
            if not item.is_dir()
        )


def _zip_fault(item: zipfile.ZipInfo) -> str:
    # The upper half holds a Unix mode where the archive was made on such a system, else 0.
    if stat.S_IFMT(item.external_attr >> 16) not in (0, stat.S_IFREG):
        return "is a link or a device"
    return "is encrypted" if item.flag_bits & 1 else ""


@contextmanager
def _tar_entries(archive: Path) -> Iterator[Iterator[ArchiveEntry]]:
    with tarfile.open(archive, "r:gz" if archive.suffix == ".gz" else "r:") as content:
        yield _tar_files(content)


def _tar_files(content: tarfile.TarFile) -> Iterator[ArchiveEntry]:
    for item in content:
        if not item.isdir():
            fault = "" if item.isfile() else "is a link or a device"
            # None is returned for other things than files, and those are never opened.
            reader = cast(Callable[[], IO[bytes]], partial(content.extractfile, item))
            yield ArchiveEntry(item.name, item.size, fault, reader)
    # A tar that is cut between two entries, or whose rest is not found after a damaged header, is
    # recognised only by what follows: nothing, or something other than the zeros that end a tar.
    stream = cast(IO[bytes], content.fileobj)
    stream.seek(content.offset)
    ending = stream.read(PIECE)
    if not ending:
        raise EOFError("its end is missing")
    while ending:
        if any(ending):
            raise EOFError("something other than its end follows the last entry")
        ending = stream.read(PIECE)


def _acceptable(archive: Path, entries: Iterator[ArchiveEntry], limit: int) -> list[ArchiveEntry]:
    """All entries, if every one may be written and together they stay within ``limit``."""
    files, total = [], 0
    for entry in entries:
        fault = entry.fault or _name_fault(entry.name)
        if fault:
            raise _refusal(archive, f"entry {entry.name} {fault}")
        total += _disk_bytes(entry)
        if total > limit:
            raise _refusal(
                archive, f"it would take more than {limit / 1e9:g} GB, which the official one does not"
            )
        files.append(entry)
    return files


def _name_fault(name: str) -> str:
    path = PurePosixPath(name)
    if not path.parts or path.is_absolute() or ".." in path.parts or "\\" in name:
        return "lies outside the folder to unpack into"
    return ""


def _refusal(archive: Path, reason: str) -> BadDataError:
    return BadDataError(f"{archive}: {reason}; nothing was unpacked", "fetch the official archive")


def _disk_bytes(entry: ArchiveEntry) -> int:
    return max(1, -(-entry.size // DISK_BLOCK)) * DISK_BLOCK


def _write(entry: ArchiveEntry, target: Path) -> int:
    """Write as many bytes as the entry declares, and not one more, whatever it holds; return their CRC-32."""
    target.parent.mkdir(parents=True, exist_ok=True)
    left, checksum = entry.size, 0
    with entry.open() as source, target.open("wb") as stream:
        while left and (piece := source.read(min(left, PIECE))):
            stream.write(piece)
            left, checksum = left - len(piece), zlib.crc32(piece, checksum)
        if left or source.read(1):
            raise EOFError(f"entry {entry.name} is not as long as it declares")
    return checksum
