"""metrics.jsonl: losses, learning rate and speed of a training by step."""

import json
from pathlib import Path
from types import TracebackType
from typing import NotRequired, Self

# pydantic, which reads run.json, takes no other in Python 3.11.
from typing_extensions import TypedDict

from danet.files import write_text

OUTPUTS_BEFORE_NAMES = {1: ("fused",), 3: ("fused", "position", "channel")}
"""Outputs by their number, for files that list losses without names."""


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
