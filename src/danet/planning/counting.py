"""Counting what a computation takes: floating point operations, and bytes alive at the same time."""

import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry


class Counting(TorchDispatchMode):
    """Counts every operation inside the block, those of a backward pass included.

    Meant for fake tensors, which have sizes but no data: what a step would take is then known
    without the time and the memory for it. Operations are counted by the formulas of
    ``torch.utils.flop_counter``, whose own counter also keeps a tally for each module and takes twice
    as long. Views share the bytes of what they look at.

    Args:
        weighs: says of a tensor whether its bytes count; asked when the bytes are first seen.
    """

    def __init__(self, weighs: Callable[[Tensor], bool] = lambda tensor: True) -> None:
        super().__init__()
        self.flops = 0
        """Of convolutions and matrix products, an addition and a multiplication each counted."""
        self.live = 0
        """Bytes, at this moment, of tensors that were made inside the block."""
        self.peak = 0
        """Most of these bytes that were alive at the same time."""
        self._weighs = weighs
        self._seen: set[int] = set()

    def __torch_dispatch__(
        self,
        function: OpOverload,
        types: Sequence[type],
        arguments: tuple[Any, ...] = (),
        named: dict[str, Any] | None = None,
    ) -> Any:
        made = function(*arguments, **named or {})
        formula = flop_registry.get(function._overloadpacket)
        if formula:
            self.flops += formula(*arguments, **named or {}, out_val=made)
        for tensor in _tensors(made):
            self._follow(tensor)
        return made

    def _follow(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        identity = storage._cdata
        if identity in self._seen:
            return
        self._seen.add(identity)
        size = storage.nbytes() if self._weighs(tensor) else 0
        # The Python object of a storage lives as long as the bytes do, views included.
        weakref.finalize(storage, self._end, identity, size)
        self.live += size
        self.peak = max(self.peak, self.live)

    def _end(self, identity: int, size: int) -> None:
        self._seen.discard(identity)
        self.live -= size


def _tensors(value: object) -> Iterator[Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for part in value:
            yield from _tensors(part)
