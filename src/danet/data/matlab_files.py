"""MATLAB files, each field verified by the checksum of its compressed form.

A MATLAB 5 file is a header of 128 bytes and one element after the other. A compressed element is a zlib
stream, which ends in a checksum. An element that is stored plainly has none: one changed byte is another
label, or crashes SciPy's parser and the process with it. So plain elements are refused, streams are
decompressed and compared to their checksum first, and SciPy is given only bytes that are known to be whole.

MATLAB compresses since version 7 unless told otherwise, and the script that made COCO Stuff 1.1
(nightrome/cocostuff10k, upgradeLabelsToVersion11.m) does not; of PASCAL Context's files it is assumed.
"""

import io
import struct
import zlib
from collections.abc import Collection, Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np

from danet.data.layout import UNPACK_ANEW
from danet.errors import BadDataError

HEADER_SIZE = 128
VERSION_AND_BYTE_ORDER = b"\x00\x01IM"
COMPRESSED = 15

# In place of the one on disk, whose bytes nothing vouches for.
HEADER = b"MATLAB 5.0 MAT-file".ljust(116) + bytes(8) + VERSION_AND_BYTE_ORDER

# The most that one field may unpack to: a label of 8000x8000 pixels in double precision.
MOST_BYTES = 1 << 29

# Where the name of a field is found.
HEAD_BYTES = 256

# Above these, a floating-point number no longer stands for one whole number.
LARGEST_WHOLE = 2.0**53


def read_fields(path: Path, names: Collection[str]) -> dict[str, bytes]:
    """The named fields of a MATLAB file, as far as it has them, decompressed and verified.

    Raises:
        BadDataError: not a MATLAB 5 file, or damaged, or a field is not compressed.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from None
    if content[HEADER_SIZE - 4 : HEADER_SIZE] != VERSION_AND_BYTE_ORDER:
        raise _unreadable(path, "not of version 5")
    fields = {}
    for stream in _streams(content, path):
        name = _name(stream, path)
        if name in names:
            fields[name] = _decompressed(stream, path)
    return fields


def matrix(fields: dict[str, bytes], name: str, path: Path) -> np.ndarray:
    """(H, W) integers of a field.

    Raises:
        BadDataError: there is no such field, or it is no matrix of whole numbers.
    """
    if name not in fields:
        raise BadDataError(f"{path}: this MATLAB file has no field {name}", UNPACK_ANEW)
    values = _loaded(fields[name], name)
    # A sparse matrix is no array.
    if not isinstance(values, np.ndarray) or values.ndim != 2 or not values.size or not _whole(values):
        raise BadDataError(f"{path}: field {name} is not a matrix of whole numbers", UNPACK_ANEW)
    return values.astype(np.int64) if values.dtype.kind == "f" else values


def words(fields: dict[str, bytes], name: str, path: Path) -> tuple[str, ...]:
    """The texts of a field that is a list of texts.

    Raises:
        BadDataError: there is no such field, or it is no list of texts.
    """
    texts = _texts(fields[name], name) if name in fields else ()
    if not texts:
        raise BadDataError(f"{path}: this MATLAB file has no field {name} of texts", UNPACK_ANEW)
    return texts


@lru_cache(maxsize=4)
def _texts(field: bytes, name: str) -> tuple[str, ...]:
    """The texts of a list, or nothing; SciPy is slow at it, and all files of a release share one list."""
    cells = _loaded(field, name).ravel()
    if cells.dtype.kind != "O" or any(cell.dtype.kind != "U" or cell.size != 1 for cell in cells):
        return ()
    return tuple(cell.item() for cell in cells)


def _streams(content: bytes, path: Path) -> Iterator[memoryview]:
    """The compressed elements of a file: kind, size, zlib stream."""
    position = HEADER_SIZE
    while position < len(content):
        kind, size = struct.unpack_from("<II", content.ljust(position + 8), position)
        if kind != COMPRESSED:
            raise BadDataError(
                f"{path}: a field is damaged, or stored without compression and so without checksum",
                f"{UNPACK_ANEW}; for files of your own use scipy.io.savemat(..., do_compression=True)",
            )
        if position + 8 + size > len(content):
            raise _unreadable(path, "it is cut off")
        yield memoryview(content)[position + 8 : position + 8 + size]
        position += 8 + size


def _name(stream: memoryview, path: Path) -> str:
    """Name of a field. It follows on three tags of 8 bytes, 8 bytes of flags and the dimensions."""
    try:
        head = zlib.decompressobj().decompress(stream, HEAD_BYTES)
        (dimensions,) = struct.unpack_from("<I", head, 28)
        position = 32 + dimensions + -dimensions % 8
        short, size = struct.unpack_from("<II", head, position)
    except (zlib.error, struct.error) as error:
        raise _unreadable(path, error) from None
    # Up to four letters are within the tag, beside their number.
    name = head[position + 4 :][: short >> 16] if short >> 16 else head[position + 8 :][:size]
    return name.decode("latin-1")


def _decompressed(stream: memoryview, path: Path) -> bytes:
    decompressor = zlib.decompressobj()
    try:
        content = decompressor.decompress(stream, MOST_BYTES)
    except zlib.error as error:
        raise _unreadable(path, error) from None
    # Only at its end has a decompressor compared the checksum.
    if not decompressor.eof or decompressor.unused_data:
        raise _unreadable(path, "a field does not end where it should")
    return content


def _loaded(field: bytes, name: str) -> np.ndarray:
    # A training reads prepared data only and does without SciPy.
    from scipy.io import loadmat

    return loadmat(io.BytesIO(HEADER + field), variable_names=[name])[name]


def _whole(values: np.ndarray) -> bool:
    if values.dtype.kind == "f":
        small = np.abs(values) < LARGEST_WHOLE  # False for nan
        return bool(small.all()) and bool((values == np.floor(values)).all())
    return values.dtype.kind in "ui"


def _unreadable(path: Path, reason: object) -> BadDataError:
    return BadDataError(f"{path}: not a readable MATLAB file ({reason})", UNPACK_ANEW)
