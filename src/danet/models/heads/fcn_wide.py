"""The dilated FCN with as many parameters as DANet: what size alone brings, without attention."""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from danet.models.heads.head import Head
from danet.models.layers import classifier, conv_bn_relu


class WideFCNHead(Head):
    """The FCN head with 1298 channels instead of 512 between convolution and classifier.

    [ours] For 2048 channels and 19 classes, 23,952,013 parameters: 0.01 % fewer than the released
    code's DANet head, 1.8 % fewer than that of the paper's text. It has one 3x3 convolution where
    each branch of DANet has two, so depth is part of what remains between them.

    Args:
        in_channels: of the last stage.
        classes: number of logits per position.
        dropout: probability with which a channel is dropped before the classifier.
    """

    outputs: ClassVar[Mapping[str, float]] = {"main": 1.0}

    def __init__(self, in_channels: int, classes: int, dropout: float) -> None:
        super().__init__()
        channels = in_channels * 649 // 1024
        self.reduce = conv_bn_relu(in_channels, channels, kernel_size=3)
        self.classifier = classifier(channels, classes, dropout)

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        """From features (B, in_channels, H, W) to the logits (B, classes, H, W) of the one output."""
        return {"main": self.classifier(self.reduce(features))}
