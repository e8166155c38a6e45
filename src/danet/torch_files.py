"""Reading and writing files of torch: written as a whole or not at all, read with errors that name them."""

import pickle
from pathlib import Path
from typing import Any

import torch

from danet.errors import CheckpointError
from danet.files import replacing

UNREADABLE = (pickle.UnpicklingError, EOFError, OSError, RuntimeError)
"""What torch raises for a file that is cut off or not its own."""


def write_torch_file(path: Path, content: Any, keep: Path | None = None) -> None:
    """Write tensors and plain values.

    Args:
        path: the file.
        content: what it is to hold.
        keep: name that a file which is at ``path`` gets once the new one is complete.

    Raises:
        StorageError: the disk is full or read-only; what was at ``path`` is still there.
    """
    with replacing(path) as temporary:
        with temporary.open("wb") as file:
            try:
                torch.save(content, file)
            except RuntimeError as error:
                raise _storage_fault(error) from None
        if keep is not None and path.exists():
            path.replace(keep)


def _storage_fault(error: RuntimeError) -> Exception:
    """What the system said when a write failed; torch only reports that its position is off."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError):
            return cause
        cause = cause.__context__
    return error


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
