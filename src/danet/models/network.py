"""The whole network: built from its settings, split for the optimiser, read back from a run."""

import json
from pathlib import Path
from typing import Any

import torch
from pydantic import ValidationError
from torch import Tensor, nn
from torch.nn import functional as F

from danet.errors import CheckpointError
from danet.models.attention_branch import AttentionBranch, SingleAttentionHead
from danet.models.backbone import LAYOUTS, DilatedResNet
from danet.models.channel_attention import ChannelAttention
from danet.models.dual_attention_head import DualAttentionHead
from danet.models.fcn_head import FCNHead
from danet.models.position_attention import PositionAttention
from danet.settings import Experiment, Model
from danet.torch_files import read_torch_file

# What the settings and load_state_dict raise for a file with other content.
UNFIT = (LookupError, TypeError, AttributeError, RuntimeError, ValidationError)


class SegmentationNetwork(nn.Module):
    """Backbone, head, and bilinear upsampling to the size of the input.

    Args:
        backbone: maps images (B, 3, H, W) to features at an eighth of their size.
        head: maps features to a tuple of logits; its ``fused`` computes only the first of them.
    """

    def __init__(self, backbone: DilatedResNet, head: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """All outputs that training has a loss for.

        Args:
            images: (B, 3, H, W), normalised.

        Returns:
            Logits (B, classes, H, W), channels last in memory, one or three: fused, position
            branch, channel branch.
        """
        outputs = self.head(self.backbone(images))
        return tuple(_upsample(logits, images) for logits in outputs)

    def predict(self, images: Tensor) -> Tensor:
        """Logits (B, classes, H, W) of the fused output alone, the one that inference uses."""
        return _upsample(self.head.fused(self.backbone(images)), images)


def _upsample(logits: Tensor, images: Tensor) -> Tensor:
    # With the classes of a pixel side by side in memory this is three times as fast on a CPU, and
    # the loss can read each pixel's logits as a row. In float32 at least: between two bfloat16
    # logits of a size of 20 there are steps of an eighth.
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32), memory_format=torch.channels_last)
    return F.interpolate(logits, images.shape[-2:], mode="bilinear", align_corners=True)


def build_network(model: Model) -> SegmentationNetwork:
    """Build the network with random initial values.

    Backbone convolutions start from N(0, sqrt(2 / fan-out)), the head's from torch's defaults,
    alpha and beta at 0 (paper, below Equations 2 and 4).
    """
    backbone = DilatedResNet(LAYOUTS[model.backbone], model.multi_grid)
    return SegmentationNetwork(backbone, _head(model, backbone.out_channels))


def _head(model: Model, in_channels: int) -> nn.Module:
    channels = in_channels // 4
    branches = {name: _branch(name, model, in_channels, channels) for name in model.attention}
    if not branches:
        return FCNHead(in_channels, model.classes, model.dropout)
    if len(branches) == 1:
        (branch,) = branches.values()
        return SingleAttentionHead(branch, channels, model.classes, model.dropout)
    return DualAttentionHead(
        branches["position"], branches["channel"], channels, model.classes, model.dropout
    )


def _branch(name: str, model: Model, in_channels: int, channels: int) -> AttentionBranch:
    if name == "position":
        attention = PositionAttention(channels, model.position_projection, model.query_key_reduction)
    else:
        attention = ChannelAttention(model.channel_similarity)
    return AttentionBranch(in_channels, channels, attention)


def parameter_groups(
    network: SegmentationNetwork, learning_rate: float, head_factor: float
) -> list[dict[str, Any]]:
    """Groups for a torch optimiser: the backbone at ``learning_rate``, the head at a multiple of it."""
    rates = {"backbone": learning_rate, "head": learning_rate * head_factor}
    return [
        {"name": name, "params": list(getattr(network, name).parameters()), "lr": rate}
        for name, rate in rates.items()
    ]


def load_network(path: Path) -> tuple[SegmentationNetwork, Experiment]:
    """Read a run's final.pth.

    Returns:
        The trained network on the CPU, in evaluation mode, and the settings that it was trained with.

    Raises:
        CheckpointError: the file is missing, damaged, or not what a training of this project writes.
    """
    remedy = "train it: danet train --help"
    content = read_torch_file(path, remedy)
    try:
        experiment = Experiment.model_validate_json(json.dumps(content["experiment"]))
        network = build_network(experiment.model)
        network.load_state_dict(content["network"])
    except UNFIT as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(f"{path} is no trained network of this project: {reason}", remedy) from error
    return network.eval(), experiment
