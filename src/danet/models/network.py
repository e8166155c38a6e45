"""The whole network: built from its settings, split for the optimiser."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from danet.models.backbone import LAYOUTS, DilatedResNet
from danet.models.heads import Head, head_class
from danet.settings import Model


class SegmentationNetwork(nn.Module):
    """Backbone, head, and bilinear upsampling to the size of the input.

    Args:
        backbone: maps images (B, 3, H, W) to features of its stages.
        head: maps features of the stages that it names to logits.
    """

    def __init__(self, backbone: DilatedResNet, head: Head) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """All outputs that training has a loss for.

        Args:
            images: (B, 3, H, W), normalised.

        Returns:
            Logits (B, classes, H, W) by name of the head's outputs, channels last in memory; an output
            with a loss of its own is as the head gives it.
        """
        outputs = self.head(*self.backbone(images, self.head.stages))
        own = self.head.own_losses
        return {name: out if name in own else _upsample(out, images) for name, out in outputs.items()}

    def predict(self, images: Tensor) -> Tensor:
        """Logits (B, classes, H, W) of the output that inference uses."""
        return _upsample(self.logits(images), images)

    def logits(self, images: Tensor, output: str | None = None) -> Tensor:
        """Logits (B, classes, h, w) at the head's resolution.

        Args:
            images: (B, 3, H, W), normalised.
            output: name of one of the head's outputs; None: the one that inference uses.
        """
        features = self.backbone(images, self.head.stages)
        return self.head.predict(*features) if output is None else self.head(*features)[output]


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
    backbone = DilatedResNet(LAYOUTS[model.backbone], model.multi_grid, model.dilation)
    head = head_class(model.head)
    return SegmentationNetwork(
        backbone, head.build(model, [backbone.channels[stage] for stage in head.stages])
    )


def parameter_groups(
    network: SegmentationNetwork, learning_rate: float, head_factor: float
) -> list[dict[str, Any]]:
    """Groups for a torch optimiser: the backbone at ``learning_rate``, the head at a multiple of it."""
    rates = {"backbone": learning_rate, "head": learning_rate * head_factor}
    return [
        {"name": name, "params": list(getattr(network, name).parameters()), "lr": rate}
        for name, rate in rates.items()
    ]
