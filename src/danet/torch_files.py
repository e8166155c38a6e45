"""Reading and writing files of torch: written as a whole or not at all, read with errors that name them."""

import pickle
import pickletools
import warnings
import zipfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO, Any

import torch

from danet.errors import CheckpointError
from danet.files import replacing

UNREADABLE = (pickle.UnpicklingError, EOFError, OSError, RuntimeError)
"""What torch raises for a file that is cut off or not its own."""

OLD_FORMAT_PICKLES = 4
"""Before 2020 a torch file was a row of pickles: magic number, version, machine, content, then bytes."""

# fmt: off
HARMFUL_MODULES = {
    "os", "posix", "nt", "subprocess", "commands", "sys", "pty", "shutil", "ctypes", "importlib", "runpy",
    "webbrowser", "pickle", "_pickle", "marshal",
}
HARMFUL_BUILTINS = {"eval", "exec", "execfile", "compile", "__import__", "open", "input", "breakpoint"}
# fmt: on
"""What no file of tensors refers to, but one that was made to run programs."""


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
        CheckpointError: the file is missing or damaged, or holds other objects than tensors; where
            reading these in good faith would run a program, it says so.
    """
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Detected pickle protocol")
            return torch.load(path, map_location=device, weights_only=True)
    except FileNotFoundError:
        raise CheckpointError(f"{path} not found", remedy) from None
    except UNREADABLE as error:
        foreign, _ = _scanned(path)
        refuse_harmful(path, foreign)
        if foreign and "Unsupported global" in str(error):
            raise CheckpointError(
                f"{path} is not read: it holds other objects than tensors ({', '.join(sorted(foreign))})",
                remedy,
            ) from error
        reason = type(error).__name__
        raise CheckpointError(
            f"{path} cannot be read as a torch file ({reason}); it may be cut off", remedy
        ) from error


def refuse_harmful(path: Path, names: Collection[str]) -> None:
    """Raise CheckpointError if a file refers to what runs programs.

    Args:
        path: the file.
        names: of all that it refers to, as ``referenced_names`` gives them.
    """
    harmful = sorted(name for name in names if _is_harmful(name))
    if harmful:
        raise CheckpointError(
            f"{path} is malicious: reading it in good faith would call {', '.join(harmful)};"
            " nothing of it has been run",
            "delete it, and tell whoever it comes from",
        )


def referenced_names(path: Path) -> set[str]:
    """Names of all classes and functions in a torch file of any age that are not torch's or OrderedDict.

    Raises:
        CheckpointError: the file is damaged, and refers to what runs programs.
        OSError, ValueError, zipfile.BadZipFile: the file is missing or cannot be read as one.
    """
    names, error = _scanned(path)
    if error is not None:
        refuse_harmful(path, names)
        raise error
    return names


def _scanned(path: Path) -> tuple[set[str], Exception | None]:
    """The names up to where the file can no longer be read, and why it cannot."""
    found: set[str] = set()
    try:
        for module, name in _all_names(path):
            if module.partition(".")[0] not in ("torch", "collections"):
                found.add(f"{module}.{name}")
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        return found, error
    return found, None


def _all_names(path: Path) -> Iterator[tuple[str, str]]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            (pickled,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
            with archive.open(pickled) as stream:
                yield from _names(stream)
        return
    with path.open("rb") as stream:
        for _ in range(OLD_FORMAT_PICKLES):
            yield from _names(stream)


def _names(stream: IO[bytes]) -> Iterator[tuple[str, str]]:
    """Module and name of each class or function that the pickle at the stream's place refers to."""
    texts = ["", ""]
    for operation, argument, _ in pickletools.genops(stream):
        if operation.name in ("GLOBAL", "INST") and isinstance(argument, str):
            module, name = argument.split(" ", 1)
            yield module, name
        elif operation.name == "STACK_GLOBAL":  # takes the two texts before it
            yield texts[0], texts[1]
        elif isinstance(argument, str):
            texts = [texts[1], argument]


def _is_harmful(name: str) -> bool:
    module, _, rest = name.partition(".")
    if module in ("builtins", "__builtin__"):
        return rest in HARMFUL_BUILTINS
    return module in HARMFUL_MODULES
