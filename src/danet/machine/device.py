"""The one place that chooses a device."""

import torch


def chosen_device(local_rank: int = 0) -> torch.device:
    """The GPU of that number among the visible ones; the CPU where there is none."""
    return torch.device("cuda", local_rank) if torch.cuda.is_available() else torch.device("cpu")


def chosen_devices() -> list[torch.device]:
    """All visible GPUs; the CPU where there is none."""
    return [chosen_device(number) for number in range(max(1, torch.cuda.device_count()))]
