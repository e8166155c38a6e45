"""Images go in, confusion matrices come out; reading and counting happen while the device predicts."""

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch

from danet.data.prepared.split import PreparedSplit
from danet.evaluation.confusion import confusion_matrix
from danet.inference.prediction import predict_classes
from danet.labels import LabelMap
from danet.models.network import SegmentationNetwork
from danet.runs.image_counts import SparseMatrix
from danet.settings import Protocol

READ_AHEAD = 2
"""Images in memory beside the one that is predicted."""


@dataclass(frozen=True)
class Task:
    """What is predicted and how; can be sent to another process."""

    network: SegmentationNetwork
    split: PreparedSplit
    protocol: Protocol
    labels: LabelMap
    precision: torch.dtype = torch.float32
    """Type in which the network multiplies."""
    deterministic: bool = False
    """Whether a GPU should give the same bits twice."""

    @property
    def classes(self) -> int:
        return len(self.labels.names)


@dataclass(frozen=True, eq=False)
class CountedImage:
    """The confusion matrix of one image."""

    position: int
    """In the split."""
    matrix: SparseMatrix


def count_images(task: Task, positions: Iterable[int]) -> Generator[CountedImage, None, None]:
    """Predict and count images one after the other, in the order of their positions.

    The network is put into evaluation mode; the device of its parameters does the work.

    Raises:
        BadDataError: an image or a label is damaged.
    """
    task.network.eval()
    waiting = iter(positions)
    reader, counter = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
    read: deque[tuple[int, Future[tuple[np.ndarray, np.ndarray]]]] = deque()
    counted: deque[Future[CountedImage]] = deque()

    def read_ahead() -> None:
        for position in islice(waiting, READ_AHEAD + 1 - len(read)):
            read.append((position, reader.submit(_read, task, position)))

    try:
        read_ahead()
        while read:
            position, future = read.popleft()
            image, truth = future.result()
            read_ahead()
            prediction = predict_classes(task.network, image, task.protocol, task.precision)
            counted.append(counter.submit(_count, position, prediction, truth, task.classes))
            if len(counted) > 1:
                yield counted.popleft().result()
        for future in counted:
            yield future.result()
    finally:
        for pool in (reader, counter):
            pool.shutdown(cancel_futures=True)


def _read(task: Task, position: int) -> tuple[np.ndarray, np.ndarray]:
    return task.split.image(position), task.labels.lookup[task.split.label(position)]


def _count(position: int, prediction: np.ndarray, truth: np.ndarray, classes: int) -> CountedImage:
    return CountedImage(position, SparseMatrix.of(confusion_matrix(prediction, truth, classes)))
