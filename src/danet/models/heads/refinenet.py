"""RefineNet: four levels, each refined together with the one above."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional as F

from danet.models.heads.head import Head
from danet.models.layers import resize


class ResidualUnit(nn.Module):
    """Residual convolution unit (Figure 3, b): two 3x3 convolutions behind ReLUs, and the input.

    Args:
        channels: of input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(
            nn.ReLU(), _conv3(channels, channels, bias=True), nn.ReLU(), _conv3(channels, channels)
        )

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        return features + self.convolutions(features)


class ChainedPooling(nn.Module):
    """Chained residual pooling (Figure 3, d): four times a 5x5 maximum and a convolution, all summed.

    Args:
        channels: of input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(_conv3(channels, channels) for _ in range(4))

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        total = pooled = F.relu(features)
        for convolution in self.convolutions:
            pooled = convolution(F.max_pool2d(pooled, kernel_size=5, stride=1, padding=2))
            total = total + pooled
        return total


class Level(nn.Module):
    """One RefineNet block (Figure 3, a).

    Args:
        in_channels: of the stage.
        channels: within the block and of its output.
        above: channels of the level above; None: there is none.
        dropout: probability with which a channel of the stage is dropped.
    """

    def __init__(self, in_channels: int, channels: int, above: int | None, dropout: float) -> None:
        super().__init__()
        self.adapt = nn.Sequential(
            nn.Dropout2d(dropout),
            _conv3(in_channels, channels),
            ResidualUnit(channels),
            ResidualUnit(channels),
        )
        self.fuse = None
        if above is not None:
            self.fuse = nn.ModuleList([_conv3(channels, channels), _conv3(above, channels)])
        self.refine = nn.Sequential(ChainedPooling(channels), *(ResidualUnit(channels) for _ in range(3)))

    def forward(self, stage: Tensor, above: Tensor | None = None) -> Tensor:
        """From the stage (B, in_channels, H, W) and the level above (B, above, h, w).

        Returns:
            (B, channels, H, W).
        """
        features = self.adapt(stage)
        if self.fuse is not None and above is not None:
            own, other = self.fuse
            features = own(features) + resize(other(above), features)
        return self.refine(features)


def _conv3(in_channels: int, out_channels: int, bias: bool = False) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1, bias=bias)


class RefineHead(Head):
    """Multi-path refinement of all four stages.

    Source: Lin et al., "RefineNet: Multi-Path Refinement Networks for High-Resolution Semantic
    Segmentation", CVPR 2017, Section 3 and Figures 2 (c) and 3. Made for a backbone without dilation
    (``dilation: none``); on a dilated one the levels of stages 2 to 4 have one resolution. The
    authors keep BatchNorm of the backbone fixed, train one image a step and drop half of the channels of
    stages 3 and 4 and before the classifier; here they follow the recipe of all heads.

    Args:
        deep: channels of stage 4.
        middle: channels of stage 3.
        shallow: channels of stage 2.
        first: channels of stage 1.
        classes: number of logits per position.
        dropout: probability with which a channel is dropped.
    """

    stages: ClassVar[Sequence[int]] = (4, 3, 2, 1)
    outputs: ClassVar[Mapping[str, float]] = {"main": 1.0}

    def __init__(
        self, deep: int, middle: int, shallow: int, first: int, classes: int, dropout: float
    ) -> None:
        super().__init__()
        wide, width = deep // 4, deep // 8
        self.levels = nn.ModuleList(
            [
                Level(deep, wide, None, dropout),
                Level(middle, width, wide, dropout),
                Level(shallow, width, width, 0.0),
                Level(first, width, width, 0.0),
            ]
        )
        self.classifier = nn.Sequential(nn.Dropout2d(dropout), _conv3(width, classes, bias=True))

    def forward(self, *features: Tensor) -> dict[str, Tensor]:
        """From stages 4, 3, 2 and 1 to logits (B, classes, h, w) at the resolution of stage 1."""
        path = None
        for level, stage in zip(self.levels, features, strict=True):
            path = level(stage, path)
        return {"main": self.classifier(path)}
