"""A look at a network while it trains: a few evaluation images under a quick protocol."""

from collections.abc import Callable

import numpy as np
import torch

from danet.data.prepared.split import PreparedSplit
from danet.evaluation.confusion import mean_iou, pixel_accuracy
from danet.evaluation.evaluate import count
from danet.models.network import SegmentationNetwork
from danet.runs.metrics import Validation
from danet.settings import Plan


def look_at_validation(
    plan: Plan, experiment_id: str
) -> Callable[[SegmentationNetwork, torch.dtype], Validation] | None:
    """What scores a network during its training; None where ``compute.validate_every`` is 0.

    Draws no random number and keeps no gradient, so that the training goes on as it would have without.

    Raises:
        SettingsError: the data set has no such protocol.
        MissingDataError: the evaluation images have not been prepared.
    """
    experiment = plan.experiment(experiment_id)
    compute, dataset = experiment.compute, plan.dataset(experiment.dataset)
    if not compute.validate_every:
        return None
    protocol = experiment.protocol(compute.validate_protocol)
    split = PreparedSplit(dataset.paths.prepared("val"), dataset.command)
    images = min(compute.validate_images, len(split))
    positions = np.linspace(0, len(split) - 1, images).round().astype(int).tolist()

    def look(network: SegmentationNetwork, precision: torch.dtype) -> Validation:
        training = network.training
        confusion = count(network, split, protocol, dataset.labels, positions=positions, precision=precision)
        network.train(training)
        return {
            "protocol": compute.validate_protocol,
            "images": images,
            "miou": mean_iou(confusion, "left_out"),
            "pixel_accuracy": pixel_accuracy(confusion),
        }

    return look
