"""What the processes of test_ranks run: train one experiment of the params.yaml here, in float64.

In float32 the roundings of two orders of adding grow tenfold in every few steps of so small a
network, and would hide a mistake.
"""

import sys

import torch
from torch import distributed, nn

from danet.machine.interruption import Interrupted
from danet.settings import load_plan
from danet.training.train import train


class SumOverRanks(torch.autograd.Function):
    """The sum of all ranks' tensors, through which gradients flow to all of them."""

    @staticmethod
    def forward(_, tensor: torch.Tensor) -> torch.Tensor:
        total = tensor.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(_, gradient: torch.Tensor) -> torch.Tensor:
        total = gradient.clone()
        distributed.all_reduce(total)
        return total


class BatchNormOverRanks(nn.BatchNorm2d):
    """What torch.nn.SyncBatchNorm computes; that one takes no CPU tensors."""

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        size = features.numel() // self.num_features * distributed.get_world_size()
        mean = SumOverRanks.apply(features.sum((0, 2, 3))) / size
        centred = features - mean[:, None, None]
        variance = SumOverRanks.apply(centred.square().sum((0, 2, 3))) / size
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * size / (size - 1), self.momentum)
            self.num_batches_tracked += 1
        scale = self.weight / (variance + self.eps).sqrt()
        return centred * scale[:, None, None] + self.bias[:, None, None]


def convert(network: nn.Module) -> nn.Module:
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.__class__ = BatchNormOverRanks
    return network


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    nn.SyncBatchNorm.convert_sync_batchnorm = convert
    try:
        train(load_plan(), sys.argv[1], seed=1)
    except Interrupted as interrupted:
        sys.exit(interrupted.exit_status)
