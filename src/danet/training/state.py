"""One training before its first step: network, optimiser and data, fresh or from a checkpoint."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import SGD

from danet.data.prepared.split import PreparedSplit
from danet.data.training_set import step_count
from danet.errors import SettingsError
from danet.labels import LabelMap
from danet.machine.arithmetic import choose_precision, flush_denormals, repeat_bits
from danet.machine.processes import keep_memory
from danet.models.attention.position import force_attention
from danet.models.heads import head_class
from danet.models.network import SegmentationNetwork, build_network
from danet.models.pretrained import load_pretrained
from danet.paths import RunPaths
from danet.settings import Experiment, Plan
from danet.training.checkpoint import Progress, load_checkpoint
from danet.training.optimiser import make_optimiser
from danet.training.ranks import ALONE, Ranks


@dataclass
class TrainingState:
    """What one training works with, and where it stands."""

    experiment: Experiment
    seed: int
    paths: RunPaths
    split: PreparedSplit
    labels: LabelMap
    steps: int
    ranks: Ranks
    device: torch.device
    precision: torch.dtype
    network: SegmentationNetwork
    shared_network: nn.Module
    """The same network as a step calls it: compiled, its gradients averaged over the ranks."""
    optimiser: SGD
    loss_weights: Tensor
    """(outputs,) on the device, as the head states them."""
    progress: Progress

    @property
    def facts(self) -> dict[str, Any]:
        """Everything that decides the bits of the trained weights; a checkpoint has to agree."""
        facts = {"seed": self.seed, "data": self.split.digest, "compute": self.arithmetic}
        return self.experiment.training_facts() | facts

    @property
    def arithmetic(self) -> dict[str, Any]:
        """The settings that change a rounding, with what ``auto`` became."""
        stated = self.experiment.compute.model_dump(include={"gpus", "attention", "compile", "deterministic"})
        return {"precision": str(self.precision).removeprefix("torch.")} | stated

    def total_loss(self, losses: Sequence[float]) -> float:
        """The sum that is minimised, of the losses (outputs,) of one step."""
        weights = self.network.head.outputs.values()
        return sum(weight * loss for weight, loss in zip(weights, losses, strict=True))

    @property
    def memory_format(self) -> torch.memory_format:
        """Channels last is what tensor cores take; on a CPU it gains nothing."""
        return torch.channels_last if self.device.type == "cuda" else torch.contiguous_format

    @contextmanager
    def gradients_shared(self, shared: bool) -> Iterator[None]:
        """Within the block, backward exchanges gradients with the other ranks, or keeps them here."""
        if shared or self.ranks.count == 1:
            yield
        else:
            assert isinstance(self.shared_network, DistributedDataParallel)
            with self.shared_network.no_sync():
                yield


def open_training(
    plan: Plan, experiment: Experiment, seed: int, ranks: Ranks = ALONE, device: torch.device | None = None
) -> TrainingState:
    """Build network and optimiser, with pretrained weights or from a checkpoint.

    Args:
        plan: for the data set, and for where the run's files lie.
        experiment: what is trained, and how.
        seed: of initial values, order and augmentation.
        ranks: the processes of this training.
        device: of this process; by default that of its rank.

    Raises:
        SettingsError: the batch cannot be divided as asked or is too small for the head, or the GPU
            lacks the precision.
        MissingDataError: the training split is not prepared.
        CheckpointError: the checkpoints are damaged or of other settings; pretrained weights do
            not fit.
    """
    _require_equal_parts(experiment, ranks.count)
    _require_smallest_batch(experiment)
    device, dataset = device or ranks.device, plan.dataset(experiment.dataset)
    repeat_bits(experiment.compute.deterministic)
    flush_denormals()
    keep_memory()
    split = PreparedSplit(dataset.paths.prepared("train"), dataset.command)
    network = _network(experiment, seed, ranks, device)
    state = TrainingState(
        experiment=experiment,
        seed=seed,
        paths=plan.paths.run(experiment.id, seed),
        split=split,
        labels=dataset.labels,
        steps=step_count(experiment.training, len(split)),
        ranks=ranks,
        device=device,
        precision=choose_precision(experiment.training.precision, device),
        network=network,
        shared_network=network,
        optimiser=make_optimiser(network, experiment.training),
        loss_weights=torch.tensor(list(network.head.outputs.values()), device=device),
        progress=Progress(),
    )
    _start_or_resume(state)
    network.to(memory_format=state.memory_format)
    state.shared_network = _shared(state)
    return state


def _require_equal_parts(experiment: Experiment, ranks: int) -> None:
    """A batch that cannot be divided would be another batch."""
    training = experiment.training
    if training.batch_size % (ranks * training.accumulate):
        raise SettingsError(
            f"training.batch_size {training.batch_size} of {experiment.id} cannot be divided into "
            f"{ranks} (compute.gpus) times {training.accumulate} (training.accumulate) equal parts",
            "change compute.gpus or training.accumulate in params.yaml",
        )


def _require_smallest_batch(experiment: Experiment) -> None:
    """Statistics are of all ranks together, but of one part at a time."""
    training, head = experiment.training, experiment.model.head
    together, smallest = training.batch_size // training.accumulate, head_class(head).smallest_batch
    if together < smallest:
        raise SettingsError(
            f"head {head} of {experiment.id} normalises maps of 1x1 and needs {smallest} images at once, "
            f"but training.batch_size {training.batch_size} in {training.accumulate} (training.accumulate) "
            f"parts leaves {together}",
            "change training.batch_size or training.accumulate in params.yaml",
        )


def _network(experiment: Experiment, seed: int, ranks: Ranks, device: torch.device) -> SegmentationNetwork:
    """The network with its initial values, the same on every rank."""
    torch.manual_seed(seed)
    network = build_network(experiment.model)
    force_attention(network, experiment.compute.attention)
    if ranks.count > 1:
        # Statistics of the whole batch, as the recipe has them. On a CPU torch refuses to train
        # with this, rather than computing statistics of a share.
        nn.SyncBatchNorm.convert_sync_batchnorm(network)  # in place, but for a bare BatchNorm
    return network.to(device)


def _start_or_resume(state: TrainingState) -> None:
    progress = load_checkpoint(state.paths, state.facts, state.network, state.optimiser, state.ranks)
    if progress is not None:
        state.progress = progress
        state.progress.resumed_at.append(progress.step)
        return
    training, backbone = state.experiment.training, state.experiment.model.backbone
    loaded = load_pretrained(state.network, training.pretrained, backbone)
    state.progress.not_loaded = loaded.not_loaded
    state.progress.weights, state.progress.weights_sha256 = loaded.file, loaded.sha256
    if state.ranks.rank:
        # Each rank drops other channels, as the images of one batch do.
        torch.manual_seed(int(np.random.SeedSequence((state.seed, state.ranks.rank)).generate_state(1)[0]))


def _shared(state: TrainingState) -> nn.Module:
    """The network as a step calls it."""
    if state.experiment.compute.compile:
        state.network.compile()
    if state.ranks.count == 1:
        return state.network
    return DistributedDataParallel(
        state.network,
        device_ids=[state.ranks.local] if state.device.type == "cuda" else None,
        gradient_as_bucket_view=True,
    )
