"""Position attention: every position gathers from all positions (Equations 1 and 2).

Three paths compute the same sum. Memory is linear in the number of positions N for the first two.

- ``fused``: torch's fused attention, never its fallback that makes all of S. Its fast kernels want query,
  key and value of one width, at most 256; so wide values are split into groups of 128 channels, which
  recompute S, and narrower queries and keys are filled up with zeros.
- ``blockwise``: blocks of rows of S, made again in the backward pass (danet.models.blockwise_attention).
- ``textbook``: matmul, softmax, matmul, all of S at once. For tests, and to count operations.

``auto`` takes ``fused`` on CUDA in half precision where query and key are at most 128 wide, as in the
released code. Elsewhere it takes ``blockwise``: on a CPU, torch's kernel takes only equal widths and was
measured slower, 1.25 times ``textbook`` with all widths 512 and 2 times with 64; on CUDA, the one fused
kernel for float32 or a width of 512 is not made for such widths.
"""

from collections.abc import Sequence
from math import ceil
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from danet.models.blockwise_attention import attend_blockwise
from danet.models.layers import conv_bn_relu

AttentionPath = Literal["auto", "fused", "blockwise", "textbook"]

FUSED_WIDTH = 128  # of a group of value channels
FUSED_BACKENDS = [SDPBackend.FLASH_ATTENTION, SDPBackend.CUDNN_ATTENTION, SDPBackend.EFFICIENT_ATTENTION]


class PositionAttention(nn.Module):
    """Position attention module (paper, Figure 3(A)).

    Args:
        channels: C, of the input and of the output.
        projection: ``conv_bn_relu`` (the paper's words) or ``conv`` (the released code): the 1x1
            layers that make B, C and D from A.
        reduction: B and C have ``channels // reduction`` channels.

    Attributes:
        path: how the sum is computed; ``force_attention`` sets it for a whole network.
    """

    path: AttentionPath = "auto"

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


def attend(query: Tensor, key: Tensor, value: Tensor, path: AttentionPath = "auto") -> Tensor:
    """Equation 1 and the sum of Equation 2: softmax of query . key over the keys, times value.

    The products are not scaled: neither the paper nor the released code divides them by the square
    root of the width.

    Args:
        query: (B, N, K), C of the paper.
        key: (B, N, K), B of the paper.
        value: (B, N, C), D of the paper.
        path: see the head of this file.

    Returns:
        (B, N, C).

    Raises:
        RuntimeError: ``path`` is ``fused`` and no fused kernel of torch takes these tensors.
    """
    if path == "auto":
        half = value.dtype in (torch.bfloat16, torch.float16)
        path = "fused" if value.is_cuda and half and _fits_groups(query, value) else "blockwise"
    if path == "fused":
        return _attend_fused(query, key, value)
    if path == "blockwise":
        return attend_blockwise(query, key, value)
    return (query @ key.transpose(1, 2)).softmax(dim=-1) @ value


def force_attention(network: nn.Module, path: AttentionPath) -> None:
    """Let all position attention of ``network`` take ``path``.

    Raises:
        ValueError: there is no such path.
    """
    if path not in get_args(AttentionPath):
        raise ValueError(f"no attention path {path!r}; there are {', '.join(get_args(AttentionPath))}")
    for module in network.modules():
        if isinstance(module, PositionAttention):
            module.path = path


def _fits_groups(query: Tensor, value: Tensor) -> bool:
    return query.shape[2] <= FUSED_WIDTH and value.shape[2] % FUSED_WIDTH == 0


def _attend_fused(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    width = FUSED_WIDTH if _fits_groups(query, value) else max(query.shape[2], value.shape[2])
    channels = value.shape[2]
    groups = ceil(channels / width)
    # Each group of value channels is a head, (B, groups, N, width); all heads share query and key.
    query, key = (_widen(tensor, width)[:, None].expand(-1, groups, -1, -1) for tensor in (query, key))
    value = _widen(value, groups * width).unflatten(2, (groups, width)).transpose(1, 2)
    with sdpa_kernel(FUSED_BACKENDS):
        gathered = F.scaled_dot_product_attention(query, key, value, scale=1.0)
    return gathered.transpose(1, 2).flatten(2)[..., :channels]  # (B, N, C)


def _widen(sequence: Tensor, width: int) -> Tensor:
    # Fused kernels want the channels of a position side by side, which the default memory format has not.
    return F.pad(sequence, (0, width - sequence.shape[2])).contiguous()


def _projection(kind: str, in_channels: int, out_channels: int) -> nn.Module:
    if kind == "conv_bn_relu":
        return conv_bn_relu(in_channels, out_channels, kernel_size=1)
    return nn.Conv2d(in_channels, out_channels, kernel_size=1)


def _as_sequence(features: Tensor) -> Tensor:
    return features.flatten(2).transpose(1, 2)  # (B, C, H, W) -> (B, N, C)
