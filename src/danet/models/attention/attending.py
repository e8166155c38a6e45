"""What every module that takes a softmax over all positions has in common."""

from torch import nn

from danet.models.attention.kernels import AttentionPath


class Attending(nn.Module):
    """Base of the modules that call ``attend``.

    Attributes:
        path: how the sum is computed; ``force_attention`` sets it for a whole network.
    """

    path: AttentionPath = "auto"
