"""The one function that predicts: a network, an image and a protocol give a class for every pixel."""

from math import ceil

import numpy as np
import torch
from torch import Tensor

from danet.inference.scoring import Predict, image_classes
from danet.models.network import SegmentationNetwork
from danet.settings import Protocol

SHARE_FOR_FORWARDS = 0.25
"""Of a GPU's memory."""

LIVE_BYTES = 6 * 2048 / 64 * 4
"""Of one pixel in a forward pass: six float32 feature maps of 2048 channels at an eighth of the size."""


@torch.inference_mode()
def predict_classes(
    network: SegmentationNetwork,
    image: np.ndarray,
    protocol: Protocol,
    precision: torch.dtype = torch.float32,
) -> np.ndarray:
    """Name the class of every pixel.

    Args:
        network: in evaluation mode; the device of its parameters does the work.
        image: (H, W, 3) uint8 RGB.
        protocol: scales, flip, fusion and window.
        precision: type in which the network multiplies; scores are float32.

    Returns:
        (H, W) uint8 class indices.
    """
    device = next(network.parameters()).device
    pixels = torch.from_numpy(image).permute(2, 0, 1).to(device)
    predict = predictor(network, protocol.output, precision)
    return image_classes(predict, pixels, protocol, windows_at_once(device, protocol)).cpu().numpy()


def predictor(network: SegmentationNetwork, output: str | None, precision: torch.dtype) -> Predict:
    """The network as a function from normalised images to float32 logits, both (B, channels, ...)."""

    def predict(images: Tensor) -> Tensor:
        half = precision != torch.float32
        with torch.autocast(images.device.type, precision if half else None, enabled=half):
            return network.logits(images.contiguous(memory_format=torch.channels_last), output).float()

    return predict


def windows_at_once(device: torch.device, protocol: Protocol) -> int:
    """Sliding windows of a forward pass: as many as fit into a part of a GPU's memory.

    On a CPU, several at once took as long as one after the other.
    """
    if device.type != "cuda" or protocol.window == "whole":
        return 1
    crop, _ = protocol.crop_and_step
    memory = torch.cuda.get_device_properties(device).total_memory
    return max(1, int(SHARE_FOR_FORWARDS * memory / (LIVE_BYTES * (8 * ceil(crop / 8)) ** 2)))
