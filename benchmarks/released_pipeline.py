"""The released code's way from two PNG files to two tensors, with Pillow and torchvision.

Decode, mirror, resize everything, fill up, crop, turn into floats, normalise: the order, the filters
and the ranges of ``encoding/datasets/base.py``, written out here anew.
"""

import random
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor
from torchvision.transforms import Compose, Normalize, ToTensor

from danet.data.label_maps import IGNORED
from danet.models.normalisation import MEAN, STD
from danet.settings import Training

_TO_NORMALISED = Compose([ToTensor(), Normalize(MEAN, STD)])


def released_sample(image_file: Path, label_file: Path, training: Training) -> tuple[Tensor, Tensor]:
    """Image (3, S, S) float32, normalised, and label (S, S) int64."""
    with Image.open(image_file) as opened:
        image = opened.convert("RGB")
    with Image.open(label_file) as opened:
        label = opened.copy()
    size = training.crop_size
    if random.random() < training.flip_probability:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        label = label.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    low, high = training.random_scale or (1.0, 1.0)
    short = random.randint(int(training.short_side * low), int(training.short_side * high))
    width, height = image.size
    if height > width:
        width, height = short, int(1.0 * height * short / width)
    else:
        width, height = int(1.0 * width * short / height), short
    image = image.resize((width, height), Image.Resampling.BILINEAR)
    label = label.resize((width, height), Image.Resampling.NEAREST)
    if short < size:
        border = (0, 0, max(size - width, 0), max(size - height, 0))
        image = ImageOps.expand(image, border=border, fill=0)
        label = ImageOps.expand(label, border=border, fill=IGNORED)
    width, height = image.size
    left, top = random.randint(0, width - size), random.randint(0, height - size)
    window = (left, top, left + size, top + size)
    label = torch.from_numpy(np.array(label.crop(window))).long()
    return _TO_NORMALISED(image.crop(window)), label
