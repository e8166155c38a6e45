"""Figures 4 and 5: what position attention and channel attention change in the result."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from scipy import ndimage

from danet.data.label_maps import IGNORED
from danet.errors import SettingsError
from danet.reporting.figures.canvas import (
    class_legend,
    image_grid,
    legend_rows,
    mark_box,
    show,
    show_classes,
)
from danet.reporting.figures.predictions import open_network, predict
from danet.reporting.figures.scenes import Box, Scenes, best_of_each_part, open_scenes
from danet.settings import Params
from danet.settings.schema import FigureName

MODULES = {"figure4": ("position attention", "PAM"), "figure5": ("channel attention", "CAM")}


@dataclass(frozen=True)
class Row:
    """One image and what both networks make of it."""

    position: int
    truth: np.ndarray
    without: np.ndarray
    """Class indices (H, W) from the network without the module."""
    with_module: np.ndarray
    """The same from the network with it."""

    @property
    def gain(self) -> float:
        """Gain in pixel accuracy through the module, from -1 to 1."""
        valid = self.truth != IGNORED
        right = (self.with_module == self.truth)[valid].mean() - (self.without == self.truth)[valid].mean()
        return float(right) if valid.any() else 0.0


def draw(params: Params, name: FigureName) -> tuple[Figure, dict[str, Any]]:
    """Images on which the module gains the most pixels, with both results and the ground truth."""
    module, short = MODULES[name]
    experiments = _pair(params, name)
    scenes = open_scenes(params, experiments[0])
    rows = largest_gains(_all_rows(params, experiments, scenes), params.figures[name].images)
    headings = ["Image", f"Without {short}", f"With {short}", "Ground truth"]
    without, with_module = experiments
    caption = (
        f"Effect of the {module} module on the evaluation split ({scenes.title}): {without} without it,"
        f" {with_module} with it. Of {len(scenes.candidates())} images, the one with the largest gain in"
        f" pixel accuracy in each of {len(rows)} parts of the split; boxes mark the largest region that only"
        " the network with the module labels correctly."
    )
    shown = {"caption": caption, "data": scenes.title, "experiments": experiments, "seed": params.seeds[0]}
    return paint(rows, headings, scenes), shown | {"rows": [_describe(row, scenes) for row in rows]}


def corrected_region(row: Row) -> Box | None:
    """Box around the largest connected region that only the network with the module gets right."""
    corrected = (row.with_module == row.truth) & (row.without != row.truth) & (row.truth != IGNORED)
    numbered, count = ndimage.label(corrected)
    if not count:
        return None
    largest = 1 + int(np.bincount(numbered.ravel())[1:].argmax())
    rows, columns = ndimage.find_objects(numbered)[largest - 1]
    return rows.start, columns.start, rows.stop, columns.stop


def largest_gains(rows: list[Row], count: int) -> list[Row]:
    """The row with the largest gain in each of ``count`` equal parts of the split."""
    by_position = {row.position: row for row in rows}
    gains = {position: row.gain for position, row in by_position.items()}
    return [by_position[position] for position in best_of_each_part(gains, count)]


def paint(rows: list[Row], headings: list[str], scenes: Scenes) -> Figure:
    maps = [indices for row in rows for indices in (row.truth, row.without, row.with_module)]
    height, width = rows[0].truth.shape
    figure, axes = image_grid(len(rows), headings, height / width, legend_rows(scenes.labels, maps))
    for places, row in zip(axes, rows, strict=True):
        show(places[0], scenes.image(row.position))
        for place, indices in zip(places[1:], (row.without, row.with_module, row.truth), strict=True):
            show_classes(place, indices, scenes.labels)
        box = corrected_region(row)
        for place in places if box else ():
            mark_box(place, box)
    class_legend(figure, scenes.labels, maps)
    return figure


def _pair(params: Params, name: FigureName) -> tuple[str, str]:
    experiments = params.figures[name].experiments
    if len(experiments) != 2:
        raise SettingsError(
            f"params.yaml: figures.{name}.experiments names {len(experiments)} networks",
            "name two: one without the module, one with it",
        )
    return experiments


def _all_rows(params: Params, experiments: tuple[str, str], scenes: Scenes) -> list[Row]:
    networks = [open_network(params, experiment) for experiment in experiments]
    return [
        Row(
            position,
            scenes.truth(position),
            *(predict(network, trained, scenes.image(position)) for network, trained in networks),
        )
        for position in scenes.candidates()
    ]


def _describe(row: Row, scenes: Scenes) -> dict[str, Any]:
    box = corrected_region(row)
    described = {"image": scenes.name(row.position), "pixel_accuracy_gain": round(row.gain, 6), "box": box}
    if box:
        top, left, bottom, right = box
        corrected = (row.with_module == row.truth) & (row.without != row.truth)
        inside = corrected[top:bottom, left:right]
        for key, indices in {"class": row.truth, "without_module": row.without}.items():
            common = np.bincount(indices[top:bottom, left:right][inside]).argmax()
            described[key] = scenes.labels.names[common]
    return described
