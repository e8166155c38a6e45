"""DenseASPP: dilated convolutions, each of which sees the results of all smaller ones."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from danet.models.heads.head import Head
from danet.models.layers import classifier

RATES = (3, 6, 12, 18, 24)


class DenseASPPLayer(nn.Sequential):
    """A 1x1 convolution to fewer channels, then a dilated 3x3 one, each behind BatchNorm and ReLU.

    BatchNorm forgets slowly, with momentum 0.0003, as in the authors' code.

    Args:
        in_channels: of the features and all smaller rates' results.
        inner: between the convolutions.
        channels: of the result.
        rate: dilation.
        dropout: probability with which a channel of the result is dropped.
        first: it has no BatchNorm before its first convolution, since features come from a ReLU.
    """

    def __init__(
        self, in_channels: int, inner: int, channels: int, rate: int, dropout: float, first: bool
    ) -> None:
        layers: list[nn.Module] = [] if first else [nn.BatchNorm2d(in_channels, momentum=0.0003)]
        super().__init__(
            *layers,
            nn.ReLU(),
            nn.Conv2d(in_channels, inner, kernel_size=1),
            nn.BatchNorm2d(inner, momentum=0.0003),
            nn.ReLU(inplace=True),
            nn.Conv2d(inner, channels, kernel_size=3, padding=rate, dilation=rate),
            nn.Dropout2d(dropout),
        )


class DenseASPPHead(Head):
    """Densely connected atrous spatial pyramid pooling.

    Source: Yang et al., "DenseASPP for Semantic Segmentation in Street Scenes", CVPR 2018, Section 3 and
    Figure 3; layers as in the authors' DenseASPP, models/DenseASPP.py, where the backbone is DenseNet-161.

    Args:
        in_channels: of the last stage.
        classes: number of logits per position.
        dropout: probability with which a channel is dropped in each layer and before the classifier.
    """

    outputs: ClassVar[Mapping[str, float]] = {"main": 1.0}

    def __init__(self, in_channels: int, classes: int, dropout: float) -> None:
        super().__init__()
        inner, channels = in_channels // 4, in_channels // 16
        self.layers = nn.ModuleList(
            DenseASPPLayer(in_channels + number * channels, inner, channels, rate, dropout, number == 0)
            for number, rate in enumerate(RATES)
        )
        for module in self.layers.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_uniform_(module.weight)
        self.classifier = classifier(in_channels + len(RATES) * channels, classes, dropout)

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        """From features (B, in_channels, H, W) to the logits (B, classes, H, W) of the one output."""
        for layer in self.layers:
            features = torch.cat([layer(features), features], dim=1)  # the result comes first
        return {"main": self.classifier(features)}
