"""The order and the augmentation of a training depend on seed and step alone."""

from pathlib import Path

import numpy as np
import pytest
import torch

from danet.data.training_set import BatchOrder, TrainingSet, batches, step_count
from danet.errors import TrainingError
from danet.settings import load_params, resolve

TRAINING = resolve(
    load_params(Path(__file__).parents[2] / "params.yaml", profile="demo"), "danet_r50"
).training
LOOKUP = np.arange(256, dtype=np.uint8)


@pytest.fixture
def split(made_split):
    return made_split(images=10, height=40, width=60)


def tensors(split, workers: int, first_step: int = 0) -> list[torch.Tensor]:
    training = TRAINING.model_copy(update={"workers": workers, "crop_size": 32, "short_side": 40})
    order = BatchOrder(len(split), 4, steps=6, seed=5, first_step=first_step)
    return [images for images, _ in batches(TrainingSet(split, training, 5, LOOKUP), order, pinned=False)]


def test_workers_and_resuming_change_nothing(split):
    alone = tensors(split, workers=0)
    assert all(torch.equal(a, b) for a, b in zip(alone, tensors(split, workers=2), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(alone[3:], tensors(split, 0, first_step=3), strict=True))


def test_every_epoch_is_a_new_permutation_without_the_rest():
    order = BatchOrder(images=10, batch_size=4, steps=4, seed=1)
    epochs = [[index for _, index in order.batch(step)] for step in range(4)]
    first, second = epochs[0] + epochs[1], epochs[2] + epochs[3]
    assert len(set(first)) == len(set(second)) == 8
    assert first != second
    assert [epoch for step in range(4) for epoch, _ in order.batch(step)] == [0] * 8 + [1] * 8
    assert first != [i for step in range(2) for _, i in BatchOrder(10, 4, 4, seed=2).batch(step)]


def test_fewer_images_than_a_batch_are_refused():
    with pytest.raises(TrainingError, match="3 training images do not fill one batch of 4"):
        BatchOrder(images=3, batch_size=4, steps=1, seed=0)


def test_iterations_take_the_place_of_epochs():
    assert step_count(TRAINING.model_copy(update={"iterations": None, "epochs": 3}), 21) == 3 * (21 // 8)
    assert step_count(TRAINING.model_copy(update={"iterations": 7}), 21) == 7


def test_the_lookup_is_applied_to_labels(split):
    lookup = np.full(256, 9, np.uint8)
    training = TRAINING.model_copy(update={"crop_size": 32, "short_side": 40})
    _, label = TrainingSet(split, training, 5, lookup)[0, 0]
    assert (label == 9).all() or set(label.unique().tolist()) <= {9, 255}
