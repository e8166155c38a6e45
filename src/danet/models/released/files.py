"""Reading checkpoints of others: torch files of any age, without running anything that they hold."""

import zipfile
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.serialization import safe_globals

from danet.errors import CheckpointError
from danet.torch_files import read_torch_file, referenced_names, refuse_harmful

MOVED = {"__builtin__": "builtins", "copy_reg": "copyreg"}
"""Modules that Python 2 knew by another name."""
REMEDY = "name a .pth or .pth.tar file that torch.save wrote; fetch it again if it may be cut off"


class Unread:
    """Stands for an object of a class that is not tensors' own; holds nothing, does nothing."""

    def __new__(cls, *_: Any, **__: Any) -> "Unread":
        return super().__new__(cls)

    def __setstate__(self, state: Any) -> None:
        pass


def read_released(path: Path) -> dict[str, Tensor]:
    """The state_dict of a checkpoint, on the CPU.

    The authors' files hold, beside it, the best score as a number of NumPy's, and mmsegmentation's
    hold histories of losses: torch refuses both in a file that it does not trust. Here every class
    that is not torch's becomes an empty stand-in, so that tensors are all that is read.

    Args:
        path: written by torch.save in the format of today or of 2018; ``.pth.tar`` is no tar.

    Raises:
        CheckpointError: the file is missing, damaged, made to do harm, or holds no state_dict.
    """
    try:
        names = referenced_names(path)
    except FileNotFoundError:
        raise CheckpointError(f"{path} not found", REMEDY) from None
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path} cannot be read as a torch file: {error}", REMEDY) from error
    refuse_harmful(path, names)
    with safe_globals(list[Any]([(Unread, place) for name in names for place in _places(name)])):
        content = read_torch_file(path, REMEDY)
    state = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise CheckpointError(f"{path} holds no state_dict: no table of tensors by name", REMEDY)
    return {name: tensor.detach() for name, tensor in state.items()}


def _places(name: str) -> set[str]:
    """The names under which torch looks a class up: today's, and Python 2's."""
    module, _, rest = name.partition(".")
    return {name, f"{MOVED.get(module, module)}.{rest}"}
