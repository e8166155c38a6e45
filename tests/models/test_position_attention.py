"""Equations 1 and 2, written as loops, against the module: forward, gradient and attention maps."""

import math

import pytest
import torch
from torch import Tensor

from danet.models.position_attention import PositionAttention, attend

VARIANTS = [("conv_bn_relu", 1), ("conv", 8)]


def build(projection: str, reduction: int) -> PositionAttention:
    torch.manual_seed(3)
    module = PositionAttention(16, projection, reduction).double().eval()
    torch.nn.init.constant_(module.alpha, 0.7)
    return module


def equation_1(b: Tensor, c: Tensor) -> Tensor:
    """S (N, N) from B and C (channels, N): s_ji in row j, column i."""
    positions = b.shape[1]
    rows = []
    for j in range(positions):
        exponentials = [torch.exp(b[:, i] @ c[:, j]) for i in range(positions)]
        rows.append(torch.stack([exponential / sum(exponentials) for exponential in exponentials]))
    return torch.stack(rows)


def equation_2(module: PositionAttention, features: Tensor) -> Tensor:
    """E of one image after the other."""
    images = []
    for image in features:
        b, c, d = (layer(image[None])[0].flatten(1) for layer in (module.key, module.query, module.value))
        s, a = equation_1(b, c), image.flatten(1)
        columns = [
            module.alpha * sum(s[j, i] * d[:, i] for i in range(a.shape[1])) + a[:, j]
            for j in range(a.shape[1])
        ]
        images.append(torch.stack(columns, dim=1).reshape(image.shape))
    return torch.stack(images)


@pytest.mark.parametrize(("projection", "reduction"), VARIANTS)
def test_forward_and_gradient_follow_the_equations(projection, reduction):
    module = build(projection, reduction)
    features = torch.randn(2, 16, 3, 4, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(2, 16, 3, 4, dtype=torch.float64)
    inputs = [features, *module.parameters()]

    ours, literal = module(features), equation_2(module, features)
    torch.testing.assert_close(ours, literal, rtol=1e-12, atol=1e-12)

    gradients = torch.autograd.grad((ours * weights).sum(), inputs)
    expected = torch.autograd.grad((literal * weights).sum(), inputs)
    for gradient, other in zip(gradients, expected, strict=True):
        torch.testing.assert_close(gradient, other, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize(("projection", "reduction"), VARIANTS)
def test_attention_map_holds_rows_of_s(projection, reduction):
    module = build(projection, reduction)
    features = torch.randn(2, 16, 3, 4, dtype=torch.float64)
    maps = module.attention_map(features, [(0, 0), (2, 1)])
    assert maps.shape == (2, 2, 3, 4)
    for image, of_image in zip(features, maps, strict=True):
        b, c = (layer(image[None])[0].flatten(1) for layer in (module.key, module.query))
        s = equation_1(b, c)
        torch.testing.assert_close(of_image[0].flatten(), s[0], rtol=1e-12, atol=0)
        torch.testing.assert_close(of_image[1].flatten(), s[2 * 4 + 1], rtol=1e-12, atol=0)


def test_products_are_not_scaled():
    query = torch.tensor([[[2.0, 0.0]]])
    key = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    value = torch.tensor([[[1.0], [0.0]]])
    assert attend(query, key, value).item() == pytest.approx(math.exp(2) / (math.exp(2) + 1))


def test_alpha_starts_at_zero_so_that_features_pass():
    module = PositionAttention(16, "conv", 8)
    features = torch.randn(1, 16, 5, 5)
    assert module.alpha.shape == (1,)
    assert torch.equal(module(features), features)


def test_projections_of_both_recipes():
    paper, code = PositionAttention(512, "conv_bn_relu", 1), PositionAttention(512, "conv", 8)
    assert sum(parameter.numel() for parameter in paper.parameters()) == 789_504 + 1
    assert sum(parameter.numel() for parameter in code.parameters()) == 328_320 + 1
