"""On what a benchmark ran: processor, cores, load of others, versions, date."""

import os
import platform
import time
from importlib.metadata import version
from pathlib import Path

import torch
from PIL import features

from danet.data.processes import core_count


def describe_machine() -> dict[str, str]:
    """Facts without which a measurement means nothing."""
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "processor": _processor(),
        "cores used": f"{core_count()} of {os.cpu_count()}",
        "threads of torch": str(torch.get_num_threads()),
        "GPU": torch.cuda.get_device_name() if torch.cuda.is_available() else "none: GPU rows are missing",
        "load before": f"{os.getloadavg()[0]:.2f}",
        "system": platform.platform(),
        "Python": platform.python_version(),
        **{package: version(package) for package in ("numpy", "torch", "torchvision", "pillow")},
        "zlib of Pillow": features.version("zlib_ng") or features.version("zlib"),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except FileNotFoundError:
        return platform.processor()
    return next(
        (line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine()
    )
