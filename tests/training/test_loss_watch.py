"""The first lost step is found at the next look, however long ago it was."""

import pytest
import torch

from danet.training.loss_watch import LossWatch, all_finite, first_lost
from danet.training.ranks import Ranks


def test_a_look_gives_every_step_since_the_last_one():
    watch = LossWatch(4, Ranks())
    steps = [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0], [9.0, 10.0]]
    for losses in steps[:4]:
        watch.keep(torch.tensor(losses))
    assert watch.look() == steps[:4]
    watch.keep(torch.tensor(steps[4]))
    assert watch.look() == steps[4:]


def test_what_is_kept_is_a_copy():
    watch, losses = LossWatch(2, Ranks()), torch.ones(1)
    watch.keep(losses)
    losses.zero_()
    assert watch.look() == [[1.0]]


@pytest.mark.parametrize("lost", [float("nan"), float("inf"), -float("inf")])
def test_the_first_lost_step_is_named(lost):
    assert first_lost([[1.0, 2.0], [3.0, lost], [lost, lost]]) == 1
    assert first_lost([[1.0], [2.0]]) is None


def test_one_bad_weight_is_enough():
    assert all_finite([torch.zeros(3), torch.ones(2, 2)])
    assert not all_finite([torch.zeros(3), torch.tensor([1.0, float("nan")])])
