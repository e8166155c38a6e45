"""One step in parts: the same losses, gradients and weights as in one piece."""

import pytest
import torch
from torch import nn

from danet.training.state import open_training
from danet.training.step import take_step

CPU = torch.device("cpu")


def batch(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Images and labels; the second half has hardly any labelled pixel."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (4, 3, 32, 32), generator=generator, dtype=torch.uint8)
    label = torch.randint(0, 19, (4, 32, 32), generator=generator, dtype=torch.uint8)
    label[2:, 2:] = 255
    return images, label


@pytest.mark.parametrize("parts", [2, 4])
def test_parts_add_up_to_the_batch(settings, parts):
    """With BatchNorm in evaluation mode: its statistics of a part are others than of the batch."""
    results = []
    for accumulate in (1, parts):
        plan = settings(accumulate=accumulate, dropout=0.0)
        run = open_training(plan, plan.experiment("danet_r50"), 1, device=CPU)
        run.network.train()
        for module in run.network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        losses = [take_step(run, *batch(seed)).tolist() for seed in range(3)]
        results.append((losses, run.network.state_dict()))
    (losses, weights), (parted_losses, parted_weights) = results
    torch.testing.assert_close(parted_losses, losses, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(parted_weights, weights, rtol=1e-4, atol=1e-5)


def test_bfloat16_keeps_weights_losses_and_momentum_in_float32(settings):
    plan = settings(precision="bfloat16")
    run = open_training(plan, plan.experiment("danet_r50"), 1, device=CPU)
    seen = []
    run.network.backbone.layer4.register_forward_hook(lambda *call: seen.append(call[2].dtype))
    run.network.train()
    losses = take_step(run, *batch())
    assert seen == [torch.bfloat16]
    assert losses.dtype == torch.float32
    assert {parameter.dtype for parameter in run.network.parameters()} == {torch.float32}
    momenta = {state["momentum_buffer"].dtype for state in run.optimiser.state.values()}
    assert momenta == {torch.float32}
    assert run.facts["compute"]["precision"] == "bfloat16"
