"""What the built network really is: its modules, and the shapes that flow through them."""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from danet.errors import SettingsError
from danet.models.backbone import Bottleneck
from danet.models.heads.danet import DANetHead
from danet.models.network import SegmentationNetwork, build_network
from danet.settings import Experiment, Plan


@dataclass(frozen=True)
class BuiltDANet:
    """DANet with the shape of every module's output for one training crop, without the batch."""

    experiment: Experiment
    network: SegmentationNetwork
    head: DANetHead
    """The network's."""
    shapes: dict[str, tuple[int, ...]]
    """By the module's name; the empty name is the whole network."""


def built_danet(plan: Plan) -> BuiltDANet:
    """The plan's first DANet with both attention modules, on one training crop.

    Nothing is computed: torch's fake tensors only follow shapes. (The meta device would do, but has
    no autocast, which channel attention switches off.)

    Raises:
        SettingsError: the profile plans no such network.
    """
    planned = map(plan.experiment, plan.experiments)
    experiment = next((e for e in planned if e.model.head == "danet" and len(e.model.attention) == 2), None)
    if experiment is None:
        raise SettingsError(
            f"profile {plan.profile} plans no DANet with both attention modules",
            "list one in its tables, or leave figures 2 and 3 out of its figures",
        )
    side = experiment.training.crop_size
    with FakeTensorMode():
        network = build_network(experiment.model).eval()
        assert isinstance(network.head, DANetHead)
        shapes = output_shapes(network, torch.empty(1, 3, side, side))
    return BuiltDANet(experiment, network, network.head, shapes)


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
    rates = dict.fromkeys(block.conv2.dilation[0] for block in stage if isinstance(block, Bottleneck))
    return "" if set(rates) == {1} else f"dilation {', '.join(map(str, rates))}"


def _record(
    shapes: dict[str, tuple[int, ...]],
    name: str,
    _module: nn.Module,
    _inputs: tuple[Tensor, ...],
    output: Tensor | tuple[Tensor, ...] | dict[str, Tensor],
) -> None:
    outputs = output.values() if isinstance(output, dict) else output
    first = output if isinstance(output, Tensor) else next(iter(outputs))
    shapes[name] = tuple(first.shape[1:])
