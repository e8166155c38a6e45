"""Anyone's photographs, of any size, format and mode, as the pixels that a network takes: RGB, upright.

Unlike an image of a data set, a photograph has no label that its pixels have to match.
"""

import io
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from danet.data.releases.pictures import image_suffixes, verified_content
from danet.errors import BadDataError, MissingDataError

LOOK = "open it in a viewer; leave it out, or save it anew as PNG or JPEG"
DEEP_GREY = ("I;16", "I;16B", "I;16L", "I;16N", "I")
"""Pillow's modes for grey values from 0 to 65535; it reads some files of that range as 32-bit integers."""


def find_photographs(place: Path) -> list[Path]:
    """A file, or all images in a folder and the folders below it, by name.

    Raises:
        MissingDataError: there is nothing at ``place``, or no image in it.
    """
    if place.is_file():
        return [place]
    if not place.is_dir():
        raise MissingDataError(f"{place} not found", "name an image or a folder of images")
    found = [
        path
        for path in sorted(place.rglob("*"))
        if path.suffix.lower() in image_suffixes() and not path.name.startswith(".") and path.is_file()
    ]
    if not found:
        raise MissingDataError(f"{place} holds no image", "name a folder with images, such as .jpg or .png")
    return found


def read_photograph(path: Path) -> np.ndarray:
    """RGB pixels (H, W, 3) uint8, turned as the EXIF orientation says.

    Of an animation, the first picture; what is transparent becomes white.

    Raises:
        MissingDataError: there is no such file.
        BadDataError: it does not decode, or its values have no known range.
        StorageError: permission to read it is missing.
    """
    if not path.is_file():
        raise MissingDataError(f"{path} not found", "name an image")
    try:
        with warnings.catch_warnings():
            # Pillow's limit for panoramas is its error at 179 million pixels, not the warning at half of it.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(verified_content(path))) as picture:
                return as_rgb(picture)
    except BadDataError as error:
        raise BadDataError(error.problem, LOOK) from None
    except Image.UnidentifiedImageError:
        raise BadDataError(f"{path}: not an image", LOOK) from None
    except Image.DecompressionBombError as error:
        raise BadDataError(f"{path}: too many pixels ({error})", "reduce it first") from None
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise BadDataError(f"{path}: this image does not decode ({error})", LOOK) from None


def as_rgb(picture: Image.Image) -> np.ndarray:
    """A picture of Pillow's as RGB pixels (H, W, 3) uint8, upright.

    Raises:
        ValueError: its values are floating-point numbers, of which none is known to be white.
    """
    picture = ImageOps.exif_transpose(picture)
    if picture.mode == "F":
        raise ValueError("floating-point values, of which none is known to be white")
    if picture.mode in DEEP_GREY:
        values = np.asarray(picture).astype(np.int64).clip(0, 65535)
        grey = ((values * 255 + 32767) // 65535).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=-1)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture)
    return np.array(picture.convert("RGB"))  # a copy, since torch warns of memory that it may not write to


def reduced(pixels: np.ndarray, most: int) -> np.ndarray:
    """An image of at most ``most`` pixels, of the same shape as near as whole pixels allow.

    Args:
        pixels: (H, W, 3) uint8; returned as it is where it is small enough.
        most: H * W of the result.
    """
    height, width = pixels.shape[:2]
    if height * width <= most:
        return pixels
    factor = (most / (height * width)) ** 0.5
    height, width = max(1, int(height * factor)), max(1, int(width * factor))
    # A side of one pixel can get no shorter: the other then takes all of the reduction.
    height = max(1, min(height, most // width))
    width = max(1, min(width, most // height))
    return _resized(pixels, (width, height), Image.Resampling.BOX)


def enlarged(indices: np.ndarray, size: Sequence[int]) -> np.ndarray:
    """Class indices (h, w) uint8 at another height and width, each pixel taking the nearest one's."""
    height, width = size
    if indices.shape == (height, width):
        return indices
    return _resized(indices, (width, height), Image.Resampling.NEAREST)


def _resized(pixels: np.ndarray, size: tuple[int, int], how: Image.Resampling) -> np.ndarray:
    return np.array(Image.fromarray(pixels).resize(size, how))
