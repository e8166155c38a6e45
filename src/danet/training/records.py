"""The plain files that a training leaves: config.yaml, metrics.jsonl, run.json."""

import json
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
import yaml

from danet import __version__
from danet.files import write_json, write_text
from danet.settings import Experiment, Params
from danet.training.memory import peak_memory
from danet.training.run import Run


def write_config(path: Path, experiment: Experiment, seed: int) -> None:
    """config.yaml: every setting of the run, resolved."""
    values = experiment.model_dump(mode="json") | {"seed": seed}
    write_text(path, yaml.safe_dump(values, sort_keys=False, default_flow_style=None))


class MetricsLog:
    """metrics.jsonl, one line every ``log_every`` steps.

    Args:
        path: metrics.jsonl of the run.
        done: steps that count; later lines, left by an attempt that was cut off, are dropped.
    """

    def __init__(self, path: Path, done: int) -> None:
        kept = [line for line in read_metrics(path) if line["step"] <= done]
        write_text(path, "".join(json.dumps(line) + "\n" for line in kept))
        self._file = path.open("a", encoding="utf-8")

    def __enter__(self) -> "MetricsLog":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Lines of metrics.jsonl; a last line that was cut off by a crash is left out."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            lines.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return lines


def write_run(params: Params, run: Run) -> None:
    """run.json: what was run, on what, how long it took, and what came of it."""
    finished = datetime.now(UTC)
    experiment, progress, split = run.experiment, run.progress, run.split
    values = {
        "experiment": experiment.id,
        "seed": run.seed,
        "profile": params.profile,
        "recipe": experiment.recipe,
        "backbone": experiment.model.backbone,
        "settings_digest": experiment.training_digest(run.seed),
        "compute": run.arithmetic,
        "data": {"dataset": split.dataset, "digest": split.digest, "images": len(split)},
        "steps": progress.step,
        "images": progress.step * experiment.training.batch_size,
        "seconds": round(progress.seconds, 1),
        "started": progress.started,
        "finished": finished.isoformat(timespec="seconds"),
        "resumed_at": progress.resumed_at,
        "parameters": sum(parameter.numel() for parameter in run.network.parameters()),
        "peak_memory_bytes": peak_memory(run.device),
        "not_loaded": progress.not_loaded,
        "mlflow_run_id": progress.mlflow_run_id,
    }
    write_json(run.paths.record, values | environment(run.device))


def environment(device: torch.device) -> dict[str, Any]:
    """Commit, versions and device: what a reader needs to judge whether numbers are comparable."""
    return {
        "commit": _git("rev-parse", "HEAD"),
        "dirty": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "versions": {
            "python": platform.python_version(),
            "danet": __version__,
            **{name: version(name) for name in ("torch", "torchvision", "numpy")},
        },
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else _processor(),
        "threads": torch.get_num_threads(),
    }


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
