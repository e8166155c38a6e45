"""DeepLab-v2: four dilated classifiers, summed."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from danet.models.heads.head import Head

RATES = (6, 12, 18, 24)
"""ASPP-L, the paper's larger variant."""


class DeepLabV2Head(Head):
    """Atrous spatial pyramid pooling, straight to logits.

    Source: Chen et al., "DeepLab: Semantic Image Segmentation with Deep Convolutional Nets, Atrous
    Convolution, and Fully Connected CRFs", PAMI 2018, Section 3.2 and Figure 4; initial values as in
    kazuto1011/deeplab-pytorch, libs/models/deeplabv2.py. Without the paper's three input scales, weights
    of COCO and CRF; nothing is dropped before the classifiers, which are all that there is.

    Args:
        in_channels: of the last stage.
        classes: number of logits per position.
        dropout: not used.
    """

    outputs: ClassVar[Mapping[str, float]] = {"main": 1.0}

    def __init__(self, in_channels: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.branches = nn.ModuleList(
            nn.Conv2d(in_channels, classes, kernel_size=3, padding=rate, dilation=rate) for rate in RATES
        )
        for name, parameter in self.branches.named_parameters():
            nn.init.normal_(parameter, std=0.01) if name.endswith("weight") else nn.init.zeros_(parameter)

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        """From features (B, in_channels, H, W) to the logits (B, classes, H, W) of the one output."""
        return {"main": torch.stack([branch(features) for branch in self.branches]).sum(dim=0)}
