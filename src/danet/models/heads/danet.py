"""The head of DANet: one or both attention modules, each between two convolutions (paper, Figure 2)."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from torch import Tensor, nn

from danet.models.attention.channel import ChannelAttention
from danet.models.attention.position import PositionAttention
from danet.models.heads.head import Head
from danet.models.layers import classifier, conv_bn_relu
from danet.settings import Model


class AttentionBranch(nn.Module):
    """3x3 convolution to fewer channels, attention, 3x3 convolution.

    Each module has its own input convolution, in the released code (conv5a, conv5c) and in
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


class DANetHead(Head):
    """The sum of both branches is classified: the head of the paper's text.

    Source: paper, "Attention Module Embedding with Networks".

    Args:
        position: branch with position attention.
        channel: branch with channel attention.
        channels: of the branches' outputs.
        classes: number of logits per position.
        dropout: probability with which a channel is dropped before each classifier.
    """

    outputs: ClassVar[Mapping[str, float]] = {"fused": 1.0}

    def __init__(
        self,
        position: AttentionBranch,
        channel: AttentionBranch,
        channels: int,
        classes: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.position = position
        self.channel = channel
        self.fused_classifier = classifier(channels, classes, dropout)

    @classmethod
    def build(cls, model: Model, channels: Sequence[int]) -> Head:
        """Of both modules, with a loss on each or on the sum alone; or a :class:`SingleAttentionHead`."""
        (in_channels,) = channels
        inner = in_channels // 4
        branches = [AttentionBranch(in_channels, inner, _attention(n, model, inner)) for n in model.attention]
        if len(branches) == 1:
            return SingleAttentionHead(branches[0], inner, model.classes, model.dropout)
        position, channel = branches
        both = ThreeLossDANetHead if model.auxiliary_losses else DANetHead
        return both(position, channel, inner, model.classes, model.dropout)

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        """From features (B, in_channels, H, W) to the logits (B, classes, H, W) of the one output."""
        return {"fused": self.fused_classifier(self.position(features) + self.channel(features))}


class ThreeLossDANetHead(DANetHead):
    """In training each branch is classified, too.

    Source: the two extra classifiers and the equal weights of the three losses from the released code,
    encoding/models/danet.py and encoding/nn/customize.py ``SegmentationMultiLosses``.
    """

    outputs: ClassVar[Mapping[str, float]] = {"fused": 1.0, "position": 1.0, "channel": 1.0}

    def __init__(
        self,
        position: AttentionBranch,
        channel: AttentionBranch,
        channels: int,
        classes: int,
        dropout: float,
    ) -> None:
        super().__init__(position, channel, channels, classes, dropout)
        self.position_classifier = classifier(channels, classes, dropout)
        self.channel_classifier = classifier(channels, classes, dropout)

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        """From features (B, in_channels, H, W) to logits (B, classes, H, W): fused, position, channel."""
        position, channel = self.position(features), self.channel(features)
        return {
            "fused": self.fused_classifier(position + channel),
            "position": self.position_classifier(position),
            "channel": self.channel_classifier(channel),
        }

    def predict(self, *features: Tensor) -> Tensor:
        """The fused output alone."""
        return self.fused_classifier(self.position(*features) + self.channel(*features))


class SingleAttentionHead(Head):
    """One attention branch and its classifier: the rows "PAM" and "CAM" of Table 1.

    Args:
        branch: position or channel attention.
        channels: of the branch's output.
        classes: number of logits per position.
        dropout: probability with which a channel is dropped before the classifier.
    """

    outputs: ClassVar[Mapping[str, float]] = {"fused": 1.0}

    def __init__(self, branch: AttentionBranch, channels: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.branch = branch
        self.classifier = classifier(channels, classes, dropout)

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        """From features (B, in_channels, H, W) to the logits (B, classes, H, W) of the one output."""
        return {"fused": self.classifier(self.branch(features))}


def _attention(name: str, model: Model, channels: int) -> nn.Module:
    if name == "position":
        return PositionAttention(channels, model.position_projection, model.query_key_reduction)
    return ChannelAttention(model.channel_similarity)
