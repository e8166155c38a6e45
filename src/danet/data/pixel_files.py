"""Plain pixels in NumPy's file format, written and read a piece at a time without a memory map."""

import io
import os
import weakref
from collections.abc import Sequence
from math import prod
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from danet.errors import BadDataError
from danet.files import storing

# Bytes before the written place that may leave the page cache too: what the disk has not taken yet.
BEHIND = 1 << 28


def allocate(path: Path, shape: tuple[int, ...]) -> None:
    """Create a file of uint8 pixels, whose room on the disk is certain from then on.

    Raises:
        StorageError: the disk does not have the room.
    """
    header = _header(shape)
    with storing(path), path.open("wb") as stream:
        stream.write(header)
        stream.flush()
        if hasattr(os, "posix_fallocate"):  # macOS has none: there the disk may fill up on the way
            os.posix_fallocate(stream.fileno(), 0, len(header) + prod(shape))


def write_pixels(path: Path, shape: tuple[int, ...], first: int, pixels: np.ndarray) -> None:
    """Write pixels to an allocated file of ``shape``, from pixel ``first`` on.

    Processes may write different pixels at the same time.

    Raises:
        StorageError: the disk does not have the room.
    """
    position = len(_header(shape)) + first * prod(shape[1:])
    left = memoryview(np.ascontiguousarray(pixels)).cast("B")
    with storing(path), path.open("r+b", buffering=0) as stream:
        while left:
            written = os.pwrite(stream.fileno(), left, position)
            left, position = left[written:], position + written
        _leave_page_cache(stream.fileno(), position)


def _leave_page_cache(descriptor: int, end: int) -> None:
    """Start to write the last bytes before ``end`` to the disk; drop those that are there from memory.

    A prepared data set is larger than most memories: it would push out what others need, and count towards
    the limit of a batch job. Fresh memory is not cheap either: on a virtual machine that had to be given its
    pages one by one, writing an image of 2048x1024 took 19 ms without this and 2 ms with it.
    """
    if hasattr(os, "posix_fadvise"):  # macOS has none
        begin = max(0, end - BEHIND)
        os.posix_fadvise(descriptor, begin, end - begin, os.POSIX_FADV_DONTNEED)


class PixelFile:
    """A file of uint8 pixels, (P,) or (P, C), open for reading; threads and forked processes may share it.

    Args:
        path: an .npy file.
        shape: what it has to hold.
        remedy: what to do about damage, for error messages.

    Raises:
        FileNotFoundError: it is not there.
        BadDataError: it is no such file, of another shape, or cut off.
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
            BadDataError: the disk does not give them.
        """
        pixels = np.empty((*shape, *self._shape[1:]), np.uint8)
        left, position = memoryview(pixels).cast("B"), self._begin + first * prod(self._shape[1:])
        while left:
            try:
                count = os.preadv(self._descriptor, [left], position)
            except OSError as error:
                raise self.damage(f"cannot be read ({error.strerror})") from None
            if not count:
                raise self.damage("has become shorter since it was opened")
            left, position = left[count:], position + count
        return pixels

    def damage(self, reason: str) -> BadDataError:
        """The error that says what is wrong with the file."""
        return BadDataError(f"{self.path}: {reason}", self._remedy)


def _header(shape: tuple[int, ...]) -> bytes:
    """What NumPy writes before an array of uint8."""
    stream = io.BytesIO()
    npy.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})
    return stream.getvalue()
