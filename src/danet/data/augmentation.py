"""The paper's augmentations: random scale, left-right flip, random crop, in the released code's order.

Scaling and cropping are fused: only the source pixels that end up in the crop are read and resized.
"""

import math
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from danet.labels import IGNORED
from danet.settings import Training

# Part of a source pixel by which a crop may be shifted along an axis. At an edge from black to white
# that changes a pixel by at most 255 / 64 = 4 of 255.
LARGEST_SHIFT = 1 / 64


class Pixels(Protocol):
    """An array, or a file that gives arrays for slices of rows."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __getitem__(self, rows: slice, /) -> np.ndarray: ...


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


def cut(image: Pixels, label: Pixels, crop: Crop, size: int) -> tuple[Tensor, Tensor]:
    """Cut the crop out of an unscaled image and its label.

    Where the scaled image is smaller than the crop, it is padded at the right and the bottom: black in
    the image, ignored in the label.

    Args:
        image: (H, W, 3) uint8.
        label: (H, W) uint8.
        crop: what to cut.
        size: side of the crop in pixels.

    Returns:
        Image (3, size, size) and label (size, size), both uint8.
    """
    height, width = min(size, crop.height), min(size, crop.width)
    rows = Span(crop.top, height, crop.height, image.shape[0])
    columns = Span(crop.left, width, crop.width, image.shape[1])
    if crop.mirrored:
        # Mirroring the crop is cheaper than mirroring the image; the window moves to the other side.
        pixels = _bilinear(image, rows, columns.mirrored()).flip(2)
    else:
        pixels = _bilinear(image, rows, columns)
    across = columns.centres()
    classes = _nearest(label, rows.centres(), columns.size - 1 - across if crop.mirrored else across)
    if (height, width) == (size, size):
        return pixels.contiguous(), classes
    filled = torch.zeros((3, size, size), dtype=torch.uint8)
    filled[:, :height, :width] = pixels
    ignored = torch.full((size, size), IGNORED, dtype=torch.uint8)
    ignored[:height, :width] = classes
    return filled, ignored


@dataclass(frozen=True)
class Span:
    """What a window shows along one axis: ``length`` scaled pixels from ``first`` on."""

    first: int
    length: int
    scaled: int
    """Pixels of the whole scaled axis."""
    size: int
    """Pixels of the whole source axis."""

    def centres(self) -> np.ndarray:
        """(length,) source pixel under the centre of each scaled pixel."""
        # Integers, so that centres on a pixel border always fall on the same side.
        return (2 * (self.first + np.arange(self.length)) + 1) * self.size // (2 * self.scaled)

    def mirrored(self) -> "Span":
        """The same window in the mirrored image."""
        return replace(self, first=self.scaled - self.first - self.length)

    def source(self) -> tuple[slice, int]:
        """Source pixels that make up the window, and by how many scaled pixels they begin before it.

        Resizing starts at the border of a source pixel, where few scaled pixels begin. So it starts at
        one that does, up to ``LARGEST_SHIFT``, early enough for the filter's reach.
        """
        reach = max(self.size / self.scaled, 1)  # of the filter, in source pixels
        candidates = np.arange(max(self.first - math.ceil(reach * self.scaled / self.size), 0), -1, -1)
        shifts = candidates * self.size % self.scaled  # in source pixels times ``scaled``
        begin = int(candidates[np.argmax(shifts <= LARGEST_SHIFT * self.scaled)])
        stop = math.ceil((self.first + self.length) * self.size / self.scaled + reach)
        part = slice(begin * self.size // self.scaled, min(stop, self.size))
        length = part.stop - part.start
        if self.scaled != self.size and int(length * self.factor) == length:
            # At a scale near 1 few pixels stay as many, and would be copied instead of resized.
            return slice(0, self.size), self.first
        return part, self.first - begin

    @property
    def factor(self) -> float:
        """Scaled pixels for each source pixel; rounding must not cost the last one of the image."""
        return self.scaled / self.size * (1 + 1e-9)


def _bilinear(image: Pixels, rows: Span, columns: Span) -> Tensor:
    """(3, height, width) window of the resized image, antialiased where it shrinks, as Pillow does."""
    (down, above), (across, before) = rows.source(), columns.source()
    part = image[down][:, across]
    if (rows.scaled, columns.scaled) == (rows.size, columns.size):
        pixels = torch.from_numpy(np.ascontiguousarray(part.transpose(2, 0, 1)))
    else:
        planes = torch.from_numpy(part[None]).permute(0, 3, 1, 2)
        factors = (rows.factor, columns.factor)
        pixels = F.interpolate(planes, scale_factor=factors, mode="bilinear", antialias=True)[0]
    return pixels[:, above : above + rows.length, before : before + columns.length]


def _nearest(label: Pixels, rows: np.ndarray, columns: np.ndarray) -> Tensor:
    """(height, width) label at the given source rows, which ascend, and columns."""
    part = label[rows[0] : rows[-1] + 1]
    return torch.from_numpy(part.take(columns, axis=1).take(rows - rows[0], axis=0))
