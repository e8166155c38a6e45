"""Decoding of image and label files, with errors that name the file.

A PNG has a checksum in each of its chunks. Pillow leaves out those of the pixels, so that a changed byte
can become other pixels; here all of them are compared. A JPEG has none: a changed byte can change an
image's pixels, but never a label, since labels must be PNG.
"""

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from danet.data.layout import UNPACK_ANEW
from danet.errors import BadDataError

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

# Bytes of a PNG file that say how pixels are stored, and two of the kinds.
DEPTH, KIND, INTERLACED = 24, 25, 28
GREY, PALETTE = 0, 3

FORMATS = ("PNG", "JPEG")


def image_size(path: Path) -> tuple[int, int]:
    """Height and width in pixels, from the file's header.

    Raises:
        BadDataError: not an image.
    """
    with _opened(path, path) as picture:
        return picture.height, picture.width


def read_image(path: Path) -> np.ndarray:
    """RGB pixels, (H, W, 3) uint8, of a PNG or a JPEG file.

    Raises:
        BadDataError: the file does not decode.
    """
    with _opened(path, io.BytesIO(_content(path))) as picture:
        # Converting copies the pixels even where there is nothing to convert.
        return np.asarray(picture if picture.mode == "RGB" else picture.convert("RGB"))


def read_index_image(path: Path) -> np.ndarray:
    """(H, W) values of a PNG file that holds one number a pixel, uint8 or uint16.

    Raises:
        BadDataError: the file does not decode, is no PNG, or holds colours, fewer than 8 bits of grey, or
            interlaced lines.
    """
    content = _content(path)
    with _opened(path, io.BytesIO(content)) as picture:
        if reason := _unfit_for_label(picture, content):
            raise BadDataError(
                f"{path}: a label is one number a pixel in a PNG file, this holds {reason}",
                "use the label files of the official release",
            )
        values = np.asarray(picture)
        # Pillow takes missing lines for zeros. It fills them from the top, so that another value in the
        # last line shows that none is missing, without inflating the file a second time.
        if not values[-1].any():
            _verify_length(content, picture.height * (1 + -(-picture.width * content[DEPTH] // 8)), path)
        return values


def _unfit_for_label(picture: Image.Image, content: bytes) -> str:
    """Why a picture cannot be a label; nothing if it can."""
    if picture.format != "PNG":
        return f"a {picture.format} picture, which changes values"
    if content[KIND] not in (GREY, PALETTE):
        return f"colours ({picture.mode})"
    # Pillow scales these to the range of a byte.
    if content[KIND] == GREY and content[DEPTH] < 8:
        return "fewer than 8 bits of grey"
    return "interlaced lines" if content[INTERLACED] else ""


@contextmanager
def _opened(path: Path, source: Path | io.BytesIO) -> Iterator[Image.Image]:
    """A picture that is decoded inside the block; whatever hinders it names ``path``."""
    try:
        with warnings.catch_warnings():
            # Sizes that no data set has, out of a damaged header.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(source, formats=FORMATS) as picture:
                yield picture
    except (
        OSError,
        SyntaxError,
        ValueError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
        # Pillow names the file in some messages and an object's address in others.
        reason = "not an image" if isinstance(error, Image.UnidentifiedImageError) else error
        raise _damaged(path, reason) from None


def _content(path: Path) -> bytes:
    """The bytes of a file; those of a PNG file with its checksums compared."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _damaged(path, error) from None
    if content.startswith(PNG_SIGNATURE):
        _verify_chunks(content, path)
    return content


def _verify_chunks(content: bytes, path: Path) -> None:
    """Compare the checksum of each chunk of a PNG file."""
    for kind, data, checksum in _chunks(content, path):
        if zlib.crc32(data, zlib.crc32(kind)) != checksum:
            raise _damaged(path, f"the checksum of its part {kind.decode('latin-1')} is wrong")


def _verify_length(content: bytes, length: int, path: Path) -> None:
    """See that the pixels of a PNG file are all there."""
    decompressor = zlib.decompressobj()
    stream = b"".join(data for kind, data, _ in _chunks(content, path) if kind == b"IDAT")
    try:
        found = len(decompressor.decompress(stream, length + 1))
    except zlib.error as error:
        raise _damaged(path, error) from None
    if found != length or not decompressor.eof:
        raise _damaged(path, "it does not hold as many pixels as it says")


def _chunks(content: bytes, path: Path) -> Iterator[tuple[bytes, memoryview, int]]:
    """Kind, data and checksum of each chunk of a PNG file."""
    view, position, kind = memoryview(content), len(PNG_SIGNATURE), b""
    while kind != b"IEND":
        if position + 12 > len(content):
            raise _damaged(path, "it is cut off")
        length, kind = struct.unpack_from(">I4s", content, position)
        end = position + 8 + length
        if end + 4 > len(content):
            raise _damaged(path, "it is cut off")
        yield kind, view[position + 8 : end], struct.unpack_from(">I", content, end)[0]
        position = end + 4


def _damaged(path: Path, reason: object) -> BadDataError:
    return BadDataError(f"{path}: this image does not decode ({reason})", UNPACK_ANEW)
