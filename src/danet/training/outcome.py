"""What a finished training says about itself in run.json."""

from datetime import UTC, datetime

from danet.machine.environment import environment, peak_memory
from danet.runs.metrics import read_newest_metrics
from danet.runs.record import DataFacts, RunRecord
from danet.training.state import TrainingState


def outcome(state: TrainingState, profile: str) -> RunRecord:
    """The record of a training whose last step is done.

    Args:
        state: of the training.
        profile: under which it ran.
    """
    experiment, progress, split = state.experiment, state.progress, state.split
    lines = read_newest_metrics(state.paths)
    last = lines[-1] if lines else None  # lost, if the training was stopped after its last step
    return RunRecord(
        experiment=experiment.id,
        seed=state.seed,
        profile=profile,
        recipe=experiment.recipe,
        backbone=experiment.model.backbone,
        settings_digest=experiment.training_digest(state.seed),
        compute=state.arithmetic,
        data=DataFacts(dataset=split.dataset, digest=split.digest, images=len(split)),
        steps=progress.step,
        images=progress.step * experiment.training.batch_size,
        seconds=round(progress.seconds, 2),
        started=progress.started,
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        resumed_at=tuple(progress.resumed_at),
        parameters=sum(parameter.numel() for parameter in state.network.parameters()),
        peak_memory_bytes=(last or {}).get("peak_memory_bytes", peak_memory(state.device)),
        last=last,
        weights=progress.weights,
        weights_sha256=progress.weights_sha256,
        not_loaded=tuple(progress.not_loaded),
        mlflow_run_id=progress.mlflow_run_id,
        **environment(state.device),
    )
