"""Figure 1: what makes scenes hard to parse: the same class near and far, large and small."""

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from danet.reporting.figures.canvas import (
    class_legend,
    image_grid,
    legend_rows,
    mark_box,
    show,
    show_classes,
)
from danet.reporting.figures.scenes import Region, Scenes, most_varied, open_scenes, regions
from danet.settings import Params
from danet.settings.schema import FigureName

SMALLEST_REGION = 1 / 2000
"""Share of the image's pixels that a marked region has at least."""


def draw(params: Params, name: FigureName) -> tuple[Figure, dict[str, Any]]:
    """Images beside their ground truth; boxes mark the smallest and the largest region of a class."""
    scenes = open_scenes(params)
    rows = [_row(scenes, position) for position in most_varied(scenes, params.figures[name].images)]
    shown = [
        {
            "image": row["image"],
            "class": row["class"],
            "boxes": [list(region.box) for region in row["pair"]],
            "pixels": [region.pixels for region in row["pair"]],
        }
        for row in rows
    ]
    caption = (
        f"Scenes from the evaluation split ({scenes.title}) and their ground truth: the image with the most"
        f" classes in each of {len(rows)} parts of the split. Boxes mark the smallest and the largest visible"
        " part of the kind of object that differs most in size; both have to be given the same label."
    )
    return paint(rows, scenes), {"caption": caption, "data": scenes.title, "rows": shown}


def unequal_pair(truth: np.ndarray, is_object: Callable[[int], bool]) -> tuple[Region, Region] | None:
    """The smallest and the largest region of the class in which they differ most in size.

    Args:
        truth: (H, W) class indices.
        is_object: tells classes that may be chosen.
    """
    found: dict[int, list[Region]] = {}
    for region in regions(truth, smallest=round(SMALLEST_REGION * truth.size)):
        if is_object(region.index):
            found.setdefault(region.index, []).append(region)
    by_size = [sorted(same, key=lambda region: region.pixels) for same in found.values() if len(same) > 1]
    pairs = [(same[0], same[-1]) for same in by_size]
    return max(pairs, key=lambda pair: pair[1].pixels / pair[0].pixels, default=None)


def _row(scenes: Scenes, position: int) -> dict[str, Any]:
    pair = unequal_pair(scenes.truth(position), scenes.is_object) or ()
    return {
        "image": scenes.name(position),
        "pixels": scenes.image(position),
        "truth": scenes.truth(position),
        "class": scenes.labels.names[pair[0].index] if pair else None,
        "pair": pair,
    }


def paint(rows: list[dict[str, Any]], scenes: Scenes) -> Figure:
    truths = [row["truth"] for row in rows]
    height, width = truths[0].shape
    figure, axes = image_grid(
        len(rows), ["Image", "Ground truth"], height / width, legend_rows(scenes.labels, truths)
    )
    for (left, right), row in zip(axes, rows, strict=True):
        show(left, row["pixels"])
        show_classes(right, row["truth"], scenes.labels)
        for region, words in zip(row["pair"], ("", row["class"]), strict=False):
            mark_box(left, region.box, words)
            mark_box(right, region.box)
    class_legend(figure, scenes.labels, truths)
    return figure
