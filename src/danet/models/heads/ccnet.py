"""CCNet: each position attends to its row and its column, twice."""

import torch
from torch import Tensor, nn

from danet.models.heads.context_block import ContextBlockHead


class CrissCrossAttention(nn.Module):
    """Criss-cross attention: the H + W - 1 positions of a cross, in one softmax (Equations 1 and 2).

    Source: Huang et al., "CCNet: Criss-Cross Attention for Semantic Segmentation", ICCV 2019,
    Section 3.2; the factor before the sum, from 0, as in speedinghzl/CCNet, cc_attention/functions.py.

    Args:
        channels: of input and output; queries and keys have an eighth.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query = nn.Conv2d(channels, channels // 8, kernel_size=1)
        self.key = nn.Conv2d(channels, channels // 8, kernel_size=1)
        self.value = nn.Conv2d(channels, channels, kernel_size=1)
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, features: Tensor) -> Tensor:
        """From H (B, C, H, W) to H', the same shape."""
        height = features.shape[2]
        query, key, value = self.query(features), self.key(features), self.value(features)
        column = torch.einsum("bchw,bciw->bhwi", query, key)  # (B, H, W, H)
        row = torch.einsum("bchw,bchj->bhwj", query, key)  # (B, H, W, W)
        # The position itself is in its row and in its column, and counts once.
        itself = torch.eye(height, dtype=torch.bool, device=features.device)[:, None, :]  # (H, 1, H)
        energy = torch.cat([column.masked_fill(itself, float("-inf")), row], dim=3)
        attention = energy.softmax(dim=3).to(value.dtype)  # (B, H, W, H + W)
        gathered = torch.einsum("bhwi,bciw->bchw", attention[..., :height], value)
        gathered = gathered + torch.einsum("bhwj,bchj->bchw", attention[..., height:], value)
        return self.gamma * gathered + features


class RecurrentCrissCross(nn.Module):
    """The same attention twice: after the second one, every position has seen all (Section 3.3, R = 2)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.attention = CrissCrossAttention(channels)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        return self.attention(self.attention(features))


class CCHead(ContextBlockHead):
    """Recurrent criss-cross attention; ReLU where the authors' InPlace-ABN has a leaky one.

    Args:
        deep: channels of the last stage.
        middle: channels of the third stage.
        classes: number of logits per position.
        dropout: probability with which a channel is dropped before each classifier.
    """

    def __init__(self, deep: int, middle: int, classes: int, dropout: float) -> None:
        block = RecurrentCrissCross(deep // 4)
        super().__init__(
            block, deep, middle, classes, dropout, auxiliary_channels=middle // 2, auxiliary_bias=True
        )
