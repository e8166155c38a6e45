"""PSANet: attention whose weights each position predicts for the places around it."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from danet.models.heads.auxiliary import HeadWithAuxiliary
from danet.models.layers import classifier, conv_bn_relu, resize

MASK = 95
"""Side of the mask of offsets, 2 h - 1 for the h = 48 rows that half the map of a 768x768 crop has. On
smaller maps its middle is used; places farther away than it reaches have logit 0, as in the paper's code."""


class PointwiseSpatialAttention(nn.Module):
    """One of the two branches, on half the resolution.

    Source: Zhao et al., "PSANet: Point-wise Spatial Attention Network for Scene Parsing", ECCV 2018,
    Sections 3.2 and 3.3; layers as in the author's hszhao/semseg, model/psanet.py. Holds the weights of
    MASK^2 offsets and of N places for each of its N positions: a map over pairs that is predicted, not a
    product of queries and keys, so attention in blocks does not apply.

    Args:
        in_channels: of the last stage.
        channels: to which it is reduced.
        distributes: False: each position predicts from where it collects; True: whereto it distributes.
    """

    def __init__(self, in_channels: int, channels: int, distributes: bool) -> None:
        super().__init__()
        self.reduce = conv_bn_relu(in_channels, channels, kernel_size=1)
        self.attention = nn.Sequential(
            conv_bn_relu(channels, channels, kernel_size=1),
            nn.Conv2d(channels, MASK**2, kernel_size=1, bias=False),
        )
        self.distributes = distributes

    def forward(self, features: Tensor) -> Tensor:
        """From (B, in_channels, H, W) to (B, channels, h, w), h = (H - 1) // 2 + 1 and w alike."""
        reduced = self.reduce(features)
        half = [(side - 1) // 2 + 1 for side in reduced.shape[-2:]]
        reduced = F.interpolate(reduced, half, mode="bilinear", align_corners=True)
        x = reduced.flatten(2)  # (B, C, N), N = h * w
        energy = absolute_places(self.attention(reduced))  # (B, N, N): place, position that predicts
        if self.distributes:
            energy = energy.transpose(1, 2)  # now (B, source, target) in both branches
        weights = energy.softmax(dim=1).to(x.dtype)
        return (x @ weights).unflatten(2, half)


def absolute_places(mask: Tensor) -> Tensor:
    """From weights by offset to weights by place.

    Args:
        mask: (B, side * side, h, w); at each position, the weights of all offsets (row, column).

    Returns:
        (B, h * w, h * w), [j, i]: the weight at position i of the offset from i to place j.
    """
    side = round(mask.shape[1] ** 0.5)
    by_row = mask.unflatten(1, (side, side)).permute(0, 2, 4, 3, 1)  # (B, offset x, w, h, offset y)
    by_column = _absolute(by_row).permute(0, 3, 4, 2, 1)  # (B, h, place y, w, offset x)
    places = _absolute(by_column).permute(0, 2, 4, 1, 3)  # (B, place y, place x, h, w)
    return places.flatten(3).flatten(1, 2)


def _absolute(weights: Tensor) -> Tensor:
    """Along one axis, (..., n, side) -> (..., n, n): [y, v] becomes what was at offset v - y, or 0."""
    n, side = weights.shape[-2:]
    beyond = n - 1 - side // 2  # offsets that the mask lacks on either side; below 0: that it has too many
    padded = F.pad(weights, (beyond, beyond + 1))  # (..., n, 2 n), offset -(n - 1) first
    # Read in rows one shorter, each row begins one offset further left than the one before.
    shifted = padded.flatten(-2)[..., n - 1 : 2 * n * n - 1]
    return shifted.unflatten(-1, (n, 2 * n - 1))[..., :n]


class PSAHead(HeadWithAuxiliary):
    """Collect and distribute, projected back and put beside the features (Figure 2).

    Args:
        deep: channels of the last stage.
        middle: channels of the third stage.
        classes: number of logits per position.
        dropout: probability with which a channel is dropped before each classifier.
    """

    def __init__(self, deep: int, middle: int, classes: int, dropout: float) -> None:
        super().__init__(middle, classes, dropout)
        channels = deep // 4
        self.collect = PointwiseSpatialAttention(deep, channels, distributes=False)
        self.distribute = PointwiseSpatialAttention(deep, channels, distributes=True)
        self.project = conv_bn_relu(2 * channels, deep, kernel_size=1)
        self.fuse = conv_bn_relu(2 * deep, channels, kernel_size=3)
        self.classifier = classifier(channels, classes, dropout)

    def logits(self, deep: Tensor, middle: Tensor) -> Tensor:
        """(B, classes, h, w), from the last stage alone."""
        gathered = self.project(torch.cat([self.collect(deep), self.distribute(deep)], dim=1))
        return self.classifier(self.fuse(torch.cat([deep, resize(gathered, deep)], dim=1)))
