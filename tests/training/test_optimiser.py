"""The optimiser against torch's own SGD, and what a training imports."""

import subprocess
import sys

import torch
from torch import nn
from torch.optim import SGD

from danet.training.optimiser import PlainSGD

PROGRAM = """
import sys
from danet.settings import load_plan
from danet.training.train import train
train(load_plan(), "danet_r50", 1)
print(*(name for name in ("torch._dynamo", "torchvision", "mlflow", "seaborn") if name in sys.modules))
"""


def trained(kind: type[SGD]) -> tuple[dict, dict]:
    """Weights and state after three steps, the last one from a saved state."""
    torch.manual_seed(4)
    network = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 2))
    inputs = torch.randn(3, 6, 5)

    def made() -> SGD:
        groups = [{"params": list(layer.parameters()), "lr": rate} for layer, rate in layers]
        return kind(groups, momentum=0.9, weight_decay=1e-2, fused=True)

    layers = [(network[0], 0.1), (network[2], 1.0)]
    optimiser = made()
    for step in range(3):
        if step == 2:
            saved, optimiser = optimiser.state_dict(), made()
            optimiser.load_state_dict(saved)
        optimiser.zero_grad(set_to_none=True)
        network(inputs[step]).square().sum().backward()
        optimiser.step()
    return network.state_dict(), optimiser.state_dict()


def test_the_bits_are_those_of_torch(assert_same_bits):
    assert_same_bits(trained(PlainSGD), trained(SGD))


def test_a_training_does_not_wait_for_imports_that_it_needs_not(project):
    """Each takes more than a second, of a demo's training of ten."""
    run = subprocess.run([sys.executable, "-c", PROGRAM], cwd=project, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == []
