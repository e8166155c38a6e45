"""A trained network as a file for other programs: ONNX, or a program of torch.export.

Either takes RGB images as they are, (B, 3, H, W) float32 from 0 to 255, and gives logits (B, K, H, W) of any
height and width. Position attention stays linear in memory: in ONNX a loop over blocks of queries, for
torch.export torch's own fused attention.
"""

import json
import logging
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.export import Dim

from danet.errors import SettingsError, UserError
from danet.files import replacing
from danet.inference.trained import TrainedNetwork
from danet.models.attention.position import force_attention
from danet.models.network import SegmentationNetwork
from danet.models.normalisation import MEAN, STD

Format = Literal["onnx", "torch"]
SUFFIXES: dict[str, Format] = {".onnx": "onnx", ".pt2": "torch"}
TRIED_SIZES = ((96, 160), (203, 235))
"""Height and width of the images on which an export is compared: one block of queries, and two."""
TOLERANCE = 1e-4
"""Most difference of a logit, as a share of the largest logit where that is above 1."""
OPSET = 18


@dataclass(frozen=True)
class Exported:
    """What came of an export."""

    path: Path
    difference: float | None
    """Largest difference of a logit from the network's; None where onnxruntime is not installed."""


class WholeImages(nn.Module):
    """A network with the scaling of pixel values in front of it."""

    mean: Tensor
    std: Tensor

    def __init__(self, network: SegmentationNetwork) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1) * 255)
        self.register_buffer("std", torch.tensor(STD).view(3, 1, 1) * 255)

    def forward(self, images: Tensor) -> Tensor:
        """From RGB values 0 to 255, (B, 3, H, W), to logits (B, K, H, W)."""
        return self.network.predict((images - self.mean) / self.std)


def export(trained: TrainedNetwork, target: Path) -> Exported:
    """Write a network and compare the file with it on images of two sizes.

    Args:
        trained: the network.
        target: a file ending in .onnx or .pt2.

    Raises:
        SettingsError: another ending, or a package that writes ONNX is not installed.
        UserError: the file's logits are not the network's; nothing is written.
        StorageError: the file cannot be written.
    """
    if target.suffix not in SUFFIXES:
        raise SettingsError(f"{target}: no such format", "name a file that ends in .onnx or .pt2")
    module = WholeImages(trained.network.cpu()).eval()
    images = [_image(*size) for size in TRIED_SIZES]
    # The exporters warn of their own insides.
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = [module(image) for image in images]
        with replacing(target) as temporary:
            run = _WRITERS[SUFFIXES[target.suffix]](module, trained, temporary)
            difference = _difference(run, images, expected)
            if difference is not None and difference > TOLERANCE:
                raise UserError(
                    f"{target}: its logits differ from the network's by {difference:.1e}; not written",
                    "try other versions of torch, onnxscript and onnxruntime",
                )
    return Exported(target, difference)


Run = Callable[[Tensor], Tensor] | None
"""Runs what was written; None where nothing here can."""


def _write_program(module: nn.Module, trained: TrainedNetwork, path: Path) -> Run:
    # Our blockwise attention is an operator of this package; a file should do without it.
    force_attention(module, "fused")
    dynamic = ({0: Dim.DYNAMIC, 2: Dim.DYNAMIC, 3: Dim.DYNAMIC},)
    try:
        program = torch.export.export(module, (_image(*TRIED_SIZES[0], batch=2),), dynamic_shapes=dynamic)
    finally:
        force_attention(module, "auto")
    torch.export.save(program, path, extra_files={"classes.json": json.dumps(_classes(trained))})
    return torch.export.load(path).module()


def _write_onnx(module: nn.Module, trained: TrainedNetwork, path: Path) -> Run:
    try:
        import onnx  # pyright: ignore[reportMissingImports]
        import onnxscript  # noqa: F401  # pyright: ignore[reportMissingImports]

        from danet.inference.onnx_attention import TRANSLATIONS
    except ImportError as error:
        raise SettingsError(
            f"ONNX needs {error.name}, which is not installed", "pip install onnx onnxscript onnxruntime"
        ) from None
    for name in ("onnx_ir", "onnxscript"):  # each renamed tensor is a line
        logging.getLogger(name).setLevel(logging.WARNING)
    force_attention(module, "blockwise")
    try:
        program = torch.onnx.export(
            module,
            (_image(*TRIED_SIZES[0], batch=2),),
            dynamo=True,
            opset_version=OPSET,
            input_names=["images"],
            output_names=["logits"],
            dynamic_shapes=({0: "batch", 2: "height", 3: "width"},),
            custom_translation_table=TRANSLATIONS,
            verbose=False,
        )
    finally:
        force_attention(module, "auto")
    assert program is not None
    model = program.model_proto
    for key, value in _classes(trained).items():
        model.metadata_props.add(key=key, value=json.dumps(value))
    onnx.save(model, path)
    return _onnx_session(path)


_WRITERS: dict[Format, Callable[[nn.Module, TrainedNetwork, Path], Run]] = {
    "onnx": _write_onnx,
    "torch": _write_program,
}


def _onnx_session(path: Path) -> Run:
    try:
        import onnxruntime  # pyright: ignore[reportMissingImports]
    except ImportError:
        return None
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda images: torch.from_numpy(session.run(None, {"images": images.numpy()})[0])


def _difference(run: Run, images: Sequence[Tensor], expected: Sequence[Tensor]) -> float | None:
    if run is None:
        return None
    pairs = zip((run(image) for image in images), expected, strict=True)
    return max(
        float((found - wanted).abs().max() / wanted.abs().max().clamp(min=1)) for found, wanted in pairs
    )


def _image(height: int, width: int, batch: int = 1) -> Tensor:
    random = np.random.default_rng(height)
    return torch.from_numpy(random.integers(0, 256, (batch, 3, height, width)).astype(np.float32))


def _classes(trained: TrainedNetwork) -> dict[str, Any]:
    """What a user of the file needs to name and colour its outputs."""
    return {
        "experiment": trained.experiment.id,
        "classes": list(trained.labels.names),
        "colours": trained.labels.colours.tolist(),
    }
