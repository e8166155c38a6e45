"""What a training shows while it runs: its metrics by step, MLflow and the line on the terminal."""

import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

import torch
from torch import Tensor

from danet.machine.environment import peak_memory
from danet.models.attention.channel import ChannelAttention
from danet.models.attention.position import PositionAttention
from danet.models.network import SegmentationNetwork
from danet.progress import ProgressLine
from danet.runs.metrics import MetricsLine, Validation, open_log
from danet.tracking import Tracker
from danet.training.checkpoint import Progress
from danet.training.state import TrainingState

Look = Callable[[SegmentationNetwork, torch.dtype], Validation]
"""Scores a network during its training, and leaves it in the mode that it was in."""


class Telemetry:
    """Use as a context around the steps; made by the first rank alone.

    Args:
        state: what is trained; its progress gets the time that was spent.
        tracker: sends the metrics to MLflow.
    """

    def __init__(self, state: TrainingState, tracker: Tracker) -> None:
        self._state, self._tracker = state, tracker
        self._pace = Pace(state.progress, state.experiment.training.batch_size)
        self._metrics = open_log(state.paths, state.progress.step)
        title = f"train {state.experiment.id} seed {state.seed}"
        self._line = ProgressLine(title, state.steps, "steps", state.progress.step)

    def __enter__(self) -> Self:
        self._metrics.__enter__()
        self._line.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._line.__exit__(kind, error, trace)
        self._metrics.__exit__(kind, error, trace)

    def step(self) -> None:
        """One step more is done; costs nothing on the device."""
        self._tracker.start()  # not before: processes that load data are forked before the first step
        self._line.advance()

    def log(self, losses: Sequence[float], look: Look | None = None) -> None:
        """Write a line of metrics with the losses (outputs,) of the last step.

        Args:
            losses: of each output.
            look: scores the network; the time that it takes is not that of the training.
        """
        line = metrics_line(self._state, losses, self._pace.lap())
        if look is not None:
            line["validation"] = look(self._state.network, self._state.precision)
            self._pace.leave_out()
        self._metrics.write(line)
        memory = peak_memory(self._state.device) / 1e9
        speed = f"{line['images_per_second']:.1f} images/s"
        self._line.advance(0, f"loss {line['loss']:.3f}, {speed}, {memory:.1f} GB")


class Pace:
    """Images per second since the last look, and the seconds of all attempts together."""

    def __init__(self, progress: Progress, batch_size: int) -> None:
        self._progress, self._batch_size = progress, batch_size
        self._step, self._time = progress.step, time.monotonic()

    def lap(self) -> float:
        """Images per second since the last call; adds the time to ``progress.seconds``."""
        now, step = time.monotonic(), self._progress.step
        seconds, images = now - self._time, (step - self._step) * self._batch_size
        self._progress.seconds += seconds
        self._step, self._time = step, now
        return images / seconds

    def leave_out(self) -> None:
        """Do not count the time since the last call of ``lap``."""
        self._time = time.monotonic()


def metrics_line(state: TrainingState, losses: Sequence[float], images_per_second: float) -> MetricsLine:
    """One line of metrics.jsonl; reads from the device, so the host has to be waiting for it anyway."""
    line: MetricsLine = {
        "step": state.progress.step,
        "steps": state.steps,
        "loss": state.total_loss(losses),
        "losses": dict(zip(state.network.head.outputs, losses, strict=True)),
        "learning_rate": state.optimiser.param_groups[0]["lr"],
        "images_per_second": round(images_per_second, 2),
        "seconds": round(state.progress.seconds, 2),
        "time": round(time.time(), 3),
        "peak_memory_bytes": peak_memory(state.device),
    }
    alpha, beta = attention_weights(state.network)
    if alpha:
        line["alpha"] = alpha
    if beta:
        line["beta"] = beta
    return line


def attention_weights(network: SegmentationNetwork) -> tuple[dict[str, float], dict[str, float]]:
    """Alpha of each position attention and beta of each channel attention, by name of the module."""
    modules = dict(network.named_modules())
    alphas = {name: part.alpha for name, part in modules.items() if isinstance(part, PositionAttention)}
    betas = {name: part.beta for name, part in modules.items() if isinstance(part, ChannelAttention)}
    return _numbers(alphas), _numbers(betas)


def _numbers(scalars: Mapping[str, Tensor]) -> dict[str, float]:
    """Values of one-element tensors, brought from their device together."""
    if not scalars:
        return {}
    return dict(zip(scalars, torch.cat(list(scalars.values())).tolist(), strict=True))
