"""One attention module between its two convolutions, and the head that has no other."""

from torch import Tensor, nn

from danet.models.layers import classifier, conv_bn_relu


class AttentionBranch(nn.Module):
    """3x3 convolution to fewer channels, attention, 3x3 convolution.

    Each module has an input convolution of its own, in the released code (conv5a, conv5c) and in
    both recipes; the paper's text leaves open whether the modules share one.

    Args:
        in_channels: of the backbone's features.
        channels: of the attention module.
        attention: maps (B, channels, H, W) to the same shape.
    """

    def __init__(self, in_channels: int, channels: int, attention: nn.Module) -> None:
        super().__init__()
        self.reduce = conv_bn_relu(in_channels, channels, kernel_size=3)
        self.attention = attention
        self.refine = conv_bn_relu(channels, channels, kernel_size=3)

    def forward(self, features: Tensor) -> Tensor:
        """From (B, in_channels, H, W) to (B, channels, H, W)."""
        return self.refine(self.attention(self.reduce(features)))


class SingleAttentionHead(nn.Module):
    """One attention branch and its classifier: the rows "PAM" and "CAM" of Table 1.

    Args:
        branch: position or channel attention.
        channels: of the branch's output.
        classes: number of logits per position.
        dropout: probability with which a channel is dropped before the classifier.
    """

    def __init__(self, branch: AttentionBranch, channels: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.branch = branch
        self.classifier = classifier(channels, classes, dropout)

    def forward(self, features: Tensor) -> tuple[Tensor]:
        """From features (B, in_channels, H, W) to the logits (B, classes, H, W) of the one output."""
        return (self.fused(features),)

    def fused(self, features: Tensor) -> Tensor:
        """The output that inference uses."""
        return self.classifier(self.branch(features))
