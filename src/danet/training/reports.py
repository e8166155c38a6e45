"""What a training tells while it runs: metrics.jsonl, MLflow and the line on the terminal."""

import time
from typing import Any

from danet.progress import ProgressLine
from danet.tracking import Tracker
from danet.training.checkpoint import Progress
from danet.training.memory import peak_memory
from danet.training.records import MetricsLog
from danet.training.run import Run

TRACKED = ("loss", "learning_rate", "images_per_second")
"""Entries of metrics.jsonl that MLflow gets."""


class Reports:
    """Use as a context around the steps; made by the first rank alone.

    Args:
        run: what is trained; its progress gets the time that was spent.
        tracker: sends metrics to MLflow.
    """

    def __init__(self, run: Run, tracker: Tracker) -> None:
        self._run, self._tracker = run, tracker
        self._pace = Pace(run.progress, run.experiment.training.batch_size)
        self._metrics = MetricsLog(run.paths.metrics, run.progress.step)
        title = f"train {run.experiment.id} seed {run.seed}"
        self._line = ProgressLine(title, run.steps, "steps", run.progress.step)

    def __enter__(self) -> "Reports":
        self._metrics.__enter__()
        self._line.__enter__()
        return self

    def __exit__(self, *fault: Any) -> None:
        self._line.__exit__(*fault)
        self._metrics.__exit__(*fault)

    def step(self) -> None:
        """One step more is done; costs nothing on the device."""
        self._line.advance()

    def log(self, losses: list[float]) -> None:
        """Write a line of metrics with the losses of the last step."""
        entry = metrics_entry(self._run, losses, self._pace.lap())
        self._metrics.write(entry)
        self._tracker.log(entry["step"], {name: entry[name] for name in TRACKED})
        memory = peak_memory(self._run.device) / 1e9
        details = "loss {loss:.3f}, {images_per_second:.1f} images/s".format(**entry)
        self._line.advance(0, f"{details}, {memory:.1f} GB")


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


def metrics_entry(run: Run, losses: list[float], images_per_second: float) -> dict[str, Any]:
    """One line of metrics.jsonl."""
    return {
        "step": run.progress.step,
        "steps": run.steps,
        "loss": sum(losses),
        "losses": losses,
        "learning_rate": run.optimiser.param_groups[0]["lr"],
        "images_per_second": round(images_per_second, 2),
        "seconds": round(run.progress.seconds, 2),
    }
