"""Reading checkpoints of others: torch files of any age, without running anything that they hold."""

import pickletools
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from torch import Tensor
from torch.serialization import safe_globals

from danet.errors import CheckpointError
from danet.torch_files import read_torch_file

OLD_FORMAT_PICKLES = 4
"""Before 2020 a torch file was a row of pickles: magic number, version, machine, content, then bytes."""
MOVED = {"__builtin__": "builtins", "copy_reg": "copyreg"}
"""Modules that Python 2 knew by another name."""
REMEDY = "name a .pth or .pth.tar file that torch.save wrote; fetch it anew if it may be cut off"


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
        CheckpointError: the file is missing, damaged or holds no state_dict.
    """
    try:
        stand_ins = [(Unread, name) for name in _foreign_globals(path)]
    except FileNotFoundError:
        raise CheckpointError(f"{path} is not here", REMEDY) from None
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path} cannot be read as a torch file: {error}", REMEDY) from error
    with safe_globals(stand_ins):
        content = read_torch_file(path, REMEDY)
    state = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise CheckpointError(f"{path} holds no state_dict: no table of tensors by name", REMEDY)
    return {name: tensor.detach() for name, tensor in state.items()}


def _foreign_globals(path: Path) -> set[str]:
    """Names of all classes and functions in the file that are neither torch's nor OrderedDict."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            (pickle,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
            with archive.open(pickle) as stream:
                names = set(_globals(stream))
    else:
        with path.open("rb") as stream:
            names = {name for _ in range(OLD_FORMAT_PICKLES) for name in _globals(stream)}
    return {
        f"{place}.{name}"
        for module, name in names
        if module.partition(".")[0] not in ("torch", "collections")
        for place in (module, MOVED.get(module, module))
    }


def _globals(stream: BinaryIO) -> Iterator[tuple[str, str]]:
    """Module and name of each class or function that the pickle at the stream's place refers to."""
    for operation, argument, _ in pickletools.genops(stream):
        if operation.name == "GLOBAL":
            module, name = argument.split(" ", 1)
            yield module, name
