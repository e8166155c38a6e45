"""Scores of a whole image from square windows that slide over it (released code, encoding/models/base.py)."""

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

Origin = tuple[int, int]
"""Top and left pixel of a window."""


def scaled_size(height: int, width: int, long_side: int, scale: float) -> tuple[int, int]:
    """Height and width of an image whose longer side becomes ceil(``long_side`` * ``scale``)."""
    long = math.ceil(long_side * scale)
    if height > width:
        return long, int(width * long / height + 0.5)
    return int(height * long / width + 0.5), long


def resize(images: Tensor, height: int, width: int) -> Tensor:
    """Bilinear, with the corner pixels' centres kept in place; (B, C, H, W) to (B, C, height, width)."""
    return F.interpolate(images, (height, width), mode="bilinear", align_corners=True)


def window_origins(length: int, crop_size: int, stride: int) -> list[int]:
    """First pixels of the windows along one axis: multiples of the stride until the end is covered.

    The last window may reach beyond the image; it is not shifted back.
    """
    windows = math.ceil(max(length - crop_size, 0) / stride) + 1
    return [index * stride for index in range(windows)]


def slide(
    image: Tensor,
    crop_size: int,
    stride: int,
    score: Callable[[Tensor], Tensor],
    windows_at_once: int,
) -> Tensor:
    """Score an image window by window and average where windows overlap.

    What a window shows beyond the image is black. An image no larger than the window is one window.

    Args:
        image: (3, H, W), values from 0 (black) up.
        crop_size: side of the window in pixels.
        stride: pixels from one window to the next.
        score: maps windows (B, 3, crop_size, crop_size) to scores (B, K, crop_size, crop_size).
        windows_at_once: most windows that one call of ``score`` is given.

    Returns:
        (K, H, W).
    """
    _, height, width = image.shape
    origins = [
        (top, left)
        for top in window_origins(height, crop_size, stride)
        for left in window_origins(width, crop_size, stride)
    ]
    total, count = None, image.new_zeros(height, width)
    for batch in _batches(origins, windows_at_once):
        scores = score(torch.stack([_window(image, top, left, crop_size) for top, left in batch]))
        if total is None:
            # Channels last, as the scores are.
            total = scores.new_zeros(height, width, scores.shape[1]).movedim(-1, 0)
        for (top, left), window in zip(batch, scores, strict=True):
            rows, columns = slice(top, top + crop_size), slice(left, left + crop_size)
            inside = total[:, rows, columns]
            inside += window[:, : inside.shape[1], : inside.shape[2]]
            count[rows, columns] += 1
    assert total is not None  # there is at least one window
    return total.div_(count)


def _window(image: Tensor, top: int, left: int, crop_size: int) -> Tensor:
    """(3, crop_size, crop_size), filled up with black at the right and the bottom."""
    part = image[:, top : top + crop_size, left : left + crop_size]
    return F.pad(part, (0, crop_size - part.shape[2], 0, crop_size - part.shape[1]))


def _batches(items: list[Origin], size: int) -> Iterator[list[Origin]]:
    return (items[start : start + size] for start in range(0, len(items), size))
