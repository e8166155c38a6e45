"""The head of the dilated FCN, the paper's baseline."""

from torch import Tensor, nn

from danet.models.layers import classifier, conv_bn_relu


class FCNHead(nn.Module):
    """A 3x3 convolution to a quarter of the channels and a classifier (Tables 1, 4 and 5, "Dilated FCN").

    Source: released code, encoding/models/fcn.py.

    Args:
        in_channels: of the backbone's features.
        classes: number of logits per position.
        dropout: probability with which a channel is dropped before the classifier.
    """

    def __init__(self, in_channels: int, classes: int, dropout: float) -> None:
        super().__init__()
        channels = in_channels // 4
        self.reduce = conv_bn_relu(in_channels, channels, kernel_size=3)
        self.classifier = classifier(channels, classes, dropout)

    def forward(self, features: Tensor) -> tuple[Tensor]:
        """From features (B, in_channels, H, W) to the logits (B, classes, H, W) of the one output."""
        return (self.fused(features),)

    def fused(self, features: Tensor) -> Tensor:
        """The output that inference uses."""
        return self.classifier(self.reduce(features))
