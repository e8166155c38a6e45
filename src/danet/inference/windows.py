"""Where the windows of an image lie, and bilinear interpolation from one grid of pixels to another."""

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from danet.settings import Protocol


@dataclass(frozen=True)
class Window:
    """A rectangle that the network is shown, in pixels of a scaled image; it may reach beyond it."""

    top: int
    left: int
    height: int
    width: int

    def cut(self, image: Tensor) -> Tensor:
        """(3, height, width) of an image (3, H, W); what lies beyond it is black, which is 0."""
        part = image[:, self.top : self.top + self.height, self.left : self.left + self.width]
        return F.pad(part, (0, self.width - part.shape[2], 0, self.height - part.shape[1]))


def scaled_size(height: int, width: int, long_side: int, scale: float) -> tuple[int, int]:
    """Height and width of an image whose longer side becomes ceil(``long_side`` * ``scale``)."""
    long = math.ceil(long_side * scale)
    if height > width:
        return long, max(1, int(width * long / height + 0.5))
    return max(1, int(height * long / width + 0.5)), long


def windows(height: int, width: int, protocol: Protocol) -> list[Window]:
    """The windows of a scaled image, row by row.

    Args:
        height: of the scaled image, in pixels.
        width: likewise.
        protocol: ``window``, and for sliding ones ``crop_size``, ``stride`` and ``border``.
    """
    if protocol.window == "whole":
        return [Window(0, 0, height, width)]
    crop, step = protocol.crop_and_step
    inside = protocol.border == "inside"
    size = (min(crop, height), min(crop, width)) if inside else (crop, crop)
    return [
        Window(top, left, *size)
        for top in window_origins(height, crop, step, inside)
        for left in window_origins(width, crop, step, inside)
    ]


def window_origins(length: int, crop_size: int, step: int, inside: bool = False) -> list[int]:
    """First pixels of the windows along one axis: multiples of the step until the end is covered.

    Args:
        length: of the axis.
        crop_size: of a window.
        step: from one window to the next.
        inside: the last window is moved back to end with the image (mmsegmentation); else it may reach
            beyond it (released code, encoding/models/base.py).
    """
    count = math.ceil(max(length - crop_size, 0) / step) + 1
    origins = [index * step for index in range(count)]
    if inside:
        origins[-1] = min(origins[-1], max(length - crop_size, 0))
    return origins


def resize(images: Tensor, height: int, width: int, align_corners: bool = True) -> Tensor:
    """Bilinear, (B, C, H, W) to (B, C, height, width); no low pass before making smaller.

    Args:
        images: floating point.
        height: in pixels.
        width: in pixels.
        align_corners: the corner pixels' centres stay in place; else the images' edges do.
    """
    return F.interpolate(images, (height, width), mode="bilinear", align_corners=align_corners)


@dataclass(frozen=True)
class Neighbours:
    """Between which two pixels of one axis each pixel of another, longer or shorter one lies."""

    before: Tensor
    """(L,) int64."""
    after: Tensor
    """(L,) int64."""
    weight: Tensor
    """(L,) float32, of the pixel after."""

    def part(self, first: int, last: int) -> "Neighbours":
        """Of the pixels from ``first`` to before ``last``."""
        return Neighbours(self.before[first:last], self.after[first:last], self.weight[first:last])

    @property
    def span(self) -> slice:
        """From the first to the last pixel that is used."""
        return slice(int(self.before[0]), int(self.after[-1]) + 1)


@lru_cache(maxsize=256)
def neighbours(length: int, of: int, align_corners: bool) -> Neighbours:
    """For interpolation from ``of`` pixels to ``length``, with the weights of :func:`resize`."""
    places = torch.arange(length, dtype=torch.float32)
    if align_corners:
        places = places * ((of - 1) / (length - 1) if length > 1 else 0.0)
    else:
        places = ((places + 0.5) * (of / length) - 0.5).clamp(min=0)
    before = places.floor().long().clamp(max=of - 1)
    return Neighbours(before, (before + 1).clamp(max=of - 1), places - before)


def stretch_rows(images: Tensor, rows: Neighbours) -> Tensor:
    """Interpolate (..., R, W) along its height alone; the first of its rows is ``rows.span.start``."""
    start, device = rows.span.start, images.device
    upper = images.index_select(-2, (rows.before - start).to(device))
    lower = images.index_select(-2, (rows.after - start).to(device))
    return torch.lerp(upper, lower, rows.weight.to(device, images.dtype)[:, None])


def stretch_columns(images: Tensor, width: int, align_corners: bool) -> Tensor:
    """Interpolate (A, R, W) along its width alone, to (A, R, ``width``)."""
    if images.shape[-1] == width:
        return images
    if images.is_cuda:  # whose linear kernel has a thread for each column and no more
        rows = images.shape[-2]
        return resize(images[None], rows, width, align_corners)[0]
    return F.interpolate(images, width, mode="linear", align_corners=align_corners)
