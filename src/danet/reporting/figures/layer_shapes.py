"""What the built network really is: its modules, and the shapes that flow through them."""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from danet.errors import SettingsError
from danet.models.network import SegmentationNetwork, build_network
from danet.settings import Experiment, Params, plan, resolve


@dataclass(frozen=True)
class BuiltNetwork:
    """A network with the shape of every module's output for one training crop, without the batch."""

    experiment: Experiment
    network: SegmentationNetwork
    shapes: dict[str, tuple[int, ...]]
    """By the module's name; the empty name is the whole network."""


def built_dual_network(params: Params) -> BuiltNetwork:
    """The plan's first network with both attention modules, on one training crop.

    Nothing is computed: torch's fake tensors only follow shapes. (The meta device would do, but has
    no autocast, which channel attention switches off.)

    Raises:
        SettingsError: the profile plans no such network.
    """
    for name in plan(params).experiments:
        experiment = resolve(params, name)
        if {"position", "channel"} <= set(experiment.model.attention):
            break
    else:
        raise SettingsError(
            f"profile {params.profile} plans no network with both attention modules",
            "list one in its tables, or leave figures 2 and 3 out of its figures",
        )
    with FakeTensorMode():
        network = build_network(experiment.model).eval()
        crop = torch.empty(1, 3, experiment.training.crop_size, experiment.training.crop_size)
        return BuiltNetwork(experiment, network, output_shapes(network, crop))


def output_shapes(network: nn.Module, images: Tensor) -> dict[str, tuple[int, ...]]:
    """Shape of every module's output, without the batch; of several outputs the first."""
    shapes: dict[str, tuple[int, ...]] = {}
    hooks = [
        module.register_forward_hook(partial(_record, shapes, name))
        for name, module in network.named_modules()
    ]
    try:
        with torch.no_grad():
            network(images)
    finally:
        for hook in hooks:
            hook.remove()
    return {"image": tuple(images.shape[1:])} | shapes


def describe_layers(module: nn.Module) -> str:
    """Layers of a block in words: ``3×3 conv, BN, ReLU``; what only acts in training is left out."""
    words = []
    for layer in module.modules():
        match layer:
            case nn.Conv2d():
                words.append("×".join(str(side) for side in layer.kernel_size) + " conv")
            case nn.BatchNorm2d():
                words.append("BN")
            case nn.ReLU():
                words.append("ReLU")
    return ", ".join(words)


def describe_dilation(stage: nn.Sequential) -> str:
    """Dilations of a stage's 3x3 convolutions, each once: ``dilation 2, 4``; empty where all are 1."""
    rates = dict.fromkeys(block.conv2.dilation[0] for block in stage)
    return "" if set(rates) == {1} else f"dilation {', '.join(map(str, rates))}"


def _record(shapes: dict, name: str, _module: nn.Module, _inputs: tuple, output) -> None:
    first = output[0] if isinstance(output, tuple) else output
    shapes[name] = tuple(first.shape[1:])
