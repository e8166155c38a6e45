"""Equations 1 and 2, written as loops, against the module: forward, gradient and attention maps.

Each path computes the same; the module is asked for each.
"""

import math

import pytest
import torch
from torch import Tensor
from torch.nn.attention import SDPBackend

from danet.models.attention.position import PositionAttention, attend, force_attention

VARIANTS = [("conv_bn_relu", 1), ("conv", 8)]
PATHS = ["auto", "fused", "blockwise", "textbook"]


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


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("projection", "reduction"), VARIANTS)
def test_forward_and_gradient_follow_the_equations(projection, reduction, path):
    module = build(projection, reduction)
    force_attention(module, path)
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


@pytest.mark.parametrize("path", PATHS)
def test_products_are_not_scaled(path):
    query = torch.tensor([[[2.0, 0.0]]])
    key = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    value = torch.tensor([[[1.0], [0.0]]])
    gathered = attend(query, key, value, path)
    assert gathered.item() == pytest.approx(math.exp(2) / (math.exp(2) + 1))


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("width", "channels"), [(64, 512), (512, 512), (3, 130)])
def test_paths_agree_at_the_widths_of_both_recipes(width, channels, path):
    torch.manual_seed(6)
    query, key = (0.2 * torch.randn(2, 37, width, dtype=torch.float64) for _ in range(2))
    value, weights = (torch.randn(2, 37, channels, dtype=torch.float64) for _ in range(2))
    inputs = [tensor.requires_grad_() for tensor in (query, key, value)]
    expected = torch.einsum("bjk,bik->bji", query, key).softmax(dim=2) @ value
    gathered = attend(*inputs, path)
    torch.testing.assert_close(gathered, expected, rtol=1e-10, atol=1e-12)
    gradients = torch.autograd.grad((gathered * weights).sum(), inputs)
    for gradient, other in zip(
        gradients, torch.autograd.grad((expected * weights).sum(), inputs), strict=True
    ):
        torch.testing.assert_close(gradient, other, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_inference_gives_what_training_gives(mode, memory_format):
    module = build("conv", 8)
    features = torch.randn(2, 16, 5, 6, dtype=torch.float64).to(memory_format=memory_format)
    with mode():
        inferred = module(features)
    torch.testing.assert_close(inferred, module(features).detach(), rtol=1e-12, atol=0)


@pytest.mark.parametrize("path", PATHS)
def test_training_under_autocast_on_a_cpu(path):
    torch.manual_seed(7)
    module = PositionAttention(16, "conv", 8)
    torch.nn.init.ones_(module.alpha)
    force_attention(module, path)
    features = torch.randn(1, 16, 6, 6)
    expected = module(features)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        attended = module(features)
    attended.square().mean().backward()
    torch.testing.assert_close(attended.float(), expected, rtol=0.05, atol=0.05)
    assert all(parameter.grad.isfinite().all() for parameter in module.parameters())


@pytest.mark.parametrize("path", PATHS)
def test_compiles_as_one_graph(path):
    module = build("conv", 8)
    force_attention(module, path)
    features = torch.randn(1, 16, 5, 5, dtype=torch.float64, requires_grad=True)
    # Traces forward and backward without generating code, which would need a compiler and seconds.
    compiled = torch.compile(module, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(features), module(features), rtol=1e-12, atol=0)
    (gradient,) = torch.autograd.grad(compiled(features).square().sum(), features)
    (expected,) = torch.autograd.grad(module(features).square().sum(), features)
    torch.testing.assert_close(gradient, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.filterwarnings("ignore")  # torch warns of its reason before it raises
def test_fused_path_refuses_to_make_the_whole_map(monkeypatch):
    monkeypatch.setattr("danet.models.attention.kernels.FUSED_BACKENDS", [SDPBackend.CUDNN_ATTENTION])
    query = torch.randn(1, 4, 8)
    with pytest.raises(RuntimeError, match=r"No (available|viable)"):
        attend(query, query, query, "fused")


def test_forcing_reaches_every_module_and_knows_the_paths():
    network = torch.nn.Sequential(PositionAttention(16, "conv", 8), PositionAttention(16, "conv", 8))
    force_attention(network, "textbook")
    assert [module.path for module in network] == ["textbook", "textbook"]
    with pytest.raises(ValueError, match="'flash'"):
        force_attention(network, "flash")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("path", ["auto", "fused", "blockwise"])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("width", [64, 512])
def test_paths_on_a_gpu_agree_with_float64(width, dtype, path):
    torch.manual_seed(8)
    inputs = [(0.2 * torch.randn(2, 1500, c, device="cuda")).to(dtype) for c in (width, width, 512)]
    weights = torch.randn(2, 1500, 512, device="cuda").to(dtype)
    exact = [tensor.double().requires_grad_() for tensor in inputs]
    inputs = [tensor.requires_grad_() for tensor in inputs]
    expected, gathered = attend(*exact, "textbook"), attend(*inputs, path)
    pairs = [(gathered, expected)]
    pairs += zip(
        torch.autograd.grad(gathered, inputs, weights),
        torch.autograd.grad(expected, exact, weights.double()),
        strict=True,
    )
    for ours, other in pairs:
        error = (ours.double() - other).norm() / other.norm()
        assert error < (0.02 if dtype == torch.bfloat16 else 1e-4)


def test_alpha_starts_at_zero_so_that_features_pass():
    module = PositionAttention(16, "conv", 8)
    features = torch.randn(1, 16, 5, 5)
    assert module.alpha.shape == (1,)
    assert torch.equal(module(features), features)


def test_projections_of_both_recipes():
    paper, code = PositionAttention(512, "conv_bn_relu", 1), PositionAttention(512, "conv", 8)
    assert sum(parameter.numel() for parameter in paper.parameters()) == 789_504 + 1
    assert sum(parameter.numel() for parameter in code.parameters()) == 328_320 + 1
