"""Figures 4 and 5: what position attention and channel attention change in the result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from danet.errors import SettingsError
from danet.inference.prediction import predict_classes
from danet.labels import IGNORED
from danet.reporting.figures.evaluation_images import (
    Box,
    EvaluationImages,
    best_of_each_part,
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
from danet.reporting.figures.trained_networks import open_network
from danet.settings import ExperimentName, FigureName, Plan

MODULES: dict[FigureName, tuple[str, str]] = {
    "figure4": ("position attention", "PAM"),
    "figure5": ("channel attention", "CAM"),
}


@dataclass(frozen=True)
class ComparedImage:
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
        if not valid.any():
            return 0.0
        with_module, without = ((found == self.truth)[valid] for found in (self.with_module, self.without))
        return float(with_module.mean() - without.mean())

    @property
    def corrected(self) -> np.ndarray:
        """(H, W) bool: pixels that only the network with the module gets right."""
        return (self.with_module == self.truth) & (self.without != self.truth) & (self.truth != IGNORED)


def draw(plan: Plan, name: FigureName) -> Drawing:
    """Images on which the module gains the most pixels, with both results and the ground truth."""
    module, short = MODULES[name]
    without, with_module = experiments = _pair(plan, name)
    images = open_images(plan, name)
    rows = largest_gains(_compare(plan, experiments, images), images.wanted)
    headings = ["Image", f"Without {short}", f"With {short}", "Ground truth"]
    caption = (
        f"Effect of the {module} module on the evaluation split ({images.title}): {without} without it,"
        f" {with_module} with it. Of {len(images.candidates())} images, the one with the largest gain in"
        f" pixel accuracy in each of {len(rows)} parts of the split; boxes mark the largest region that only"
        " the network with the module labels correctly."
    )
    facts = {
        "data": images.title,
        "experiments": experiments,
        "seed": plan.seeds[0],
        "rows": [_describe(row, images) for row in rows],
    }
    return Drawing(paint(rows, headings, images), caption, facts)


def corrected_region(row: ComparedImage) -> Box | None:
    """Box around the largest connected region that only the network with the module gets right."""
    parts = regions(np.where(row.corrected, 0, IGNORED))
    largest = max(parts, key=lambda part: part.pixels, default=None)
    return largest.box if largest else None


def largest_gains(rows: list[ComparedImage], count: int) -> list[ComparedImage]:
    """The row with the largest gain in each of ``count`` equal parts of the split."""
    by_position = {row.position: row for row in rows}
    gains = {position: row.gain for position, row in by_position.items()}
    return [by_position[position] for position in best_of_each_part(gains, count)]


def paint(rows: list[ComparedImage], headings: list[str], images: EvaluationImages) -> Figure:
    maps = [indices for row in rows for indices in (row.truth, row.without, row.with_module)]
    height, width = rows[0].truth.shape
    figure, axes = image_grid(len(rows), headings, height / width, legend_rows(images.labels, maps))
    for places, row in zip(axes, rows, strict=True):
        show(places[0], images.image(row.position))
        for place, indices in zip(places[1:], (row.without, row.with_module, row.truth), strict=True):
            show_classes(place, indices, images.labels)
        if box := corrected_region(row):
            for place in places:
                mark_box(place, box)
    class_legend(figure, images.labels, maps)
    return figure


def _pair(plan: Plan, name: FigureName) -> tuple[ExperimentName, ...]:
    experiments = plan.figure(name).experiments
    if len(experiments) != 2:
        raise SettingsError(
            f"params.yaml: figures.{name}.experiments names {len(experiments)} networks",
            "name two: one without the module, one with it",
        )
    return experiments


def _compare(
    plan: Plan, experiments: Sequence[ExperimentName], images: EvaluationImages
) -> list[ComparedImage]:
    networks = [(open_network(plan, name), plan.experiment(name).protocol("ss")) for name in experiments]
    return [
        ComparedImage(
            position,
            images.truth(position),
            *(predict_classes(network, images.image(position), protocol) for network, protocol in networks),
        )
        for position in images.candidates()
    ]


def _describe(row: ComparedImage, images: EvaluationImages) -> Mapping[str, object]:
    box = corrected_region(row)
    described = {"image": images.name(row.position), "pixel_accuracy_gain": round(row.gain, 6), "box": box}
    if box:
        top, left, bottom, right = box
        inside = row.corrected[top:bottom, left:right]
        for key, indices in {"class": row.truth, "without_module": row.without}.items():
            common = np.bincount(indices[top:bottom, left:right][inside]).argmax()
            described[key] = images.labels.names[common]
    return described
