"""FCN-8s: classifiers on three stages, summed from the coarsest on."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from torch import Tensor, nn

from danet.models.heads.head import Head
from danet.models.layers import resize


class FCN8sHead(Head):
    """Scores of stages 4, 3 and 2, each added to the interpolated sum of those before.

    Source: Long, Shelhamer, and Darrell, "Fully Convolutional Networks for Semantic Segmentation",
    CVPR 2015, Section 4.2 and Figure 3, there on VGG-16's pool5, pool4 and pool3. On the dilated backbone
    all three have one resolution and the sum is a 1x1 classifier of all their channels; what makes it
    FCN-8s needs a backbone that halves the resolution at each stage.

    Args:
        deep: channels of stage 4.
        middle: channels of stage 3.
        shallow: channels of stage 2.
        classes: number of logits per position.
        dropout: probability with which a channel of stage 4 is dropped before its classifier.
    """

    stages: ClassVar[Sequence[int]] = (4, 3, 2)
    outputs: ClassVar[Mapping[str, float]] = {"main": 1.0}

    def __init__(self, deep: int, middle: int, shallow: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout2d(dropout)
        self.scores = nn.ModuleList(
            nn.Conv2d(channels, classes, kernel_size=1) for channels in (deep, middle, shallow)
        )

    def forward(self, deep: Tensor, middle: Tensor, shallow: Tensor) -> dict[str, Tensor]:
        """From features of the three stages to logits (B, classes, h, w) at the resolution of stage 2."""
        score4, score3, score2 = self.scores
        logits = score4(self.dropout(deep))
        for score, features in ((score3, middle), (score2, shallow)):
            scores = score(features)
            logits = resize(logits, scores) + scores
        return {"main": logits}
