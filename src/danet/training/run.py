"""One training before its first step: network, optimiser and data, fresh or from a checkpoint."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim import SGD

from danet.data.prepared import PreparedSplit
from danet.data.training_set import step_count
from danet.errors import SettingsError
from danet.models.network import SegmentationNetwork, build_network, parameter_groups
from danet.models.position_attention import force_attention
from danet.models.pretrained import load_pretrained
from danet.paths import RunPaths
from danet.settings import Experiment, Params, dataset_paths, result_paths
from danet.training.arithmetic import choose_precision, flush_denormals, repeat_bits
from danet.training.checkpoint import Progress, load_checkpoint
from danet.training.ranks import Ranks


@dataclass
class Run:
    """What one training works with, and where it stands."""

    experiment: Experiment
    seed: int
    paths: RunPaths
    split: PreparedSplit
    steps: int
    ranks: Ranks
    device: torch.device
    precision: torch.dtype
    network: SegmentationNetwork
    shared_network: nn.Module
    """The same network as a step calls it: compiled, its gradients averaged over the ranks."""
    optimiser: SGD
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
            with self.shared_network.no_sync():
                yield


def open_run(params: Params, experiment: Experiment, seed: int, ranks: Ranks, device: torch.device) -> Run:
    """Build network and optimiser, with pretrained weights or from a checkpoint.

    Args:
        params: for the folders of data and results.
        experiment: what is trained, and how.
        seed: of initial values, order and augmentation.
        ranks: the processes of this training.
        device: of this process.

    Raises:
        SettingsError: the batch cannot be divided as asked, or the GPU lacks the precision.
        MissingDataError: the training split is not prepared.
        CheckpointError: the checkpoints are damaged or of other settings; pretrained weights do
            not fit.
    """
    _require_equal_parts(experiment, ranks.count)
    repeat_bits(experiment.compute.deterministic)
    flush_denormals()
    split = PreparedSplit(dataset_paths(params, experiment.dataset).prepared("train"))
    network = _network(experiment, seed, ranks, device)
    run = Run(
        experiment=experiment,
        seed=seed,
        paths=result_paths(params).run(experiment.id, seed),
        split=split,
        steps=step_count(experiment.training, len(split)),
        ranks=ranks,
        device=device,
        precision=choose_precision(experiment.training.precision, device),
        network=network,
        shared_network=network,
        optimiser=_optimiser(experiment, network),
        progress=Progress(),
    )
    _start_or_resume(run)
    network.to(memory_format=run.memory_format)
    run.shared_network = _shared(run)
    return run


def _require_equal_parts(experiment: Experiment, ranks: int) -> None:
    """A batch that cannot be divided would be another batch."""
    training = experiment.training
    if training.batch_size % (ranks * training.accumulate):
        raise SettingsError(
            f"training.batch_size {training.batch_size} of {experiment.id} cannot be divided into "
            f"{ranks} (compute.gpus) times {training.accumulate} (training.accumulate) equal parts",
            "change compute.gpus or training.accumulate in params.yaml",
        )


def _network(experiment: Experiment, seed: int, ranks: Ranks, device: torch.device) -> SegmentationNetwork:
    """The network with its initial values, the same on every rank."""
    torch.manual_seed(seed)
    network = build_network(experiment.model)
    force_attention(network, experiment.compute.attention)
    if ranks.count > 1:
        # Statistics of the whole batch, as the recipe has them. On a CPU torch refuses to train
        # with this, rather than computing statistics of a share.
        network = nn.SyncBatchNorm.convert_sync_batchnorm(network)
    return network.to(device)


def _optimiser(experiment: Experiment, network: SegmentationNetwork) -> SGD:
    training = experiment.training
    groups = parameter_groups(network, training.learning_rate, training.head_learning_rate_factor)
    return SGD(groups, momentum=training.momentum, weight_decay=training.weight_decay, fused=True)


def _start_or_resume(run: Run) -> None:
    progress = load_checkpoint(run.paths, run.facts, run.network, run.optimiser, run.ranks)
    if progress is not None:
        run.progress = progress
        run.progress.resumed_at.append(progress.step)
        return
    training, backbone = run.experiment.training, run.experiment.model.backbone
    run.progress.not_loaded = load_pretrained(run.network, training.pretrained, backbone)
    if run.ranks.rank:
        # Each rank drops other channels, as the images of one batch do.
        torch.manual_seed(int(np.random.SeedSequence((run.seed, run.ranks.rank)).generate_state(1)[0]))


def _shared(run: Run) -> nn.Module:
    """The network as a step calls it."""
    if run.experiment.compute.compile:
        run.network.compile()
    if run.ranks.count == 1:
        return run.network
    return DistributedDataParallel(
        run.network,
        device_ids=[run.ranks.local] if run.device.type == "cuda" else None,
        gradient_as_bucket_view=True,
    )
