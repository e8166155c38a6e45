"""Operations and live bytes against sums that are written out."""

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from danet.planning.counting import Counting


def test_a_convolution():
    convolution = nn.Conv2d(5, 7, 3, stride=2, padding=1)
    images = torch.randn(2, 5, 9, 12, requires_grad=True)
    forward = 2 * (2 * 7 * 5 * 6) * (5 * 3 * 3)  # each output pixel: 45 multiplications, 45 additions
    with Counting() as counts:
        out = convolution(images)
        assert out.shape == (2, 7, 5, 6)
        assert counts.flops == forward
        out.sum().backward()
    # The gradients of the images and of the weights take as much as forward each.
    assert counts.flops == 3 * forward


def test_torchs_own_counter_agrees():
    network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(288, 4))
    images = torch.randn(2, 3, 8, 8)
    with FlopCounterMode(display=False) as reference, Counting() as counts:
        network(images).sum().backward()
    assert counts.flops == reference.get_total_flops() > 0


@pytest.mark.parametrize("fake", [True, False])
def test_bytes_live_and_die(fake):
    with FakeTensorMode() if fake else torch.no_grad(), Counting() as counts:
        one = torch.empty(1000)
        assert counts.live == 4000
        view = one.view(10, 100).transpose(0, 1)
        assert counts.live == 4000
        other = one.double()
        assert (counts.live, counts.peak) == (12_000, 12_000)
        del one
        assert counts.live == 12_000  # the view still looks at it
        del view
        assert counts.live == 8000
        other.relu_()
        assert (counts.live, counts.peak) == (8000, 12_000)
        del other
    assert counts.live == 0


def test_what_backward_needs_stays_alive():
    with FakeTensorMode(), Counting() as counts:
        one = torch.empty(100, requires_grad=True)
        result = one.sigmoid().exp()
        assert counts.live == 3 * 400  # the input and both results, each of which its gradient needs
        with torch.no_grad():
            one.sigmoid().exp()
        assert counts.live == 3 * 400
        assert counts.peak == 5 * 400
        del result
        assert counts.live == 400


def test_tensors_can_be_left_out():
    with FakeTensorMode(), Counting(lambda tensor: tensor.shape != (5, 5)) as counts:
        made = torch.empty(5, 5), torch.empty(5, 6)
    assert counts.live == 4 * made[1].numel()
