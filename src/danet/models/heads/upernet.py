"""UPerNet: pyramid pooling on top of a feature pyramid of all stages."""

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from danet.models.heads.auxiliary import HeadWithAuxiliary
from danet.models.heads.pyramid_pooling import PyramidPooling
from danet.models.layers import classifier, conv_bn_relu, resize


class UPerHead(HeadWithAuxiliary):
    """Unified perceptual parsing, its part for objects.

    Source: Xiao et al., "Unified Perceptual Parsing for Scene Understanding", ECCV 2018, Figure 4; widths
    and the auxiliary loss as in open-mmlab/mmsegmentation, decode_heads/uper_head.py. On the dilated
    backbone stages 2 to 4 have one resolution, and steps between them only add; the authors' backbone
    halves it at each.

    Args:
        deep: channels of stage 4.
        middle: channels of stage 3.
        shallow: channels of stage 2.
        first: channels of stage 1.
        classes: number of logits per position.
        dropout: probability with which a channel is dropped before each classifier.
    """

    stages: ClassVar[Sequence[int]] = (4, 3, 2, 1)
    smallest_batch: ClassVar[int] = 2

    def __init__(
        self, deep: int, middle: int, shallow: int, first: int, classes: int, dropout: float
    ) -> None:
        super().__init__(middle, classes, dropout)
        width = deep // 4
        pooling = PyramidPooling(deep, width)
        self.top = nn.Sequential(pooling, conv_bn_relu(pooling.channels, width, kernel_size=3))
        self.lateral = nn.ModuleList(
            conv_bn_relu(channels, width, kernel_size=1) for channels in (middle, shallow, first)
        )
        self.smooth = nn.ModuleList(conv_bn_relu(width, width, kernel_size=3) for _ in self.lateral)
        self.fuse = conv_bn_relu(4 * width, width, kernel_size=3)
        self.classifier = classifier(width, classes, dropout)

    def logits(self, deep: Tensor, *others: Tensor) -> Tensor:
        """(B, classes, h, w) at the resolution of stage 1, from stages 4, 3, 2 and 1."""
        path = self.top(deep)
        levels = [path]
        for lateral, smooth, features in zip(self.lateral, self.smooth, others, strict=True):
            path = lateral(features) + resize(path, features)  # top-down
            levels.append(smooth(path))
        largest = levels[-1]
        return self.classifier(self.fuse(torch.cat([resize(level, largest) for level in levels], dim=1)))
