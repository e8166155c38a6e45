"""A training step as textbooks write it: float32, channels first, all of the attention map, eager."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from danet.models.network import SegmentationNetwork, build_network, parameter_groups
from danet.models.position_attention import force_attention
from danet.settings import Experiment

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class TextbookNetwork(nn.Module):
    """The same layers; each output is upsampled as it comes."""

    def __init__(self, network: SegmentationNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> list[Tensor]:
        outputs = self.network.head(self.network.backbone(images))
        return [F.interpolate(o, images.shape[2:], mode="bilinear", align_corners=True) for o in outputs]


def textbook_step(experiment: Experiment, device: torch.device) -> Callable[[Tensor, Tensor], Tensor]:
    """A function that takes one step on images (B, 3, S, S) and label (B, S, S), both uint8."""
    torch.manual_seed(0)
    network = build_network(experiment.model)
    force_attention(network, "textbook")
    network = TextbookNetwork(network).to(device).train()
    training = experiment.training
    groups = parameter_groups(network.network, training.learning_rate, training.head_learning_rate_factor)
    optimiser = torch.optim.SGD(groups, momentum=0.9, weight_decay=1e-4)
    mean, std = (torch.tensor(values, device=device).view(3, 1, 1) for values in (MEAN, STD))

    def step(images: Tensor, label: Tensor) -> Tensor:
        pixels = (images.to(device).float() / 255 - mean) / std
        classes = label.to(device).long()
        loss = sum(F.cross_entropy(output, classes, ignore_index=255) for output in network(pixels))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        return loss

    return step
