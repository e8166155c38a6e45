"""What each training and evaluation of a profile will take, before any of them is started."""

from dataclasses import dataclass
from typing import Any

from danet.data.training_set import step_count
from danet.evaluation.scoring import FORWARDS_AT_ONCE
from danet.files import read_json
from danet.planning.cost import parameter_bytes, prediction_cost
from danet.planning.earlier_runs import EarlierRun, earlier_runs
from danet.planning.probe import Device
from danet.planning.speed import Speed, evaluation_speed, flops_per_image, step_cost, training_speed
from danet.planning.workload import forward_passes, prepared_bytes, split_sizes
from danet.settings import Experiment, Params, plan, resolve, result_paths
from danet.settings.schema import ProtocolName


@dataclass(frozen=True)
class Job:
    """One training or one evaluation."""

    experiment: str
    """Key in ``experiments``."""
    seed: int
    """Of the training."""
    protocol: ProtocolName | None
    """Of an evaluation; None: the training itself."""
    amount: str
    """Steps, or windows that go through the network."""
    flops: float
    """Floating point operations in all."""
    gpus: int
    """Devices that it occupies."""
    gpu_hours: float
    """Hours of all its devices together; 0 where the work is done."""
    memory: int
    """Bytes on each device, an estimate."""
    disk: int
    """Bytes that it leaves."""
    scratch: int
    """Bytes that it needs beside them while it runs."""
    basis: str
    """What the hours are known from, or ``done``."""

    @property
    def name(self) -> str:
        """For tables and messages."""
        return " ".join([self.experiment, "seed", str(self.seed), *filter(None, [self.protocol])])

    @property
    def hours(self) -> float:
        """From its start to its end."""
        return self.gpu_hours / self.gpus


@dataclass(frozen=True)
class Forecast:
    """All jobs of a profile."""

    params: Params
    device: Device
    jobs: tuple[Job, ...]
    """Each training, followed by its evaluations."""
    prepared: dict[str, int]
    """Bytes of the prepared form by data set."""


def forecast(params: Params, device: Device) -> Forecast:
    """Say what every job of the active profile will take on devices such as ``device``.

    Nothing is trained or fetched. What is finished under the settings of today counts as done.
    """
    planned, runs = plan(params), earlier_runs(params)
    jobs = []
    for experiment in (resolve(params, name) for name in planned.experiments):
        protocols = [row.protocol for row in planned.evaluations if row.experiment == experiment.id]
        for seed in params.seeds:
            jobs.append(_training(params, experiment, seed, device, runs))
            jobs += (_evaluation(params, experiment, seed, name, device, runs) for name in protocols)
    prepared = {
        dataset: sum(prepared_bytes(split_sizes(params, dataset, split)) for split in ("train", "val"))
        for dataset in planned.datasets
    }
    return Forecast(params, device, tuple(jobs), prepared)


def _training(
    params: Params, experiment: Experiment, seed: int, device: Device, runs: list[EarlierRun]
) -> Job:
    training = experiment.training
    steps = step_count(training, split_sizes(params, experiment.dataset, "train").total())
    flops = steps * training.batch_size * flops_per_image(experiment, device)
    weights = parameter_bytes(experiment.model)
    return _job(
        experiment=experiment.id,
        seed=seed,
        protocol=None,
        amount=f"{steps} steps",
        flops=flops,
        speed=training_speed(experiment, device, runs),
        done=_trained(params, experiment, seed),
        gpus=experiment.compute.gpus,
        memory=step_cost(experiment, device).peak_bytes,
        disk=weights,
        # Weights and momentum, in last.pth, the one before it, and the one that is being written.
        scratch=3 * 2 * weights,
    )


def _evaluation(
    params: Params,
    experiment: Experiment,
    seed: int,
    name: ProtocolName,
    device: Device,
    runs: list[EarlierRun],
) -> Job:
    protocol = experiment.protocols[name]
    windows = forward_passes(protocol, split_sizes(params, experiment.dataset, "val"))
    cost = prediction_cost(experiment.model, protocol.crop_size, FORWARDS_AT_ONCE)
    return _job(
        experiment=experiment.id,
        seed=seed,
        protocol=name,
        amount=f"{windows} windows",
        flops=windows * cost.flops / FORWARDS_AT_ONCE,
        speed=evaluation_speed(experiment, device, runs),
        done=_evaluated(params, experiment, seed, name),
        gpus=1,
        memory=cost.peak_bytes,
        disk=0,
        scratch=0,
    )


def _job(*, flops: float, speed: Speed, done: bool, **facts: Any) -> Job:
    hours = 0.0 if done else flops / speed.flops_per_second / 3600
    return Job(flops=flops, gpu_hours=hours, basis="done" if done else speed.basis, **facts)


def _trained(params: Params, experiment: Experiment, seed: int) -> bool:
    """Is there a finished run of these settings?"""
    files = result_paths(params).run(experiment.id, seed)
    try:
        digest = read_json(files.record)["settings_digest"]
    except (OSError, ValueError, LookupError, TypeError):
        return False
    return files.final.exists() and digest == experiment.training_digest(seed)


def _evaluated(params: Params, experiment: Experiment, seed: int, protocol: str) -> bool:
    """Is there an evaluation of that run, made after it?"""
    paths = result_paths(params)
    scores, network = paths.evaluation(experiment.id, seed, protocol), paths.run(experiment.id, seed).final
    return (
        _trained(params, experiment, seed)
        and scores.exists()
        and scores.stat().st_mtime >= network.stat().st_mtime
    )
