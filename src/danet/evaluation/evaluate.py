"""From a trained network and a prepared split to the scores of the tables."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from danet.data.prepared.split import PreparedSplit
from danet.errors import BadDataError, CheckpointError
from danet.evaluation.confusion import confusion_matrix, iou_by_class, mean_iou, pixel_accuracy
from danet.inference.prediction import predict_classes
from danet.labels import LabelMap
from danet.machine.arithmetic import flush_denormals
from danet.machine.device import chosen_device
from danet.models.network import SegmentationNetwork
from danet.progress import ProgressLine
from danet.runs.config import differing_facts
from danet.runs.evaluation_file import EvaluationRecord, ProtocolRecord, write_evaluation
from danet.runs.network_file import load_network
from danet.settings import Experiment, Plan, Protocol

OnImage = Callable[[int], None]
"""Called with the number of images done."""


def evaluate_run(plan: Plan, experiment_id: str, seed: int, protocol_name: str) -> Path:
    """Evaluate the trained network of a run and write the file of its scores.

    Returns:
        The file: results/<profile>/<recipe>/eval/<experiment>/seed<N>/<protocol>.json.

    Raises:
        CheckpointError: final.pth is missing, damaged, or of other settings than params.yaml states.
        MissingDataError: the evaluation images have not been prepared.
        BadDataError: no pixel of them is labelled.
        SettingsError: there is no such experiment or protocol.
    """
    experiment = plan.experiment(experiment_id)
    experiment.protocol(protocol_name)
    checkpoint = plan.paths.run(experiment.id, seed).final
    train = f"danet train --experiment {experiment.id} --seed {seed} {plan.options}"
    flush_denormals()
    network, trained = load_network(checkpoint, train)
    if lines := differing_facts(trained, experiment):
        raise CheckpointError("\n  ".join([f"{checkpoint} was trained with other settings:", *lines]), train)
    dataset = plan.dataset(experiment.dataset)
    split = PreparedSplit(dataset.paths.prepared("val"), dataset.command)
    network.to(chosen_device())
    title = f"evaluate {experiment.id} seed {seed} {protocol_name}"
    with ProgressLine(title, len(split), "images") as line:
        record = evaluate(
            network, experiment, seed, protocol_name, split, dataset.labels, lambda done: line.advance()
        )
    target = plan.paths.evaluation(experiment.id, seed, protocol_name)
    write_evaluation(target, record)
    return target


def evaluate(
    network: SegmentationNetwork,
    experiment: Experiment,
    seed: int,
    protocol_name: str,
    split: PreparedSplit,
    labels: LabelMap,
    on_image: OnImage = lambda done: None,
) -> EvaluationRecord:
    """Score a network on every image of a split.

    Args:
        network: is put into evaluation mode; the device of its parameters does the work.
        experiment: names the protocols.
        seed: of the training, for the record.
        protocol_name: key in the experiment's protocols.
        split: images and labels.
        labels: the classes that the network tells apart.
        on_image: called after every image.

    Raises:
        BadDataError: no pixel of the split is labelled.
    """
    protocol = experiment.protocol(protocol_name)
    confusion = count(network, split, protocol, labels, on_image)
    if not confusion.any():
        raise BadDataError(
            f"no pixel of the {split.split} split of {split.dataset} is labelled",
            f"danet check --dataset {split.dataset} --every-pixel",
        )
    settings = protocol.model_dump(mode="json")
    return EvaluationRecord(
        experiment=experiment.id,
        seed=seed,
        protocol=ProtocolRecord(name=protocol_name, **settings, classes=len(labels.names)),
        images=len(split),
        miou=mean_iou(confusion, protocol.absent_classes),
        pixel_accuracy=pixel_accuracy(confusion),
        iou=iou_by_class(confusion, labels.names),
        confusion=confusion.tolist(),
    )


def count(
    network: SegmentationNetwork,
    split: PreparedSplit,
    protocol: Protocol,
    labels: LabelMap,
    on_image: OnImage = lambda done: None,
) -> np.ndarray:
    """The confusion matrix of a network over every image of a split.

    Args:
        network: is put into evaluation mode; the device of its parameters does the work.
        split: images and labels.
        protocol: how images are scored.
        labels: the classes that the network tells apart.
        on_image: called after every image.

    Returns:
        (K, K) int64; rows are the ground truth.
    """
    network.eval()
    classes = len(labels.names)
    confusion = np.zeros((classes, classes), np.int64)
    for index in range(len(split)):
        prediction = predict_classes(network, split.image(index), protocol)
        confusion += confusion_matrix(prediction, labels.lookup[split.label(index)], classes)
        on_image(index + 1)
    return confusion
