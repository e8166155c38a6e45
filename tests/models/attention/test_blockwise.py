"""Attention in blocks against a softmax written out: block sizes, gradients, dtypes, peak of memory."""

import pytest
import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from danet.models.attention.blockwise import attend_blockwise

ROW = 23 * 8  # bytes of a row of S, for 23 positions in float64


def literal(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    exponentials = torch.exp(torch.einsum("bjk,bik->bji", query, key))
    return torch.einsum("bji,bic->bjc", exponentials / exponentials.sum(dim=2, keepdim=True), value)


def tensors(*shapes: tuple[int, ...]) -> list[Tensor]:
    torch.manual_seed(9)
    return [torch.randn(shape, dtype=torch.float64).requires_grad_() for shape in shapes]


@pytest.mark.parametrize("rows", [0.1, 1, 5, 7.9, 12, 22, 23, 1000])
def test_every_block_size_gives_the_same(rows):
    inputs = tensors((3, 23, 4), (3, 23, 4), (3, 23, 6))
    weights = torch.randn(3, 23, 6, dtype=torch.float64)
    ours, expected = attend_blockwise(*inputs, int(rows * ROW)), literal(*inputs)
    torch.testing.assert_close(ours, expected, rtol=1e-11, atol=1e-12)
    gradients = torch.autograd.grad(ours, inputs, weights)
    for gradient, other in zip(gradients, torch.autograd.grad(expected, inputs, weights), strict=True):
        torch.testing.assert_close(gradient, other, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("channels_first", [False, True])
def test_gradcheck(channels_first):
    inputs = tensors((2, 5, 3), (2, 5, 3), (2, 5, 4))
    if channels_first:  # what a network in the default memory format hands in
        inputs = [tensor.mT.contiguous().detach().mT.requires_grad_() for tensor in inputs]
    assert torch.autograd.gradcheck(lambda *args: attend_blockwise(*args, 2 * 5 * 8), inputs)


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # of torch's own check, not of the operator
def test_operator_is_registered_as_torch_asks():
    inputs = tensors((2, 5, 3), (2, 5, 3), (2, 5, 4))
    torch.library.opcheck(torch.ops.danet.blockwise_attention.default, (*inputs, 80))


def test_no_second_derivative():
    inputs = tensors((1, 5, 3), (1, 5, 3), (1, 5, 4))
    gathered = attend_blockwise(*inputs)
    (gradient,) = torch.autograd.grad(gathered.square().sum(), inputs[0], create_graph=True)
    with pytest.raises(RuntimeError, match="danet::blockwise_attention_backward has no derivative"):
        gradient.sum().backward()


def test_energies_beyond_float16_neither_overflow_nor_vanish():
    query, key, value = (tensor.detach() for tensor in tensors((1, 23, 64), (1, 23, 64), (1, 23, 6)))
    query, key = 100 * query, 100 * key
    energies = torch.einsum("bjk,bik->bji", query, key)
    assert energies.abs().max() > 2 * 65504
    ours = attend_blockwise(query.float(), key.float(), value.float())
    # float32 spaces numbers of this size by 1/64, so a weight is right to a few hundredths.
    torch.testing.assert_close(ours.double(), energies.softmax(dim=2) @ value, rtol=0.05, atol=0.05)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_summed_in_float32(dtype):
    inputs = [tensor.detach().to(dtype).requires_grad_() for tensor in tensors(*[(1, 300, 64)] * 3)]
    ours, expected = attend_blockwise(*inputs), literal(*(tensor.double() for tensor in inputs))
    assert ours.dtype == dtype
    # Nothing but the rounding of the result is left.
    torch.testing.assert_close(ours.double(), expected.to(dtype).double(), rtol=2**-7, atol=1e-5)
    for gradient, tensor in zip(torch.autograd.grad(ours.sum(), inputs), inputs, strict=True):
        assert gradient.dtype == tensor.dtype


def test_autocast_leaves_float32_as_it_is():
    inputs = [tensor.detach().float().requires_grad_() for tensor in tensors(*[(1, 300, 64)] * 3)]
    expected = attend_blockwise(*inputs)
    expected_gradients = torch.autograd.grad(expected.square().sum(), inputs)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        ours = attend_blockwise(*inputs)
        gradients = torch.autograd.grad(ours.square().sum(), inputs)
    assert torch.equal(ours, expected)
    for gradient, other in zip(gradients, expected_gradients, strict=True):
        torch.testing.assert_close(gradient, other, rtol=1e-5, atol=1e-5)


@pytest.mark.filterwarnings("ignore:Warning. Profiler clears events")  # torch before 2.12
def test_no_tensor_is_as_large_as_the_map():
    positions = 2048  # S has 16 MiB
    inputs = [torch.randn(1, positions, 16).requires_grad_() for _ in range(3)]
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as record:
        attend_blockwise(*inputs, 2**20).sum().backward()
    largest = max(event.cpu_memory_usage for event in record.events())
    assert 0 < largest < 4 * 2**20
