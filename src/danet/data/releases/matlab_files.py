"""MATLAB files of version 5, as MATLAB and SciPy write them, read without trust in their content.

Such a file is a header of 128 bytes and one element after the other. A compressed element is a zlib stream,
which ends in a checksum; a plain one has none, and a changed byte of it can give another label. Which files
hold checksums is told by :func:`holds_checksums`; of the others, the archive that they came in has one.

MATLAB compresses since version 7 unless told otherwise, and the script that made COCO Stuff 1.1
(nightrome/cocostuff10k, upgradeLabelsToVersion11.m) keeps to that; SciPy does not unless asked to, and the
files of PASCAL Context bear SciPy's header. SciPy's own reader may crash on a damaged plain element, and the
process with it, so elements are read here: every length is compared with what is there.
"""

import struct
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import Path

import numpy as np

from danet.data.releases.layout import UNPACK_AGAIN, forbidden
from danet.errors import BadDataError

HEADER_SIZE = 128
VERSION_AND_BYTE_ORDER = b"\x00\x01IM"

# Types of elements, and how numbers are stored; tables 1-1 and 1-3 of MathWorks' "MAT-File Format".
INT8, UINT16, INT32, UINT32, MATRIX, COMPRESSED, UTF8, UTF16 = 1, 4, 5, 6, 14, 15, 16, 17
NUMBERS = {1: "i1", 2: "u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4", 7: "<f4", 9: "<f8", 12: "<i8", 13: "<u8"}
TEXTS = {INT8: "latin-1", 2: "latin-1", UINT16: "utf-16-le", UTF8: "utf-8", UTF16: "utf-16-le"}
# Kinds of matrices.
CELL, STRUCT, TEXT, NUMERIC, OPAQUE = 1, 2, 4, range(6, 16), 17
COMPLEX = 8  # a flag

# The most that one field may unpack to: a label of 8000x8000 pixels in double precision.
MOST_BYTES = 1 << 29

# The name of a field lies within these.
HEAD_BYTES = 256

# Above these, a floating-point number no longer stands for one whole number.
LARGEST_WHOLE = 2.0**53

MOST_NESTED = 8  # structs in structs


class DamageError(Exception):
    """A length or type inside a file that cannot be; becomes BadDataError."""


@dataclass(frozen=True)
class Field:
    """A matrix of any kind, with its content still as bytes."""

    kind: int
    is_complex: bool
    shape: tuple[int, ...]
    content: bytes
    """Its elements."""


def read_fields(path: Path, names: Collection[str]) -> dict[str, Field]:
    """Those of the named fields that a MATLAB file has, alone or inside of a struct.

    Raises:
        BadDataError: not a MATLAB 5 file, damaged, or a name occurs twice.
        StorageError: permission to read it is missing.
    """
    try:
        found: dict[str, Field] = {}
        for name, field in _fields_of(_content(path), names):
            if name in found:
                raise DamageError(f"field {name} occurs twice")
            found[name] = field
    except (DamageError, zlib.error, struct.error) as error:
        raise _unreadable(path, error) from None
    return found


def holds_checksums(path: Path) -> bool:
    """Whether all elements of a file are compressed, and so verified when they are read; raises as above."""
    try:
        return all(kind == COMPRESSED for kind, _ in _elements(_content(path)))
    except (DamageError, struct.error) as error:
        raise _unreadable(path, error) from None


def matrix(fields: dict[str, Field], name: str, path: Path) -> np.ndarray:
    """(H, W) integers of a field.

    Raises:
        BadDataError: there is no such field, or it is not a matrix of whole numbers.
    """
    if name not in fields:
        raise BadDataError(f"{path}: this MATLAB file has no field {name}", UNPACK_AGAIN)
    values = _numbers(fields[name], path)
    if values is None or values.ndim != 2 or not values.size or not _whole(values):
        raise BadDataError(f"{path}: field {name} is not a matrix of whole numbers", UNPACK_AGAIN)
    return values if values.dtype in (np.uint8, np.uint16) else values.astype(np.int64)


def words(fields: dict[str, Field], name: str, path: Path) -> tuple[str, ...]:
    """The texts of a field that is a list of texts.

    Raises:
        BadDataError: there is no such field, or it is not a list of texts.
    """
    texts = _texts(fields[name]) if name in fields else ()
    if not texts:
        raise BadDataError(f"{path}: this MATLAB file has no list of texts {name}", UNPACK_AGAIN)
    return texts


def _content(path: Path) -> bytes:
    """The bytes of a file that begins as one of version 5."""
    try:
        content = path.read_bytes()
    except PermissionError:
        raise forbidden(path) from None
    except OSError as error:
        raise _unreadable(path, error) from None
    if content[HEADER_SIZE - 4 : HEADER_SIZE] != VERSION_AND_BYTE_ORDER:
        raise _unreadable(path, "not of version 5")
    return content


def _fields_of(content: bytes, names: Collection[str]) -> Iterator[tuple[str, Field]]:
    """The named fields; of a compressed element that is not asked for, only the beginning is unpacked."""
    for kind, data in _elements(content):
        head = zlib.decompressobj().decompress(data, HEAD_BYTES) if kind == COMPRESSED else data
        if kind == COMPRESSED:
            (of_inner,) = struct.unpack_from("<I", head)
            if of_inner != MATRIX:
                raise DamageError("a compressed element is not a matrix")
            head = head[8:]
        name, matrix_kind = _name_and_kind(memoryview(head))
        if name in names or matrix_kind == STRUCT:
            whole = _decompressed(data) if kind == COMPRESSED else data
            yield from _found(*_field(whole), names)


def _elements(content: bytes) -> Iterator[tuple[int, memoryview]]:
    """Type and content of all that follows the header; zeros may fill up the end."""
    view, position = memoryview(content), HEADER_SIZE
    while position < len(content) and any(view[position:]):
        kind, size = struct.unpack_from("<II", content.ljust(position + 8), position)
        if kind not in (MATRIX, COMPRESSED):
            raise DamageError(f"an element of type {kind}")
        if position + 8 + size > len(content):
            raise DamageError("it is cut off")
        yield kind, view[position + 8 : position + 8 + size]
        # Compressed elements follow each other without a gap.
        position += 8 + size + (-size % 8 if kind == MATRIX else 0)


def _found(name: str, field: Field, names: Collection[str], depth: int = 0) -> Iterator[tuple[str, Field]]:
    """The field if it is a named one; if it is a struct, the named ones inside."""
    if name in names:
        yield name, field
    elif field.kind == STRUCT and prod(field.shape) == 1 and depth < MOST_NESTED:
        view = memoryview(field.content)
        (_, width), (_, listed), *values = _parts(view)
        length = int.from_bytes(width, "little")
        if not 0 < length <= HEAD_BYTES or len(listed) != length * len(values):
            raise DamageError("a struct that does not name its fields")
        for place, (kind, data) in enumerate(values):
            inner = bytes(listed[place * length :][:length]).partition(b"\0")[0].decode("latin-1")
            if kind == MATRIX and data:
                yield from _found(inner, _field(data)[1], names, depth + 1)


def _decompressed(data: memoryview) -> memoryview:
    """The content of the matrix that a zlib stream holds."""
    decompressor = zlib.decompressobj()
    content = decompressor.decompress(data, MOST_BYTES)
    # A decompressor compares the checksum only at the end of its stream.
    if not decompressor.eof or decompressor.unused_data:
        raise DamageError("a field does not end where it should")
    (size,) = struct.unpack_from("<I", content, 4)
    if size != len(content) - 8:
        raise DamageError("a field is not as long as it says")
    return memoryview(content)[8:]


def _name_and_kind(head: memoryview) -> tuple[str, int]:
    """Of a matrix, of which the beginning is enough."""
    (_, flags), position = _part(head, 0)
    kind = flags[0] if flags else 0
    if kind != OPAQUE:  # an object of MATLAB's own has no shape
        _, position = _part(head, position)
    (_, name), _ = _part(head, position)
    return bytes(name).decode("latin-1"), kind


def _field(data: memoryview) -> tuple[str, Field]:
    """Name and content of a whole matrix."""
    (flags_type, flags), position = _part(data, 0)
    (shape_type, shape), position = _part(data, position)
    (_, name), position = _part(data, position)
    if (flags_type, len(flags), shape_type) != (UINT32, 8, INT32) or len(shape) % 4:
        raise DamageError("a field without kind and shape")
    sides = tuple(np.frombuffer(shape, "<i4").tolist())
    if any(side < 0 for side in sides):
        raise DamageError(f"a field of shape {sides}")
    field = Field(flags[0], bool(flags[1] & COMPLEX), sides, bytes(data[position:]))
    return bytes(name).decode("latin-1"), field


def _parts(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    position = 0
    while position < len(data):
        part, position = _part(data, position)
        yield part


def _part(data: memoryview, position: int) -> tuple[tuple[int, memoryview], int]:
    """Type and content of the element at a position, and the position of the next one."""
    kind, size = struct.unpack_from("<II", data, position)
    # Up to four bytes stand in the tag itself, beside their number.
    small = kind >> 16
    begin, length = (position + 4, small) if small else (position + 8, size)
    if small > 4 or begin + length > len(data):
        raise DamageError("an element is longer than the field that it is in")
    after = position + 8 if small else begin + length + -length % 8
    return (kind & 0xFFFF, data[begin : begin + length]), after


def _numbers(field: Field, path: Path) -> np.ndarray | None:
    """The values of a real matrix of numbers; None of any other."""
    if field.kind not in NUMERIC or field.is_complex:
        return None
    try:
        ((kind, data),) = _parts(memoryview(field.content))
        return np.frombuffer(data, NUMBERS[kind]).reshape(field.shape, order="F")
    except (ValueError, KeyError, DamageError, struct.error):
        raise _unreadable(path, "a field does not hold as many numbers as it says") from None


@lru_cache(maxsize=4)
def _texts(field: Field) -> tuple[str, ...]:
    """The texts of a list, or none; all files of a release share one list."""
    try:
        cells = [_field(data)[1] for kind, data in _parts(memoryview(field.content)) if kind == MATRIX]
        if field.kind != CELL or len(cells) != prod(field.shape):
            return ()
        return tuple(map(_text, cells))
    except (DamageError, struct.error, ValueError, KeyError):
        return ()


def _text(cell: Field) -> str:
    """The text of one line; ValueError where it is none."""
    ((kind, data),) = _parts(memoryview(cell.content))
    text = bytes(data).decode(TEXTS[kind])
    if cell.kind != TEXT or cell.shape != (1, len(text)) or not text:
        raise ValueError("not a text of one line")
    return text


def _whole(values: np.ndarray) -> bool:
    if values.dtype.kind == "f":
        small = np.abs(values) < LARGEST_WHOLE  # False for nan
        return bool(small.all()) and bool((values == np.floor(values)).all())
    return True


def _unreadable(path: Path, reason: object) -> BadDataError:
    return BadDataError(f"{path}: not a readable MATLAB file ({reason})", UNPACK_AGAIN)
