"""Scaling of pixel values to what a backbone trained on ImageNet expects."""

from functools import cache

import torch
from torch import Tensor

MEAN = (0.485, 0.456, 0.406)
"""Mean of ImageNet's red, green and blue, with pixel values from 0 to 1."""
STD = (0.229, 0.224, 0.225)
"""Their standard deviation."""


def normalise(images: Tensor) -> Tensor:
    """Subtract the mean and divide by the standard deviation.

    Args:
        images: (B, 3, H, W) RGB from 0 to 255, uint8 or floating point.

    Returns:
        (B, 3, H, W) float32; a black pixel becomes -MEAN / STD.
    """
    mean, std = _statistics(images.device)
    return (images - mean) / std


@cache
def _statistics(device: torch.device) -> tuple[Tensor, Tensor]:
    # Kept per device: a copy to the GPU in every training step would make the host wait for it.
    # Made outside of inference mode, so that a first call in evaluation does not spoil training.
    with torch.inference_mode(False):
        mean, std = (torch.tensor(values).view(3, 1, 1).mul(255).to(device) for values in (MEAN, STD))
    return mean, std
