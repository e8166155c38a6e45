"""Plain pixels in NumPy's file format, written and read a piece at a time without a memory map."""

import io
import os
import weakref
import zlib
from collections.abc import Sequence
from math import prod
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from danet.errors import BadDataError
from danet.files import storing

# Bytes before the end that may leave the page cache too: those that the disk had not taken earlier.
BEHIND = 1 << 28

# Bytes that are verified at once: they stay in the processor's cache, and cost the kernel no fresh memory.
PIECE = 1 << 18


def allocate(path: Path, shape: tuple[int, ...]) -> None:
    """Create a file of uint8 pixels; its space on the disk is reserved.

    Raises:
        StorageError: the disk does not have that much space.
    """
    header = _header(shape)
    with storing(path), path.open("wb") as stream:
        stream.write(header)
        stream.flush()
        if hasattr(os, "posix_fallocate"):  # not on macOS, where the disk may fill up during writing
            os.posix_fallocate(stream.fileno(), 0, len(header) + prod(shape))


def write_pixels(path: Path, shape: tuple[int, ...], first: int, pixels: np.ndarray) -> None:
    """Write pixels to an allocated file of ``shape``, from pixel ``first`` on.

    Several processes may write different pixels at the same time.

    Raises:
        StorageError: the disk is full.
    """
    position = len(_header(shape)) + first * prod(shape[1:])
    left = np.ascontiguousarray(pixels).data.cast("B")
    with storing(path), path.open("r+b", buffering=0) as stream:
        while left:
            written = os.pwrite(stream.fileno(), left, position)
            left, position = left[written:], position + written
        _leave_page_cache(stream.fileno(), position)


def _leave_page_cache(descriptor: int, end: int) -> None:
    """Start writing the last bytes before ``end`` to the disk; drop from memory those that it has.

    A prepared data set is larger than most memories: it would push out what others need, and count towards
    the limit of a batch job. Fresh memory is not cheap either: on a virtual machine that got its pages one by
    one, writing an image of 2048x1024 took 19 ms without this and 2 ms with it.
    """
    if hasattr(os, "posix_fadvise"):  # not on macOS
        begin = max(0, end - BEHIND)
        os.posix_fadvise(descriptor, begin, end - begin, os.POSIX_FADV_DONTNEED)


class PixelFile:
    """A file of uint8 pixels, (P,) or (P, C), open for reading; threads and forked processes may share it.

    Args:
        path: an .npy file.
        shape: what it has to hold.
        remedy: what to do about damage, for messages.

    Raises:
        FileNotFoundError: the file is not found.
        BadDataError: it is not such a file, of another shape, or cut off.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], remedy: str) -> None:
        self.path, self._shape, self._remedy = path, shape, remedy
        header = _header(shape)
        self._begin, size = len(header), len(header) + prod(shape)
        with path.open("rb") as stream:
            if stream.read(len(header)) != header:
                raise self.damage(f"not the uint8 pixels, {shape}, that the index describes")
            found = os.fstat(stream.fileno()).st_size
            if found != size:
                raise self.damage(f"{found} bytes long instead of {size}")
            self._descriptor = os.dup(stream.fileno())
        weakref.finalize(self, os.close, self._descriptor)

    def read(self, first: int, shape: Sequence[int]) -> np.ndarray:
        """The pixels from ``first`` on: a new array of ``shape``, then C where the file has channels.

        Raises:
            BadDataError: they cannot be read.
        """
        pixels = np.empty((*shape, *self._shape[1:]), np.uint8)
        self._read_into(pixels.data.cast("B"), first * prod(self._shape[1:]))
        return pixels

    def checksum(self, first: int, count: int) -> int:
        """CRC-32 of ``count`` pixels from ``first`` on, without holding all of them.

        Raises:
            BadDataError: they cannot be read.
        """
        each = prod(self._shape[1:])
        position, end, checksum = first * each, (first + count) * each, 0
        buffer = memoryview(bytearray(min(PIECE, end - position)))
        while position < end:
            part = buffer[: end - position]
            self._read_into(part, position)
            checksum, position = zlib.crc32(part, checksum), position + len(part)
        return checksum

    def _read_into(self, left: memoryview, position: int) -> None:
        """Fill a buffer with what follows a position behind the header."""
        position += self._begin
        while left:
            try:
                count = os.preadv(self._descriptor, [left], position)
            except OSError as error:
                raise self.damage(f"cannot be read ({error.strerror})") from None
            if not count:
                raise self.damage("has become shorter since it was opened")
            left, position = left[count:], position + count

    def damage(self, reason: str) -> BadDataError:
        """An error that says what is wrong with the file."""
        return BadDataError(f"{self.path}: {reason}", self._remedy)


def _header(shape: tuple[int, ...]) -> bytes:
    """What NumPy writes before an array of uint8."""
    stream = io.BytesIO()
    npy.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return stream.getvalue()
