"""Training crops in an order that depends on the seed alone, not on workers or interruptions."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler, default_collate

from danet.data.augmentation import cut, draw_crop
from danet.data.prepared.split import PreparedSplit
from danet.errors import TrainingError, UserError
from danet.machine.processes import core_count
from danet.settings import Training

Crops = tuple[Tensor, Tensor]
"""Image (..., 3, S, S) and label (..., S, S), both uint8."""


class TrainingSet(Dataset):
    """Augmented crops; the crop of image i in epoch e is a function of (seed, e, i).

    Args:
        split: prepared images and labels.
        training: sizes and probabilities of the augmentation.
        seed: of the run.
        lookup: (256,) uint8, from stored label index to class index.
    """

    def __init__(self, split: PreparedSplit, training: Training, seed: int, lookup: np.ndarray) -> None:
        self.split, self.training, self.seed, self.lookup = split, training, seed, bytes(lookup)

    def __getitem__(self, key: tuple[int, int]) -> Crops:
        """Image (3, S, S) uint8 and label (S, S) uint8 for ``key`` = (epoch, index).

        Raises:
            BadDataError: image or label on the disk is damaged.
        """
        epoch, index = key
        random = np.random.default_rng((self.seed, epoch, index))
        entry = self.split.entries[index]
        crop = draw_crop(random, entry.height, entry.width, self.training)
        image, label = cut(*self.split.rows(index), crop, self.training.crop_size)
        # Several times as quick as an index into an array.
        classes = bytearray(label.numpy()).translate(self.lookup)
        return image, torch.frombuffer(classes, dtype=torch.uint8).view(label.shape)

    def __getitems__(self, keys: list[tuple[int, int]]) -> list[Crops | UserError]:
        """The crops of a batch, or in their place the error, which would leave a worker as a traceback."""
        try:
            return [self[key] for key in keys]
        except UserError as error:
            return [error]


class BatchOrder(Sampler[list[tuple[int, int]]]):
    """Keys of each batch from ``first_step`` on; every epoch is a new permutation, the remainder is dropped.

    Args:
        images: size of the split.
        batch_size: images per step.
        steps: steps of the whole training.
        seed: of the run.
        first_step: steps already done.

    Raises:
        TrainingError: the split holds fewer images than one batch.
    """

    def __init__(self, images: int, batch_size: int, steps: int, seed: int, first_step: int = 0) -> None:
        if images < batch_size:
            raise TrainingError(
                f"{images} training images do not fill one batch of {batch_size}",
                "lower training.batch_size in params.yaml",
            )
        self.images, self.batch_size, self.steps = images, batch_size, steps
        self.seed, self.first_step = seed, first_step

    def __len__(self) -> int:
        return self.steps - self.first_step

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        return (self.batch(step) for step in range(self.first_step, self.steps))

    def batch(self, step: int) -> list[tuple[int, int]]:
        """(epoch, index) of every image of one step."""
        epoch, position = divmod(step, self.images // self.batch_size)
        order = np.random.default_rng((self.seed, epoch)).permutation(self.images)
        start = position * self.batch_size
        return [(epoch, int(index)) for index in order[start : start + self.batch_size]]


def step_count(training: Training, images: int) -> int:
    """Optimiser steps of a training; incomplete batches are dropped, as in the released code."""
    return training.iterations or training.epochs * (images // training.batch_size)


def batches(
    training_set: TrainingSet, order: Sampler[list[tuple[int, int]]], workers: int, pinned: bool
) -> Iterator[Crops]:
    """Batches of images (B, 3, S, S) uint8 and labels (B, S, S) uint8 in the given order.

    Args:
        training_set: where the crops come from.
        order: the keys of each batch.
        workers: processes that load, at most as many as CPU cores; 0: this process loads.
        pinned: put batches into memory from which a GPU can copy them without the host waiting.

    Raises:
        BadDataError: an image or a label on the disk is damaged.
    """
    loader = DataLoader(
        training_set,
        batch_sampler=order,
        num_workers=min(workers, core_count()),
        collate_fn=_collate,
        pin_memory=pinned,
        # The loader draws a seed for its workers; drawn from the global generator, it would shift the
        # dropout of a resumed training.
        generator=torch.Generator(),
    )
    for batch in loader:
        if isinstance(batch, UserError):
            raise batch
        yield batch


def _collate(crops: list[Crops | UserError]) -> Crops | UserError:
    return crops[0] if isinstance(crops[0], UserError) else default_collate(crops)
