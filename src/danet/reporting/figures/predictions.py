"""Trained networks at work on single images, scored as the single-scale evaluation does."""

import numpy as np
import torch

from danet.evaluation.scoring import image_scores
from danet.models.network import SegmentationNetwork, load_network
from danet.settings import Experiment, Params, result_paths


def open_network(params: Params, experiment: str) -> tuple[SegmentationNetwork, Experiment]:
    """The network of the first seed, on the GPU where there is one.

    Raises:
        CheckpointError: it has not been trained, or its file is damaged.
    """
    network, trained = load_network(result_paths(params).run(experiment, params.seeds[0]).final)
    return network.to("cuda" if torch.cuda.is_available() else "cpu"), trained


def as_tensor(image: np.ndarray, network: SegmentationNetwork) -> torch.Tensor:
    """(H, W, 3) uint8 pixels as (3, H, W) on the network's device."""
    return torch.from_numpy(image).permute(2, 0, 1).to(next(network.parameters()).device)


@torch.inference_mode()
def predict(network: SegmentationNetwork, experiment: Experiment, image: np.ndarray) -> np.ndarray:
    """Class indices (H, W) uint8 of an image (H, W, 3) uint8 under the protocol ``ss``."""
    scores = image_scores(network.predict, as_tensor(image, network), experiment.protocols["ss"])
    return scores.argmax(dim=0).cpu().numpy().astype(np.uint8)
