"""How fast a network goes on a device: from earlier runs there, else from the rate of matrix products."""

from dataclasses import dataclass

from danet.planning.cost import StepCost, training_cost
from danet.planning.earlier_runs import EarlierRun
from danet.planning.probe import Device
from danet.settings import Experiment

TRAINING_SHARE = {"cuda": 0.45, "cpu": 0.75}
"""Share of the rate of matrix products that a training is assumed to reach where none has run yet.

CPU: between 0.46 (the thin stand-ins, crop 80, batch 8) and 0.9 (ResNet-50, crop 240, batch 8, in float32
and in bfloat16 alike), as measured on an AMD EPYC. CUDA: assumed, not measured.
"""
EVALUATION_SHARE = {"cuda": 0.15, "cpu": 0.75}
"""The same for an evaluation. CUDA: assumed to be a third, since it computes in float32."""


@dataclass(frozen=True)
class ExpectedSpeed:
    """How fast one device is with a network."""

    flops_per_second: float
    """Of the network, not of the hardware."""
    basis: str
    """What that is known from, in a few words for the table."""


def training_speed(experiment: Experiment, device: Device, runs: list[EarlierRun]) -> ExpectedSpeed:
    """Speed of a training on one device.

    The most similar run on the same device decides; without one, the rate of matrix products and the
    share of it that a training is assumed to reach.
    """
    bfloat16 = in_bfloat16(experiment, device)
    similar = _most_similar(
        experiment, device, [run for run in runs if in_bfloat16(run.experiment, device) == bfloat16]
    )
    if similar is None:
        return _share_of_rate(device, TRAINING_SHARE[device.kind], bfloat16)
    return ExpectedSpeed(_reached(similar, device), f"earlier run of {similar.experiment.id}")


def evaluation_speed(experiment: Experiment, device: Device, runs: list[EarlierRun]) -> ExpectedSpeed:
    """Speed of an evaluation on one device, in float32.

    It relates to that of a training as the assumed shares and the rates of both precisions do.
    """
    similar = _most_similar(experiment, device, runs)
    share = EVALUATION_SHARE[device.kind]
    if similar is None:
        return _share_of_rate(device, share, bfloat16=False)
    trained = TRAINING_SHARE[device.kind] * device.rate(in_bfloat16(similar.experiment, device))
    ratio = share * device.rate(bfloat16=False) / trained
    times = "" if ratio == 1 else f"{ratio:.2f} x "
    return ExpectedSpeed(ratio * _reached(similar, device), f"{times}earlier run of {similar.experiment.id}")


def _share_of_rate(device: Device, share: float, bfloat16: bool) -> ExpectedSpeed:
    return ExpectedSpeed(share * device.rate(bfloat16), f"{share:.0%} of the matrix rate")


def _most_similar(experiment: Experiment, device: Device, runs: list[EarlierRun]) -> EarlierRun | None:
    here = (run for run in runs if run.device == device.name)
    return min(here, key=lambda run: _difference(run.experiment, experiment), default=None)


def _reached(run: EarlierRun, device: Device) -> float:
    """Floating point operations per second of each device of an earlier run."""
    return run.images_per_second * flops_per_image(run.experiment, device) / run.experiment.compute.gpus


def step_cost(experiment: Experiment, device: Device) -> StepCost:
    """Cost of what one device takes at once: its share of a batch, or the part of it that settings state."""
    return training_cost(
        experiment.model,
        experiment.training.crop_size,
        _images_at_once(experiment),
        bfloat16=in_bfloat16(experiment, device),
        whole_map=experiment.compute.attention == "textbook",
    )


def in_bfloat16(experiment: Experiment, device: Device) -> bool:
    """Whether a training multiplies in bfloat16 there."""
    precision = experiment.training.precision
    return precision == "bfloat16" or (precision == "auto" and device.kind == "cuda")


def flops_per_image(experiment: Experiment, device: Device) -> float:
    """Floating point operations of a training for each image."""
    return step_cost(experiment, device).flops / _images_at_once(experiment)


def _images_at_once(experiment: Experiment) -> int:
    training = experiment.training
    return max(1, training.batch_size // (experiment.compute.gpus * training.accumulate))


def _difference(one: Experiment, other: Experiment) -> tuple[bool, ...]:
    """In order of weight: another experiment, backbone, head, crop, batch."""
    return (
        one.id != other.id,
        one.model.backbone != other.model.backbone,
        (one.model.head, one.model.attention) != (other.model.head, other.model.attention),
        one.training.crop_size != other.training.crop_size,
        one.training.batch_size != other.training.batch_size,
    )
