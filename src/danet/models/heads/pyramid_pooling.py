"""Pyramid pooling, of PSPNet and of UPerNet."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from danet.models.layers import conv_bn_relu, resize

BINS = (1, 2, 3, 6)


class PyramidPooling(nn.Module):
    """Means over 1, 4, 9 and 36 parts of the map, side by side with the map itself.

    Source: Zhao et al., "Pyramid Scene Parsing Network", CVPR 2017, Section 3.2 and Figure 3; the order
    of the channels from the author's hszhao/semseg, model/pspnet.py.

    Args:
        in_channels: of the map.
        level_channels: to which each of the four levels is reduced.

    Attributes:
        channels: of the output.
    """

    def __init__(self, in_channels: int, level_channels: int) -> None:
        super().__init__()
        self.levels = nn.ModuleList(conv_bn_relu(in_channels, level_channels, kernel_size=1) for _ in BINS)
        self.channels = in_channels + len(BINS) * level_channels

    def forward(self, features: Tensor) -> Tensor:
        """From (B, in_channels, H, W) to (B, channels, H, W)."""
        pooled = [F.adaptive_avg_pool2d(features, bins) for bins in BINS]  # (B, in_channels, bins, bins)
        levels = [resize(level(means), features) for level, means in zip(self.levels, pooled, strict=True)]
        return torch.cat([features, *levels], dim=1)
