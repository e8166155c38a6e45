"""Training one network: the loop, read from top to bottom.

Inputs: the prepared training split and params.yaml. Outputs, in the run's folder: config.yaml,
metrics.jsonl, run.json and final.pth; last.pth, previous.pth and metrics.unfinished.jsonl while the training
can be resumed.
With several GPUs every process runs this; the first one writes.
"""

import logging
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from danet.data.training_set import BatchOrder, TrainingSet, batches
from danet.errors import TrainingError
from danet.jobs.job import Job, training_job
from danet.jobs.made import Basis, basis_of, write_made
from danet.machine.interruption import Interrupted, StopRequest
from danet.runs.config import RunConfig, write_config
from danet.runs.finished import keep_finished
from danet.runs.metrics import complete_log
from danet.runs.network_file import save_network
from danet.runs.record import write_record
from danet.settings import Plan
from danet.tracking import Tracker, tracked_training
from danet.training.checkpoint import save_checkpoint
from danet.training.loss_watch import LossWatch, all_finite, first_lost
from danet.training.out_of_memory import memory_explained
from danet.training.outcome import outcome
from danet.training.ranks import SharedBatches, joined_ranks
from danet.training.schedule import poly
from danet.training.state import TrainingState, open_training
from danet.training.step import take_step
from danet.training.telemetry import Look, Telemetry

log = logging.getLogger(__name__)


def train(
    plan: Plan, experiment_id: str, seed: int, send_later: bool = False, look: Look | None = None
) -> Path:
    """Train one experiment, or go on with a training that was interrupted.

    Args:
        plan: params.yaml, resolved.
        experiment_id: key in ``experiments``.
        seed: decides initial values, order and augmentation.
        send_later: a training of less than a minute is sent to MLflow by ``danet report``.
        look: scores the network every ``compute.validate_every`` steps.

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
    experiment = plan.experiment(experiment_id)
    paths = plan.paths.run(experiment.id, seed)
    with joined_ranks(experiment.compute.gpus) as ranks:
        state = open_training(plan, experiment, seed, ranks)
        if not ranks.first:
            with StopRequest() as stop:
                take_steps(state, Tracker(), stop)
            return paths.final
        job = training_job(plan, experiment.id, seed)
        basis = _basis(state, job)
        with (
            StopRequest() as stop,
            tracked_training(plan, experiment, seed, state.progress.mlflow_run_id, send_later) as tracker,
        ):
            take_steps(state, tracker, stop, look)
            save_network(paths.final, experiment, seed, state.network)
            tracker.wait()
            state.progress.mlflow_run_id = tracker.run_id
            complete_log(paths)
            write_config(paths.config, RunConfig(experiment, seed))
            write_record(paths.record, outcome(state, plan.profile))
            # Before the checkpoint goes: a workflow that is stopped now may delete what it can see.
            keep_finished(paths)
            write_made(plan.paths, job, basis)
        for unfinished in (paths.last, paths.previous, paths.unfinished_metrics):
            unfinished.unlink(missing_ok=True)
    return paths.final


def _basis(state: TrainingState, job: Job) -> Basis:
    """What decides the weights: code that has changed since the first attempt began still counts."""
    basis = basis_of(job)
    if not state.progress.code:
        state.progress.code = basis.code
    begun = basis.model_copy(update={"code": state.progress.code})
    for difference in begun.differences(basis):
        log.warning("%s has changed since this training began", difference)
    return begun


def take_steps(state: TrainingState, tracker: Tracker, stop: StopRequest, look: Look | None = None) -> None:
    """Take the steps that are left, writing metrics and checkpoints on the way."""
    training, compute, progress = state.experiment.training, state.experiment.compute, state.progress
    order = BatchOrder(len(state.split), training.batch_size, state.steps, state.seed, progress.step)
    crops = TrainingSet(state.split, training, state.seed, state.labels.lookup)
    shares = SharedBatches(order, state.ranks)
    watch = LossWatch(compute.log_every, state.ranks)
    state.network.train()
    with (
        Telemetry(state, tracker) if state.ranks.first else nullcontext() as telemetry,
        memory_explained(state.experiment, state.precision),
    ):
        for images, label in batches(crops, shares, compute.workers, pinned=state.device.type == "cuda"):
            watch.keep(take_step(state, images, label))
            progress.step += 1
            stopped_by = state.ranks.largest(stop.number or 0)
            logs = progress.step % compute.log_every == 0 or progress.step == state.steps
            saves = progress.step % compute.checkpoint_every == 0 or stopped_by
            validates = compute.validate_every and (
                progress.step % compute.validate_every == 0 or progress.step == state.steps
            )
            if telemetry:
                telemetry.step()
            if logs or saves or validates:  # only here does the host wait for the GPU
                losses = watch.look()
                require_finite(state, order, losses)
                if telemetry and (logs or validates):
                    telemetry.log(losses[-1], look if validates else None)
            if saves:
                progress.mlflow_run_id = tracker.run_id or progress.mlflow_run_id
                save_checkpoint(
                    state.paths, state.facts, state.network, state.optimiser, progress, state.ranks
                )
            if stopped_by:
                raise Interrupted(stopped_by)


def require_finite(state: TrainingState, order: BatchOrder, losses: Sequence[Sequence[float]]) -> None:
    """Before it is logged or its weights are saved: no file ever holds a lost training.

    Args:
        state: what is trained.
        order: for the images of the step at which it was lost.
        losses: of every step since the last look.

    Raises:
        TrainingError: a loss, or a weight after the last step, is not finite.
    """
    lost = first_lost(losses)
    if lost is not None:
        step = state.progress.step - len(losses) + 1 + lost
        raise _lost(state, order, f"loss {state.total_loss(losses[lost])}", step)
    if not all_finite(list(state.network.parameters())):
        raise _lost(state, order, "weights that are not finite", state.progress.step)


def _lost(state: TrainingState, order: BatchOrder, what: str, step: int) -> TrainingError:
    """The error for a training that was lost at a step, from 1."""
    training = state.experiment.training
    rate = training.learning_rate * poly(step - 1, state.steps, training.poly_power)
    names = ", ".join(state.split.entries[index].name for _, index in order.batch(step - 1))
    saved = f"; {state.paths.last} still holds the last good state" if state.paths.last.exists() else ""
    return TrainingError(
        f"{state.experiment.id} seed {state.seed}: {what} at step {step}, "
        f"learning rate {rate:.3g}, images {names}",
        f"lower experiments.{state.experiment.id}.learning_rate in params.yaml{saved}",
    )
