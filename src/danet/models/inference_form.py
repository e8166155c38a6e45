"""A trained network rewritten for inference: the same function with fewer passes over memory."""

from copy import deepcopy
from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from danet.models.backbone import Bottleneck, DilatedResNet
from danet.models.network import SegmentationNetwork


def inference_form(network: SegmentationNetwork) -> SegmentationNetwork:
    """A copy in evaluation mode that cannot be trained any more.

    Batch normalisation of fixed statistics is a scale and an offset for each channel; they go into the
    convolution before it, so that results differ by rounding. Weights lie channels last.
    """
    copy = deepcopy(network).eval()
    for module in list(copy.modules()):
        for convolution, normalisation in _pairs(module):
            fused = fuse_conv_bn_eval(getattr(module, convolution), getattr(module, normalisation))
            setattr(module, convolution, fused)
            setattr(module, normalisation, nn.Identity())
    return copy.requires_grad_(False).to(memory_format=torch.channels_last)


def _pairs(module: nn.Module) -> list[tuple[str, str]]:
    """Names of members of which the second normalises what the first puts out, and nothing else does."""
    if isinstance(module, Bottleneck | DilatedResNet):
        names = [(f"conv{number}", f"bn{number}") for number in (1, 2, 3)]
    elif isinstance(module, nn.Sequential):
        members = [name for name, _ in module.named_children()]
        names = list(pairwise(members))
    else:
        names = []
    return [
        (first, second)
        for first, second in names
        if isinstance(getattr(module, first, None), nn.Conv2d)
        and isinstance(getattr(module, second, None), nn.BatchNorm2d)
    ]
