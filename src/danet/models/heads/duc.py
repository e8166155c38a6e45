"""DUC: a classifier of the cells between the positions, instead of interpolation."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from danet.models.heads.head import Head

FACTOR = 4
RATES = (6, 12, 18, 24)


class DUCHead(Head):
    """Dense upsampling convolution: logits of 4 x 4 cells for each position.

    Source: Wang et al., "Understanding Convolution for Semantic Segmentation", WACV 2018, Section 3.1;
    four dilated convolutions that are summed, to half the image's size, as in the authors' TuSimple-DUC,
    networks. Their loss compares at that size with labels to match; here logits are interpolated over
    the last factor of 2, as for all heads. HDC, the paper's other part, is about the backbone.

    Args:
        in_channels: of the last stage.
        classes: number of logits per position.
        dropout: not used.
    """

    outputs: ClassVar[Mapping[str, float]] = {"main": 1.0}

    def __init__(self, in_channels: int, classes: int, dropout: float) -> None:
        super().__init__()
        cells = classes * FACTOR**2
        self.branches = nn.ModuleList(
            nn.Conv2d(in_channels, cells, kernel_size=3, padding=rate, dilation=rate) for rate in RATES
        )

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        """From features (B, in_channels, H, W) to the logits (B, classes, 4 H, 4 W) of the one output."""
        cells = torch.stack([branch(features) for branch in self.branches]).sum(dim=0)
        return {"main": F.pixel_shuffle(cells, FACTOR)}
