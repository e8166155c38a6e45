"""The one function that predicts: a network, an image and a protocol give a class for every pixel."""

import numpy as np
import torch

from danet.inference.scoring import image_scores
from danet.models.network import SegmentationNetwork
from danet.settings import Protocol


@torch.inference_mode()
def predict_classes(network: SegmentationNetwork, image: np.ndarray, protocol: Protocol) -> np.ndarray:
    """Name the class of every pixel.

    Args:
        network: in evaluation mode; the device of its parameters does the work.
        image: (H, W, 3) uint8 RGB.
        protocol: scales, flip, fusion and window.

    Returns:
        (H, W) uint8 class indices.
    """
    pixels = torch.from_numpy(image).permute(2, 0, 1).to(next(network.parameters()).device)
    scores = image_scores(network.predict, pixels, protocol)
    return scores.argmax(dim=0).cpu().numpy().astype(np.uint8)
