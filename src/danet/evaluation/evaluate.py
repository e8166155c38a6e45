"""From a trained network and a prepared split to the scores of the tables."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from danet.data.prepared.split import PreparedSplit
from danet.errors import BadDataError, CheckpointError, SettingsError
from danet.evaluation.confusion import iou_by_class, mean_iou, pixel_accuracy
from danet.evaluation.counting import Task, count_images
from danet.evaluation.intervals import interval
from danet.evaluation.shares import count_on_devices
from danet.evaluation.unfinished import UnfinishedCounts
from danet.files import digest, file_digest
from danet.jobs.code import of_evaluation
from danet.labels import LabelMap
from danet.machine.arithmetic import choose_precision
from danet.machine.device import chosen_devices
from danet.machine.processes import keep_memory
from danet.models.inference_form import inference_form
from danet.models.network import SegmentationNetwork
from danet.progress import ProgressLine
from danet.runs.config import differing_facts
from danet.runs.evaluation_file import EvaluationRecord, IntervalRecord, ProtocolRecord, write_evaluation
from danet.runs.image_counts import CountsHeader, ImageCounts, SparseMatrix, sum_of, write_image_counts
from danet.runs.network_file import load_network
from danet.settings import BlockRule, Experiment, Plan, Protocol, nearest

OnImage = Callable[[int], None]
"""Called with the number of images done."""


def evaluate_run(
    plan: Plan,
    experiment_id: str,
    seed: int,
    protocol_name: str,
    devices: Sequence[torch.device] | None = None,
) -> Path:
    """Evaluate the trained network of a run; write its scores, and the counts of each image beside them.

    An evaluation of the same network, protocol and images that was interrupted is gone on with.

    Args:
        plan: names files and settings.
        experiment_id: whose network.
        seed: of its training.
        protocol_name: key in the experiment's protocols.
        devices: that share the images; by default all visible GPUs, or the CPU.

    Returns:
        The file: results/<profile>/<recipe>/eval/<experiment>/seed<N>/<protocol>.json.

    Raises:
        CheckpointError: final.pth is missing, damaged, or of other settings than params.yaml states.
        MissingDataError: the evaluation images have not been prepared.
        BadDataError: no pixel of them is labelled, or one of them is damaged.
        SettingsError: there is no such experiment, protocol or output.
    """
    experiment = plan.experiment(experiment_id)
    protocol = experiment.protocol(protocol_name)
    checkpoint = plan.paths.run(experiment.id, seed).final
    train = f"danet train --experiment {experiment.id} --seed {seed} {plan.options}"
    keep_memory()
    network, trained = load_network(checkpoint, train)
    if lines := differing_facts(trained, experiment):
        raise CheckpointError("\n  ".join([f"{checkpoint} was trained with other settings:", *lines]), train)
    _require_output(network, protocol, protocol_name)
    dataset = plan.dataset(experiment.dataset)
    split = PreparedSplit(dataset.paths.prepared("val"), dataset.command)
    devices = devices or chosen_devices()
    precision = choose_precision(experiment.training.precision, devices[0])
    deterministic = experiment.compute.deterministic
    task = Task(inference_form(network), split, protocol, dataset.labels, precision, deterministic)
    counts = _count_or_go_on(plan, experiment, seed, protocol_name, task, file_digest(checkpoint), devices)
    record = scores_of(counts, protocol, dataset.blocks)
    write_image_counts(plan.paths.image_counts(experiment.id, seed, protocol_name), counts)
    target = plan.paths.evaluation(experiment.id, seed, protocol_name)
    write_evaluation(target, record)
    plan.paths.unfinished_evaluation(experiment.id, seed, protocol_name).unlink(missing_ok=True)
    return target


def _require_output(network: SegmentationNetwork, protocol: Protocol, name: str) -> None:
    outputs = list(network.head.outputs)
    if protocol.output is not None and protocol.output not in outputs:
        raise SettingsError(
            f'protocol {name} scores the output "{protocol.output}", which the network does not have;'
            f" {nearest(protocol.output, outputs)}",
            f"name another one under protocols.{name}.output in params.yaml, or null",
        )


def _count_or_go_on(
    plan: Plan,
    experiment: Experiment,
    seed: int,
    protocol_name: str,
    task: Task,
    network_digest: str,
    devices: Sequence[torch.device],
) -> ImageCounts:
    """Count all images, of which an interrupted evaluation may have counted some."""
    facts = {
        "network": network_digest,
        "data": task.split.digest,
        "classes": task.labels.names,
        "protocol": task.protocol.facts(),
        "precision": str(task.precision),
        "code": of_evaluation(experiment.model, plan.dataset(experiment.dataset)),
        "torch": version("torch"),
    }
    path = plan.paths.unfinished_evaluation(experiment.id, seed, protocol_name)
    images = len(task.split)
    with UnfinishedCounts(path, digest(facts)) as counted:
        left = [position for position in range(images) if position not in counted.matrices]
        title = f"evaluate {experiment.id} seed {seed} {protocol_name}"
        with ProgressLine(title, images, "images", done=images - len(left)) as line:
            for image in count_on_devices(task, left, devices):
                counted.add(image.position, image.matrix)
                line.advance()
        return _image_counts(experiment, seed, protocol_name, task, counted.matrices)


def evaluate(
    network: SegmentationNetwork,
    experiment: Experiment,
    seed: int,
    protocol_name: str,
    split: PreparedSplit,
    labels: LabelMap,
    on_image: OnImage = lambda done: None,
    blocks: BlockRule | None = None,
) -> EvaluationRecord:
    """Score a network on every image of a split, in this process.

    Args:
        network: is put into evaluation mode; the device of its parameters does the work.
        experiment: names the protocols.
        seed: of the training, for the record.
        protocol_name: key in the experiment's protocols.
        split: images and labels.
        labels: the classes that the network tells apart.
        on_image: called after every image.
        blocks: which images are drawn together for the interval; None: each by itself.

    Raises:
        BadDataError: no pixel of the split is labelled.
    """
    protocol = experiment.protocol(protocol_name)
    task = Task(network, split, protocol, labels)
    matrices: dict[int, SparseMatrix] = {}
    for image in count_images(task, range(len(split))):
        matrices[image.position] = image.matrix
        on_image(len(matrices))
    return scores_of(_image_counts(experiment, seed, protocol_name, task, matrices), protocol, blocks)


def count(
    network: SegmentationNetwork,
    split: PreparedSplit,
    protocol: Protocol,
    labels: LabelMap,
    on_image: OnImage = lambda done: None,
    positions: Sequence[int] | None = None,
    precision: torch.dtype = torch.float32,
) -> np.ndarray:
    """The confusion matrix of a network over images of a split.

    Args:
        network: is put into evaluation mode; the device of its parameters does the work.
        split: images and labels.
        protocol: how images are scored.
        labels: the classes that the network tells apart.
        on_image: called after every image.
        positions: of the images; by default all.
        precision: type in which the network multiplies.

    Returns:
        (K, K) int64; rows are the ground truth.
    """
    wanted = range(len(split)) if positions is None else positions
    matrices: list[SparseMatrix] = []
    for image in count_images(Task(network, split, protocol, labels, precision), wanted):
        matrices.append(image.matrix)
        on_image(len(matrices))
    return sum_of(matrices, len(labels.names))


def scores_of(counts: ImageCounts, protocol: Protocol, blocks: BlockRule | None) -> EvaluationRecord:
    """The scores that derive from the counts of each image.

    Raises:
        BadDataError: no pixel is labelled, or an image is of no clip.
    """
    header, confusion = counts.header, counts.total()
    if not confusion.any():
        raise BadDataError(
            f"no pixel of the {header.split} split of {header.dataset} is labelled",
            f"danet check --dataset {header.dataset} --every-pixel",
        )
    around = interval(counts, "miou", protocol.absent_classes, blocks)
    return EvaluationRecord(
        experiment=header.experiment,
        seed=header.seed,
        protocol=header.protocol,
        images=len(header.images),
        miou=mean_iou(confusion, protocol.absent_classes),
        miou_interval=IntervalRecord.model_validate(asdict(around)),
        pixel_accuracy=pixel_accuracy(confusion),
        data_digest=header.data_digest,
        iou=iou_by_class(confusion, header.classes),
        confusion=confusion.tolist(),
    )


def _image_counts(
    experiment: Experiment, seed: int, protocol_name: str, task: Task, matrices: dict[int, SparseMatrix]
) -> ImageCounts:
    settings = task.protocol.model_dump(mode="json")
    header = CountsHeader(
        experiment=experiment.id,
        seed=seed,
        protocol=ProtocolRecord(name=protocol_name, **settings, classes=task.classes),
        dataset=task.split.dataset,
        split=task.split.split,
        data_digest=task.split.digest,
        classes=task.labels.names,
        images=tuple(entry.name for entry in task.split.entries),
    )
    return ImageCounts(header, [matrices[position] for position in range(len(task.split))])
