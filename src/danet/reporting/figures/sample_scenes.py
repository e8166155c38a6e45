"""Figure 1: what makes scenes hard to parse: the same class near and far, large and small."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from danet.labels import LabelMap
from danet.reporting.figures.evaluation_images import (
    EvaluationImages,
    Region,
    most_varied,
    open_images,
    regions,
)
from danet.reporting.figures.style import (
    Drawing,
    class_legend,
    image_grid,
    legend_rows,
    mark_box,
    show,
    show_classes,
)
from danet.settings import FigureName, Plan

SMALLEST_REGION = 1 / 2000
"""Share of the image's pixels that a marked region has at least."""


@dataclass(frozen=True)
class SampleScene:
    """One image, its ground truth, and two regions of one class."""

    name: str
    pixels: np.ndarray
    """(H, W, 3) uint8."""
    truth: np.ndarray
    """(H, W) class indices."""
    pair: tuple[Region, ...]
    """The smallest and the largest region; empty where no class has two."""

    def class_name(self, labels: LabelMap) -> str | None:
        """Class of the pair."""
        return labels.names[self.pair[0].index] if self.pair else None


def draw(plan: Plan, name: FigureName) -> Drawing:
    """Images beside their ground truth; boxes mark the smallest and the largest region of a class."""
    images = open_images(plan, name)
    scenes = [_scene(images, position) for position in most_varied(images)]
    rows = [
        {
            "image": scene.name,
            "class": scene.class_name(images.labels),
            "boxes": [list(region.box) for region in scene.pair],
            "pixels": [region.pixels for region in scene.pair],
        }
        for scene in scenes
    ]
    caption = (
        f"Scenes from the evaluation split ({images.title}) and their ground truth: the image with the most"
        f" classes in each of {len(rows)} parts of the split. Boxes mark the smallest and the largest visible"
        " part of the kind of object that differs most in size; both have to be given the same label."
    )
    return Drawing(paint(scenes, images.labels), caption, {"data": images.title, "rows": rows})


def unequal_pair(truth: np.ndarray, is_object: Callable[[int], bool]) -> tuple[Region, Region] | None:
    """The smallest and the largest region of the class in which they differ most in size.

    Args:
        truth: (H, W) class indices.
        is_object: whether a class may be chosen.
    """
    found: dict[int, list[Region]] = {}
    for region in regions(truth, smallest=round(SMALLEST_REGION * truth.size)):
        if is_object(region.index):
            found.setdefault(region.index, []).append(region)
    by_size = [sorted(same, key=lambda region: region.pixels) for same in found.values() if len(same) > 1]
    pairs = [(same[0], same[-1]) for same in by_size]
    return max(pairs, key=lambda pair: pair[1].pixels / pair[0].pixels, default=None)


def _scene(images: EvaluationImages, position: int) -> SampleScene:
    truth = images.truth(position)
    pair = unequal_pair(truth, images.is_object) or ()
    return SampleScene(images.name(position), images.image(position), truth, pair)


def paint(scenes: Sequence[SampleScene], labels: LabelMap) -> Figure:
    truths = [scene.truth for scene in scenes]
    height, width = truths[0].shape
    figure, axes = image_grid(
        len(scenes), ["Image", "Ground truth"], height / width, legend_rows(labels, truths)
    )
    for (left, right), scene in zip(axes, scenes, strict=True):
        show(left, scene.pixels)
        show_classes(right, scene.truth, labels)
        for region, words in zip(scene.pair, ("", scene.class_name(labels) or ""), strict=False):
            mark_box(left, region.box, words)
            mark_box(right, region.box)
    class_legend(figure, labels, truths)
    return figure
