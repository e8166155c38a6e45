"""A network rewritten for inference says what it said before."""

import pytest
import torch

from danet.models.inference_form import inference_form
from danet.models.network import build_network
from danet.settings import load_plan


@pytest.mark.parametrize("name", ["fcn_r50", "danet_r101_da_mg"])
def test_same_logits_without_batch_normalisation(name):
    torch.manual_seed(3)
    network = build_network(load_plan(profile="demo").experiment(name).model)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.running_mean, -0.5, 0.5)
            torch.nn.init.uniform_(module.running_var, 0.5, 2)
            torch.nn.init.uniform_(module.bias, -0.5, 0.5)
            torch.nn.init.uniform_(module.weight, 0.5, 2)
    network.eval()
    images = torch.randn(2, 3, 33, 49)
    rewritten = inference_form(network)
    with torch.inference_mode():
        expected = network.logits(images)
        torch.testing.assert_close(rewritten.logits(images), expected, rtol=1e-4, atol=1e-4)
    assert not any(isinstance(module, torch.nn.BatchNorm2d) for module in rewritten.modules())
    assert any(isinstance(module, torch.nn.BatchNorm2d) for module in network.modules())
    assert not any(weight.requires_grad for weight in rewritten.parameters())
