"""Training one network: the loop, read from top to bottom.

Inputs: the prepared training split and params.yaml. Outputs, in the run's folder: config.yaml,
metrics.jsonl, run.json and final.pth; last.pth while the training can be resumed.
"""

import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim import SGD

from danet.data.label_maps import training_lookup
from danet.data.prepared import PreparedSplit
from danet.data.training_set import BatchOrder, TrainingSet, batches, step_count
from danet.errors import TrainingError
from danet.interruption import Interrupted, StopRequest
from danet.models.network import SegmentationNetwork, build_network, parameter_groups
from danet.models.normalisation import normalise
from danet.models.pretrained import load_pretrained
from danet.paths import RunPaths
from danet.progress import ProgressLine
from danet.settings import Experiment, Params, dataset_paths, resolve, result_paths
from danet.tracking import Tracker, tracked_training
from danet.training.checkpoint import Progress, load_checkpoint, save_checkpoint, save_final
from danet.training.loss import segmentation_losses
from danet.training.records import MetricsLog, write_config, write_run
from danet.training.schedule import poly, set_learning_rates

TRACKED = ("loss", "learning_rate", "images_per_second")
"""Entries of metrics.jsonl that MLflow gets."""


@dataclass
class Run:
    """What one training works with, and where it stands."""

    experiment: Experiment
    seed: int
    paths: RunPaths
    split: PreparedSplit
    steps: int
    device: torch.device
    network: SegmentationNetwork
    optimiser: SGD
    progress: Progress

    @property
    def facts(self) -> dict[str, Any]:
        """Everything that decides the trained weights."""
        return self.experiment.training_facts() | {"seed": self.seed, "data": self.split.digest}


def train(params: Params, experiment: str, seed: int) -> Path:
    """Train one experiment, or go on with a training that was interrupted.

    Args:
        params: validated params.yaml.
        experiment: key in ``experiments``.
        seed: decides initial values, order and augmentation.

    Returns:
        Path of final.pth.

    Raises:
        MissingDataError: the training split is not prepared.
        CheckpointError: last.pth is damaged or of other settings; pretrained weights do not fit.
        TrainingError: the loss is not finite, or the split is smaller than a batch.
        Interrupted: SIGINT or SIGTERM came; last.pth holds the state.
    """
    run = open_run(params, resolve(params, experiment), seed)
    with StopRequest() as stop:
        with tracked_training(params, run.experiment, seed, run.progress.mlflow_run_id) as tracker:
            run.progress.mlflow_run_id = tracker.run_id
            take_steps(run, tracker, stop)
        paths = run.paths
        save_final(paths.final, run.experiment, seed, run.network)
        write_run(
            paths.record, params, run.experiment, seed, run.split, run.network, run.progress, run.device
        )
        paths.last.unlink(missing_ok=True)
    return paths.final


def open_run(params: Params, experiment: Experiment, seed: int) -> Run:
    """Build network and optimiser, with pretrained weights or from last.pth."""
    training = experiment.training
    split = PreparedSplit(dataset_paths(params, experiment.dataset).prepared("train"))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(seed)
    network = build_network(experiment.model).to(device)
    groups = parameter_groups(network, training.learning_rate, training.head_learning_rate_factor)
    run = Run(
        experiment=experiment,
        seed=seed,
        paths=result_paths(params).run(experiment.id, seed),
        split=split,
        steps=step_count(training, len(split)),
        device=device,
        network=network,
        optimiser=SGD(groups, momentum=training.momentum, weight_decay=training.weight_decay),
        progress=Progress(),
    )
    if run.paths.last.exists():
        run.progress = load_checkpoint(run.paths.last, run.facts, network, run.optimiser, device)
        run.progress.resumed_at.append(run.progress.step)
    else:
        backbone = experiment.model.backbone
        run.progress.not_loaded = load_pretrained(network, training.pretrained, backbone)
    write_config(run.paths.config, experiment, seed)
    return run


def take_steps(run: Run, tracker: Tracker, stop: StopRequest) -> None:
    """Take the steps that are left, writing metrics and checkpoints on the way."""
    training, progress = run.experiment.training, run.progress
    order = BatchOrder(len(run.split), training.batch_size, run.steps, run.seed, progress.step)
    lookup = training_lookup(run.experiment.dataset, run.experiment.model.classes)
    crops = TrainingSet(run.split, training, run.seed, lookup)
    title = f"train {run.experiment.id} seed {run.seed}"
    pace = Pace(progress, training.batch_size)
    run.network.train()
    with (
        MetricsLog(run.paths.metrics, progress.step) as metrics,
        ProgressLine(title, run.steps, "steps", progress.step) as line,
    ):
        for images, label in batches(crops, order, pinned=run.device.type == "cuda"):
            losses = take_step(run, images, label)
            progress.step += 1
            logs = progress.step % training.log_every == 0 or progress.step == run.steps
            saves = progress.step % training.checkpoint_every == 0 or stop.number is not None
            if logs or saves:
                _require_finite(run, order, losses)
            if logs:
                entry = metrics_entry(run, losses, pace.lap())
                metrics.write(entry)
                tracker.log(progress.step, {name: entry[name] for name in TRACKED})
                details = "loss {loss:.3f}, {images_per_second:.1f} images/s".format(**entry)
                line.advance(progress.step - line.done, details)
            if saves:
                save_checkpoint(run.paths.last, run.facts, run.network, run.optimiser, progress)
            if stop.number is not None:
                raise Interrupted(stop.number)


def take_step(run: Run, images: Tensor, label: Tensor) -> Tensor:
    """One optimiser step on images (B, 3, S, S) uint8 and label (B, S, S) uint8.

    Returns:
        (number of outputs,) losses, left on the device so that nothing waits for them.
    """
    factor = poly(run.progress.step, run.steps, run.experiment.training.poly_power)
    set_learning_rates(run.optimiser, factor)
    images = normalise(images.to(run.device, non_blocking=True))
    label = label.to(run.device, non_blocking=True).long()
    losses = segmentation_losses(run.network(images), label)
    run.optimiser.zero_grad(set_to_none=True)
    losses.sum().backward()
    run.optimiser.step()
    return losses.detach()


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


def metrics_entry(run: Run, losses: Tensor, images_per_second: float) -> dict[str, Any]:
    """One line of metrics.jsonl."""
    return {
        "step": run.progress.step,
        "steps": run.steps,
        "loss": losses.sum().item(),
        "losses": losses.tolist(),
        "learning_rate": run.optimiser.param_groups[0]["lr"],
        "images_per_second": round(images_per_second, 2),
        "seconds": round(run.progress.seconds, 2),
    }


def _require_finite(run: Run, order: BatchOrder, losses: Tensor) -> None:
    """Before it is logged or its weights are saved: a checkpoint never holds a lost training."""
    loss, step = losses.sum().item(), run.progress.step
    if math.isfinite(loss):
        return
    names = [run.split.entries[index].name for _, index in order.batch(step - 1)]
    raise TrainingError(
        f"{run.experiment.id} seed {run.seed}: loss {loss} at step {step}, "
        f"learning rate {run.optimiser.param_groups[0]['lr']:.3g}, images {', '.join(names)}",
        f"lower experiments.{run.experiment.id}.learning_rate in params.yaml; "
        f"{run.paths.last} still holds the last good state, if it is there",
    )
