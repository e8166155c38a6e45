"""Floating point operations and memory of one step, counted on tensors that have shapes but no data.

A profile has some thirty different steps, which take seconds to count; so counts are kept
(danet.planning.kept) by what decides them: the network, the sizes, the code and torch's version.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import astuple, dataclass
from functools import cache, wraps
from importlib.metadata import version
from math import ceil
from typing import ParamSpec

import torch
from torch import Tensor

from danet.code_digest import code_digests
from danet.files import digest
from danet.heads import HEADS
from danet.models.attention.position import force_attention
from danet.models.network import SegmentationNetwork, build_network
from danet.planning.counting import Counting
from danet.planning.kept import keep, kept
from danet.settings import Model
from danet.training.loss import segmentation_losses

Arguments = ParamSpec("Arguments")

FILE = "counts.json"
NEW: dict[str, tuple[int, int]] = {}
"""Counts of this process, to be kept."""


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


def keep_counts() -> None:
    """Spare the next command the counting that this one has done."""
    if NEW:
        keep(FILE, NEW)


def _counted_once(function: Callable[Arguments, StepCost]) -> Callable[Arguments, StepCost]:
    """Count for the same arguments and code once."""

    @wraps(function)
    def known(*arguments: Arguments.args, **named: Arguments.kwargs) -> StepCost:
        plain = [value.model_dump() if isinstance(value, Model) else value for value in arguments]
        key = digest([function.__name__, plain, named, _code(), version("torch")])
        found = NEW.get(key) or kept(FILE, key)
        if found is None:
            found = NEW[key] = astuple(function(*arguments, **named))
        return StepCost(*found)

    return known


@cache
def _code() -> dict[str, str]:
    """Of the networks and of the counting."""
    heads = (name.rpartition(".")[0] for name in HEADS.values())
    return code_digests([__name__, *heads], lambda module: module.startswith("danet.settings"))


@_counted_once
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
    with _fake(), _counting(crop_size, crop_size, whole_map) as counts:
        images = _images(batch, crop_size, crop_size)
        label = torch.empty(batch, crop_size, crop_size, dtype=torch.long)
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
            outputs = network(images)
        segmentation_losses(outputs, label, own_losses=network.head.own_losses).sum().backward()
    network.zero_grad()
    # Weights and SGD's momentum; gradients are among what was counted.
    return StepCost(counts.flops, counts.peak + 2 * parameter_bytes(model))


@_counted_once
def prediction_cost(model: Model, height: int, width: int) -> StepCost:
    """Logits of one window, in float32 and without gradients.

    Args:
        model: the network.
        height: of the window in pixels.
        width: likewise.
    """
    network = _network(model).eval()
    with _fake(), torch.no_grad(), _counting(height, width, whole_map=False) as counts:
        network.logits(_images(1, height, width))
    return StepCost(counts.flops, counts.peak + parameter_bytes(model))


def parameter_bytes(model: Model) -> int:
    """Bytes of the weights in float32."""
    return _weights(model).peak_bytes


@_counted_once
def _weights(model: Model) -> StepCost:
    return StepCost(0, sum(parameter.nbytes for parameter in _network(model).parameters()))


@cache
def _fake() -> AbstractContextManager[object]:
    # Imported where something has to be counted: it brings torch's compiler, more than a second.
    from torch._subclasses.fake_tensor import FakeTensorMode

    return FakeTensorMode()


NETWORKS: dict[Model, SegmentationNetwork] = {}


def _network(model: Model) -> SegmentationNetwork:
    if model in NETWORKS:
        return NETWORKS[model]
    with _fake():
        network = NETWORKS[model] = build_network(model)
    # Every product appears once in this form; the others hide or repeat some of them.
    force_attention(network, "textbook")
    return network


def _images(batch: int, height: int, width: int) -> Tensor:
    return torch.empty(batch, 3, height, width)


def _counting(height: int, width: int, whole_map: bool) -> Counting:
    positions = ceil(height / 8) * ceil(width / 8)
    return Counting(lambda tensor: whole_map or tensor.shape[-2:] != (positions, positions))
