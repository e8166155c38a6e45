"""Channel attention: every channel gathers from all channels (Equations 3 and 4)."""

import torch
from torch import Tensor, nn


class ChannelAttention(nn.Module):
    """Channel attention module (paper, Figure 3(B)).

    Args:
        similarity: ``product``: the softmax of Equation 3 sees A.A^T, as the paper says;
            ``max_minus_product``: it sees the row's maximum minus A.A^T, as in the released code,
            so that a channel gathers from those that are least like it.
    """

    def __init__(self, similarity: str) -> None:
        super().__init__()
        self.similarity = similarity
        self.beta = nn.Parameter(torch.zeros(1))

    def forward(self, features: Tensor) -> Tensor:
        """Equation 4: E_j = beta * sum_i(x_ji A_i) + A_j, for A = ``features`` (B, C, H, W)."""
        channels = features.flatten(2)  # (B, C, N), N = H * W
        attention = self.attention(features).to(features.dtype)  # (B, C, C)
        gathered = (attention @ channels).reshape(features.shape)
        return self.beta * gathered + features

    def attention(self, features: Tensor) -> Tensor:
        """Equation 3: X, (B, C, C), whose row j holds the weights x_ji of all channels i.

        Computed in float32 at least, autocast or not: the products sum over N positions and soon
        leave the range of float16 and the precision of bfloat16.
        """
        with torch.autocast(features.device.type, enabled=False):
            channels = features.flatten(2).to(torch.promote_types(features.dtype, torch.float32))
            energy = channels @ channels.transpose(1, 2)  # (B, C, C)
            if self.similarity == "max_minus_product":
                # The softmax is the same with and without the maximum, a constant along the row.
                energy = -energy
            return energy.softmax(dim=-1)
