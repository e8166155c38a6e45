"""The non-local network: one block of attention over all positions."""

from torch import Tensor, nn

from danet.models.attention.attending import Attending
from danet.models.attention.kernels import attend
from danet.models.heads.context_block import ContextBlockHead


class NonLocalBlock(Attending):
    """Equation 6, z_i = W_z y_i + x_i, with the embedded Gaussian of Equation 4.

    Source: Wang et al., "Non-local Neural Networks", CVPR 2018, Section 3 and Figure 2. Products are
    divided by the square root of their width and W_z ends in BatchNorm from weight 0, as in
    open-mmlab/mmcv, cnn/bricks/non_local.py; so the block begins as the identity.

    Args:
        channels: of input and output; theta, phi and g have half as many.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels // 2
        self.theta = nn.Conv2d(channels, inner, kernel_size=1)
        self.phi = nn.Conv2d(channels, inner, kernel_size=1)
        self.g = nn.Conv2d(channels, inner, kernel_size=1)
        self.out = nn.Sequential(
            nn.Conv2d(inner, channels, kernel_size=1, bias=False), _from_zero(nn.BatchNorm2d(channels))
        )
        self.scale = inner**-0.5

    def forward(self, features: Tensor) -> Tensor:
        """From x (B, C, H, W) to z, the same shape."""
        query, key, value = (
            project(features).flatten(2).transpose(1, 2) for project in (self.theta, self.phi, self.g)
        )  # (B, N, C / 2), N = H * W
        gathered = attend(query * self.scale, key, value, self.path)  # (B, N, C / 2)
        return self.out(gathered.transpose(1, 2).unflatten(2, features.shape[-2:])) + features


def _from_zero(norm: nn.BatchNorm2d) -> nn.BatchNorm2d:
    nn.init.zeros_(norm.weight)
    return norm


class NonLocalHead(ContextBlockHead):
    """A non-local block in the frame of CCNet: mmsegmentation's ``NLHead``.

    Args:
        deep: channels of the last stage.
        middle: channels of the third stage.
        classes: number of logits per position.
        dropout: probability with which a channel is dropped before each classifier.
    """

    def __init__(self, deep: int, middle: int, classes: int, dropout: float) -> None:
        super().__init__(NonLocalBlock(deep // 4), deep, middle, classes, dropout)
