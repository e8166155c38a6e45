"""metrics.jsonl: losses, learning rate and speed of a training by step.

While the training lasts, its lines are in metrics.unfinished.jsonl, which no workflow engine knows and so
none deletes when it is stopped; metrics.jsonl is there once it is complete.
"""

import json
from pathlib import Path
from types import TracebackType
from typing import NotRequired, Self

# pydantic, which reads run.json, takes no other in Python 3.11.
from typing_extensions import TypedDict

from danet.files import write_text
from danet.paths import RunPaths

OUTPUTS_BEFORE_NAMES = {1: ("fused",), 3: ("fused", "position", "channel")}
"""Outputs by their number, for files that list losses without names."""


class Validation(TypedDict):
    """A look at a few evaluation images while a network trains: no score of the tables."""

    protocol: str
    images: int
    miou: float
    """0 to 1, over the classes that occur in these images."""
    pixel_accuracy: float


class MetricsLine(TypedDict):
    """One line; what is not required is absent in files of earlier versions."""

    step: int
    steps: int
    """Of the whole training."""
    loss: float
    """The weighted sum that is minimised."""
    losses: dict[str, float]
    """By output of the network."""
    learning_rate: float
    """Of the backbone."""
    images_per_second: float
    """Since the line before."""
    seconds: float
    """Time spent training so far, over all attempts."""
    time: NotRequired[float]
    """When it was written, in seconds since 1970."""
    peak_memory_bytes: NotRequired[int]
    """Of this attempt so far: on its GPU, else in main memory."""
    alpha: NotRequired[dict[str, float]]
    """Of Equation 2, by module; absent where a network has no position attention."""
    beta: NotRequired[dict[str, float]]
    """Of Equation 4, by module; absent where a network has no channel attention."""
    validation: NotRequired[Validation]
    """At every ``compute.validate_every`` steps."""


class MetricsLog:
    """Appends lines to metrics.jsonl; use it as a context.

    Args:
        path: metrics.jsonl of the run.
        done: steps that count; later lines, left by an attempt that was cut off, are dropped.
    """

    def __init__(self, path: Path, done: int) -> None:
        kept = [line for line in read_metrics(path) if line["step"] <= done]
        write_text(path, "".join(json.dumps(line) + "\n" for line in kept))
        self._file = path.open("a", encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, line: MetricsLine) -> None:
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()


def open_log(paths: RunPaths, done: int) -> MetricsLog:
    """The log of a training that begins or goes on; use it as a context.

    Args:
        paths: of the run.
        done: steps that count, of the attempt before.
    """
    if not paths.unfinished_metrics.exists() and paths.metrics.exists():
        # Earlier versions wrote there from the first step on.
        write_text(paths.unfinished_metrics, paths.metrics.read_text(encoding="utf-8"))
    return MetricsLog(paths.unfinished_metrics, done)


def complete_log(paths: RunPaths) -> None:
    """Make metrics.jsonl of the log of a training that has ended; the log stays."""
    if paths.unfinished_metrics.exists():
        write_text(paths.metrics, paths.unfinished_metrics.read_text(encoding="utf-8"))


def read_newest_metrics(paths: RunPaths) -> list[MetricsLine]:
    """Of the training that is under way, or else of the one that has ended."""
    return read_metrics(paths.unfinished_metrics if paths.unfinished_metrics.exists() else paths.metrics)


def read_metrics(path: Path) -> list[MetricsLine]:
    """Lines of metrics.jsonl; none where there is no file, and a last line cut off by a crash is left out."""
    lines: list[MetricsLine] = []
    for text in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            line = json.loads(text)
        except json.JSONDecodeError:
            break
        if isinstance(line["losses"], list):
            names = OUTPUTS_BEFORE_NAMES[len(line["losses"])]
            line["losses"] = dict(zip(names, line["losses"], strict=True))
        lines.append(line)
    return lines
