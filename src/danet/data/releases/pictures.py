"""Decoding of image and label files, with errors that name the file.

A PNG has a checksum in each of its chunks. Pillow skips those of the pixels, so that a changed byte can
become other pixels; here all of them are compared. A JPEG has none: a changed byte can change the pixels of
an image, unless the archive's checksum of the file is known, but never a label, since labels must be PNG.
"""

import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from danet.data.releases.layout import UNPACK_AGAIN, forbidden
from danet.errors import BadDataError

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

# Bytes of a PNG file that say how pixels are stored, and two of the kinds.
DEPTH, KIND, INTERLACED = 24, 25, 28
GREY, PALETTE = 0, 3

# Pillow's modes for grey values from 0 to 65535; PGM files of that range are read as "I".
GREY_16, PGM_16 = ("I;16", "I;16B", "I;16L", "I;16N"), ("PPM", "I")

USE_OFFICIAL_LABELS = "use the label files of the official release"
FORMATS = ("PNG", "JPEG")
"""Tried on every file, whatever its suffix."""

ORIENTATION, ROTATED = 0x0112, range(2, 9)  # an EXIF tag, and its values for pixels not shown as stored


@cache
def image_suffixes() -> dict[str, str]:
    """Pillow's name of the format by suffix (``.jpg``), for all formats that Pillow reads."""
    formats = Image.registered_extensions()
    return {suffix: name for suffix, name in formats.items() if name in Image.OPEN}


def image_size(path: Path) -> tuple[int, int]:
    """Height and width in pixels, from the file's header.

    Raises:
        BadDataError: not an image.
    """
    with _opened(path, path) as picture:
        return picture.height, picture.width


def read_image(path: Path, upright: bool = False) -> np.ndarray:
    """RGB pixels, (H, W, 3) uint8; 16 bits of grey are scaled to 8.

    Args:
        path: a PNG or JPEG file, or one of the format that its suffix names.
        upright: refuse an image that viewers rotate, since its label may have been drawn on that view.

    Raises:
        BadDataError: the file does not decode, has values of no known range, or is not upright.
        StorageError: permission to read it is missing.
    """
    with _opened(path, io.BytesIO(verified_content(path))) as picture:
        if upright and picture.getexif().get(ORIENTATION) in ROTATED:
            raise BadDataError(
                f"{path}: viewers rotate or mirror this image by its EXIF orientation, training would not",
                "store the pixels upright",
            )
        if picture.mode in GREY_16 or (picture.format, picture.mode) == PGM_16:
            # Pillow would cut the values off at 255. Rounded to the nearest.
            grey = ((np.asarray(picture).astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8)
            return np.repeat(grey[..., None], 3, axis=-1)
        if picture.mode[0] in "IF":
            raise BadDataError(
                f"{path}: this image has 32 bits a pixel, and its format does not say which value is white",
                "convert it to 8 bits",
            )
        # Converting copies the pixels even where there is nothing to convert.
        return np.asarray(picture if picture.mode == "RGB" else picture.convert("RGB"))


def read_index_image(path: Path) -> np.ndarray:
    """(H, W) values of a PNG file that holds one number a pixel, uint8 or uint16.

    Raises:
        BadDataError: the file does not decode, is not a PNG, or holds colours, fewer than 8 bits of grey,
            or interlaced lines.
    """
    content = verified_content(path)
    with _opened(path, io.BytesIO(content)) as picture:
        if reason := _unfit_for_label(picture, content):
            raise BadDataError(
                f"{path}: a label is one number a pixel in a PNG file, this holds {reason}",
                USE_OFFICIAL_LABELS,
            )
        values = np.asarray(picture)
        # Pillow reads missing lines as zeros. It fills lines from the top, so another value in the last
        # one shows that none is missing, without inflating the file a second time.
        if not values[-1].any():
            _verify_length(content, picture.height * (1 + -(-picture.width * content[DEPTH] // 8)), path)
        return values


def _unfit_for_label(picture: Image.Image, content: bytes) -> str:
    """Why a picture cannot be a label; empty if it can."""
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
    """A picture that is decoded inside the block; all that can go wrong becomes an error naming ``path``."""
    try:
        with warnings.catch_warnings():
            # Sizes from a damaged header, which no data set has.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(source, formats=_formats(path)) as picture:
                yield picture
    except PermissionError:
        raise forbidden(path) from None
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


def verified_content(path: Path) -> bytes:
    """The bytes of a file; if it is a PNG, its checksums are compared."""
    try:
        content = path.read_bytes()
    except PermissionError:
        raise forbidden(path) from None
    except OSError as error:
        raise _damaged(path, error) from None
    if content.startswith(PNG_SIGNATURE):
        _verify_chunks(content, path)
    return content


def _formats(path: Path) -> tuple[str, ...]:
    suffix = path.suffix.lower()
    # Looking a format up imports all that Pillow knows.
    known = suffix in ("", ".png", ".jpg", ".jpeg") or suffix not in image_suffixes()
    return FORMATS if known else (*FORMATS, image_suffixes()[suffix])


def _verify_chunks(content: bytes, path: Path) -> None:
    """Raise BadDataError unless the checksum of each chunk of a PNG file is right."""
    for kind, data, checksum in _chunks(content, path):
        if zlib.crc32(data, zlib.crc32(kind)) != checksum:
            raise _damaged(path, f"the checksum of its part {kind.decode('latin-1')} is wrong")


def _verify_length(content: bytes, length: int, path: Path) -> None:
    """Raise BadDataError unless the pixels of a PNG file are complete."""
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
    return BadDataError(f"{path}: this image does not decode ({reason})", UNPACK_AGAIN)
