"""DeepLabv3: atrous spatial pyramid pooling with the mean of the image."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from danet.models.heads.head import Head
from danet.models.layers import classifier, conv_bn_relu, resize

RATES = (12, 24, 36)
"""Dilations at an eighth of the resolution, twice those at a sixteenth."""


class DeepLabV3Head(Head):
    """A 1x1 convolution, three dilated ones and the image's mean, side by side; two convolutions; classifier.

    Source: Chen et al., "Rethinking Atrous Convolution for Semantic Image Segmentation",
    arXiv:1706.05587, Section 3.3; the 3x3 convolution before the classifier as in torchvision's
    DeepLabHead and in PyTorch-Encoding, which the authors' own code does not have. Dropout is before the
    classifier, as in all heads here, not between those two convolutions.

    Args:
        in_channels: of the last stage.
        classes: number of logits per position.
        dropout: probability with which a channel is dropped before the classifier.
    """

    outputs: ClassVar[Mapping[str, float]] = {"main": 1.0}
    smallest_batch: ClassVar[int] = 2

    def __init__(self, in_channels: int, classes: int, dropout: float) -> None:
        super().__init__()
        channels = in_channels // 8
        self.branches = nn.ModuleList([conv_bn_relu(in_channels, channels, kernel_size=1)])
        self.branches.extend(
            conv_bn_relu(in_channels, channels, kernel_size=3, dilation=rate) for rate in RATES
        )
        self.image_mean = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), conv_bn_relu(in_channels, channels, kernel_size=1)
        )
        self.project = conv_bn_relu(channels * (len(self.branches) + 1), channels, kernel_size=1)
        self.refine = conv_bn_relu(channels, channels, kernel_size=3)
        self.classifier = classifier(channels, classes, dropout)

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        """From features (B, in_channels, H, W) to the logits (B, classes, H, W) of the one output."""
        branches = [branch(features) for branch in self.branches]
        mean = resize(self.image_mean(features), features)  # the same at every position
        projected = self.project(torch.cat([*branches, mean], dim=1))  # (B, in_channels / 8, H, W)
        return {"main": self.classifier(self.refine(projected))}
