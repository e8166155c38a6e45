"""last.pth: all that a training needs to go on as if it had not been interrupted.

The checkpoint before the last one stays beside it as previous.pth: should last.pth be damaged, at
most two intervals of work are lost instead of the training.
"""

import logging
import zipfile
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from danet.errors import CheckpointError
from danet.paths import RunPaths
from danet.runs.config import differing_keys
from danet.torch_files import read_torch_file, write_torch_file
from danet.training.ranks import Ranks

log = logging.getLogger(__name__)


@dataclass
class Progress:
    """Where a training stands, apart from its tensors."""

    step: int = 0
    """Optimiser steps done; the sampler's position is a function of it."""
    seconds: float = 0.0
    """Time spent training, over all attempts."""
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    """When the first attempt began."""
    resumed_at: list[int] = field(default_factory=list)
    """Steps at which an interrupted training went on."""
    not_loaded: list[str] = field(default_factory=list)
    """Tensors of the backbone that the pretrained weights did not have."""
    weights: str | None = None
    """File of the pretrained weights; None: random values."""
    weights_sha256: str | None = None
    code: dict[str, str] = field(default_factory=dict)
    """Digest of each module that can change the weights, from when the first attempt began."""
    mlflow_run_id: str | None = None
    """MLflow run that this training writes to."""


def save_checkpoint(
    paths: RunPaths,
    facts: dict[str, Any],
    network: nn.Module,
    optimiser: Optimizer,
    progress: Progress,
    ranks: Ranks,
) -> None:
    """Write last.pth as a whole or not at all; the one before becomes previous.pth.

    Every rank has to call this; the first one writes.

    Args:
        paths: files of the run.
        facts: settings and data that decide the trained weights; a resume compares them.
        network: its parameters and BatchNorm statistics are saved.
        optimiser: its momentum buffers are saved.
        progress: where the training stands.
        ranks: each has its own random numbers.

    Raises:
        StorageError: the disk is full or read-only; the checkpoint before stays as it was.
    """
    random = ranks.gather(_random_state())
    if not ranks.first:
        return
    state = {
        "facts": facts,
        "network": network.state_dict(),
        "optimiser": optimiser.state_dict(),
        "progress": asdict(progress),
        "random": random,
    }
    write_torch_file(paths.last, state, keep=paths.previous)


def load_checkpoint(
    paths: RunPaths, facts: dict[str, Any], network: nn.Module, optimiser: Optimizer, ranks: Ranks
) -> Progress | None:
    """Restore what :func:`save_checkpoint` wrote: last.pth, or previous.pth where that is damaged.

    Returns:
        Where the training stands, None if it has no checkpoint.

    Raises:
        CheckpointError: all that is there is damaged, or was written under other settings.
    """
    state = _read_newest(paths)
    if state is None:
        return None
    different = list(differing_keys(state["facts"], facts))
    if different:
        lines = "".join(f"\n  {line}" for line in different)
        raise CheckpointError(
            f"{paths.last} belongs to other settings:{lines}",
            f"set them back, or start again and set aside what is there: {paths.command} --again",
        )
    network.load_state_dict(state["network"])
    optimiser.load_state_dict(state["optimiser"])
    _restore_random_state(state["random"][ranks.rank])
    return Progress(**state["progress"])


def _read_newest(paths: RunPaths) -> dict[str, Any] | None:
    """Content of the newest checkpoint that is whole, None where there is none."""
    there = [path for path in (paths.last, paths.previous) if path.exists()]
    for path in there:
        try:
            return _read(path, f"start again and set aside what is there: {paths.command} --again")
        except CheckpointError as error:
            if path == there[-1]:
                raise
            log.warning("%s; going on from %s", error.problem, paths.previous)
    return None


def _read(path: Path, remedy: str) -> dict[str, Any]:
    state = read_torch_file(path, remedy)
    if not isinstance(state, dict) or "facts" not in state:
        raise CheckpointError(f"{path} is not a checkpoint of this project", remedy)
    # torch does not look at the checksums that its files have; a wrong bit would go unnoticed.
    with zipfile.ZipFile(path) as archive:
        if archive.testzip() is not None:
            raise CheckpointError(f"{path} is damaged: its checksum does not match", remedy)
    return state


def _random_state() -> dict[str, torch.Tensor | None]:
    """Torch's generators; order and augmentation draw from generators of their own at each step."""
    cuda = torch.cuda.get_rng_state() if torch.cuda.is_available() else None
    return {"cpu": torch.get_rng_state(), "cuda": cuda}


def _restore_random_state(state: dict[str, torch.Tensor | None]) -> None:
    cpu, cuda = state["cpu"], state["cuda"]
    assert cpu is not None
    torch.set_rng_state(cpu)
    if cuda is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(cuda)
