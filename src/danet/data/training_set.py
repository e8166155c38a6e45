"""Training crops in an order that depends on the seed alone: not on workers, nor on interruptions."""

from collections.abc import Iterator

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from danet.data.augmentation import cut, draw_crop
from danet.data.prepared import PreparedSplit
from danet.errors import TrainingError
from danet.settings import Training


class TrainingSet(Dataset):
    """Augmented crops; the crop of image i in epoch e is a function of (seed, e, i).

    Args:
        split: prepared images and labels.
        training: sizes and probabilities of the augmentation.
        seed: of the run.
        lookup: (256,) uint8, from stored label index to class index.
    """

    def __init__(self, split: PreparedSplit, training: Training, seed: int, lookup: np.ndarray) -> None:
        self.split, self.training, self.seed, self.lookup = split, training, seed, lookup

    def __getitem__(self, key: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
        """Image (3, S, S) uint8 and label (S, S) uint8 for ``key`` = (epoch, index)."""
        epoch, index = key
        random = np.random.default_rng((self.seed, epoch, index))
        entry = self.split.entries[index]
        crop = draw_crop(random, entry.height, entry.width, self.training)
        image, label = cut(self.split.image(index), self.split.label(index), crop, self.training.crop_size)
        return torch.from_numpy(image).permute(2, 0, 1), torch.from_numpy(self.lookup[label])


class BatchOrder(Sampler[list[tuple[int, int]]]):
    """Keys of each batch from ``first_step`` on; every epoch is a new permutation, the rest is dropped.

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


def batches(training_set: TrainingSet, order: BatchOrder, pinned: bool) -> DataLoader:
    """Batches of images (B, 3, S, S) uint8 and labels (B, S, S) uint8 in the given order."""
    return DataLoader(
        training_set,
        batch_sampler=order,
        num_workers=training_set.training.workers,
        pin_memory=pinned,
        # The loader draws a seed for its workers; from the global generator that would shift the
        # dropout of a resumed training.
        generator=torch.Generator(),
    )
