"""The processes of one training, one for each GPU: who is which, and what they exchange."""

import ctypes
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed
from torch.utils.data import Sampler

from danet.data.training_set import BatchOrder
from danet.errors import SettingsError
from danet.machine.device import chosen_device
from danet.training.launch import LAUNCHER, RENDEZVOUS

Item = TypeVar("Item")

PR_SET_PDEATHSIG = 1
"""Linux, prctl(2): the signal that a process gets when its parent dies."""


@dataclass(frozen=True)
class Ranks:
    """The place of this process among those of the training."""

    rank: int = 0
    """From 0; the first one writes all files."""
    count: int = 1
    """Processes of the training."""
    local: int = 0
    """Number of this process on its machine, and of its GPU."""

    @property
    def first(self) -> bool:
        return self.rank == 0

    @property
    def device(self) -> torch.device:
        """The GPU of this rank; the CPU where there is none."""
        return chosen_device(self.local)

    def sum(self, tensor: Tensor) -> Tensor:
        """Add up a tensor over all ranks, in place."""
        if self.count > 1:
            distributed.all_reduce(tensor)
        return tensor

    def largest(self, number: int) -> int:
        """The largest number that any rank has.

        It goes from host to host, so that no host waits for its GPU.
        """
        if self.count == 1:
            return number
        numbers = torch.tensor(number)
        distributed.all_reduce(numbers, op=distributed.ReduceOp.MAX)
        return int(numbers)

    def gather(self, value: Any) -> list[Any]:
        """The values of all ranks, in their order."""
        values = [value] * self.count
        if self.count > 1:
            distributed.all_gather_object(values, value)
        return values

    def share(self, batch: list[Item]) -> list[Item]:
        """The part of a batch that is this rank's; the shares of all ranks make up the batch."""
        size = len(batch) // self.count
        return batch[self.rank * size : (self.rank + 1) * size]


ALONE = Ranks()
"""The one process of a training on one device."""


class SharedBatches(Sampler[list[tuple[int, int]]]):
    """This rank's share of every batch of an order."""

    def __init__(self, order: BatchOrder, ranks: Ranks) -> None:
        self.order, self.ranks = order, ranks

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        return (self.ranks.share(batch) for batch in self.order)


@contextmanager
def joined_ranks(gpus: int) -> Iterator[Ranks]:
    """Meet the other processes of the training, if this one was started as one of several.

    Args:
        gpus: processes that there have to be.

    Raises:
        SettingsError: torchrun or a scheduler has started another number of them.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count != gpus:
        raise SettingsError(
            f"compute.gpus is {gpus}, and this training was started as {count} processes",
            "start it with danet train, or with torchrun --nproc-per-node as compute.gpus says",
        )
    if count == 1:
        yield Ranks()
        return
    _end_with_launcher()
    ranks = Ranks(int(os.environ["RANK"]), count, int(os.environ["LOCAL_RANK"]))
    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.set_device(ranks.local)
    distributed.init_process_group(
        "cpu:gloo,cuda:nccl" if cuda else "gloo",
        init_method=os.environ.get(RENDEZVOUS, "env://"),
        rank=ranks.rank,
        world_size=count,
    )
    try:
        yield ranks
    finally:
        distributed.destroy_process_group()


def _end_with_launcher() -> None:
    """Should the launcher be killed, finish the step and save, as if told to stop."""
    launcher = os.environ.get(LAUNCHER)
    if launcher is None:
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(launcher):  # it was killed before it could be watched
        os.kill(os.getpid(), signal.SIGTERM)
