"""CCL: six chained comparisons of each place with its surroundings, fused by gates."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from danet.models.heads.head import Head

BLOCKS = 6


class ContextContrast(nn.Module):
    """Local minus context (Section 3.1): ReLU(3x3 convolution - dilated 3x3 convolution of 5x5 means).

    The means before the dilated convolution are in the authors' code, CCL.m.

    Args:
        channels: of input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.local = nn.Conv2d(channels, channels, kernel_size=3, padding=1)
        self.context = nn.Conv2d(channels, channels, kernel_size=3, padding=5, dilation=5)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, H, W) to the same shape."""
        features = self.norm(features)
        surroundings = F.avg_pool2d(features, kernel_size=5, stride=1, padding=2, count_include_pad=False)
        return F.relu(self.local(features) - self.context(surroundings))


class GatedSum(nn.Module):
    """Weights of S score maps at each position (Section 3.2).

    Each gate looks at its own features; a recurrence passes over the gates from the deepest on, and a
    1x1 convolution, which begins as the identity, over all of them. Source: authors' code,
    gated_sum_rnn.m, GlobalRefine.m and Gated_sum_batch2.m.

    Args:
        channels: of the features of each score map.
        sources: S.
    """

    def __init__(self, channels: int, sources: int) -> None:
        super().__init__()
        self.gates = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, 1, kernel_size=1), nn.Sigmoid()
            )
            for _ in range(sources)
        )
        self.first = nn.Parameter(torch.tensor([0.24, 0.0]))  # factor and bias, before there is a state
        self.step = nn.Parameter(torch.tensor([-0.12, 0.24, 0.0]))  # factors of state and gate, and bias
        self.refine = nn.Sequential(nn.BatchNorm2d(sources), nn.Conv2d(sources, sources, kernel_size=1))
        for parameter in self.refine[1].parameters():
            nn.init.zeros_(parameter)

    def forward(self, features: Sequence[Tensor], scores: Sequence[Tensor]) -> Tensor:
        """The fused scores.

        Args:
            features: S of (B, C, H, W).
            scores: S of (B, K, H, W).

        Returns:
            (B, K, H, W): S times the mean of the scores by their weights.
        """
        state, states = None, []
        for gate, source in zip(self.gates, features, strict=True):
            opened = gate(source)  # (B, 1, H, W)
            if state is None:
                state = torch.tanh(self.first[0] * opened + self.first[1])
            else:
                state = torch.tanh(self.step[0] * state + self.step[1] * opened + self.step[2])
            states.append(state)
        gates = torch.cat(states, dim=1)  # (B, S, H, W)
        weights = len(scores) * (gates + self.refine(gates)).softmax(dim=1)
        return (weights.unsqueeze(2) * torch.stack(list(scores), dim=1)).sum(dim=1)


class CCLHead(Head):
    """Context contrasted local features with gated sum, on the last stage alone.

    Source: Ding et al., "Context Contrasted Feature and Gated Multi-scale Aggregation for Scene
    Segmentation", CVPR 2018; layers and initial values as in the authors' henghuiding/CCL,
    fcnInitializeResNetwork*.m. Without their scores of every block of the backbone, the finer levels
    and learned deconvolutions that these feed, and the weights of rare classes in the loss.

    Args:
        in_channels: of the last stage.
        classes: number of logits per position.
        dropout: not used.
    """

    outputs: ClassVar[Mapping[str, float]] = {"main": 1.0}

    def __init__(self, in_channels: int, classes: int, dropout: float) -> None:
        super().__init__()
        channels = in_channels // 4
        self.adapt = nn.Sequential(nn.Conv2d(in_channels, channels, kernel_size=1), nn.ReLU(inplace=True))
        self.blocks = nn.ModuleList(ContextContrast(channels) for _ in range(BLOCKS))
        self.scores = nn.ModuleList(_score(channels, classes) for _ in range(BLOCKS))
        self.fuse = GatedSum(channels, BLOCKS)

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        """From features (B, in_channels, H, W) to the logits (B, classes, H, W) of the one output."""
        contrast, contrasts = self.adapt(features), []
        for block in self.blocks:
            contrast = block(contrast)
            contrasts.append(contrast)
        scores = [score(source) for score, source in zip(self.scores, contrasts, strict=True)]
        return {"main": self.fuse(contrasts, scores)}


def _score(channels: int, classes: int) -> nn.Sequential:
    """Scores that begin at 0."""
    last = nn.Conv2d(channels, classes, kernel_size=1)
    for parameter in last.parameters():
        nn.init.zeros_(parameter)
    return nn.Sequential(
        nn.Conv2d(channels, channels, kernel_size=1), nn.BatchNorm2d(channels), nn.ReLU(inplace=True), last
    )
