"""The paper's augmentations: random scale, left-right flip, random crop, in the released code's order.

Scaling and cropping are fused: only the source pixels that end up in the crop are resized.
"""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from danet.data.prepared import IGNORED
from danet.settings import Training


@dataclass(frozen=True)
class Crop:
    """A square window of the scaled and perhaps mirrored image, in pixels of the scaled image."""

    height: int
    """Height of the whole scaled image."""
    width: int
    """Width of the whole scaled image."""
    top: int
    left: int
    mirrored: bool


def draw_crop(random: np.random.Generator, height: int, width: int, training: Training) -> Crop:
    """Draw flip, scale and position for an image of ``height`` x ``width`` pixels.

    The shorter side becomes a uniform integer of ``random_scale`` times ``short_side``, or exactly
    ``short_side`` (released code, encoding/datasets/base.py ``_sync_transform``).
    """
    mirrored = bool(random.random() < training.flip_probability)
    low, high = training.random_scale or (1.0, 1.0)
    short = int(random.integers(int(low * training.short_side), int(high * training.short_side) + 1))
    if height > width:
        height, width = int(height * short / width), short
    else:
        height, width = short, int(width * short / height)
    top = int(random.integers(max(height - training.crop_size, 0) + 1))
    left = int(random.integers(max(width - training.crop_size, 0) + 1))
    return Crop(height, width, top, left, mirrored)


def cut(image: np.ndarray, label: np.ndarray, crop: Crop, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut the crop out of an unscaled image and its label.

    Where the scaled image is smaller than the crop, it is filled up at the right and the bottom:
    black in the image, ignored in the label.

    Args:
        image: (H, W, 3) uint8.
        label: (H, W) uint8.
        crop: what to cut.
        size: side of the crop in pixels.

    Returns:
        Image (size, size, 3) and label (size, size), both uint8.
    """
    height, width = min(size, crop.height), min(size, crop.width)
    filled = np.zeros((size, size, 3), np.uint8)
    filled[:height, :width] = _bilinear_window(image, crop, height, width)
    ignored = np.full((size, size), IGNORED, np.uint8)
    ignored[:height, :width] = _nearest_window(label, crop, height, width)
    return filled, ignored


def _bilinear_window(image: np.ndarray, crop: Crop, height: int, width: int) -> np.ndarray:
    """The window of the mirrored and resized image, resizing only what it shows."""
    # Mirroring the crop is cheaper than mirroring the image; the window moves to the other side.
    left = crop.width - crop.left - width if crop.mirrored else crop.left
    across, down = image.shape[1] / crop.width, image.shape[0] / crop.height
    x0, x1 = _reach(left * across, (left + width) * across, across, image.shape[1])
    y0, y1 = _reach(crop.top * down, (crop.top + height) * down, down, image.shape[0])
    # The far edges may lie a rounding error beyond the image.
    right = min((left + width) * across - x0, x1 - x0)
    bottom = min((crop.top + height) * down - y0, y1 - y0)
    part = Image.fromarray(np.ascontiguousarray(image[y0:y1, x0:x1]))
    box = (left * across - x0, crop.top * down - y0, right, bottom)
    pixels = np.asarray(part.resize((width, height), Image.Resampling.BILINEAR, box=box))
    return pixels[:, ::-1] if crop.mirrored else pixels


def _nearest_window(label: np.ndarray, crop: Crop, height: int, width: int) -> np.ndarray:
    """The window of the mirrored and resized label: the source pixel under each pixel's centre."""
    # Whole numbers, so that centres on a pixel border always fall to the same side.
    rows = (2 * (crop.top + np.arange(height)) + 1) * label.shape[0] // (2 * crop.height)
    columns = (2 * (crop.left + np.arange(width)) + 1) * label.shape[1] // (2 * crop.width)
    if crop.mirrored:
        columns = label.shape[1] - 1 - columns
    return label[rows[:, None], columns]


def _reach(start: float, stop: float, factor: float, size: int) -> tuple[int, int]:
    """Source pixels that a bilinear filter reads between ``start`` and ``stop``."""
    margin = math.ceil(max(factor, 1.0)) + 1
    return max(0, math.floor(start) - margin), min(size, math.ceil(stop) + margin)
