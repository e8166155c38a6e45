"""The evaluation images that figures show: opened, chosen, and taken apart into regions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import ndimage

from danet.data.prepared.split import PreparedSplit
from danet.labels import IGNORED, LabelMap
from danet.reporting.tables.captions import used_data
from danet.settings import FigureName, Plan

CANDIDATES = 40
"""Most images among which a figure chooses, evenly spread over the split: bounds the work."""

IMAGES = 3
"""Images of a figure for which params.yaml states no number."""

OBJECTS = frozenset(
    {
        *("person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle"),
        *("traffic light", "traffic sign"),
        *("pedestrian", "bicyclist", "sign symbol"),
    }
)
"""Classes of Cityscapes and CamVid that are countable things, not surroundings."""

Box = tuple[int, int, int, int]
"""Top, left, bottom, right in pixels, the last two exclusive."""


@dataclass(frozen=True)
class EvaluationImages:
    """The evaluation split of one data set, with labels as networks see them."""

    title: str
    """What the images are, in words."""
    split: PreparedSplit
    labels: LabelMap
    wanted: int
    """Images that the figure shows."""

    def image(self, position: int) -> np.ndarray:
        """(H, W, 3) uint8."""
        return self.split.image(position)

    def truth(self, position: int) -> np.ndarray:
        """(H, W) uint8 class indices, 255 where ignored."""
        return self.labels.lookup[self.split.label(position)]

    def is_object(self, index: int) -> bool:
        """Whether a class is a countable thing."""
        return self.labels.names[index] in OBJECTS

    def name(self, position: int) -> str:
        return self.split.entries[position].name

    def candidates(self) -> list[int]:
        """Positions among which figures choose."""
        count = min(len(self.split), CANDIDATES)
        return [position * len(self.split) // count for position in range(count)]


@dataclass(frozen=True)
class Region:
    """A connected region of one class."""

    index: int
    """Its class."""
    pixels: int
    box: Box
    mask: np.ndarray
    """(bottom - top, right - left) bool: its pixels within the box."""

    def centre(self) -> tuple[int, int]:
        """Row and column of the pixel that lies deepest inside."""
        depth = np.asarray(ndimage.distance_transform_edt(np.pad(self.mask, 1)))[1:-1, 1:-1]
        row, column = np.unravel_index(depth.argmax(), depth.shape)
        return self.box[0] + int(row), self.box[1] + int(column)


def open_images(plan: Plan, name: FigureName) -> EvaluationImages:
    """The evaluation split of the data set that a figure shows.

    Raises:
        MissingDataError: it has not been prepared.
    """
    figure, dataset = plan.figure(name), plan.dataset_of_figure(name)
    experiments = map(plan.experiment, (*figure.experiments, *plan.experiments))
    return EvaluationImages(
        title=used_data(plan, next(e for e in experiments if e.dataset == dataset.name)),
        split=PreparedSplit(dataset.paths.prepared("val"), dataset.command),
        labels=dataset.labels,
        wanted=figure.images or IMAGES,
    )


def most_varied(images: EvaluationImages) -> list[int]:
    """The candidate that shows the most classes, in each of as many equal parts as images are wanted."""
    variety = {position: len(_classes(images.truth(position))) for position in images.candidates()}
    return best_of_each_part(variety, images.wanted)


def best_of_each_part(scores: Mapping[int, float], parts: int) -> list[int]:
    """The position with the highest score in each part, the first one among equals.

    Neighbours in a split are often frames of one drive, so the best overall would look alike.

    Args:
        scores: by position, in ascending order of position.
        parts: number of parts of equal length; fewer where there are fewer positions.
    """
    positions = list(scores)
    parts = min(parts, len(positions))
    bounds = [part * len(positions) // parts for part in range(parts + 1)]
    return [max(positions[start:end], key=scores.__getitem__) for start, end in pairwise(bounds)]


def regions(indices: np.ndarray, smallest: int = 1) -> Iterator[Region]:
    """Connected regions (4 neighbours) of every class, ignored pixels left out.

    Args:
        indices: (H, W) class indices.
        smallest: regions of fewer pixels are left out.
    """
    for index in _classes(indices):
        numbered = np.empty(indices.shape, np.int32)
        ndimage.label(indices == index, output=numbered)
        for number, (rows, columns) in enumerate(ndimage.find_objects(numbered), start=1):
            mask = numbered[rows, columns] == number
            pixels = int(mask.sum())
            if pixels >= smallest:
                yield Region(index, pixels, (rows.start, columns.start, rows.stop, columns.stop), mask)


def _classes(indices: np.ndarray) -> list[int]:
    return [int(index) for index in np.unique(indices) if index != IGNORED]
