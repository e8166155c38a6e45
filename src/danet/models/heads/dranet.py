"""DRANet: DANet's successor, whose positions and channels attend to few centres instead of each other."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from danet.models.heads.auxiliary import HeadWithAuxiliary
from danet.models.layers import classifier, conv_bn_relu, resize

BINS = (1, 2, 3, 6)
LOW_CHANNELS = 32


class CompactPositionAttention(nn.Module):
    """Positions attend to 50 centres: means over 1, 4, 9 and 36 parts of the map.

    Args:
        channels: C, of input and output; queries and keys have a quarter.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.centres = nn.ModuleList(conv_bn_relu(channels, channels, kernel_size=1) for _ in BINS)
        self.query = nn.Conv2d(channels, channels // 4, kernel_size=1)
        self.key = nn.Linear(channels, channels // 4)
        self.value = nn.Linear(channels, channels)
        self.scale = nn.Parameter(torch.zeros(1))

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        levels = [
            project(F.adaptive_avg_pool2d(features, bins)).flatten(2)
            for project, bins in zip(self.centres, BINS, strict=True)
        ]
        centres = torch.cat(levels, dim=2).transpose(1, 2)  # (B, M, C), M = 50
        query = self.query(features).flatten(2).transpose(1, 2)  # (B, N, C / 4), N = H * W
        energy = query @ self.key(centres).transpose(1, 2)  # (B, N, M)
        attention, value = energy.softmax(dim=2), self.value(centres)  # (B, N, M), (B, M, C)
        gathered = (attention.to(value.dtype) @ value).transpose(1, 2)  # (B, C, N)
        return self.scale * gathered.unflatten(2, features.shape[-2:]) + features


class CompactChannelAttention(nn.Module):
    """Channels attend to a sixteenth as many; to those least like them, as in the released DANet.

    Args:
        channels: C, of input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.centres = conv_bn_relu(channels, channels // 16, kernel_size=1)
        self.scale = nn.Parameter(torch.zeros(1))

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        channels, centres = features.flatten(2), self.centres(features).flatten(2)  # (B, C, N), (B, M, N)
        # In float32, as danet.models.attention.channel. The authors' maximum minus the energy has the
        # same softmax as minus the energy.
        with torch.autocast(features.device.type, enabled=False):
            dtype = torch.promote_types(features.dtype, torch.float32)
            energy = channels.to(dtype) @ centres.to(dtype).transpose(1, 2)  # (B, C, M)
            attention = (-energy).softmax(dim=2)
        gathered = attention.to(centres.dtype) @ centres  # (B, C, N)
        return self.scale * gathered.unflatten(2, features.shape[-2:]) + features


class CrossLevelGating(nn.Module):
    """Adds stage 1, gated by what both levels say at each position.

    Args:
        low: channels of stage 1.
        channels: of the deep features and of the output.
    """

    def __init__(self, low: int, channels: int) -> None:
        super().__init__()
        both = LOW_CHANNELS + channels
        self.low = conv_bn_relu(low, LOW_CHANNELS, kernel_size=3)
        self.gate = nn.Sequential(nn.Conv2d(both, 1, kernel_size=1), nn.Sigmoid())
        self.gamma = nn.Parameter(torch.ones(1))
        self.fuse = nn.Sequential(
            conv_bn_relu(both, channels, kernel_size=3), conv_bn_relu(channels, channels, kernel_size=3)
        )

    def forward(self, low: Tensor, deep: Tensor) -> Tensor:
        """From stage 1 (B, low, H, W) and deep features (B, channels, h, w) to (B, channels, H, W)."""
        low = self.low(low)
        deep = resize(deep, low)
        gated = self.gamma * self.gate(torch.cat([low, deep], dim=1)) * low
        return self.fuse(torch.cat([gated, deep], dim=1))


class DRAHead(HeadWithAuxiliary):
    """Dual relation-aware attention: both compact modules, joined, and the gated decoder.

    Source: Fu et al., "Scene Segmentation with Dual Relation-Aware Attention Network", TNNLS 2020;
    layers as in the authors' junfu1115/DANet, encoding/nn/dran_att.py and encoding/models/sseg/dran.py.

    Args:
        deep: channels of stage 4.
        middle: channels of stage 3.
        first: channels of stage 1.
        classes: number of logits per position.
        dropout: probability with which a channel is dropped before each classifier.
    """

    stages: ClassVar[Sequence[int]] = (4, 3, 1)
    smallest_batch: ClassVar[int] = 2

    def __init__(self, deep: int, middle: int, first: int, classes: int, dropout: float) -> None:
        super().__init__(middle, classes, dropout)
        inner, channels = deep // 4, deep // 8
        self.position = _branch(deep, inner, CompactPositionAttention(inner))
        self.channel = _branch(deep, inner, CompactChannelAttention(inner))
        self.join = conv_bn_relu(2 * inner, channels, kernel_size=3)
        self.decode = CrossLevelGating(first, channels)
        self.classifier = classifier(channels, classes, dropout)

    def logits(self, deep: Tensor, middle: Tensor, first: Tensor) -> Tensor:
        """(B, classes, h, w) at the resolution of stage 1."""
        joined = self.join(torch.cat([self.position(deep), self.channel(deep)], dim=1))
        return self.classifier(self.decode(first, joined))


def _branch(in_channels: int, channels: int, attention: nn.Module) -> nn.Sequential:
    return nn.Sequential(
        conv_bn_relu(in_channels, channels, kernel_size=3),
        attention,
        conv_bn_relu(channels, channels, kernel_size=3),
    )
