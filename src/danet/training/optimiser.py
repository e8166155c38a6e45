"""The optimiser: torch's SGD, with momentum and weight decay, in one kernel a step."""

from collections.abc import Callable
from inspect import unwrap
from typing import Any

import torch
from torch.optim import SGD

from danet.models.network import SegmentationNetwork, parameter_groups
from danet.settings import Training


class PlainSGD(SGD):
    """SGD whose methods are those within torch's wrappers, which hide them from torch's compiler.

    The wrappers import the compiler to do so: a second before the first step. What is compiled here is
    the network, never the optimiser.
    """

    add_param_group: Callable[..., None] = unwrap(SGD.add_param_group)
    zero_grad: Callable[..., None] = unwrap(SGD.zero_grad)
    state_dict: Callable[..., dict[str, Any]] = unwrap(SGD.state_dict)
    load_state_dict: Callable[..., None] = unwrap(SGD.load_state_dict)
    step = torch.no_grad()(unwrap(SGD.step))


def make_optimiser(network: SegmentationNetwork, training: Training) -> SGD:
    """SGD over backbone and head, each at its own learning rate."""
    groups = parameter_groups(network, training.learning_rate, training.head_learning_rate_factor)
    return PlainSGD(groups, momentum=training.momentum, weight_decay=training.weight_decay, fused=True)
