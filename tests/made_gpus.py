"""A stand-in for nvidia-smi that lists made-up GPUs, with UUIDs that no other test run has."""

import uuid
from pathlib import Path

MIG_LINE = "  MIG 3g.20gb     Device  {}: (UUID: {})"


def new_uuid(kind: str = "GPU") -> str:
    return f"{kind}-{uuid.uuid4()}"


def write_smi(folder: Path, gpus: list[str], parts: dict[str, list[str]] | None = None) -> None:
    """Write the program; any user may run it."""
    folder.mkdir(exist_ok=True)
    lines = []
    for index, gpu in enumerate(gpus):
        lines.append(f"GPU {index}: NVIDIA A100-SXM4-40GB (UUID: {gpu})")
        lines += [MIG_LINE.format(number, part) for number, part in enumerate((parts or {}).get(gpu, ()))]
    listing = "\n".join(lines)
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{listing}\nEND\n")
    folder.chmod(0o755)
    program.chmod(0o755)
