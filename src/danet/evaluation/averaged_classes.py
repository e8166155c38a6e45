"""Over how many classes of how many a mean IoU is taken."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from danet.settings import AbsentClasses


@dataclass(frozen=True)
class AveragedClasses:
    """The classes of one evaluation; as text ``over 24 of 60 classes (those that occur ...)``."""

    occurring: tuple[str, ...]
    """Names of those that occur in the ground truth."""
    known: int
    """Number of those that the network tells apart."""
    averaged: int
    """Number of those that the mean is over."""

    @classmethod
    def of(cls, iou: Mapping[str, float | None], absent_classes: AbsentClasses) -> Self:
        """From the IoU by class, None where a class does not occur, and what becomes of such a class."""
        occurring = tuple(name for name, value in iou.items() if value is not None)
        return cls(occurring, len(iou), len(iou) if absent_classes == "zero" else len(occurring))

    def __str__(self) -> str:
        absent = self.known - len(self.occurring)
        if self.averaged < self.known:
            return f"over {self.averaged} of {self.known} classes (those that occur in the ground truth)"
        as_zero = f" ({absent} absent from the ground truth, counted as 0)" if absent else ""
        return f"over all {self.known} classes{as_zero}"
