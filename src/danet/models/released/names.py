"""The names of others' state_dicts and ours, one to one: the authors' released code and mmsegmentation.

Only whole DANets are translated, with both attention modules: nobody published another. Where a
name of ours is a prefix, all that follows it is the same on both sides; backbones carry
torchvision's names everywhere.

Sources: released code, encoding/models/danet.py and encoding/nn/attention.py; mmsegmentation,
mmseg/models/decode_heads/da_head.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from danet.errors import CheckpointError

Style = Literal["authors", "mmsegmentation"]

NAMES: dict[Style, dict[str, str]] = {
    "authors": {
        "backbone.": "pretrained.",
        "head.position.reduce.": "head.conv5a.",
        "head.channel.reduce.": "head.conv5c.",
        "head.position.attention.query.": "head.sa.query_conv.",
        "head.position.attention.key.": "head.sa.key_conv.",
        "head.position.attention.value.": "head.sa.value_conv.",
        "head.position.attention.alpha": "head.sa.gamma",
        "head.channel.attention.beta": "head.sc.gamma",
        "head.position.refine.": "head.conv51.",
        "head.channel.refine.": "head.conv52.",
        "head.position_classifier.1.": "head.conv6.1.",
        "head.channel_classifier.1.": "head.conv7.1.",
        "head.fused_classifier.1.": "head.conv8.1.",
    },
    "mmsegmentation": {
        "backbone.": "backbone.",
        "head.position.reduce.0.": "decode_head.pam_in_conv.conv.",
        "head.position.reduce.1.": "decode_head.pam_in_conv.bn.",
        "head.channel.reduce.0.": "decode_head.cam_in_conv.conv.",
        "head.channel.reduce.1.": "decode_head.cam_in_conv.bn.",
        "head.position.attention.query.": "decode_head.pam.query_project.",
        "head.position.attention.key.": "decode_head.pam.key_project.",
        "head.position.attention.value.": "decode_head.pam.value_project.",
        "head.position.attention.alpha": "decode_head.pam.gamma.scale",
        "head.channel.attention.beta": "decode_head.cam.gamma.scale",
        "head.position.refine.0.": "decode_head.pam_out_conv.conv.",
        "head.position.refine.1.": "decode_head.pam_out_conv.bn.",
        "head.channel.refine.0.": "decode_head.cam_out_conv.conv.",
        "head.channel.refine.1.": "decode_head.cam_out_conv.bn.",
        "head.position_classifier.1.": "decode_head.pam_conv_seg.",
        "head.channel_classifier.1.": "decode_head.cam_conv_seg.",
        "head.fused_classifier.1.": "decode_head.conv_seg.",
    },
}
"""By style: the beginning of our name, and of theirs."""

WITHOUT_A_PLACE: dict[Style, tuple[str, ...]] = {
    # ImageNet's classifier, and a layer of 2018 that no output uses.
    "authors": ("pretrained.fc.", "auxlayer."),
    # Only training has a loss on it.
    "mmsegmentation": ("auxiliary_head.",),
}
"""By style: beginnings of names that inference has no use for."""

DEEP_STEM = "pretrained.conv1.0."
"""Of the authors' later code, with 64, 64 and 128 channels; no DANet that was trained with it is known."""
PARALLEL = "module."
"""Before every name of a network that was saved as it was trained on several GPUs."""
SCALES = ("head.position.attention.alpha", "head.channel.attention.beta")
COUNTER = ".num_batches_tracked"


@dataclass(frozen=True)
class Translation:
    """A state_dict of others under our names."""

    style: Style
    """Whose names the file has."""
    state: dict[str, Tensor]
    """Its tensors by our names."""
    dropped: tuple[str, ...]
    """Names in the file that inference has no use for."""
    unknown: tuple[str, ...]
    """Names in the file that no DANet of this style has."""


def from_released(state: Mapping[str, Tensor]) -> Translation:
    """Translate a state_dict of others into our names.

    Args:
        state: tensors by their names.

    Returns:
        Every tensor of ``state`` under our name, or its name under ``dropped`` or ``unknown``.
        Alpha and beta have shape (1,), as ours have; tensors are not copied.

    Raises:
        CheckpointError: neither style, or the wide deep stem of the authors' later code.
    """
    state = without_parallel(state)
    style = _style(state)
    _refuse_deep_stem(state)
    ours, dropped, unknown = {}, [], []
    for name, tensor in state.items():
        if name.startswith(WITHOUT_A_PLACE[style]):
            dropped.append(name)
        elif translated := _renamed(name, {theirs: own for own, theirs in NAMES[style].items()}):
            ours[translated] = tensor.reshape(1) if translated in SCALES else tensor
        else:
            unknown.append(name)
    return Translation(style, ours, tuple(dropped), tuple(unknown))


def without_parallel(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state_dict with names as of one GPU."""
    if not all(name.startswith(PARALLEL) for name in state):
        return dict(state)
    return {name.removeprefix(PARALLEL): tensor for name, tensor in state.items()}


def published_protocol(style: Style, file: str) -> str:
    """The protocol with which the publisher scored a network, as params.yaml names it.

    Args:
        style: whose names the file has.
        file: its name; mmsegmentation's tells the crop: those of 769 pixels were scored with windows of that
            size, the others on whole images (configs/danet).
    """
    if style == "authors":
        return "ss"
    return "windows_769" if "769x769" in file else "whole"


def to_released(state: Mapping[str, Tensor], style: Style) -> dict[str, Tensor]:
    """Translate a state_dict of ours, of a DANet with both modules, into the names of others.

    mmsegmentation keeps alpha and beta without a dimension; they are given that shape.

    Raises:
        KeyError: the state_dict is that of another network.
    """
    released = {}
    for name, tensor in state.items():
        translated = _renamed(name, NAMES[style])
        if translated is None:
            raise KeyError(f"{name} has no counterpart in a DANet of {style}")
        scale = name in SCALES and style == "mmsegmentation"
        released[translated] = tensor.reshape(()) if scale else tensor
    return released


def with_counters(state: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Add the counters of batches that files of 2018 lack: zeros, which nothing reads."""
    missing = (name for name in wanted if name.endswith(COUNTER) and name not in state)
    return dict(state) | {name: torch.zeros_like(wanted[name], device="cpu") for name in missing}


def _style(state: Mapping[str, Tensor]) -> Style:
    if any(name.startswith("pretrained.") for name in state):
        return "authors"
    if any(name.startswith("decode_head.") for name in state):
        return "mmsegmentation"
    raise CheckpointError(
        f"no tensor is named pretrained.* or decode_head.*; the first is {next(iter(state), 'none')}",
        "import a DANet of the authors' code or of mmsegmentation",
    )


def _refuse_deep_stem(state: Mapping[str, Tensor]) -> None:
    found = [name for name in state if name.startswith(DEEP_STEM)]
    if found:
        raise CheckpointError(
            f"its backbone begins with three convolutions of 64, 64 and 128 channels ({found[0]}); the"
            " paper's begins with one of 7x7, and mmsegmentation's with 32, 32 and 64",
            "import one of the authors' DANets of 2018 to 2020, or one of mmsegmentation",
        )


def _renamed(name: str, beginnings: Mapping[str, str]) -> str | None:
    """The name with its beginning exchanged; a beginning without a dot at its end is the whole name."""
    for before, after in beginnings.items():
        if name == before or (before.endswith(".") and name.startswith(before)):
            return after + name.removeprefix(before)
    return None
