"""Textures: (H, W) arrays of about -1 to 1 that make a flat colour look like a material."""

from collections.abc import Callable

import numpy as np
from PIL import Image

Pattern = Callable[[np.random.Generator, int, int, float], np.ndarray]


def plain(random: np.random.Generator, height: int, width: int, scale: float) -> np.ndarray:
    """No texture."""
    return np.zeros((height, width), np.float32)


def speckle(random: np.random.Generator, height: int, width: int, scale: float) -> np.ndarray:
    """Independent noise from pixel to pixel, as of asphalt."""
    return random.uniform(-1, 1, (height, width)).astype(np.float32)


def clouds(random: np.random.Generator, height: int, width: int, scale: float) -> np.ndarray:
    """Smooth noise with features of ``scale`` pixels."""
    return _stretched_noise(random, height, width, scale, scale)


def leaves(random: np.random.Generator, height: int, width: int, scale: float) -> np.ndarray:
    """Noise of two sizes with hard contrast, as of foliage."""
    noise = clouds(random, height, width, scale) + 0.6 * clouds(random, height, width, scale / 2)
    return np.clip(2 * noise, -1, 1)


def blades(random: np.random.Generator, height: int, width: int, scale: float) -> np.ndarray:
    """Noise stretched upwards, as of grass."""
    return _stretched_noise(random, height, width, 3 * scale, scale)


def grain(random: np.random.Generator, height: int, width: int, scale: float) -> np.ndarray:
    """Noise stretched sideways, as of wood."""
    return _stretched_noise(random, height, width, scale, 6 * scale)


def waves(random: np.random.Generator, height: int, width: int, scale: float) -> np.ndarray:
    """Wavering horizontal lines, as of water."""
    rows = np.arange(height, dtype=np.float32)[:, None]
    return np.sin(rows * (2 * np.pi / scale) + 3 * clouds(random, height, width, 4 * scale))


def stripes(random: np.random.Generator, height: int, width: int, scale: float) -> np.ndarray:
    """Upright bars, as of a fence or a curtain."""
    columns = np.arange(width, dtype=np.float32) + random.uniform(0, scale)
    return np.broadcast_to(np.sin(columns * (2 * np.pi / scale)), (height, width))


def tiles(random: np.random.Generator, height: int, width: int, scale: float) -> np.ndarray:
    """Dark joints between squares."""
    rows, columns = _cells(random, height, width, scale, scale)
    return np.where((rows % scale < 1) | (columns % scale < 1), -1, 0.2).astype(np.float32)


def bricks(random: np.random.Generator, height: int, width: int, scale: float) -> np.ndarray:
    """Pale joints between flat stones, each course shifted by half a stone."""
    rows, columns = _cells(random, height, width, scale, 2 * scale)
    shifted = columns + scale * (rows // scale % 2)
    return np.where((rows % scale < 1) | (shifted % (2 * scale) < 1), 1, -0.25).astype(np.float32)


def _cells(
    random: np.random.Generator, height: int, width: int, down: float, across: float
) -> tuple[np.ndarray, ...]:
    """(H, W) row and column coordinates in pixels, shifted by a random offset."""
    rows = np.arange(height, dtype=np.float32)[:, None] + random.uniform(0, down)
    columns = np.arange(width, dtype=np.float32)[None, :] + random.uniform(0, across)
    return np.broadcast_arrays(rows, columns)


def _stretched_noise(
    random: np.random.Generator, height: int, width: int, down: float, across: float
) -> np.ndarray:
    """Smooth noise with features of ``down`` x ``across`` pixels."""
    rows, columns = max(2, round(height / down) + 1), max(2, round(width / across) + 1)
    coarse = Image.fromarray(random.uniform(-1, 1, (rows, columns)).astype(np.float32))
    return np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC))
