"""How the sum of position attention is computed; every path gives the same one.

Memory is linear in the number of positions N for the first two.

- ``fused``: torch's fused attention, never its fallback that makes all of S. Its fast kernels want query,
  key and value of one width, at most 256; so wide values are split into groups of 128 channels, which
  recompute S, and narrower queries and keys are filled up with zeros.
- ``blockwise``: blocks of rows of S, made again in the backward pass (danet.models.attention.blockwise).
- ``textbook``: matmul, softmax, matmul, all of S at once. For tests, and to count operations.

``auto`` takes ``fused`` on CUDA in half precision where query and key are at most 128 wide, as in the
released code. Elsewhere it takes ``blockwise``: on a CPU, torch's kernel takes only equal widths and was
measured slower, 1.25 times ``textbook`` with all widths 512 and 2 times with 64; on CUDA, the one fused
kernel for float32 or a width of 512 is not made for such widths.
"""

from math import ceil
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from danet.models.attention.blockwise import attend_blockwise

AttentionPath = Literal["auto", "fused", "blockwise", "textbook"]

FUSED_WIDTH = 128  # of a group of value channels
FUSED_BACKENDS = [SDPBackend.FLASH_ATTENTION, SDPBackend.CUDNN_ATTENTION, SDPBackend.EFFICIENT_ATTENTION]


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
