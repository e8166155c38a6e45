"""The poly schedule on both groups of parameters."""

import pytest
import torch
from torch import nn

from danet.training.schedule import poly, set_learning_rates


def test_poly_schedule_keeps_the_heads_multiple_at_every_step():
    groups = [{"params": [nn.Parameter(torch.zeros(1))], "lr": rate} for rate in (0.01, 0.1)]
    optimiser = torch.optim.SGD(groups)
    for step in range(100):
        set_learning_rates(optimiser, poly(step, 100, 0.9))
        backbone, head = (group["lr"] for group in optimiser.param_groups)
        assert backbone == pytest.approx(0.01 * (1 - step / 100) ** 0.9, rel=1e-12)
        assert head == pytest.approx(10 * backbone, rel=1e-12)
