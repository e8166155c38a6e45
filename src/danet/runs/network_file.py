"""final.pth: a trained network with the settings that are needed to build it again."""

from pathlib import Path

from pydantic import ValidationError
from torch import nn

from danet.errors import CheckpointError
from danet.models.network import SegmentationNetwork, build_network
from danet.runs.config import experiment_from
from danet.settings import Experiment
from danet.torch_files import read_torch_file, write_torch_file

# What the settings and load_state_dict raise for a file with other content.
UNFIT = (LookupError, TypeError, AttributeError, RuntimeError, ValidationError)


def save_network(path: Path, experiment: Experiment, seed: int, network: nn.Module) -> None:
    """Write final.pth as a whole or not at all.

    Raises:
        StorageError: the disk is full or read-only.
    """
    weights = {name: tensor.cpu() for name, tensor in network.state_dict().items()}
    content = {"experiment": experiment.model_dump(mode="json"), "seed": seed, "network": weights}
    write_torch_file(path, content)


def load_network(path: Path, remedy: str = "danet train --help") -> tuple[SegmentationNetwork, Experiment]:
    """Read a run's final.pth, of this version or of an earlier one.

    Args:
        path: the file.
        remedy: what to do if it is missing or damaged.

    Returns:
        The trained network on the CPU, in evaluation mode, and the settings that it was trained with.

    Raises:
        CheckpointError: the file is missing, damaged, or not what a training of this project writes.
    """
    content = read_torch_file(path, remedy)
    try:
        experiment = experiment_from(content["experiment"])
        network = build_network(experiment.model)
        network.load_state_dict(content["network"])
    except UNFIT as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(f"{path} is no trained network of this project: {reason}", remedy) from error
    return network.eval(), experiment
