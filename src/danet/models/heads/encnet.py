"""EncNet: the channels are weighed by which textures, and so which classes, the image has."""

from collections.abc import Callable, Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from danet.labels import IGNORED
from danet.models.heads.auxiliary import HeadWithAuxiliary
from danet.models.layers import classifier, conv_bn_relu

CODEWORDS = 32
"""K in the paper, Section 3.1."""


class Encoding(nn.Module):
    """The sums of residuals to each of K codewords (Section 3.1, Equation 1).

    e_k = sum_i a_ik (x_i - d_k), where a_ik = softmax_k(s_k |x_i - d_k|^2)

    Smoothing factors s begin between -1 and 0, as in PyTorch-Encoding, encoding/nn/encoding.py; in the
    paper they carry the minus sign. Computed in float32 at least, autocast or not.

    Args:
        channels: of the positions.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        bound = (CODEWORDS * channels) ** -0.5
        self.codewords = nn.Parameter(torch.empty(CODEWORDS, channels).uniform_(-bound, bound))  # d
        self.smoothing = nn.Parameter(torch.empty(CODEWORDS).uniform_(-1, 0))  # s

    def forward(self, features: Tensor) -> Tensor:
        """From (B, C, H, W) to (B, K, C)."""
        with torch.autocast(features.device.type, enabled=False):
            x = features.flatten(2).transpose(1, 2)  # (B, N, C)
            x = x.to(torch.promote_types(x.dtype, torch.float32))
            # Multiplied out, so that the N K residuals of C channels are never held.
            products, squares = x @ self.codewords.T, self.codewords.square().sum(dim=1)  # (B, N, K), (K,)
            distances = x.square().sum(dim=2, keepdim=True) - 2 * products + squares  # (B, N, K)
            a = (self.smoothing * distances).softmax(dim=2)
            return a.transpose(1, 2) @ x - a.sum(dim=1).unsqueeze(2) * self.codewords


def presence_loss(scores: Tensor, label: Tensor) -> Tensor:
    """Semantic encoding loss (Section 3.2): binary cross entropy of which classes occur in each crop.

    Args:
        scores: (B, K) logits.
        label: (B, H, W) classes; 255 is none.

    Returns:
        The mean over images and classes.
    """
    classes = scores.shape[1]
    seen = label.masked_fill(label == IGNORED, classes).flatten(1)  # (B, N); ignored pixels are class K
    present = scores.new_zeros(len(label), classes + 1, dtype=torch.float32).scatter_(1, seen, 1.0)
    return F.binary_cross_entropy_with_logits(scores.float(), present[:, :classes])


class EncHead(HeadWithAuxiliary):
    """Context encoding: a gate for each channel from the encoded image, and the loss on its classes.

    Source: Zhang et al., "Context Encoding for Semantic Segmentation", CVPR 2018, Figure 2; layers and
    weights of the losses as in PyTorch-Encoding, encoding/models/sseg/encnet.py. Without its lateral
    connections of stages 2 and 3, which it has on PASCAL VOC and Context and with ResNet-101 on COCO.

    Args:
        deep: channels of the last stage.
        middle: channels of the third stage.
        classes: number of logits per position.
        dropout: probability with which a channel is dropped before each classifier.
    """

    outputs: ClassVar[Mapping[str, float]] = {"main": 1.0, "presence": 0.2, "auxiliary": 0.2}
    own_losses: ClassVar[Mapping[str, Callable[[Tensor, Tensor], Tensor]]] = {"presence": presence_loss}

    def __init__(self, deep: int, middle: int, classes: int, dropout: float) -> None:
        super().__init__(middle, classes, dropout)
        channels = deep // 4
        self.reduce = conv_bn_relu(deep, channels, kernel_size=3)
        self.encode = nn.Sequential(
            conv_bn_relu(channels, channels, kernel_size=1),
            Encoding(channels),
            nn.BatchNorm1d(CODEWORDS),
            nn.ReLU(inplace=True),
        )
        self.gate = nn.Sequential(nn.Linear(channels, channels), nn.Sigmoid())  # gamma
        self.presence = nn.Linear(channels, classes)
        self.classifier = classifier(channels, classes, dropout)

    def forward(self, *features: Tensor) -> dict[str, Tensor]:
        """From features (B, channels, h, w) of both stages to logits, and scores (B, classes) of presence."""
        deep, middle = features
        reduced, encoded = self._encode(deep)
        return {
            "main": self._classify(reduced, encoded),
            "presence": self.presence(encoded),
            "auxiliary": self.auxiliary(middle),
        }

    def logits(self, deep: Tensor, middle: Tensor) -> Tensor:
        """The main output, from the last stage alone."""
        return self._classify(*self._encode(deep))

    def _encode(self, deep: Tensor) -> tuple[Tensor, Tensor]:
        """The reduced features (B, C, h, w) and the mean of their codes (B, C)."""
        features = self.reduce(deep)
        return features, self.encode(features).mean(dim=1)

    def _classify(self, features: Tensor, encoded: Tensor) -> Tensor:
        gates = self.gate(encoded)[:, :, None, None]  # (B, C, 1, 1)
        return self.classifier(F.relu(features + features * gates))
