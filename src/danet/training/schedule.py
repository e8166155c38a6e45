"""The poly learning rate schedule, applied to every parameter group at every step."""

from torch.optim import Optimizer


def poly(step: int, steps: int, power: float) -> float:
    """Factor on the initial learning rate at ``step`` (from 0): (1 - step / steps) ** power."""
    return (1 - step / steps) ** power


def set_learning_rates(optimiser: Optimizer, factor: float) -> None:
    """Scale each group from its own initial rate, so that the head keeps its multiple."""
    for group in optimiser.param_groups:
        group["lr"] = group.setdefault("initial_lr", group["lr"]) * factor
