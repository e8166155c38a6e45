import numpy as np
import torch

from danet.models.normalisation import MEAN, STD, normalise


def test_formula():
    pixels = np.random.default_rng(9).integers(0, 256, (2, 3, 4, 5), dtype=np.uint8)
    mean, std = (np.array(values).reshape(3, 1, 1) for values in (MEAN, STD))
    expected = torch.from_numpy((pixels / 255 - mean) / std).float()
    torch.testing.assert_close(normalise(torch.from_numpy(pixels)), expected)
    torch.testing.assert_close(normalise(torch.from_numpy(pixels).float()), expected)


def test_first_use_in_inference_does_not_spoil_training():
    with torch.inference_mode():
        normalise(torch.zeros(1, 3, 1, 1))
    images = torch.zeros(1, 3, 1, 1, requires_grad=True)
    normalise(images).sum().backward()
    torch.testing.assert_close(images.grad.flatten(), 1 / (255 * torch.tensor(STD)))
