"""Crops are distributed and look as those of the released code, which resizes the whole image first."""

import random as standard_random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from danet.data.augmentation import Crop, Span, cut, draw_crop
from danet.labels import IGNORED
from danet.settings import load_plan

TRAINING = load_plan(Path(__file__).parents[2] / "params.yaml").experiment("danet_r101_da").training

# Base size, crop size, random scale, and height and width of an image.
CITYSCAPES = (1024, 768, (0.75, 2.0), 1024, 2048)
CITYSCAPES_UNSCALED = (1024, 768, None, 1024, 2048)
CONTEXT_LANDSCAPE = (520, 480, (0.75, 2.0), 375, 500)
CONTEXT_PORTRAIT = (520, 480, (0.75, 2.0), 500, 375)
GEOMETRIES = [CITYSCAPES, CITYSCAPES_UNSCALED, CONTEXT_LANDSCAPE, CONTEXT_PORTRAIT]
DRAWS = 4000

# The chance that an even distribution over ten bins lies above it is one in 100,000.
LARGEST_CHI_SQUARE = 39.3


def training_of(geometry):
    base, crop, scale, _, _ = geometry
    return TRAINING.model_copy(update={"short_side": base, "crop_size": crop, "random_scale": scale})


def released_crop(random, geometry):
    """The released ``_sync_transform`` without pixels, step by step, with the padded size as it has it.

    Returns:
        mirrored, height and width after scaling, padding below and at the right, top, left.
    """
    base, crop, scale, h, w = geometry
    mirrored = random.random() < 0.5
    short_size = random.randint(int(base * scale[0]), int(base * scale[1])) if scale else base
    if h > w:
        ow = short_size
        oh = int(1.0 * h * ow / w)
    else:
        oh = short_size
        ow = int(1.0 * w * oh / h)
    padh = padw = 0
    if short_size < crop:
        padh = crop - oh if oh < crop else 0
        padw = crop - ow if ow < crop else 0
    left = random.randint(0, ow + padw - crop)
    top = random.randint(0, oh + padh - crop)
    return mirrored, oh, ow, padh, padw, top, left


@pytest.fixture(scope="module", params=GEOMETRIES, ids=["cityscapes", "unscaled", "landscape", "portrait"])
def draws(request):
    """Geometry, and columns of flips, sizes, paddings and positions: released ones and ours."""
    geometry = request.param
    _, size, _, height, width = geometry
    theirs, ours = standard_random.Random(7), np.random.default_rng(7)
    released = [released_crop(theirs, geometry) for _ in range(DRAWS)]
    crops = [draw_crop(ours, height, width, training_of(geometry)) for _ in range(DRAWS)]
    drawn = [
        (c.mirrored, c.height, c.width, max(size - c.height, 0), max(size - c.width, 0), c.top, c.left)
        for c in crops
    ]
    return geometry, np.array(released, dtype=float).T, np.array(drawn, dtype=float).T


def chi_square(values, low, high):
    """Distance of values from the even distribution over the integers from low to high, in ten bins."""
    # Shares are spread over their integer by a fixed sequence, so that bins need not divide the range.
    spread = (np.arange(len(values)) * 0.6180339887) % 1
    counts, _ = np.histogram((values - low + spread) / (high - low + 1), bins=10, range=(0, 1))
    expected = len(values) / 10
    return float((((counts - expected) ** 2) / expected).sum())


def test_flips(draws):
    # Five standard deviations of a fair coin.
    for sample in draws[1:]:
        assert abs(sample[0].mean() - 0.5) < 5 * 0.5 / np.sqrt(DRAWS)


def test_scales(draws):
    (base, _, scale, height, width), *samples = draws
    for sample in samples:
        short = sample[2] if height > width else sample[1]
        if scale is None:
            assert set(short) == {base}
        else:
            low, high = int(base * scale[0]), int(base * scale[1])
            assert short.min() >= low
            assert short.max() <= high
            assert chi_square(short, low, high) < LARGEST_CHI_SQUARE


def test_scaled_sizes_are_those_of_the_released_code(draws):
    _, released, ours = draws
    sizes = {(h, w) for h, w in released[1:3].T}
    both = [(h, w) for h, w in ours[1:3].T if any(h == other[0] for other in sizes)]
    assert both
    assert set(both) <= sizes


def test_positions(draws):
    (_, size, _, _, _), *samples = draws
    for sample in samples:
        for scaled, padding, first in ((sample[1], sample[3], sample[5]), (sample[2], sample[4], sample[6])):
            room = scaled + padding - size
            assert (first >= 0).all()
            assert (first <= room).all()
            free = room > 0
            if free.sum() > 500:
                assert chi_square(first[free], 0, room[free]) < LARGEST_CHI_SQUARE


def test_padding(draws):
    (base, size, scale, _, _), released, ours = draws
    shares = [(sample[3:5] > 0).mean(axis=1) for sample in (released, ours)]
    # Five standard deviations of the difference of two shares.
    assert np.abs(shares[0] - shares[1]).max() < 5 * np.sqrt(2 * 0.25 / DRAWS)
    pads = scale is not None and int(scale[0] * base) < size
    assert all(share.any() == pads for share in shares)


@pytest.fixture(scope="module")
def scene() -> tuple[np.ndarray, np.ndarray]:
    """A smooth image of 250 x 400 pixels and a label whose every pixel differs from its neighbours."""
    random = np.random.default_rng(3)
    coarse = Image.fromarray(random.integers(0, 256, (25, 40, 3), np.uint8))
    image = np.array(coarse.resize((400, 250), Image.Resampling.BICUBIC))
    return image, (np.arange(250 * 400) % 251).reshape(250, 400).astype(np.uint8)


def resize_then_crop(image: np.ndarray, crop: Crop, size: int) -> np.ndarray:
    """The long way, with Pillow: mirror, resize everything, fill up, cut."""
    picture = Image.fromarray(np.ascontiguousarray(image[:, ::-1]) if crop.mirrored else image)
    whole = np.asarray(picture.resize((crop.width, crop.height), Image.Resampling.BILINEAR))
    below, beside = max(size - crop.height, 0), max(size - crop.width, 0)
    filled = np.pad(whole, ((0, below), (0, beside), (0, 0)))
    return filled[crop.top : crop.top + size, crop.left : crop.left + size]


def cut_image(image, label, crop, size):
    """(size, size, 3) integers."""
    return cut(image, label, crop, size)[0].permute(1, 2, 0).numpy().astype(int)


def crops(height: int, width: int, count: int, short_side: int = 200):
    small = TRAINING.model_copy(update={"short_side": short_side, "crop_size": 128})
    random = np.random.default_rng(11)
    return [draw_crop(random, height, width, small) for _ in range(count)]


@pytest.mark.parametrize("short_side", [200, 120])
def test_image_agrees_with_resize_then_crop(scene, short_side):
    image, label = scene
    drawn = crops(250, 400, 40, short_side)
    assert {crop.mirrored for crop in drawn} == {False, True}
    for crop in drawn:
        difference = np.abs(cut_image(image, label, crop, 128) - resize_then_crop(image, crop, 128))
        assert difference.max() <= 3, crop
        assert difference.mean() < 0.25, crop


def test_an_image_of_hard_edges_agrees_but_for_the_allowed_shift():
    random = np.random.default_rng(5)
    image = random.integers(0, 2, (250, 400, 3), np.uint8) * 255
    for crop in crops(250, 400, 40):
        difference = np.abs(cut_image(image, image[..., 0], crop, 128) - resize_then_crop(image, crop, 128))
        # 255 / 64 along each axis, and a rounding of each of the two resizers.
        assert difference.max() <= 10, crop
        assert difference.mean() < 3, crop


@pytest.mark.parametrize("mirrored", [False, True])
def test_without_scaling_the_pixels_are_those_of_the_source(scene, mirrored):
    image, label = scene
    crop = Crop(250, 400, 61, 97, mirrored)
    pixels, classes = cut(image, label, crop, 128)
    window = np.s_[61:189, 97:225]
    source, indices = (image[:, ::-1], label[:, ::-1]) if mirrored else (image, label)
    assert np.array_equal(pixels.permute(1, 2, 0).numpy(), source[window])
    assert np.array_equal(classes.numpy(), indices[window])


@pytest.mark.parametrize("top", [0, 372])
@pytest.mark.parametrize("left", [0, 672])
@pytest.mark.parametrize("mirrored", [False, True])
def test_the_borders_of_the_image_are_reached(scene, top, left, mirrored):
    image, label = scene
    crop = Crop(500, 800, top, left, mirrored)
    difference = np.abs(cut_image(image, label, crop, 128) - resize_then_crop(image, crop, 128))
    assert difference.max() <= 3


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_small_image_is_filled_up_with_black_and_ignored(scene, mirrored):
    image, label = scene
    crop = Crop(60, 96, 0, 0, mirrored)
    pixels, classes = cut(image, label, crop, 128)
    assert np.abs(cut_image(image, label, crop, 128) - resize_then_crop(image, crop, 128)).max() <= 3
    assert not pixels[:, 60:].any()
    assert not pixels[:, :, 96:].any()
    assert (classes[60:] == IGNORED).all()
    assert (classes[:, 96:] == IGNORED).all()
    assert (classes[:60, :96] != IGNORED).all()


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
            assert classes[row, column].item() in near


def test_only_rows_that_the_crop_shows_are_read(scene):
    class Counting:
        def __init__(self, pixels):
            self.pixels, self.shape, self.rows = pixels, pixels.shape, 0

        def __getitem__(self, rows):
            self.rows += rows.stop - rows.start
            return self.pixels[rows]

    image, label = map(Counting, scene)
    cut(image, label, Crop(500, 800, 200, 300, False), 128)
    assert label.rows == 64
    assert 64 < image.rows < 64 + 40
    image, label = map(Counting, scene)
    cut(image, label, Crop(250, 400, 100, 100, False), 128)
    assert label.rows == 128
    assert image.rows <= 128 + 2


@pytest.mark.parametrize(
    ("scaled", "size"), [(333, 1024), (768, 1024), (1023, 1024), (1111, 1024), (2047, 1024)]
)
def test_a_window_never_needs_more_than_it_reads(scaled, size):
    for first in range(0, scaled - 200, 13):
        part, early = Span(first, 200, scaled, size).source()
        begin = (first - early) * size / scaled
        assert 0 <= begin - part.start <= 1 / 64
        assert part.start == 0 or early * size / scaled >= max(size / scaled, 1)
        assert part.stop == size or part.stop >= (first + 200) * size / scaled + max(size / scaled, 1)
        assert int((part.stop - part.start) * scaled / size) != part.stop - part.start
