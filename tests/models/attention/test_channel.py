"""Equations 3 and 4, written as loops, against the module, in the paper's and the released form."""

import pytest
import torch
from torch import Tensor

from danet.models.attention.channel import ChannelAttention

SIMILARITIES = ["product", "max_minus_product"]


def build(similarity: str) -> ChannelAttention:
    module = ChannelAttention(similarity).double()
    torch.nn.init.constant_(module.beta, 0.6)
    return module


def equation_3(a: Tensor, similarity: str) -> Tensor:
    """X (C, C) from A (C, N): x_ji in row j, column i."""
    rows = []
    for j in range(len(a)):
        energies = [a[i] @ a[j] for i in range(len(a))]
        if similarity == "max_minus_product":
            energies = [max(energies) - energy for energy in energies]
        exponentials = [torch.exp(energy) for energy in energies]
        rows.append(torch.stack([exponential / sum(exponentials) for exponential in exponentials]))
    return torch.stack(rows)


def equation_4(module: ChannelAttention, features: Tensor) -> Tensor:
    images = []
    for image in features:
        a = image.flatten(1)
        x = equation_3(a, module.similarity)
        rows = [module.beta * sum(x[j, i] * a[i] for i in range(len(a))) + a[j] for j in range(len(a))]
        images.append(torch.stack(rows).reshape(image.shape))
    return torch.stack(images)


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_forward_and_gradient_follow_the_equations(similarity):
    torch.manual_seed(4)
    module = build(similarity)
    features = (0.5 * torch.randn(2, 6, 3, 4, dtype=torch.float64)).requires_grad_()
    weights = torch.randn(2, 6, 3, 4, dtype=torch.float64)

    ours, literal = module(features), equation_4(module, features)
    torch.testing.assert_close(ours, literal, rtol=1e-12, atol=1e-12)

    gradients = torch.autograd.grad((ours * weights).sum(), [features, module.beta])
    expected = torch.autograd.grad((literal * weights).sum(), [features, module.beta])
    for gradient, other in zip(gradients, expected, strict=True):
        torch.testing.assert_close(gradient, other, rtol=1e-10, atol=1e-10)


def test_the_two_forms_prefer_opposite_channels():
    features = torch.tensor([1.0, 2.0, -1.0]).view(1, 3, 1, 1)  # products of channel 0: 1, 2, -1
    assert ChannelAttention("product").attention(features)[0, 0].argmax() == 1
    assert ChannelAttention("max_minus_product").attention(features)[0, 0].argmax() == 2


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_energies_are_float32_under_autocast(similarity):
    torch.manual_seed(5)
    module = ChannelAttention(similarity)
    features = torch.relu(torch.randn(1, 32, 20, 20)).bfloat16()
    expected = module.attention(features.double())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        attention = module.attention(features)
    assert attention.dtype == torch.float32
    # Energies of about 200 have a spacing of 1 in bfloat16, which would change weights by a factor e.
    torch.testing.assert_close(attention.double(), expected, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_whole_image_features_do_not_overflow(similarity):
    # 256x512 positions of half precision, whose products sum to more than float16 can hold.
    features = torch.full((1, 4, 256, 512), 2.0, dtype=torch.float16)
    module = ChannelAttention(similarity)
    torch.nn.init.ones_(module.beta)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.allclose(module.attention(features), torch.tensor(0.25))
        assert torch.isfinite(module(features)).all()


@pytest.mark.parametrize("similarity", SIMILARITIES)
def test_whole_image_energies_agree_with_float64(similarity):
    torch.manual_seed(8)
    features = torch.relu(torch.randn(1, 6, 256, 512)).bfloat16()
    channels = features.double().flatten(2)
    energies = channels @ channels.transpose(1, 2)
    assert energies.max() > 65504  # of float16
    signed = energies if similarity == "product" else energies.amax(dim=2, keepdim=True) - energies
    with torch.autocast("cpu", dtype=torch.bfloat16):
        attention = ChannelAttention(similarity).attention(features)
    # float32 spaces numbers of this size by 1/128, so a weight is right to about a hundredth.
    torch.testing.assert_close(attention.double(), signed.softmax(dim=2), rtol=0.05, atol=0.01)


def test_beta_starts_at_zero_so_that_features_pass():
    module = ChannelAttention("product")
    features = torch.randn(1, 8, 5, 5)
    assert module.beta.shape == (1,)
    assert torch.equal(module(features), features)
