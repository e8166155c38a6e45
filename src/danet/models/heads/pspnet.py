"""PSPNet: each position sees the means of its surroundings at four scales."""

from typing import ClassVar

from torch import Tensor

from danet.models.heads.auxiliary import HeadWithAuxiliary
from danet.models.heads.pyramid_pooling import PyramidPooling
from danet.models.layers import classifier, conv_bn_relu


class PSPHead(HeadWithAuxiliary):
    """Pyramid pooling, a 3x3 convolution over all levels, a classifier.

    Source: Zhao et al., "Pyramid Scene Parsing Network", CVPR 2017, Figure 3; layers as in the author's
    hszhao/semseg, model/pspnet.py.

    Args:
        deep: channels of the last stage.
        middle: channels of the third stage.
        classes: number of logits per position.
        dropout: probability with which a channel is dropped before each classifier.
    """

    smallest_batch: ClassVar[int] = 2

    def __init__(self, deep: int, middle: int, classes: int, dropout: float) -> None:
        super().__init__(middle, classes, dropout)
        channels = deep // 4
        self.pooling = PyramidPooling(deep, channels)
        self.fuse = conv_bn_relu(self.pooling.channels, channels, kernel_size=3)
        self.classifier = classifier(channels, classes, dropout)

    def logits(self, deep: Tensor, middle: Tensor) -> Tensor:
        """(B, classes, h, w), from the last stage alone."""
        return self.classifier(self.fuse(self.pooling(deep)))
