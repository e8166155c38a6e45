"""Reading and writing files of torch: written as a whole or not at all, read with errors that name them."""

import pickle
from pathlib import Path
from typing import Any

import torch

from danet.errors import CheckpointError
from danet.files import replacing

UNREADABLE = (pickle.UnpicklingError, EOFError, OSError, RuntimeError)
"""What torch raises for a file that is cut off or not its own."""


def write_torch_file(path: Path, content: Any) -> None:
    """Write tensors and plain values."""
    with replacing(path) as temporary:
        torch.save(content, temporary)


def read_torch_file(path: Path, remedy: str, device: torch.device | str = "cpu") -> Any:
    """Read tensors and plain values; no code that a file may hold is run.

    Args:
        path: the file.
        remedy: what to do if it is missing or damaged.
        device: where its tensors go.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    try:
        return torch.load(path, map_location=device, weights_only=True)
    except FileNotFoundError:
        raise CheckpointError(f"{path} is not here", remedy) from None
    except UNREADABLE as error:
        reason = type(error).__name__
        raise CheckpointError(
            f"{path} cannot be read as a torch file ({reason}); it may be cut off", remedy
        ) from error
