"""The head of DANet: both attention modules side by side (paper, Figure 2)."""

from torch import Tensor, nn

from danet.models.attention_branch import AttentionBranch
from danet.models.layers import classifier


class DualAttentionHead(nn.Module):
    """The sum of both branches is classified; in training each branch is, too.

    Source: paper, "Attention Module Embedding with Networks"; the two extra classifiers from the
    released code, encoding/models/danet.py.

    Args:
        position: branch with position attention.
        channel: branch with channel attention.
        channels: of the branches' outputs.
        classes: number of logits per position.
        dropout: probability with which a channel is dropped before each classifier.
    """

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
        self.position_classifier = classifier(channels, classes, dropout)
        self.channel_classifier = classifier(channels, classes, dropout)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """From features (B, in_channels, H, W) to logits (B, classes, H, W): fused, position, channel."""
        position, channel = self.position(features), self.channel(features)
        return (
            self.fused_classifier(position + channel),
            self.position_classifier(position),
            self.channel_classifier(channel),
        )

    def fused(self, features: Tensor) -> Tensor:
        """The output that inference uses."""
        return self.fused_classifier(self.position(features) + self.channel(features))
