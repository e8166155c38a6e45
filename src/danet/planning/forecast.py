"""What each training and evaluation of a profile will take, before any of them is started."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from danet.data.releases.layout import SPLITS
from danet.data.training_set import step_count
from danet.errors import UserError
from danet.paths import ResultPaths
from danet.planning.cost import keep_counts, parameter_bytes, prediction_cost
from danet.planning.earlier_runs import EarlierRun, earlier_runs
from danet.planning.probe import Device
from danet.planning.speed import (
    ExpectedSpeed,
    evaluation_speed,
    flops_per_image,
    in_bfloat16,
    step_cost,
    training_speed,
)
from danet.planning.workload import Sizes, forward_passes, prepared_bytes, split_sizes
from danet.runs.record import read_record
from danet.settings import DatasetName, Experiment, ExperimentName, Plan, ProtocolName


@dataclass(frozen=True)
class PlannedJob:
    """One training or one evaluation."""

    experiment: ExperimentName
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

    title: str
    """Profile, and what it is."""
    recipe: str
    """Recipe, and what is known of it."""
    device: Device
    jobs: tuple[PlannedJob, ...]
    """Each training, followed by its evaluations."""
    prepared: Mapping[DatasetName, int]
    """Bytes of the prepared form by data set."""
    in_float32: bool
    """Whether a training multiplies in float32 there."""


def forecast(plan: Plan, device: Device) -> Forecast:
    """What every job of a plan will take on devices such as ``device``.

    Nothing is trained or fetched. What is finished under the settings of today counts as done.

    Raises:
        MissingDataError: a folder of the user's own data set is not found.
        BadDataError: prepared data are damaged, or a file of the user's own is not an image.
    """
    runs = earlier_runs(plan.paths)
    sizes = {
        name: {split: split_sizes(plan.dataset(name), split) for split in SPLITS} for name in plan.datasets
    }
    jobs: list[PlannedJob] = []
    for experiment in map(plan.experiment, plan.experiments):
        splits, protocols = sizes[experiment.dataset], plan.protocols_of(experiment.id)
        for seed in plan.seeds:
            jobs.append(_training(plan.paths, experiment, seed, splits["train"], device, runs))
            jobs += (
                _evaluation(plan.paths, experiment, seed, name, splits["val"], device, runs)
                for name in protocols
            )
    keep_counts()
    return Forecast(
        title=f"profile {plan.profile}: {plan.description}",
        recipe=f"recipe {plan.recipe}: {plan.recipe_description}",
        device=device,
        jobs=tuple(jobs),
        prepared={name: sum(map(prepared_bytes, splits.values())) for name, splits in sizes.items()},
        in_float32=not all(in_bfloat16(plan.experiment(name), device) for name in plan.experiments),
    )


def _training(
    paths: ResultPaths,
    experiment: Experiment,
    seed: int,
    sizes: Sizes,
    device: Device,
    runs: list[EarlierRun],
) -> PlannedJob:
    steps = step_count(experiment.training, sizes.total())
    flops = steps * experiment.training.batch_size * flops_per_image(experiment, device)
    done = _trained(paths, experiment, seed)
    gpu_hours, basis = _time(flops, training_speed(experiment, device, runs), done)
    weights = parameter_bytes(experiment.model)
    return PlannedJob(
        experiment=experiment.id,
        seed=seed,
        protocol=None,
        amount=f"{steps} steps",
        flops=flops,
        gpus=experiment.compute.gpus,
        gpu_hours=gpu_hours,
        memory=step_cost(experiment, device).peak_bytes,
        disk=weights,
        # Weights and momentum, in last.pth, the one before it, and the one that is being written.
        scratch=3 * 2 * weights,
        basis=basis,
    )


def _evaluation(
    paths: ResultPaths,
    experiment: Experiment,
    seed: int,
    name: ProtocolName,
    sizes: Sizes,
    device: Device,
    runs: list[EarlierRun],
) -> PlannedJob:
    protocol = experiment.protocol(name)
    passes = forward_passes(protocol, sizes)
    # Whole images come in many sizes; a cost for every 64 pixels is near enough.
    rounded: Sizes = Counter()
    for (height, width), number in passes.items():
        rounded[_rounded(height), _rounded(width)] += number
    shapes = passes if protocol.window == "sliding" else rounded
    costs = {shape: prediction_cost(experiment.model, *shape) for shape in shapes}
    flops = sum(number * costs[shape].flops for shape, number in shapes.items())
    done = _evaluated(paths, experiment, seed, name)
    gpu_hours, basis = _time(flops, evaluation_speed(experiment, device, runs), done)
    return PlannedJob(
        experiment=experiment.id,
        seed=seed,
        protocol=name,
        amount=f"{passes.total()} windows",
        flops=flops,
        gpus=1,
        gpu_hours=gpu_hours,
        memory=max(cost.peak_bytes for cost in costs.values()),
        disk=0,
        scratch=0,
        basis=basis,
    )


def _rounded(pixels: int) -> int:
    return 64 * ceil(pixels / 64)


def _time(flops: float, speed: ExpectedSpeed, done: bool) -> tuple[float, str]:
    """GPU hours, and what they are known from."""
    return (0.0, "done") if done else (flops / speed.flops_per_second / 3600, speed.basis)


def _trained(paths: ResultPaths, experiment: Experiment, seed: int) -> bool:
    """Whether there is a finished run of these settings."""
    files = paths.run(experiment.id, seed)
    try:
        digest = read_record(files.record).settings_digest
    except (UserError, OSError):
        return False
    return files.final.exists() and digest == experiment.training_digest(seed)


def _evaluated(paths: ResultPaths, experiment: Experiment, seed: int, protocol: ProtocolName) -> bool:
    """Whether there is an evaluation of that run, made after it."""
    scores, network = paths.evaluation(experiment.id, seed, protocol), paths.run(experiment.id, seed).final
    return (
        _trained(paths, experiment, seed)
        and scores.exists()
        and scores.stat().st_mtime >= network.stat().st_mtime
    )
