"""Decoding of image and label files, with errors that name the file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from danet.data.layout import UNPACK_ANEW
from danet.errors import BadDataError


def image_size(path: Path) -> tuple[int, int]:
    """Height and width in pixels, from the file's header.

    Raises:
        BadDataError: not an image.
    """
    with _opened(path) as picture:
        return picture.height, picture.width


def read_image(path: Path) -> np.ndarray:
    """RGB pixels, (H, W, 3) uint8.

    Raises:
        BadDataError: the file does not decode.
    """
    with _opened(path) as picture:
        return np.asarray(picture.convert("RGB"))


def read_index_image(path: Path) -> np.ndarray:
    """(H, W) values of an image that holds one number a pixel.

    Raises:
        BadDataError: the file does not decode, or holds colours.
    """
    with _opened(path) as picture:
        if len(picture.getbands()) != 1:
            raise BadDataError(
                f"{path}: a label of one number a pixel is expected, this holds colours ({picture.mode})",
                "use the label files of the official release",
            )
        return np.asarray(picture)


def read_matrix(path: Path, field: str) -> np.ndarray:
    """(H, W) integers in ``field`` of a MATLAB file.

    Raises:
        BadDataError: not a MATLAB file, or it has no such field, or the field is no integer matrix.
    """
    # A training reads prepared data only and does without SciPy.
    from scipy.io import loadmat

    try:
        content = loadmat(path, variable_names=[field])
    except Exception as error:  # SciPy's parser raises whatever a damaged byte leads it to
        raise BadDataError(f"{path}: not a readable MATLAB file ({error})", UNPACK_ANEW) from None
    matrix = content.get(field)
    if matrix is None:
        raise BadDataError(f"{path}: this MATLAB file has no field {field}", UNPACK_ANEW)
    if matrix.ndim != 2 or not _whole(matrix):
        raise BadDataError(f"{path}: field {field} is not a matrix of whole numbers", UNPACK_ANEW)
    return matrix.astype(np.int64)


def _whole(matrix: np.ndarray) -> bool:
    if matrix.dtype.kind == "f":
        return bool((np.isfinite(matrix) & (matrix == np.floor(matrix))).all())
    return matrix.dtype.kind in "ui"


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    try:
        with Image.open(path) as picture:
            yield picture
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        # Pillow names the file in some messages and an object's address in others.
        reason = "not an image" if isinstance(error, Image.UnidentifiedImageError) else error
        raise BadDataError(f"{path}: this image does not decode ({reason})", UNPACK_ANEW) from None
