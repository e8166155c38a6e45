"""The frame that CCNet, DNL and the non-local head of mmsegmentation share."""

import torch
from torch import Tensor, nn

from danet.models.heads.auxiliary import HeadWithAuxiliary
from danet.models.layers import classifier, conv_bn_relu


class ContextBlockHead(HeadWithAuxiliary):
    """A block that gathers context, between two 3x3 convolutions; a third one joins it to the features.

    Source: Huang et al., "CCNet", ICCV 2019, Figure 2; speedinghzl/CCNet, networks/ccnet.py.

    Args:
        block: maps (B, deep // 4, H, W) to the same shape.
        deep: channels of the last stage.
        middle: channels of the third stage.
        classes: number of logits per position.
        dropout: probability with which a channel is dropped before each classifier.
        auxiliary_channels: of the auxiliary classifier; by default a quarter of ``middle``.
        auxiliary_bias: of the convolution before it.
    """

    def __init__(
        self,
        block: nn.Module,
        deep: int,
        middle: int,
        classes: int,
        dropout: float,
        auxiliary_channels: int | None = None,
        auxiliary_bias: bool = False,
    ) -> None:
        super().__init__(middle, classes, dropout, auxiliary_channels, auxiliary_bias)
        channels = deep // 4
        self.reduce = conv_bn_relu(deep, channels, kernel_size=3)
        self.block = block
        self.refine = conv_bn_relu(channels, channels, kernel_size=3)
        self.join = conv_bn_relu(deep + channels, channels, kernel_size=3)
        self.classifier = classifier(channels, classes, dropout)

    def logits(self, deep: Tensor, middle: Tensor) -> Tensor:
        """(B, classes, h, w), from the last stage alone."""
        context = self.refine(self.block(self.reduce(deep)))  # (B, deep / 4, h, w)
        return self.classifier(self.join(torch.cat([deep, context], dim=1)))
