"""What this machine is: commit, versions, device and memory, for a reader who compares numbers."""

import platform
import resource
import subprocess
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TypedDict

import torch

from danet import __version__

SOURCES = ("src", "params.yaml", "workflow/rules", "Snakefile", "requirements.lock")
"""Tracked files that count as changed; engines write to others, such as DVC's lock."""


class Environment(TypedDict):
    """What a reader needs to judge whether two runs are comparable."""

    commit: str | None
    """Of this project; None outside a checkout."""
    dirty: bool
    """Whether tracked files had been changed since."""
    versions: dict[str, str]
    device: str
    """Name of the GPU, else of the CPU."""
    threads: int
    """CPU threads of torch."""


def environment(device: torch.device) -> Environment:
    """The environment of this process."""
    commit, dirty = _checkout(Path.cwd())
    return {
        "commit": commit,
        "dirty": dirty,
        "versions": {
            "python": platform.python_version(),
            "danet": __version__,
            **{name: version(name) for name in ("torch", "torchvision", "numpy")},
        },
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else _processor(),
        "threads": torch.get_num_threads(),
    }


def peak_memory(device: torch.device) -> int:
    """Most bytes that this process has held so far: on its GPU, else in main memory."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024  # Linux counts in KiB


@cache
def _checkout(folder: Path) -> tuple[str | None, bool]:
    """Commit, and whether tracked files have changed since: as it was when the process first asked.

    A training of days asks at its beginning; what is edited meanwhile is not what it runs.
    """
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", *SOURCES)
    return _git("rev-parse", "HEAD"), bool(changed)


def _git(*words: str) -> str | None:
    """Output of a git command about the project's folder, None where that is no checkout."""
    try:
        answer = subprocess.run(["git", *words], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return answer.stdout.strip()


def _processor() -> str:
    """Name of the CPU as Linux knows it, else the architecture."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"CPU: {names[0] if names else platform.machine()}"
