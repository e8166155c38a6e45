"""last.pth, all that a training needs to go on as if it had not been interrupted, and final.pth."""

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from danet.errors import CheckpointError
from danet.settings import Experiment
from danet.torch_files import read_torch_file, write_torch_file


@dataclass
class Progress:
    """Where a training stands, apart from its tensors."""

    step: int = 0
    """Optimiser steps done."""
    seconds: float = 0.0
    """Time spent training, over all attempts."""
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    """When the first attempt began."""
    resumed_at: list[int] = field(default_factory=list)
    """Steps at which an interrupted training went on."""
    not_loaded: list[str] = field(default_factory=list)
    """Tensors of the backbone that the pretrained weights did not have."""
    mlflow_run_id: str | None = None
    """MLflow run that this training writes to."""


def save_checkpoint(
    path: Path, facts: dict[str, Any], network: nn.Module, optimiser: Optimizer, progress: Progress
) -> None:
    """Write last.pth as a whole or not at all.

    Args:
        path: last.pth of the run.
        facts: settings and data that decide the trained weights; a resume compares them.
        network: its parameters and BatchNorm statistics are saved.
        optimiser: its momentum buffers are saved.
        progress: where the training stands.
    """
    state = {
        "facts": facts,
        "network": network.state_dict(),
        "optimiser": optimiser.state_dict(),
        "progress": asdict(progress),
        "random": {
            "cpu": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        },
    }
    write_torch_file(path, state)


def load_checkpoint(
    path: Path, facts: dict[str, Any], network: nn.Module, optimiser: Optimizer, device: torch.device
) -> Progress:
    """Restore what :func:`save_checkpoint` wrote.

    Raises:
        CheckpointError: the file is damaged, or was written under other settings.
    """
    again = f"to start this training anew: rm {path}"
    state = read_torch_file(path, again, device)
    if not isinstance(state, dict) or "facts" not in state:
        raise CheckpointError(f"{path} is no checkpoint of this project", again)
    different = list(differing_keys(state["facts"], facts))
    if different:
        lines = "".join(f"\n  {line}" for line in different)
        raise CheckpointError(f"{path} belongs to other settings:{lines}", again)
    network.load_state_dict(state["network"])
    optimiser.load_state_dict(state["optimiser"])
    torch.set_rng_state(state["random"]["cpu"].cpu())
    if state["random"]["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all([generator.cpu() for generator in state["random"]["cuda"]])
    return Progress(**state["progress"])


def save_final(path: Path, experiment: Experiment, seed: int, network: nn.Module) -> None:
    """Write the trained network with the settings that are needed to build it again."""
    weights = {name: tensor.cpu() for name, tensor in network.state_dict().items()}
    content = {"experiment": experiment.model_dump(mode="json"), "seed": seed, "network": weights}
    write_torch_file(path, content)


def differing_keys(before: Any, now: Any, place: str = "") -> list[str]:
    """One line, ``key: before -> now``, for every leaf in which two nested dicts differ."""
    if isinstance(before, dict) and isinstance(now, dict):
        keys = sorted(before.keys() | now.keys())
        return [
            line
            for key in keys
            for line in differing_keys(before.get(key), now.get(key), f"{place}.{key}" if place else key)
        ]
    return [] if before == now else [f"{place}: {before} -> {now}"]
