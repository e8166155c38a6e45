"""Safe unpacking of zip and tar archives, whoever made them.

Names must stay inside the target folder, and only plain files and folders are written: a link could
point anywhere, and a later entry could be written through it.
"""

import shutil
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO

from danet.errors import BadDataError
from danet.progress import ProgressLine

SYMBOLIC_LINK = 0o120000
FILE_TYPE = 0o170000


def unpack(archive: Path, folder: Path) -> None:
    """Unpack ``archive`` (.zip, .tar, .tar.gz) into ``folder``, which exists.

    Raises:
        BadDataError: the archive is damaged or cut off, or an entry would be written outside
            ``folder``, or is a link or a device.
    """
    try:
        if archive.suffix == ".zip":
            _unpack_zip(archive, folder)
        else:
            _unpack_tar(archive, folder)
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # a full disk or a read-only folder says nothing about the archive
        raise BadDataError(
            f"{archive}: this archive is damaged or cut off ({error})", "delete it and run the command again"
        ) from None


def _unpack_zip(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as content:
        entries = content.infolist()
        with ProgressLine(f"unpacking {archive.name}", len(entries), "files") as progress:
            for entry in entries:
                target = _target(archive, folder, entry.filename)
                if (entry.external_attr >> 16) & FILE_TYPE == SYMBOLIC_LINK:
                    raise _refusal(archive, entry.filename, "is a link")
                if not entry.is_dir():
                    with content.open(entry) as source:
                        _write(source, target)
                progress.advance()


def _unpack_tar(archive: Path, folder: Path) -> None:
    with (
        tarfile.open(archive) as content,
        ProgressLine(f"unpacking {archive.name}", None, "files") as progress,
    ):
        for entry in content:
            target = _target(archive, folder, entry.name)
            if not (entry.isfile() or entry.isdir()):
                raise _refusal(archive, entry.name, "is a link or a device")
            if entry.isfile():
                source = content.extractfile(entry)
                _write(source, target)
            progress.advance()
        # A tar that is cut between two entries shows only by the lack of a closing block.
        content.fileobj.seek(content.offset)
        if not content.fileobj.read(tarfile.BLOCKSIZE):
            raise EOFError("its end is missing")


def _target(archive: Path, folder: Path, name: str) -> Path:
    """Where an entry is to be written."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name:
        raise _refusal(archive, name, "lies outside the folder to unpack into")
    return folder / path


def _write(source: IO[bytes], target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as stream:
        shutil.copyfileobj(source, stream, 1 << 20)


def _refusal(archive: Path, name: str, reason: str) -> BadDataError:
    return BadDataError(
        f"{archive}: entry {name} {reason}; nothing was unpacked", "fetch the official archive"
    )
