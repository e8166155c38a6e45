"""Training one network: the loop, read from top to bottom.

Inputs: the prepared training split and params.yaml. Outputs, in the run's folder: config.yaml,
metrics.jsonl, run.json and final.pth; last.pth and previous.pth while the training can be resumed.
With several GPUs every process runs this; the first one writes.
"""

from contextlib import nullcontext
from pathlib import Path

from danet.data.label_maps import training_lookup
from danet.data.training_set import BatchOrder, TrainingSet, batches
from danet.errors import TrainingError
from danet.interruption import Interrupted, StopRequest
from danet.settings import Params, resolve
from danet.tracking import Tracker, tracked_training
from danet.training.checkpoint import save_checkpoint, save_final
from danet.training.loss_watch import LossWatch, all_finite, first_lost
from danet.training.memory import memory_explained
from danet.training.ranks import SharedBatches, joined_ranks
from danet.training.records import write_config, write_run
from danet.training.reports import Reports
from danet.training.run import Run, open_run
from danet.training.schedule import poly
from danet.training.step import take_step


def train(params: Params, experiment: str, seed: int) -> Path:
    """Train one experiment, or go on with a training that was interrupted.

    Args:
        params: validated params.yaml.
        experiment: key in ``experiments``.
        seed: decides initial values, order and augmentation.

    Returns:
        Path of final.pth.

    Raises:
        SettingsError: GPUs, batch and precision do not fit each other.
        MissingDataError: the training split is not prepared.
        CheckpointError: the checkpoints are damaged or of other settings; pretrained weights do
            not fit.
        TrainingError: the loss is not finite, the GPU is too small, or the split is smaller than a
            batch.
        StorageError: the disk is full; the checkpoint before is still there.
        Interrupted: SIGINT or SIGTERM came; last.pth holds the state.
    """
    settings = resolve(params, experiment)
    with joined_ranks(settings.compute.gpus) as ranks:
        run = open_run(params, settings, seed, ranks, ranks.device)
        if not ranks.first:
            with StopRequest() as stop:
                take_steps(run, Tracker(), stop)
            return run.paths.final
        write_config(run.paths.config, settings, seed)
        with (
            StopRequest() as stop,
            tracked_training(params, settings, seed, run.progress.mlflow_run_id) as tracker,
        ):
            take_steps(run, tracker, stop)
            save_final(run.paths.final, settings, seed, run.network)
            tracker.wait()
            run.progress.mlflow_run_id = tracker.run_id
            write_run(params, run)
        run.paths.last.unlink(missing_ok=True)
        run.paths.previous.unlink(missing_ok=True)
    return run.paths.final


def take_steps(run: Run, tracker: Tracker, stop: StopRequest) -> None:
    """Take the steps that are left, writing metrics and checkpoints on the way."""
    training, compute, progress = run.experiment.training, run.experiment.compute, run.progress
    order = BatchOrder(len(run.split), training.batch_size, run.steps, run.seed, progress.step)
    lookup = training_lookup(run.experiment.dataset, run.experiment.model.classes)
    crops = TrainingSet(run.split, training, run.seed, lookup)
    shares = SharedBatches(order, run.ranks)
    watch = LossWatch(compute.log_every, run.ranks)
    run.network.train()
    with (
        Reports(run, tracker) if run.ranks.first else nullcontext() as reports,
        memory_explained(run.experiment, run.precision),
    ):
        for images, label in batches(crops, shares, compute.workers, pinned=run.device.type == "cuda"):
            watch.keep(take_step(run, images, label))
            progress.step += 1
            stopped_by = run.ranks.largest(stop.number or 0)
            logs = progress.step % compute.log_every == 0 or progress.step == run.steps
            saves = progress.step % compute.checkpoint_every == 0 or stopped_by
            if logs or saves:  # only here does the host wait for the GPU
                losses = watch.look()
                require_finite(run, order, losses)
            if reports:
                reports.step()
                if logs:
                    reports.log(losses[-1])
            if saves:
                progress.mlflow_run_id = tracker.run_id or progress.mlflow_run_id
                save_checkpoint(run.paths, run.facts, run.network, run.optimiser, progress, run.ranks)
            if stopped_by:
                raise Interrupted(stopped_by)


def require_finite(run: Run, order: BatchOrder, losses: list[list[float]]) -> None:
    """Before it is logged or its weights are saved: no file ever holds a lost training.

    Args:
        run: what is trained.
        order: for the images of the step at which it was lost.
        losses: of every step since the last look.

    Raises:
        TrainingError: a loss, or a weight after the last step, is not finite.
    """
    lost = first_lost(losses)
    if lost is not None:
        step = run.progress.step - len(losses) + 1 + lost
        raise _lost(run, order, f"loss {sum(losses[lost])}", step)
    if not all_finite(list(run.network.parameters())):
        raise _lost(run, order, "weights that are not finite", run.progress.step)


def _lost(run: Run, order: BatchOrder, what: str, step: int) -> TrainingError:
    """The error for a training that was lost at a step, from 1."""
    training = run.experiment.training
    rate = training.learning_rate * poly(step - 1, run.steps, training.poly_power)
    names = ", ".join(run.split.entries[index].name for _, index in order.batch(step - 1))
    saved = f"; {run.paths.last} still holds the last good state" if run.paths.last.exists() else ""
    return TrainingError(
        f"{run.experiment.id} seed {run.seed}: {what} at step {step}, "
        f"learning rate {rate:.3g}, images {names}",
        f"lower experiments.{run.experiment.id}.learning_rate in params.yaml{saved}",
    )
