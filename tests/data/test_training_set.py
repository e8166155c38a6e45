"""The order and the augmentation of a training depend on seed and step only."""

import multiprocessing
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from danet.data.prepared.split import PreparedSplit
from danet.data.training_set import BatchOrder, TrainingSet, batches, step_count
from danet.errors import BadDataError, TrainingError
from danet.settings import load_plan

PLAN = load_plan(Path(__file__).parents[2] / "params.yaml", profile="demo")
TRAINING = PLAN.experiment("danet_r50").training
SMALL = TRAINING.model_copy(update={"crop_size": 32, "short_side": 40, "random_scale": (0.75, 2.0)})
LOOKUP = np.arange(256, dtype=np.uint8)


@pytest.fixture
def split(made_split):
    return made_split(images=10, height=40, width=60)


def crops(split, workers: int, first_step: int = 0) -> list[torch.Tensor]:
    """Images and labels of the steps of three epochs, from ``first_step`` on."""
    order = BatchOrder(len(split), 4, steps=6, seed=5, first_step=first_step)
    training_set = TrainingSet(split, SMALL, 5, LOOKUP)
    return [part for batch in batches(training_set, order, workers, pinned=False) for part in batch]


@pytest.mark.filterwarnings("ignore:This DataLoader will create 8 worker processes")
@pytest.mark.parametrize("workers", [2, 8])
def test_workers_change_nothing(split, workers, monkeypatch):
    monkeypatch.setattr("danet.data.training_set.core_count", lambda: 8)
    assert all(torch.equal(a, b) for a, b in zip(crops(split, 0), crops(split, workers), strict=True))


def test_no_more_workers_than_cores(split, monkeypatch):
    monkeypatch.setattr("danet.data.training_set.core_count", lambda: 1)
    order = BatchOrder(len(split), 4, steps=6, seed=5)
    next(loaded := batches(TrainingSet(split, SMALL, 5, LOOKUP), order, 8, pinned=False))
    assert len(multiprocessing.active_children()) == 1
    loaded.close()


@pytest.mark.parametrize("first_step", [3, 5])
def test_resuming_changes_nothing(split, first_step):
    # An epoch has two steps: both resume in the middle of one.
    left = crops(split, 0)[first_step * 2 :]
    for workers in (0, 2):
        resumed = crops(split, workers, first_step)
        assert all(torch.equal(a, b) for a, b in zip(left, resumed, strict=True))


def test_the_crop_of_an_image_depends_on_seed_and_epoch(split):
    first = TrainingSet(split, SMALL, 5, LOOKUP)
    assert torch.equal(first[0, 3][0], TrainingSet(split, SMALL, 5, LOOKUP)[0, 3][0])
    assert not torch.equal(first[0, 3][0], first[1, 3][0])
    assert not torch.equal(first[0, 3][0], TrainingSet(split, SMALL, 6, LOOKUP)[0, 3][0])


def test_loading_draws_nothing_from_the_global_generator(split):
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    crops(split, 2)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("kind", ["image", "label"])
def test_a_damaged_file_is_reported_within_the_first_epoch(split, workers, kind):
    """Without a traceback, whichever rows the crop of that epoch shows."""
    path = split.folder / f"{kind}s.npy"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    order = BatchOrder(len(split), 5, steps=2, seed=5)
    training_set = TrainingSet(PreparedSplit(split.folder), SMALL, 5, LOOKUP)
    with pytest.raises(BadDataError) as error:
        list(batches(training_set, order, workers, pinned=False))
    assert str(error.value).startswith(f"{path}: the {kind} of image9 is damaged\n  -> danet prepare")


def test_a_copy_for_a_spawned_worker_gives_the_same(split):
    training_set = TrainingSet(split, SMALL, 5, LOOKUP)
    copy = pickle.loads(pickle.dumps(training_set))
    assert torch.equal(copy[2, 4][0], training_set[2, 4][0])


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
    lookup[255] = 255
    # The scaled image is smaller than the crop, so some of the label is padding.
    training = SMALL.model_copy(update={"random_scale": (0.5, 0.7)})
    image, label = TrainingSet(split, training, 5, lookup)[0, 0]
    assert set(label.unique().tolist()) == {9, 255}
    assert (image.dtype, label.dtype, image.shape, label.shape) == (
        torch.uint8,
        torch.uint8,
        (3, 32, 32),
        (32, 32),
    )
