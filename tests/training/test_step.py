"""One step in parts: the same losses, gradients and weights as in one piece."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from danet.errors import SettingsError
from danet.models.heads.encnet import presence_loss
from danet.models.normalisation import normalise
from danet.settings import Experiment, Plan
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


@pytest.mark.parametrize("parts", [1, 2])
def test_a_loss_of_the_heads_own_is_a_mean_over_the_batch(settings, parts):
    plan = settings(accumulate=parts, dropout=0.0)
    run = open_training(plan, with_head(plan, "encnet"), 1, device=CPU)
    run.network.eval()
    images, label = batch()
    outputs = run.network(normalise(images))
    expected = [
        F.cross_entropy(outputs["main"], label.long(), ignore_index=255),
        presence_loss(outputs["presence"], label.long()),
        F.cross_entropy(outputs["auxiliary"], label.long(), ignore_index=255),
    ]
    torch.testing.assert_close(take_step(run, images, label), torch.stack(expected).detach())
    assert run.loss_weights.tolist() == pytest.approx([1.0, 0.2, 0.2])


def test_a_head_that_normalises_single_positions_says_which_batch_it_needs(settings):
    plan = settings(batch_size=4, accumulate=4)
    with pytest.raises(SettingsError, match=r"head pspnet .* needs 2 images at once.*\n.*accumulate"):
        open_training(plan, with_head(plan, "pspnet"), 1, device=CPU)


def with_head(plan: Plan, head: str) -> Experiment:
    """The experiment ``fcn_r50`` with another head."""
    experiment = plan.experiment("fcn_r50")
    return experiment.model_copy(update={"model": experiment.model.model_copy(update={"head": head})})


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
