"""Position attention: every position gathers from all positions (Equations 1 and 2)."""

from collections.abc import Sequence
from typing import get_args

import torch
from torch import Tensor, nn

from danet.models.attention.attending import Attending
from danet.models.attention.kernels import AttentionPath, attend
from danet.models.layers import conv_bn_relu


class PositionAttention(Attending):
    """Position attention module (paper, Figure 3(A)).

    Args:
        channels: C, of the input and of the output.
        projection: ``conv_bn_relu`` (the paper's words) or ``conv`` (the released code): the 1x1
            layers that make B, C and D from A.
        reduction: B and C have ``channels // reduction`` channels.
    """

    def __init__(self, channels: int, projection: str, reduction: int) -> None:
        super().__init__()
        self.key = _projection(projection, channels, channels // reduction)  # B in the paper
        self.query = _projection(projection, channels, channels // reduction)  # C
        self.value = _projection(projection, channels, channels)  # D
        self.alpha = nn.Parameter(torch.zeros(1))

    def forward(self, features: Tensor) -> Tensor:
        """Equation 2: E_j = alpha * sum_i(s_ji D_i) + A_j, for A = ``features`` (B, C, H, W)."""
        query, key, value = (
            _as_sequence(project(features)) for project in (self.query, self.key, self.value)
        )  # (B, N, C / reduction) twice and (B, N, C), N = H * W
        gathered = attend(query, key, value, self.path)  # (B, N, C)
        return self.alpha * gathered.transpose(1, 2).reshape(features.shape) + features

    def attention_map(self, features: Tensor, positions: Sequence[tuple[int, int]]) -> Tensor:
        """Rows of S, Equation 1, without making all N of them.

        Args:
            features: A, (B, C, H, W).
            positions: (row, column) of each position j that attends.

        Returns:
            (B, len(positions), H, W): s_ji at the place of position i; each map sums to one.
        """
        batch, _, height, width = features.shape
        places = [row * width + column for row, column in positions]
        query = _as_sequence(self.query(features))[:, places]  # (B, P, C / reduction)
        key = _as_sequence(self.key(features))  # (B, N, C / reduction)
        rows = (query @ key.transpose(1, 2)).softmax(dim=-1)  # (B, P, N)
        return rows.reshape(batch, len(places), height, width)


def force_attention(network: nn.Module, path: AttentionPath) -> None:
    """Let all attention over positions in ``network`` take ``path``.

    Raises:
        ValueError: there is no such path.
    """
    if path not in get_args(AttentionPath):
        raise ValueError(f"no attention path {path!r}; there are {', '.join(get_args(AttentionPath))}")
    for module in network.modules():
        if isinstance(module, Attending):
            module.path = path


def _projection(kind: str, in_channels: int, out_channels: int) -> nn.Module:
    if kind == "conv_bn_relu":
        return conv_bn_relu(in_channels, out_channels, kernel_size=1)
    return nn.Conv2d(in_channels, out_channels, kernel_size=1)


def _as_sequence(features: Tensor) -> Tensor:
    return features.flatten(2).transpose(1, 2)  # (B, C, H, W) -> (B, N, C)
