"""The canvas: whatever is painted changes the image and its label together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from danet.data.generated.materials import MATERIALS

Point = tuple[float, float]


@dataclass(frozen=True)
class Scene:
    """A drawn image with its label."""

    image: np.ndarray
    """(H, W, 3) uint8, RGB."""
    label: np.ndarray
    """(H, W) uint8, positions in ``names``."""
    names: tuple[str, ...]
    """Class names of the label's values."""


class Canvas:
    """An image and a label to paint on, back to front.

    Coordinates are pixels, x to the right and y down.

    Args:
        random: source of all variation.
        height: of the image.
        width: of the image.
        vocabulary: class name of each part that scenes are made of; parts that a data set does not
            distinguish share a name, parts that it does not know have none.
        unknown: name of parts that are not in the vocabulary.
    """

    def __init__(
        self,
        random: np.random.Generator,
        height: int,
        width: int,
        vocabulary: Mapping[str, str],
        unknown: str = "ignored",
    ) -> None:
        self.random, self.height, self.width = random, height, width
        self._vocabulary, self._unknown = vocabulary, unknown
        self._rows, self._columns = np.arange(height), np.arange(width)
        self._image = np.zeros((height, width, 3), np.float32)
        self._label = np.zeros((height, width), np.uint8)
        self._names = [unknown]

    def polygon(self, *outlines: Sequence[Point]) -> np.ndarray:
        """(H, W) mask of one or more polygons."""
        mask = Image.new("L", (self.width, self.height))
        for points in outlines:
            ImageDraw.Draw(mask).polygon([(float(x), float(y)) for x, y in points], fill=1)
        return np.array(mask).view(bool)

    def box(self, left: float, top: float, right: float, bottom: float) -> np.ndarray:
        """(H, W) mask of an upright rectangle; at least one pixel across."""
        mask = np.zeros((self.height, self.width), bool)
        rows = slice(max(0, round(top)), max(0, round(bottom), round(top) + 1))
        mask[rows, max(0, round(left)) : max(0, round(right), round(left) + 1)] = True
        return mask

    def ellipse(self, x: float, y: float, across: float, down: float) -> np.ndarray:
        """(H, W) mask of an ellipse around (x, y) with the given radii."""
        from_left = ((self._columns - x) / max(across, 0.7)) ** 2
        from_top = ((self._rows - y) / max(down, 0.7)) ** 2
        mask = np.zeros((self.height, self.width), bool)
        # Most ellipses are small: only the rows and columns that they cover are worth computing.
        rows, columns = _span(from_top <= 1), _span(from_left <= 1)
        mask[rows, columns] = from_left[columns] + from_top[rows, None] <= 1
        return mask

    def blob(self, x: float, y: float, across: float, down: float, roughness: float = 0.2) -> np.ndarray:
        """(H, W) mask of an ellipse with an uneven outline."""
        angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        radii = 1 + self.random.uniform(-roughness, roughness, len(angles))
        return self.polygon(
            list(zip(x + across * radii * np.cos(angles), y + down * radii * np.sin(angles), strict=True))
        )

    def line(self, points: Sequence[Point], thickness: float) -> np.ndarray:
        """(H, W) mask of a line."""
        mask = Image.new("L", (self.width, self.height))
        corners = [(float(x), float(y)) for x, y in points]
        ImageDraw.Draw(mask).line(corners, fill=1, width=max(1, round(thickness)))
        return np.array(mask).view(bool)

    def depths(self, most: int, far: float, near: float) -> np.ndarray:
        """Depths between ``far`` and ``near`` for up to ``most`` things, the farthest first."""
        return np.sort(self.random.uniform(far, near, self.random.integers(most // 2, most) + 1))

    def paint(self, mask: np.ndarray, part: str, material: str) -> None:
        """Cover ``mask`` with ``material`` and label it with the name of ``part`` in the vocabulary."""
        self.decorate(mask, material)
        name = self._vocabulary.get(part, self._unknown)
        if name not in self._names:
            self._names.append(name)
        self._label[mask] = self._names.index(name)

    def decorate(self, mask: np.ndarray, material: str) -> None:
        """Cover ``mask`` with ``material`` and leave the label alone: windows, eyes, road markings."""
        window = _bounds(mask)
        if window is None:
            return
        height, width = mask[window].shape
        colour, pattern, scale, contrast, variation = MATERIALS[material]
        tone = np.array(colour) + self.random.normal(0, variation) + self.random.normal(0, variation / 3, 3)
        relief = contrast * pattern(self.random, height, width, scale)
        part, covered = self._image[window], mask[window]
        for channel in range(3):
            np.copyto(part[..., channel], tone[channel] + relief, where=covered)

    def shade(self, mask: np.ndarray, factor: float) -> None:
        """Darken (factor below 1) or lighten what is there."""
        window = _bounds(mask)
        if window is not None:
            part = self._image[window]
            np.multiply(part, factor, out=part, where=mask[window][..., None])

    def round_off(self, mask: np.ndarray) -> None:
        """Light from above: lighter at the top of ``mask``, darker at its bottom."""
        window = _bounds(mask)
        if window is None:
            return
        height = window[0].stop - window[0].start
        light = np.linspace(1.12, 0.82, height + 1, dtype=np.float32)[:height, None, None]
        part = self._image[window]
        np.copyto(part, part * light, where=mask[window][..., None])

    def finish(self) -> Scene:
        """Light the scene and photograph it: colour cast, slanting light, soft focus, sensor noise."""
        random = self.random
        cast = random.uniform(0.85, 1.12) * random.uniform(0.96, 1.04, 3)
        left, right = random.uniform(0.92, 1.08, 2)
        slant = np.linspace(left, right, self.width)[None, :, None]
        lit = np.clip(self._image * cast * slant, 0, 255).astype(np.uint8)
        soft = Image.fromarray(lit).filter(ImageFilter.GaussianBlur(0.5))
        noisy = np.asarray(soft) + 3 * random.standard_normal(lit.shape, np.float32)
        image = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
        return Scene(image, self._label, tuple(self._names))


def _span(inside: np.ndarray) -> slice:
    """From the first to the last true value."""
    places = np.flatnonzero(inside)
    return slice(places[0], places[-1] + 1) if len(places) else slice(0)


def _bounds(mask: np.ndarray) -> tuple[slice, slice] | None:
    """The smallest window that holds all of ``mask``; None if it is empty."""
    rows = np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        return None
    columns = np.flatnonzero(mask[rows[0] : rows[-1] + 1].any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
