"""BiSeNet: a path that keeps detail, from the image itself, beside one that sees the context."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from danet.models.heads.head import Head
from danet.models.layers import classifier, conv_bn_relu, resize

CHANNELS = 128


class AttentionRefinement(nn.Module):
    """A 3x3 convolution, and a gate for each of its channels from their means (Figure 2, b).

    Args:
        in_channels: of the stage.
    """

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.reduce = conv_bn_relu(in_channels, CHANNELS, kernel_size=3)
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(CHANNELS, CHANNELS, kernel_size=1, bias=False),
            nn.BatchNorm2d(CHANNELS),
            nn.Sigmoid(),
        )

    def forward(self, features: Tensor) -> Tensor:
        """From (B, in_channels, H, W) to (B, 128, H, W)."""
        reduced = self.reduce(features)
        return reduced * self.gate(reduced)


class FeatureFusion(nn.Module):
    """Both paths side by side, reduced, and added to themselves through a gate (Figure 2, c)."""

    def __init__(self) -> None:
        super().__init__()
        both = 2 * CHANNELS
        self.reduce = conv_bn_relu(both, both, kernel_size=1)
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(both, both, kernel_size=1, bias=False),
            nn.ReLU(inplace=True),
            nn.Conv2d(both, both, kernel_size=1, bias=False),
            nn.Sigmoid(),
        )

    def forward(self, spatial: Tensor, context: Tensor) -> Tensor:
        """From two (B, 128, H, W) to (B, 256, H, W)."""
        fused = self.reduce(torch.cat([spatial, context], dim=1))
        return fused + fused * self.gate(fused)


def _strided(in_channels: int, out_channels: int, kernel_size: int) -> nn.Sequential:
    """Half the resolution."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size, stride=2, padding=kernel_size // 2, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )


class BiSeHead(Head):
    """Spatial path and context path, with a loss on each of the latter's two results.

    Source: Yu et al., "BiSeNet: Bilateral Segmentation Network for Real-time Semantic Segmentation",
    ECCV 2018, Figure 2; layers and weights of the losses as in the author's ycszen/TorchSeg,
    model/bisenet/cityscapes.bisenet.R101. Made for a backbone without dilation (``dilation: none``); on a
    dilated one it has none of the paper's speed. Cross entropy of all pixels, where the author's counts
    the hard ones.

    Args:
        deep: channels of stage 4.
        middle: channels of stage 3.
        image: channels of the image.
        classes: number of logits per position.
        dropout: probability with which a channel is dropped before each classifier.
    """

    stages: ClassVar[Sequence[int]] = (4, 3, 0)
    outputs: ClassVar[Mapping[str, float]] = {"main": 1.0, "deep_context": 1.0, "context": 1.0}
    smallest_batch: ClassVar[int] = 2

    def __init__(self, deep: int, middle: int, image: int, classes: int, dropout: float) -> None:
        super().__init__()
        half = CHANNELS // 2
        self.spatial = nn.Sequential(
            _strided(image, half, kernel_size=7),
            _strided(half, half, kernel_size=3),
            _strided(half, half, kernel_size=3),
            conv_bn_relu(half, CHANNELS, kernel_size=1),
        )
        self.image_mean = nn.Sequential(nn.AdaptiveAvgPool2d(1), conv_bn_relu(deep, CHANNELS, kernel_size=1))
        self.deep_attention, self.attention = AttentionRefinement(deep), AttentionRefinement(middle)
        self.deep_refine = conv_bn_relu(CHANNELS, CHANNELS, kernel_size=3)
        self.refine = conv_bn_relu(CHANNELS, CHANNELS, kernel_size=3)
        self.fuse = FeatureFusion()
        self.main = _classify(2 * CHANNELS, classes, dropout)
        self.deep_context = _classify(CHANNELS, classes, dropout)
        self.context = _classify(CHANNELS, classes, dropout)

    def forward(self, deep: Tensor, middle: Tensor, image: Tensor) -> dict[str, Tensor]:
        """From stages 4 and 3 and the image to logits of the three outputs."""
        deep_context, context, fused = self._paths(deep, middle, image)
        return {
            "main": self.main(fused),
            "deep_context": self.deep_context(deep_context),
            "context": self.context(context),
        }

    def predict(self, *features: Tensor) -> Tensor:
        """The main output alone."""
        return self.main(self._paths(*features)[-1])

    def _paths(self, deep: Tensor, middle: Tensor, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Context at the resolution of stage 3, at an eighth of the image's, and with the spatial path."""
        spatial = self.spatial(image)  # (B, 128, H / 8, W / 8)
        seen = self.deep_attention(deep) + resize(self.image_mean(deep), deep)
        deep_context = self.deep_refine(resize(seen, middle))
        context = self.refine(resize(self.attention(middle) + deep_context, spatial))
        return deep_context, context, self.fuse(spatial, context)


def _classify(in_channels: int, classes: int, dropout: float) -> nn.Sequential:
    channels = 2 * CHANNELS
    return nn.Sequential(
        conv_bn_relu(in_channels, channels, kernel_size=3), classifier(channels, classes, dropout)
    )
