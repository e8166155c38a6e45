"""DNL: attention taken apart into what differs between pairs and what is salient for all."""

import torch
from torch import Tensor, nn

from danet.models.attention.attending import Attending
from danet.models.attention.kernels import attend
from danet.models.heads.context_block import ContextBlockHead


class DisentangledNonLocal(Attending):
    """Disentangled non-local block: a whitened pairwise term and a unary term, each with its softmax.

    y_i = gamma * sum_j softmax_j((q_i - mean q) . (k_j - mean k)) v_j + sum_j softmax_j(m_j) v_j

    Source: Yin et al., "Disentangled Non-Local Neural Networks", ECCV 2020, Section 4. Layers, and gamma
    from 0 on the pairwise term alone, as in yinmh17/DNL-Semantic-Segmentation,
    model/seg/ops/nonlocal_block_nowd.py. Means are over positions, as in the paper; the published
    script subtracts one number, the mean over positions and channels. Weight decay is that of all
    layers, where that script has none on q and k.

    Args:
        channels: of input and output; q and k have half as many.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query = nn.Conv2d(channels, channels // 2, kernel_size=1)
        self.key = nn.Conv2d(channels, channels // 2, kernel_size=1)
        for projection in (self.query, self.key):
            nn.init.normal_(projection.weight, std=0.01)
        self.value = nn.Conv2d(channels, channels, kernel_size=1, bias=False)
        self.mask = nn.Conv2d(channels, 1, kernel_size=1)
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, features: Tensor) -> Tensor:
        """From x (B, C, H, W) to x + y, the same shape."""
        query, key, value, mask = (
            project(features).flatten(2).transpose(1, 2)
            for project in (self.query, self.key, self.value, self.mask)
        )  # (B, N, C / 2) twice, (B, N, C), (B, N, 1); N = H * W
        query, key = (whole - whole.mean(dim=1, keepdim=True) for whole in (query, key))
        pairwise = attend(query, key, value, self.path)  # (B, N, C)
        unary = mask.softmax(dim=1).to(value.dtype).transpose(1, 2) @ value  # (B, 1, C)
        gathered = self.gamma * pairwise + unary
        return gathered.transpose(1, 2).unflatten(2, features.shape[-2:]) + features


class DNLHead(ContextBlockHead):
    """The disentangled block in the frame of CCNet, as in the authors' Cityscapes network.

    Args:
        deep: channels of the last stage.
        middle: channels of the third stage.
        classes: number of logits per position.
        dropout: probability with which a channel is dropped before each classifier.
    """

    def __init__(self, deep: int, middle: int, classes: int, dropout: float) -> None:
        block = DisentangledNonLocal(deep // 4)
        super().__init__(
            block, deep, middle, classes, dropout, auxiliary_channels=middle // 2, auxiliary_bias=True
        )
