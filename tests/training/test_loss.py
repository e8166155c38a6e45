"""The loss against cross entropy written out pixel by pixel."""

import math

import pytest
import torch

from danet.training.loss import segmentation_losses


def test_loss_is_the_mean_over_labelled_pixels_of_each_output():
    torch.manual_seed(0)
    outputs = {name: torch.randn(2, 3, 4, 5, dtype=torch.float64) for name in ("a", "b", "c")}
    label = torch.randint(0, 3, (2, 4, 5))
    label[0, :2] = 255
    losses = segmentation_losses(outputs, label)
    for loss, logits in zip(losses, outputs.values(), strict=True):
        terms = []
        for b in range(2):
            for y in range(4):
                for x in range(5):
                    if label[b, y, x] != 255:
                        scores = logits[b, :, y, x].tolist()
                        normaliser = math.log(sum(math.exp(score) for score in scores))
                        terms.append(normaliser - scores[label[b, y, x]])
        assert loss.item() == pytest.approx(sum(terms) / len(terms), rel=1e-12)


def test_a_batch_without_labels_has_no_loss_and_no_gradient():
    logits = torch.randn(1, 3, 2, 2, requires_grad=True)
    loss = segmentation_losses({"fused": logits}, torch.full((1, 2, 2), 255)).sum()
    loss.backward()
    assert loss.item() == 0
    assert not logits.grad.any()
