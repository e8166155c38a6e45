"""The fused scale-and-crop shows what resizing the whole image and cropping it would show."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from danet.data.augmentation import Crop, cut, draw_crop
from danet.data.prepared import IGNORED
from danet.settings import load_params, resolve

TRAINING = resolve(load_params(Path(__file__).parents[2] / "params.yaml"), "danet_r101_da").training


@pytest.fixture(scope="module")
def scene() -> tuple[np.ndarray, np.ndarray]:
    """A smooth image of 250 x 400 pixels and a label whose every pixel differs from its neighbours."""
    random = np.random.default_rng(3)
    coarse = Image.fromarray(random.integers(0, 256, (25, 40, 3), np.uint8))
    image = np.asarray(coarse.resize((400, 250), Image.Resampling.BICUBIC))
    return image, (np.arange(250 * 400) % 251).reshape(250, 400).astype(np.uint8)


def resize_then_crop(image: np.ndarray, crop: Crop, size: int, filter_: Image.Resampling) -> np.ndarray:
    """The long way, with Pillow: mirror, resize everything, cut."""
    picture = Image.fromarray(image[:, ::-1] if crop.mirrored else image)
    whole = np.asarray(picture.resize((crop.width, crop.height), filter_))
    return whole[crop.top : crop.top + size, crop.left : crop.left + size]


def crops(height: int, width: int, count: int):
    small = TRAINING.model_copy(update={"short_side": 200, "crop_size": 128})
    random = np.random.default_rng(11)
    return [draw_crop(random, height, width, small) for _ in range(count)]


def test_image_agrees_with_resize_then_crop(scene):
    image, label = scene
    for crop in crops(250, 400, 40):
        pixels, _ = cut(image, label, crop, 128)
        expected = resize_then_crop(image, crop, 128, Image.Resampling.BILINEAR)
        difference = np.abs(pixels.astype(int) - expected)
        assert difference.max() <= 3, crop
        assert difference.mean() < 0.25, crop


def test_label_is_the_source_pixel_under_each_centre(scene):
    image, label = scene
    for crop in crops(250, 400, 20):
        _, classes = cut(image, label, crop, 128)
        source = label[:, ::-1] if crop.mirrored else label
        for row, column in [(0, 0), (5, 100), (127, 127), (64, 3)]:
            y = (crop.top + row + 0.5) * 250 / crop.height
            x = (crop.left + column + 0.5) * 400 / crop.width
            # A centre on a border between two pixels may fall to either of them.
            near = {source[int(y + dy), int(x + dx)] for dy in (-1e-9, 1e-9) for dx in (-1e-9, 1e-9)}
            if crop.mirrored and x == int(x):
                near.add(source[int(y), int(x) - 1])
            assert classes[row, column] in near


def test_a_small_image_is_filled_up_with_black_and_ignored(scene):
    image, label = scene
    pixels, classes = cut(image, label, Crop(60, 96, 0, 0, mirrored=True), 128)
    assert not pixels[60:].any()
    assert not pixels[:, 96:].any()
    assert (classes[60:] == IGNORED).all()
    assert (classes[:, 96:] == IGNORED).all()
    assert (classes[:60, :96] != IGNORED).all()


def test_scales_positions_and_flips_cover_their_range_evenly():
    random = np.random.default_rng(0)
    drawn = [draw_crop(random, 1024, 2048, TRAINING) for _ in range(4000)]
    heights = np.array([crop.height for crop in drawn])
    assert heights.min() >= 768
    assert heights.max() <= 2048
    counts, _ = np.histogram(heights, bins=8, range=(768, 2049))
    assert (abs(counts - 500) < 5 * np.sqrt(500)).all()
    shares = [crop.left / max(crop.width - 768, 1) for crop in drawn]
    assert np.mean(shares) == pytest.approx(0.5, abs=0.02)
    assert np.mean([crop.mirrored for crop in drawn]) == pytest.approx(0.5, abs=0.04)
    assert all(crop.width == int(2048 * crop.height / 1024) for crop in drawn)
    assert all(0 <= crop.top <= crop.height - 768 for crop in drawn)


def test_without_random_scale_the_short_side_is_exact():
    fixed = TRAINING.model_copy(update={"random_scale": None})
    random = np.random.default_rng(0)
    assert {(c.height, c.width) for c in (draw_crop(random, 1024, 2048, fixed) for _ in range(50))} == {
        (1024, 2048)
    }
    assert draw_crop(random, 500, 375, fixed).width == 1024
