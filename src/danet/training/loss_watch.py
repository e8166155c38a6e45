"""Losses stay on the device until somebody looks; then the first one that is not finite is found."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from danet.training.ranks import Ranks


class LossWatch:
    """The losses of all steps since the last look.

    A step only copies its losses from one place of the device to another, so the host never waits
    for them; a look waits once.

    Args:
        steps: most steps between two looks.
        ranks: among which a batch is shared; each has its part of the loss.
    """

    def __init__(self, steps: int, ranks: Ranks) -> None:
        self._steps, self._ranks = steps, ranks
        self._kept: Tensor | None = None  # (steps, outputs), made on the device of the first losses
        self._count = 0

    def keep(self, losses: Tensor) -> None:
        """Remember the losses (outputs,) of one step."""
        if self._kept is None:
            self._kept = losses.new_empty(self._steps, len(losses))
        self._kept[self._count].copy_(losses)
        self._count += 1

    def look(self) -> list[list[float]]:
        """Losses of every step since the last look, summed over the ranks; the host waits for them."""
        if self._kept is None:
            return []
        kept = self._ranks.sum(self._kept[: self._count].clone())
        self._count = 0
        return kept.tolist()


def first_lost(losses: Sequence[Sequence[float]]) -> int | None:
    """Position of the first step whose summed loss is not finite, None if all are."""
    return next((at for at, step in enumerate(losses) if not math.isfinite(sum(step))), None)


def all_finite(tensors: list[Tensor]) -> bool:
    """Whether no element of any tensor is infinite or not a number."""
    return bool(torch.stack([tensor.isfinite().all() for tensor in tensors]).all())
