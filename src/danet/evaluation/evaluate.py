"""From a trained network and a prepared split to the scores of the tables."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from danet.data.label_maps import label_map, training_lookup
from danet.data.prepared import PreparedSplit
from danet.errors import BadDataError, CheckpointError
from danet.evaluation.confusion import confusion_matrix, iou, mean_iou, pixel_accuracy
from danet.evaluation.scoring import image_scores
from danet.files import write_json
from danet.models.network import SegmentationNetwork, load_network
from danet.progress import ProgressLine
from danet.settings import Experiment, Params, dataset_paths, resolve, result_paths
from danet.training.arithmetic import flush_denormals
from danet.training.checkpoint import differing_keys

OnImage = Callable[[int], None]
"""Called with the number of images done."""


def evaluate(
    network: SegmentationNetwork,
    experiment: Experiment,
    split: PreparedSplit,
    protocol_name: str,
    on_image: OnImage = lambda done: None,
) -> dict[str, Any]:
    """Score a network on every image of a split.

    Args:
        network: is put into evaluation mode; the device of its parameters does the work.
        experiment: names the data set, the number of classes and the protocols.
        split: images and labels.
        protocol_name: ``ss`` or ``ms``.
        on_image: called after every image.

    Returns:
        JSON-like: experiment, protocol, images (their number), miou and pixel_accuracy (0 to 1), iou
        (class name to value, None where the class does not occur) and confusion (rows: ground truth).

    Raises:
        BadDataError: no pixel of the split is labelled.
    """
    confusion = count(network, experiment, split, protocol_name, on_image)
    if not confusion.any():
        raise BadDataError(
            f"no pixel of the {split.split} split of {split.dataset} is labelled", "danet prepare --help"
        )
    classes = experiment.model.classes
    names = label_map(experiment.dataset, classes).names
    protocol = experiment.protocols[protocol_name].model_dump(mode="json")
    return {
        "experiment": experiment.id,
        "protocol": {"name": protocol_name, **protocol, "classes": classes},
        "images": len(split),
        "miou": mean_iou(confusion),
        "pixel_accuracy": pixel_accuracy(confusion),
        "iou": {
            name: None if math.isnan(value) else value
            for name, value in zip(names, iou(confusion).tolist(), strict=True)
        },
        "confusion": confusion.tolist(),
    }


@torch.inference_mode()
def count(
    network: SegmentationNetwork,
    experiment: Experiment,
    split: PreparedSplit,
    protocol_name: str,
    on_image: OnImage = lambda done: None,
) -> np.ndarray:
    """The confusion matrix (K, K) of a network over a split; arguments as for ``evaluate``."""
    network.eval()
    device = next(network.parameters()).device
    classes = experiment.model.classes
    lookup = training_lookup(experiment.dataset, classes)
    confusion = np.zeros((classes, classes), np.int64)
    for index in range(len(split)):
        image = torch.from_numpy(split.image(index)).permute(2, 0, 1).to(device)
        scores = image_scores(network.predict, image, experiment.protocols[protocol_name])
        prediction = scores.argmax(dim=0).cpu().numpy()
        confusion += confusion_matrix(prediction, lookup[split.label(index)], classes)
        on_image(index + 1)
    return confusion


def evaluate_run(params: Params, experiment_id: str, seed: int, protocol_name: str) -> Path:
    """Evaluate the trained network of a run and write the JSON file of the scores.

    Returns:
        The file: results/<profile>/eval/<experiment>/seed<N>/<protocol>.json.

    Raises:
        CheckpointError: final.pth is missing, damaged, or of other settings than params.yaml states.
        MissingDataError: the evaluation images have not been prepared.
    """
    paths = result_paths(params)
    checkpoint = paths.run(experiment_id, seed).final
    experiment = resolve(params, experiment_id)
    again = f"danet train --profile {params.profile} --experiment {experiment_id} --seed {seed}"
    if not checkpoint.exists():
        raise CheckpointError(f"{checkpoint} is not here", again)
    flush_denormals()
    network, trained = load_network(checkpoint)
    different = differing_keys(trained.training_facts(), experiment.training_facts())
    if different:
        lines = "".join(f"\n  {line}" for line in different)
        raise CheckpointError(f"{checkpoint} was trained with other settings:{lines}", again)
    split = PreparedSplit(dataset_paths(params, experiment.dataset).prepared("val"))
    network.to("cuda" if torch.cuda.is_available() else "cpu")

    title = f"evaluate {experiment_id} seed {seed} {protocol_name}"
    with ProgressLine(title, len(split), "images") as line:
        scores = evaluate(network, experiment, split, protocol_name, lambda done: line.advance())
    target = paths.evaluation(experiment_id, seed, protocol_name)
    write_json(target, {"experiment": experiment_id, "seed": seed, **scores})
    return target
