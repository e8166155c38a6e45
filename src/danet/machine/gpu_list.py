"""The GPUs of this machine by the UUIDs that the driver gives them, and those that this process may use."""

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from danet.errors import SettingsError

VISIBLE = "CUDA_VISIBLE_DEVICES"
SECONDS_TO_ANSWER = 30
"""For nvidia-smi, which loads the driver where nothing else keeps it loaded."""
GPU_LINE = re.compile(r"GPU (\d+): (.+) \(UUID: (GPU-[\w-]+)\)")
PART_LINE = re.compile(r"\s+MIG (\S+)\s+Device\s+\d+: \(UUID: (MIG-[\w/-]+)\)")


@dataclass(frozen=True)
class Gpu:
    """What one process can have to itself: a GPU, or a part of one that is split (MIG)."""

    uuid: str
    """Its own; CUDA_VISIBLE_DEVICES takes it whatever else is visible."""
    index: int
    """Of the GPU in nvidia-smi's list."""
    model: str
    """Name of the GPU."""
    whole: str
    """UUID of the GPU: another than ``uuid`` where this is a part."""
    profile: str = ""
    """Size of a part, such as 3g.20gb."""

    @property
    def is_part(self) -> bool:
        return self.uuid != self.whole


def installed_gpus() -> list[Gpu]:
    """What ``nvidia-smi -L`` lists, each split GPU as its parts; nothing where there is no driver."""
    try:
        answer = subprocess.run(
            ["nvidia-smi", "-L"], capture_output=True, text=True, check=False, timeout=SECONDS_TO_ANSWER
        )
    except (OSError, subprocess.SubprocessError):
        return []
    # A GPU that is lost makes nvidia-smi fail, and the others can still be used.
    return list(_listed(answer.stdout))


def _listed(text: str) -> Iterator[Gpu]:
    whole, parts = None, 0
    for line in text.splitlines():
        if found := GPU_LINE.match(line):
            if whole and not parts:
                yield whole
            index, model, uuid = found.groups()
            whole, parts = Gpu(uuid, int(index), model, uuid), 0
        elif whole and (found := PART_LINE.match(line)):
            profile, uuid = found.groups()
            yield Gpu(uuid, whole.index, whole.model, whole.uuid, profile)
            parts += 1
    if whole and not parts:
        yield whole


def visible_gpus() -> list[Gpu]:
    """The GPUs that this process may use, in the order of CUDA_VISIBLE_DEVICES.

    As CUDA reads it: by index, or by UUID or its first characters, up to the first -1. An index or the
    UUID of a split GPU stands for its parts.

    Raises:
        SettingsError: the variable names a GPU that is not there, or one twice. CUDA would go on with
            fewer GPUs, or none, without a word.
    """
    installed = installed_gpus()
    wanted = os.environ.get(VISIBLE)
    if wanted is None or not installed:
        return installed
    seen: list[Gpu] = []
    for word in map(str.strip, wanted.split(",")):
        # Neither an index nor a UUID, such as -1 or Slurm's NoDevFiles: CUDA looks no further.
        if not re.match(r"\d|GPU-|MIG-", word):
            break
        found = _find(word, installed)
        if any(gpu in seen for gpu in found):
            raise SettingsError(
                f"{VISIBLE} is {wanted}, and {word} is there twice: CUDA would see no GPU at all",
                "name each GPU once",
            )
        seen += found
    return seen


def visible_devices() -> list[str]:
    """UUIDs of :func:`visible_gpus`."""
    return [gpu.uuid for gpu in visible_gpus()]


def _find(word: str, installed: Sequence[Gpu]) -> list[Gpu]:
    if word.isdecimal():
        found = [gpu for gpu in installed if gpu.index == int(word)]
    else:
        names = {name for gpu in installed for name in (gpu.uuid, gpu.whole) if name.startswith(word)}
        if len(names) > 1 and word not in names:
            raise SettingsError(
                f"{VISIBLE}: {word} fits {' and '.join(sorted(names))}", "more of its characters"
            )
        name = word if word in names else "".join(names)
        found = [gpu for gpu in installed if name in (gpu.uuid, gpu.whole)]
    if not found:
        raise SettingsError(f"{VISIBLE}: there is no GPU {word}", "nvidia-smi -L lists those that there are")
    return found
