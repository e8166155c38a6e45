"""The whole network: upsampling, and the groups of its parameters."""

import pytest
import torch

from danet.models.network import build_network, parameter_groups


def test_logits_are_upsampled_between_corner_pixels(model_settings):
    network = build_network(model_settings(attention=(), classes=3)).eval()
    images = torch.randn(1, 3, 33, 41)
    with torch.inference_mode():
        small, large = network.head(*network.backbone(images))["fused"], network.predict(images)
    assert small.shape == (1, 3, 5, 6)
    torch.testing.assert_close(
        large[..., [0, 0, -1, -1], [0, -1, 0, -1]], small[..., [0, 0, -1, -1], [0, -1, 0, -1]]
    )
    torch.testing.assert_close(large[..., 4, 0], (small[..., 0, 0] + small[..., 1, 0]) / 2)


def test_parameter_groups_hold_every_parameter_once(model_settings):
    network = build_network(model_settings())
    backbone, head = parameter_groups(network, 0.003, 10.0)
    assert (backbone["name"], backbone["lr"]) == ("backbone", 0.003)
    assert (head["name"], head["lr"]) == ("head", pytest.approx(0.03))
    identities = [id(parameter) for group in (backbone, head) for parameter in group["params"]]
    assert sorted(identities) == sorted(id(parameter) for parameter in network.parameters())
    torch.optim.SGD([backbone, head], lr=1.0)
