"""Floating point operations and memory of one step, counted on tensors that have shapes but no data."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from math import ceil
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode

from danet.models.attention.position import force_attention
from danet.models.network import SegmentationNetwork, build_network
from danet.planning.counting import Counting
from danet.settings import Model
from danet.training.loss import segmentation_losses

Arguments = ParamSpec("Arguments")
Returned = TypeVar("Returned")

FAKE = FakeTensorMode()


@dataclass(frozen=True)
class StepCost:
    """What one step takes."""

    flops: int
    """Of convolutions and matrix products, an addition and a multiplication each counted.

    The N x N products of position attention are in it; what a memory-saving kernel computes twice
    is not.
    """
    peak_bytes: int
    """An estimate: tensors alive at the same time. Workspaces of the libraries come on top."""


def _cached(function: Callable[Arguments, Returned]) -> Callable[Arguments, Returned]:
    """``functools.cache`` that keeps the types of the arguments."""
    # Its stub wants arguments that are seen to have a hash; that of pydantic's models is made at run time.
    return cache(function)  # pyright: ignore[reportReturnType]


@_cached
def training_cost(model: Model, crop_size: int, batch: int, bfloat16: bool, whole_map: bool) -> StepCost:
    """Forward, backward and optimiser for one batch on one device.

    Args:
        model: the network.
        crop_size: side of the square crop in pixels.
        batch: images that go through the network at once.
        bfloat16: autocast, as on a GPU; parameters stay float32.
        whole_map: position attention holds all N x N weights, as its textbook form does.
    """
    network = _network(model).train()
    with FAKE, _counting(crop_size, crop_size, whole_map) as counts:
        images = _images(batch, crop_size, crop_size)
        label = torch.empty(batch, crop_size, crop_size, dtype=torch.long)
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            outputs = network(images)
        segmentation_losses(outputs, label, own_losses=network.head.own_losses).sum().backward()
    network.zero_grad()
    # Weights and SGD's momentum; gradients are among what was counted.
    return StepCost(counts.flops, counts.peak + 2 * parameter_bytes(model))


@_cached
def prediction_cost(model: Model, height: int, width: int) -> StepCost:
    """Logits of one window, in float32 and without gradients.

    Args:
        model: the network.
        height: of the window in pixels.
        width: likewise.
    """
    network = _network(model).eval()
    with FAKE, torch.no_grad(), _counting(height, width, whole_map=False) as counts:
        network.logits(_images(1, height, width))
    return StepCost(counts.flops, counts.peak + parameter_bytes(model))


def parameter_bytes(model: Model) -> int:
    """Bytes of the weights in float32."""
    return sum(parameter.nbytes for parameter in _network(model).parameters())


@_cached
def _network(model: Model) -> SegmentationNetwork:
    with FAKE:
        network = build_network(model)
    # Every product appears once in this form; the others hide or repeat some of them.
    force_attention(network, "textbook")
    return network


def _images(batch: int, height: int, width: int) -> Tensor:
    return torch.empty(batch, 3, height, width)


def _counting(height: int, width: int, whole_map: bool) -> Counting:
    positions = ceil(height / 8) * ceil(width / 8)
    return Counting(lambda tensor: whole_map or tensor.shape[-2:] != (positions, positions))
