"""GCN: classifiers with large separable kernels, refined step by step up to the image's size."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from torch import Tensor, nn
from torch.nn import functional as F

from danet.models.heads.head import Head
from danet.models.layers import resize

KERNEL = 15


class GlobalConvolution(nn.Module):
    """A k x k classifier as the sum of k x 1 after 1 x k and 1 x k after k x 1 (Figure 3, B).

    Args:
        in_channels: of the features.
        classes: number of logits per position.
    """

    def __init__(self, in_channels: int, classes: int) -> None:
        super().__init__()
        column, row = (KERNEL, 1), (1, KERNEL)
        self.left = nn.Sequential(_same(in_channels, classes, column), _same(classes, classes, row))
        self.right = nn.Sequential(_same(in_channels, classes, row), _same(classes, classes, column))

    def forward(self, features: Tensor) -> Tensor:
        """From (B, in_channels, H, W) to (B, classes, H, W)."""
        return self.left(features) + self.right(features)


class BoundaryRefinement(nn.Module):
    """Logits plus a correction by two 3x3 convolutions (Figure 2, C)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.correction = nn.Sequential(
            _same(classes, classes, (3, 3)), nn.ReLU(inplace=True), _same(classes, classes, (3, 3))
        )

    def forward(self, logits: Tensor) -> Tensor:
        """(B, classes, H, W) to the same shape."""
        return logits + self.correction(logits)


def _same(in_channels: int, out_channels: int, kernel: tuple[int, int]) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, kernel, padding=(kernel[0] // 2, kernel[1] // 2))


class GCNHead(Head):
    """Global convolutional network on all four stages.

    Source: Peng et al., "Large Kernel Matters: Improve Semantic Segmentation by Global Convolutional
    Network", CVPR 2017, Section 3 and Figure 2. No authors' code is known; layers as in
    zijundeng/pytorch-semantic-segmentation, models/gcn.py, with the paper's k = 15. Interpolated where
    the paper has deconvolutions. On the dilated backbone stages 2 to 4 have one resolution, so two of
    the steps up stay in place; the paper's ResNet-152 halves it at each.

    Args:
        deep: channels of stage 4.
        middle: channels of stage 3.
        shallow: channels of stage 2.
        first: channels of stage 1.
        classes: number of logits per position.
        dropout: not used: there are no features before a classifier.
    """

    stages: ClassVar[Sequence[int]] = (4, 3, 2, 1)
    outputs: ClassVar[Mapping[str, float]] = {"main": 1.0}

    def __init__(
        self, deep: int, middle: int, shallow: int, first: int, classes: int, dropout: float
    ) -> None:
        super().__init__()
        self.scores = nn.ModuleList(
            nn.Sequential(GlobalConvolution(channels, classes), BoundaryRefinement(classes))
            for channels in (deep, middle, shallow, first)
        )
        self.fused = nn.ModuleList(BoundaryRefinement(classes) for _ in range(3))
        self.at_half = BoundaryRefinement(classes)
        self.at_full = BoundaryRefinement(classes)

    def forward(self, *features: Tensor) -> dict[str, Tensor]:
        """From stages 4, 3, 2 and 1 to logits (B, classes, 4 h, 4 w), h being the height of stage 1."""
        path, *others = (score(stage) for score, stage in zip(self.scores, features, strict=True))
        for refine, scores in zip(self.fused, others, strict=True):
            path = refine(resize(path, scores) + scores)
        return {"main": self.at_full(_double(self.at_half(_double(path))))}


def _double(logits: Tensor) -> Tensor:
    size = [2 * side for side in logits.shape[-2:]]
    return F.interpolate(logits, size, mode="bilinear", align_corners=True)
