"""Every kind of protocol against a slow, literal version; and what a protocol may not state."""

from itertools import product

import numpy as np
import pytest
import torch
from literal_scores import literal_scores
from pydantic import ValidationError

from danet.inference import scoring
from danet.inference.scoring import image_classes, image_scores
from danet.settings import Protocol

RAMP = torch.linspace(-1, 1, 64, dtype=torch.float64)


def coarse(images: torch.Tensor) -> torch.Tensor:
    """Logits of four classes on a grid of half the size, which know left from right and top from bottom."""
    height, width = images.shape[-2:]
    grid = images[:, :, ::2, ::2]
    across = RAMP[: grid.shape[-1]].to(images.dtype) * 3
    down = RAMP[: grid.shape[-2], None].to(images.dtype) * (height + width) / 20
    red, green, blue = grid.unbind(1)
    return torch.stack([red + across, green - 2 * across + down, 3 * blue, grid.sum(dim=1) - down], dim=1)


def literal(image: np.ndarray) -> np.ndarray:
    return coarse(torch.from_numpy(image.copy())[None])[0].numpy()


def protocol(**changes) -> Protocol:
    values = {"scales": (0.7, 1.0, 1.6), "flip": True, "fusion": "mean_probability", "long_side": 13}
    return Protocol(**values | changes)


WINDOWS = [
    {"window": "whole"},
    {"crop_size": 8, "stride": 0.5},
    {"crop_size": 8, "stride": 0.7, "border": "inside"},
    {"crop_size": 32, "stride": 0.5},
    {"crop_size": 32, "stride": 0.5, "border": "inside"},
]
FUSIONS = ["mean_probability", "exp_logit_sum"]


def photo(height: int, width: int) -> torch.Tensor:
    return torch.randint(
        0, 256, (3, height, width), dtype=torch.uint8, generator=torch.Generator().manual_seed(17)
    )


@pytest.mark.parametrize(("window", "fusion", "align"), list(product(WINDOWS, FUSIONS, [True, False])))
def test_against_the_literal_version(window, fusion, align, monkeypatch):
    monkeypatch.setitem(scoring.BAND_BYTES, "cpu", 1500)  # several bands, of several rows
    stated = protocol(fusion=fusion, align_corners=align, **window)
    image = photo(9, 12)
    for at_once in (1, 3):
        ours = image_scores(coarse, image, stated, at_once)
        np.testing.assert_allclose(ours, literal_scores(literal, image.numpy(), stated), atol=1e-5)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_portrait_without_flip(fusion):
    image = photo(14, 5)
    stated = protocol(fusion=fusion, flip=False, crop_size=8, stride=0.5)
    expected = literal_scores(literal, image.numpy(), stated)
    np.testing.assert_allclose(image_scores(coarse, image, stated), expected, atol=1e-5)
    np.testing.assert_array_equal(image_classes(coarse, image, stated), expected.argmax(axis=0))


@pytest.mark.parametrize("size", [60.0, 250.0])
def test_sums_of_large_exponentials(size):
    """Pixels with logits hundreds apart: float32 overflows at 88; a common maximum buries the small ones."""

    def steep(images: torch.Tensor) -> torch.Tensor:
        grid = images[:, :, ::2, ::2]
        slope = size * RAMP[: 2 * grid.shape[-1] : 2].to(images.dtype)
        return torch.stack([slope + grid[:, 0], slope + grid[:, 1], slope + grid[:, 2]], dim=1)

    image = photo(9, 32)
    stated = protocol(fusion="exp_logit_sum", flip=False, long_side=32, crop_size=16, stride=0.5)
    expected = literal_scores(
        lambda shown: steep(torch.from_numpy(shown.copy())[None])[0].numpy(), image.numpy(), stated
    )
    ours = image_scores(steep, image, stated)
    # Exponentials of logits near 100 have a relative error of 100 times that of float32.
    np.testing.assert_allclose(ours, expected, atol=5e-5)


def test_bands_change_nothing(monkeypatch):
    stated = protocol(crop_size=8, stride=0.5)
    whole = image_scores(coarse, photo(11, 12), stated)
    monkeypatch.setitem(scoring.BAND_BYTES, "cpu", 1)
    torch.testing.assert_close(image_scores(coarse, photo(11, 12), stated), whole)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (40, 1), (2, 3)])
@pytest.mark.parametrize("window", WINDOWS)
def test_tiny_images(size, window):
    classes = image_classes(coarse, photo(*size), protocol(**window))
    assert classes.shape == size


def test_sliding_windows_need_their_size():
    with pytest.raises(ValidationError, match="sliding windows need crop_size and stride"):
        protocol()


@pytest.mark.parametrize("extra", [{"crop_size": 8}, {"stride": 0.5}, {"border": "inside"}])
def test_whole_images_have_no_window(extra):
    with pytest.raises(ValidationError, match="belong to sliding windows"):
        protocol(window="whole", **extra)


def test_facts_of_earlier_versions_stand():
    stated = protocol(crop_size=8, stride=0.5)
    assert list(stated.facts()) == ["scales", "flip", "fusion", "long_side", "crop_size", "stride"]
    assert protocol(window="whole").facts()["window"] == "whole"
