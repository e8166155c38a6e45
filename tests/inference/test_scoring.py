"""Both fusion formulas, written out in numpy, against the scores of whole images."""

import numpy as np
import pytest
import torch

from danet.inference.scoring import image_scores
from danet.inference.windows import resize
from danet.models.normalisation import MEAN, STD, normalise
from danet.settings import Protocol

LEFT_TO_RIGHT = torch.linspace(-1, 1, 8)


def predict(images: torch.Tensor) -> torch.Tensor:
    """Logits of three classes that depend on the pixel and, unlike its mirror image, on its column."""
    ramp = LEFT_TO_RIGHT.to(images.dtype)
    return torch.stack([images[:, 0] + ramp, images[:, 1] - 2 * ramp, images.sum(dim=1)], dim=1)


def protocol(**changes) -> Protocol:
    values = {
        "scales": (1.0,),
        "flip": True,
        "fusion": "mean_probability",
        "long_side": 8,
        "crop_size": 8,
        "stride": 0.5,
    }
    return Protocol(**values | changes)


@pytest.fixture
def image() -> torch.Tensor:
    return torch.randint(0, 256, (3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(13))


def logits(image: np.ndarray) -> np.ndarray:
    mean, std = (np.array(values).reshape(3, 1, 1) for values in (MEAN, STD))
    return predict(torch.from_numpy((image / 255 - mean) / std)[None])[0].numpy()


def softmax(scores: np.ndarray) -> np.ndarray:
    return np.exp(scores) / np.exp(scores).sum(axis=0)


def both_views(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return logits(image), logits(image[:, :, ::-1].copy())[:, :, ::-1]


def mean_probability(image: np.ndarray) -> np.ndarray:
    return np.mean([softmax(view) for view in both_views(image)], axis=0)


def exp_logit_sum(image: np.ndarray) -> np.ndarray:
    return np.exp(np.sum(both_views(image), axis=0))


def shares(scores: np.ndarray) -> np.ndarray:
    return scores / scores.sum(axis=0)


FORMULAS = {"mean_probability": mean_probability, "exp_logit_sum": exp_logit_sum}


@pytest.mark.parametrize("fusion", FORMULAS)
def test_one_window_with_flip(image, fusion):
    scores = image_scores(predict, image, protocol(fusion=fusion))
    np.testing.assert_allclose(scores, shares(FORMULAS[fusion](image.numpy())), rtol=1e-5)


@pytest.mark.parametrize(("fusion", "formula"), [("mean_probability", softmax), ("exp_logit_sum", np.exp)])
def test_one_window_without_flip(image, fusion, formula):
    scores = image_scores(predict, image, protocol(fusion=fusion, flip=False))
    np.testing.assert_allclose(scores, shares(formula(logits(image.numpy()))), rtol=1e-5)


@pytest.mark.parametrize("fusion", FORMULAS)
def test_scales_are_resized_back_and_combined(image, fusion):
    scales = (0.5, 1.0)
    scores = image_scores(predict, image, protocol(fusion=fusion, scales=scales))
    small = np.zeros((3, 8, 8))
    small[:, :4, :4] = resize(image[None].double(), 4, 4)[0].numpy()
    of_small = torch.from_numpy(FORMULAS[fusion](small)[:, :4, :4].copy())
    total = resize(of_small[None], 8, 8)[0].numpy() + FORMULAS[fusion](image.numpy())
    np.testing.assert_allclose(scores, shares(total), rtol=1e-5)


@pytest.mark.parametrize("fusion", FORMULAS)
def test_windows_are_scored_before_they_are_averaged(fusion):
    image = torch.randint(0, 256, (3, 8, 12), dtype=torch.uint8, generator=torch.Generator().manual_seed(14))
    scores = image_scores(predict, image, protocol(fusion=fusion, long_side=12))
    left, right = (FORMULAS[fusion](image[:, :, start : start + 8].numpy()) for start in (0, 4))
    expected = np.zeros((3, 8, 12))
    expected[:, :, :8] += left
    expected[:, :, 4:] += right
    expected[:, :, 4:8] /= 2
    np.testing.assert_allclose(scores, shares(expected), rtol=1e-5)


def test_probabilities_sum_to_one(image):
    scores = image_scores(predict, image, protocol(scales=(0.75, 1.0, 1.5, 2.0)))
    torch.testing.assert_close(scores.sum(dim=0), torch.ones(8, 8))


def test_what_lies_beyond_the_image_is_black():
    seen = []

    def watch(images):
        seen.append(images)
        return predict(images)

    image_scores(watch, torch.full((3, 4, 8), 200, dtype=torch.uint8), protocol(flip=False))
    black = normalise(torch.zeros(1, 3, 1, 1))
    assert torch.equal(seen[0][:, :, 4:], black.expand(1, 3, 4, 8))


@pytest.mark.parametrize("flip", [True, False])
def test_a_forward_pass_has_a_bounded_number_of_windows(flip):
    sizes = []

    def watch(images):
        sizes.append(len(images))
        return predict(images)

    image = torch.zeros(3, 40, 40, dtype=torch.uint8)
    image_scores(watch, image, protocol(flip=flip, long_side=40), windows_at_once=5)
    assert max(sizes) == 5
    assert sum(sizes) == 9 * 9 * (2 if flip else 1)
