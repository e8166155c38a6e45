"""The head of the dilated FCN, the paper's baseline."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from torch import Tensor

from danet.models.heads.head import Head
from danet.models.layers import classifier, conv_bn_relu
from danet.settings import Model


class FCNHead(Head):
    """A 3x3 convolution to a quarter of the channels and a classifier (Tables 1, 4 and 5, "Dilated FCN").

    Source: released code, encoding/models/fcn.py.

    Args:
        in_channels: of the backbone's features.
        classes: number of logits per position.
        dropout: probability with which a channel is dropped before the classifier.
    """

    outputs: ClassVar[Mapping[str, float]] = {"fused": 1.0}

    def __init__(self, in_channels: int, classes: int, dropout: float) -> None:
        super().__init__()
        channels = in_channels // 4
        self.reduce = conv_bn_relu(in_channels, channels, kernel_size=3)
        self.classifier = classifier(channels, classes, dropout)

    @classmethod
    def build(cls, model: Model, channels: Sequence[int]) -> Head:
        return cls(channels[0], model.classes, model.dropout)

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        """From features (B, in_channels, H, W) to the logits (B, classes, H, W) of the one output."""
        return {"fused": self.classifier(self.reduce(features))}
