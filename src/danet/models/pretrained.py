"""ImageNet weights for the backbone: torchvision's, or those of a local file."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from danet.errors import CheckpointError
from danet.files import file_digest
from danet.models.network import SegmentationNetwork
from danet.torch_files import UNREADABLE, read_torch_file

IMAGENET_WEIGHTS = {
    "resnet50": "ResNet50_Weights.IMAGENET1K_V1",
    "resnet101": "ResNet101_Weights.IMAGENET1K_V1",
}


@dataclass(frozen=True)
class LoadedWeights:
    """What a backbone started from."""

    file: str | None
    """Name of the file; None: random values."""
    sha256: str | None
    """Of the file."""
    not_loaded: list[str]
    """Names of the backbone's tensors that keep their random initial values."""


def weights_variable(backbone: str) -> str:
    """Environment variable that names a file of ImageNet weights to take instead of torchvision's."""
    return f"DANET_{backbone.upper()}_WEIGHTS"


def load_pretrained(network: SegmentationNetwork, pretrained: str, backbone: str) -> LoadedWeights:
    """Copy pretrained weights into the backbone.

    Args:
        network: changed in place.
        pretrained: ``imagenet``, the path of a file with torchvision's names, or ``none``.
        backbone: name of the network's backbone.

    Raises:
        CheckpointError: no such weights, a failed download, or a file that does not fit.
    """
    wanted = network.backbone.state_dict()
    if pretrained == "none":
        return LoadedWeights(None, None, _without_counters(wanted))
    if pretrained == "imagenet":
        path, origin = _imagenet(backbone)
    else:
        path, origin = Path(pretrained), "training.pretrained in params.yaml: imagenet, none or a file"
    weights, source = _read(path, f"correct {origin}"), str(path)
    weights = {name: tensor for name, tensor in weights.items() if not name.startswith("fc.")}
    _check_fit(weights, wanted, source, backbone)
    network.backbone.load_state_dict(weights, strict=False)
    not_loaded = _without_counters(name for name in wanted if name not in weights)
    return LoadedWeights(path.name, file_digest(path), not_loaded)


def _imagenet(backbone: str) -> tuple[Path, str]:
    """The user's own file, or torchvision's from its cache or its server; and what has named it."""
    if backbone not in IMAGENET_WEIGHTS:
        raise CheckpointError(
            f"torchvision has no ImageNet weights for the backbone {backbone}",
            "state pretrained: none, or a file of weights, under training in params.yaml",
        )
    if own := os.environ.get(weights_variable(backbone)):
        return Path(own).expanduser(), weights_variable(backbone)
    # Here alone: its import takes as long as torch's own, and a resumed training does without.
    from torchvision.models import get_weight

    weights = get_weight(IMAGENET_WEIGHTS[backbone])
    path = Path(torch.hub.get_dir()) / "checkpoints" / weights.url.rpartition("/")[2]
    try:
        weights.get_state_dict(progress=False, check_hash=True)
    except UNREADABLE as error:
        raise CheckpointError(
            f"the weights from {weights.url} cannot be downloaded: {error}",
            f"put the whole file into {path.parent}, or let {weights_variable(backbone)} name it",
        ) from error
    return path, "that file, or delete it"


def _read(path: Path, remedy: str) -> dict[str, Tensor]:
    weights = read_torch_file(path, remedy)
    if not isinstance(weights, dict) or not all(isinstance(value, Tensor) for value in weights.values()):
        raise CheckpointError(
            f"{path} is not a table of tensors by name",
            "training.pretrained takes the state_dict of a torchvision ResNet",
        )
    return weights


def _check_fit(weights: dict[str, Tensor], wanted: dict[str, Tensor], source: str, backbone: str) -> None:
    """Raise where a tensor has no place in the backbone or another shape than its place."""
    variable = weights_variable(backbone)
    remedy = f"name weights of this backbone in {variable}, or under training.pretrained in params.yaml"
    unknown = [name for name in weights if name not in wanted]
    if unknown:
        raise CheckpointError(f"{source}: {backbone} has no tensor {', '.join(unknown[:3])}", remedy)
    for name, tensor in weights.items():
        if tensor.shape != wanted[name].shape:
            shapes = f"{tuple(tensor.shape)}, in {backbone} {tuple(wanted[name].shape)}"
            raise CheckpointError(f"{source}: {name} has shape {shapes}", remedy)
    if not weights:
        raise CheckpointError(f"{source} holds no tensor of {backbone}", remedy)


def _without_counters(names: Iterable[str]) -> list[str]:
    # Older files lack these counters of batches, which nothing here reads.
    return [name for name in names if not name.endswith(".num_batches_tracked")]
