"""What the machine does while a training runs: the CPU, the memory, and the GPUs that it holds."""

import subprocess
from contextlib import suppress

from danet.machine.gpu_list import visible_devices

GPU_FIELDS = {
    "utilization.gpu": ("utilization_percentage", 1.0),
    "memory.used": ("memory_usage_megabytes", 1.048576),  # nvidia-smi counts in MiB
    "power.draw": ("power_usage_watts", 1.0),
}
"""Fields of nvidia-smi, with MLflow's names and units."""


class SystemSampler:
    """Measures with the names that MLflow's page of system metrics knows.

    MLflow's own sampler logs all GPUs of the machine; this one asks for those that are visible.
    """

    def __init__(self) -> None:
        self._gpus = visible_devices()
        with suppress(ImportError):
            import psutil

            psutil.cpu_percent()  # the next call says what the CPU did since this one

    def sample(self) -> dict[str, float]:
        return {f"system/{name}": value for name, value in (_cpu() | _gpus(self._gpus)).items()}


def _cpu() -> dict[str, float]:
    try:
        import psutil
    except ImportError:
        return {}
    memory = psutil.virtual_memory()
    return {
        "cpu_utilization_percentage": psutil.cpu_percent(),
        "system_memory_usage_megabytes": memory.used / 1e6,
        "system_memory_usage_percentage": memory.percent,
    }


def _gpus(devices: list[str]) -> dict[str, float]:
    """Numbered as CUDA numbers the visible ones."""
    if not devices:
        return {}
    query = ["nvidia-smi", f"--query-gpu=uuid,{','.join(GPU_FIELDS)}", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, check=True, timeout=5)
    except (OSError, subprocess.SubprocessError):
        return {}
    found: dict[str, float] = {}
    for line in answer.stdout.splitlines():
        uuid, *values = (value.strip() for value in line.split(","))
        if uuid in devices:
            for (name, factor), value in zip(GPU_FIELDS.values(), values, strict=True):
                with suppress(ValueError):  # "[N/A]" where a card does not measure it
                    found[f"gpu_{devices.index(uuid)}_{name}"] = float(value) * factor
    return found
